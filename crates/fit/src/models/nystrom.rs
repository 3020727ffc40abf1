//! Kernel machines for many rows: the Nyström approximation (Williams & Seeger 2001) with least squares (Rifkin, Yeo &
//! Poggio 2003), which costs rows × landmarks² where the exact machine costs rows².

use nalgebra::DMatrix;
use rayon::prelude::*;

use super::kernel::{gaussian, squares};
use super::{Model, one_hot, softmax};
use crate::matrix::add_gram;
use crate::score::log_loss;
use crate::{Goal, Matrix};
use stetho_core::Random;

/// Rows that stand for all.
const MOST_LANDMARKS: usize = 3_000;
/// Rows that are clustered to find them, and rounds of clustering.
const CLUSTERED: usize = 30_000;
const ROUNDS: usize = 2;
/// Rows on which γ is chosen.
const TRIED: usize = 5_000;
/// Rows whose kernel is held in memory at a time: 3,000 × 8,192 × 4 bytes = 98 MB.
const BLOCK: usize = 8_192;
/// Columns that the factorisation takes at a time.
const PANEL: usize = 96;
/// How much surer a decision twice as far from the margin is; the probabilities of this model are not calibrated.
const SLOPE: f32 = 4.0;

/// f(x) = Σ weightⱼ K(landmarkⱼ, x) + shift, an output each.
pub(crate) struct Nystrom {
    landmarks: Matrix,
    squares: Vec<f32>,
    weights: Matrix,
    shift: Vec<f64>,
    gamma: f32,
    is_classifier: bool,
}

impl Nystrom {
    /// Minimises ‖y − Kₙₘ w‖² + wᵀ Kₘₘ w / (10 C). γ is the given one or twice as much, whichever does better on rows held
    /// out of a part.
    pub(crate) fn fit(rows: &Matrix, goal: &Goal, c: f64, gamma: f64, seed: u64) -> Self {
        let gamma = better(rows, goal, c, gamma, seed);
        Self::with(rows, goal, c, gamma, MOST_LANDMARKS, seed)
    }

    fn with(rows: &Matrix, goal: &Goal, c: f64, gamma: f64, n_landmarks: usize, seed: u64) -> Self {
        let landmarks = landmarks(rows, n_landmarks, seed);
        let squares = squares(&landmarks);
        let mut targets = one_hot(goal);
        let (shift, _) = crate::encode::moments(&targets);
        for row in targets.values.chunks_exact_mut(shift.len().max(1)) {
            row.iter_mut().zip(&shift).for_each(|(v, s)| *v = (f64::from(*v) - s) as f32);
        }
        let m = landmarks.n_rows();
        let k = targets.n_columns;
        let mut left = DMatrix::<f64>::zeros(m, m);
        let mut right = DMatrix::<f64>::zeros(m, k);
        for first in (0..rows.n_rows()).step_by(BLOCK) {
            let block: Vec<usize> = (first..(first + BLOCK).min(rows.n_rows())).collect();
            let kernel = gaussian(&rows.pick(&block), &landmarks, &squares, gamma as f32);
            add_gram(&kernel, left.as_mut_slice());
            let products = kernel.transposed_times(&targets.pick(&block));
            for (i, row) in products.rows().enumerate() {
                row.iter().enumerate().for_each(|(j, p)| right[(i, j)] += f64::from(*p));
            }
        }
        let own = gaussian(&landmarks, &landmarks, &squares, gamma as f32);
        left.iter_mut().zip(&own.values).for_each(|(l, p)| *l += f64::from(*p) / (10.0 * c));
        // Products in 32 bits are right to about 1e-7 of their size: the ridge stays above that.
        let ridge = 5e-8 * largest_eigenvalue(&left);
        (0..m).for_each(|i| left[(i, i)] += ridge);
        let solved = solve(left, right);
        let weights = (0..m).flat_map(|i| (0..k).map(move |j| (i, j))).map(|at| solved[at] as f32).collect();
        let is_classifier = matches!(goal, Goal::Classes { .. });
        Self {
            landmarks,
            squares,
            weights: Matrix::new(k, weights),
            shift,
            gamma: gamma as f32,
            is_classifier,
        }
    }
}

/// The largest eigenvalue of a symmetric matrix of which the lower half is filled in, by a few rounds of the power method.
fn largest_eigenvalue(lower: &DMatrix<f64>) -> f64 {
    let m = lower.nrows();
    let mut v = vec![1.0 / (m.max(1) as f64).sqrt(); m];
    let mut length = 0.0;
    for _ in 0..8 {
        let mut next = vec![0.0; m];
        for (j, column) in lower.as_slice().chunks_exact(m.max(1)).enumerate() {
            for (i, value) in column.iter().enumerate().skip(j) {
                next[i] += value * v[j];
                if i != j {
                    next[j] += value * v[i];
                }
            }
        }
        length = next.iter().map(|x| x * x).sum::<f64>().sqrt();
        v = next.into_iter().map(|x| x / length.max(1e-300)).collect();
    }
    length
}

/// Rows that stand for all: means of clusters, by a few rounds of k-means (Lloyd 1982) on a part of the rows, which do better
/// than rows drawn at random (Zhang, Tsang & Kwok 2008).
fn landmarks(rows: &Matrix, n: usize, seed: u64) -> Matrix {
    let mut random = Random::new(seed);
    let mut means = rows.pick(&random.choose(n, rows.n_rows()));
    let part = rows.pick(&random.choose(CLUSTERED, rows.n_rows()));
    let d = rows.n_columns;
    for _ in 0..ROUNDS {
        let halves: Vec<f32> = squares(&means).into_iter().map(|s| s / 2.0).collect();
        let (mut sums, mut counts) = (vec![0.0_f32; means.values.len()], vec![0.0_f32; halves.len()]);
        for first in (0..part.n_rows()).step_by(BLOCK) {
            let block = part.pick(&(first..(first + BLOCK).min(part.n_rows())).collect::<Vec<_>>());
            let products = block.times_transposed(&means);
            let nearest: Vec<usize> =
                products.values.par_chunks(halves.len().max(1)).map(|row| nearest(row, &halves)).collect();
            for (row, at) in block.rows().zip(nearest) {
                counts[at] += 1.0;
                sums[at * d..(at + 1) * d].iter_mut().zip(row).for_each(|(s, v)| *s += v);
            }
        }
        for ((mean, sum), count) in
            means.values.chunks_exact_mut(d.max(1)).zip(sums.chunks_exact(d.max(1))).zip(counts)
        {
            if count > 0.0 {
                mean.iter_mut().zip(sum).for_each(|(m, s)| *m = s / count);
            }
        }
    }
    means
}

fn nearest(products: &[f32], halves: &[f32]) -> usize {
    let mut best = (0, f32::MIN);
    for (at, (product, half)) in products.iter().zip(halves).enumerate() {
        if product - half > best.1 {
            best = (at, product - half);
        }
    }
    best.0
}

/// γ or 2 γ: which does better when fitted to some rows and asked about others.
fn better(rows: &Matrix, goal: &Goal, c: f64, gamma: f64, seed: u64) -> f64 {
    let mut order: Vec<usize> = (0..rows.n_rows()).collect();
    Random::new(seed ^ 0x5eed).shuffle(&mut order);
    let (asked, fitted) = order.split_at((rows.n_rows() / 4).min(TRIED / 2));
    let fitted = &fitted[..fitted.len().min(TRIED)];
    let (train, validation) = (rows.pick(fitted), rows.pick(asked));
    let (train_goal, validation_goal) = (goal.pick(fitted), goal.pick(asked));
    let loss = |gamma: f64| {
        let out = Nystrom::with(&train, &train_goal, c, gamma, TRIED / 8, seed).predict(&validation);
        log_loss(&validation_goal, &out)
    };
    if loss(2.0 * gamma) < loss(gamma) { 2.0 * gamma } else { gamma }
}

impl Model for Nystrom {
    fn predict(&self, rows: &Matrix) -> Matrix {
        let mut out = Matrix::new(self.shift.len(), Vec::with_capacity(rows.n_rows() * self.shift.len()));
        for first in (0..rows.n_rows()).step_by(BLOCK) {
            let block: Vec<usize> = (first..(first + BLOCK).min(rows.n_rows())).collect();
            let kernel = gaussian(&rows.pick(&block), &self.landmarks, &self.squares, self.gamma);
            out.values.extend(kernel.times(&self.weights).values);
        }
        let scale = if self.is_classifier { SLOPE } else { 1.0 };
        for row in out.values.chunks_exact_mut(self.shift.len().max(1)) {
            row.iter_mut().zip(&self.shift).for_each(|(v, s)| *v = scale * (*v + *s as f32));
        }
        if self.is_classifier {
            softmax(&mut out);
        }
        out
    }
}

/// Solves a symmetric positive definite system by a Cholesky factorisation in panels, whose updates are matrix products.
fn solve(mut a: DMatrix<f64>, mut b: DMatrix<f64>) -> DMatrix<f64> {
    let m = a.nrows();
    for first in (0..m).step_by(PANEL) {
        let width = PANEL.min(m - first);
        let below = m - first - width;
        let block = a.view((first, first), (width, width)).clone_owned();
        let Some(factor) = block.cholesky() else { return DMatrix::zeros(m, b.ncols()) };
        let factor = factor.unpack();
        a.view_mut((first, first), (width, width)).copy_from(&factor);
        if below == 0 {
            continue;
        }
        // The panel below: P Lᵀ = A, that is L Pᵀ = Aᵀ.
        let mut panel = a.view((first + width, first), (below, width)).transpose();
        factor.solve_lower_triangular_mut(&mut panel);
        let panel = panel.transpose();
        a.view_mut((first + width, first), (below, width)).copy_from(&panel);
        let flipped = panel.transpose();
        let mut rest = a.view_mut((first + width, first + width), (below, below));
        update(&mut rest, &panel, &flipped);
    }
    a.solve_lower_triangular_mut(&mut b);
    a.tr_solve_lower_triangular_mut(&mut b);
    b
}

/// rest −= panel × flipped, in stripes of columns of which only the part on and below the diagonal is computed.
fn update(
    rest: &mut nalgebra::DMatrixViewMut<'_, f64, nalgebra::U1, nalgebra::Dyn>,
    panel: &DMatrix<f64>,
    flipped: &DMatrix<f64>,
) {
    let n = rest.nrows();
    for first in (0..n).step_by(PANEL * 2) {
        let width = (PANEL * 2).min(n - first);
        let mut stripe = rest.view_mut((first, first), (n - first, width));
        stripe.gemm(-1.0, &panel.rows(first, n - first), &flipped.columns(first, width), 1.0);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_factorisation_solves() {
        let m = 250;
        let mut random = Random::new(9);
        let root = DMatrix::from_fn(m, m, |_, _| random.normal());
        let a = &root * root.transpose() + DMatrix::identity(m, m);
        let wanted = DMatrix::from_fn(m, 3, |_, _| random.normal());
        let solved = solve(a.clone(), &a * &wanted);
        assert!((solved - wanted).abs().max() < 1e-6);
    }

    #[test]
    fn it_agrees_with_what_the_function_is() {
        let x: Vec<f32> = (0..6000).map(|i| i as f32 / 600.0).collect();
        let y: Vec<f64> = x.iter().map(|x| f64::from(x.sin())).collect();
        let rows = Matrix::new(1, x);
        let out = Nystrom::fit(&rows, &Goal::Numbers(y.clone()), 10.0, 2.0, 1).predict(&rows);
        let worst = out.values.iter().zip(&y).map(|(a, b)| (f64::from(*a) - b).abs()).fold(0.0, f64::max);
        assert!(worst < 0.02, "{worst}");
    }
}
