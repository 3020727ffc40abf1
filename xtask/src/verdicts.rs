//! `cargo xtask verdicts [SEEDS]`: how often `stetho fit` says what it must.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs;

use anyhow::{Context, Result, ensure};
use stetho_gallery::verdict_cases;

/// Seeds of each case unless told otherwise.
pub(crate) const SEEDS: usize = 30;
/// The table in the docs, between these lines.
const BEGIN: &str = "<!-- verdicts: begin -->";
const END: &str = "<!-- verdicts: end -->";
const PAGE: &str = "docs/benchmarks.md";

/// Prints the table of verdicts and, with `write`, puts it into the docs.
pub(crate) fn show(seeds: usize, write: bool) -> Result<()> {
    let folder = tempfile::tempdir().context("cannot make a temporary folder")?;
    let mut text =
        "| case | must say | right | said instead | healthy data with a warning |\n|---|---|---|---|---|\n"
            .to_owned();
    for case in verdict_cases()? {
        let mut said: BTreeMap<String, usize> = BTreeMap::new();
        let mut alarms = 0;
        for seed in 0..seeds {
            let (rule, is_alarm) =
                case.verdict(seed, folder.path()).with_context(|| format!("case `{}`", case.name))?;
            // A curve that still rises is no fault of healthy data.
            let rule = rule.filter(|r| case.expect.is_some() || r != "more-data-helps");
            *said.entry(rule.unwrap_or_else(|| "healthy".into())).or_default() += 1;
            alarms += usize::from(is_alarm && case.expect.is_none());
        }
        let wanted = case.expect.clone().unwrap_or_else(|| "healthy".into());
        let right = said.remove(&wanted).unwrap_or(0);
        let others: Vec<String> = said.iter().map(|(rule, n)| format!("{rule} {n}")).collect();
        let alarms = if case.expect.is_none() { alarms.to_string() } else { String::new() };
        let row =
            format!("| {} | {wanted} | {right} of {seeds} | {} | {alarms} |", case.name, others.join(", "));
        println!("{row}");
        let _ = writeln!(text, "{row}");
    }
    if write {
        let path = crate::shell::root().join(PAGE);
        let page = fs::read_to_string(&path).with_context(|| format!("cannot read {PAGE}"))?;
        let parts = page.split_once(BEGIN).and_then(|(head, rest)| Some((head, rest.split_once(END)?.1)));
        ensure!(parts.is_some(), "{PAGE} has no lines `{BEGIN}` and `{END}`");
        if let Some((head, tail)) = parts {
            fs::write(&path, format!("{head}{BEGIN}\n{text}{END}{tail}"))
                .with_context(|| format!("cannot write {PAGE}"))?;
        }
    }
    Ok(())
}
