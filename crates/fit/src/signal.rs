//! Whether predictions of unseen rows have anything to do with the target.

use rayon::prelude::*;
use stetho_core::Measured;
use stetho_core::fit::{RungKind, SignalTest};

use crate::cv::{Evaluated, Setting, spread};
use crate::{Goal, Matrix};
use stetho_core::Random;

/// How often the target is shuffled; less often where rows are many and chance is small.
const SHUFFLES: usize = 1_000;
const FEW_SHUFFLES: usize = 200;
const MANY_ROWS: usize = 5_000;

/// √2: rows predict each other across folds. In a model that answers with weighted targets of other rows, as kernels and
/// neighbours do, each pair of rows counts in both directions, so that the statistic varies twice as much as when the target is
/// shuffled against fixed predictions.
const TWICE: f64 = std::f64::consts::SQRT_2;

/// The chance that a standard normal number is at least `z` (Abramowitz & Stegun 1964, 7.1.26; right to 1e-7).
fn upper_tail(z: f64) -> f64 {
    let x = z.abs() / std::f64::consts::SQRT_2;
    let t = 1.0 / (1.0 + 0.327_591_1 * x);
    let series = [0.254_829_592, -0.284_496_736, 1.421_413_741, -1.453_152_027, 1.061_405_429];
    let sum = series.iter().rev().fold(0.0, |sum, c| (sum + c) * t);
    let tail = 0.5 * sum * (-x * x).exp();
    if z > 0.0 { tail } else { 1.0 - tail }
}

/// Shuffles the target against the out-of-fold predictions of each model but the dummy, and answers the test of the model
/// that does best, its p corrected for the number of models (Bonferroni).
pub(crate) fn test(setting: Setting<'_>, rungs: &[Evaluated]) -> Measured<SignalTest> {
    let tried: Vec<(usize, &Evaluated)> =
        rungs.iter().enumerate().filter(|(_, r)| r.rung.kind != RungKind::Dummy).collect();
    let n_tried = tried.len();
    let tests = tried.into_iter().map(|(rung, evaluated)| {
        let (rows, out) = evaluated.unseen();
        let ranked = Ranked::of(&out);
        let (statistic, value, p, n_shuffles) = ranked.test(&setting.goal(&rows), setting.seed);
        let p = (p * n_tried as f64).min(1.0);
        SignalTest { rung, statistic, value, p, n_shuffles }
    });
    let best = tests.min_by(|a, b| a.p.total_cmp(&b.p).then(b.value.total_cmp(&a.value)));
    best.map_or_else(|| Measured::Not("no model but the dummy was fitted".into()), Measured::Is)
}

/// Ranks of the predictions, from 0 to 1, a column an output; equal ones share their mean rank.
struct Ranked {
    columns: Vec<Vec<f64>>,
}

impl Ranked {
    fn of(out: &Matrix) -> Self {
        let column =
            |j: usize| ranks(&out.values.iter().skip(j).step_by(out.n_columns).copied().collect::<Vec<_>>());
        Self { columns: (0..out.n_columns).map(column).collect() }
    }

    /// Name and value of the statistic, the share of shuffles that reach it, and their number.
    fn test(&self, goal: &Goal, seed: u64) -> (&'static str, f64, f64, u64) {
        let n = goal.n_rows();
        let n_shuffles = if n > MANY_ROWS { FEW_SHUFFLES } else { SHUFFLES };
        let (name, codes, numbers) = match goal {
            Goal::Classes { codes, .. } => ("area under the curve", codes.clone(), Vec::new()),
            Goal::Numbers(numbers) => {
                let narrow: Vec<f32> = numbers.iter().map(|v| *v as f32).collect();
                ("rank correlation with the target", Vec::new(), ranks(&narrow))
            }
        };
        let value_in = |order: &[usize]| {
            if numbers.is_empty() {
                self.area(order.iter().map(|i| codes[*i]), goal.n_outputs())
            } else {
                correlation(&self.columns[0], order.iter().map(|i| numbers[*i]))
            }
        };
        let straight: Vec<usize> = (0..n).collect();
        let value = value_in(&straight);
        let shuffled = (0..n_shuffles as u64).into_par_iter().map(|i| {
            let mut order = straight.clone();
            Random::new(seed ^ (i + 1).wrapping_mul(0x9e37_79b9)).shuffle(&mut order);
            value_in(&order)
        });
        let shuffled: Vec<f64> = shuffled.filter(|v| v.is_finite()).collect();
        let mean = shuffled.iter().sum::<f64>() / shuffled.len().max(1) as f64;
        let std = spread(&shuffled);
        let p = if std > 0.0 && value.is_finite() { upper_tail((value - mean) / (std * TWICE)) } else { 1.0 };
        (name, value, p, n_shuffles as u64)
    }

    /// Mean over classes of the area under the curve, one class against the rest (Hand & Till 2001 by ranks).
    fn area(&self, codes: impl Iterator<Item = usize>, n_classes: usize) -> f64 {
        let (mut sums, mut counts) = (vec![0.0; n_classes], vec![0.0; n_classes]);
        for (i, code) in codes.enumerate() {
            sums[code] += self.columns[code][i];
            counts[code] += 1.0;
        }
        let n: f64 = counts.iter().sum();
        let area = |(sum, count): (&f64, &f64)| {
            let rest = n - count;
            (*count > 0.0 && rest > 0.0).then(|| (sum - count * (count + 1.0) / 2.0) / (count * rest))
        };
        let areas: Vec<f64> = sums.iter().zip(&counts).filter_map(area).collect();
        areas.iter().sum::<f64>() / areas.len() as f64
    }
}

/// Ranks from 1; equal values share the mean of their ranks.
fn ranks(values: &[f32]) -> Vec<f64> {
    let mut order: Vec<usize> = (0..values.len()).collect();
    order.sort_by(|a, b| values[*a].total_cmp(&values[*b]));
    let mut out = vec![0.0; values.len()];
    let mut first = 0;
    while first < order.len() {
        let same = order[first..].iter().take_while(|i| values[**i].total_cmp(&values[order[first]]).is_eq());
        let end = first + same.count();
        let rank = (first + end + 1) as f64 / 2.0;
        order[first..end].iter().for_each(|i| out[*i] = rank);
        first = end;
    }
    out
}

fn correlation(ranks: &[f64], others: impl Iterator<Item = f64>) -> f64 {
    let n = ranks.len() as f64;
    let middle = (n + 1.0) / 2.0;
    let (mut both, mut own, mut other) = (0.0, 0.0, 0.0);
    for (a, b) in ranks.iter().zip(others) {
        let (a, b) = (a - middle, b - middle);
        both += a * b;
        own += a * a;
        other += b * b;
    }
    both / (own * other).sqrt()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn goal(codes: Vec<usize>) -> Goal {
        Goal::Classes { codes, names: vec!["a".into(), "b".into()] }
    }

    #[test]
    fn the_area_is_the_share_of_pairs_in_order() {
        let out = Matrix::new(2, [0.9, 0.4, 0.35, 0.1, 0.6].iter().flat_map(|p| [1.0 - p, *p]).collect());
        let area = Ranked::of(&out).area([1, 1, 0, 0, 0].into_iter(), 2);
        assert!((area - 5.0 / 6.0).abs() < 1e-9, "{area}");
    }

    #[test]
    fn tails_of_the_normal_distribution() {
        for (z, p) in [(0.0, 0.5), (1.0, 0.158_655), (2.5, 0.006_21), (-1.0, 0.841_345)] {
            assert!((upper_tail(z) - p).abs() < 1e-5, "{z}");
        }
    }

    #[test]
    fn noise_has_no_signal_and_order_has() {
        let mut random = Random::new(7);
        let noise: Vec<f32> = (0..200).flat_map(|_| [0.5, random.unit() as f32]).collect();
        let codes: Vec<usize> = (0..200).map(|i| i % 2).collect();
        let (.., p, _) = Ranked::of(&Matrix::new(2, noise)).test(&goal(codes.clone()), 1);
        assert!(p > 0.05, "{p}");
        let told: Vec<f32> = codes.iter().flat_map(|c| [1.0 - *c as f32, *c as f32]).collect();
        let (.., p, _) = Ranked::of(&Matrix::new(2, told)).test(&goal(codes), 1);
        assert!(p < 0.002, "{p}");
    }
}
