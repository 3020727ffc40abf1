//! `cargo xtask runs`: what the rules say of the recorded training runs.

use std::collections::{BTreeMap, BTreeSet};
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
    let [mut own, mut strangers, mut held_out] = [Tally::default(), Tally::default(), Tally::default()];
    for run in recorded_runs(root())? {
        if !names.is_empty() && !names.iter().any(|name| run.name.contains(name)) {
            continue;
        }
        let found = run.judge(root()).with_context(|| run.name.clone())?;
        let tally = match (run.holdout, run.by_strangers) {
            (true, _) => &mut held_out,
            (false, true) => &mut strangers,
            (false, false) => &mut own,
        };
        tally.add(&run, &found);
        if all || !run.holdout || !names.is_empty() {
            print!("{}", story(&run, &found, !names.is_empty()));
        }
    }
    let tallies = [("own", own), ("strangers", strangers), ("held out", held_out)];
    println!("{}", table(&tallies));
    let is_missed = |t: &Tally| (t.first as f64) < FIRST * t.faulty as f64;
    let misses = tallies[..2].iter().any(|(_, t)| is_missed(t));
    let (alarmed, healthy) = tallies.iter().fold((0, 0), |(a, h), (_, t)| (a + t.alarmed, h + t.healthy));
    if names.is_empty() && (misses || alarmed as f64 > ALARMS * healthy as f64) {
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

fn table(tallies: &[(&str, Tally)]) -> String {
    let mut text = format!("\n{:28}", "cause");
    for (name, _) in tallies {
        let _ = write!(text, " {name:>12}");
    }
    text.push('\n');
    let causes: BTreeSet<&String> = tallies.iter().flat_map(|(_, t)| t.causes.keys()).collect();
    for cause in causes {
        let _ = write!(text, "{cause:28}");
        for (_, tally) in tallies {
            let of =
                tally.causes.get(cause).map_or_else(|| "-".to_owned(), |(n, hit)| format!("{hit} of {n}"));
            let _ = write!(text, " {of:>12}");
        }
        text.push('\n');
    }
    for (name, tally) in tallies {
        let _ = write!(text, "\n{}", tally.lines(name));
    }
    text
}
