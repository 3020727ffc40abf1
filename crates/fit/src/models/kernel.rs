//! The Gaussian kernel.

use rayon::prelude::*;

use crate::Matrix;
use crate::encode::moments;

/// 1 / (columns × variance of all values), as scikit-learn's `gamma="scale"`.
pub(crate) fn default_gamma(rows: &Matrix) -> f64 {
    let (mean, std) = moments(rows);
    let d = mean.len().max(1) as f64;
    let all = mean.iter().sum::<f64>() / d;
    let variance = mean.iter().zip(&std).map(|(m, s)| s * s + (m - all).powi(2)).sum::<f64>() / d;
    if variance > 0.0 { 1.0 / (d * variance) } else { 1.0 }
}

/// ‖row‖² of each row.
pub(crate) fn squares(rows: &Matrix) -> Vec<f32> {
    rows.rows().map(|row| row.iter().map(|v| v * v).sum()).collect()
}

/// exp(−γ‖a − b‖²) of each row of `a` with each of `b`, whose squares are given.
pub(crate) fn gaussian(a: &Matrix, b: &Matrix, b_squares: &[f32], gamma: f32) -> Matrix {
    let a_squares = squares(a);
    let mut out = a.times_transposed(b);
    let m = b.n_rows().max(1);
    out.values.par_chunks_mut(m).zip(&a_squares).for_each(|(row, a)| {
        for (value, b) in row.iter_mut().zip(b_squares) {
            *value = (-gamma * (a + b - 2.0 * *value).max(0.0)).exp();
        }
    });
    out
}
