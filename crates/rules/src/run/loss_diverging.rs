//! `loss-diverging`

use serde::{Deserialize, Serialize};
use stetho_core::run::{Block, Run};
use stetho_core::{Draft, Evidence, Human, Remedy, Report, Rule, Severity, Signal};

use crate::runs::{at, losses, peak_learning_rate, round2, since};
use crate::trend::{Course, means, trend};

/// The training loss leaves its best level and does not come back.
///
/// ## Why it matters
/// The steps are larger than the loss surface allows: each one overshoots, and what had been learned is being destroyed. The run will
/// not recover by itself.
///
/// ## What to do
/// Go back to the checkpoint of the best step, lower the learning rate, and clip gradients. If the loss rose from the very first step,
/// look at the sign of the loss and at warm-up.
///
/// ## Fires on
/// ```recipe rows=400
/// step = row()
/// loss = 0.4 + 2 * exp(-step / 40) + pick(step > 200, exp((step - 200) / 80) - 1, 0) + normal(0, 0.05)
/// ```
///
/// ## Stays quiet on
/// ```recipe rows=400
/// step = row()
/// loss = 0.4 + 2 * exp(-step / 40) + normal(0, 0.05)
/// ```
/// A harder task half-way, which is learned in turn:
/// ```recipe rows=400
/// step = row()
/// loss = 0.4 + 2 * exp(-step / 40) + pick(step > 200, 1.2 * exp(-(step - 200) / 60), 0) + normal(0, 0.05)
/// ```
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct LossDiverging {
    /// How far above its best the loss must be, as a share of how far it had fallen.
    pub lost: f64,
    /// The same as a share of the best level.
    pub multiple: f64,
}

impl Default for LossDiverging {
    fn default() -> Self {
        Self { lost: 0.3, multiple: 0.5 }
    }
}

impl Rule for LossDiverging {
    type Input = Run;
    const ID: &'static str = "loss-diverging";
    const SEVERITY: Severity = Severity::Error;
    const SIGNALS: &'static [Signal] = &[Signal::TrainLoss];
    const ALSO: &'static [Signal] = &[Signal::ValidationLoss, Signal::LearningRate];

    fn check(&mut self, run: &Run, report: &mut Report) {
        let Some(series) = run.train_loss().filter(|_| run.contest.is_none()) else { return };
        let Some(course) = Course::of(&series.digest, 8) else { return };
        // What has just risen may come back: while a run goes on, it is given twice as long.
        let lasting = if run.is_over { 3 } else { 6 };
        let Some(rise) = self.rise(&course, lasting) else { return };
        let best = course.blocks[course.best];
        let from = course.lowest();
        // A critic's loss, and that of a policy gradient, are below 0 while there is something to learn, and come back to 0.
        if from < 0.0 && from + rise <= 0.05 * from.abs() {
            return;
        }
        let rate = peak_learning_rate(run).map_or_else(
            || "lower the learning rate tenfold".to_owned(),
            |rate| format!("lower the learning rate from {} to {}", round2(rate), round2(rate / 10.0)),
        );
        let limit = from + (self.lost * course.fall()).max(self.multiple * from.abs());
        let mut draft = Draft::new(
            since(series, best.last),
            format!(
                "`{}` rose from {} at {} to {} and does not come back",
                series.tag,
                Human(from),
                at(run, best.last),
                Human(from + rise)
            ),
            Evidence::at_most("training loss at the end", from + rise, limit),
            Remedy::advice(format!("{rate}, and go on from the checkpoint of {}", at(run, best.last))),
        )
        .count(1)
        .evidence(losses(run));
        if let Some(norm) = run.gradient_norm() {
            let clip = round2(norm.digest.quantile(0.75));
            draft = draft.remedy(Remedy::advice(format!(
                "clip the gradient norm at {clip}, which three of four steps keep below"
            )));
        } else {
            draft = draft.remedy(Remedy::advice("clip the gradient norm"));
        }
        report.raise(draft);
    }
}

impl LossDiverging {
    /// How far the loss has left its best for good; `None` where it has not.
    fn rise(&self, course: &Course, lasting: usize) -> Option<f64> {
        let after = &course.blocks[course.best + 1..];
        let last = course.blocks.last().map_or(course.end, |b| b.mean);
        let rise = course.end.max(last) - course.lowest();
        let highest = highest_but_a_leap(after, course.lowest());
        let threshold =
            course.lowest() + 0.5 * (self.lost * course.fall()).max(self.multiple * course.lowest().abs());
        let n_above = after.iter().filter(|b| b.mean > threshold).count();
        let is_far = rise >= self.lost * course.fall()
            && rise >= self.multiple * course.lowest().abs()
            && rise >= 6.0 * course.noise.min(course.fall().max(course.lowest().abs()));
        // What climbed and is on its way back is not lost; nor is one high point at the end. A task that became harder is learned in turn.
        let top = after.iter().position(|b| b.mean >= highest).unwrap_or(0);
        let z = trend(&means(&after[top..]));
        let n_steps =
            course.blocks[course.best..].windows(2).filter(|w| w[1].mean - w[0].mean > 0.25 * rise).count();
        // Far above where it began, it is lost even where it comes down again.
        let is_lost = rise > 4.0 * course.fall().max(course.lowest().abs()) && n_above >= lasting;
        let is_returning = z < -1.7 || n_steps >= 2 && after.len() - top >= 4 && z < 1.0;
        let stays = rise >= 0.7 * (highest - course.lowest()) && n_above >= lasting && !is_returning;
        (is_far && (stays || is_lost)).then_some(rise)
    }
}

/// The highest level, a single leap left out that is three times as high above `low` as all else: it does not tell where the loss stays.
fn highest_but_a_leap(blocks: &[Block], low: f64) -> f64 {
    let (mut highest, mut next) = (f64::NEG_INFINITY, f64::NEG_INFINITY);
    for block in blocks {
        if block.mean > highest {
            (highest, next) = (block.mean, highest);
        } else {
            next = next.max(block.mean);
        }
    }
    if next.is_finite() && highest - low > 3.0 * (next - low) { next } else { highest }
}

#[cfg(test)]
mod tests {
    use crate::run::testing::{judge, run, values};

    #[test]
    fn a_leap_on_the_way_does_not_hide_where_the_loss_stays() {
        let with = |level: f64| {
            let loss = |s: f64| match s {
                s if s < 12.0 => 1.3 / (1.0 + s),
                s if s < 13.0 => 425.0,
                s => level + 0.005 * (s * s * 0.9).sin(),
            };
            judge("loss-diverging", &run([("loss", values(24, loss))])).len()
        };
        assert_eq!((with(2.33), with(0.1)), (1, 0));
    }
}
