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
use crate::watch::{judge_beside, preflight_of};

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
    let mut verdict = judge_beside(folder, seat)?.into_iter().fold(Verdict::default(), Verdict::join);
    stetho_rules::join_families(&mut verdict.findings);
    if !all {
        verdict.truncate(MAX_PLACES);
    }
    let mut map = Map::new();
    facts(&record, &verdict.findings).insert_into(&mut map);
    let damaged = record.damaged.iter().map(|(key, why)| format!("`{key}` of the record: {why}"));
    map.insert("skipped_files".into(), damaged.collect::<Vec<_>>().into());
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

/// The checklist, with what was found.
pub(crate) fn facts(record: &Preflight, findings: &[Finding]) -> PreflightFacts {
    PreflightFacts::of(record, findings, stetho_rules::preflight::RULES.iter().map(|entry| &entry.info))
}
