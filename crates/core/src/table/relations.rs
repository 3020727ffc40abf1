//! How columns relate to each other, to the target and to the order of rows. Measured on a sample of rows that is
//! uniform, the same in every run, and the whole table while it is small.

use super::RowId;

/// How an association is measured.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Measure {
    /// Pearson's correlation r of two number columns, over rows where both have a value.
    Pearson,
    /// Bias-corrected Cramér's V (Bergsma 2013) of two category columns.
    CramersV,
}

/// Association of two columns.
#[derive(Clone, Debug, PartialEq)]
pub struct Association {
    /// Index of the first column.
    pub a: usize,
    /// Index of the second column.
    pub b: usize,
    /// How it is measured.
    pub measure: Measure,
    /// r in [−1, 1] or V in [0, 1].
    pub value: f64,
    /// Rows it rests on.
    pub n: u64,
}

/// Association of all pairs of feature columns of the same kind; the target is left out, and so are columns with
/// fewer than two values and texts with more than 100.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Associations {
    /// Pairs by falling absolute value; the strongest 1,000.
    pub pairs: Vec<Association>,
    /// Rows of the sample.
    pub n_rows: u64,
}

/// Eigenvalues of the correlation matrix of the number and boolean columns.
///
/// Constant columns, columns with more than half their cells empty, and all but one of columns that correlate with
/// |r| ≥ 0.95 are left out, so that what remains ill-conditioned is not told by single pairs already.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Spectrum {
    /// Indices of the columns.
    pub columns: Vec<usize>,
    /// Ascending; floored at 0.
    pub eigenvalues: Vec<f64>,
    /// The combination of columns that hardly varies: column index and weight, largest weights first, at most 10.
    pub weakest: Vec<(usize, f64)>,
    /// Rows of the sample.
    pub n_rows: u64,
}

/// A row far from all others.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Isolated {
    /// The row.
    pub row: RowId,
    /// Mean distance to its 10 nearest neighbours: root mean square over the standardised columns. Beyond three
    /// deviations differences count by their logarithm, so that gross outliers are some units away, not millions.
    pub distance: f64,
    /// Column that contributes most to the distance.
    pub column: usize,
}

/// Distances of sampled rows to their nearest neighbours (10, or fewer in a small table), over robustly
/// standardised number columns.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Isolation {
    /// Lower quartile of the distances.
    pub quartile_1: f64,
    /// Median distance.
    pub median: f64,
    /// Upper quartile of the distances.
    pub quartile_3: f64,
    /// Most isolated rows first; at most 100.
    pub rows: Vec<Isolated>,
    /// Rows of the sample.
    pub n_rows: u64,
    /// Columns used.
    pub n_columns: u64,
}

/// How well one column alone predicts the target, five-fold cross-validated.
#[derive(Clone, Debug, PartialEq)]
pub struct SingleColumnScore {
    /// Index of the column.
    pub column: usize,
    /// Classification: mean over classes of the one-against-rest area under the ROC curve, 0.5 … 1.
    /// Regression: R², floored at 0.
    pub score: f64,
    /// Classification: balanced accuracy, rescaled so that chance is 0 and perfect is 1. Regression: R².
    pub adjusted: f64,
    /// Rows it rests on.
    pub n: u64,
}

/// Scores of all feature columns, best first.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct SingleColumnScores {
    /// Best first.
    pub scores: Vec<SingleColumnScore>,
    /// `AUC` or `R²`.
    pub metric: String,
}

/// Whether a column depends on the order of rows.
#[derive(Clone, Debug, PartialEq)]
pub struct OrderTest {
    /// Index of the column.
    pub column: usize,
    /// Strength of a drift along the file: |Spearman's ρ| with the row number for numbers, Cramér's V with ten
    /// blocks of rows for categories; 0 … 1.
    pub trend: f64,
    /// Share of the chance-expected changes between neighbouring rows that is missing: 0 for shuffled rows, 1 for
    /// fully sorted ones. Numbers: lag-1 rank autocorrelation, floored at 0.
    pub clustering: f64,
    /// p-value under permutation of the rows of the stronger of the two, from the moments that the statistics are
    /// known to have then; Bonferroni-corrected over both and over columns; at least 1e-9.
    pub p_value: f64,
    /// Whether the sampled rows are in ascending or descending order of this column throughout.
    pub sorted: bool,
}

/// Order tests of the target and the features.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct RowOrder {
    /// Strongest first. Columns that count rows (strictly monotone ones) are left out.
    pub tests: Vec<OrderTest>,
    /// Rows of the sample.
    pub n_rows: u64,
}
