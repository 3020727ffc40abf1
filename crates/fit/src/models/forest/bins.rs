//! Columns cut into at most 256 bins, once for all trees.

use rayon::prelude::*;

use crate::Matrix;

/// Bins of a column.
pub(super) const MOST: usize = 256;
/// Rows from which the cuts of a column are taken, at most.
const ASKED: usize = 20_000;
/// Columns that are read together: their values share lines of the cache.
const TOGETHER: usize = 16;
/// Rows that are turned at a time.
const TURNED: usize = 64;

/// Bins that are held to fit into the caches of a core.
const CACHED: usize = 1 << 21;

/// The bins of one column.
#[derive(Clone, Copy)]
pub(super) struct Column<'a> {
    codes: &'a [u8],
    step: usize,
}

impl Column<'_> {
    #[inline]
    pub(super) fn at(&self, row: u32) -> u8 {
        self.codes[row as usize * self.step]
    }
}

/// The bin of each value. A column of up to 256 values has a bin for each; of others, bins hold about as many rows each.
pub(super) struct Bins {
    pub n_rows: usize,
    /// Column by column.
    codes: Vec<u8>,
    /// The same row by row.
    by_row: Vec<u8>,
    /// The least and the greatest value of each bin, column by column.
    ranges: Vec<Vec<(f32, f32)>>,
}

impl Bins {
    pub(super) fn of(rows: &Matrix) -> Self {
        let (n, d) = (rows.n_rows(), rows.n_columns);
        let mut codes = vec![0; n * d];
        let part = |(part, codes): (usize, &mut [u8])| -> Vec<Vec<(f32, f32)>> {
            let first = part * TOGETHER;
            let width = (d - first).min(TOGETHER);
            let mut values = vec![0.0; width * n];
            for (i, row) in rows.rows().enumerate() {
                row[first..first + width].iter().enumerate().for_each(|(j, v)| values[j * n + i] = *v);
            }
            codes.chunks_exact_mut(n).zip(values.chunks_exact(n)).map(|(c, v)| cut(v, c)).collect()
        };
        let ranges = codes.par_chunks_mut((TOGETHER * n).max(1)).enumerate().flat_map_iter(part).collect();
        let by_row = turned(&codes, n, d);
        Self { n_rows: n, codes, by_row, ranges }
    }

    pub(super) fn n_columns(&self) -> usize {
        self.ranges.len()
    }

    /// The bins of one column, for some rows. Few rows are read where the columns of each lie together, since all of their
    /// bins fit into the cache, and what is cut out of them reads these rows again.
    pub(super) fn column(&self, column: usize, n_asked: usize) -> Column<'_> {
        let d = self.n_columns();
        if n_asked * d <= CACHED {
            Column { codes: &self.by_row[column..], step: d }
        } else {
            Column { codes: &self.codes[column * self.n_rows..(column + 1) * self.n_rows], step: 1 }
        }
    }

    /// What is at most this is in bin `left` or before; half way to the next bin that is in use.
    pub(super) fn threshold(&self, column: usize, left: u8, right: u8) -> f32 {
        let ranges = &self.ranges[column];
        let (below, above) = (ranges[usize::from(left)].1, ranges[usize::from(right)].0);
        let middle = below + (above - below) / 2.0;
        if middle < above && middle >= below { middle } else { below }
    }
}

/// `d` columns of `n` values as rows.
fn turned(codes: &[u8], n: usize, d: usize) -> Vec<u8> {
    let mut out = vec![0; n * d];
    out.par_chunks_mut((TURNED * d).max(1)).enumerate().for_each(|(part, out)| {
        let first = part * TURNED;
        let n_here = out.len() / d.max(1);
        for (j, column) in codes.chunks_exact(n.max(1)).enumerate() {
            for (row, code) in column[first..first + n_here].iter().enumerate() {
                out[row * d + j] = *code;
            }
        }
    });
    out
}

/// Writes the bins of one column, and tells what they hold. What is no number is in the last.
fn cut(values: &[f32], codes: &mut [u8]) -> Vec<(f32, f32)> {
    let step = values.len().div_ceil(ASKED).max(1);
    let mut sorted: Vec<f32> = values.iter().step_by(step).copied().filter(|v| !v.is_nan()).collect();
    sorted.sort_unstable_by(f32::total_cmp);
    let edges = edges(&sorted);
    let mut ranges = vec![(f32::INFINITY, f32::NEG_INFINITY); edges.len() + 1];
    for (value, code) in values.iter().zip(codes) {
        let bin = edges.partition_point(|edge| value > edge || value.is_nan());
        *code = bin as u8;
        let range = &mut ranges[bin];
        *range = (range.0.min(*value), range.1.max(*value));
    }
    ranges
}

/// The greatest value of each bin but the last, at most 255 of them.
fn edges(sorted: &[f32]) -> Vec<f32> {
    let mut distinct: Vec<(f32, usize)> = Vec::new();
    for value in sorted {
        match distinct.last_mut() {
            Some((last, n)) if *last >= *value => *n += 1,
            _ => distinct.push((*value, 1)),
        }
    }
    let last = distinct.pop();
    if distinct.len() < MOST {
        return distinct.into_iter().map(|(value, _)| value).collect();
    }
    let mut left = sorted.len() - last.map_or(0, |(_, n)| n);
    let (mut edges, mut held) = (Vec::new(), 0);
    for (value, n) in distinct {
        held += n;
        if held * (MOST - 1 - edges.len()) >= left && edges.len() < MOST - 1 {
            edges.push(value);
            left -= held;
            held = 0;
        }
    }
    edges
}

#[cfg(test)]
mod tests {
    use super::*;
    use stetho_core::Random;

    #[test]
    fn few_values_have_a_bin_each() {
        let rows = Matrix::new(1, vec![3.0, 1.0, 2.0, 3.0, f32::NAN, 1.0]);
        let bins = Bins::of(&rows);
        assert_eq!(bins.by_row, [2, 0, 1, 2, 2, 0]);
        assert!((bins.threshold(0, 0, 2) - 2.0).abs() < 1e-6);
    }

    #[test]
    fn many_values_are_spread_evenly_and_in_order() {
        let mut random = Random::new(1);
        let values: Vec<f32> = (0..30_000).map(|_| random.normal().exp() as f32).collect();
        let bins = Bins::of(&Matrix::new(1, values.clone()));
        let mut counts = [0; MOST];
        bins.codes.iter().for_each(|bin| counts[usize::from(*bin)] += 1);
        assert!(counts.iter().take(MOST - 1).all(|n| (60..240).contains(n)), "{counts:?}");
        let mut order: Vec<usize> = (0..values.len()).collect();
        order.sort_by(|a, b| values[*a].total_cmp(&values[*b]));
        assert!(order.windows(2).all(|w| bins.codes[w[0]] <= bins.codes[w[1]]));
    }
}
