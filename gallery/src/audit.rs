//! Runs the real reader and every rule on data sets, as `stetho check` does.

use std::path::PathBuf;

use serde_json::Map;
use stetho_core::{MAX_PLACES, Verdict};
use stetho_read::{Data, Plan, Unwatched};
use stetho_rules::Judges;

use crate::GalleryError;

/// A data set on disk, and what the command line would say of it.
#[derive(Clone, Debug, Default)]
pub struct DataSet {
    /// The training part.
    pub train: PathBuf,
    /// `--val`.
    pub val: Option<PathBuf>,
    /// `--test`.
    pub test: Option<PathBuf>,
    /// `--target`.
    pub target: Option<String>,
    /// `--group`.
    pub group: Option<String>,
    /// Whether simple models are fitted (`stetho fit`) rather than the data audited.
    pub fits: bool,
    /// Whether it is the log of a training run (`stetho watch`).
    pub is_run: bool,
}

/// Audits a data set with every rule at its default options.
///
/// # Errors
/// When the data cannot be read at all.
pub fn audit(data: &DataSet) -> Result<Verdict, GalleryError> {
    if data.is_run {
        return Ok(crate::judge_run(&data.train)?.verdict);
    }
    let judges = Judges::new(|_| true, &Map::new())?;
    let plan = Plan {
        train: vec![data.train.clone()],
        validation: data.val.iter().cloned().collect(),
        test: data.test.iter().cloned().collect(),
        target: data.target.clone(),
        group: data.group.clone(),
        signals: judges.wanted(),
        listed: MAX_PLACES,
        threads: 1, // the same on every machine
        for_page: false,
        kept: None,
    };
    if data.fits {
        let frame = stetho_read::read_frame(&plan, &Unwatched)?;
        let loaded = stetho_fit::from_frame(&frame, &stetho_fit::Roles::default())?;
        let record =
            stetho_fit::fit(&loaded.samples, &stetho_fit::Options::default(), &stetho_fit::Unfollowed)?;
        return Ok(judges.judge_fit(&record));
    }
    Ok(match stetho_read::read_data(&plan, None, &Unwatched)? {
        Data::Table(reading) => judges.judge_table(&reading.table),
        Data::Images(reading) => judges.judge_pictures(&reading.pictures),
        Data::Boxes(reading) => judges.judge_boxes(&reading.boxes, &reading.pictures),
    })
}

/// One line a finding, for messages: `warning duplicate-rows: 3 rows occur more than once`.
pub fn raised(verdict: &Verdict) -> Vec<String> {
    verdict.findings.iter().map(|f| format!("{} {}: {}", f.severity.name(), f.rule, f.message)).collect()
}
