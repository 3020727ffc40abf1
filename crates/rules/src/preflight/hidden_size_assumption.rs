//! `hidden-size-assumption`

use serde::{Deserialize, Serialize};
use stetho_core::preflight::{Experiment, Preflight, SizeTrial};
use stetho_core::{Draft, Evidence, Human, Place, Remedy, Report, Rule, Severity, Signal};

use crate::experiments::{at_line, at_words, known, quote};

/// The model works with one size of batch or sequence only.
///
/// ## Why it matters
/// A number in the code that happens to be the batch size, as in `x.view(32, -1)`, ends the run at the last, smaller batch of an epoch; or
/// it does not, and samples are mixed up silently. With a size that is a prime nothing fits by chance.
///
/// ## What to do
/// Take sizes from the tensor: `x.view(x.size(0), -1)`, or `x.flatten(1)`.
///
/// ## Fires on
/// ```preflight
/// {"sizes": [{"what": "batch of 7", "outcome": "raised", "message": "shape '[32, -1]' is invalid for input of size 4032",
///   "place": {"path": "net.py", "line": 18, "text": "x = x.view(32, -1)"}}]}
/// ```
/// ```preflight
/// {"sizes": [{"what": "batch of 7", "outcome": "differs", "difference": 0.4}]}
/// ```
///
/// An output that loses a dimension with a single sample, where the last batch holds one:
/// ```preflight
/// {"sizes": [{"what": "batch of 1", "outcome": "differs", "message": "the output has the shape [] for 1 sample", "will_come": true}]}
/// ```
///
/// ## Stays quiet on
/// What rounding to bfloat16 makes of sums in another order:
/// ```preflight
/// {"sizes": [{"what": "batch of 7", "outcome": "differs", "difference": 0.02, "epsilon": 0.0078125}]}
/// ```
/// A network for pictures of one size, as most with a linear layer at their end are:
/// ```preflight
/// {"sizes": [{"what": "batch of 7", "outcome": "ok", "difference": 1e-7},
///   {"what": "pictures of 37x41", "outcome": "raised", "message": "mat1 and mat2 shapes cannot be multiplied (8x1440 and 784x10)"}]}
/// ```
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct HiddenSizeAssumption {
    /// How much the output for a sample may differ between sizes of the batch.
    pub difference: f64,
    /// How many times the rounding of a number it may differ, where numbers are coarse, as in bfloat16.
    pub roundings: f64,
}

impl Default for HiddenSizeAssumption {
    fn default() -> Self {
        Self { difference: 1e-3, roundings: 16.0 }
    }
}

impl Rule for HiddenSizeAssumption {
    type Input = Preflight;
    const ID: &'static str = "hidden-size-assumption";
    const SEVERITY: Severity = Severity::Warning;
    const SIGNALS: &'static [Signal] = &[Signal::Preflight(Experiment::Sizes)];

    fn check(&mut self, preflight: &Preflight, report: &mut Report) {
        for trial in preflight.sizes.iter().flatten().filter(|t| is_of_interest(t)) {
            let line = trial.place.as_ref();
            let (text, measure): (String, Evidence) = match trial.outcome.as_str() {
                "raised" => (
                    format!(
                        "the model fails with {}{}: {}",
                        size_words(trial),
                        at_words(line),
                        first_line(trial)
                    ),
                    Evidence::at_most("sizes that the model fails with", 1.0, 0.0),
                ),
                "differs" => match known(trial.difference) {
                    None => (
                        format!("with {} {}", size_words(trial), first_line(trial)),
                        Evidence::at_most("sizes that change the form of the output", 1.0, 0.0),
                    ),
                    Some(difference) if difference <= self.limit(trial) => continue,
                    Some(difference) => (
                        format!(
                            "with {} the output for the same sample differs by {}, limit {}",
                            size_words(trial),
                            Human(difference),
                            Human(self.limit(trial))
                        ),
                        Evidence::at_most(
                            "difference of an output between sizes",
                            difference,
                            self.limit(trial),
                        ),
                    ),
                },
                _ => continue,
            };
            let place = if line.is_some() { at_line(line) } else { Place::Whole };
            let draft = Draft::new(
                place,
                text,
                measure,
                Remedy::risky("take sizes from the tensor instead of writing them down")
                    .code("x = x.flatten(1)                 # or: x.view(x.size(0), -1)"),
            )
            .topic(at_words(line));
            report.raise(quote(line).into_iter().fold(draft, Draft::evidence));
        }
    }
}

impl HiddenSizeAssumption {
    /// How much outputs may differ in the type of numbers that the model works in.
    fn limit(&self, trial: &SizeTrial) -> f64 {
        self.difference.max(self.roundings * known(trial.epsilon).unwrap_or(0.0))
    }
}

/// A size that the network is made for, of a picture or a sequence, is no fault unless others come; a normalisation of a single value is
/// told by another rule.
fn is_of_interest(trial: &SizeTrial) -> bool {
    let is_of_batch = trial.what.contains("batch of") && !trial.what.ends_with("batch of 1");
    (is_of_batch || trial.will_come) && !trial.message.contains("more than 1 value per channel")
}

/// `a batch of 7`, `pictures of 37x41`.
fn size_words(trial: &SizeTrial) -> String {
    let what = trial.what.trim_start_matches("step with a ");
    if what.starts_with("pictures") { what.to_owned() } else { format!("a {what}") }
}

fn first_line(trial: &SizeTrial) -> &str {
    let line = trial.message.lines().next().unwrap_or_default();
    if line.is_empty() { "without a message" } else { line }
}
