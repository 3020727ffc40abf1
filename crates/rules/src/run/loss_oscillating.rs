//! `loss-oscillating`

use serde::{Deserialize, Serialize};
use stetho_core::run::{Block, Run};
use stetho_core::{Draft, Evidence, Human, Remedy, Report, Rule, Severity, Signal};

use crate::runs::{curves, peak_learning_rate, round2, since};
use crate::trend::{Course, mean, median};

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
    /// Typical swing as a share of how far the loss has fallen.
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
        let Some(series) = run.train_loss().filter(|_| run.is_contest.is_none()) else { return };
        let Some(course) = Course::of(&series.digest, 60).filter(|_| !is_rate_cyclic(run)) else { return };
        let fell = course.start - mean(course.tail(0.5));
        let (swing, by_chance) = swings(course.tail(0.25));
        if fell <= 0.0 || swing < self.swing * fell || swing < 4.0 * by_chance {
            return;
        }
        let rate = peak_learning_rate(run).map_or_else(
            || "halve the learning rate until the swings end".to_owned(),
            |rate| format!("lower the learning rate from {} to {}", round2(rate), round2(rate / 3.0)),
        );
        report.raise(
            Draft::new(
                since(series, course.tail(0.25)[0].first),
                format!(
                    "`{}` swings by {} around its trend, {} of what it has gained; batches alone would give {}",
                    series.tag,
                    Human(swing),
                    stetho_core::percent(swing / fell),
                    Human(by_chance)
                ),
                Evidence::at_most("typical swing as a share of the fall", swing / fell, self.swing),
                Remedy::advice(rate),
            )
            .certainty(0.7)
            .count(1)
            .remedy(Remedy::advice("take larger batches, or let the learning rate decay to the end of the run"))
            .evidence(curves(run, "loss and learning rate", std::iter::once(series))),
        );
    }
}

/// How far blocks lie from the median of themselves and their four neighbours, typically; and how far they would by the noise of single
/// points.
fn swings(blocks: &[Block]) -> (f64, f64) {
    let apart = blocks.windows(5).map(|w| (w[2].mean - median(w.iter().map(|b| b.mean))).abs());
    let noise = blocks.iter().map(|b| noise_of(b) / (b.n as f64).sqrt());
    (1.5 * median(apart), median(noise))
}

/// The noise of single points in a block, by the differences of neighbours rather than by their spread, which a slow swing widens.
fn noise_of(block: &Block) -> f64 {
    block.path / block.n as f64 * std::f64::consts::PI.sqrt() / 2.0
}

/// Whether the learning rate rises again after it fell.
fn is_rate_cyclic(run: &Run) -> bool {
    let Some(rate) = run.learning_rate() else { return false };
    let means: Vec<f64> = rate.digest.split(60).iter().map(|b| b.mean).collect();
    let high = means.iter().copied().fold(0.0, f64::max);
    let (mut low, mut rises) = (f64::INFINITY, 0);
    for value in means {
        if value > low + 0.3 * high {
            rises += 1;
            low = value;
        }
        low = low.min(value);
    }
    // One rise is a warm-up.
    rises >= 2
}
