//! Whitening (Kessy, Lewin & Strimmer 2018): PCA and ZCA on standardised columns.

use nalgebra::{DMatrix, SymmetricEigen};
use rayon::prelude::*;

use crate::{PrepareError, Whiten};

/// Columns that are whitened at most: eigenvectors take their cube.
const MOST_COLUMNS: usize = 2_000;

/// Directions with less than this share of the largest variance are rounding, not data.
const FLOOR: f64 = 1e-9;

/// A fitted whitening.
pub(super) struct Whitening {
    /// A row an output.
    pub matrix: Vec<Vec<f64>>,
    /// Directions that have variance.
    pub rank: usize,
}

impl Whitening {
    /// Fits to `columns`, which have mean 0.
    pub(super) fn fit(how: Whiten, columns: &[Vec<f64>]) -> Result<Self, PrepareError> {
        let d = columns.len();
        if d > MOST_COLUMNS {
            return PrepareError::request(format!(
                "--whiten: {d} number columns, and at most {MOST_COLUMNS} can be whitened"
            ));
        }
        let n = columns.first().map_or(0, Vec::len).max(1) as f64;
        let upper: Vec<Vec<f64>> = (0..d)
            .into_par_iter()
            .map(|i| (i..d).map(|j| dot(columns.get(i), columns.get(j)) / n).collect())
            .collect();
        let covariance = DMatrix::from_fn(d, d, |i, j| {
            let (low, high) = (i.min(j), i.max(j));
            upper.get(low).and_then(|row| row.get(high - low)).copied().unwrap_or(0.0)
        });
        let SymmetricEigen { eigenvalues, eigenvectors } = SymmetricEigen::new(covariance);
        let mut order: Vec<usize> = (0..d).collect();
        order.sort_by(|a, b| eigenvalues[*b].total_cmp(&eigenvalues[*a]));
        let largest = order.first().map_or(0.0, |i| eigenvalues[*i]);
        order.retain(|i| eigenvalues[*i] > FLOOR * largest && eigenvalues[*i] > 0.0);
        if order.is_empty() {
            return PrepareError::request("--whiten: no number column varies in the training data");
        }
        let components: Vec<Vec<f64>> = order
            .iter()
            .map(|i| {
                let vector = eigenvectors.column(*i);
                // the sign of an eigenvector is free: its largest part is positive
                let largest =
                    vector.iter().fold(0.0_f64, |most, v| if v.abs() > most.abs() { *v } else { most });
                let factor = largest.signum() / eigenvalues[*i].sqrt();
                vector.iter().map(|v| v * factor).collect()
            })
            .collect();
        let rank = components.len();
        let matrix = match how {
            Whiten::Pca => components,
            Whiten::Zca => {
                let back = |a: usize, b: usize| {
                    let terms = order
                        .iter()
                        .map(|i| eigenvectors[(a, *i)] * eigenvectors[(b, *i)] / eigenvalues[*i].sqrt());
                    terms.sum::<f64>()
                };
                (0..d).map(|a| (0..d).map(|b| back(a, b)).collect()).collect()
            }
        };
        Ok(Self { matrix, rank })
    }

    /// Each output for each row of `columns`.
    pub(super) fn apply(&self, columns: &[Vec<f64>]) -> Vec<Vec<f64>> {
        let n = columns.first().map_or(0, Vec::len);
        self.matrix
            .par_iter()
            .map(|weights| {
                let mut out = vec![0.0; n];
                for (weight, column) in weights.iter().zip(columns) {
                    out.iter_mut().zip(column).for_each(|(sum, value)| *sum += weight * value);
                }
                out
            })
            .collect()
    }
}

fn dot(a: Option<&Vec<f64>>, b: Option<&Vec<f64>>) -> f64 {
    a.into_iter().flatten().zip(b.into_iter().flatten()).map(|(x, y)| x * y).sum()
}

#[cfg(test)]
mod tests {
    use super::*;
    use stetho_core::Random;

    fn columns(n: usize) -> Vec<Vec<f64>> {
        let mut random = Random::of_purpose(3, "test");
        let mut draw = || -> Vec<f64> { (0..n).map(|_| random.unit() - 0.5).collect() };
        let (a, b, c) = (draw(), draw(), draw());
        let mixed = a.iter().zip(&b).map(|(a, b)| a + 0.1 * b).collect();
        let dependent = a.iter().zip(&c).map(|(a, c)| 2.0 * a - c).collect();
        let mut all = vec![a, mixed, c, dependent];
        for column in &mut all {
            let mean = column.iter().sum::<f64>() / n as f64;
            column.iter_mut().for_each(|v| *v -= mean);
        }
        all
    }

    fn covariance(columns: &[Vec<f64>]) -> Vec<Vec<f64>> {
        let n = columns[0].len() as f64;
        columns.iter().map(|a| columns.iter().map(|b| dot(Some(a), Some(b)) / n).collect()).collect()
    }

    #[test]
    fn what_comes_out_of_pca_is_white_whatever_the_rank() {
        let data = columns(500);
        let whitening = Whitening::fit(Whiten::Pca, &data).unwrap();
        assert_eq!(whitening.rank, 3);
        for (i, row) in covariance(&whitening.apply(&data)).iter().enumerate() {
            for (j, value) in row.iter().enumerate() {
                assert!((value - f64::from(u8::from(i == j))).abs() < 1e-6, "{i} {j}: {value}");
            }
        }
    }

    #[test]
    fn zca_stays_near_the_columns_and_never_gives_nan() {
        let data = columns(500);
        let full = Whitening::fit(Whiten::Zca, &data[..3]).unwrap();
        let white = full.apply(&data[..3]);
        for (i, row) in covariance(&white).iter().enumerate() {
            assert!((row[i] - 1.0).abs() < 1e-6);
        }
        assert!(dot(Some(&white[2]), Some(&data[2])) > 0.0);
        let deficient = Whitening::fit(Whiten::Zca, &data).unwrap();
        assert!(deficient.apply(&data).iter().flatten().all(|v| v.is_finite()));
    }
}
