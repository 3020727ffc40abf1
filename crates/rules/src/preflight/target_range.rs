//! `target-range`

use serde::{Deserialize, Serialize};
use stetho_core::preflight::{Experiment, LossCall, Preflight, Raised, TargetKind};
use stetho_core::{
    Draft, Evidence, Human, Number, Remedy, Report, Rule, Severity, Signal, percent, thousands,
};

use crate::experiments::{
    HAND_MADE, at_line, at_words, called, is_cross_entropy, is_elementwise, known, quote,
};

/// Targets are not what the loss can work with.
///
/// ## Why it matters
/// A label that is no number of an output ends the run, on a GPU with a message that points elsewhere. Targets that are all ignored, a
/// single output for a choice between classes, or targets beyond 0 and 1 for a loss on probabilities train without a complaint, and teach
/// nothing or the wrong thing.
///
/// ## What to do
/// Count classes from 0, and give the last layer one output for each. Use a loss that goes with the targets.
///
/// ## Fires on
/// ```preflight
/// {"loss_calls": [{"function": "cross_entropy", "place": {"path": "train.py", "line": 25, "text": "loss = criterion(out, y)"},
///   "input_shape": [32, 10], "target_shape": [32], "target_kind": "class", "n_classes": 10, "target_min": 1, "target_max": 10,
///   "n_targets": 32}]}
/// ```
/// ```preflight
/// {"raised": {"type": "RuntimeError", "message": "expected scalar type Long but found Float",
///   "place": {"path": "train.py", "line": 25, "text": "loss = criterion(out, y)"}}}
/// ```
/// ```preflight
/// {"loss_calls": [{"function": "cross_entropy", "n_classes": 10, "target_kind": "class", "n_targets": 32, "n_ignored": 32}]}
/// ```
/// ```preflight
/// {"loss_calls": [{"function": "binary_cross_entropy_with_logits", "target_kind": "binary", "target_min": 0, "target_max": 255,
///   "n_targets": 4096}]}
/// ```
///
/// A decoder that ends in a sigmoid, and standardised numbers:
/// ```preflight
/// {"loss_calls": [{"function": "mse_loss", "input_from": "sigmoid", "target_kind": "real", "target_min": -2.1, "target_max": 6.0,
///   "beyond_unit": 0.7, "n_targets": 960}]}
/// ```
///
/// ## Stays quiet on
/// A few targets that are cut off:
/// ```preflight
/// {"loss_calls": [{"function": "mse_loss", "input_from": "sigmoid", "target_kind": "real", "target_min": -0.1, "target_max": 1.1,
///   "beyond_unit": 0.05, "n_targets": 960}]}
/// ```
/// Labels with noise on them, as some GANs are trained with:
/// ```preflight
/// {"loss_calls": [{"function": "binary_cross_entropy_with_logits", "target_kind": "real", "target_min": 0.7, "target_max": 1.2,
///   "n_targets": 32}]}
/// ```
/// ```preflight
/// {"loss_calls": [{"function": "cross_entropy", "n_classes": 10, "target_kind": "class", "target_min": 0, "target_max": 9,
///   "n_targets": 32, "n_ignored": 20},
///   {"function": "binary_cross_entropy_with_logits", "target_kind": "binary", "target_min": 0, "target_max": 1, "n_targets": 32}]}
/// ```
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct TargetRange {
    /// How far beyond 0 and 1 targets of a loss on probabilities may lie: labels with noise on them do.
    pub beyond: f64,
}

impl Default for TargetRange {
    fn default() -> Self {
        Self { beyond: 0.3 }
    }
}

impl Rule for TargetRange {
    type Input = Preflight;
    const ID: &'static str = "target-range";
    const SEVERITY: Severity = Severity::Error;
    const SIGNALS: &'static [Signal] = &[Signal::Preflight(Experiment::LossCalls)];

    fn check(&mut self, preflight: &Preflight, report: &mut Report) {
        let drafts: Vec<Draft> =
            preflight.losses().iter().filter_map(|call| draft(call, self.beyond)).collect();
        if let (true, Some(raised)) = (drafts.is_empty(), &preflight.raised) {
            drafts_of_raised(raised, preflight.losses().last()).into_iter().for_each(|d| report.raise(d));
        }
        drafts.into_iter().for_each(|draft| report.raise(draft));
    }
}

/// What is wrong with the targets of a call.
fn draft(call: &LossCall, beyond: f64) -> Option<Draft> {
    let low = known(call.target_min);
    let high = known(call.target_max);
    let is_class =
        is_cross_entropy(call) && matches!(call.target_kind, TargetKind::Class | TargetKind::Unknown);
    let (what, measure, remedy) = if is_class {
        class_fault(call, low, high)?
    } else if call.function.starts_with("binary_cross_entropy") {
        binary_fault(low, high, beyond)?
    } else {
        squashed_fault(call, low, high)?
    };
    let place = call.place.as_ref();
    let text = format!("{}{} {what}", called(call), at_words(place));
    let draft = Draft::new(at_line(place), text, measure, remedy).topic(at_words(place));
    Some(quote(place).into_iter().fold(draft, Draft::evidence))
}

type Fault = (String, Evidence, Remedy);

fn class_fault(call: &LossCall, low: Option<f64>, high: Option<f64>) -> Option<Fault> {
    let n = call.n_classes?;
    if call.n_targets > 0 && call.n_ignored >= call.n_targets {
        let what =
            format!("has nothing to learn from: all {} targets are to be ignored", thousands(call.n_targets));
        let share = Evidence::at_most("share of the targets that are ignored", 1.0, 0.99);
        return Some((what, share, Remedy::advice("look at how targets are padded, and at `ignore_index`")));
    }
    if n == 1 {
        let what =
            "chooses between classes by a single output: its value is 0 whatever the model says".to_owned();
        let outputs = Evidence::at_least("outputs", 1.0, 2.0);
        let remedy = Remedy::risky("for two classes give the model two outputs, or use the loss for one")
            .code("loss = nn.BCEWithLogitsLoss()(output.squeeze(1), y.float())");
        return Some((what, outputs, remedy));
    }
    if let Some(high) = high.filter(|high| *high > n as f64 - 1.0) {
        let starts_at_one = low.is_some_and(|low| low >= 1.0) && high <= n as f64;
        let what = format!("gets the label {}; with {n} outputs labels go from 0 to {}", Human(high), n - 1);
        let remedy = if starts_at_one {
            Remedy::risky("count classes from 0").code("y = y - 1")
        } else {
            Remedy::risky(format!("give the last layer {} outputs, or correct the labels", Human(high + 1.0)))
        };
        return Some((what, Evidence::at_most("greatest label", high, n as f64 - 1.0), remedy));
    }
    let low = low.filter(|low| *low < 0.0)?;
    let what = format!("gets the label {}; labels go from 0 to {}", Human(low), n - 1);
    let remedy = Remedy::risky("correct the labels, or name the one that is to be ignored")
        .code(format!("criterion = nn.CrossEntropyLoss(ignore_index={})", Human(low)));
    Some((what, Evidence::at_least("least label", low, 0.0), remedy))
}

/// Share of the targets that a sigmoid cannot reach, from which on they are not what it was put there for.
const OUT_OF_REACH: f64 = 0.2;

/// A prediction that ends in a sigmoid, compared with numbers of which many lie beyond 0 and 1.
fn squashed_fault(call: &LossCall, low: Option<f64>, high: Option<f64>) -> Option<Fault> {
    let from = call.input_from.as_deref().filter(|from| from.trim_end_matches('_') == "sigmoid")?;
    let share = known(call.beyond_unit).filter(|share| *share > OUT_OF_REACH)?;
    if !is_elementwise(call) && call.function != HAND_MADE {
        return None;
    }
    let what = format!(
        "compares what a `{from}` gives, which lies between 0 and 1, with targets from {} to {}: {} of them are out of its reach",
        low.map_or_else(|| "?".to_owned(), |x| Human(x).to_string()),
        high.map_or_else(|| "?".to_owned(), |x| Human(x).to_string()),
        percent(share)
    );
    let measure = Evidence::at_most("share of the targets beyond 0 and 1", share, OUT_OF_REACH);
    let remedy = Remedy::risky("leave the sigmoid out, or scale the targets to 0 and 1");
    Some((what, measure, remedy))
}

/// Targets a little beyond 0 and 1 are noise that was put onto them on purpose, as for the critic of a GAN.
fn binary_fault(low: Option<f64>, high: Option<f64>, beyond: f64) -> Option<Fault> {
    let (low, high) = (low?, high?);
    if low >= -beyond && high <= 1.0 + beyond {
        return None;
    }
    let what =
        format!("gets targets from {} to {}, and expects probabilities from 0 to 1", Human(low), Human(high));
    let measure = if high > 1.0 + beyond {
        Evidence::at_most("greatest target", high, 1.0 + beyond)
    } else {
        Evidence::at_least("least target", low, -beyond)
    };
    let remedy = if high > 1.0 {
        Remedy::risky("scale the targets to 0 and 1").code(format!("y = y / {}", Human(high)))
    } else {
        Remedy::risky("code the classes as 0 and 1").code("y = (y > 0).float()")
    };
    Some((what, measure, remedy))
}

/// Parts of the messages of PyTorch about targets.
const MESSAGES: [&str; 11] = [
    "out of bounds",
    "expected scalar type Long",
    "expected scalar type Float",
    "Expected floating point type for target",
    "not implemented for 'Int'",
    "not implemented for 'Float'",
    "0D or 1D target tensor expected",
    "target size",
    "but expected Float",
    "result type Float can't be cast",
    "elements of target should be between 0 and 1",
];

/// What the step raised, if that was about targets: at the line of a loss, or in words about a target.
fn drafts_of_raised(raised: &Raised, last: Option<&LossCall>) -> Option<Draft> {
    let message = raised.message.lines().next().unwrap_or_default();
    let lower = message.to_lowercase();
    let line = raised.place.as_ref().map_or("", |p| p.text.as_str()).to_lowercase();
    let is_of_loss = ["loss", "criterion", "cross_entropy", "nll"].iter().any(|word| line.contains(word));
    let speaks = MESSAGES.iter().any(|part| lower.contains(&part.to_lowercase()));
    if !speaks || !(lower.contains("target") || is_of_loss) {
        return None;
    }
    let place = raised.place.as_ref().or(last.and_then(|call| call.place.as_ref()));
    let remedy = if lower.contains("out of bounds") {
        Remedy::risky("count classes from 0, and give the last layer one output for each")
    } else if lower.contains("target size") {
        Remedy::risky("bring outputs and targets into one shape")
            .code("loss = criterion(output.squeeze(1), y)")
    } else if ["expected scalar type long", "for 'int'", "for 'float'"]
        .iter()
        .any(|part| lower.contains(part))
    {
        Remedy::risky("give numbers of classes as integers of 64 bits")
            .code("loss = criterion(output, y.long())")
    } else {
        Remedy::risky("give the targets the type and shape that the loss expects")
            .code("loss = criterion(output, y.float())")
    };
    let draft = Draft::new(
        at_line(place),
        format!("the step fails{}: {}: {message}", at_words(place), raised.kind),
        Evidence::Measure {
            name: "targets that the loss refuses".into(),
            value: Number(1.0),
            limit: stetho_core::Limit::AtMost(Number(0.0)),
        },
        remedy,
    );
    Some(quote(place).into_iter().fold(draft, Draft::evidence))
}
