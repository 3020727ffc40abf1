//! Facts of a preflight: what `facts.preflight` of the JSON report holds.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use stetho_core::preflight::{Experiment, Input, LossCurve, Made, Picture, Preflight};
use stetho_core::{
    Evidence, Finding, Human, Line, Number, Pictured, RuleInfo, Severity, Signal, count_of, thousands,
};

/// Classes of a target that are drawn.
const MOST_CLASSES: usize = 30;

/// What became of an experiment.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "types", derive(ts_rs::TS))]
#[serde(rename_all = "snake_case")]
pub enum CheckState {
    /// Nothing was found.
    #[default]
    Passed,
    /// Something was.
    Found,
    /// It was not made.
    Skipped,
}

/// A line of the checklist.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "types", derive(ts_rs::TS))]
#[serde(default)]
pub struct CheckFacts {
    /// Key of the experiment.
    pub name: String,
    /// What it does.
    pub title: String,
    /// What became of it.
    pub state: CheckState,
    /// How bad the worst is that was found.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "types", ts(optional))]
    pub severity: Option<Severity>,
    /// Rules that found something.
    pub rules: Vec<String>,
    /// What was measured, in a few words; or why it was not.
    pub note: String,
    /// Seconds.
    pub seconds: f64,
}

/// The checklist before training, and what can be drawn of it.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "types", derive(ts_rs::TS))]
#[serde(default)]
pub struct PreflightFacts {
    /// Seconds in all.
    pub seconds: f64,
    /// Seconds that were allowed.
    pub budget: f64,
    /// The model in a line; empty where none was seen.
    pub model: String,
    /// The first batch in a line.
    pub batch: String,
    /// What the step raised, where it failed.
    pub raised: String,
    /// The checklist.
    pub checks: Vec<CheckFacts>,
    /// The first batch as the network sees it: pictures, and how values are distributed.
    pub seen: Vec<Evidence>,
    /// Curves of the experiments.
    pub figures: Vec<Evidence>,
}

impl PreflightFacts {
    /// Of a record and what was found in it; `rules` are all of the family.
    pub fn of<'a>(
        record: &Preflight,
        findings: &[Finding],
        rules: impl IntoIterator<Item = &'a RuleInfo>,
    ) -> Self {
        let rules: Vec<&RuleInfo> = rules.into_iter().collect();
        Self {
            seconds: record.seconds,
            budget: record.budget,
            model: model_words(record),
            batch: batch_words(record),
            raised: record.raised.as_ref().map_or_else(String::new, |r| {
                let message = r.message.lines().next().unwrap_or_default();
                let at = r.place.as_ref().map_or_else(String::new, |p| format!(" at {}:{}", p.path, p.line));
                format!("{}{at}: {message}", r.kind)
            }),
            checks: record.made.iter().map(|made| check(record, made, findings, &rules)).collect(),
            seen: seen(record),
            figures: figures(record),
        }
    }

    /// Puts them into the facts of a document.
    pub fn insert_into(&self, facts: &mut Map<String, Value>) {
        facts.insert("preflight".into(), serde_json::to_value(self).unwrap_or_default());
    }

    /// The facts of a document, if there was a preflight.
    pub fn from_map(facts: &Map<String, Value>) -> Option<Self> {
        serde_json::from_value(facts.get("preflight")?.clone()).ok()
    }
}

fn model_words(record: &Preflight) -> String {
    let Some(model) = &record.model else { return String::new() };
    format!(
        "{}: {} in {}",
        model.name,
        count_of(model.n_parameters, "number"),
        count_of(model.n_modules, "module")
    )
}

fn batch_words(record: &Preflight) -> String {
    let Some(batch) = &record.batch else { return String::new() };
    let words = |input: &Input| {
        let sides = input.shape.iter().map(ToString::to_string).collect::<Vec<_>>().join("×");
        format!("{} {} {sides}", input.name, input.dtype).trim().to_owned()
    };
    let tensors = batch.inputs.iter().map(words).chain(batch.targets.iter().map(|t| words(&t.input)));
    let tensors: Vec<String> = tensors.collect();
    let of = if tensors.is_empty() { String::new() } else { format!(": {}", tensors.join(", ")) };
    format!("{}{of}", count_of(batch.n, "sample"))
}

/// One line: its own findings are those of the rules that judge it first.
fn check(record: &Preflight, made: &Made, findings: &[Finding], rules: &[&RuleInfo]) -> CheckFacts {
    let is_of = |rule: &&&RuleInfo| match rule.signals.first() {
        Some(Signal::Preflight(experiment)) => {
            record.line_of(*experiment).is_some_and(|m| m.name == made.name)
        }
        _ => false,
    };
    // What became a part of its cause is named there in brackets.
    let speaks = |rule: &str, f: &&Finding| f.rule == rule || f.message.contains(&format!("({rule})"));
    let mut found: Vec<(&str, Severity)> = Vec::new();
    for rule in rules.iter().filter(is_of) {
        let worst = findings.iter().filter(|f| speaks(rule.id, f)).map(|f| f.severity).max();
        found.extend(worst.map(|severity| (rule.id, severity)));
    }
    found.sort_by_key(|(_, severity)| std::cmp::Reverse(*severity));
    let state = match (&made.skipped, found.is_empty()) {
        (_, false) => CheckState::Found,
        (Some(_), true) => CheckState::Skipped,
        (None, true) => CheckState::Passed,
    };
    CheckFacts {
        name: made.name.clone(),
        title: if made.title.is_empty() { made.name.clone() } else { made.title.clone() },
        state,
        severity: found.first().map(|(_, severity)| *severity),
        rules: found.iter().map(|(rule, _)| (*rule).to_owned()).collect(),
        note: made.skipped.clone().unwrap_or_else(|| note(record, &made.name)),
        seconds: made.seconds,
    }
}

/// The numbers of an experiment in a few words; empty where there are none.
fn note(record: &Preflight, name: &str) -> String {
    let experiment = Experiment::ALL.into_iter().find(|e| e.key() == name).unwrap_or(Experiment::Init);
    measured(record, experiment).unwrap_or_default()
}

fn measured(record: &Preflight, experiment: Experiment) -> Option<String> {
    match experiment {
        Experiment::Overfit => overfit_words(record),
        Experiment::Init => Some(format!("loss before training {}", record.init.as_ref()?.loss?)),
        Experiment::Zeroed => {
            let zeroed = record.zeroed.as_ref()?;
            Some(format!("loss {} with inputs, {} without", zeroed.real.last()?, zeroed.zero.last()?))
        }
        Experiment::Mixing => Some(format!("gradient by other samples {}", record.mixing.as_ref()?.other?)),
        Experiment::Causal => Some(format!("change by later inputs {}", record.causal.as_ref()?.future?)),
        Experiment::Range => range_words(record),
        Experiment::Validation => {
            let of = record.validation.as_ref()?;
            Some(format!("{} and {} samples compared", thousands(of.n_train), thousands(of.n_valid)))
        }
        Experiment::Sizes => {
            let names: Vec<&str> = record.sizes.iter().flatten().map(|s| s.what.as_str()).collect();
            Some(names.join(", "))
        }
        Experiment::MiniValidation => {
            let n = record.mini_validation.as_ref()?.smallest?;
            let tell = if n == 1 { "tells" } else { "tell" };
            let samples = count_of(n, "validation sample");
            Some(format!("{samples} {tell} a difference of 5 % of the loss, at 95 %"))
        }
        Experiment::GradientChecks => {
            Some(count_of(record.gradient_checks.as_ref()?.len() as u64, "function"))
        }
        Experiment::Output => {
            let output = record.output.as_ref()?;
            Some(format!(
                "{} over {}",
                count_of(output.n_labels, "label"),
                count_of(output.n_classes, "class")
            ))
        }
        Experiment::Memory => memory_words(record),
        Experiment::Ladder => {
            let of = record.ladder.as_ref()?;
            let end = |losses: &[Number]| losses.last().map_or_else(|| "–".to_owned(), ToString::to_string);
            let (network, linear, hidden) = (end(&of.network), end(&of.linear), end(&of.mlp));
            Some(format!("loss of the network {network}, linear {linear}, one hidden layer {hidden}"))
        }
        Experiment::Parameters
        | Experiment::Batch
        | Experiment::LossCalls
        | Experiment::Softmaxes
        | Experiment::Layers
        | Experiment::Norms => None,
    }
}

/// The best of the trainings.
fn overfit_words(record: &Preflight) -> Option<String> {
    let last = |c: &LossCurve| c.losses.last().map_or(f64::INFINITY, |l| l.0);
    let curves = &record.overfit.as_ref()?.curves;
    let best = curves.iter().min_by(|a, b| last(a).total_cmp(&last(b)))?;
    let steps = count_of(best.losses.len().saturating_sub(1) as u64, "step");
    Some(format!("loss {} → {} in {steps}, {}", best.losses.first()?, best.losses.last()?, best.optimizer))
}

fn range_words(record: &Preflight) -> Option<String> {
    let range = record.range.as_ref()?;
    let used = range.used.map_or_else(String::new, |u| format!("learning rate {u}, "));
    Some(format!("{used}tried from {} to {}", range.rates.first()?, range.rates.last()?))
}

fn memory_words(record: &Preflight) -> Option<String> {
    let memory = record.memory.as_ref()?;
    let (n, bytes) = (memory.sizes.last()?, memory.bytes.last()?);
    Some(format!("a batch of {} takes {} MB", thousands(*n), Human(bytes.0 / 1e6)))
}

/// The batch as the network sees it.
fn seen(record: &Preflight) -> Vec<Evidence> {
    let Some(batch) = &record.batch else { return Vec::new() };
    let mut seen = Vec::new();
    if !batch.pictures.is_empty() {
        let pictures = batch.pictures.iter().enumerate().filter_map(|(i, p)| pictured(i, p));
        seen.push(Evidence::pictures(
            "the first batch as the network sees it, each scaled to its own range",
            pictures,
        ));
    }
    let histogram = |what: &str, input: &Input| {
        let h = input
            .histogram
            .as_ref()
            .filter(|h| !h.counts.is_empty() && h.edges.len() == h.counts.len() + 1)?;
        let range = match (input.mean, input.std) {
            (Some(mean), Some(std)) => format!(": mean {mean}, standard deviation {std}"),
            _ => String::new(),
        };
        Some(Evidence::Histogram {
            name: format!("{what} `{}`{range}", input.name),
            edges: h.edges.clone(),
            counts: h.counts.clone(),
        })
    };
    seen.extend(batch.inputs.iter().filter_map(|input| histogram("input", input)));
    for target in &batch.targets {
        if target.classes.is_empty() {
            seen.extend(histogram("target", &target.input));
            continue;
        }
        let label = |label: &Value| label.as_str().map_or_else(|| label.to_string(), str::to_owned);
        let bars = target.classes.iter().take(MOST_CLASSES).map(|(l, n)| (label(l), *n as f64));
        seen.push(Evidence::bars(format!("labels of `{}` in the first batch", target.input.name), bars));
    }
    seen
}

fn pictured(index: usize, picture: &Picture) -> Option<Pictured> {
    let shown = picture.sample.pictured("first batch")?;
    Some(Pictured { index: Some(index as u64), label: picture.label.clone(), ..shown })
}

fn line(label: &str, losses: &[Number]) -> Option<Line> {
    let points = losses.iter().enumerate().map(|(i, l)| [Number(i as f64), *l]);
    let points: Vec<[Number; 2]> = points.filter(|[_, y]| y.0.is_finite()).collect();
    (!points.is_empty()).then(|| Line { label: label.into(), points })
}

fn curves(name: &str, x: &str, lines: impl IntoIterator<Item = Option<Line>>) -> Option<Evidence> {
    let lines: Vec<Line> = lines.into_iter().flatten().collect();
    (!lines.is_empty()).then(|| Evidence::Curves { name: name.into(), x: x.into(), ticks: Vec::new(), lines })
}

/// Curves of the experiments, in the order in which they are made.
fn figures(record: &Preflight) -> Vec<Evidence> {
    let overfit = record.overfit.as_ref().and_then(|o| {
        let name = format!("{} learned by heart", count_of(o.n_samples, "sample"));
        curves(&name, "step", o.curves.iter().map(|c| line(&c.label(), &c.losses)))
    });
    let zeroed = record.zeroed.as_ref().and_then(|z| {
        curves(
            "trained with and without input",
            "step",
            [line("real inputs", &z.real), line("inputs of 0", &z.zero)],
        )
    });
    let range = record.range.as_ref().and_then(|r| {
        let points = r.rates.iter().zip(&r.losses).filter(|(rate, loss)| rate.0 > 0.0 && loss.0.is_finite());
        let points: Vec<[Number; 2]> = points.map(|(rate, loss)| [Number(rate.0.log10()), *loss]).collect();
        let line = (!points.is_empty()).then(|| Line { label: "loss".into(), points });
        curves("loss as the learning rate rises", "log10 of the learning rate", [line])
    });
    let ladder = record.ladder.as_ref().and_then(|l| {
        let lines =
            [line("the network", &l.network), line("linear", &l.linear), line("one hidden layer", &l.mlp)];
        curves("simple models on the same batches", "step", lines)
    });
    let memory = record.memory.as_ref().and_then(|m| {
        let points: Vec<[Number; 2]> =
            m.sizes.iter().zip(&m.bytes).map(|(n, b)| [Number(*n as f64), Number(b.0 / 1e6)]).collect();
        let line = (!points.is_empty()).then(|| Line { label: "MB".into(), points });
        curves("memory of a step by the size of the batch", "samples", [line])
    });
    [overfit, zeroed, range, ladder, memory].into_iter().flatten().collect()
}
