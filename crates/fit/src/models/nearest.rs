//! The mean of the nearest rows, found by comparing with all.

use rayon::prelude::*;

use super::kernel::squares;
use super::{Model, one_hot};
use crate::{Goal, Matrix};
use stetho_core::Random;

/// Rows that are remembered; more are drawn from.
const MOST: usize = 20_000;
/// Rows asked about at a time.
const BLOCK: usize = 512;

/// Remembers its training rows.
pub(crate) struct Nearest {
    n: usize,
    rows: Matrix,
    squares: Vec<f32>,
    targets: Matrix,
}

impl Nearest {
    pub(crate) fn fit(rows: &Matrix, goal: &Goal, n: usize, seed: u64) -> Self {
        let kept = Random::new(seed).choose(MOST, rows.n_rows());
        let rows = rows.pick(&kept);
        let squares = squares(&rows);
        Self { n: n.min(kept.len()).max(1), squares, rows, targets: one_hot(&goal.pick(&kept)) }
    }

    fn answer(&self, products: &[f32], out: &mut [f32]) {
        // The square of the row asked about is the same for all.
        let mut distances: Vec<(f32, usize)> =
            self.squares.iter().zip(products).enumerate().map(|(i, (s, p))| (s - 2.0 * p, i)).collect();
        let by = |a: &(f32, usize), b: &(f32, usize)| a.0.total_cmp(&b.0).then(a.1.cmp(&b.1));
        if self.n < distances.len() {
            distances.select_nth_unstable_by(self.n - 1, by);
        }
        for (_, i) in distances.iter().take(self.n) {
            out.iter_mut().zip(self.targets.row(*i)).for_each(|(o, t)| *o += t / self.n as f32);
        }
    }
}

impl Model for Nearest {
    fn predict(&self, rows: &Matrix) -> Matrix {
        let k = self.targets.n_columns;
        let mut out = Matrix::zeros(rows.n_rows(), k);
        for first in (0..rows.n_rows()).step_by(BLOCK) {
            let asked: Vec<usize> = (first..(first + BLOCK).min(rows.n_rows())).collect();
            let products = rows.pick(&asked).times_transposed(&self.rows);
            let block = &mut out.values[first * k..(first + asked.len()) * k];
            block
                .par_chunks_mut(k.max(1))
                .zip(products.values.par_chunks(self.rows.n_rows().max(1)))
                .for_each(|(out, products)| self.answer(products, out));
        }
        out
    }
}
