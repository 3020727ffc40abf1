//! Logistic and ridge regression.

use nalgebra::{DMatrix, DVector};

use super::{Model, one_hot, softmax};
use crate::encode::moments;
use crate::{Goal, Matrix};

/// Most steps of the optimiser, as scikit-learn's default … and then some.
const MOST_STEPS: usize = 300;
/// Gradients, per row, whose largest component is below this are as good as zero.
const FLAT: f64 = 1e-5;
/// Pairs of steps and gradients that shape the next step.
const MEMORY: usize = 10;

/// Weights of each output and a shift of it.
struct Linear {
    /// Outputs × columns.
    weights: Matrix,
    shift: Vec<f32>,
    is_classifier: bool,
}

impl Model for Linear {
    fn predict(&self, rows: &Matrix) -> Matrix {
        let mut out = rows.times_transposed(&self.weights);
        for row in out.values.chunks_exact_mut(self.shift.len().max(1)) {
            row.iter_mut().zip(&self.shift).for_each(|(v, s)| *v += s);
        }
        if self.is_classifier {
            softmax(&mut out);
        }
        out
    }
}

pub(crate) fn fit(rows: &Matrix, goal: &Goal, penalty: f64) -> Box<dyn Model> {
    match goal {
        Goal::Classes { .. } => Box::new(logistic(rows, goal, penalty)),
        Goal::Numbers(numbers) => Box::new(ridge(rows, numbers, penalty)),
    }
}

/// Columns shifted to mean 0 and scaled to standard deviation 1, with both, so that products keep their digits.
fn standardised(rows: &Matrix) -> (Matrix, Vec<f64>, Vec<f64>) {
    let (mean, std) = moments(rows);
    let std: Vec<f64> = std.into_iter().map(|s| if s > 0.0 { s } else { 1.0 }).collect();
    let mut out = rows.clone();
    for row in out.values.chunks_exact_mut(rows.n_columns.max(1)) {
        for ((value, mean), std) in row.iter_mut().zip(&mean).zip(&std) {
            *value = ((f64::from(*value) - mean) / std) as f32;
        }
    }
    (out, mean, std)
}

/// Ridge regression by the normal equations.
fn ridge(rows: &Matrix, numbers: &[f64], penalty: f64) -> Linear {
    let d = rows.n_columns;
    let n = numbers.len().max(1) as f64;
    let centre = numbers.iter().sum::<f64>() / n;
    let spread = (numbers.iter().map(|y| (y - centre).powi(2)).sum::<f64>() / n).sqrt();
    let spread = if spread > 0.0 { spread } else { 1.0 };
    let (x, mean, std) = standardised(rows);
    let y = Matrix::new(1, numbers.iter().map(|y| ((y - centre) / spread) as f32).collect());
    let (products, right) = (x.transposed_times(&x), x.transposed_times(&y));
    let left = DMatrix::from_fn(d, d, |i, j| {
        let product = f64::from(products.values[i * d + j]);
        // The penalty is on the weights of the columns as they are; the last term keeps copies of columns solvable.
        if i == j { product + penalty / (std[i] * std[i]) + 1e-6 * n } else { product }
    });
    let right = DVector::from_iterator(d, right.values.iter().map(|v| f64::from(*v)));
    let scaled = left.cholesky().map_or_else(|| DVector::zeros(d), |c| c.solve(&right));
    let weights: Vec<f64> = scaled.iter().zip(&std).map(|(w, s)| w * spread / s).collect();
    let shift = centre - weights.iter().zip(&mean).map(|(w, m)| w * m).sum::<f64>();
    let weights = Matrix::new(d, weights.into_iter().map(|w| w as f32).collect());
    Linear { weights, shift: vec![shift as f32], is_classifier: false }
}

/// Multinomial logistic regression by L-BFGS (Nocedal 1980).
fn logistic(rows: &Matrix, goal: &Goal, penalty: f64) -> Linear {
    let (d, k, n) = (rows.n_columns, goal.n_outputs(), goal.n_rows().max(1) as f64);
    let (x, mean, std) = standardised(rows);
    let targets = one_hot(goal);
    let weigh: Vec<f64> = std.iter().map(|s| penalty / (n * s * s)).collect();
    let loss = |point: &[f64]| loss(&x, &targets, point, &weigh);
    let point = minimise(loss, vec![0.0; k * (d + 1)]);
    let mut weights = Vec::with_capacity(k * d);
    let mut shift = Vec::with_capacity(k);
    for output in point.chunks_exact(d + 1) {
        let own: Vec<f64> = output.iter().zip(&std).map(|(w, s)| w / s).collect();
        shift.push((output[d] - own.iter().zip(&mean).map(|(w, m)| w * m).sum::<f64>()) as f32);
        weights.extend(own.into_iter().map(|w| w as f32));
    }
    Linear { weights: Matrix::new(d, weights), shift, is_classifier: true }
}

/// Mean log loss with its penalty, and its gradient, at weights given a class after another, each with its shift last.
fn loss(x: &Matrix, targets: &Matrix, point: &[f64], penalty: &[f64]) -> (f64, Vec<f64>) {
    let (d, k, n) = (x.n_columns, targets.n_columns, x.n_rows().max(1) as f64);
    let narrow = point.chunks_exact(d + 1).flat_map(|c| &c[..d]).map(|w| *w as f32).collect();
    let mut scores = x.times_transposed(&Matrix::new(d, narrow));
    for row in scores.values.chunks_exact_mut(k) {
        row.iter_mut().zip(point.chunks_exact(d + 1)).for_each(|(v, c)| *v += c[d] as f32);
    }
    let mut total = 0.0;
    softmax(&mut scores);
    let mut slope_of_shift = vec![0.0_f64; k];
    for (row, target) in scores.values.chunks_exact_mut(k).zip(targets.rows()) {
        for ((p, t), slope) in row.iter_mut().zip(target).zip(&mut slope_of_shift) {
            if *t > 0.0 {
                total -= f64::from(p.max(1e-30)).ln();
            }
            *p -= t;
            *slope += f64::from(*p);
        }
    }
    let slopes = scores.transposed_times(x);
    let mut gradient = Vec::with_capacity(point.len());
    let mut value = total / n;
    for (class, output) in point.chunks_exact(d + 1).enumerate() {
        for ((w, slope), penalty) in output.iter().zip(slopes.row(class)).zip(penalty) {
            gradient.push(f64::from(*slope) / n + penalty * w);
            value += 0.5 * penalty * w * w;
        }
        gradient.push(slope_of_shift[class] / n);
    }
    (value, gradient)
}

fn dot(a: &[f64], b: &[f64]) -> f64 {
    a.iter().zip(b).map(|(a, b)| a * b).sum()
}

/// The lowest point that a limited-memory quasi-Newton method reaches.
fn minimise(loss: impl Fn(&[f64]) -> (f64, Vec<f64>), mut point: Vec<f64>) -> Vec<f64> {
    let (mut value, mut gradient) = loss(&point);
    let mut memory: Vec<(Vec<f64>, Vec<f64>, f64)> = Vec::new();
    for _ in 0..MOST_STEPS {
        if gradient.iter().all(|g| g.abs() < FLAT) {
            break;
        }
        let direction = direction(&gradient, &memory);
        let slope = dot(&direction, &gradient);
        let mut step = if memory.is_empty() { 1.0 / dot(&gradient, &gradient).sqrt().max(1.0) } else { 1.0 };
        let mut moved = None;
        for _ in 0..30 {
            let next: Vec<f64> = point.iter().zip(&direction).map(|(p, d)| p + step * d).collect();
            let (next_value, next_gradient) = loss(&next);
            if next_value <= value + 1e-4 * step * slope {
                moved = Some((next, next_value, next_gradient));
                break;
            }
            step *= 0.5;
        }
        let Some((next, next_value, next_gradient)) = moved else { break };
        let went: Vec<f64> = next.iter().zip(&point).map(|(a, b)| a - b).collect();
        let turned: Vec<f64> = next_gradient.iter().zip(&gradient).map(|(a, b)| a - b).collect();
        let curvature = dot(&went, &turned);
        if curvature > 1e-12 {
            if memory.len() == MEMORY {
                memory.remove(0);
            }
            memory.push((went, turned, curvature));
        }
        let is_done = (value - next_value).abs() <= 1e-9 * value.abs().max(1e-9);
        (point, value, gradient) = (next, next_value, next_gradient);
        if is_done {
            break;
        }
    }
    point
}

/// Downhill, as the remembered steps say that the ground curves.
fn direction(gradient: &[f64], memory: &[(Vec<f64>, Vec<f64>, f64)]) -> Vec<f64> {
    let mut out: Vec<f64> = gradient.iter().map(|g| -g).collect();
    let mut shares = Vec::new();
    for (went, turned, curvature) in memory.iter().rev() {
        let share = dot(went, &out) / curvature;
        out.iter_mut().zip(turned).for_each(|(o, t)| *o -= share * t);
        shares.push(share);
    }
    if let Some((_, turned, curvature)) = memory.last() {
        let scale = curvature / dot(turned, turned).max(1e-30);
        out.iter_mut().for_each(|o| *o *= scale);
    }
    for ((went, turned, curvature), share) in memory.iter().zip(shares.into_iter().rev()) {
        let back = share - dot(turned, &out) / curvature;
        out.iter_mut().zip(went).for_each(|(o, w)| *o += back * w);
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use stetho_core::Random;

    #[test]
    fn ridge_finds_the_weights_on_any_scale() {
        let mut random = Random::new(3);
        let (mut values, mut y) = (Vec::new(), Vec::new());
        for _ in 0..300 {
            let (a, b) = (random.normal(), random.normal() * 1e4 + 1e6);
            values.extend([a as f32, b as f32]);
            y.push(3.0 * a - 0.002 * b + 7.0);
        }
        let model = ridge(&Matrix::new(2, values), &y, 1e-9);
        assert!((model.weights.values[0] - 3.0).abs() < 1e-2, "{:?}", model.weights);
        assert!((model.weights.values[1] + 0.002).abs() < 1e-5, "{:?}", model.weights);
    }

    #[test]
    fn the_gradient_is_that_of_the_loss() {
        let mut random = Random::new(1);
        let x = Matrix::new(3, (0..60).map(|_| random.normal() as f32).collect());
        let names = (0..3).map(|i: usize| i.to_string()).collect();
        let goal = Goal::Classes { codes: (0..20).map(|i| i % 3).collect(), names };
        let targets = one_hot(&goal);
        let point: Vec<f64> = (0..12).map(|_| random.normal()).collect();
        let penalty = [0.1, 0.2, 0.3];
        let (_, gradient) = loss(&x, &targets, &point, &penalty);
        for i in 0..12 {
            let moved = |by: f64| {
                let mut point = point.clone();
                point[i] += by;
                loss(&x, &targets, &point, &penalty).0
            };
            let numeric = (moved(1e-2) - moved(-1e-2)) / 2e-2;
            assert!((numeric - gradient[i]).abs() < 2e-3, "{i}: {numeric} {}", gradient[i]);
        }
    }

    #[test]
    fn logistic_regression_tells_separate_clouds() {
        let mut random = Random::new(2);
        let (mut values, mut codes) = (Vec::new(), Vec::new());
        for i in 0..300_usize {
            let class = i % 3;
            let centre = [(0.0, 0.0), (6.0, 0.0), (0.0, 6.0)][class];
            values.extend([(centre.0 + random.normal()) as f32, (centre.1 + random.normal()) as f32]);
            codes.push(class);
        }
        let x = Matrix::new(2, values);
        let goal = Goal::Classes { codes: codes.clone(), names: vec!["a".into(), "b".into(), "c".into()] };
        let out = logistic(&x, &goal, 1.0).predict(&x);
        let right = out.rows().zip(&codes).filter(|(p, c)| p[**c] > 0.5).count();
        assert!(right > 290, "{right}");
        assert!(out.rows().all(|p| (p.iter().sum::<f32>() - 1.0).abs() < 1e-5));
    }
}
