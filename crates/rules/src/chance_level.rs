//! The loss of a prediction that ignores its input, and whether a run is there.

use stetho_core::percent;
use stetho_core::run::{Better, Part, Quantity, Run, Series};

use crate::runs::{is_warming_up, metric_of_part_improves};
use crate::trend::{Course, mean};

/// A loss that stays at chance.
pub(crate) struct AtChance {
    /// Where the loss is.
    pub level: f64,
    /// Where a constant prediction would be.
    pub chance: f64,
    /// What that is, in words: `ln 10`.
    pub what: String,
    /// Since when.
    pub since: u64,
    /// Whether something else than the number says so.
    pub is_sure: bool,
}

/// Numbers of classes that data sets have; with others, coincidence is likely.
const CLASSES: [u32; 8] = [2, 3, 4, 5, 10, 20, 100, 1000];

/// Whether the training loss is flat at the level of a constant prediction, within the share `within`, and nothing else is learned.
pub(crate) fn chance_level(run: &Run, within: f64) -> Option<AtChance> {
    let series = run.train_loss().filter(|_| run.contest.is_none())?;
    let course = Course::of(&series.digest, if run.is_over { 12 } else { 60 })?;
    let tail = course.tail(0.3);
    let level = mean(tail);
    // Flat: the later two thirds move by less than a hundredth of their level, whatever the noise says.
    let third = tail.len().div_ceil(3);
    let moved = (mean(&tail[..third]) - mean(&tail[tail.len() - third..])).abs();
    let lowest = tail.iter().map(|b| b.mean).fold(f64::INFINITY, f64::min);
    if level <= 0.0 || moved > 0.02 * level || lowest < 0.9 * level {
        return None;
    }
    let flat = tail[0].first;
    if training_improves(run, flat) || is_warming_up(run) {
        return None;
    }
    let (chance, what, is_sure) = constant_prediction(run, &course, level, within, flat)?;
    let has_learned = run
        .validation_loss()
        .is_some_and(|s| s.digest.split(10).last().is_some_and(|b| b.mean < 0.985 * chance));
    // Without another witness, a loss that was lower once or moves now is no constant; one that sinks to chance and never below is.
    let is_constant = moved <= 0.01 * level || never_below(&course, chance) && course.start > chance;
    let was_lower = course.lowest() < 0.95 * level - 3.0 * course.noise.min(0.05 * level);
    if has_learned || !is_sure && (was_lower || !is_constant) {
        return None;
    }
    let since = course.blocks.iter().find(|b| (b.mean - level).abs() < 0.03 * level).map_or(0, |b| b.first);
    Some(AtChance { level, chance, what, since, is_sure })
}

/// Whether a metric of training improves from step `flat` on, or one of validation where none of training is logged.
fn training_improves(run: &Run, flat: u64) -> bool {
    let part = if run.metrics(Part::Train).next().is_some() { Part::Train } else { Part::Validation };
    metric_of_part_improves(run, part, flat)
}

/// Whether a loss has never been lower than `chance`, as far as noise lets one tell.
fn never_below(course: &Course, chance: f64) -> bool {
    course.blocks.iter().all(|b| b.mean > 0.993 * chance)
}

/// The loss of a constant prediction that `level` is near to.
fn constant_prediction(
    run: &Run,
    course: &Course,
    level: f64,
    within: f64,
    flat: u64,
) -> Option<(f64, String, bool)> {
    let is_near = |chance: f64, within: f64| (level - chance).abs() <= within * chance;
    if let Some(baseline) = run.of(Quantity::Baseline(Part::Train)).next().and_then(|s| s.digest.last())
        && is_near(baseline.value, within)
    {
        return Some((baseline.value, "as the log says".into(), true));
    }
    if explains_nothing(run) {
        return Some((level, "R² is 0: it predicts the mean".into(), true));
    }
    let accuracies: Vec<Accuracy> = accuracies(run, flat);
    if let Some(prior) = accuracies.iter().find_map(|a| prior_of_two(a, level)) {
        return Some(prior);
    }
    // What fell by a tenth to a half of its start has learned something.
    let fell = course.start - level;
    if !accuracies.is_empty() && fell > 0.1 * course.start && fell < 0.5 * course.start {
        return None;
    }
    let k = CLASSES
        .into_iter()
        .find(|k| is_near(f64::from(*k).ln(), 5.0 * within))
        .map_or_else(|| level.exp().round(), f64::from);
    let is_guessing = |a: &Accuracy| (0.5..1.5).contains(&(a.level * k));
    if !accuracies.is_empty() {
        let at_chance = (2.0..=20_000.0).contains(&k)
            && of_training(&accuracies).all(is_guessing)
            && is_near(k.ln(), 6.0 * within);
        return at_chance.then(|| (k.ln(), format!("ln {k}, for {k} classes"), true));
    }
    if is_squared_error(run) && is_near(1.0, 5.0 * within) {
        return Some((1.0, "the variance of a standardised target".into(), false));
    }
    if let Some(k) = classes_of_a_constant(run) {
        return Some((f64::from(k).ln(), format!("ln {k}, for {k} classes, at every step"), true));
    }
    let last = run.train_loss()?.digest.split(10).last()?.mean;
    let is_close = |k: &u32| {
        let chance = f64::from(*k).ln();
        let near = within.min(0.1 / f64::from(*k).sqrt());
        let sinks = *k <= 20 && never_below(course, chance) && course.start > 1.03 * chance;
        is_near(chance, near) || sinks && (0.0..1.5 * near).contains(&(last / chance - 1.0))
    };
    let k = CLASSES.into_iter().find(is_close)?;
    Some((f64::from(k).ln(), format!("ln {k}, for {k} classes"), false))
}

/// The number of classes of which a loss that is the same number at every step is the logarithm: that of outputs that are all equal. The
/// logarithms of 400 and 401 differ in the third place, so that four places tell.
fn classes_of_a_constant(run: &Run) -> Option<u32> {
    let digest = &run.train_loss()?.digest;
    let (low, high) = (digest.lowest()?.value, digest.highest()?.value);
    let k = (2..=400u32).find(|k| (f64::from(*k).ln() - high).abs() < 0.02 / f64::from(*k))?;
    (digest.n() >= 12 && high - low <= 1e-4).then_some(k)
}

/// Accuracies of training where there are any: a validation set of a few hundred rows is far from chance by chance.
fn of_training(accuracies: &[Accuracy]) -> impl Iterator<Item = &Accuracy> {
    let has_training = accuracies.iter().any(|a| a.part == Part::Train);
    accuracies.iter().filter(move |a| !has_training || a.part == Part::Train)
}

/// An accuracy since the loss is flat.
struct Accuracy {
    part: Part,
    level: f64,
    /// Whether it does not move at all: the same class is told for every sample.
    is_still: bool,
}

/// Two classes told always the same way: the accuracy is the share of the larger one, and the loss its entropy.
fn prior_of_two(accuracy: &Accuracy, level: f64) -> Option<(f64, String, bool)> {
    let p = accuracy.level;
    if !accuracy.is_still || !(0.5..0.999).contains(&p) {
        return None;
    }
    let entropy = -p * p.ln() - (1.0 - p) * (1.0 - p).ln();
    let what = format!("the entropy of classes with shares of {} and {}", percent(p), percent(1.0 - p));
    ((level - entropy).abs() < 0.02 * entropy).then_some((entropy, what, true))
}

/// Accuracies of any part since step `flat`, 0 to 1.
fn accuracies(run: &Run, flat: u64) -> Vec<Accuracy> {
    let parts = [Part::Train, Part::Validation, Part::Test];
    let is_accuracy = |name: &str| name.contains("acc") || name.contains("top1");
    let found = parts.into_iter().flat_map(|p| run.metrics(p).map(move |(s, b)| (p, s, b)));
    let found = found.filter(|(_, s, b)| *b == Better::Higher && is_accuracy(&s.tag.to_lowercase()));
    let of = |part: Part, series: &Series| {
        let blocks: Vec<_> = series.digest.blocks().iter().filter(|b| b.first >= flat).copied().collect();
        let unit = if series.digest.highest()?.value > 1.5 { 100.0 } else { 1.0 };
        let low = blocks.iter().map(|b| b.min).fold(f64::INFINITY, f64::min);
        let high = blocks.iter().map(|b| b.max).fold(f64::NEG_INFINITY, f64::max);
        (blocks.len() > 2).then(|| Accuracy {
            part,
            level: mean(&blocks) / unit,
            is_still: high - low < 1e-3 * unit,
        })
    };
    found.filter_map(|(part, s, _)| of(part, s)).collect()
}

/// Whether the loss is a mean squared error by its name.
fn is_squared_error(run: &Run) -> bool {
    run.train_loss()
        .is_some_and(|s| s.tag.to_lowercase().split(|c: char| !c.is_alphanumeric()).any(|w| w == "mse"))
}

/// Whether an R² stays at 0.
fn explains_nothing(run: &Run) -> bool {
    let parts = [Part::Train, Part::Validation];
    parts.into_iter().flat_map(|p| run.metrics(p)).any(|(s, _)| {
        let name = s.tag.to_lowercase();
        let is_r2 = name.contains("r2") || name.contains("r²") || name.contains("explained_variance");
        is_r2 && s.digest.n() >= 5 && s.digest.quantile(0.9) < 0.03
    })
}
