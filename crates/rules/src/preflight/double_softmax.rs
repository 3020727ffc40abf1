//! `double-softmax`

use serde::{Deserialize, Serialize};
use stetho_core::preflight::{Experiment, LossCall, Preflight};
use stetho_core::{Draft, Evidence, Human, Place, Remedy, Report, Rule, Severity, Signal};

use crate::experiments::{at_line, at_words, called, known, module_of, quote};

/// The loss gets probabilities where it expects scores, or the other way round.
///
/// ## Why it matters
/// `cross_entropy` and the losses `…_with_logits` take the softmax, or the sigmoid, themselves. Of numbers that went through one before, all
/// between 0 and 1, they see hardly a difference between classes: the loss cannot come near 0, gradients are small, and the model learns
/// slowly or not at all.
///
/// ## What to do
/// Give the loss the raw scores of the last layer. Take the softmax only where probabilities are needed, outside of the loss.
///
/// ## Fires on
/// ```preflight
/// {"loss_calls": [{"function": "cross_entropy", "place": {"path": "train.py", "line": 31, "text": "loss = criterion(model(x), y)"},
///   "input_shape": [32, 10], "target_shape": [32], "n_classes": 10, "input_min": 0.02, "input_max": 0.4, "rows_sum_to_one": 1.0,
///   "input_from": "softmax", "input_place": {"path": "net.py", "line": 14, "text": "return F.softmax(x, dim=1)"}}]}
/// ```
/// ```preflight
/// {"loss_calls": [{"function": "binary_cross_entropy_with_logits", "input_shape": [64, 1], "target_shape": [64, 1],
///   "input_min": 0.1, "input_max": 0.8, "input_from": "sigmoid"}]}
/// ```
/// Probabilities without a logarithm:
/// ```preflight
/// {"loss_calls": [{"function": "nll_loss", "input_shape": [32, 10], "n_classes": 10, "input_min": 0.02, "input_max": 0.4,
///   "rows_sum_to_one": 1.0, "log_rows": 0.0, "input_from": "softmax"}]}
/// ```
///
/// ## Stays quiet on
/// ```preflight
/// {"loss_calls": [{"function": "cross_entropy", "input_shape": [32, 10], "n_classes": 10, "input_min": -1.2, "input_max": 1.5,
///   "rows_sum_to_one": 0.0, "log_rows": 0.0, "input_from": null},
///  {"function": "nll_loss", "input_shape": [32, 10], "n_classes": 10, "input_min": -4.0, "input_max": -1.1, "log_rows": 1.0,
///   "input_from": "log_softmax"},
///  {"function": "binary_cross_entropy", "input_shape": [32], "input_min": 0.1, "input_max": 0.9, "input_from": "sigmoid"}]}
/// ```
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct DoubleSoftmax {
    /// Share of the rows that must sum to 1 for them to be taken for probabilities.
    pub share: f64,
}

impl Default for DoubleSoftmax {
    fn default() -> Self {
        Self { share: 0.99 }
    }
}

impl Rule for DoubleSoftmax {
    type Input = Preflight;
    const ID: &'static str = "double-softmax";
    const SEVERITY: Severity = Severity::Error;
    const SIGNALS: &'static [Signal] = &[Signal::Preflight(Experiment::LossCalls)];

    fn check(&mut self, preflight: &Preflight, report: &mut Report) {
        for call in preflight.losses() {
            if let Some((what, remedy, severity)) = self.fault(call) {
                let of = call.input_from.as_deref().unwrap_or_default();
                // A module that ends in a softmax is called at the line of the loss, often.
                let made_at = call.input_place.as_ref().filter(|p| call.place.as_ref() != Some(*p));
                let from = match (made_at, of) {
                    (Some(_), _) => format!(", made{}", at_words(made_at)),
                    (None, "") => String::new(),
                    (None, of) => format!(", made by `{of}`"),
                };
                let range = match (known(call.input_min), known(call.input_max)) {
                    (Some(low), Some(high)) => format!(" (between {} and {}{from})", Human(low), Human(high)),
                    _ => from,
                };
                let measure = match known(call.rows_sum_to_one).filter(|share| *share > 1.0 - self.share) {
                    Some(share) => {
                        Evidence::at_most("share of the rows that are probabilities", share, 1.0 - self.share)
                    }
                    None => Evidence::at_most("calls that get what they do not expect", 1.0, 0.0),
                };
                let draft = Draft::new(
                    at_line(call.place.as_ref()),
                    format!("{}{} {what}{range}", called(call), at_words(call.place.as_ref())),
                    measure,
                    remedy,
                );
                let more: Option<Place> = made_at.map(|p| at_line(Some(p)));
                let quotes = [quote(made_at), quote(call.place.as_ref())];
                report.raise(
                    quotes
                        .into_iter()
                        .flatten()
                        .fold(draft, Draft::evidence)
                        .places(more)
                        .severity(severity)
                        .topic(what),
                );
            }
        }
    }
}

impl DoubleSoftmax {
    /// What is wrong with a call, what to do, and how bad it is.
    fn fault(&self, call: &LossCall) -> Option<(&'static str, Remedy, Severity)> {
        let module = module_of(&call.function);
        let made_by = |name: &str| call.input_from.as_deref() == Some(name);
        let is_probability = made_by("softmax") || self.has_rows_of_one(call);
        let raw = |of: &str| {
            Remedy::risky(format!("give the loss raw scores: leave the {of} out")).code(format!(
                "logits = model(x)          # no {of} in the model\nloss = nn.{module}()(logits, y)"
            ))
        };
        let log = Remedy::risky("take the logarithm of the softmax in one function")
            .code(format!("log_probs = F.log_softmax(logits, dim=1)\nloss = nn.{module}()(log_probs, y)"));
        match call.function.as_str() {
            "cross_entropy" if is_probability => Some((
                "gets probabilities, and takes their softmax once more",
                raw("softmax"),
                Severity::Error,
            )),
            "cross_entropy" if made_by("sigmoid") => {
                Some(("gets sigmoids where it expects raw scores", raw("sigmoid"), Severity::Error))
            }
            "cross_entropy" if made_by("log_softmax") => Some((
                "gets log-probabilities; the softmax that it takes of them changes nothing, and can be left out in the model",
                raw("log-softmax"),
                Severity::Info,
            )),
            "binary_cross_entropy_with_logits" if made_by("sigmoid") || made_by("softmax") => Some((
                "gets probabilities, and takes their sigmoid once more",
                raw("sigmoid"),
                Severity::Error,
            )),
            "nll_loss" | "kl_div" if is_probability && known(call.log_rows).is_none_or(|s| s < 0.5) => {
                Some(("gets probabilities where it expects their logarithms", log, Severity::Error))
            }
            "nll_loss" if known(call.log_rows).is_some_and(|s| s < 0.01) && !made_by("log_softmax") => Some(
                ("gets raw scores where it expects the logarithms of probabilities", log, Severity::Error),
            ),
            _ => None,
        }
    }

    /// Whether all rows are probabilities, whatever made them.
    fn has_rows_of_one(&self, call: &LossCall) -> bool {
        let n_rows = call.input_shape.first().copied().unwrap_or(0);
        call.n_classes.is_some_and(|n| n > 1)
            && n_rows > 3
            && known(call.input_min).is_some_and(|low| low >= 0.0)
            && known(call.rows_sum_to_one).is_some_and(|share| share >= self.share)
    }
}
