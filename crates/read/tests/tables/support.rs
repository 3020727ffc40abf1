//! Files for tests, and the record of them.

use std::path::{Path, PathBuf};

use stetho_core::table::{Column, Kind, Table};
use stetho_core::{Signal, Signals};
use stetho_read::{Plan, ReadError, Reading, Unwatched, read_table};

/// A folder that goes with the test.
pub(crate) struct Folder(tempfile::TempDir);

impl Folder {
    pub(crate) fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    pub(crate) fn write(&self, name: &str, bytes: impl AsRef<[u8]>) -> PathBuf {
        let path = self.0.path().join(name);
        std::fs::write(&path, bytes).unwrap();
        path
    }

    pub(crate) fn path(&self) -> &Path {
        self.0.path()
    }
}

/// Signals that streaming alone measures.
pub(crate) fn streamed() -> Signals {
    [Signal::Columns, Signal::Malformed, Signal::Duplicates, Signal::Conflicts, Signal::Overlap]
        .into_iter()
        .collect()
}

/// A plan for training files, two threads, lists of 100.
pub(crate) fn plan(train: Vec<PathBuf>) -> Plan {
    Plan { train, listed: 100, threads: 2, signals: streamed(), ..Plan::default() }
}

pub(crate) fn try_check(name: &str, bytes: &[u8]) -> Result<Reading, ReadError> {
    let folder = Folder::new();
    read_table(&plan(vec![folder.write(name, bytes)]), &Unwatched)
}

/// The record of a text table.
pub(crate) fn check(text: impl AsRef<[u8]>) -> Table {
    try_check("table.csv", text.as_ref()).unwrap().table
}

/// The message of a text table that cannot be read: one line that names the file.
pub(crate) fn refusal(text: impl AsRef<[u8]>) -> String {
    let message = try_check("table.csv", text.as_ref()).unwrap_err().to_string();
    assert!(!message.contains('\n') && message.contains("table.csv"), "{message}");
    message
}

pub(crate) fn column<'a>(table: &'a Table, name: &str) -> &'a Column {
    table
        .columns
        .iter()
        .find(|c| c.name == name)
        .unwrap_or_else(|| panic!("no column {name}: {:?}", names(table)))
}

pub(crate) fn names(table: &Table) -> Vec<&str> {
    table.columns.iter().map(|c| c.name.as_str()).collect()
}

pub(crate) fn kinds(table: &Table) -> Vec<Kind> {
    table.columns.iter().map(|c| c.kind).collect()
}

/// Values with counts, as (value, count).
pub(crate) fn values(column: &Column) -> Vec<(&str, u64)> {
    column.values.counts.iter().map(|(v, n)| (v.as_str(), *n)).collect()
}

/// Row, line and problem of each malformed row.
pub(crate) fn malformed(table: &Table) -> Vec<(u64, Option<u64>, &str)> {
    table.malformed.rows.iter().map(|m| (m.row, m.line, m.problem.as_str())).collect()
}
