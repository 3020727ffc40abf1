//! The two directions in which rows of numbers vary most.

use nalgebra::{DMatrix, DVector, SymmetricEigen};

/// The first two principal components.
#[derive(Clone, Debug)]
pub(crate) struct Axes {
    directions: [DVector<f64>; 2],
    /// Shares of the variance along each, 0 … 1.
    pub explained: [f32; 2],
}

impl Axes {
    /// Of a covariance matrix, which must be symmetric. The largest weight of a direction is positive, so that the
    /// map is not mirrored from run to run. `None` for fewer than two columns, where nothing varies, and where the
    /// decomposition does not converge.
    pub(crate) fn of(covariance: DMatrix<f64>) -> Option<Self> {
        let n = covariance.nrows();
        let total = covariance.trace();
        if n < 2 || !total.is_finite() || total <= f64::EPSILON {
            return None;
        }
        let eigen = SymmetricEigen::try_new(covariance, f64::EPSILON, 100 * n.max(10))?;
        let mut order: Vec<usize> = (0..n).collect();
        order.sort_by(|&a, &b| eigen.eigenvalues[b].total_cmp(&eigen.eigenvalues[a]).then(a.cmp(&b)));
        let [first, second, ..] = order[..] else { return None };
        let direction = |at: usize| {
            let column = eigen.eigenvectors.column(at);
            let largest = column.iter().fold(0.0_f64, |m, v| if v.abs() > m.abs() + 1e-9 { *v } else { m });
            column * largest.signum()
        };
        let share = |at: usize| (eigen.eigenvalues[at].max(0.0) / total) as f32;
        Some(Self { directions: [first, second].map(direction), explained: [first, second].map(share) })
    }

    /// Where a row lies that has these values, less their means.
    pub(crate) fn place(&self, row: &[f64]) -> [f32; 2] {
        let along = |direction: &DVector<f64>| {
            row.iter().zip(direction.iter()).map(|(v, w)| v * w).sum::<f64>() as f32
        };
        [along(&self.directions[0]), along(&self.directions[1])]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The slow way: power iteration, and again on what the first direction leaves.
    fn slow(covariance: &DMatrix<f64>) -> [(f64, DVector<f64>); 2] {
        let power = |matrix: &DMatrix<f64>| {
            let mut v = DVector::from_fn(matrix.nrows(), |i, _| 1.0 + i as f64 * 0.1);
            for _ in 0..20_000 {
                v = (matrix * &v).normalize();
            }
            ((matrix * &v).dot(&v), v)
        };
        let (value, first) = power(covariance);
        let rest = covariance - (&first * first.transpose()) * value;
        [(value, first), power(&rest)]
    }

    fn covariance() -> DMatrix<f64> {
        let z = DMatrix::from_fn(50, 4, |i, j| {
            ((i * 37 + j * 11) % 23) as f64 * [1.0, 0.3, 2.0, 0.1][j] + (i % 5) as f64
        });
        let mean = z.row_mean();
        let z = DMatrix::from_fn(50, 4, |i, j| z[(i, j)] - mean[j]);
        z.transpose() * z / 49.0
    }

    #[test]
    fn as_the_slow_way() {
        let covariance = covariance();
        let axes = Axes::of(covariance.clone()).unwrap();
        for (at, (value, direction)) in slow(&covariance).iter().enumerate() {
            let share = value / covariance.trace();
            assert!((f64::from(axes.explained[at]) - share).abs() < 1e-5, "{share} {:?}", axes.explained);
            assert!((axes.directions[at].dot(direction).abs() - 1.0).abs() < 1e-6);
            let largest =
                axes.directions[at].iter().fold(0.0_f64, |m, v| if v.abs() > m.abs() { *v } else { m });
            assert!(largest > 0.0, "the sign is fixed");
        }
    }

    #[test]
    fn what_does_not_vary_has_no_directions() {
        assert!(Axes::of(DMatrix::zeros(3, 3)).is_none());
        assert!(Axes::of(DMatrix::from_element(1, 1, 2.0)).is_none());
        assert!(Axes::of(DMatrix::from_element(2, 2, f64::NAN)).is_none());
    }
}
