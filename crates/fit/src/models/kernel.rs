//! The Gaussian kernel.

use rayon::prelude::*;

use crate::Matrix;
use crate::encode::moments;
use crate::matrix::gemm;

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
    out.values
        .par_chunks_mut(m)
        .zip(&a_squares)
        .for_each(|(row, a)| from_products(row, *a, b_squares, gamma));
    out
}

/// Turns inner products with a row of square `a` into values of the kernel.
fn from_products(products: &mut [f32], a: f32, b_squares: &[f32], gamma: f32) {
    for (value, b) in products.iter_mut().zip(b_squares) {
        let distance = a + b - 2.0 * *value;
        *value = exp(-gamma * if distance > 0.0 { distance } else { 0.0 });
    }
}

/// eˣ for x ≤ 0, right to 2e-7 of its size, 0 below e⁻⁸⁷. Without a branch or a call, so that compilers do many at once, and
/// with the same bits on every machine: eˣ = 2ⁿ eʳ with whole n and |r| ≤ ln 2 / 2, where eʳ is its Taylor polynomial.
#[inline(always)]
fn exp(x: f32) -> f32 {
    /// 1.5 · 2²³: a float plus this has no fraction, and its last bits are the whole number.
    const ROUND: f32 = 12_582_912.0;
    const LN_2_HIGH: f32 = 0.693_359_4;
    const LN_2_LOW: f32 = -2.121_944_4e-4;
    let x = if x > -87.0 { x } else { -87.0 };
    let rounded = x * std::f32::consts::LOG2_E + ROUND;
    let n = rounded - ROUND;
    let r = (x - n * LN_2_HIGH) - n * LN_2_LOW;
    let tail = 1.0 / 6.0 + r * (1.0 / 24.0 + r * (1.0 / 120.0 + r * (1.0 / 720.0)));
    let power = 1.0 + r + r * r * (0.5 + r * tail);
    power * f32::from_bits((rounded.to_bits() << 23).wrapping_add(0x3f80_0000))
}

/// Columns of a symmetric kernel that one thread computes at a time.
const STRIPE: usize = 128;

/// exp(−γ‖a − b‖²) of each row with each: symmetric, with ones along the diagonal.
pub(crate) fn gram(rows: &Matrix, gamma: f32) -> Matrix {
    let (n, d) = (rows.n_rows(), rows.n_columns);
    let squares = squares(rows);
    let mut out = Matrix::zeros(n, n);
    out.values.par_chunks_mut((STRIPE * n).max(1)).enumerate().for_each(|(stripe, out)| {
        let first = stripe * STRIPE;
        let (height, width) = (out.len() / n.max(1), n - first);
        let (own, others) = (&rows.values[first * d..(first + height) * d], &rows.values[first * d..]);
        let mut products = vec![0.0; height * width];
        gemm(&mut products, (own, d, 1), (others, 1, d), [height, d, width], 0.0);
        for (i, (out, products)) in out.chunks_exact_mut(n).zip(products.chunks_exact(width)).enumerate() {
            out[first..].copy_from_slice(products);
            from_products(&mut out[first..], squares[first + i], &squares[first..], gamma);
            out[first + i] = 1.0;
        }
    });
    mirror(&mut out.values, n);
    out
}

/// Copies what is above the diagonal of a square below it, tile by tile, so that few cache lines are fetched twice.
fn mirror(values: &mut [f32], n: usize) {
    const TILE: usize = 32;
    for top in (0..n).step_by(TILE) {
        for start in (0..=top).step_by(TILE) {
            for i in top..(top + TILE).min(n) {
                for j in start..(start + TILE).min(i) {
                    values[i * n + j] = values[j * n + i];
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use stetho_core::Random;

    #[test]
    fn the_exponential_is_that_of_the_library() {
        for i in 0..870_000 {
            let x = -(i as f32) * 1e-4;
            assert!((exp(x) / x.exp() - 1.0).abs() < 2.5e-7, "{x}: {} {}", exp(x), x.exp());
        }
        assert!((exp(0.0) - 1.0).abs() <= 0.0 && exp(-1e9) < 1e-37);
    }

    #[test]
    fn the_square_kernel_is_that_of_the_definition() {
        let mut random = Random::new(3);
        let rows = Matrix::new(3, (0..3 * 301).map(|_| random.normal() as f32).collect());
        let kernel = gram(&rows, 0.7);
        for (i, a) in rows.rows().enumerate() {
            for (j, b) in rows.rows().enumerate() {
                let distance: f32 = a.iter().zip(b).map(|(a, b)| (a - b).powi(2)).sum();
                assert!((kernel.row(i)[j] - (-0.7 * distance).exp()).abs() < 1e-5);
                assert!((kernel.row(i)[j] - kernel.row(j)[i]).abs() <= 0.0);
            }
        }
    }
}
