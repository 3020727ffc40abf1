//! `learning-rate-extreme`

use serde::{Deserialize, Serialize};
use stetho_core::run::Run;
use stetho_core::{Draft, Evidence, Human, Remedy, Report, Rule, Severity, Signal};

use crate::layers::places;
use crate::runs::{curves, losses};
use crate::step_sizes::{GOOD, Off, StepSizes, better_rate};
use crate::trend::median;

/// Nearly all layers change by far too much or too little at each step: the learning rate is off.
///
/// ## Why it matters
/// Whether a learning rate is large or small depends on the model, the loss and the optimizer; what it does to the weights tells.
/// Steps of a tenth of the weights or more jump about; steps of a hundred-thousandth or less do not arrive in the time of a run.
///
/// ## What to do
/// Set the learning rate so that a step changes the weights by about a thousandth; the remedy says which one that is. Warm-up, and a
/// decay at the end, may go below.
///
/// ## Fires on
/// ```recipe rows=300
/// step = row()
/// lr = 1e-8
/// loss = 2.3 + normal(0, 0.02)
/// `update_ratio/fc1` = 2e-7 * lognormal(0, 0.3)
/// `update_ratio/fc2` = 1e-7 * lognormal(0, 0.3)
/// `update_ratio/fc3` = 5e-7 * lognormal(0, 0.3)
/// ```
///
/// ## Stays quiet on
/// A learning rate that looks large, with updates that are not:
/// ```recipe rows=300
/// step = row()
/// lr = 30
/// loss = 2.3 * exp(-step / 100) + normal(0, 0.02)
/// `update_ratio/fc1` = 2e-3 * lognormal(0, 0.3)
/// `update_ratio/fc2` = 1e-3 * lognormal(0, 0.3)
/// `update_ratio/fc3` = 5e-3 * lognormal(0, 0.3)
/// ```
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct LearningRateExtreme {
    /// Least log10 of update over weight.
    pub least: f64,
    /// Greatest log10 of update over weight.
    pub most: f64,
}

impl Default for LearningRateExtreme {
    fn default() -> Self {
        Self { least: -5.0, most: -1.0 }
    }
}

impl Rule for LearningRateExtreme {
    type Input = Run;
    const ID: &'static str = "learning-rate-extreme";
    const SEVERITY: Severity = Severity::Warning;
    const SIGNALS: &'static [Signal] = &[Signal::LayerUpdates];
    const ALSO: &'static [Signal] = &[Signal::LearningRate, Signal::TrainLoss];

    fn check(&mut self, run: &Run, report: &mut Report) {
        let sizes = StepSizes::of(run, self.least, self.most);
        let Some(side) = sizes.all_off() else { return };
        let off = sizes.off(side);
        let log10 = median(sizes.layers.iter().map(|l| l.log10));
        let ratio = 10f64.powf(log10);
        let (place, others) = places(off.iter().map(|l| l.series.name.as_str()));
        let (word, verb, proof) = match side {
            Off::Large => (
                "much",
                "lower",
                Evidence::at_most("update over weight, median layer", ratio, 10f64.powf(self.most)),
            ),
            Off::Small => (
                "little",
                "raise",
                Evidence::at_least("update over weight, median layer", ratio, 10f64.powf(self.least)),
            ),
        };
        report.raise(
            Draft::new(
                place,
                format!(
                    "each step changes {} of {} layers by too {word}: by {} of their weights in the median",
                    off.len(),
                    sizes.layers.len(),
                    Human(ratio)
                ),
                proof,
                Remedy::advice(format!(
                    "{verb} the learning rate {}, with which a step would change the weights by about {}",
                    better_rate(run, log10),
                    Human(GOOD)
                )),
            )
            .places(others)
            .count(off.len() as u64)
            .evidence(sizes.bars())
            .evidence(curves(run, "update by layer", off.iter().take(5).map(|l| l.series)))
            .evidence(losses(run)),
        );
    }
}

#[cfg(test)]
mod tests {
    use crate::run::testing::{judge, run, values};

    #[test]
    fn a_common_cause_is_one_finding_with_the_rate_to_try() {
        let run = run([
            ("lr", values(100, |_| 10.0)),
            ("update_ratio/a", values(100, |_| 0.5)),
            ("update_ratio/b", values(100, |_| 1.0)),
            ("update_ratio/c", values(100, |_| 2.0)),
        ]);
        let found = judge("learning-rate-extreme", &run);
        assert_eq!((found.len(), found[0].count), (1, 3));
        assert!(found[0].remedies[0].action.contains("from 10 to 0.01"), "{:?}", found[0].remedies);
        assert!(judge("update-ratio", &run).is_empty());
    }
}
