//! `update-ratio`

use serde::{Deserialize, Serialize};
use stetho_core::run::Run;
use stetho_core::{Draft, Evidence, Human, Remedy, Report, Rule, Severity, Signal};

use super::vanishing_gradient::VanishingGradient;
use crate::layers::{Depths, names, places};
use crate::runs::curves;
use crate::step_sizes::{Off, StepSizes, better_rate};

/// Single layers change by far too much or too little at each step.
///
/// ## Why it matters
/// A step that changes a layer by a tenth of its weights throws away what it knows; one that changes it by a hundred-thousandth leaves
/// it where it was for the whole run. About a thousandth is usual. Where one layer is far off and the others are not, no common
/// learning rate suits both.
///
/// ## What to do
/// Give the layer a learning rate of its own, or an optimizer that adapts (Adam), and look at its initialisation: weights that are too
/// small make updates relatively large.
///
/// ## Fires on
/// ```recipe rows=300
/// step = row()
/// lr = 0.1
/// `update_ratio/fc1` = 1e-3 * lognormal(0, 0.3)
/// `update_ratio/fc2` = 0.4 * lognormal(0, 0.3)
/// `update_ratio/fc3` = 2e-3 * lognormal(0, 0.3)
/// ```
///
/// ## Stays quiet on
/// ```recipe rows=300
/// step = row()
/// lr = 0.1
/// `update_ratio/fc1` = 1e-3 * lognormal(0, 0.3)
/// `update_ratio/fc2` = 0.01 * lognormal(0, 0.3)
/// `update_ratio/fc3` = 3e-4 * lognormal(0, 0.3)
/// ```
/// Warm-up, the end of a decay, an offset that starts at 0, and a frozen layer:
/// ```recipe rows=300
/// step = row()
/// lr = 0.001 * min(1, (step + 0.001) / 100) * pick(step < 200, 1, exp(-(step - 200) / 10))
/// `update_ratio/fc1.weight` = lr * lognormal(0, 0.3)
/// `update_ratio/fc1.bias` = 3 * lr / (lr + 0.001)
/// `update_ratio/fc2.weight` = lr * lognormal(0, 0.3)
/// `update_ratio/fc3.weight` = 0
/// ```
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct UpdateRatio {
    /// Least log10 of update over weight.
    pub least: f64,
    /// Greatest log10 of update over weight.
    pub most: f64,
}

impl Default for UpdateRatio {
    fn default() -> Self {
        Self { least: -5.0, most: -1.0 }
    }
}

impl Rule for UpdateRatio {
    type Input = Run;
    const ID: &'static str = "update-ratio";
    const SEVERITY: Severity = Severity::Warning;
    const SIGNALS: &'static [Signal] = &[Signal::LayerUpdates];
    const ALSO: &'static [Signal] = &[Signal::LearningRate, Signal::TrainLoss];

    fn check(&mut self, run: &Run, report: &mut Report) {
        let sizes = StepSizes::of(run, self.least, self.most);
        // That all layers are off is the learning rate, where it is logged.
        if sizes.all_off().is_some() && run.learning_rate().is_some() {
            return;
        }
        self.raise(run, &sizes, Off::Large, report);
        // Updates that are small because gradients vanish are told by that.
        let limits = VanishingGradient::default();
        if !Depths::of(run).any(|d| d.vanishes(limits.ratio, limits.tiny)) {
            self.raise(run, &sizes, Off::Small, report);
        }
    }
}

impl UpdateRatio {
    fn raise(&self, run: &Run, sizes: &StepSizes<'_>, side: Off, report: &mut Report) {
        let off = sizes.off(side);
        let Some(worst) = off.first() else { return };
        let layers: Vec<_> = off.iter().map(|l| l.series).collect();
        let (place, others) = places(layers.iter().map(|s| s.name.as_str()));
        let ratio = 10f64.powf(worst.log10);
        let (word, limit, verb) = match side {
            Off::Large => ("much", 10f64.powf(sizes.most), "lower"),
            Off::Small => ("little", 10f64.powf(self.least), "raise"),
        };
        let proof = match side {
            Off::Large => Evidence::at_most("update over weight", ratio, limit),
            Off::Small => Evidence::at_least("update over weight", ratio, limit),
        };
        report.raise(
            Draft::new(
                place,
                format!(
                    "each step changes {} by too {word}: by {} of the weights of `{}`, limit {}",
                    names(&layers),
                    Human(ratio),
                    worst.series.name,
                    Human(limit)
                ),
                proof,
                Remedy::advice(format!(
                    "give the layer a parameter group of its own and {verb} its learning rate {}",
                    better_rate(run, worst.log10)
                )),
            )
            .topic(word)
            .places(others)
            .count(off.len() as u64)
            .evidence(sizes.bars())
            .evidence(curves(run, "update by layer", layers.iter().take(5).copied()))
            .remedy(Remedy::advice(
                "look at how the layer is initialised, and use an optimizer that adapts to each parameter",
            )),
        );
    }
}

#[cfg(test)]
mod tests {
    use crate::run::testing::{judge, run, run_every, values};

    #[test]
    fn the_ratio_is_worked_out_from_norms() {
        let run = run_every(
            50,
            [
                ("update_norm/a", values(60, |s| 2.0 + 0.1 * s.sin())),
                ("weight_norm/a", values(60, |_| 5.0)),
                ("update_norm/b", values(60, |_| 1e-3)),
                ("weight_norm/b", values(60, |_| 1.0)),
            ],
        );
        let found = judge("update-ratio", &run);
        assert_eq!(found.len(), 1);
        assert!(found[0].message.contains("of the weights of `a`"), "{}", found[0].message);
        assert!(found[0].remedies[0].action.contains("by a factor of 400"), "{:?}", found[0].remedies);
        assert!(judge("learning-rate-extreme", &run).is_empty());
    }

    #[test]
    fn updates_of_a_twelfth_are_too_large_where_the_loss_does_not_come_down() {
        let with = |floor: f64| {
            let loss = values(200, move |s| floor + (2.3 - floor) * (-s / 20.0).exp());
            judge("update-ratio", &run([("loss", loss), ("update_ratio/a", values(200, |_| 0.08))])).len()
        };
        assert_eq!((with(2.1), with(0.2)), (1, 0));
    }

    #[test]
    fn small_updates_of_a_run_that_has_converged_are_its_due() {
        let ratio = |size: f64| values(300, move |s| size * (-s / 20.0).exp());
        let with = |loss: Vec<f64>| {
            run([("loss", loss), ("update_ratio/a", ratio(1e-3)), ("update_ratio/b", ratio(1e-7))])
        };
        assert!(judge("update-ratio", &with(values(300, |s| (-s / 20.0).exp()))).is_empty());
        assert_eq!(judge("update-ratio", &with(values(300, |_| 2.3))).len(), 1);
    }
}
