//! `stetho fit`

use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::time::Instant;

use anyhow::{Context, Result, bail};
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use serde_json::Map;
use stetho_core::fit::{Fit, LabelIssue, Rung, RungKind, Score};
use stetho_core::table::Task;
use stetho_core::{Document, MAX_PLACES, SCHEMA, Subject, Verdict};
use stetho_fit::{Follow, Loaded, Matrix, Options, Roles, fit, from_frame, from_pictures, kinds};
use stetho_read::{DataKind, Plan, Watch, detect_kind, read_frame, read_matrix, read_small};
use stetho_report::FitFacts;

use crate::args::{AsKind, FitArgs, Format, ModelName, TaskKind};
use crate::check::show_pictures;
use crate::config::Config;
use crate::delivery::{command_line, deliver, format, seat_judges, status};
use crate::onlooker::{Onlooker, catch_interrupt};
use crate::output;

/// Longer side of the pictures whose features are measured, in pixels.
const SIDE: u32 = 64;

/// Fits simple models, lets the rules judge what they say, writes the report.
///
/// # Errors
/// When the request makes no sense, the data cannot be read or holds nothing to learn, or the report cannot be written.
pub(crate) fn run(args: &FitArgs) -> Result<u8> {
    let start = Instant::now();
    for path in args.report.out.iter().chain(&args.labels_out) {
        output::check_target(path)?;
    }
    let folder = std::env::current_dir().unwrap_or_else(|_| PathBuf::from("."));
    let config = Config::load(args.report.config.as_deref(), &folder)?;
    let judges = seat_judges(&args.report, &config)?;
    catch_interrupt();
    if args.report.threads > 0 {
        // Fails only where the threads were set before, which nothing does.
        let _ = rayon::ThreadPoolBuilder::new().num_threads(args.report.threads).build_global();
    }
    let onlooker = Onlooker::new();
    let (loaded, kind) = load(args, &onlooker)?;
    onlooker.finish();
    let options = Options {
        n_folds: args.folds.into(),
        budget: args.budget,
        seed: args.seed,
        left_out: left_out(&args.models),
        probabilities: probabilities(args)?,
    };
    let line = StatusLine::new();
    let record = fit(&loaded.samples, &options, &line)?;
    line.finish();
    if let Some(path) = &args.labels_out {
        write_labels(path, &record)?;
    }
    let mut verdict = judges.judge_fit(&record);
    if verdict.outcomes.is_empty() {
        bail!("no rule is left to run on models: look at --select, --ignore and the configuration");
    }
    let sentence = sentence(&record, &verdict);
    if !args.report.all {
        verdict.truncate(MAX_PLACES);
    }
    let document = document(args, kind, &record, loaded.notes, verdict, sentence, line.stopped(), start);
    deliver(&document, &args.report)?;
    let fail_on = args.report.fail_on.or(config.fail_on).unwrap_or_default();
    Ok(status(&document, fail_on))
}

/// Reads the data, and tells what it is.
fn load(args: &FitArgs, watch: &dyn Watch) -> Result<(Loaded, &'static str)> {
    let plan = Plan {
        train: args.data.clone(),
        validation: args.val.clone(),
        target: args.target.clone(),
        group: args.group.clone(),
        threads: args.report.threads,
        ..Plan::default()
    };
    match args.kind.map_or_else(|| detect_kind(&args.data), AsKind::kind) {
        DataKind::Table => {
            if args.embeddings.is_some() {
                bail!("--embeddings goes with pictures; the columns of a table are its features");
            }
            let frame = read_frame(&plan, watch)?;
            let roles = Roles { task: args.task.map(task), time: args.time.clone() };
            let mut loaded = from_frame(&frame, &roles)?;
            loaded.notes.splice(0..0, frame.skipped);
            Ok((loaded, "table"))
        }
        DataKind::Images => {
            let columns = [("--target", &args.target), ("--group", &args.group), ("--time", &args.time)];
            if let Some((option, _)) = columns.iter().find(|(_, name)| name.is_some()) {
                bail!(
                    "{option} names a column of a table; the data is pictures, whose classes are their labels"
                );
            }
            if args.task == Some(TaskKind::Regression) {
                bail!("--task regression needs a column of numbers; the labels of pictures are classes");
            }
            let embeddings = args.embeddings.as_deref().map(matrix).transpose()?;
            let set = read_small(&plan, SIDE, watch)?;
            let mut loaded = from_pictures(&set, embeddings.as_ref())?;
            loaded.notes.splice(0..0, set.skipped);
            Ok((loaded, "images"))
        }
        DataKind::Boxes(_) => bail!("boxes cannot be fitted by simple models; `stetho check` audits them"),
    }
}

/// Kinds that were not asked for; none where nothing was.
fn left_out(asked: &[ModelName]) -> Vec<RungKind> {
    let is_out =
        |k: &RungKind| *k != RungKind::Dummy && !asked.is_empty() && !asked.iter().any(|m| m.admits(*k));
    kinds().into_iter().filter(is_out).collect()
}

fn task(kind: TaskKind) -> Task {
    match kind {
        TaskKind::Classification => Task::Classification,
        TaskKind::Regression => Task::Regression,
    }
}

fn matrix(path: &Path) -> Result<Matrix> {
    let (n_columns, values) = read_matrix(path)?;
    Ok(Matrix::new(n_columns, values))
}

fn probabilities(args: &FitArgs) -> Result<Option<(String, Matrix)>> {
    let Some(path) = &args.pred_probs else { return Ok(None) };
    let matrix = matrix(path).context("--pred-probs")?;
    let is_probability = |v: &f32| (-1e-3..=1.001).contains(v);
    if !matrix.values.iter().all(is_probability) {
        bail!(
            "--pred-probs: `{}` holds values outside 0 to 1; pass them through a softmax first",
            path.display()
        );
    }
    Ok(Some((path.display().to_string(), matrix)))
}

/// The verdict in one sentence: the gravest cause that was found, or that there is none.
fn sentence(fit: &Fit, verdict: &Verdict) -> String {
    if let Some(finding) = stetho_rules::fit::gravest(&verdict.findings) {
        let name = match finding.rule.as_str() {
            "no-signal" => "the data carries no signal: ",
            "suspiciously-perfect" => "leakage suspected: ",
            "label-noise" => "noisy labels: ",
            "scale-sensitive" => "needs scaling: ",
            "unstable-folds" => "too few rows to tell: ",
            "weak-group" => "a group fails: ",
            "more-data-helps" => "needs data: ",
            _ => "",
        };
        return format!("{name}{}", finding.message);
    }
    match fit.best() {
        Some(best) => {
            let score = best.validation().mean;
            format!("healthy: the {} has {} {score:.3} on unseen rows", best.name, fit.score.name())
        }
        None => "nothing was fitted in the time given".into(),
    }
}

#[expect(clippy::too_many_arguments, reason = "the parts of one document, put together once")]
fn document(
    args: &FitArgs,
    kind: &str,
    record: &Fit,
    notes: Vec<String>,
    verdict: Verdict,
    sentence: String,
    partial: bool,
    start: Instant,
) -> Document {
    let mut facts = Map::new();
    FitFacts::of(record, sentence, notes).insert_into(&mut facts);
    facts.insert("command_line".into(), command_line().into());
    facts.insert("seconds".into(), start.elapsed().as_secs_f64().into());
    let mut document = Document {
        schema: SCHEMA,
        stetho: env!("CARGO_PKG_VERSION").into(),
        command: "fit".into(),
        subject: Subject {
            paths: args.data.iter().map(|path| path.display().to_string()).collect(),
            kind: kind.into(),
            items: record.n_rows,
        },
        findings: verdict.findings,
        outcomes: verdict.outcomes,
        partial,
        facts,
    };
    if format(&args.report) == Format::Html {
        show_pictures(&mut document);
    }
    document
}

/// The doubted labels as CSV: `path,row,line,given,suggested,p_given,p_suggested`.
fn write_labels(path: &Path, record: &Fit) -> Result<()> {
    let found = match &record.labels {
        stetho_core::Measured::Is(found) => found,
        stetho_core::Measured::Not(reason) => bail!("--labels-out: there are no doubted labels: {reason}"),
    };
    let name = |class: usize| record.classes.get(class).map_or("", |c| c.0.as_str());
    let mut text = "path,row,line,given,suggested,p_given,p_suggested\n".to_owned();
    for i in &found.issues {
        let LabelIssue { path, index, line, given, suggested, .. } = i;
        let line = line.map_or(String::new(), |l| l.to_string());
        let _ = writeln!(
            text,
            "{},{index},{line},{},{},{:.4},{:.4}",
            field(path),
            field(name(*given)),
            field(name(*suggested)),
            i.p_given,
            i.p_suggested
        );
    }
    output::write_file(path, &text)?;
    output::note(&format!("wrote `{}`: {} labels to look at", path.display(), found.issues.len()));
    Ok(())
}

/// A CSV field, quoted where it must be.
fn field(text: &str) -> String {
    if text.contains([',', '"', '\n', '\r']) {
        format!("\"{}\"", text.replace('"', "\"\""))
    } else {
        text.to_owned()
    }
}

/// The best score so far and what is being fitted, on standard error where a person sees it.
struct StatusLine {
    bar: Option<ProgressBar>,
    best: std::sync::Mutex<Option<(String, f64)>>,
}

impl StatusLine {
    fn new() -> Self {
        let bar = output::is_watched().then(|| {
            let bar = ProgressBar::with_draw_target(Some(1), ProgressDrawTarget::stderr());
            match ProgressStyle::with_template("{bar:24} {msg}") {
                Ok(style) => bar.with_style(style.progress_chars("█▉▊▋▌▍▎▏ ")),
                Err(_) => bar,
            }
        });
        Self { bar, best: std::sync::Mutex::new(None) }
    }

    fn finish(&self) {
        if let Some(bar) = &self.bar {
            bar.finish_and_clear();
        }
    }
}

impl Follow for StatusLine {
    fn fitting(&self, name: &str, done: usize, total: usize) {
        let Some(bar) = &self.bar else { return };
        bar.set_length(total as u64);
        bar.set_position(done as u64);
        let best = self.best.lock().ok().and_then(|best| best.clone());
        let best =
            best.map_or_else(String::new, |(name, score)| format!(" · best so far: {name}, {score:.3}"));
        bar.set_message(format!("{name}{best}"));
    }

    fn scored(&self, rung: &Rung, score: Score) {
        let Some(bar) = &self.bar else { return };
        let estimate = rung.validation();
        bar.println(format!(
            "  {:<24} {} {:.3} ± {:.3}",
            rung.name,
            score.name(),
            estimate.mean,
            estimate.half
        ));
        if let Ok(mut best) = self.best.lock()
            && best.as_ref().is_none_or(|(_, s)| estimate.mean > *s)
        {
            *best = Some((rung.name.clone(), estimate.mean));
        }
    }

    fn stopped(&self) -> bool {
        crate::onlooker::is_stopped()
    }
}
