//! `beaten-by-simple-model`

use serde::{Deserialize, Serialize};
use stetho_core::preflight::{Experiment, Preflight};
use stetho_core::{Draft, Evidence, Human, Place, Remedy, Report, Rule, Severity, Signal};

use crate::experiments::{level, line};

/// A simple model learns faster than the network, on the same batches with the same loss.
///
/// ## Why it matters
/// A network that a linear model or one hidden layer leaves behind has a fault in itself or in how it is trained, or is more than the task
/// needs. Where nothing simple was tried, nobody knows.
///
/// ## What to do
/// Start from the simple model that works, and add to it step by step; each step must pay.
///
/// ## Fires on
/// ```preflight
/// {"ladder": {"steps": 8, "network": [2.3, 2.29, 2.28, 2.27, 2.26, 2.25, 2.25, 2.25], "linear": [2.4, 2.0, 1.7, 1.4, 1.2, 1.0, 0.9, 0.8],
///   "mlp": [2.3, 1.8, 1.4, 1.0, 0.8, 0.6, 0.5, 0.4]}}
/// ```
///
/// ## Stays quiet on
/// ```preflight
/// {"ladder": {"steps": 8, "network": [2.3, 1.9, 1.5, 1.2, 1.0, 0.8, 0.6, 0.5], "linear": [2.4, 2.0, 1.7, 1.4, 1.2, 1.0, 0.9, 0.8],
///   "mlp": [2.3, 1.8, 1.4, 1.0, 0.8, 0.6, 0.5, 0.4]}}
/// ```
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct BeatenBySimpleModel {
    /// Share of what the simple model gains that the network must gain.
    pub share: f64,
    /// Share of its first loss that the simple model must gain for the comparison to count.
    pub gain: f64,
}

impl Default for BeatenBySimpleModel {
    fn default() -> Self {
        Self { share: 0.4, gain: 0.2 }
    }
}

impl Rule for BeatenBySimpleModel {
    type Input = Preflight;
    const ID: &'static str = "beaten-by-simple-model";
    const SEVERITY: Severity = Severity::Warning;
    const SIGNALS: &'static [Signal] = &[Signal::Preflight(Experiment::Ladder)];

    fn check(&mut self, preflight: &Preflight, report: &mut Report) {
        let Some(ladder) = &preflight.ladder else { return };
        let simple = [("a linear model", &ladder.linear), ("a network with one hidden layer", &ladder.mlp)];
        let best = simple
            .into_iter()
            .map(|(name, losses)| (name, level(losses)))
            .filter(|(_, end)| end.is_finite())
            .min_by(|a, b| a.1.total_cmp(&b.1));
        let (Some((name, end)), Some(first)) = (best, ladder.network.first()) else { return };
        let own = level(&ladder.network);
        // From where the network starts: simple models start near what says nothing.
        let start = ladder.linear.first().map_or(first.0, |l| l.0.min(first.0));
        let (gain, of_network) = (start - end, start - own);
        if gain < self.gain * start.abs() || of_network >= self.share * gain {
            return;
        }
        report.raise(
            Draft::new(
                Place::Whole,
                format!(
                    "after {} steps on the same batches {name} has a loss of {}, the network {}",
                    ladder.steps,
                    Human(end),
                    Human(own)
                ),
                Evidence::at_least(
                    "gain of the network, as a share of that of the simple model",
                    of_network / gain,
                    self.share,
                ),
                Remedy::advice(
                    "start from the simple model and add to it step by step; see that each step pays",
                ),
            )
            .evidence(Evidence::curves(
                "loss on the same batches",
                "step",
                [
                    line("the network", &ladder.network),
                    line("linear", &ladder.linear),
                    line("one hidden layer", &ladder.mlp),
                ],
            )),
        );
    }
}
