//! `cargo xtask runs`: what the rules say of the recorded training runs.

use std::collections::BTreeMap;
use std::fmt::Write;

use anyhow::{Context, Result, bail};
use stetho_gallery::{RecordedRun, RunVerdict, recorded_runs, root};

/// Faulty runs in which the right rule must be first, and healthy ones that may have an alarm, as shares.
const FIRST: f64 = 0.9;
const ALARMS: f64 = 0.02;

/// How the rules do on a part of the recorded runs.
#[derive(Debug, Default, PartialEq)]
struct Tally {
    faulty: usize,
    detected: usize,
    first: usize,
    odd: usize,
    healthy: usize,
    alarmed: usize,
    ever: usize,
    /// Faulty runs of each cause, and those in which its rule spoke.
    causes: BTreeMap<String, (usize, usize)>,
}

impl Tally {
    fn add(&mut self, run: &RecordedRun, found: &RunVerdict) {
        let alarms = run.alarms(&found.verdict);
        let Some(cause) = run.expect.first() else {
            self.healthy += 1;
            self.alarmed += usize::from(!alarms.is_empty());
            self.ever += usize::from(found.ever.iter().any(|(rule, _)| !run.may.contains(rule)));
            return;
        };
        self.faulty += 1;
        self.detected += usize::from(run.is_detected(&found.verdict));
        self.first += usize::from(run.is_detected(&found.verdict) && run.is_first(&found.verdict));
        self.odd += usize::from(!alarms.is_empty());
        let of_cause = self.causes.entry(cause.clone()).or_default();
        of_cause.0 += 1;
        of_cause.1 += usize::from(found.verdict.findings.iter().any(|f| f.rule == *cause));
    }

    fn lines(&self, name: &str) -> String {
        let share = |n: usize, of: usize| 100.0 * n as f64 / of.max(1) as f64;
        format!(
            "{name}: {} faulty: detected {} ({:.0} %), the cause first {} ({:.0} %), something beside it {}; {} healthy: \
             an error or warning on {} ({:.1} %), at any time while followed {} ({:.1} %)",
            self.faulty,
            self.detected,
            share(self.detected, self.faulty),
            self.first,
            share(self.first, self.faulty),
            self.odd,
            self.healthy,
            self.alarmed,
            share(self.alarmed, self.healthy),
            self.ever,
            share(self.ever, self.healthy)
        )
    }
}

/// Prints what is not as expected, run by run (those held out only as counts, unless `all`), and the table; fails where the goals are
/// missed.
pub(crate) fn show(all: bool, names: &[&str]) -> Result<()> {
    let (mut looked, mut held_out) = (Tally::default(), Tally::default());
    for run in recorded_runs(root())? {
        if !names.is_empty() && !names.iter().any(|name| run.name.contains(name)) {
            continue;
        }
        let found = run.judge(root()).with_context(|| run.name.clone())?;
        if run.holdout {
            held_out.add(&run, &found);
        } else {
            looked.add(&run, &found);
        }
        if all || !run.holdout || !names.is_empty() {
            print!("{}", story(&run, &found, !names.is_empty()));
        }
    }
    println!("{}", table(&looked, &held_out));
    let misses = (looked.first as f64) < FIRST * looked.faulty as f64;
    let alarmed = (looked.alarmed + held_out.alarmed) as f64;
    if names.is_empty() && (misses || alarmed > ALARMS * (looked.healthy + held_out.healthy) as f64) {
        bail!(
            "the goals are missed: the cause first in {FIRST} of the faulty runs, an alarm on {ALARMS} of the healthy ones"
        );
    }
    Ok(())
}

/// What is not as expected in one run, or all that was said where it is asked for.
fn story(run: &RecordedRun, found: &RunVerdict, whole: bool) -> String {
    let mut text = String::new();
    let alarms = run.alarms(&found.verdict);
    let missed = !run.is_detected(&found.verdict);
    let ever: Vec<&str> = found
        .ever
        .iter()
        .map(|(rule, _)| rule.as_str())
        .filter(|rule| !run.expect.iter().chain(&run.may).any(|known| known == rule))
        .filter(|rule| !found.verdict.findings.iter().any(|f| f.rule == *rule))
        .collect();
    if whole || missed || !alarms.is_empty() || !run.is_first(&found.verdict) || !ever.is_empty() {
        let _ =
            writeln!(text, "{} (expects: {}; may: {})", run.name, run.expect.join(", "), run.may.join(", "));
        if missed {
            let _ = writeln!(text, "    missed");
        }
        for finding in &found.verdict.findings {
            let is_alarm = alarms.iter().any(|a| a.starts_with(&finding.rule));
            if whole || is_alarm || missed || !run.is_first(&found.verdict) {
                let mark = if is_alarm { "!" } else { " " };
                let _ = writeln!(
                    text,
                    "  {mark} {} {}: {}",
                    finding.severity.name(),
                    finding.rule,
                    finding.message
                );
            }
        }
        if !ever.is_empty() {
            let _ = writeln!(text, "    on the way: {}", ever.join(", "));
        }
    }
    text
}

fn table(looked: &Tally, held_out: &Tally) -> String {
    let mut text = format!("\n{:28} {:>12} {:>12}\n", "cause", "looked at", "held out");
    let causes: Vec<&String> = looked.causes.keys().chain(held_out.causes.keys()).collect();
    let mut causes: Vec<&String> = causes;
    causes.sort();
    causes.dedup();
    for cause in causes {
        let of = |t: &Tally| {
            t.causes.get(cause).map_or_else(|| "-".to_owned(), |(n, hit)| format!("{hit} of {n}"))
        };
        let _ = writeln!(text, "{cause:28} {:>12} {:>12}", of(looked), of(held_out));
    }
    let _ = writeln!(text, "\n{}\n{}", looked.lines("looked at"), held_out.lines("held out"));
    text
}
