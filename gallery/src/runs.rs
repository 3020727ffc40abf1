//! Recorded training runs, with the findings expected of each.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use serde::Deserialize;
use serde_json::Map;
use stetho_core::{Severity, Verdict};
use stetho_rules::Judges;
use stetho_runlog::{Names, Recorder, Sink, Tag, TagId, When, find};

use crate::GalleryError;

/// A recorded run.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RecordedRun {
    /// Its name.
    pub name: String,
    /// Its log: a file or folder below the gallery; in the list, below the folder `recorded` beside it.
    pub log: PathBuf,
    /// What it is, in one line.
    pub about: String,
    /// Rules that must speak, the one that names the cause first; none of a healthy run.
    #[serde(default)]
    pub expect: Vec<String>,
    /// Rules that an expert would accept as well.
    #[serde(default)]
    pub may: Vec<String>,
    /// Whether it was never looked at while thresholds were chosen.
    #[serde(default)]
    pub holdout: bool,
    /// Whether it was made by people who knew nothing of the rules.
    #[serde(skip)]
    pub by_strangers: bool,
}

/// What the rules say of a recorded run.
#[derive(Debug)]
pub struct RunVerdict {
    /// When all of it is known.
    pub verdict: Verdict,
    /// Errors and warnings at any time while it was followed.
    pub ever: Vec<(String, Severity)>,
}

/// Times of judgement while a run is followed: whenever its points have grown by this share.
const GROWTH: f64 = 1.1;
/// Points before the first judgement.
const FIRST: u64 = 8;

#[derive(Deserialize)]
struct Manifest {
    run: Vec<RecordedRun>,
}

/// Where the runs of strangers are.
const STRANGERS: &str = "run/strangers";

/// The recorded runs of `gallery/run`, and those of `gallery/run/strangers`, which were not made for the rules.
///
/// # Errors
/// When the file cannot be read or is not as it should be.
pub fn recorded_runs(root: &Path) -> Result<Vec<RecordedRun>, GalleryError> {
    let mut runs = Vec::new();
    for folder in ["run", STRANGERS] {
        runs.extend(runs_of(root, Path::new(folder))?);
    }
    Ok(runs)
}

fn runs_of(root: &Path, folder: &Path) -> Result<Vec<RecordedRun>, GalleryError> {
    let path = root.join(folder).join("runs.toml");
    let text = std::fs::read_to_string(&path).map_err(GalleryError::io(&path))?;
    let manifest: Manifest =
        toml::from_str(&text).map_err(|e| GalleryError::malformed(&path, e.to_string()))?;
    let in_folder = |run: RecordedRun| RecordedRun {
        log: folder.join("recorded").join(&run.log),
        by_strangers: folder == Path::new(STRANGERS),
        ..run
    };
    Ok(manifest.run.into_iter().map(in_folder).collect())
}

impl RecordedRun {
    /// Reads and judges it, at its end and on the way.
    ///
    /// # Errors
    /// When the log cannot be read.
    pub fn judge(&self, root: &Path) -> Result<RunVerdict, GalleryError> {
        judge_run(&root.join(&self.log))
    }

    /// Whether it is healthy.
    pub fn is_healthy(&self) -> bool {
        self.expect.is_empty()
    }

    /// Whether the rules that must speak do.
    pub fn is_detected(&self, verdict: &Verdict) -> bool {
        self.expect.iter().all(|rule| verdict.findings.iter().any(|f| f.rule == *rule))
    }

    /// Whether the rule that names the cause comes before all that an expert would not accept.
    pub fn is_first(&self, verdict: &Verdict) -> bool {
        let Some(cause) = self.expect.first() else { return true };
        let first = verdict.findings.iter().find(|f| !self.may.contains(&f.rule));
        first.is_some_and(|f| f.rule == *cause)
    }

    /// Errors and warnings that nobody expects.
    pub fn alarms(&self, verdict: &Verdict) -> Vec<String> {
        let is_alarm = |rule: &String, severity: Severity| {
            severity >= Severity::Warning && !self.expect.contains(rule) && !self.may.contains(rule)
        };
        verdict
            .findings
            .iter()
            .filter(|f| is_alarm(&f.rule, f.severity))
            .map(|f| format!("{}: {}", f.rule, f.message))
            .collect()
    }
}

/// Judges the run that is logged at `path` with every rule at its default options, as `stetho watch` does.
///
/// # Errors
/// When it cannot be read.
pub fn judge_run(path: &Path) -> Result<RunVerdict, GalleryError> {
    let found = find(path)?;
    let Some(run) = found.runs.first() else {
        return Err(GalleryError::malformed(path, "no log is there"));
    };
    let mut source = run.open(None);
    let mut follower = Follower {
        recorder: Recorder::new(run.name.clone(), Names::default()),
        n: 0,
        next: FIRST,
        ever: Vec::new(),
        failure: None,
    };
    source.poll(&mut follower)?;
    if let Some(failure) = follower.failure {
        return Err(failure);
    }
    let Follower { mut recorder, ever, .. } = follower;
    recorder.conclude(source.as_ref(), true);
    let verdict = Judges::new(|_| true, &Map::new())?.judge_run(recorder.run());
    Ok(RunVerdict { verdict, ever })
}

/// Judges a run again and again while it is read, as following does.
struct Follower {
    recorder: Recorder,
    n: u64,
    next: u64,
    ever: Vec<(String, Severity)>,
    failure: Option<GalleryError>,
}

impl Follower {
    fn seen(&mut self) {
        self.n += 1;
        if self.n < self.next || self.failure.is_some() {
            return;
        }
        self.next = (self.n as f64 * GROWTH) as u64 + 1;
        self.recorder.finish(false);
        match Judges::new(|_| true, &Map::new()) {
            Ok(judges) => {
                for finding in judges.judge_run(self.recorder.run()).findings {
                    let said = (finding.rule, finding.severity);
                    if said.1 >= Severity::Warning && !self.ever.contains(&said) {
                        self.ever.push(said);
                    }
                }
            }
            Err(error) => self.failure = Some(error.into()),
        }
    }
}

impl Sink for Follower {
    fn tag(&mut self, id: TagId, tag: Tag<'_>) {
        self.recorder.tag(id, tag);
    }

    fn scalar(&mut self, id: TagId, when: When, value: f64) {
        self.recorder.scalar(id, when, value);
        self.seen();
    }

    fn vector(&mut self, id: TagId, layers: &Arc<[String]>, when: When, values: &[f32]) {
        self.recorder.vector(id, layers, when, values);
        self.seen();
    }

    fn restart(&mut self, id: Option<TagId>, step: i64) {
        self.recorder.restart(id, step);
    }

    fn setting(&mut self, name: &str, value: &str) {
        self.recorder.setting(name, value);
    }
}
