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

#[cfg(test)]
mod tests {
    use serde_json::Map;

    use super::*;

    fn seat() -> Result<Judges> {
        Ok(Judges::new(|_| true, &Map::new())?)
    }

    #[test]
    fn a_record_is_judged_where_there_is_one_and_told_where_it_is_damaged() {
        let folder = tempfile::tempdir().unwrap();
        assert!(judge_beside(folder.path(), &seat).unwrap().is_empty());
        let record = r#"{"n_steps": 3, "stale_optimizers": [{"n_parameters": 2, "optimizer": "SGD"}]}"#;
        std::fs::write(folder.path().join(CODE), record).unwrap();
        let verdicts = judge_beside(folder.path(), &seat).unwrap();
        assert_eq!(verdicts[0].findings[0].rule, "stale-optimizer");
        assert!(damage_beside(folder.path()).is_empty());
        std::fs::write(folder.path().join(CODE), "{").unwrap();
        assert!(judge_beside(folder.path(), &seat).unwrap().is_empty());
        assert!(damage_beside(folder.path())[0].contains("code.json: not read"));
    }
}
