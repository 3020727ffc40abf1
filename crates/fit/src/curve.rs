//! Score against the number of training rows, and what more of them would bring.

use std::time::{Duration, Instant};

use rayon::prelude::*;
use stetho_core::Measured;
use stetho_core::fit::{CurvePoint, Estimate, FoldScore, LearningCurve};

use crate::cv::{Evaluated, Setting};
use crate::encode::Preparation;
use crate::{Fold, Goal, divide};
use stetho_core::Random;

/// Shares of the training rows.
const SHARES: [f64; 5] = [0.1, 0.2, 0.4, 0.7, 1.0];
/// Fewer rows than this are no point of the curve.
const FEWEST: usize = 10;
/// Up to this many rows are divided anew, so many times in all: where rows are few, it matters much which are left out.
const FEW: usize = 1_000;
const DIVISIONS: u64 = 3;
/// Draws of folds from which the interval of the gain is taken.
const DRAWS: u64 = 400;

/// The curve of a model that was already evaluated on all rows; stops when `most` time is spent.
pub(crate) fn curve(
    setting: Setting<'_>,
    model: &Evaluated,
    how: Preparation,
    most: Duration,
) -> Measured<LearningCurve> {
    let start = Instant::now();
    let n_folds = model.rung.folds.len();
    let folds: Vec<(Fold, Vec<usize>)> = divisions(setting, n_folds)
        .into_iter()
        .map(|fold| {
            let order = spread(&fold, setting);
            (fold, order)
        })
        .collect();
    let n_train = folds.iter().map(|f| f.1.len()).min().unwrap_or(0);
    let mut sizes: Vec<usize> = SHARES.iter().map(|s| (n_train as f64 * s).round() as usize).collect();
    sizes.retain(|n| *n >= FEWEST.max(2 * setting.samples.goal.n_outputs()));
    sizes.dedup();
    if sizes.len() < 3 {
        return Measured::Not("too few rows for a learning curve".into());
    }
    let mut by_size: Vec<(usize, Vec<FoldScore>)> = Vec::new();
    for n in sizes {
        let known = if n == n_train { model.rung.folds.as_slice() } else { &[] };
        let one = |(fold, order): &(Fold, Vec<usize>)| {
            let mut train: Vec<usize> = order.iter().take(n).copied().collect();
            train.sort_unstable();
            let smaller = Fold { train, validation: fold.validation.clone() };
            setting.one(&model.spec, how, &smaller).score
        };
        let new = folds.par_iter().skip(known.len()).map(one);
        let scores = [known, new.collect::<Vec<_>>().as_slice()].concat();
        by_size.push((n, scores));
        if start.elapsed() > most && by_size.last().is_some_and(|(n, _)| *n < n_train) {
            return Measured::Not("the time budget was spent".into());
        }
    }
    let points = by_size.iter().map(|(n, scores)| {
        let validation = Estimate::of(scores.iter().map(|s| s.validation), model.rung.row_error);
        let train = Estimate::of(scores.iter().map(|s| s.train), None).mean;
        let error = if scores.len() > n_folds {
            repeated(validation.std, scores.len(), n_folds)
        } else {
            validation.error
        };
        CurvePoint { n: *n as u64, train, validation: validation.mean, error }
    });
    Measured::Is(LearningCurve {
        model: model.rung.name.clone(),
        points: points.collect(),
        gain_of_doubling: gain_of_doubling(&by_size, n_folds, setting.seed),
    })
}

/// The standard error of the mean of folds of several divisions (Nadeau & Bengio 2003).
fn repeated(std: f64, n_scores: usize, n_folds: usize) -> f64 {
    (1.0 / n_scores as f64 + 1.0 / (n_folds - 1).max(1) as f64).sqrt() * std
}

/// The first folds of the setting, and where rows are few those of other divisions.
fn divisions(setting: Setting<'_>, n_folds: usize) -> Vec<Fold> {
    let samples = setting.samples;
    let mut folds: Vec<Fold> = setting.folds.folds.iter().take(n_folds).cloned().collect();
    let is_random = samples.is_held_out.is_none() && samples.times.is_none() && samples.groups.is_none();
    if is_random && setting.n_rows() <= FEW && n_folds == setting.folds.folds.len() {
        for again in 1..DIVISIONS {
            folds.extend(divide(samples, n_folds, setting.seed.wrapping_add(again)).folds);
        }
    }
    folds
}

/// The training rows in an order of which every beginning holds the classes in their shares.
fn spread(fold: &Fold, setting: Setting<'_>) -> Vec<usize> {
    let mut order = fold.train.clone();
    Random::new(setting.seed ^ 0xc0ffee).shuffle(&mut order);
    if setting.samples.times.is_some() {
        // The latest rows first: those that a smaller set of the same kind would hold.
        order = fold.train.iter().rev().copied().collect();
    }
    let Goal::Classes { codes, names } = &setting.samples.goal else { return order };
    let mut totals = vec![0.0; names.len()];
    order.iter().for_each(|i| totals[codes[*i]] += 1.0);
    let mut seen = vec![0.0; names.len()];
    let mut keyed: Vec<(f64, usize)> = order
        .into_iter()
        .map(|i| {
            let class = codes[i];
            seen[class] += 1.0;
            ((seen[class] - 0.5) / totals[class], i)
        })
        .collect();
    keyed.sort_by(|a, b| a.0.total_cmp(&b.0));
    keyed.into_iter().map(|k| k.1).collect()
}

/// What twice the rows would add: the power law fitted to the means, and its spread when the folds of one division are drawn
/// anew. Folds of several divisions share their rows, so that to draw as many as there are would promise too much.
fn gain_of_doubling(by_size: &[(usize, Vec<FoldScore>)], n_drawn: usize, seed: u64) -> Option<[f64; 3]> {
    let n_folds = by_size.iter().map(|(_, s)| s.len()).min()?;
    let gain = |folds: &[usize]| {
        let mean = |scores: &[FoldScore]| {
            folds.iter().map(|f| scores[*f].validation).sum::<f64>() / folds.len().max(1) as f64
        };
        let points: Vec<(f64, f64)> = by_size.iter().map(|(n, s)| (*n as f64, 1.0 - mean(s))).collect();
        let (_, b, c) = power_law(&points)?;
        let n = points.last()?.0;
        Some(b * (n.powf(-c) - (2.0 * n).powf(-c)))
    };
    let all: Vec<usize> = (0..n_folds).collect();
    let middle = gain(&all)?;
    let mut random = Random::new(seed ^ 0xd0b1e);
    let mut draws: Vec<f64> = (0..DRAWS)
        .filter_map(|_| gain(&(0..n_drawn).map(|_| random.below(n_folds)).collect::<Vec<_>>()))
        .collect();
    draws.sort_by(f64::total_cmp);
    let at = |share: f64| draws.get((draws.len() as f64 * share) as usize).copied().unwrap_or(middle);
    Some([middle, at(0.025).min(middle), at(0.975).max(middle)])
}

/// Error ≈ a + b n^−c with a ≥ 0 and b ≥ 0, by least squares over a grid of c; `None` where the error does not fall.
fn power_law(points: &[(f64, f64)]) -> Option<(f64, f64, f64)> {
    let fit = |c: f64| {
        let x: Vec<f64> = points.iter().map(|p| p.0.powf(-c)).collect();
        let n = points.len() as f64;
        let (mean_x, mean_y) = (x.iter().sum::<f64>() / n, points.iter().map(|p| p.1).sum::<f64>() / n);
        let both: f64 = x.iter().zip(points).map(|(x, p)| (x - mean_x) * (p.1 - mean_y)).sum();
        let own: f64 = x.iter().map(|x| (x - mean_x).powi(2)).sum();
        let mut b = (both / own).max(0.0);
        let mut a = mean_y - b * mean_x;
        if a < 0.0 {
            a = 0.0;
            b = x.iter().zip(points).map(|(x, p)| x * p.1).sum::<f64>()
                / x.iter().map(|x| x * x).sum::<f64>();
        }
        let wrong: f64 = x.iter().zip(points).map(|(x, p)| (a + b * x - p.1).powi(2)).sum();
        (wrong, a, b.max(0.0), c)
    };
    let best = (1..=20).map(|i| fit(f64::from(i) * 0.1)).filter(|f| f.0.is_finite());
    best.min_by(|x, y| x.0.total_cmp(&y.0)).map(|(_, a, b, c)| (a, b, c))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_power_law_is_found() {
        let points: Vec<(f64, f64)> = [50.0, 100.0, 200.0, 400.0, 800.0]
            .iter()
            .map(|n: &f64| (*n, 0.05 + 2.0 * n.powf(-0.6)))
            .collect();
        let (a, b, c) = power_law(&points).unwrap();
        assert!((a - 0.05).abs() < 1e-6 && (b - 2.0).abs() < 1e-6 && (c - 0.6).abs() < 1e-6);
    }

    #[test]
    fn a_flat_curve_promises_nothing() {
        let flat = |n| (n, vec![FoldScore { train: 0.9, validation: 0.8 }; 5]);
        let gain = gain_of_doubling(&[flat(50), flat(100), flat(200)], 5, 1).unwrap();
        assert!(gain[0].abs() < 1e-9);
    }
}
