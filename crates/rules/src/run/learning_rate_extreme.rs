//! `learning-rate-extreme`

use serde::{Deserialize, Serialize};
use stetho_core::run::{Run, Series};
use stetho_core::{Draft, Evidence, Human, Remedy, Report, Rule, Severity, Signal};

use crate::layers::places;
use crate::runs::{curves, losses, peak_learning_rate, round2, since};
use crate::step_sizes::{GOOD, Off, StepSizes, better_rate};
use crate::trend::{Course, means, median, trend};

/// Nearly all layers change by far too much or too little at each step: the learning rate is off.
///
/// ## Why it matters
/// Whether a learning rate is large or small depends on the model, the loss and the optimizer; what it does to the weights tells.
/// Steps of a tenth of the weights or more jump about; steps of a hundred-thousandth or less do not arrive in the time of a run.
///
/// ## What to do
/// Set the learning rate so that a step changes the weights by about a thousandth; the remedy says which one that is. Warm-up, and a
/// decay at the end, may go below.
///
/// ## Fires on
/// ```recipe rows=300
/// step = row()
/// lr = 1e-8
/// loss = 2.3 + normal(0, 0.02)
/// `update_ratio/fc1` = 2e-7 * lognormal(0, 0.3)
/// `update_ratio/fc2` = 1e-7 * lognormal(0, 0.3)
/// `update_ratio/fc3` = 5e-7 * lognormal(0, 0.3)
/// ```
/// Without anything of the layers, where the same model is validated again and again:
/// ```recipe rows=30
/// step = row()
/// lr = 1e-9
/// loss = 2.3 + normal(0, 0.02)
/// val_loss = 2.31485 + 0.000001 * (row() % 2)
/// ```
///
/// ## Stays quiet on
/// A validation loss that stands still, with a rate that is not small:
/// ```recipe rows=30
/// step = row()
/// lr = 0.001
/// loss = 2.3 + normal(0, 0.02)
/// val_loss = 2.31485
/// ```
/// A learning rate that looks large, with updates that are not:
/// ```recipe rows=300
/// step = row()
/// lr = 30
/// loss = 2.3 * exp(-step / 100) + normal(0, 0.02)
/// `update_ratio/fc1` = 2e-3 * lognormal(0, 0.3)
/// `update_ratio/fc2` = 1e-3 * lognormal(0, 0.3)
/// `update_ratio/fc3` = 5e-3 * lognormal(0, 0.3)
/// ```
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct LearningRateExtreme {
    /// Least log10 of update over weight.
    pub least: f64,
    /// Greatest log10 of update over weight.
    pub most: f64,
    /// Rates below this are looked at where only losses are logged.
    pub tiny: f64,
    /// How many times its start, and what it is later, the loss may leap to in the first steps.
    pub overshoot: f64,
}

impl Default for LearningRateExtreme {
    fn default() -> Self {
        Self { least: -5.0, most: -1.0, tiny: 1e-5, overshoot: 3.0 }
    }
}

impl Rule for LearningRateExtreme {
    type Input = Run;
    const ID: &'static str = "learning-rate-extreme";
    const SEVERITY: Severity = Severity::Warning;
    const SIGNALS: &'static [Signal] = &[Signal::StepSizes];
    const ALSO: &'static [Signal] = &[Signal::TrainLoss, Signal::ValidationLoss];

    fn check(&mut self, run: &Run, report: &mut Report) {
        let sizes = StepSizes::of(run, self.least, self.most);
        // Without a logged rate it is `update-ratio` that speaks.
        let Some(side) = sizes.all_off().filter(|_| run.learning_rate().is_some()) else {
            if sizes.layers.is_empty() {
                self.check_standstill(run, report);
                self.check_overshoot(run, report);
            }
            return;
        };
        let off = sizes.off(side);
        let n_layers = sizes.layers.len();
        let log10 = median(sizes.layers.iter().map(|l| l.log10));
        let ratio = 10f64.powf(log10);
        let (place, others) = places(off.iter().map(|l| l.series.name.as_str()));
        let (word, verb, proof) = match side {
            Off::Large => (
                "much",
                "lower",
                Evidence::at_most("update over weight, median layer", ratio, 10f64.powf(sizes.most)),
            ),
            Off::Small => (
                "little",
                "raise",
                Evidence::at_least("update over weight, median layer", ratio, 10f64.powf(self.least)),
            ),
        };
        report.raise(
            Draft::new(
                place,
                format!(
                    "each step changes {} of {} layers by too {word}: by {} of their weights in the median",
                    off.len(),
                    n_layers,
                    Human(ratio)
                ),
                proof,
                Remedy::advice(format!(
                    "{verb} the learning rate {}, with which a step would change the weights by about {}",
                    better_rate(run, log10),
                    Human(GOOD)
                )),
            )
            .places(others)
            .count(off.len() as u64)
            .evidence(sizes.bars())
            .evidence(curves(run, "update by layer", off.iter().take(5).map(|l| l.series)))
            .evidence(losses(run)),
        );
    }
}

impl LearningRateExtreme {
    /// First steps that throw the loss far above where it began, and from which it comes back no further than there.
    fn check_overshoot(&self, run: &Run, report: &mut Report) {
        let Some((rate, loss)) = peak_learning_rate(run).zip(run.train_loss()) else { return };
        let first = loss.digest.first();
        let (Some(start), Some(high)) =
            (first.first(), first.iter().max_by(|a, b| a.value.total_cmp(&b.value)))
        else {
            return;
        };
        let blocks = loss.digest.blocks();
        let later = &blocks[blocks.len() / 2..];
        let level = median(later.iter().map(|b| b.mean));
        let lowest = later.iter().map(|b| b.mean).fold(f64::INFINITY, f64::min);
        let is_thrown = start.value > 0.0 && high.value > self.overshoot * start.value.max(level);
        if run.contest.is_some() || loss.digest.n() < 60 || !is_thrown || lowest < 0.9 * start.value {
            return;
        }
        report.raise(
            Draft::new(
                since(loss, start.step),
                format!(
                    "with a learning rate of {} the first steps throw `{}` from {} to {}, and it never comes below its start again",
                    Human(rate),
                    loss.tag,
                    Human(start.value),
                    Human(high.value)
                ),
                Evidence::at_most("highest early loss against the first", high.value / start.value, self.overshoot),
                Remedy::advice(format!("lower the learning rate from {} to {}, and warm it up", round2(rate), round2(rate / 30.0))),
            )
            .count(1)
            .certainty(0.8)
            .evidence(losses(run)),
        );
    }

    /// A rate that is tiny even against the smallest that anybody uses, and a training loss that shows no trend with it.
    fn check_no_trend(&self, run: &Run, train: &Series, rate: f64, report: &mut Report) {
        let Some(course) = Course::of(&train.digest, 20).filter(|_| rate < 1e-2 * self.tiny) else { return };
        let z = trend(&means(&course.blocks));
        if z < -2.0 || course.start - course.end > 0.02 * course.start.abs() {
            return;
        }
        report.raise(
            Draft::new(
                since(train, course.blocks[0].first),
                format!(
                    "with a learning rate of {} `{}` shows no trend in the whole run: {} at the start, {} at the end",
                    Human(rate),
                    train.tag,
                    Human(course.start),
                    Human(course.end)
                ),
                Evidence::at_most("trend of the training loss (z-score; falling is negative)", z, -2.0),
                Remedy::advice(format!("raise the learning rate from {} to {} and further, tenfold each time", Human(rate), round2(rate * 1e4))),
            )
            .count(1)
            .evidence(losses(run)),
        );
    }

    /// A tiny rate with which the model stays the same: its validation loss does, while batches differ.
    fn check_standstill(&self, run: &Run, report: &mut Report) {
        let Some(rate) = peak_learning_rate(run).filter(|rate| *rate < self.tiny && run.contest.is_none())
        else {
            return;
        };
        let Some(train) = run.train_loss() else { return };
        let Some(validation) = run.validation_loss() else {
            self.check_no_trend(run, train, rate, report);
            return;
        };
        let spread = |s: &Series| {
            let (low, high) = s.digest.lowest().zip(s.digest.highest())?;
            Some((high.value - low.value) / high.value.abs().max(f64::MIN_POSITIVE))
        };
        let Some((still, moving)) = spread(validation).zip(spread(train)) else { return };
        let limit = 1e-4;
        let batches_differ = moving > 10.0 * still.max(1e-6);
        let few = if rate < 1e-7 { 3 } else { 6 };
        if validation.digest.n() < few || still > limit || !batches_differ && rate > 1e-6 {
            return;
        }
        report.raise(
            Draft::new(
                since(validation, validation.digest.first().first().map_or(0, |p| p.step)),
                format!(
                    "with a learning rate of {} the model stays the same: `{}` moves by {} of its value in the whole run",
                    Human(rate),
                    validation.tag,
                    Human(still)
                ),
                Evidence::at_least("relative change of the validation loss", still, limit),
                Remedy::advice(format!("raise the learning rate from {} to {} and further, tenfold each time", Human(rate), round2(rate * 1e3))),
            )
            .count(validation.digest.n())
            .evidence(losses(run)),
        );
    }
}

#[cfg(test)]
mod tests {
    use crate::run::testing::{judge, run, values};

    #[test]
    fn first_steps_that_throw_the_loss_are_too_long_if_it_never_comes_back() {
        let with = |floor: f64| {
            let loss = values(200, move |s| {
                let thrown = if s < 1.0 { 2.3 } else { 60.0 * (-s / 4.0).exp() };
                thrown.max(floor) + 0.01 * (s * 1.3).sin()
            });
            run([("lr", values(200, |_| 1.0)), ("loss", loss)])
        };
        assert_eq!(judge("learning-rate-extreme", &with(2.31)).len(), 1);
        assert!(judge("learning-rate-extreme", &with(1.2)).is_empty());
    }

    #[test]
    fn a_rate_that_nobody_uses_needs_no_validation_to_be_told() {
        let with = |rate: f64, slope: f64| {
            let loss = values(60, move |s| 4.63 - slope * s + 0.01 * (s * s * 0.9).sin());
            judge("learning-rate-extreme", &run([("lr", values(60, move |_| rate)), ("loss", loss)])).len()
        };
        assert_eq!((with(5e-10, 0.0), with(5e-10, 0.01), with(1e-4, 0.0)), (1, 0, 0));
    }

    #[test]
    fn a_common_cause_is_one_finding_with_the_rate_to_try() {
        let run = run([
            ("lr", values(100, |_| 10.0)),
            ("update_ratio/a", values(100, |_| 0.5)),
            ("update_ratio/b", values(100, |_| 1.0)),
            ("update_ratio/c", values(100, |_| 2.0)),
        ]);
        let found = judge("learning-rate-extreme", &run);
        assert_eq!((found.len(), found[0].count), (1, 3));
        assert!(found[0].remedies[0].action.contains("from 10 to 0.01"), "{:?}", found[0].remedies);
        assert!(judge("update-ratio", &run).is_empty());
    }
}
