//! Values that stand apart from the tail of their own distribution.
//!
//! Extreme values are ordinary where the tail is heavy, so distance alone tells little. What tells is a gap: under a
//! power-law tail the logarithms of the ordered values are spaced like exponential variables (Rényi 1953), whose mean
//! the tail below the gap shows (Hill 1975). A gap that is too large for that tail separates values that come from
//! elsewhere. Lighter tails (normal, exponential, bounded) have even smaller gaps, so the test is safe for them.

use stetho_core::table::{Column, Extreme, NumberProfile};

use crate::columns;

/// When values count as standing apart.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Limits {
    /// Least robust z-score of a value apart.
    pub z: f64,
    /// Chance of a gap as large as the one seen in an ordinary tail.
    pub chance: f64,
}

impl Default for Limits {
    fn default() -> Self {
        Self { z: 8.0, chance: 0.001 }
    }
}

/// Fewest values among which one can stand apart.
pub(crate) const MIN_VALUES: u64 = 50;

/// How many of the largest `deviations` (from the centre, in units of the scale, descending) stand apart from those
/// that follow, out of `n` in all. At most 1 % of `n`, since more are a tail, not outliers.
pub(crate) fn apart(deviations: &[f64], n: u64, limits: Limits) -> usize {
    /// Fewest values that show the tail.
    const MIN_TAIL: usize = 5;
    if n < MIN_VALUES {
        return 0;
    }
    let most = (n / 100).clamp(1, 8) as usize;
    let logs: Vec<f64> = deviations.iter().map(|d| d.max(0.0).ln_1p()).collect();
    (1..=most)
        .rev()
        .find(|&k| {
            let Some(tail) = logs.get(k..).filter(|t| t.len() > MIN_TAIL) else { return false };
            let m = (n / 20).clamp(MIN_TAIL as u64, tail.len() as u64 - 1) as usize;
            let spacing = tail[..m].iter().map(|x| x - tail[m]).sum::<f64>() / m as f64;
            // The ratio of an exponential variable to the mean of m others exceeds `limit` with this chance.
            let limit = m as f64 * (limits.chance.powf(-1.0 / m as f64) - 1.0);
            let gap = logs[k - 1] - tail[0];
            deviations[k - 1] > limits.z && gap > limit * spacing.max(0.05)
        })
        .unwrap_or(0)
}

/// The values that stand apart in one column.
#[derive(Clone, Debug)]
pub(crate) struct Apart {
    /// The values, most extreme first.
    pub values: Vec<Extreme>,
    /// The most extreme of the other values on the same side.
    pub next: f64,
    /// Robust z-score of the most extreme value; infinite where over three quarters of the values are equal.
    pub z: f64,
}

/// The values of `column` that stand apart above or below the others; none for columns that are not numbers.
pub(crate) fn outliers(column: &Column, limits: Limits) -> Vec<Apart> {
    let Some(numbers) = column.number.as_ref().filter(|_| columns::is_numeric(column)) else {
        return Vec::new();
    };
    [&numbers.highest, &numbers.lowest]
        .into_iter()
        .filter_map(|side| on_side(numbers, side, limits))
        .collect()
}

fn on_side(numbers: &NumberProfile, extremes: &[Extreme], limits: Limits) -> Option<Apart> {
    let median = numbers.quantiles.median();
    let distance = |e: &Extreme| (e.value - median).abs();
    let spread = robust_scale(numbers);
    // Where most values are equal there is no spread; the least of the extremes then sets the scale.
    let scale = spread.or_else(|| extremes.last().map(distance).filter(|d| *d > 0.0))?;
    let deviations: Vec<f64> = extremes.iter().map(|e| distance(e) / scale).collect();
    let count = apart(&deviations, numbers.n_finite, limits);
    let next = extremes.get(count)?.value;
    let z = spread.map_or(f64::INFINITY, |_| deviations.first().copied().unwrap_or(0.0));
    (count > 0).then(|| Apart { values: extremes[..count].to_vec(), next, z })
}

/// Standard deviation that the middle of the values suggests, if they vary there: 1.4826 · MAD, else IQR / 1.349.
fn robust_scale(numbers: &NumberProfile) -> Option<f64> {
    [1.4826 * numbers.quantiles.mad(), numbers.quantiles.iqr() / 1.349].into_iter().find(|s| *s > 0.0)
}
