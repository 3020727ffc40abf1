//! `output-bias-prior`

use serde::{Deserialize, Serialize};
use stetho_core::preflight::{Experiment, Output, Preflight};
use stetho_core::{Draft, Evidence, Human, Number, Place, Remedy, Report, Rule, Severity, Signal, percent};

use crate::runs::round2;

/// Classes are not equally frequent, and the last bias does not know it.
///
/// ## Why it matters
/// The first part of the training then goes into learning how frequent classes are, with a loss that falls quickly and tells nothing. With
/// the bias set, the loss starts where a model that knows the frequencies stands, and each fall is one that comes from the input.
///
/// ## What to do
/// Set the bias of the last layer to the logarithm of the shares.
///
/// ## Fires on
/// ```preflight
/// {"output": {"layer": "head", "n_classes": 3, "bias": [0.01, -0.02, 0.0], "shares": [0.94, 0.04, 0.02], "n_labels": 1600,
///   "prediction": [0.34, 0.33, 0.33]}}
/// ```
///
/// ## Stays quiet on
/// ```preflight
/// {"output": {"layer": "head", "n_classes": 3, "bias": [0.01, -0.02, 0.0], "shares": [0.3, 0.4, 0.3], "n_labels": 1600,
///   "prediction": [0.34, 0.33, 0.33]}}
/// ```
/// Scores that are too large, with classes that are even:
/// ```preflight
/// {"output": {"layer": "head", "n_classes": 3, "bias": [0.0, 0.0, 0.0], "shares": [0.3, 0.4, 0.3], "n_labels": 1600,
///   "prediction": [0.001, 0.998, 0.001]}}
/// ```
/// ```preflight
/// {"output": {"layer": "head", "n_classes": 3, "bias": [-0.06, -3.2, -3.9], "shares": [0.94, 0.04, 0.02], "n_labels": 1600,
///   "prediction": [0.94, 0.04, 0.02]}}
/// ```
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct OutputBiasPrior {
    /// Nats that a bias at the shares must save.
    pub gain: f64,
    /// Fewer labels than this say little of the shares.
    pub labels: u64,
}

impl Default for OutputBiasPrior {
    fn default() -> Self {
        Self { gain: 0.25, labels: 100 }
    }
}

/// Classes that are drawn and written out.
const SHOWN: usize = 12;

impl Rule for OutputBiasPrior {
    type Input = Preflight;
    const ID: &'static str = "output-bias-prior";
    const SEVERITY: Severity = Severity::Info;
    const SIGNALS: &'static [Signal] = &[Signal::Preflight(Experiment::Output)];

    fn check(&mut self, preflight: &Preflight, report: &mut Report) {
        let Some(output) = preflight.output.as_ref().filter(|o| o.bias.is_some()) else { return };
        let Some(prediction) = &output.prediction else { return };
        let n = output.shares.len();
        if n < 2 || prediction.len() != n || output.n_labels < self.labels.max(10 * n as u64) {
            return;
        }
        // What a first guess loses for other reasons, as scores that are too large, no bias can save.
        let even = vec![Number(1.0 / n as f64); n];
        let gain = divergence(&output.shares, prediction).min(divergence(&output.shares, &even));
        if gain.is_nan() || gain < self.gain {
            return;
        }
        report.raise(draft(output, gain, self.gain));
    }
}

/// Kullback and Leibler's divergence of the prediction from the shares, in nats: what the bias alone can save.
fn divergence(shares: &[Number], prediction: &[Number]) -> f64 {
    let terms = shares.iter().zip(prediction).filter(|(s, _)| s.0 > 0.0);
    terms.map(|(s, p)| s.0 * (s.0 / p.0.max(1e-12)).ln()).sum()
}

fn draft(output: &Output, gain: f64, limit: f64) -> Draft {
    let mut order: Vec<usize> = (0..output.shares.len()).collect();
    order.sort_by(|a, b| output.shares[*b].0.total_cmp(&output.shares[*a].0));
    let (most, least) = (order[0], order[order.len() - 1]);
    let share = |class: usize| percent(output.shares[class].0);
    let n_outputs = output.bias.as_ref().map_or(0, Vec::len);
    let code = if n_outputs == 1 && output.shares.len() == 2 {
        let odds = (output.shares[1].0.max(1e-6) / output.shares[0].0.max(1e-6)).ln();
        format!(
            "with torch.no_grad():\n    model.{}.bias.fill_({})   # the log of the odds",
            output.layer,
            round2(odds)
        )
    } else if output.shares.len() <= SHOWN {
        let shares: Vec<String> = output.shares.iter().map(|s| round2(s.0)).collect();
        format!(
            "shares = torch.tensor([{}])\nwith torch.no_grad():\n    model.{}.bias.copy_((shares + 1e-6).log())",
            shares.join(", "),
            output.layer
        )
    } else {
        format!(
            "shares = torch.bincount(labels, minlength={}).float() / len(labels)\nwith torch.no_grad():\n    \
             model.{}.bias.copy_((shares + 1e-6).log())",
            output.n_classes, output.layer
        )
    };
    Draft::new(
        Place::layer(&output.layer),
        format!(
            "class {most} has {} of the labels and class {least} {}; with the bias of `{}` at these shares the loss would start {} nats \
             lower",
            share(most),
            share(least),
            output.layer,
            Human(gain)
        ),
        Evidence::at_most("nats that the bias alone would save", gain, limit),
        Remedy::risky("start the last bias at the shares of the classes").code(code),
    )
    .evidence(Evidence::bars(
        "share of each class among the labels",
        order.iter().take(SHOWN).map(|c| (c.to_string(), output.shares[*c].0)),
    ))
}
