//! What to read, and who watches.

use std::path::PathBuf;

use stetho_core::Signals;
use stetho_core::table::Table;

/// What to read and measure.
#[derive(Clone, Debug, Default)]
pub struct Plan {
    /// Files and folders of the training part; several files of one schema are one data set.
    pub train: Vec<PathBuf>,
    /// Files and folders of the validation part; may be empty, as may `test`.
    pub validation: Vec<PathBuf>,
    /// Files and folders of the test part.
    pub test: Vec<PathBuf>,
    /// Name of the target column.
    pub target: Option<String>,
    /// Name of the group column.
    pub group: Option<String>,
    /// What the enabled rules need.
    pub signals: Signals,
    /// How many rows, groups and cells each list of the record keeps.
    pub listed: usize,
    /// How many rows are kept for what needs rows; `None` for as many as a report needs.
    pub kept: Option<usize>,
    /// Worker threads; 0 for one a core.
    pub threads: usize,
    /// Whether to measure also what no rule needs and only a page draws: maps of the data, rows to look at.
    pub for_page: bool,
}

/// Watches the reading: progress and the wish to stop.
pub trait Watch: Sync {
    /// `done` of `total` bytes of the input files have been read.
    fn progress(&self, done: u64, total: u64);
    /// Whether to stop now and report what has been seen.
    fn stopped(&self) -> bool;
}

/// Nobody watches.
#[derive(Clone, Copy, Debug, Default)]
pub struct Unwatched;

impl Watch for Unwatched {
    fn progress(&self, _done: u64, _total: u64) {}
    fn stopped(&self) -> bool {
        false
    }
}

/// What was read.
#[derive(Clone, Debug, Default)]
pub struct Reading {
    /// The record.
    pub table: Table,
    /// Whether the watcher stopped it early.
    pub partial: bool,
    /// Files that were stepped over, with the reason, one line each.
    pub skipped: Vec<String>,
}
