//! `loss-spike`

use serde::{Deserialize, Serialize};
use stetho_core::run::{Jump, Run};
use stetho_core::{Draft, Evidence, Human, Place, Remedy, Report, Rule, Severity, Signal};

use crate::runs::{at, line, round2};
use crate::trapped;
use crate::unrest::{Outstanding, spikes, swings};

/// The loss of single steps stands far above all others, and comes back.
///
/// ## Why it matters
/// One bad batch can undo the work of thousands of steps, and moves the statistics of the optimizer and of normalisation for a long time
/// after. In most cases it is the data of that step: a corrupt sample, a wrong label, an outlier of size.
///
/// ## What to do
/// Look at the batch of that step. Clip the gradient norm, so that no single batch can do more than the others.
///
/// ## Fires on
/// ```recipe rows=500
/// step = row()
/// loss = 0.5 + exp(-step / 50) + normal(0, 0.03) + pick(step == 321, 6, 0)
/// ```
///
/// ## Stays quiet on
/// Noise with a heavy tail, which is the run's own way:
/// ```recipe rows=500
/// step = row()
/// loss = 0.5 + exp(-step / 50) + 0.2 * lognormal(0, 1)
/// ```
/// A search for the learning rate, which raises it until the loss jumps, and the training after it:
/// ```recipe rows=500
/// step = row()
/// loss = 0.5 + exp(-step / 50) + normal(0, 0.03) + pick(step == 60, 6, 0)
/// lr = pick(step > 60, 0.001, 0.00001 * exp(step / 5))
/// ```
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct LossSpike {
    /// Height above the level before it, in typical distances of points from that level.
    pub swings: f64,
    /// How many times as high as the run's next-highest jumps.
    pub dwarfs: f64,
}

impl Default for LossSpike {
    fn default() -> Self {
        Self { swings: 15.0, dwarfs: 2.5 }
    }
}

impl Rule for LossSpike {
    type Input = Run;
    const ID: &'static str = "loss-spike";
    const SEVERITY: Severity = Severity::Warning;
    const SIGNALS: &'static [Signal] = &[Signal::TrainLoss];
    const ALSO: &'static [Signal] = &[Signal::GradientNorm, Signal::LearningRate];

    fn check(&mut self, run: &Run, report: &mut Report) {
        // A jump for which a few samples are to blame is told by them; what any batch may do, by the noise of the series.
        if trapped::raise_spikes(run, report) {
            return;
        }
        let Some(series) =
            run.train_loss().filter(|s| run.contest.is_none() && s.digest.non_finite().count() == 0)
        else {
            return;
        };
        let mut spikes = spikes(&series.digest, &Outstanding { swings: self.swings, dwarfs: self.dwarfs });
        spikes.retain(|jump| !is_range_test(run, jump.at.step));
        // Where all of the loss swings, no single batch is to blame.
        let Some(worst) = spikes.first().filter(|_| swings(run, 0.12).is_none()) else { return };
        let others =
            if spikes.len() > 1 { format!(", and {} more like it", spikes.len() - 1) } else { String::new() };
        let clip = run.gradient_norm().map_or_else(
            || "clip the gradient norm".to_owned(),
            |s| format!("clip the gradient norm at {}, its 95th percentile", round2(s.digest.quantile(0.95))),
        );
        report.raise(
            Draft::new(
                Place::steps(worst.at.step, worst.at.step),
                format!(
                    "`{}` jumps from {} to {} at {} and comes back: {} times its usual distance{others}",
                    series.tag,
                    Human(worst.level),
                    Human(worst.at.value),
                    at(run, worst.at.step),
                    Human(worst.score().round())
                ),
                Evidence::at_most("height in usual distances from the level", worst.score(), self.swings),
                Remedy::advice(format!(
                    "look at the batch of {}: corrupt samples, wrong labels, values out of scale{}",
                    at(run, worst.at.step),
                    if spikes.len() > 2 {
                        "; it is likely one sample that comes again each epoch"
                    } else {
                        ""
                    }
                )),
            )
            .places(spikes[1..].iter().map(|j| Place::steps(j.at.step, j.at.step)))
            .count(spikes.len() as u64)
            .remedy(Remedy::advice(clip))
            .evidence(Evidence::curves(
                "loss",
                run.unit,
                [line(series, series.tag.clone()), peaks(&spikes)],
            )),
        );
    }
}

/// Whether the learning rate was being raised to see how much the training bears: it rose a hundredfold up to this step, falls off at once,
/// and never comes near again.
fn is_range_test(run: &Run, step: u64) -> bool {
    let Some(rate) = run.learning_rate() else { return false };
    let blocks = rate.digest.blocks();
    let Some(i) = blocks.iter().rposition(|b| b.first <= step) else { return false };
    let peak = blocks[i].max;
    let (before, after) = (&blocks[..i], blocks.get(i + 2..).unwrap_or_default());
    let rose = before.first().is_some_and(|b| b.min > 0.0 && 100.0 * b.min <= peak);
    rose && !after.is_empty() && after.iter().all(|b| 10.0 * b.max <= peak)
}

/// The spikes as a line of points.
fn peaks(spikes: &[Jump]) -> (String, Vec<[f64; 2]>) {
    let mut points: Vec<[f64; 2]> = spikes.iter().map(|j| [j.at.step as f64, j.at.value]).collect();
    points.sort_by(|a, b| a[0].total_cmp(&b[0]));
    ("spikes".into(), points)
}
