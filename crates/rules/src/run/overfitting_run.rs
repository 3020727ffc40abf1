//! `overfitting-run`

use serde::{Deserialize, Serialize};
use stetho_core::run::{Better, Part, Run, Series};
use stetho_core::{Draft, Evidence, Human, Remedy, Report, Rule, Severity, Signal, percent};

use crate::runs::{at, curves, losses, since};
use crate::trend::{Course, mean, means, trend};

/// The validation loss rises from its best while the training loss goes on falling.
///
/// ## Why it matters
/// What is learned since then holds for the training data only. Every step makes the model worse at what it is for, and surer of its
/// mistakes.
///
/// ## What to do
/// In this order: more data or augmentation; a smaller model; regularisation (weight decay, dropout, label smoothing). And stop early: keep the
/// checkpoint of the best validation loss.
///
/// ## Fires on
/// ```recipe rows=60
/// epoch = row()
/// loss = 0.05 + exp(-epoch / 12)
/// val_loss = 0.5 + 0.6 * exp(-epoch / 8) + 0.012 * epoch + normal(0, 0.01)
/// ```
///
/// ## Stays quiet on
/// ```recipe rows=60
/// epoch = row()
/// loss = 0.05 + exp(-epoch / 12)
/// val_loss = 0.3 + 0.8 * exp(-epoch / 12) + normal(0, 0.02)
/// ```
/// The second descent:
/// ```recipe rows=90
/// epoch = row()
/// loss = 0.02 + exp(-epoch / 12)
/// val_loss = 0.5 + 0.6 * exp(-epoch / 6) + 0.3 * exp(-((epoch - 35) / 12) ^ 2) - 0.002 * epoch + normal(0, 0.01)
/// ```
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct OverfittingRun {
    /// How far the validation loss must have risen, as a share of its best.
    pub rise: f64,
    /// The same as a share of how far it had fallen.
    pub lost: f64,
}

impl Default for OverfittingRun {
    fn default() -> Self {
        Self { rise: 0.1, lost: 0.1 }
    }
}

impl Rule for OverfittingRun {
    type Input = Run;
    const ID: &'static str = "overfitting-run";
    const SEVERITY: Severity = Severity::Warning;
    const SIGNALS: &'static [Signal] = &[Signal::TrainLoss, Signal::ValidationLoss];
    const ALSO: &'static [Signal] = &[Signal::Metrics];

    fn check(&mut self, run: &Run, report: &mut Report) {
        let (Some(train), Some(validation)) = (run.train_loss(), run.validation_loss()) else { return };
        if run.contest.is_some() {
            return;
        }
        let Some(course) = Course::of(&validation.digest, 5) else { return };
        let rise = course.end - course.lowest();
        let fell = course.blocks[0].mean - course.lowest();
        let best = validation.digest.lowest().map_or(course.blocks[course.best].middle(), |p| p.step);
        let is_lost = self.is_significant(&course, rise, fell) || is_left_behind(train, &course, rise, fell);
        if !is_lost || !falls_after(train, validation, best) {
            return;
        }
        let is_metric_better = metric_gains(run, best);
        let mut draft = Draft::new(
            since(validation, best),
            format!(
                "`{}` has risen by {} since its best, {} at {}, while `{}` goes on falling{}",
                validation.tag,
                percent(rise / course.lowest().abs()),
                Human(course.lowest()),
                at(run, best),
                train.tag,
                if is_metric_better {
                    "; the metric still improves, so it is the confidence that suffers"
                } else {
                    ""
                }
            ),
            Evidence::at_most(
                "rise of the validation loss as a share of its best",
                rise / course.lowest().abs(),
                self.rise,
            ),
            Remedy::advice(format!("stop at {}, and keep that checkpoint (early stopping)", at(run, best))),
        )
        .certainty(0.9)
        .count(1)
        .evidence(losses(run));
        let metrics: Vec<&Series> = run.metrics(Part::Validation).map(|(s, _)| s).take(3).collect();
        if !metrics.is_empty() {
            draft = draft.evidence(curves(run, "metrics", metrics));
        }
        if is_metric_better {
            draft = draft.severity(Severity::Info);
        }
        let more = "more data or augmentation; then a smaller model; then weight decay and dropout: `stetho fit` measures what each gains \
                    on simple models";
        report.raise(draft.remedy(Remedy::advice(more)));
    }
}

impl OverfittingRun {
    /// Whether the rise from the best is beyond the noise, large enough to matter, and lasts.
    fn is_significant(&self, course: &Course, rise: f64, fell: f64) -> bool {
        let after = &course.blocks[course.best..];
        let noise = course.noise.min(0.5 * fell.abs().max(rise));
        after.len() >= 4
            && rise > self.rise * course.lowest().abs()
            && rise > self.lost * fell.max(0.0)
            && rise > 4.0 * noise / ((course.blocks.len().div_ceil(10)) as f64).sqrt()
            && (trend(&means(after)) > 2.3
                || after.len() < 6 && after.windows(2).all(|w| w[1].mean > w[0].mean))
    }
}

/// Whether validation creeps up, by a fifth of what it had gained and far beyond its noise, while next to nothing is left of the training
/// loss: the model knows its training data by heart, and loses what it had learned of others.
fn is_left_behind(train: &Series, course: &Course, rise: f64, fell: f64) -> bool {
    let after = means(&course.blocks[course.best..]);
    let Some(end) = train.digest.blocks().last().map(|b| b.mean) else { return false };
    rise > 0.02 * course.lowest().abs()
        && rise > 0.2 * fell.max(0.0)
        && rise > 8.0 * course.noise
        && trend(&after) > 4.0
        && end < 0.2 * course.end
}

/// Whether the training loss is lower at its end than when the validation loss was at its best.
fn falls_after(train: &Series, validation: &Series, best: u64) -> bool {
    let Some(course) = Course::of(&train.digest, 5) else { return false };
    let (Some(train_end), Some(end)) = (train.digest.last(), validation.digest.last()) else { return false };
    // Where one is counted in epochs and the other in steps, the share of the run is what they have in common.
    let same_axis = end.step as f64 > 0.3 * train_end.step as f64 && end.step < 3 * train_end.step.max(1);
    let scale = if same_axis { 1.0 } else { train_end.step as f64 / end.step.max(1) as f64 };
    let step = (best as f64 * scale) as u64;
    let then = course.blocks.iter().position(|b| b.last >= step).unwrap_or(course.blocks.len() - 1);
    let before = mean(&course.blocks[then.saturating_sub(1)..=then]);
    course.end < before - 2.0 * course.noise.min(0.1 * before.abs()).max(0.01 * before.abs())
}

/// Whether a validation metric is better at the end than around `best`, beyond its noise.
fn metric_gains(run: &Run, best: u64) -> bool {
    run.metrics(Part::Validation).any(|(series, better)| {
        let Some(course) = Course::of(&series.digest, 5) else { return false };
        let then = course.blocks.iter().position(|b| b.last >= best).unwrap_or(course.blocks.len() - 1);
        let around = &course.blocks[then.saturating_sub(1)..(then + 2).min(course.blocks.len())];
        let gain = course.end - mean(around);
        let gain = if better == Better::Higher { gain } else { -gain };
        gain > course.noise.max(1e-3 * mean(around).abs())
    })
}

#[cfg(test)]
mod tests {
    use crate::run::testing::{judge, run, values};

    #[test]
    fn a_validation_loss_that_creeps_up_counts_where_nothing_is_left_of_training() {
        let validation =
            values(80, |s| 4.2 + 0.6 * (-s / 2.0).exp() + 0.003 * s + 0.004 * (s * s * 0.9).sin());
        let with = |floor: f64| {
            let train = values(80, move |s| floor + 4.8 * (-s / 6.0).exp());
            judge("overfitting-run", &run([("loss", train), ("val_loss", validation.clone())])).len()
        };
        assert_eq!((with(0.1), with(3.0)), (1, 0));
    }
}
