//! The audit of the copy, with the rules that the remedies were for.

use serde_json::Map;
use stetho_core::Outcome;
use stetho_read::{Data, DataKind, Plan, Watch, read_data};
use stetho_rules::Judges;

use super::tree::Root;
use crate::receipt::Receipt;
use crate::staging::Staging;
use crate::{Balance, PrepareError, Request};

/// Tells what the rules still find in the copy.
pub(super) fn verify(
    request: &Request,
    kind: DataKind,
    dropped: &[&'static str],
    (staging, roots): (&Staging, &[Root]),
    receipt: &mut Receipt,
    watch: &dyn Watch,
) -> Result<(), PrepareError> {
    let is_up = request.balance == Some(Balance::Up);
    // pictures that were copied again are equal on purpose
    let dropped = dropped.iter().copied().filter(|rule| !(is_up && rule.contains("duplicate")));
    let also = [
        ("image-split-overlap", request.split.is_some()),
        ("image-class-imbalance", is_up || request.balance == Some(Balance::Down)),
    ];
    let also = also.iter().filter(|(_, is_wanted)| *is_wanted).map(|(rule, _)| *rule);
    let rules: Vec<&str> = dropped.chain(also).collect();
    if rules.is_empty() {
        return Ok(());
    }
    let judges = Judges::new(|rule| rules.contains(&rule.id), &Map::new())?;
    let mut plan = Plan { signals: judges.wanted(), threads: request.threads, ..Plan::default() };
    for root in roots {
        let path = staging.folder().join(&root.to);
        match root.to.file_name().and_then(|name| name.to_str()) {
            Some("validation") => plan.validation.push(path),
            Some("test") => plan.test.push(path),
            _ => plan.train.push(path),
        }
    }
    let verdict = match read_data(&plan, Some(kind), watch)? {
        Data::Table(reading) => judges.judge_table(&reading.table),
        Data::Images(reading) => judges.judge_pictures(&reading.pictures),
        Data::Boxes(reading) => judges.judge_boxes(&reading.boxes, &reading.pictures),
    };
    for finding in &verdict.findings {
        let message = finding.message.replace(&staging.folder().display().to_string(), &staging.named(""));
        receipt.notes.push(format!("`check` still says {}: {message}", finding.rule));
    }
    let is_gone = |rule: &&&str| {
        verdict.outcomes.iter().any(|o| o.rule == **rule && o.outcome == Outcome::Ran)
            && !verdict.findings.iter().any(|f| f.rule == **rule)
    };
    let gone: Vec<String> = rules.iter().filter(is_gone).map(|rule| format!("`{rule}`")).collect();
    if !gone.is_empty() {
        receipt.tell("checked", format!("nothing found by {}", gone.join(", ")));
    }
    Ok(())
}
