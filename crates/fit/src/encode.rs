//! From columns to numbers, fitted on training rows only.

use crate::{Feature, Features, Matrix, Values};

/// Categories that get a column of their own; rarer ones share one.
const MOST_LEVELS: usize = 24;

/// How columns are prepared after encoding.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Preparation {
    /// Missing values filled, categories written as 0 and 1, nothing else.
    AsIs,
    /// Also: mean 0.
    Centred,
    /// Also: standard deviation 1.
    Scaled,
    /// Also: no correlations (principal components, each with standard deviation 1).
    Whitened,
}

impl Preparation {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::AsIs => "as it is",
            Self::Centred => "centred",
            Self::Scaled => "scaled",
            Self::Whitened => "whitened",
        }
    }
}

/// What was learned of one column in the training rows.
enum Coding {
    /// Fill with the median; whether a column says where it was missing.
    Number { median: f64, marks_missing: bool },
    /// The levels with a column each, by falling frequency.
    Levels(Vec<u32>),
}

/// Turns columns into numbers as the training rows of a fold suggest.
pub(crate) struct Encoder {
    codings: Vec<Coding>,
}

impl Encoder {
    pub(crate) fn fit(columns: &[Feature], rows: &[usize]) -> Self {
        Self { codings: columns.iter().map(|c| coding(&c.values, rows)).collect() }
    }

    /// These rows as numbers.
    pub(crate) fn encode(&self, columns: &[Feature], rows: &[usize]) -> Matrix {
        let width: usize = self.codings.iter().map(Coding::width).sum();
        let mut out = Matrix::zeros(rows.len(), width);
        let mut first = 0;
        for (coding, column) in self.codings.iter().zip(columns) {
            for (row, out) in rows.iter().zip(out.values.chunks_exact_mut(width.max(1))) {
                coding.write(&column.values, *row, &mut out[first..first + coding.width()]);
            }
            first += coding.width();
        }
        out
    }

    /// For each column of the result, which feature it comes from.
    pub(crate) fn sources(&self) -> Vec<usize> {
        self.codings.iter().enumerate().flat_map(|(i, c)| std::iter::repeat_n(i, c.width())).collect()
    }
}

fn coding(values: &Values, rows: &[usize]) -> Coding {
    match values {
        Values::Numbers(numbers) => {
            let mut seen: Vec<f64> = rows.iter().map(|i| numbers[*i]).filter(|v| v.is_finite()).collect();
            let n_missing = rows.len() - seen.len();
            seen.sort_unstable_by(f64::total_cmp);
            let median = seen.get(seen.len() / 2).copied().unwrap_or(0.0);
            Coding::Number { median, marks_missing: n_missing * 50 >= rows.len().max(1) && !seen.is_empty() }
        }
        Values::Categories { codes, names } => {
            let mut counts = vec![0_usize; names.len()];
            rows.iter().filter_map(|i| codes[*i]).for_each(|code| counts[code as usize] += 1);
            let mut levels: Vec<u32> = (0..names.len() as u32).filter(|l| counts[*l as usize] > 0).collect();
            levels.sort_by_key(|l| (std::cmp::Reverse(counts[*l as usize]), *l));
            levels.truncate(MOST_LEVELS);
            if levels.len() == 2 && codes.iter().all(Option::is_some) && names.len() == 2 {
                levels.truncate(1);
            }
            Coding::Levels(levels)
        }
    }
}

impl Coding {
    fn width(&self) -> usize {
        match self {
            Self::Number { marks_missing, .. } => 1 + usize::from(*marks_missing),
            Self::Levels(levels) => levels.len(),
        }
    }

    fn write(&self, values: &Values, row: usize, out: &mut [f32]) {
        match (self, values) {
            (Self::Number { median, .. }, Values::Numbers(numbers)) => {
                let value = numbers[row];
                let filled = if value.is_finite() { value } else { *median };
                if let Some(first) = out.first_mut() {
                    // Beyond the range of 32 bits a number is as good as the largest one.
                    *first = filled.clamp(f64::from(f32::MIN), f64::from(f32::MAX)) as f32;
                }
                if let Some(mark) = out.get_mut(1) {
                    *mark = f32::from(u8::from(!value.is_finite()));
                }
            }
            (Self::Levels(levels), Values::Categories { codes, .. }) => {
                for (level, out) in levels.iter().zip(out) {
                    *out = f32::from(u8::from(codes[row] == Some(*level)));
                }
            }
            _ => {}
        }
    }
}

/// Shift, scale and rotation learned from training rows.
pub(crate) struct Transform {
    mean: Vec<f32>,
    /// What each column is divided by.
    scale: Vec<f32>,
    /// Columns × kept components, of scaled values; divided by the standard deviation of each component.
    rotation: Option<Matrix>,
}

/// Below this share of the largest eigenvalue a component is noise of rounding and is left out.
const EIGENVALUE_FLOOR: f64 = 1e-6;

impl Transform {
    pub(crate) fn fit(train: &Matrix, how: Preparation) -> Self {
        let d = train.n_columns;
        if how == Preparation::AsIs {
            return Self { mean: vec![0.0; d], scale: vec![1.0; d], rotation: None };
        }
        let (mean, std) = moments(train);
        let narrow = |values: &[f64]| values.iter().map(|v| *v as f32).collect::<Vec<f32>>();
        let scale = if how == Preparation::Centred {
            vec![1.0; d]
        } else {
            std.iter().map(|s| if *s > 0.0 && s.is_finite() { *s as f32 } else { 1.0 }).collect()
        };
        let mut transform = Self { mean: narrow(&mean), scale, rotation: None };
        if how == Preparation::Whitened {
            transform.rotation = whitening(&transform.apply(train));
        }
        transform
    }

    pub(crate) fn apply(&self, rows: &Matrix) -> Matrix {
        let mut out = rows.clone();
        for row in out.values.chunks_exact_mut(rows.n_columns.max(1)) {
            for ((value, mean), scale) in row.iter_mut().zip(&self.mean).zip(&self.scale) {
                *value = (*value - mean) / scale;
            }
        }
        match &self.rotation {
            Some(rotation) => out.times(rotation),
            None => out,
        }
    }
}

/// Means and standard deviations of the columns.
pub(crate) fn moments(rows: &Matrix) -> (Vec<f64>, Vec<f64>) {
    let n = rows.n_rows().max(1) as f64;
    let mut mean = vec![0.0; rows.n_columns];
    for row in rows.rows() {
        mean.iter_mut().zip(row).for_each(|(m, v)| *m += f64::from(*v));
    }
    mean.iter_mut().for_each(|m| *m /= n);
    let mut square = vec![0.0; rows.n_columns];
    for row in rows.rows() {
        square.iter_mut().zip(row).zip(&mean).for_each(|((s, v), m)| *s += (f64::from(*v) - m).powi(2));
    }
    (mean, square.into_iter().map(|s| (s / n).sqrt()).collect())
}

/// The rotation to principal components of variance 1. Components without variance are left out, so that data of deficient
/// rank gives no NaN.
fn whitening(scaled: &Matrix) -> Option<Matrix> {
    let (n, d) = (scaled.n_rows(), scaled.n_columns);
    if n < 2 || d == 0 {
        return None;
    }
    let product = scaled.transposed_times(scaled);
    let covariance = nalgebra::DMatrix::from_fn(d, d, |i, j| f64::from(product.values[i * d + j]) / n as f64);
    let eigen = nalgebra::SymmetricEigen::try_new(covariance, 1e-10, 10_000)?;
    let largest = eigen.eigenvalues.iter().copied().fold(0.0, f64::max);
    let kept: Vec<usize> =
        (0..d).filter(|i| eigen.eigenvalues[*i] > largest * EIGENVALUE_FLOOR && largest > 0.0).collect();
    let value = |i: usize, k: usize| (eigen.eigenvectors[(i, k)] / eigen.eigenvalues[k].sqrt()) as f32;
    let values = (0..d).flat_map(|i| kept.iter().map(move |k| value(i, *k))).collect();
    (!kept.is_empty()).then(|| Matrix::new(kept.len(), values))
}

/// The numbers of training and validation rows, prepared as the training rows suggest.
pub(crate) fn prepared(
    features: &Features,
    train: &[usize],
    others: &[usize],
    how: Preparation,
) -> (Matrix, Matrix) {
    let (train, others) = match features {
        Features::Columns(columns) => {
            let encoder = Encoder::fit(columns, train);
            (encoder.encode(columns, train), encoder.encode(columns, others))
        }
        Features::Dense(matrix) => (matrix.pick(train), matrix.pick(others)),
    };
    if how == Preparation::AsIs {
        return (train, others);
    }
    let transform = Transform::fit(&train, how);
    (transform.apply(&train), transform.apply(&others))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn missing_numbers_are_filled_with_the_median_of_training_rows() {
        let column = Feature {
            name: "x".into(),
            values: Values::Numbers(vec![1.0, f64::NAN, 3.0, 100.0, f64::INFINITY, 7.0]),
        };
        let encoder = Encoder::fit(std::slice::from_ref(&column), &[0, 1, 2, 5]);
        let out = encoder.encode(&[column], &[1, 4, 3]);
        assert_eq!(out.values, [3.0, 1.0, 3.0, 1.0, 100.0, 0.0]);
    }

    #[test]
    fn a_category_not_seen_in_training_is_none_of_them() {
        let names = ["a", "b", "c"].map(str::to_owned).to_vec();
        let codes = vec![Some(0), Some(1), Some(1), Some(2), None];
        let column = Feature { name: "x".into(), values: Values::Categories { codes, names } };
        let encoder = Encoder::fit(std::slice::from_ref(&column), &[0, 1, 2]);
        let out = encoder.encode(&[column], &[1, 0, 3, 4]);
        assert_eq!(out.values, [1.0, 0.0, 0.0, 1.0, 0.0, 0.0, 0.0, 0.0]);
    }

    #[test]
    fn whitening_copes_with_copies_of_columns_and_constants() {
        let mut values = Vec::new();
        for i in 0..200 {
            let (x, y) = (f32::sin(i as f32), f32::cos(i as f32 * 1.7));
            values.extend([x, x * 2.0, y, 5.0, x + y]);
        }
        let rows = Matrix::new(5, values);
        let white = Transform::fit(&rows, Preparation::Whitened).apply(&rows);
        assert_eq!(white.n_columns, 2);
        let product = white.transposed_times(&white);
        for i in 0..2 {
            for j in 0..2 {
                let wanted = if i == j { 1.0 } else { 0.0 };
                assert!((product.values[i * 2 + j] / 200.0 - wanted).abs() < 1e-3, "{:?}", product.values);
            }
        }
    }
}
