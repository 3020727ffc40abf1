//! For training loops in Rust: a run that logs itself and is judged as it goes.

use std::collections::HashMap;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use serde_json::Map;
use stetho_core::run::{LayerQuantity, Part, Trap};
use stetho_core::{Finding, Verdict};
use stetho_rules::Judges;

use crate::{LogError, Names, Recorder, Sink, Tag, TagId, When, Writer, traps};

/// What was logged is handed to the system at least this often.
const FLUSH: Duration = Duration::from_secs(1);
/// The rules judge when a run has grown by this share, or after this time, and at once when a value is no number.
const GROWTH: f64 = 1.05;
const JUDGE: Duration = Duration::from_secs(2);
/// But not before this many times the time that judging last took has passed: it stays under one part in so many of the run.
const PATIENCE: u32 = 200;
/// The same where a value is no number.
const PATIENCE_URGENT: u32 = 10;

/// A training run that is logged into a folder and judged while it goes on. TensorBoard shows it, `stetho watch` reads it.
///
/// ```
/// use stetho_core::Severity;
/// use stetho_runlog::{LayerSignals, Run};
///
/// let folder = tempfile::tempdir()?;
/// let mut run = Run::create(folder.path())?;
/// for step in 0..200u32 {
///     let loss = if step < 150 { 2.0 / f64::from(step + 1) } else { f64::NAN };
///     let layer = LayerSignals { gradient_norm: Some(0.5), weight_norm: Some(12.0), ..LayerSignals::default() };
///     let findings = run.step(step.into()).loss(loss).learning_rate(1e-3).layer("fc1", layer).log()?;
///     if let Some(finding) = findings.iter().find(|f| f.severity == Severity::Error) {
///         assert_eq!((step, finding.rule.as_str()), (150, "non-finite-loss"));
///         break; // a program can stop itself
///     }
/// }
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct Run {
    folder: PathBuf,
    writer: Writer,
    recorder: Recorder,
    tags: HashMap<String, TagId>,
    /// The names that each word was last given for.
    layers: HashMap<String, Arc<[String]>>,
    told: Vec<String>,
    n: u64,
    judge_at: u64,
    judged: Instant,
    judging: Duration,
    flushed: Instant,
}

/// Numbers of layers, or of other named things, at one step.
#[derive(Clone, Copy, Debug)]
pub struct Vector<'a> {
    /// What is measured: the word of a [`LayerQuantity`] or of a [`stetho_core::run::Fact`].
    pub word: &'a str,
    /// The layers, from the input to the output.
    pub names: &'a [String],
    /// One value a name.
    pub values: &'a [f32],
}

/// What was measured of a layer at a step; what was not is `None`.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct LayerSignals {
    /// Euclidean norm of the gradient.
    pub gradient_norm: Option<f32>,
    /// Euclidean norm of the parameters.
    pub weight_norm: Option<f32>,
    /// Euclidean norm of what the step adds to the parameters.
    pub update_norm: Option<f32>,
    /// Share of units whose output is zero for every sample, 0 to 1.
    pub dead_share: Option<f32>,
    /// Share of all outputs that are zero, 0 to 1.
    pub zero_share: Option<f32>,
    /// Share of outputs in the flat part of the activation function, 0 to 1.
    pub saturated_share: Option<f32>,
    /// Mean of the outputs.
    pub activation_mean: Option<f32>,
    /// Standard deviation of the outputs.
    pub activation_std: Option<f32>,
    /// How many parameters are NaN or infinite.
    pub non_finite: Option<f32>,
}

impl LayerSignals {
    fn measured(&self) -> impl Iterator<Item = (LayerQuantity, f32)> {
        let all = [
            (LayerQuantity::GradientNorm, self.gradient_norm),
            (LayerQuantity::WeightNorm, self.weight_norm),
            (LayerQuantity::UpdateNorm, self.update_norm),
            (LayerQuantity::DeadShare, self.dead_share),
            (LayerQuantity::ZeroShare, self.zero_share),
            (LayerQuantity::SaturatedShare, self.saturated_share),
            (LayerQuantity::ActivationMean, self.activation_mean),
            (LayerQuantity::ActivationStd, self.activation_std),
            (LayerQuantity::NonFinite, self.non_finite),
        ];
        all.into_iter().filter_map(|(quantity, value)| Some((quantity, value?)))
    }
}

impl Run {
    /// Begins a log in `folder`, which is made if missing.
    ///
    /// # Errors
    /// When the system refuses.
    pub fn create(folder: impl AsRef<Path>) -> Result<Self, LogError> {
        let folder = folder.as_ref();
        Ok(Self {
            folder: folder.to_owned(),
            writer: Writer::create(folder)?,
            recorder: Recorder::new(folder.display().to_string(), Names::default()),
            tags: HashMap::new(),
            layers: HashMap::new(),
            told: Vec::new(),
            n: 0,
            judge_at: 16,
            judged: Instant::now(),
            judging: Duration::ZERO,
            flushed: Instant::now(),
        })
    }

    /// Begins a step, whose values are given one by one and logged by [`Step::log`].
    pub fn step(&mut self, step: u64) -> Step<'_> {
        Step { run: self, step, scalars: Vec::new(), layers: Vec::new() }
    }

    /// Keeps what stopped the run, or would have, beside the log, and returns what the rules have found since the last time they judged.
    ///
    /// # Errors
    /// When the system refuses to write.
    pub fn trap(&mut self, trap: Trap) -> Result<Vec<Finding>, LogError> {
        traps::append(&self.folder, &trap)?;
        self.recorder.trap(trap);
        self.flush()?;
        self.judging = Duration::ZERO;
        self.news(true)
    }

    /// What the rules say of the run as it stands.
    ///
    /// # Errors
    /// When the rules cannot be seated: a bug of ours.
    pub fn verdict(&mut self) -> Result<Verdict, LogError> {
        self.recorder.finish(false);
        let judges = Judges::new(|_| true, &Map::new()).map_err(|e| LogError::Request(e.to_string()))?;
        Ok(judges.judge_run(self.recorder.run()))
    }

    /// Logs a step at once: numbers by their tags, and numbers of layers or of other named things. Returns what the rules have found
    /// since the last time they judged.
    ///
    /// # Errors
    /// When the system refuses to write, or a vector has not as many values as names.
    pub fn record(
        &mut self,
        step: u64,
        scalars: &[(&str, f64)],
        vectors: &[Vector<'_>],
    ) -> Result<Vec<Finding>, LogError> {
        let wall_time = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0.0, |d| d.as_secs_f64());
        let when = When { step: step.cast_signed(), wall_time: Some(wall_time) };
        let mut is_urgent = false;
        for (tag, value) in scalars {
            self.writer.scalar(tag, when.step, wall_time, *value)?;
            let id = self.id(tag, false);
            self.recorder.scalar(id, when, *value);
            is_urgent |= !value.is_finite();
        }
        for Vector { word, names, values } in vectors {
            if names.len() != values.len() {
                let problem = format!("`{word}` has {} values for {} names", values.len(), names.len());
                return Err(LogError::Request(problem));
            }
            let known = self.layers.get(*word).filter(|known| known.iter().eq(names.iter())).cloned();
            let names = known.unwrap_or_else(|| (*names).into());
            self.layers.insert((*word).to_owned(), Arc::clone(&names));
            let tag = format!("layers/{word}");
            self.writer.vector(&tag, &names, when.step, wall_time, values)?;
            let id = self.id(&tag, true);
            self.recorder.vector(id, &names, when, values);
            is_urgent |= values.iter().any(|v| !v.is_finite());
        }
        if self.flushed.elapsed() > FLUSH {
            self.flush()?;
        }
        self.news(is_urgent)
    }

    /// Hands all that was logged to the system: it outlives the process from then on.
    ///
    /// # Errors
    /// When the system refuses.
    pub fn flush(&mut self) -> Result<(), LogError> {
        self.flushed = Instant::now();
        self.writer.flush()
    }

    fn id(&mut self, tag: &str, is_vector: bool) -> TagId {
        if let Some(id) = self.tags.get(tag) {
            return *id;
        }
        let id = TagId(u32::try_from(self.tags.len()).unwrap_or(u32::MAX));
        self.tags.insert(tag.to_owned(), id);
        self.recorder.tag(id, Tag { name: tag, writer: 0, is_vector });
        id
    }

    /// Findings that are new, where it is time to judge.
    fn news(&mut self, is_urgent: bool) -> Result<Vec<Finding>, LogError> {
        self.n += 1;
        let since = self.judged.elapsed();
        let is_due = (self.n >= self.judge_at || since > JUDGE) && since > self.judging * PATIENCE;
        let is_pressing = is_urgent && since >= self.judging * PATIENCE_URGENT;
        if !is_due && !is_pressing {
            return Ok(Vec::new());
        }
        self.judge_at = (self.n as f64 * GROWTH) as u64 + 1;
        let start = Instant::now();
        let mut news = self.verdict()?.findings;
        self.judged = Instant::now();
        self.judging = self.judged.duration_since(start);
        news.retain(|finding| !self.told.contains(&finding.rule));
        self.told.extend(news.iter().map(|finding| finding.rule.clone()));
        if !news.is_empty() {
            self.keep(&news)?;
        }
        Ok(news)
    }

    /// Appends findings to `findings.jsonl` beside the log.
    fn keep(&mut self, findings: &[Finding]) -> Result<(), LogError> {
        self.flush()?;
        let path = self.folder.join("findings.jsonl");
        let mut lines = String::new();
        for finding in findings {
            lines.push_str(&serde_json::to_string(finding).unwrap_or_default());
            lines.push('\n');
        }
        let file = std::fs::OpenOptions::new().create(true).append(true).open(&path);
        file.and_then(|mut file| file.write_all(lines.as_bytes())).map_err(|e| LogError::write(&path, e))
    }
}

/// One step of a [`Run`].
#[must_use = "nothing is logged until `log` is called"]
pub struct Step<'a> {
    run: &'a mut Run,
    step: u64,
    scalars: Vec<(String, f64)>,
    layers: Vec<(String, LayerSignals)>,
}

impl Step<'_> {
    /// The training loss.
    pub fn loss(self, value: f64) -> Self {
        self.scalar("train/loss", value)
    }

    /// The loss on validation data.
    pub fn validation_loss(self, value: f64) -> Self {
        self.scalar("val/loss", value)
    }

    /// A term of the training loss.
    pub fn loss_term(self, name: &str, value: f64) -> Self {
        self.scalar(format!("train/{name}_loss"), value)
    }

    /// A metric such as `accuracy`.
    pub fn metric(self, part: Part, name: &str, value: f64) -> Self {
        let part = match part {
            Part::Train => "train",
            Part::Validation => "val",
            Part::Test => "test",
        };
        self.scalar(format!("{part}/{name}"), value)
    }

    /// The learning rate.
    pub fn learning_rate(self, value: f64) -> Self {
        self.scalar("learning_rate", value)
    }

    /// The norm of the gradient of all parameters, before clipping.
    pub fn gradient_norm(self, value: f64) -> Self {
        self.scalar("grad_norm", value)
    }

    /// Any number under a name of your own; `docs/run-logs.md` tells which names are understood.
    pub fn scalar(mut self, tag: impl Into<String>, value: f64) -> Self {
        self.scalars.push((tag.into(), value));
        self
    }

    /// What was measured of a layer. Layers are given from the input to the output.
    pub fn layer(mut self, name: &str, signals: LayerSignals) -> Self {
        self.layers.push((name.to_owned(), signals));
        self
    }

    /// Logs the step, and returns what the rules have found since the last time they judged.
    ///
    /// # Errors
    /// When the system refuses to write.
    pub fn log(self) -> Result<Vec<Finding>, LogError> {
        let Self { run, step, scalars, layers } = self;
        let scalars: Vec<(&str, f64)> = scalars.iter().map(|(tag, value)| (tag.as_str(), *value)).collect();
        let mut vectors = Vec::new();
        for quantity in LayerQuantity::ALL {
            let of = |(name, signals): &(String, LayerSignals)| {
                signals.measured().find(|(q, _)| *q == quantity).map(|(_, value)| (name.clone(), value))
            };
            let (names, values): (Vec<String>, Vec<f32>) = layers.iter().filter_map(of).unzip();
            if !names.is_empty() {
                vectors.push((quantity.word(), names, values));
            }
        }
        let vectors: Vec<Vector<'_>> =
            vectors.iter().map(|(word, names, values)| Vector { word, names, values }).collect();
        run.record(step, &scalars, &vectors)
    }
}

impl std::fmt::Debug for Run {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Run").field("folder", &self.folder).field("steps", &self.n).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::find;

    #[test]
    fn a_trap_is_told_at_once_and_read_back() {
        let folder = tempfile::tempdir().unwrap();
        let mut run = Run::create(folder.path()).unwrap();
        run.step(0).loss(0.7).log().unwrap();
        let text = r#"{"kind":"loss","step":1,"phase":"forward","op":"log","loss":{"name":"loss","value":"NaN"},
            "source":{"path":"train.py","line":3,"text":"y = torch.log(x)"},"samples":[{"row":2,"index":40}]}"#;
        let found = run.trap(serde_json::from_str(text).unwrap()).unwrap();
        assert_eq!(found.len(), 1, "{found:?}");
        assert_eq!(found[0].rule, "non-finite-loss");
        let logs = find(folder.path()).unwrap();
        assert!(logs.left_aside.is_empty() && logs.runs.len() == 1, "{logs:?}");
        let mut source = logs.runs[0].open(None);
        let mut recorder = Recorder::new("again", Names::default());
        source.poll(&mut recorder).unwrap();
        recorder.conclude(source.as_ref(), true);
        assert_eq!(recorder.run().traps.len(), 1);
        let read = Judges::new(|_| true, &Map::new()).unwrap().judge_run(recorder.run());
        assert_eq!(read.findings[0], found[0]);
    }

    #[test]
    fn what_is_logged_is_read_back_and_judged_alike() {
        let folder = tempfile::tempdir().unwrap();
        let mut run = Run::create(folder.path()).unwrap();
        let mut found = Vec::new();
        for step in 0..300u32 {
            let x = f64::from(step);
            let loss = 0.4
                + 2.0 * (-x / 30.0).exp()
                + if step > 150 { ((x - 150.0) / 40.0).exp() - 1.0 } else { 0.0 };
            let layer = LayerSignals { gradient_norm: Some(0.5), ..LayerSignals::default() };
            // The steps of this test take no time, against which judging is weighed.
            run.judging = Duration::ZERO;
            let one = run.step(step.into()).loss(loss).learning_rate(0.1).layer("a", layer).layer("b", layer);
            found.extend(
                one.metric(Part::Validation, "accuracy", 0.5).log().unwrap().into_iter().map(|f| f.rule),
            );
        }
        assert!(found.contains(&"loss-diverging".to_owned()), "{found:?}");
        let live = run.verdict().unwrap();
        run.flush().unwrap();
        let kept = std::fs::read_to_string(folder.path().join("findings.jsonl")).unwrap();
        assert!(kept.lines().any(|line| line.contains("loss-diverging")));

        let logs = find(folder.path()).unwrap();
        assert_eq!(logs.runs.len(), 1, "{logs:?}");
        let mut source = logs.runs[0].open(None);
        let mut recorder = Recorder::new("again", Names::default());
        source.poll(&mut recorder).unwrap();
        recorder.conclude(source.as_ref(), false);
        let read = Judges::new(|_| true, &Map::new()).unwrap().judge_run(recorder.run());
        let rules = |verdict: &Verdict| verdict.findings.iter().map(|f| f.rule.clone()).collect::<Vec<_>>();
        assert_eq!(rules(&live), rules(&read));
        assert_eq!(
            recorder.run().layers(LayerQuantity::GradientNorm).map(|s| s.name.as_str()).collect::<Vec<_>>(),
            ["a", "b"]
        );
    }
}
