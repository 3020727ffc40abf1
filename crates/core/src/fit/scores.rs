//! Scores over folds, and how sure they are.

/// The scores of one fold.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct FoldScore {
    /// On the rows that the model was fitted to.
    pub train: f64,
    /// On the rows left out.
    pub validation: f64,
}

/// A mean with its 95 % interval.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Estimate {
    /// The mean.
    pub mean: f64,
    /// Standard deviation over folds; 0 for a single fold.
    pub std: f64,
    /// Standard error of the mean; NaN where it cannot be told.
    pub error: f64,
    /// Half the width of the 95 % interval; NaN where it cannot be told.
    pub half: f64,
}

/// 97.5 % quantiles of Student's t by degrees of freedom, from 1.
const T: [f64; 20] = [
    12.706, 4.303, 3.182, 2.776, 2.571, 2.447, 2.365, 2.306, 2.262, 2.228, 2.201, 2.179, 2.160, 2.145, 2.131,
    2.120, 2.110, 2.101, 2.093, 2.086,
];

fn quantile(freedom: usize) -> f64 {
    T.get(freedom.saturating_sub(1)).copied().unwrap_or(1.96)
}

impl Estimate {
    /// Of scores of folds. The standard error allows for the overlap of their training sets (Nadeau & Bengio 2003): with k
    /// folds and variance s² it is √((1/k + 1/(k−1)) s²). `row_error` stands in where there is one fold.
    /// Folds without a score (all validation rows alike) are left out.
    pub fn of(scores: impl Iterator<Item = f64>, row_error: Option<f64>) -> Self {
        let scores: Vec<f64> = scores.filter(|s| s.is_finite()).collect();
        let n = scores.len();
        let mean = scores.iter().sum::<f64>() / n as f64;
        if n < 2 {
            let error = row_error.unwrap_or(f64::NAN);
            let mean = if n == 0 { f64::NAN } else { mean };
            return Self { mean, std: 0.0, error, half: 1.96 * error };
        }
        let variance = scores.iter().map(|s| (s - mean).powi(2)).sum::<f64>() / (n - 1) as f64;
        let error = ((1.0 / n as f64 + 1.0 / (n - 1) as f64) * variance).sqrt();
        Self { mean, std: variance.sqrt(), error, half: quantile(n - 1) * error }
    }

    /// Lower end of the interval; the mean where there is none.
    pub fn low(&self) -> f64 {
        if self.half.is_nan() { self.mean } else { self.mean - self.half }
    }

    /// Upper end of the interval; the mean where there is none.
    pub fn high(&self) -> f64 {
        if self.half.is_nan() { self.mean } else { self.mean + self.half }
    }

    /// Whether it is above 0 beyond its interval.
    pub fn is_positive(&self) -> bool {
        self.mean > 0.0 && self.low() > 0.0
    }
}

/// By how much the first scores better than the second on unseen rows, fold by fold.
pub fn difference(first: &[FoldScore], second: &[FoldScore], row_error: Option<f64>) -> Estimate {
    let error = row_error.map(|e| e * std::f64::consts::SQRT_2);
    Estimate::of(first.iter().zip(second).map(|(a, b)| a.validation - b.validation), error)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_interval_allows_for_shared_training_rows() {
        let estimate = Estimate::of([0.8, 0.9, 0.85, 0.95, 0.9].into_iter(), None);
        assert!((estimate.mean - 0.88).abs() < 1e-12);
        assert!((estimate.error - (0.45_f64 * 0.003_25).sqrt()).abs() < 1e-9);
        assert!((estimate.half / estimate.error - 2.776).abs() < 1e-9);
    }

    #[test]
    fn one_fold_takes_the_error_of_its_rows() {
        assert!(Estimate::of([0.5].into_iter(), None).half.is_nan());
        assert!((Estimate::of([0.5].into_iter(), Some(0.1)).low() - 0.304).abs() < 1e-9);
    }

    #[test]
    fn equal_scores_differ_by_nothing() {
        let folds = [FoldScore { train: 1.0, validation: 0.7 }; 5];
        assert!(!difference(&folds, &folds, None).is_positive());
    }
}
