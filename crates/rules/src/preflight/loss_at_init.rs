//! `loss-at-init`

use serde::{Deserialize, Serialize};
use stetho_core::preflight::{Experiment, LossCall, Preflight, TargetKind};
use stetho_core::{Draft, Evidence, Human, Remedy, Report, Rule, Severity, Signal};

use crate::experiments::{at_line, at_words, called, known, quote};

/// Before training, the loss is far above that of a model that knows nothing.
///
/// ## Why it matters
/// A model that knows nothing and says so, the same probability for each of K classes, has a loss of ln K. One that starts far above is
/// sure of wrong answers: weights or inputs are too large. The first part of the training goes into undoing that, often with gradients that
/// explode. Targets that are far from 0 do the same in regression.
///
/// ## What to do
/// Scale inputs to zero mean and unit variance, initialise the last layer small, and scale the targets of a regression.
///
/// ## Fires on
/// ```preflight
/// {"loss_calls": [{"function": "cross_entropy", "place": {"path": "train.py", "line": 25, "text": "loss = criterion(out, y)"},
///   "n_classes": 10, "target_kind": "class", "value": 48.2, "reduction": "mean", "n_targets": 32}], "init": {"loss": 48.2}}
/// ```
/// ```preflight
/// {"loss_calls": [{"function": "mse_loss", "target_kind": "real", "value": 250900.0, "target_variance": 900.0,
///   "target_mean_square": 250900.0, "input_min": -0.4, "input_max": 0.5, "n_targets": 64}], "init": {"loss": 250900.0}}
/// ```
///
/// ## Stays quiet on
/// Scaled cosines with a margin:
/// ```preflight
/// {"loss_calls": [{"function": "cross_entropy", "n_classes": 100, "target_kind": "class", "value": 34.0, "n_targets": 32,
///   "input_min": -52.0, "input_max": 20.0, "is_of_cosines": true}], "init": {"loss": 34.0}}
/// ```
/// A pretrained model, a weighted loss, targets that are mostly 0:
/// ```preflight
/// {"loss_calls": [{"function": "cross_entropy", "n_classes": 10, "target_kind": "class", "value": 2.6, "n_targets": 32},
///   {"function": "cross_entropy", "n_classes": 10, "target_kind": "class", "value": 0.4, "n_targets": 32},
///   {"function": "cross_entropy", "n_classes": 10, "target_kind": "class", "value": 22.0, "weighted": true, "n_targets": 32},
///   {"function": "mse_loss", "value": 0.1, "target_variance": 0.001, "target_mean_square": 0.0011, "input_min": -0.9,
///    "input_max": 1.1, "target_max": 1.0, "n_targets": 4096}], "init": {"loss": 2.6}}
/// ```
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct LossAtInit {
    /// How many times the loss of a model that knows nothing, for classes.
    pub ratio: f64,
    /// How far above it, in nats, for classes.
    pub nats: f64,
    /// How many times the variance of the targets, for numbers.
    pub variances: f64,
    /// Fewer targets than this say little of their variance.
    pub targets: u64,
}

impl Default for LossAtInit {
    fn default() -> Self {
        Self { ratio: 2.75, nats: 2.0, variances: 10.0, targets: 8 }
    }
}

impl Rule for LossAtInit {
    type Input = Preflight;
    const ID: &'static str = "loss-at-init";
    const SEVERITY: Severity = Severity::Warning;
    const SIGNALS: &'static [Signal] =
        &[Signal::Preflight(Experiment::Init), Signal::Preflight(Experiment::LossCalls)];

    fn check(&mut self, preflight: &Preflight, report: &mut Report) {
        for call in preflight.losses().iter().filter(|call| call.is_plain_mean()) {
            let Some((text, measure, remedy)) = self.of_classes(call).or_else(|| self.of_numbers(call))
            else {
                continue;
            };
            let place = call.place.as_ref();
            let draft = Draft::new(at_line(place), text, measure, remedy).topic(at_words(place));
            report.raise(quote(place).into_iter().fold(draft, Draft::evidence));
        }
    }
}

impl LossAtInit {
    fn of_classes(&self, call: &LossCall) -> Option<(String, Evidence, Remedy)> {
        let value = known(call.value)?;
        let (n, words) = match (call.function.as_str(), call.n_classes) {
            ("cross_entropy" | "nll_loss", Some(n)) if n > 1 => (n, format!("ln {n}")),
            ("binary_cross_entropy" | "binary_cross_entropy_with_logits", _) => (2, "ln 2".to_owned()),
            _ => return None,
        };
        // Cosines times 30 or 64, less a margin, are meant to begin with a large loss.
        if call.is_of_cosines {
            return None;
        }
        // A distribution as target may have any scale where it does not sum to 1.
        if call.target_kind == TargetKind::Real {
            return None;
        }
        let ignorant = (n as f64).ln();
        let limit = (self.ratio * ignorant).max(ignorant + self.nats);
        if value <= limit {
            return None;
        }
        let reach = match (known(call.input_min), known(call.input_max)) {
            (Some(low), Some(high)) => format!("; its scores go from {} to {}", Human(low), Human(high)),
            _ => String::new(),
        };
        Some((
            format!(
                "before training, {}{} is {}; a model that knows nothing has {words} = {}, limit {}{reach}",
                called(call),
                at_words(call.place.as_ref()),
                Human(value),
                Human(ignorant),
                Human(limit)
            ),
            Evidence::at_most("loss before training", value, limit),
            Remedy::risky("scale the inputs, and start the last layer small").code(
                "nn.init.normal_(model.head.weight, std=0.01)   # your last layer\nnn.init.zeros_(model.head.bias)",
            ),
        ))
    }

    /// Targets far from 0, or predictions far beyond the targets.
    fn of_numbers(&self, call: &LossCall) -> Option<(String, Evidence, Remedy)> {
        if call.function != "mse_loss" || call.n_targets < self.targets {
            return None;
        }
        let (value, variance) = (known(call.value)?, known(call.target_variance).filter(|v| *v > 0.0)?);
        let square = known(call.target_mean_square)?;
        let reach = known(call.input_min)?.abs().max(known(call.input_max)?.abs());
        let of_targets = known(call.target_max).map_or(0.0, f64::abs).max(square.sqrt());
        let is_far = square > self.variances * variance;
        let is_large = reach > self.variances * of_targets;
        if value <= self.variances * variance || !(is_far || is_large) {
            return None;
        }
        let (mean, std) = ((square - variance).max(0.0).sqrt(), variance.sqrt());
        let why = if is_far {
            format!("the targets lie around {} with a spread of {}", Human(mean), Human(std))
        } else {
            format!("predictions reach {}, targets {}", Human(reach), Human(of_targets))
        };
        let remedy = if is_far {
            Remedy::risky("centre and scale the targets, and undo that in predictions")
                .code("y_mean, y_std = y_train.mean(), y_train.std()\ny = (y - y_mean) / y_std")
        } else {
            Remedy::risky("start the last layer small")
                .code("nn.init.normal_(model.head.weight, std=0.01)   # your last layer")
        };
        let text = format!(
            "before training, {}{} is {}, {} times the variance of the targets, limit {}: {why}",
            called(call),
            at_words(call.place.as_ref()),
            Human(value),
            Human(value / variance),
            Human(self.variances)
        );
        let measure = Evidence::at_most(
            "loss before training in variances of the targets",
            value / variance,
            self.variances,
        );
        Some((text, measure, remedy))
    }
}
