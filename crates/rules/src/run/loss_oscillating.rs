//! `loss-oscillating`

use serde::{Deserialize, Serialize};
use stetho_core::run::Run;
use stetho_core::{Draft, Evidence, Human, Remedy, Report, Rule, Severity, Signal, percent};

use crate::runs::{losses, peak_learning_rate, round2, since};
use crate::unrest::swings;

/// The training loss swings up and down by much of what it has gained.
///
/// ## Why it matters
/// Swings of the mean over many batches are not the noise of batches: the steps overshoot the valley. What one stretch of the run learns,
/// the next one loses.
///
/// ## What to do
/// Lower the learning rate, or let it decay; take larger batches; with momentum, lower one of the two.
///
/// ## Fires on
/// ```recipe rows=800
/// step = row()
/// loss = 1 + exp(-step / 60) + 0.5 * sin(step / 15) + normal(0, 0.05)
/// ```
///
/// A validation loss of which each epoch undoes the last:
/// ```recipe rows=40
/// epoch = row()
/// loss = 1.2 + normal(0, 0.15)
/// val_loss = 1.3 + 0.4 * (row() % 2) + normal(0, 0.2)
/// ```
///
/// ## Stays quiet on
/// Batches of one sample, noisy and sound:
/// ```recipe rows=800
/// step = row()
/// loss = abs(0.5 + exp(-step / 60) + normal(0, 0.6))
/// ```
/// A cyclic learning rate:
/// ```recipe rows=800
/// step = row()
/// lr = 0.05 * (1.1 + sin(step / 15))
/// loss = 1 + exp(-step / 60) + 0.5 * sin(step / 15) + normal(0, 0.05)
/// ```
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct LossOscillating {
    /// Typical swing as a share of how far the loss has fallen, or of its level where it has not.
    pub swing: f64,
}

impl Default for LossOscillating {
    fn default() -> Self {
        Self { swing: 0.12 }
    }
}

impl Rule for LossOscillating {
    type Input = Run;
    const ID: &'static str = "loss-oscillating";
    const SEVERITY: Severity = Severity::Warning;
    const SIGNALS: &'static [Signal] = &[Signal::TrainLoss];
    const ALSO: &'static [Signal] = &[Signal::LearningRate, Signal::ValidationLoss];

    fn check(&mut self, run: &Run, report: &mut Report) {
        let Some(found) = swings(run, self.swing) else { return };
        let (series, share) = (found.series, found.swing / found.scale);
        let chance = found
            .by_chance
            .map_or_else(String::new, |c| format!("; the noise of batches would give {}", Human(c)));
        let rate = peak_learning_rate(run).map_or_else(
            || "halve the learning rate until the swings end".to_owned(),
            |rate| format!("lower the learning rate from {} to {}", round2(rate), round2(rate / 3.0)),
        );
        report.raise(
            Draft::new(
                since(series, found.blocks[0].first),
                format!(
                    "`{}` swings by {} around its trend, {} of {}{chance}",
                    series.tag,
                    Human(found.swing),
                    percent(share),
                    found.scale_name
                ),
                Evidence::at_most(
                    format!("typical swing as a share of {}", found.scale_name),
                    share,
                    self.swing,
                ),
                Remedy::advice(rate),
            )
            .certainty(0.7)
            .count(1)
            .remedy(Remedy::advice(
                "take larger batches, or let the learning rate decay to the end of the run",
            ))
            .evidence(losses(run)),
        );
    }
}

#[cfg(test)]
mod tests {
    use crate::run::testing::{judge, run, values};

    #[test]
    fn a_loss_that_was_thrown_up_and_jumps_about_above_its_start_swings() {
        let jumps = |s: f64| 2.0 + 1.5 * (s * s * 0.7).sin();
        let thrown = move |s: f64| if s < 1.0 { 1.0 } else { jumps(s) + 60.0 * (-s / 30.0).exp() };
        let with =
            |loss: Vec<f64>| judge("loss-oscillating", &run([("loss", loss), ("lr", values(300, |_| 3.0))]));
        let found = with(values(300, thrown));
        assert_eq!(found.len(), 1);
        assert!(found[0].remedies[0].action.contains("from 3 to 1"), "{:?}", found[0].remedies);
        assert!(with(values(300, jumps)).is_empty(), "batches that were as different from the start on");
        assert!(with(values(300, move |s| 0.3 * thrown(s) + f64::from(u8::from(s < 1.0)))).is_empty());
    }

    #[test]
    fn validation_swings_are_no_small_set_while_training_is_calm() {
        let validation = values(40, |s| 1.3 + 0.4 * (s * s * 0.9).sin());
        let with =
            |train: fn(f64) -> f64| run([("loss", values(40, train)), ("val_loss", validation.clone())]);
        assert_eq!(judge("loss-oscillating", &with(|s| 1.2 + 0.2 * (s * s * 0.7).sin())).len(), 1);
        assert!(judge("loss-oscillating", &with(|s| 1.2 * (-s / 9.0).exp())).is_empty());
    }
}
