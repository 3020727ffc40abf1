//! The loss of a prediction that ignores its input, and whether a run is there.

use stetho_core::run::{Better, Part, Quantity, Run};

use crate::runs::{is_warming_up, metric_improves, validation_falls};
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
    let series = run.train_loss().filter(|_| run.is_contest.is_none())?;
    let course = Course::of(&series.digest, 12)?;
    let tail = course.tail(0.3);
    let level = mean(tail);
    let is_learning = metric_improves(run) || validation_falls(run) || is_warming_up(run);
    // Flat: the later two thirds move by less than a hundredth of their level, whatever the noise says.
    let third = tail.len().div_ceil(3);
    let moved = (mean(&tail[..third]) - mean(&tail[tail.len() - third..])).abs();
    if is_learning || level <= 0.0 || moved > 0.01 * level || course.lowest() < 0.9 * level {
        return None;
    }
    let (chance, what, is_sure) = constant_prediction(run, level, within)?;
    let since = course.blocks.iter().find(|b| (b.mean - level).abs() < 0.03 * level).map_or(0, |b| b.first);
    Some(AtChance { level, chance, what, since, is_sure })
}

/// The loss of a constant prediction that `level` is near to.
fn constant_prediction(run: &Run, level: f64, within: f64) -> Option<(f64, String, bool)> {
    let is_near = |chance: f64, within: f64| (level - chance).abs() <= within * chance;
    if let Some(baseline) = run.of(Quantity::Baseline(Part::Train)).next().and_then(|s| s.digest.last())
        && is_near(baseline.value, within)
    {
        return Some((baseline.value, "as the log says".into(), true));
    }
    if let Some(k) = classes_of_chance(run)
        && is_near(f64::from(k).ln(), 2.0 * within)
    {
        return Some((f64::from(k).ln(), format!("ln {k}, for {k} classes"), true));
    }
    if explains_nothing(run) {
        return Some((level, "R² is 0: it predicts the mean".into(), true));
    }
    if accuracy(run).is_some() {
        return None;
    }
    let k =
        CLASSES.into_iter().find(|k| is_near(f64::from(*k).ln(), within.min(0.2 / f64::from(*k).sqrt())))?;
    Some((f64::from(k).ln(), format!("ln {k}, for {k} classes"), false))
}

/// The last level of an accuracy, 0 to 1.
fn accuracy(run: &Run) -> Option<f64> {
    let parts = [Part::Train, Part::Validation, Part::Test];
    let is_accuracy = |name: &str| name.contains("acc") || name.contains("top1");
    let found = parts.into_iter().flat_map(|p| run.metrics(p));
    found.filter(|(s, b)| *b == Better::Higher && is_accuracy(&s.tag.to_lowercase())).find_map(|(s, _)| {
        let course = s.digest.split(4);
        let value = course.last()?.mean;
        Some(if s.digest.highest()?.value > 1.5 { value / 100.0 } else { value })
    })
}

/// The number of classes of which an accuracy is the share of one.
fn classes_of_chance(run: &Run) -> Option<u32> {
    let accuracy = accuracy(run).filter(|a| (0.0005..0.7).contains(a))?;
    let k = (1.0 / accuracy).round();
    ((accuracy * k - 1.0).abs() < 0.25).then_some(k as u32)
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
