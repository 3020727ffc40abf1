//! What `stetho run` leaves beside the log of a run and what is judged with it: the records of the script, and of the
//! experiments before training.

use std::path::Path;

use anyhow::Result;
use serde::de::DeserializeOwned;
use stetho_core::Verdict;
use stetho_core::code::Code;
use stetho_core::preflight::{self, Preflight};
use stetho_rules::Judges;

/// The record of the script.
const CODE: &str = "code.json";

/// The verdicts on the records in the folder of a run, as many as there are.
///
/// # Errors
/// When the rules cannot be seated.
pub(crate) fn judge_beside(run: &Path, seat: &dyn Fn() -> Result<Judges>) -> Result<Vec<Verdict>> {
    let mut verdicts = Vec::new();
    if let Ok(Some(record)) = preflight_of(run) {
        verdicts.push(seat()?.judge_preflight(&record));
    }
    if let Ok(Some(code)) = read::<Code>(run, CODE) {
        verdicts.push(seat()?.judge_code(&code));
    }
    Ok(verdicts)
}

/// What is said of records that cannot be read.
pub(crate) fn damage_beside(run: &Path) -> Vec<String> {
    [read::<Code>(run, CODE).err(), preflight_of(run).err()].into_iter().flatten().collect()
}

/// What experiments before training measured; none where none were made.
///
/// # Errors
/// When there is a record that cannot be read; says why.
pub(crate) fn preflight_of(run: &Path) -> Result<Option<Preflight>, String> {
    parsed(run, preflight::FILE, |bytes| Preflight::parse(&String::from_utf8_lossy(bytes)))
}

/// A record; none where there is no such file.
fn read<R: DeserializeOwned>(run: &Path, name: &str) -> Result<Option<R>, String> {
    parsed(run, name, |bytes| serde_json::from_slice(bytes))
}

fn parsed<R>(
    run: &Path,
    name: &str,
    parse: impl FnOnce(&[u8]) -> serde_json::Result<R>,
) -> Result<Option<R>, String> {
    let path = run.join(name);
    if !path.is_file() {
        return Ok(None);
    }
    let refused = |problem: String| format!("{}: not read: {problem}", path.display());
    let bytes = std::fs::read(&path).map_err(|e| refused(e.to_string()))?;
    parse(&bytes).map(Some).map_err(|e| refused(e.to_string()))
}
