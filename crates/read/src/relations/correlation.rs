//! Pearson correlations of many columns at once.

use nalgebra::DMatrix;

use super::statistics::standardised;

/// Number columns in a common scale, with their indices in the table.
pub(super) struct Standardised {
    /// Indices of the columns.
    pub indices: Vec<usize>,
    /// Their values less the mean over the standard deviation; NaN where missing.
    pub values: Vec<Vec<f64>>,
}

impl Standardised {
    /// Of those columns that vary.
    pub(super) fn of<'a>(columns: impl IntoIterator<Item = (usize, &'a [f64])>) -> Self {
        let (indices, values) =
            columns.into_iter().filter_map(|(i, column)| Some((i, standardised(column)?))).unzip();
        Self { indices, values }
    }
}

/// Correlations of all pairs of columns, each over the rows where both have a value.
pub(super) struct Correlations {
    r: DMatrix<f64>,
    /// Rows of each pair; `None` where all have all.
    n: Option<DMatrix<f64>>,
    n_rows: usize,
}

impl Correlations {
    /// Of standardised columns, NaN where missing. Sums over pairs of columns are products of matrices: of the values
    /// alone where none is missing, and of values, squares and the mask of those present otherwise.
    pub(super) fn of(columns: &[Vec<f64>]) -> Self {
        let n_rows = columns.first().map_or(0, Vec::len);
        if columns.iter().flatten().any(|v| v.is_nan()) {
            return Self::pairwise_complete(columns, n_rows);
        }
        let z = matrix(columns, n_rows, |v| v);
        let r = (z.transpose() * &z) / (n_rows.max(2) - 1) as f64;
        Self { r, n: None, n_rows }
    }

    fn pairwise_complete(columns: &[Vec<f64>], n_rows: usize) -> Self {
        let z = matrix(columns, n_rows, |v| if v.is_nan() { 0.0 } else { v });
        let present = matrix(columns, n_rows, |v| f64::from(u8::from(!v.is_nan())));
        let squares = z.component_mul(&z);
        let transposed = z.transpose();
        let n = present.transpose() * &present;
        let sums = &transposed * &present;
        let square_sums = squares.transpose() * &present;
        let mut r = transposed * &z;
        for a in 0..columns.len() {
            for b in 0..columns.len() {
                let n = n[(a, b)];
                let spread_a = square_sums[(a, b)] - sums[(a, b)].powi(2) / n;
                let spread_b = square_sums[(b, a)] - sums[(b, a)].powi(2) / n;
                // Where a column hardly varies over the common rows, the differences above have lost their digits.
                let lost = spread_a < 1e-6 * square_sums[(a, b)] || spread_b < 1e-6 * square_sums[(b, a)];
                r[(a, b)] = if n < 2.0 {
                    f64::NAN
                } else if lost {
                    two_pass(&columns[a], &columns[b])
                } else {
                    (r[(a, b)] - sums[(a, b)] * sums[(b, a)] / n) / (spread_a * spread_b).sqrt()
                };
            }
        }
        Self { r, n: Some(n), n_rows }
    }

    /// Correlation of the columns at positions `a` and `b`; `None` where one does not vary over the common rows.
    pub(super) fn r(&self, a: usize, b: usize) -> Option<f64> {
        let r = self.r[(a, b)];
        r.is_finite().then(|| r.clamp(-1.0, 1.0))
    }

    /// All correlations, symmetric to the last bit, 1 on the diagonal; 0 where a column does not vary.
    pub(super) fn matrix(&self) -> DMatrix<f64> {
        let n = self.r.nrows();
        // Of two roundings of one number, always the same.
        DMatrix::from_fn(n, n, |a, b| if a == b { 1.0 } else { self.r(a.min(b), a.max(b)).unwrap_or(0.0) })
    }

    /// Rows where both have a value.
    pub(super) fn n(&self, a: usize, b: usize) -> u64 {
        self.n.as_ref().map_or(self.n_rows as u64, |n| n[(a, b)] as u64)
    }
}

fn matrix(columns: &[Vec<f64>], n_rows: usize, value: impl Fn(f64) -> f64) -> DMatrix<f64> {
    DMatrix::from_iterator(n_rows, columns.len(), columns.iter().flatten().map(|v| value(*v)))
}

/// Correlation over common rows the plain way: means, then deviations. NaN where one does not vary there.
pub(super) fn two_pass(a: &[f64], b: &[f64]) -> f64 {
    let (a, b): (Vec<f64>, Vec<f64>) =
        a.iter().zip(b).filter(|(x, y)| !x.is_nan() && !y.is_nan()).map(|(x, y)| (*x, *y)).unzip();
    let (Some(a), Some(b)) = (standardised(&a), standardised(&b)) else { return f64::NAN };
    a.iter().zip(&b).map(|(x, y)| x * y).sum::<f64>() / (a.len() - 1) as f64
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn cell() -> impl Strategy<Value = f64> {
        prop_oneof![6 => -5.0..5.0_f64, 2 => (0..3_i32).prop_map(f64::from), 1 => Just(f64::NAN), 1 => Just(1e9)]
    }

    proptest! {
        #[test]
        fn as_the_plain_way(columns in (1..30_usize).prop_flat_map(|n| {
            prop::collection::vec(prop::collection::vec(cell(), n), 1..6)
        })) {
            let z = Standardised::of(columns.iter().map(Vec::as_slice).enumerate());
            let r = Correlations::of(&z.values);
            for (a, i) in z.indices.iter().enumerate() {
                for (b, j) in z.indices.iter().enumerate() {
                    let expected = two_pass(&columns[*i], &columns[*j]);
                    match r.r(a, b) {
                        Some(value) => prop_assert!((value - expected).abs() < 1e-6, "{value} {expected}"),
                        None => prop_assert!(expected.is_nan(), "{expected}"),
                    }
                    let common = columns[*i].iter().zip(&columns[*j]).filter(|(x, y)| !x.is_nan() && !y.is_nan());
                    prop_assert_eq!(r.n(a, b), common.count() as u64);
                }
            }
        }
    }
}
