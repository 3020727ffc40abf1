//! Numbers in rows, and their products on all cores.

use nalgebra::{DMatrixView, DMatrixViewMut, Dyn};
use rayon::prelude::*;

/// Rows of a product that one thread computes at a time.
const BLOCK: usize = 256;

/// Sides from which on the blocked product pays; `nalgebra` falls back at the same.
const SMALL: usize = 5;

/// Rows × columns, row by row.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Matrix {
    /// Number of columns.
    pub n_columns: usize,
    /// Values, row by row.
    pub values: Vec<f32>,
}

impl Matrix {
    /// A matrix of zeros.
    pub fn zeros(n_rows: usize, n_columns: usize) -> Self {
        Self { n_columns, values: vec![0.0; n_rows * n_columns] }
    }

    /// From values row by row; their number is a multiple of `n_columns`.
    pub fn new(n_columns: usize, values: Vec<f32>) -> Self {
        debug_assert!(n_columns == 0 && values.is_empty() || values.len().is_multiple_of(n_columns.max(1)));
        Self { n_columns, values }
    }

    /// Number of rows.
    pub fn n_rows(&self) -> usize {
        self.values.len().checked_div(self.n_columns).unwrap_or(0)
    }

    /// Row `i`.
    pub fn row(&self, i: usize) -> &[f32] {
        &self.values[i * self.n_columns..(i + 1) * self.n_columns]
    }

    /// All rows in order.
    pub fn rows(&self) -> impl ExactSizeIterator<Item = &[f32]> {
        self.values.chunks_exact(self.n_columns.max(1))
    }

    /// These rows, in this order.
    #[must_use]
    pub fn pick(&self, rows: &[usize]) -> Self {
        Self { n_columns: self.n_columns, values: rows.iter().flat_map(|&i| self.row(i)).copied().collect() }
    }

    /// The matrix column by column, as tree crates want it.
    pub fn by_column(&self) -> Vec<f64> {
        let mut out = Vec::with_capacity(self.values.len());
        for j in 0..self.n_columns {
            out.extend(self.values.iter().skip(j).step_by(self.n_columns.max(1)).map(|v| f64::from(*v)));
        }
        out
    }

    /// This × `other`ᵀ: the inner product of each row here with each row there; n × m.
    #[must_use]
    pub fn times_transposed(&self, other: &Self) -> Self {
        let (m, d) = (other.n_rows(), self.n_columns);
        let mut out = Self::zeros(self.n_rows(), m);
        out.values
            .par_chunks_mut((BLOCK * m).max(1))
            .zip(self.values.par_chunks((BLOCK * d).max(1)))
            .for_each(|(out, rows)| {
                gemm(out, (rows, d, 1), (&other.values, 1, d), [rows.len() / d.max(1), d, m], 0.0);
            });
        out
    }

    /// This × `other`: n × m of n × d and d × m.
    #[must_use]
    pub fn times(&self, other: &Self) -> Self {
        let (m, d) = (other.n_columns, self.n_columns);
        let mut out = Self::zeros(self.n_rows(), m);
        out.values
            .par_chunks_mut((BLOCK * m).max(1))
            .zip(self.values.par_chunks((BLOCK * d).max(1)))
            .for_each(|(out, rows)| {
                gemm(out, (rows, d, 1), (&other.values, m, 1), [rows.len() / d.max(1), d, m], 0.0);
            });
        out
    }

    /// This ᵀ × `other`: d × m of n × d and n × m, added up in blocks of rows in a fixed order.
    #[must_use]
    pub fn transposed_times(&self, other: &Self) -> Self {
        let (m, d) = (other.n_columns, self.n_columns);
        let mut out = Self::zeros(d, m);
        let stripe = d.div_ceil(rayon::current_num_threads().max(1)).max(1);
        out.values.par_chunks_mut((stripe * m).max(1)).enumerate().for_each(|(part, out)| {
            let first = part * stripe;
            let n = out.len() / m.max(1);
            let rows = self.values.get(first..).unwrap_or_default();
            gemm(out, (rows, 1, d), (&other.values, m, 1), [n, self.n_rows(), m], 0.0);
        });
        out
    }
}

/// `out` = a × b + `keep` × `out`, with a of `n` × `d` and b of `d` × `m`, each given with the steps between its rows and
/// between its columns; `out` row by row.
pub(crate) fn gemm(
    out: &mut [f32],
    (a, a_row, a_column): (&[f32], usize, usize),
    (b, b_row, b_column): (&[f32], usize, usize),
    [n, d, m]: [usize; 3],
    keep: f32,
) {
    if n == 0 || m == 0 {
        return;
    }
    if n.min(d).min(m) <= SMALL {
        return plainly(out, (a, a_row, a_column), (b, b_row, b_column), [n, d, m], keep);
    }
    // Row by row here is column by column of the transpose: outᵀ = bᵀ aᵀ.
    let left = DMatrixView::from_slice_with_strides_generic(b, Dyn(m), Dyn(d), Dyn(b_column), Dyn(b_row));
    let right = DMatrixView::from_slice_with_strides_generic(a, Dyn(d), Dyn(n), Dyn(a_column), Dyn(a_row));
    let mut out = DMatrixViewMut::from_slice(out, m, n);
    out.gemm(1.0, &left, &right, keep);
}

/// [`gemm`] as its definition has it, for what is too narrow to gain from more.
fn plainly(
    out: &mut [f32],
    (a, a_row, a_column): (&[f32], usize, usize),
    (b, b_row, b_column): (&[f32], usize, usize),
    [n, d, m]: [usize; 3],
    keep: f32,
) {
    for (i, out) in out.chunks_exact_mut(m).take(n).enumerate() {
        out.iter_mut().for_each(|v| *v *= keep);
        for j in 0..d {
            let left = a[i * a_row + j * a_column];
            for (l, value) in out.iter_mut().enumerate() {
                *value += left * b[j * b_row + l * b_column];
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn plain(a: &[Vec<f32>], b: &[Vec<f32>]) -> Vec<f32> {
        let columns = b[0].len();
        a.iter()
            .flat_map(|row| (0..columns).map(move |j| row.iter().zip(b).map(|(x, y)| x * y[j]).sum()))
            .collect()
    }

    fn filled(n: usize, m: usize, seed: usize) -> Vec<Vec<f32>> {
        (0..n).map(|i| (0..m).map(|j| ((i * 31 + j * 17 + seed) % 13) as f32 - 6.0).collect()).collect()
    }

    fn transposed(a: &[Vec<f32>]) -> Vec<Vec<f32>> {
        (0..a[0].len()).map(|j| a.iter().map(|row| row[j]).collect()).collect()
    }

    #[test]
    fn products_are_those_of_the_definition() {
        for (n, d, m) in [(1, 1, 1), (3, 5, 2), (600, 7, 19), (40, 300, 33)] {
            let (a, b) = (filled(n, d, 1), filled(d, m, 2));
            let wanted = plain(&a, &b);
            let matrix = |rows: &[Vec<f32>]| Matrix::new(rows[0].len(), rows.concat());
            assert_eq!(matrix(&a).times(&matrix(&b)).values, wanted);
            assert_eq!(matrix(&a).times_transposed(&matrix(&transposed(&b))).values, wanted);
            assert_eq!(matrix(&transposed(&a)).transposed_times(&matrix(&b)).values, wanted);
        }
    }
}
