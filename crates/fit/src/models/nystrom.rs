//! Kernel machines for many rows: the Nyström approximation (Williams & Seeger 2001) with least squares (Rifkin, Yeo &
//! Poggio 2003), which costs rows × landmarks² where the exact machine costs rows².

use nalgebra::DMatrix;

use super::kernel::{gaussian, squares};
use super::{Model, one_hot, softmax};
use crate::random::Random;
use crate::{Goal, Matrix};

/// Rows that stand for all.
pub(crate) const MOST_LANDMARKS: usize = 2_500;
/// Rows whose kernel is held in memory at a time: 2,500 × 8,192 × 4 bytes = 80 MB.
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
    /// Minimises ‖y − Kₙₘ w‖² + wᵀ Kₘₘ w / (2 C).
    pub(crate) fn fit(rows: &Matrix, goal: &Goal, c: f64, gamma: f64, seed: u64) -> Self {
        let chosen = Random::new(seed).choose(MOST_LANDMARKS, rows.n_rows());
        let landmarks = rows.pick(&chosen);
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
            let products = kernel.transposed_times(&kernel);
            left.iter_mut().zip(&products.values).for_each(|(l, p)| *l += f64::from(*p));
            let products = kernel.transposed_times(&targets.pick(&block));
            for (i, row) in products.rows().enumerate() {
                row.iter().enumerate().for_each(|(j, p)| right[(i, j)] += f64::from(*p));
            }
        }
        let own = gaussian(&landmarks, &landmarks, &squares, gamma as f32);
        left.iter_mut().zip(&own.values).for_each(|(l, p)| *l += f64::from(*p) / (2.0 * c));
        // Products in 32 bits are right to about 1e-7 of the largest: the ridge stays above that.
        let ridge = 1e-6 * rows.n_rows() as f64;
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
