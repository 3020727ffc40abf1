//! What rules on runs say and show alike.

use stetho_core::run::{Better, Part, Run, Series};
use stetho_core::{Evidence, Human, Place};

use crate::trend::{mean, means, trend};

/// Points of a drawn line.
const DRAWN: usize = 60;

/// A line of the means of a series, by step.
pub(crate) fn line(series: &Series, label: impl Into<String>) -> (String, Vec<[f64; 2]>) {
    let points = series.digest.split(DRAWN);
    (label.into(), points.iter().map(|b| [b.middle() as f64, b.mean]).collect())
}

/// Lines of series against the step, each called by its name in the log.
pub(crate) fn curves<'a>(run: &Run, name: &str, series: impl IntoIterator<Item = &'a Series>) -> Evidence {
    Evidence::curves(name, run.unit, series.into_iter().map(|s| line(s, s.tag.clone())))
}

/// The training and the validation loss.
pub(crate) fn losses(run: &Run) -> Evidence {
    curves(run, "loss", run.train_loss().into_iter().chain(run.validation_loss()))
}

/// The steps from `first` to the last that was logged of a series.
pub(crate) fn since(series: &Series, first: u64) -> Place {
    let seen = series.digest.non_finite();
    let broken = if seen.count() > 0 { seen.last } else { 0 };
    Place::steps(first, series.digest.last().map_or(first, |p| p.step).max(broken))
}

/// `step 300` or `epoch 3`.
pub(crate) fn at(run: &Run, step: u64) -> String {
    format!("{} {step}", run.unit)
}

/// A number for a remedy, in two significant digits: `0.0003`.
pub(crate) fn round2(value: f64) -> String {
    if value.abs() < f64::MIN_POSITIVE || !value.is_finite() {
        return Human(value).to_string();
    }
    let unit = 10f64.powf(value.abs().log10().floor() - 1.0);
    let rounded = (value / unit).round() * unit;
    if rounded.abs() < 1e-3 {
        format!("{rounded:.1e}").replace(".0e", "e")
    } else {
        Human(rounded).to_string()
    }
}

/// Whether a metric has become better by more than chance and by more than a hundredth, at step `since` and later: of training or
/// of validation, with five points or more.
pub(crate) fn metric_improves(run: &Run, since: u64) -> bool {
    [Part::Train, Part::Validation, Part::Test]
        .into_iter()
        .any(|part| metric_of_part_improves(run, part, since))
}

/// The same of the metrics of one part.
pub(crate) fn metric_of_part_improves(run: &Run, part: Part, since: u64) -> bool {
    run.metrics(part).any(|(series, better)| {
        let sign = if better == Better::Higher { 1.0 } else { -1.0 };
        gains(series, since, sign, 0.03)
    })
}

/// Whether the validation loss has fallen by more than chance and by more than a hundredth, at step `since` and later.
pub(crate) fn validation_falls(run: &Run, since: u64) -> bool {
    run.validation_loss().is_some_and(|s| gains(s, since, -1.0, 0.01))
}

/// Whether a series moves in the direction of `sign`, significantly and by the share `least` of its size.
fn gains(series: &Series, since: u64, sign: f64, least: f64) -> bool {
    let blocks: Vec<_> = series.digest.split(60).into_iter().filter(|b| b.last >= since).collect();
    let values = means(&blocks);
    let few = values.len().div_ceil(5);
    if values.len() < 5 {
        return false;
    }
    let (early, late) = (mean(&blocks[..few]), mean(&blocks[blocks.len() - few..]));
    sign * trend(&values) > 2.3 && sign * (late - early) > least * early.abs().max(late.abs())
}

/// The learning rate in use, to name a better one: its greatest logged value.
pub(crate) fn peak_learning_rate(run: &Run) -> Option<f64> {
    run.learning_rate().and_then(|s| s.digest.highest()).map(|p| p.value).filter(|lr| *lr > 0.0)
}

/// Whether the learning rate is still being warmed up: its highest value is its newest.
pub(crate) fn is_warming_up(run: &Run) -> bool {
    let Some(rate) = run.learning_rate() else { return false };
    let (Some(high), Some(last), Some(low)) =
        (rate.digest.highest(), rate.digest.last(), rate.digest.lowest())
    else {
        return false;
    };
    high.step + 1 >= last.step && low.value < 0.9 * high.value && rate.digest.n() > 2
}

/// Whether the gradient or a parameter stopped being a number before `step`, at which a loss did.
pub(crate) fn gradient_broke_before(run: &Run, step: u64) -> bool {
    crate::broken::before_loss(run, step)
}
