//! `loss-plateau`

use serde::{Deserialize, Serialize};
use stetho_core::run::Run;
use stetho_core::{Draft, Evidence, Human, Remedy, Report, Rule, Severity, Signal};

use crate::chance_level::chance_level;
use crate::runs::{at, losses, peak_learning_rate, round2, since};
use crate::trend::{Course, mean, means, trend};

/// The loss fell, and has been flat for a large part of the run at an unchanged learning rate.
///
/// ## Why it matters
/// Either the model has learned what it can, and the rest of the run was wasted; or the steps are too large to go down further, and a
/// smaller learning rate would gain something for little.
///
/// ## What to do
/// Divide the learning rate by ten (or use a schedule that lets it fall: cosine, reduce on plateau) and see whether the loss falls
/// once more. If it does not, stop earlier, or give the model more to work with.
///
/// ## Fires on
/// ```recipe rows=600
/// step = row()
/// loss = 0.8 + 1.5 * exp(-step / 40) + normal(0, 0.03)
/// lr = 0.1 + 0 * step
/// ```
///
/// ## Stays quiet on
/// ```recipe rows=600
/// step = row()
/// loss = 0.3 + 1.5 / (1 + step / 80) + normal(0, 0.02)
/// lr = 0.1 + 0 * step
/// ```
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct LossPlateau {
    /// Share of the run over which the loss must be flat.
    pub share: f64,
    /// What is left of the first loss at least, as a share of it.
    pub left: f64,
}

impl Default for LossPlateau {
    fn default() -> Self {
        Self { share: 0.5, left: 0.1 }
    }
}

impl Rule for LossPlateau {
    type Input = Run;
    const ID: &'static str = "loss-plateau";
    const SEVERITY: Severity = Severity::Info;
    const SIGNALS: &'static [Signal] = &[Signal::TrainLoss];
    const ALSO: &'static [Signal] = &[Signal::LearningRate, Signal::Metrics, Signal::ValidationLoss];

    fn check(&mut self, run: &Run, report: &mut Report) {
        let Some(series) = run.train_loss().filter(|_| run.contest.is_none()) else { return };
        let Some(course) = Course::of(&series.digest, 40) else { return };
        let flat = course.tail(1.0 - self.share);
        let level = mean(flat);
        let fell = course.start - level;
        let (early, late) = flat.split_at(flat.len() / 2);
        let moved = (mean(early) - mean(late)).abs();
        let is_flat = moved < 0.04 * fell || moved < 0.06 * fell && trend(&means(flat)).abs() < 2.3;
        if !is_flat
            || fell < 6.0 * course.noise
            || level < self.left * course.start.abs()
            || !is_rate_constant(run, flat[0].first)
            || chance_level(run, 0.01).is_some()
        {
            return;
        }
        let share = mean(late) / course.start;
        let rate = peak_learning_rate(run).map_or_else(
            || "divide the learning rate by ten".to_owned(),
            |rate| format!("lower the learning rate from {} to {}", round2(rate), round2(rate / 10.0)),
        );
        report.raise(
            Draft::new(
                since(series, flat[0].first),
                format!(
                    "`{}` has been flat at {} since {}, {} of the run",
                    series.tag,
                    Human(level),
                    at(run, flat[0].first),
                    stetho_core::percent(self.share)
                ),
                Evidence::at_most("what is left of the first loss, as a share", share, self.left),
                Remedy::advice(format!(
                    "{rate} from {} on, and see whether it falls once more",
                    at(run, flat[0].first)
                )),
            )
            .certainty(0.6)
            .count(1)
            .remedy(Remedy::advice("or stop there: the steps since have gained nothing"))
            .evidence(losses(run)),
        );
    }
}

/// Whether the learning rate has not changed since `step`, as far as it was logged.
fn is_rate_constant(run: &Run, step: u64) -> bool {
    let Some(rate) = run.learning_rate() else { return true };
    let since: Vec<_> = rate.digest.blocks().iter().filter(|b| b.last >= step).collect();
    let low = since.iter().map(|b| b.min).fold(f64::INFINITY, f64::min);
    let high = since.iter().map(|b| b.max).fold(f64::NEG_INFINITY, f64::max);
    high <= low * 1.02
}
