//! The logs that are watched, each with the record of its run.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use rayon::prelude::*;
use stetho_core::run::Run;
use stetho_core::{Outcome, RuleOutcome, Verdict, count_of};
use stetho_rules::Judges;
use stetho_runlog::{FoundRun, LogError, Names, Pattern, Progress, Recorder, Source, find};

use super::beside::{damage_beside, judge_beside};
use crate::names::hint;

/// Names that are told of those that were not understood.
const MOST_NAMES: usize = 8;

/// Logs, opened for reading and following.
pub(crate) struct Logs {
    asked: Vec<PathBuf>,
    names: Names,
    pattern: Option<Pattern>,
    runs: Vec<Followed>,
    left_aside: Vec<String>,
}

/// One run, with what was read of it.
struct Followed {
    path: PathBuf,
    source: Box<dyn Source>,
    recorder: Recorder,
    failure: Option<String>,
}

impl Followed {
    /// Notes whether it could be read; how many points came.
    fn take(&mut self, read: Result<Progress, LogError>) -> u64 {
        self.failure = read.as_ref().err().map(ToString::to_string);
        read.map_or(0, |progress| progress.points)
    }
}

/// What the rules say of all runs.
pub(crate) struct Judged {
    /// The findings of all runs, worst first, and what became of every rule.
    pub verdict: Verdict,
    /// For each finding the number of its run.
    pub owners: Vec<usize>,
}

impl Logs {
    /// Finds the runs under `asked`.
    ///
    /// # Errors
    /// When a path does not exist or is no log, or a mapping or pattern cannot be used.
    pub(crate) fn open(asked: &[PathBuf], map: &[String], pattern: Option<&str>) -> Result<Self> {
        let names = Names::with(map).context("--map")?;
        let pattern = pattern.map(Pattern::new).transpose().context("--pattern")?;
        let mut logs =
            Self { asked: asked.to_vec(), names, pattern, runs: Vec::new(), left_aside: Vec::new() };
        logs.look()?;
        Ok(logs)
    }

    /// Looks for runs that have come.
    pub(crate) fn look(&mut self) -> Result<()> {
        self.left_aside.clear();
        for asked in &self.asked {
            let found = find(asked)?;
            self.left_aside
                .extend(found.left_aside.iter().map(|(path, why)| format!("{}: {why}", path.display())));
            let is_single = found.runs.len() == 1;
            for run in found.runs {
                if self.runs.iter().any(|known| known.path == run.path) {
                    continue;
                }
                let name = shown_name(asked, &run, is_single);
                self.runs.push(Followed {
                    source: run.open(self.pattern.as_ref()),
                    path: run.path,
                    recorder: Recorder::new(name, self.names.clone()),
                    failure: None,
                });
            }
        }
        Ok(())
    }

    /// Whether there is no run yet.
    pub(crate) fn is_empty(&self) -> bool {
        self.runs.is_empty()
    }

    /// Reads all that is new, each run on a core of its own. A run that cannot be read does not end the others.
    pub(crate) fn poll(&mut self) -> u64 {
        let poll = |run: &mut Followed| {
            let read = run.source.poll(&mut run.recorder);
            run.take(read)
        };
        self.runs.par_iter_mut().map(poll).sum()
    }

    /// Reads all that is new of logs that are not followed: a last line counts though nothing ended it.
    pub(crate) fn finish(&mut self) -> u64 {
        let finish = |run: &mut Followed| {
            let read = run.source.finish(&mut run.recorder);
            run.take(read)
        };
        self.runs.par_iter_mut().map(finish).sum()
    }

    /// The runs as they stand.
    pub(crate) fn runs(&self) -> impl Iterator<Item = &Run> {
        self.runs.iter().map(|run| run.recorder.run())
    }

    /// Where the runs were logged to.
    pub(crate) fn folders(&self) -> impl Iterator<Item = &Path> {
        self.runs.iter().map(|run| run.path.as_path())
    }

    /// The runs with the settings that their logs tell.
    pub(crate) fn recorded(&self) -> impl Iterator<Item = (&Run, &[(String, String)])> {
        self.runs.iter().map(|run| (run.recorder.run(), run.recorder.settings()))
    }

    /// Lets the rules judge every run as it stands.
    ///
    /// # Errors
    /// When the rules cannot be seated.
    pub(crate) fn judge(&mut self, seat: &dyn Fn() -> Result<Judges>, is_over: bool) -> Result<Judged> {
        let is_many = self.runs.len() > 1;
        let mut findings = Vec::new();
        let mut outcomes: Vec<RuleOutcome> = Vec::new();
        for (owner, followed) in self.runs.iter_mut().enumerate() {
            followed.recorder.conclude(followed.source.as_ref(), is_over);
            let run = followed.recorder.run();
            // What lies beside comes first: of equals, what is wrong with the script is the cause.
            let mut verdicts = judge_beside(&followed.path, seat)?;
            verdicts.push(seat()?.judge_run(run));
            let mut of_run = Vec::new();
            for verdict in verdicts {
                of_run.extend(verdict.findings);
                merge(&mut outcomes, verdict.outcomes);
            }
            stetho_rules::join_families(&mut of_run);
            for mut finding in of_run {
                if is_many {
                    finding.message = format!("{}: {}", run.name, finding.message);
                }
                findings.push((owner, finding));
            }
        }
        findings
            .sort_by(|(_, a), (_, b)| b.severity.cmp(&a.severity).then(b.certainty.total_cmp(&a.certainty)));
        let (owners, findings) = findings.into_iter().unzip();
        Ok(Judged { verdict: Verdict { findings, outcomes }, owners })
    }

    /// An error where `--map` names a series that no run has.
    ///
    /// # Errors
    /// When there is such a name; says which are nearest.
    pub(crate) fn demand_mapped(&self) -> Result<()> {
        let known: Vec<&str> = self.runs().flat_map(|run| &run.series).map(|s| s.tag.as_str()).collect();
        if let Some(missing) = self.names.explained().find(|tag| !known.contains(tag)) {
            let first =
                known.iter().take(MOST_NAMES).map(|n| format!("`{n}`")).collect::<Vec<_>>().join(", ");
            bail!(
                "--map: no series is called `{missing}`{}",
                hint(missing, known, &format!("there are {first}"))
            );
        }
        Ok(())
    }

    /// What was not read or not understood, in lines for the report.
    pub(crate) fn notes(&self) -> Vec<String> {
        let mut notes = self.left_aside.clone();
        for run in &self.runs {
            notes.extend(notes_of(run));
        }
        notes
    }

    /// An error where nothing at all can be judged.
    ///
    /// # Errors
    /// When there is no run, or none that holds a number.
    pub(crate) fn demand_points(&self) -> Result<()> {
        let asked = self.asked.iter().map(|p| format!("`{}`", p.display())).collect::<Vec<_>>().join(", ");
        if let Some(failure) =
            self.runs.iter().find_map(|r| r.failure.as_ref()).filter(|_| self.runs.len() == 1)
        {
            bail!("{failure}");
        }
        if self.is_empty() {
            let aside = self.left_aside.first().map_or_else(String::new, |why| format!(" ({why})"));
            bail!(
                "{asked} holds no log: no event files, CSV, JSON lines, `trainer_state.json` or lines of text{aside}"
            );
        }
        if self.runs().all(|run| run.series.is_empty()) {
            let why = self.runs.iter().flat_map(notes_of).next();
            let why = why.map_or_else(String::new, |why| format!(": {why}"));
            bail!("{asked} holds no numbers{why}");
        }
        Ok(())
    }
}

/// The name of a run: what the user typed, and what leads on from there.
fn shown_name(asked: &Path, run: &FoundRun, is_single: bool) -> String {
    if is_single || run.path == *asked {
        return asked.display().to_string();
    }
    let below = run.path.strip_prefix(asked).map_or_else(|_| run.name.clone(), |p| p.display().to_string());
    if below.is_empty() { asked.display().to_string() } else { below }
}

/// A rule ran if it ran on any run; it failed if it failed on any.
fn merge(outcomes: &mut Vec<RuleOutcome>, of_run: Vec<RuleOutcome>) {
    for one in of_run {
        match outcomes.iter_mut().find(|o| o.rule == one.rule) {
            None => outcomes.push(one),
            Some(known) => {
                let worse = |o: &Outcome| match o {
                    Outcome::Skipped { .. } => 0,
                    Outcome::Ran => 1,
                    Outcome::Failed { .. } => 2,
                };
                if worse(&one.outcome) > worse(&known.outcome) {
                    known.outcome = one.outcome;
                }
            }
        }
    }
}

fn notes_of(run: &Followed) -> Vec<String> {
    let name = &run.recorder.run().name;
    let account = run.source.account();
    let mut notes = Vec::new();
    if let Some(failure) = &run.failure {
        notes.push(failure.clone());
    }
    notes.extend(damage_beside(&run.path));
    if account.n_damaged > 0 {
        let first = account.damage.first().map_or_else(String::new, |d| format!(", first {d}"));
        notes.push(format!("{name}: {} could not be read{first}", count_of(account.n_damaged, "place")));
    }
    // What Stetho itself writes is judged elsewhere.
    let unknown: Vec<&String> =
        run.recorder.not_understood().iter().filter(|name| !name.starts_with("stetho/")).collect();
    if !unknown.is_empty() {
        let shown: Vec<String> = unknown.iter().take(MOST_NAMES).map(|n| format!("`{n}`")).collect();
        let more = unknown.len().saturating_sub(MOST_NAMES);
        let more = if more > 0 { format!(" and {more} more") } else { String::new() };
        notes.push(format!(
            "{name}: drawn, not judged: {}{more} (tell what they are with `--map loss=NAME`)",
            shown.join(", ")
        ));
    }
    for (reason, count) in account.skipped.iter().filter(|(_, n)| **n > 0) {
        notes.push(format!("{name}: not read: {reason} ({count})"));
    }
    notes
}
