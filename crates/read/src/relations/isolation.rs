//! Distances of rows to their nearest neighbours.

use rayon::prelude::*;
use stetho_core::median;
use stetho_core::table::{Isolated, Isolation, Measured};

use super::random::Random;
use super::statistics::{distinct_up_to, moments, quantile};
use crate::{Sample, SampleColumn};

/// Neighbours whose distances are averaged.
const N_NEIGHBOURS: usize = 10;
/// Rows that are looked at as neighbours.
const MAX_NEIGHBOURS: usize = 4000;
/// Differences that are computed, about: with more rows and columns, fewer rows are looked at as neighbours …
const MAX_WORK: usize = 800_000_000;
/// … but so many at least.
const MIN_NEIGHBOURS: usize = 256;
/// Beyond this many robust standard deviations, distance grows with the logarithm only.
const STRAIGHT: f64 = 3.0;
/// A column with fewer different values is a flag, which measures no distance.
const MIN_DISTINCT: usize = 3;
const MIN_ROWS: usize = 3;
/// Rows kept.
const KEPT: usize = 100;
/// Neighbours whose differences to one row are summed at a time; they stay in the first-level cache.
const TILE: usize = 512;

/// Mean distance of each row to its ten nearest neighbours (k-NN outlier score of Ramaswamy, Rastogi & Shim 2000 in
/// the averaged form of Angiulli & Pizzuti 2002), by comparing all with all.
///
/// Number columns less their median, over 1.4826 times the median absolute deviation (over the standard deviation
/// where that is 0); missing cells are at the median. Beyond three such deviations d counts 3 + ln(1 + d − 3), so
/// that a long tail is not a set of isolated rows. The distance is the root mean square over columns and therefore
/// reads as deviations a column. In a large sample neighbours are sought among some thousand random rows, which makes
/// distances of all rows larger alike.
pub(crate) fn isolation(sample: &Sample, target: Option<usize>) -> Measured<Isolation> {
    let n_rows = sample.rows.len();
    if n_rows < MIN_ROWS {
        return Measured::Not(format!("fewer than {MIN_ROWS} rows"));
    }
    let features: Vec<(usize, &SampleColumn)> =
        sample.columns.iter().enumerate().filter(|(i, _)| Some(*i) != target).collect();
    let (indices, columns): (Vec<usize>, Vec<Vec<f32>>) = features
        .into_par_iter()
        .filter_map(|(i, column)| match column {
            SampleColumn::Numbers(values) => Some((i, robustly_standardised(values)?)),
            _ => None,
        })
        .unzip();
    if indices.is_empty() {
        return Measured::Not(format!("no number column with {MIN_DISTINCT} or more different values"));
    }
    let limit = (MAX_WORK / (n_rows * indices.len())).clamp(MIN_NEIGHBOURS, MAX_NEIGHBOURS);
    let search = Search::new(columns, Random::new(0).choose(n_rows, limit));
    let distances: Vec<f64> = (0..n_rows)
        .into_par_iter()
        .with_min_len(16)
        .map_init(Scratch::default, |scratch, row| search.distance(row, scratch))
        .collect();
    Measured::Is(summary(sample, &indices, &search, &distances))
}

fn summary(sample: &Sample, indices: &[usize], search: &Search, distances: &[f64]) -> Isolation {
    let mut order: Vec<usize> = (0..distances.len()).collect();
    order.sort_by(|&a, &b| distances[b].total_cmp(&distances[a]).then(a.cmp(&b)));
    let rows = order
        .iter()
        .take(KEPT)
        .map(|&at| Isolated {
            row: sample.rows[at],
            distance: distances[at],
            column: indices[search.largest_share(at)],
        })
        .collect();
    let ascending: Vec<f64> = order.iter().rev().map(|&at| distances[at]).collect();
    Isolation {
        quartile_1: quantile(&ascending, 0.25),
        median: quantile(&ascending, 0.5),
        quartile_3: quantile(&ascending, 0.75),
        rows,
        n_rows: distances.len() as u64,
        n_columns: indices.len() as u64,
    }
}

/// `None` for columns with too few different values.
fn robustly_standardised(values: &[f64]) -> Option<Vec<f32>> {
    if distinct_up_to(values, MIN_DISTINCT) < MIN_DISTINCT {
        return None;
    }
    // Scaled, so that no difference overflows.
    let largest = values.iter().fold(0.0_f64, |m, v| m.max(v.abs()));
    let scaled: Vec<f64> = values.iter().map(|v| v / largest).collect();
    let mut present: Vec<f64> = scaled.iter().copied().filter(|v| !v.is_nan()).collect();
    let centre = median(&mut present);
    present.iter_mut().for_each(|v| *v = (*v - centre).abs());
    let mad = 1.4826 * median(&mut present);
    let scale = if mad > 0.0 { mad } else { moments(&scaled).2 };
    let compress = |v: f64| {
        let z = (v - centre) / scale;
        let beyond = z.abs() - STRAIGHT;
        if z.is_nan() {
            0.0
        } else if beyond > 0.0 {
            (z.signum() * (STRAIGHT + beyond.ln_1p())) as f32
        } else {
            z as f32
        }
    };
    Some(scaled.iter().map(|v| compress(*v)).collect())
}

/// Rows and those among which their neighbours are sought.
struct Search {
    /// All rows, column by column.
    columns: Vec<Vec<f32>>,
    /// Rows that may be neighbours, ascending.
    candidates: Vec<usize>,
    /// Their values, column by column.
    of_candidates: Vec<Vec<f32>>,
}

/// Memory that is used again from row to row.
#[derive(Default)]
struct Scratch {
    sums: Vec<f32>,
    nearest: Vec<(f32, usize)>,
}

impl Search {
    fn new(columns: Vec<Vec<f32>>, candidates: Vec<usize>) -> Self {
        let of_candidates =
            columns.iter().map(|column| candidates.iter().map(|&row| column[row]).collect()).collect();
        Self { columns, candidates, of_candidates }
    }

    /// Mean over the nearest neighbours of the root mean square difference.
    fn distance(&self, row: usize, scratch: &mut Scratch) -> f64 {
        self.find(row, scratch);
        let n_columns = self.columns.len() as f64;
        let sum: f64 =
            scratch.nearest.iter().map(|(square, _)| (f64::from(*square) / n_columns).sqrt()).sum();
        sum / scratch.nearest.len().max(1) as f64
    }

    /// The column whose differences to the nearest neighbours are largest, as a position in `columns`.
    fn largest_share(&self, row: usize) -> usize {
        let mut scratch = Scratch::default();
        self.find(row, &mut scratch);
        let share = |column: &Vec<f32>| -> f32 {
            scratch.nearest.iter().map(|&(_, other)| (column[row] - column[other]).powi(2)).sum()
        };
        let shares: Vec<f32> = self.columns.iter().map(share).collect();
        let largest = shares.iter().enumerate().max_by(|a, b| a.1.total_cmp(b.1).then(b.0.cmp(&a.0)));
        largest.map_or(0, |(at, _)| at)
    }

    /// Leaves the nearest candidates in `scratch.nearest`, as squared distance and row, ascending.
    fn find(&self, row: usize, scratch: &mut Scratch) {
        scratch.nearest.clear();
        let mut farthest = f32::INFINITY;
        for start in (0..self.candidates.len()).step_by(TILE) {
            let end = (start + TILE).min(self.candidates.len());
            scratch.sums.clear();
            scratch.sums.resize(end - start, 0.0);
            for (column, candidates) in self.columns.iter().zip(&self.of_candidates) {
                let value = column[row];
                for (sum, other) in scratch.sums.iter_mut().zip(&candidates[start..end]) {
                    let difference = value - other;
                    *sum += difference * difference;
                }
            }
            for (&square, &other) in scratch.sums.iter().zip(&self.candidates[start..end]) {
                if square < farthest && other != row {
                    let at = scratch.nearest.partition_point(|n| n.0 <= square);
                    scratch.nearest.insert(at, (square, other));
                    scratch.nearest.truncate(N_NEIGHBOURS);
                    if let Some(last) = scratch.nearest.get(N_NEIGHBOURS - 1) {
                        farthest = last.0;
                    }
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::fixtures::{normals, numbers, sample, texts};
    use super::*;

    fn measured(columns: Vec<SampleColumn>, target: Option<usize>) -> Isolation {
        match isolation(&sample(columns), target) {
            Measured::Is(found) => found,
            Measured::Not(reason) => panic!("{reason}"),
        }
    }

    #[test]
    fn the_far_row_and_its_column_are_named() {
        let mut columns: Vec<Vec<f64>> = (0..4).map(|i| normals(600, i)).collect();
        columns[2][77] = 40.0;
        columns[0][500] = 9.0;
        let mut all: Vec<SampleColumn> = vec![texts(["a"; 600])];
        all.extend(columns.into_iter().map(numbers));
        let found = measured(all, None);
        assert_eq!((found.rows[0].row.row, found.rows[0].column), (77, 3));
        assert_eq!((found.rows[1].row.row, found.rows[1].column), (500, 1));
        assert_eq!((found.rows.len(), found.n_rows, found.n_columns), (100, 600, 4));
        assert!(
            found.rows[0].distance > 2.0 && found.median < 0.6,
            "{} {}",
            found.rows[0].distance,
            found.median
        );
        assert!(found.quartile_1 < found.median && found.median < found.quartile_3);
    }

    #[test]
    fn long_tails_and_flags_isolate_nobody() {
        let tail: Vec<f64> = normals(2000, 1).iter().map(|v| (1.5 * v).exp()).collect();
        let flags = (0..2000).map(|i| f64::from(u8::from(i % 1000 == 3)));
        let found = measured(vec![numbers(tail), numbers(normals(2000, 2)), numbers(flags)], None);
        assert_eq!(found.n_columns, 2);
        assert!(found.rows[0].distance < 3.0, "{:?}", found.rows[0]);
    }

    #[test]
    fn large_samples_are_searched_in_part() {
        let mut x = normals(5000, 1);
        x[4321] = 1e300;
        let found = measured(vec![numbers(x), numbers(normals(5000, 2))], None);
        assert_eq!((found.rows[0].row.row, found.rows[0].column), (4321, 0));
        assert!(found.rows.iter().all(|r| r.distance.is_finite()));
    }

    #[test]
    fn copies_missing_cells_and_tiny_tables() {
        let found = measured(vec![numbers([1.0, 2.0, 3.0, 2.0, f64::NAN]), numbers([0.0; 5])], None);
        assert_eq!((found.n_columns, found.rows.len()), (1, 5));
        let copies = measured(vec![numbers((0..300).map(|i| f64::from(i % 3)))], None);
        assert!(copies.rows[0].distance < 1e-9 && copies.quartile_3 < 1e-9);
        let reason = |columns, target| isolation(&sample(columns), target).reason().map(str::to_owned);
        assert_eq!(reason(vec![], None).as_deref(), Some("fewer than 3 rows"));
        assert_eq!(reason(vec![numbers([1.0, 2.0])], None).as_deref(), Some("fewer than 3 rows"));
        let none = Some("no number column with 3 or more different values");
        assert_eq!(reason(vec![numbers([f64::NAN; 20]), numbers([1.0; 20])], None).as_deref(), none);
        assert_eq!(reason(vec![numbers(normals(20, 1))], Some(0)).as_deref(), none);
        let wide = measured((0..10_000).map(|i| numbers(normals(20, i))).collect(), None);
        assert_eq!(wide.n_columns, 10_000);
    }

    proptest! {
        #[test]
        fn as_the_plain_way(columns in (3..40_usize).prop_flat_map(|n| {
            let cell = prop_oneof![-3.0..3.0_f64, (0..4_i32).prop_map(f64::from)];
            prop::collection::vec(prop::collection::vec(cell, n), 1..4)
        })) {
            let scaled: Vec<Vec<f32>> = columns.iter().filter_map(|c| robustly_standardised(c)).collect();
            prop_assume!(!scaled.is_empty());
            let n = columns[0].len();
            let mut distances: Vec<f64> = (0..n).map(|row| {
                let mut all: Vec<f64> = (0..n).filter(|&other| other != row).map(|other| {
                    let square: f64 =
                        scaled.iter().map(|c| f64::from(c[row] - c[other]).powi(2)).sum();
                    (square / scaled.len() as f64).sqrt()
                }).collect();
                all.sort_by(f64::total_cmp);
                all.truncate(10);
                all.iter().sum::<f64>() / all.len() as f64
            }).collect();
            distances.sort_by(|a, b| b.total_cmp(a));
            let found = measured(columns.into_iter().map(numbers).collect(), None);
            for (row, expected) in found.rows.iter().zip(&distances) {
                prop_assert!((row.distance - expected).abs() < 1e-4, "{} {expected}", row.distance);
            }
        }
    }
}
