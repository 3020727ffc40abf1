//! `loss-at-chance`

use serde::{Deserialize, Serialize};
use stetho_core::run::Run;
use stetho_core::{Draft, Evidence, Human, Remedy, Report, Rule, Severity, Signal};

use crate::chance_level::chance_level;
use crate::runs::{losses, since};

/// The loss stays where a model that ignores its input would be.
///
/// ## Why it matters
/// A constant prediction has the loss ln K on K equally frequent classes, and the variance of the target in regression. A loss that stays
/// there says that nothing about the input reaches the output: it is not slow learning, it is none.
///
/// ## What to do
/// Find where the signal is lost: inputs that are all the same after preprocessing, dead units, a detached tensor, parameters that are
/// not in the optimizer, labels that do not belong to their inputs. Overfit a handful of samples first: a sound network can.
///
/// ## Fires on
/// Ten classes, ln 10 = 2.303:
/// ```recipe rows=400
/// step = row()
/// loss = 2.303 + pick(step < 20, 0.4 * exp(-step / 5), 0) + normal(0, 0.02)
/// ```
/// ```recipe rows=60
/// epoch = row()
/// loss = 0.6935 + normal(0, 0.0004)
/// val_accuracy = 0.5 + normal(0, 0.01)
/// ```
///
/// ## Stays quiet on
/// ```recipe rows=400
/// step = row()
/// loss = 0.3 + 2.0 * exp(-step / 60) + normal(0, 0.02)
/// ```
/// Noisy labels, which nobody can predict better:
/// ```recipe rows=400
/// step = row()
/// loss = 0.62 + 0.08 * exp(-step / 60) + normal(0, 0.02)
/// ```
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct LossAtChance {
    /// How far from the level of a constant prediction it may be, as a share of it.
    pub within: f64,
}

impl Default for LossAtChance {
    fn default() -> Self {
        Self { within: 0.01 }
    }
}

impl Rule for LossAtChance {
    type Input = Run;
    const ID: &'static str = "loss-at-chance";
    const SEVERITY: Severity = Severity::Warning;
    const SIGNALS: &'static [Signal] = &[Signal::TrainLoss];
    const ALSO: &'static [Signal] = &[Signal::Metrics, Signal::ValidationLoss, Signal::LearningRate];

    fn check(&mut self, run: &Run, report: &mut Report) {
        let Some(series) = run.train_loss() else { return };
        let Some(chance) = chance_level(run, self.within) else { return };
        let distance = (chance.level - chance.chance).abs() / chance.chance;
        let mut draft = Draft::new(
            since(series, chance.since),
            format!(
                "`{}` stays at {}, the loss of a constant prediction ({})",
                series.tag,
                Human(chance.level),
                chance.what
            ),
            Evidence::at_least("distance from the loss of a constant prediction, as a share", distance, self.within),
            Remedy::advice("overfit ten samples with all regularisation off: if that fails too, the network or the loss is broken"),
        )
        .certainty(if chance.is_sure { 0.95 } else { 0.7 })
        .count(1)
        .evidence(losses(run))
        .remedy(Remedy::advice("look at a batch as the network sees it: are the inputs different from each other, do the labels belong to them?"));
        if run.gradient_norm().is_some_and(|s| s.digest.quantile(0.5) < 1e-7) {
            draft = draft.remedy(Remedy::advice(
                "the gradient norm is nearly 0: look for a detached tensor, dead units, or outputs that are saturated",
            ));
        } else {
            draft = draft.remedy(Remedy::advice(
                "check that every parameter is in the optimizer and that no tensor between loss and input is detached",
            ));
        }
        report.raise(draft);
    }
}

#[cfg(test)]
mod tests {
    use crate::run::testing::{judge, run, values};

    #[test]
    fn outputs_that_are_all_equal_tell_how_many_classes_there_are() {
        let at = |loss: f64| judge("loss-at-chance", &run([("loss", values(40, |_| loss))]));
        let found = at(4.4543);
        assert!(found[0].message.contains("ln 86, for 86 classes, at every step"), "{}", found[0].message);
        assert!(at(4.46).is_empty(), "the logarithm of no number of classes");
        let moving = values(40, |s| 4.4543 + 0.01 * (s * 0.9).sin());
        assert!(judge("loss-at-chance", &run([("loss", moving)])).is_empty());
    }
}
