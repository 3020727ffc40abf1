//! `loss-oscillating`

use serde::{Deserialize, Serialize};
use stetho_core::run::Run;
use stetho_core::{Draft, Evidence, Human, Remedy, Report, Rule, Severity, Signal, percent};

use crate::runs::{curves, peak_learning_rate, round2, since};
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
    const ALSO: &'static [Signal] = &[Signal::LearningRate];

    fn check(&mut self, run: &Run, report: &mut Report) {
        let Some(series) = run.train_loss() else { return };
        let Some(found) = swings(run, self.swing) else { return };
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
                    "`{}` swings by {} around its trend, {} of what it has gained{chance}",
                    series.tag,
                    Human(found.swing),
                    percent(found.swing / found.scale)
                ),
                Evidence::at_most(
                    "typical swing as a share of the gain",
                    found.swing / found.scale,
                    self.swing,
                ),
                Remedy::advice(rate),
            )
            .certainty(0.7)
            .count(1)
            .remedy(Remedy::advice(
                "take larger batches, or let the learning rate decay to the end of the run",
            ))
            .evidence(curves(run, "loss and learning rate", std::iter::once(series))),
        );
    }
}
