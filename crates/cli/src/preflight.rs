//! `stetho preflight`: the report on the experiments before training.

use std::path::Path;
use std::time::Instant;

use anyhow::{Result, bail};
use serde_json::Map;
use stetho_core::preflight::Preflight;
use stetho_core::{Document, Finding, MAX_PLACES, SCHEMA, Subject, Verdict};
use stetho_report::PreflightFacts;
use stetho_rules::Judges;

use crate::delivery::command_line;
use crate::watch::{damage_beside, judge_beside, preflight_of};

/// The report on the experiments whose record lies in `folder`.
///
/// # Errors
/// When there is no record, since the script never came to a training step, or it cannot be read.
pub(crate) fn document(
    folder: &Path,
    script: &str,
    all: bool,
    seat: &dyn Fn() -> Result<Judges>,
    start: Instant,
) -> Result<Document> {
    let record = match preflight_of(folder) {
        Ok(Some(record)) => record,
        Ok(None) => bail!("`{script}` came to no training step, so no experiment could be made"),
        Err(problem) => bail!("{problem}"),
    };
    if let (Some(why), None) = (nothing_made(&record), &record.raised) {
        bail!("no experiment could be made on `{script}`: {why}");
    }
    let mut verdict = judge_beside(folder, seat)?.into_iter().fold(Verdict::default(), Verdict::join);
    stetho_rules::join_families(&mut verdict.findings);
    if !all {
        verdict.truncate(MAX_PLACES);
    }
    let mut map = Map::new();
    facts(&record, &verdict.findings).insert_into(&mut map);
    let damaged = record.damaged.iter().map(|(key, why)| format!("`{key}` of the record: {why}"));
    map.insert("skipped_files".into(), damaged.chain(damage_beside(folder)).collect::<Vec<_>>().into());
    map.insert("command_line".into(), command_line().into());
    map.insert("seconds".into(), start.elapsed().as_secs_f64().into());
    Ok(Document {
        schema: SCHEMA,
        stetho: env!("CARGO_PKG_VERSION").into(),
        command: "preflight".into(),
        subject: Subject {
            paths: vec![script.to_owned()],
            kind: "script".into(),
            items: record.made.iter().filter(|made| made.skipped.is_none()).count() as u64,
        },
        findings: verdict.findings,
        outcomes: verdict.outcomes,
        partial: false,
        facts: map,
    })
}

/// Why not a single experiment was made, where all have the same reason.
fn nothing_made(record: &Preflight) -> Option<&str> {
    let why = record.made.first()?.skipped.as_deref()?;
    record.made.iter().all(|made| made.skipped.as_deref() == Some(why)).then_some(why)
}

/// The checklist, with what was found.
pub(crate) fn facts(record: &Preflight, findings: &[Finding]) -> PreflightFacts {
    PreflightFacts::of(record, findings, stetho_rules::preflight::RULES.iter().map(|entry| &entry.info))
}

#[cfg(test)]
mod tests {
    use stetho_core::Severity;

    use super::*;

    fn seat() -> Result<Judges> {
        Ok(Judges::new(|_| true, &Map::new())?)
    }

    #[test]
    fn the_report_is_that_of_the_record_and_without_one_there_is_none() {
        let folder = tempfile::tempdir().unwrap();
        let made = |all| document(folder.path(), "train.py", all, &seat, Instant::now());
        let none = made(false).unwrap_err().to_string();
        assert!(none.starts_with("`train.py` came to no training step"), "{none}");
        let file = folder.path().join(stetho_core::preflight::FILE);
        let skipped =
            r#"{"experiments": [{"name": "facts", "skipped": "no training step was found in the script"}]}"#;
        std::fs::write(&file, skipped).unwrap();
        let none = made(false).unwrap_err().to_string();
        assert_eq!(
            none,
            "no experiment could be made on `train.py`: no training step was found in the script"
        );
        let record = r#"{"experiments": [{"name": "facts", "title": "the step as it is"}], "loss_calls": [{"function":
            "cross_entropy", "n_classes": 3, "input_from": "softmax"}], "sizes": 3}"#;
        std::fs::write(&file, record).unwrap();
        let report = made(false).unwrap();
        assert_eq!((report.command.as_str(), report.worst()), ("preflight", Some(Severity::Error)));
        assert_eq!(report.findings[0].rule, "double-softmax");
        assert_eq!(report.facts["preflight"]["checks"][0]["rules"][0], "double-softmax");
        assert!(report.facts["skipped_files"][0].as_str().unwrap().starts_with("`sizes` of the record"));
        std::fs::write(folder.path().join("code.json"), "{").unwrap();
        let report = made(false).unwrap();
        assert!(report.facts["skipped_files"][1].as_str().unwrap().contains("code.json: not read"));
    }
}
