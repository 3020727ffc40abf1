//! What `stetho run` leaves beside the log of a run and what is judged with it: the record of the script.

use std::path::Path;

use anyhow::Result;
use serde::de::DeserializeOwned;
use stetho_core::Verdict;
use stetho_core::code::Code;
use stetho_rules::Judges;

/// The record of the script.
const CODE: &str = "code.json";

/// The verdicts on the records in the folder of a run, as many as there are.
///
/// # Errors
/// When the rules cannot be seated.
pub(super) fn judge_beside(run: &Path, seat: &dyn Fn() -> Result<Judges>) -> Result<Vec<Verdict>> {
    let mut verdicts = Vec::new();
    if let Ok(Some(code)) = read::<Code>(run, CODE) {
        verdicts.push(seat()?.judge_code(&code));
    }
    Ok(verdicts)
}

/// What is said of records that cannot be read.
pub(super) fn damage_beside(run: &Path) -> Vec<String> {
    [read::<Code>(run, CODE).err()].into_iter().flatten().collect()
}

/// A record; none where there is no such file.
fn read<R: DeserializeOwned>(run: &Path, name: &str) -> Result<Option<R>, String> {
    let path = run.join(name);
    if !path.is_file() {
        return Ok(None);
    }
    let refused = |problem: String| format!("{}: not read: {problem}", path.display());
    let text = std::fs::read(&path).map_err(|e| refused(e.to_string()))?;
    serde_json::from_slice(&text).map(Some).map_err(|e| refused(e.to_string()))
}
