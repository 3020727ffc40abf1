//! `non-finite-input`

use serde::{Deserialize, Serialize};
use stetho_core::preflight::{Experiment, Input, Preflight};
use stetho_core::{Draft, Evidence, Place, Remedy, Report, Rule, Severity, Signal, count_of, thousands};

use crate::experiments::known;

/// The first batch holds NaN or infinity, and so does the loss.
///
/// ## Why it matters
/// One such number in one sample makes the loss and all gradients NaN; after the optimizer's next step every weight is lost.
///
/// ## What to do
/// Look at the samples that are named. Fill in or leave out what is missing before the data are scaled: a mean of a column with a NaN is
/// NaN, and a column whose numbers are all equal is divided by 0.
///
/// ## Fires on
/// ```preflight
/// {"batch": {"n": 32, "inputs": [{"name": "x", "shape": [32, 5], "dtype": "float32", "n_non_finite": 2, "non_finite_samples": [3, 17]}]},
///  "init": {"loss": "NaN"}}
/// ```
/// In the targets:
/// ```preflight
/// {"batch": {"n": 32, "targets": [{"name": "y", "shape": [32], "dtype": "float32", "n_non_finite": 1, "non_finite_samples": [0]}]},
///  "init": {"loss": "Infinity"}}
/// ```
///
/// ## Stays quiet on
/// A model that knows what to do with missing values:
/// ```preflight
/// {"batch": {"n": 32, "inputs": [{"name": "x", "shape": [32, 5], "dtype": "float32", "n_non_finite": 2, "non_finite_samples": [3, 17]}]},
///  "init": {"loss": 0.7}}
/// ```
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct NonFiniteInput {}

impl Rule for NonFiniteInput {
    type Input = Preflight;
    const ID: &'static str = "non-finite-input";
    const SEVERITY: Severity = Severity::Error;
    const SIGNALS: &'static [Signal] =
        &[Signal::Preflight(Experiment::Batch), Signal::Preflight(Experiment::Init)];

    fn check(&mut self, preflight: &Preflight, report: &mut Report) {
        let (Some(batch), Some(init)) = (&preflight.batch, &preflight.init) else { return };
        if preflight.raised.is_some() || init.loss.is_none() || known(init.loss).is_some() {
            return;
        }
        let inputs = batch.inputs.iter().map(|input| ("inputs", input));
        let targets = batch.targets.iter().map(|target| ("targets", &target.input));
        // Masks of attention are infinite on purpose.
        let is_meant = |input: &Input| input.name.to_lowercase().contains("mask");
        for (what, input) in inputs.chain(targets).filter(|(_, i)| i.n_non_finite > 0 && !is_meant(i)) {
            report.raise(draft(what, input));
        }
    }
}

fn draft(what: &str, input: &Input) -> Draft {
    let samples: Vec<String> = input.non_finite_samples.iter().take(5).map(ToString::to_string).collect();
    let places = match samples.as_slice() {
        [] => String::new(),
        [only] => format!(", in sample {only} of the batch"),
        several => format!(", in samples {} of the batch", several.join(", ")),
    };
    let n: u64 = input.shape.iter().product();
    Draft::new(
        Place::Whole,
        format!(
            "the {what} `{}` hold {} that {} NaN or infinite, of {}{places}; the loss is then no number either",
            input.name,
            count_of(input.n_non_finite, "value"),
            if input.n_non_finite == 1 { "is" } else { "are" },
            thousands(n)
        ),
        Evidence::at_most("values that are NaN or infinite", input.n_non_finite as f64, 0.0),
        Remedy::advice("find where these samples get them, and fill them in or leave them out").code(format!(
            "bad = ~torch.isfinite({}).flatten(1).all(1)\nprint(bad.nonzero())",
            if input.name.chars().all(|c| c.is_alphanumeric() || c == '_') && !input.name.is_empty() {
                &input.name
            } else {
                "x"
            }
        )),
    )
    .topic(input.name.clone())
    .count(input.n_non_finite)
}
