//! `loss-not-decreasing`

use serde::{Deserialize, Serialize};
use stetho_core::run::{Better, Part, Quantity, Run, Series};
use stetho_core::{Draft, Evidence, Human, Remedy, Report, Rule, Severity, Signal};

use crate::chance_level::chance_level;
use crate::runs::{
    is_warming_up, losses, metric_improves, peak_learning_rate, round2, since, validation_falls,
};
use crate::trend::{Course, mean, means, trend};
use crate::unrest::{Outstanding, spikes, swings};

/// The training loss has not fallen since the start.
///
/// ## Why it matters
/// Nothing is being learned. A loss that falls slowly can be waited for; one without any trend will be where it is after ten times as
/// many steps.
///
/// ## What to do
/// Raise the learning rate tenfold, twice. If nothing moves then, the optimizer does not hold these parameters, the gradient does not reach
/// them, or the labels do not belong to the inputs: overfit ten samples to find out which.
///
/// ## Fires on
/// ```recipe rows=300
/// step = row()
/// loss = 1.9 + normal(0, 0.1)
/// ```
///
/// ## Stays quiet on
/// ```recipe rows=300
/// step = row()
/// loss = 1.9 - 0.001 * step + normal(0, 0.1)
/// ```
/// A model that was trained before, and whose metric rises:
/// ```recipe rows=40
/// epoch = row()
/// loss = 0.4 + normal(0, 0.05)
/// val_f1 = 0.7 + 0.004 * epoch + normal(0, 0.01)
/// ```
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct LossNotDecreasing {
    /// Points before it judges.
    pub points: u64,
}

impl Default for LossNotDecreasing {
    fn default() -> Self {
        Self { points: 20 }
    }
}

impl Rule for LossNotDecreasing {
    type Input = Run;
    const ID: &'static str = "loss-not-decreasing";
    const SEVERITY: Severity = Severity::Warning;
    const SIGNALS: &'static [Signal] = &[Signal::TrainLoss];
    const ALSO: &'static [Signal] =
        &[Signal::Metrics, Signal::ValidationLoss, Signal::LearningRate, Signal::GradientNorm];

    fn check(&mut self, run: &Run, report: &mut Report) {
        let Some(series) = run.train_loss().filter(|_| run.contest.is_none()) else { return };
        // A constant prediction is told by `loss-at-chance`.
        if chance_level(run, 0.01).is_some() {
            return;
        }
        if let Some(still) = run.validation_loss().filter(|s| is_still(s)) {
            raise_still(run, still, report);
            return;
        }
        // A slow start is no standstill: while a run goes on, it is given ten times as long.
        let points = if run.is_over { self.points } else { 10 * self.points };
        let Some(course) = Course::of(&series.digest, points) else { return };
        let z = trend(&means(&course.blocks));
        let is_flat = z >= -2.0 && !has_fallen(&course) || is_hardly_better(run, &course);
        if !is_flat || is_rising(&course, z) || was_far_lower(&course) {
            return;
        }
        let others_learn = metric_improves(run, 0) || validation_falls(run, 0) || is_warming_up(run);
        let is_restless = swings(run, 0.12).is_some()
            || !spikes(&series.digest, &Outstanding { swings: 15.0, dwarfs: 2.5 }).is_empty();
        if others_learn || is_restless {
            return;
        }
        let what = if z >= -2.0 { "no trend between" } else { "no metric gains anything" };
        report.raise(
            Draft::new(
                since(series, course.blocks[0].first),
                format!(
                    "`{}` has not fallen since the start: {} then, {} now, and {what}",
                    series.tag,
                    Human(mean(&course.blocks[..course.blocks.len().div_ceil(10)])),
                    Human(course.end)
                ),
                Evidence::at_most("trend of the training loss (z-score; falling is negative)", z, -2.0),
                step_size(run),
            )
            .certainty(0.8)
            .count(1)
            .remedy(Remedy::advice(
                "if it still does not move, overfit ten samples: check that `optimizer.step()` is called, that all parameters are in the \
                 optimizer, that nothing is detached, and the sign of the loss",
            ))
            .evidence(losses(run)),
        );
    }
}

/// Whether a validation loss is the same number again and again.
fn is_still(series: &Series) -> bool {
    let digest = &series.digest;
    let spread = digest.lowest().zip(digest.highest()).map(|(low, high)| high.value - low.value);
    digest.n() >= 4 && spread.is_some_and(|s| s <= 1e-6 * digest.highest().map_or(1.0, |p| p.value.abs()))
}

fn raise_still(run: &Run, still: &Series, report: &mut Report) {
    let value = still.digest.last().map_or(f64::NAN, |p| p.value);
    let n = still.digest.n();
    report.raise(
        Draft::new(
            since(still, still.digest.first().first().map_or(0, |p| p.step)),
            format!("`{}` is {} at each of {n} evaluations: the model does not change at all", still.tag, Human(value)),
            Evidence::at_least("difference between evaluations", 0.0, f64::MIN_POSITIVE),
            Remedy::advice(
                "check that the optimizer was given the parameters of this model (and not of a copy), and that `optimizer.step()` is called",
            ),
        )
        .count(1)
        .remedy(Remedy::advice("check that what is evaluated is the model that is trained, not an earlier copy or checkpoint"))
        .evidence(losses(run)),
    );
}

/// Whether the first points, before which nothing was learned, lie above the rest.
fn has_fallen(course: &Course) -> bool {
    let rest = mean(course.tail(0.5));
    let first = course.blocks[0].mean.max(course.start);
    first - rest > 3.0 * course.noise.max(1e-9 * rest.abs())
}

/// Whether the loss had come down far once: then it has fallen, and was lost again.
fn was_far_lower(course: &Course) -> bool {
    course.blocks.iter().filter(|b| b.mean < 0.6 * course.end).count() >= 2
}

/// Whether a regression has gained next to nothing beyond its first few steps, in which it learned the mean of its target; whether errors
/// and validation gain, the caller asks.
fn is_hardly_better(run: &Run, course: &Course) -> bool {
    let mut errors = run.metrics(Part::Train).chain(run.metrics(Part::Validation)).peekable();
    let is_regression = errors.peek().is_some() && errors.all(|(_, better)| better == Better::Lower);
    let is_judged = run.of(Quantity::Loss(Part::Validation)).any(|s| s.digest.n() >= 8);
    is_regression && is_judged && (0.0..0.06).contains(&((course.start - course.end) / course.start))
}

/// Rising is told by `loss-diverging` once it is far enough.
fn is_rising(course: &Course, z: f64) -> bool {
    z > 3.0 && course.end > course.blocks[0].mean + 3.0 * course.noise
}

fn step_size(run: &Run) -> Remedy {
    match (run.gradient_norm().map(|s| s.digest.quantile(0.5)), peak_learning_rate(run)) {
        (Some(norm), _) if norm < 1e-7 => Remedy::advice(format!(
            "the gradient norm is {}: no learning rate helps; look for a detached tensor, `requires_grad=False`, or saturated outputs",
            Human(norm)
        )),
        (_, Some(rate)) => Remedy::advice(format!(
            "raise the learning rate from {} to {}, then to {}",
            round2(rate),
            round2(rate * 10.0),
            round2(rate * 100.0)
        )),
        _ => Remedy::advice("raise the learning rate tenfold, then once more"),
    }
}

#[cfg(test)]
mod tests {
    use crate::run::testing::{judge, run, values};

    #[test]
    fn a_regression_that_learned_the_mean_of_its_target_and_nothing_more_stands_still() {
        let with = |error: fn(f64) -> f64, validation: fn(f64) -> f64| {
            judge(
                "loss-not-decreasing",
                &run([
                    ("loss", values(40, |s| 0.96 + 0.05 * (-s / 12.0).exp() + 0.001 * (s * s * 0.9).sin())),
                    ("val_loss", values(40, validation)),
                    ("val_mae", values(40, error)),
                ]),
            )
        };
        let found = with(|_| 0.9, |s| 1.13 + 0.01 * (-s / 3.0).exp());
        assert!(found[0].message.contains("no metric gains anything"), "{}", found[0].message);
        assert!(with(|s| 0.9 - 0.002 * s, |s| 1.13 + 0.001 * s.sin()).is_empty());
        assert!(with(|_| 0.9, |s| 1.13 - 0.002 * s).is_empty());
    }
}
