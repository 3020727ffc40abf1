//! Held-out splits and named groups.

use super::{Column, FileFacts, Part, RowId};

/// A validation or test set.
#[derive(Clone, Debug, Default)]
pub struct Split {
    /// Which part.
    pub part: Part,
    /// Its files.
    pub files: Vec<FileFacts>,
    /// Its rows.
    pub n_rows: u64,
    /// Profiles in the order of the training columns; an absent column has no rows.
    pub columns: Vec<Column>,
    /// Training columns it lacks.
    pub absent: Vec<String>,
    /// Columns it has beyond those of the training part.
    pub extra: Vec<String>,
    /// For classification: classes with their counts, most frequent first.
    pub classes: Vec<(String, u64)>,
}

/// Rows that two parts share.
#[derive(Clone, Debug, PartialEq)]
pub struct Overlap {
    /// The part that should have been unseen.
    pub part: Part,
    /// The part in which its rows were found: training, or validation for a test set.
    pub with: Part,
    /// Rows of `part` whose features also occur in `with`.
    pub n_shared: u64,
    /// Of these, rows whose label is different there.
    pub n_conflicting: u64,
    /// Rows of `part`.
    pub n_rows: u64,
    /// How many shared rows chance alone would give if columns were independent.
    pub by_chance: f64,
    /// The first shared rows: (row of `part`, its twin in `with`); at most 100, or all if asked.
    pub pairs: Vec<(RowId, RowId)>,
}

/// Shift of one column.
#[derive(Clone, Debug, PartialEq)]
pub struct ColumnDrift {
    /// Index of the column.
    pub column: usize,
    /// Numbers: Wasserstein-1 distance over the training standard deviation. Categories: Jensen–Shannon distance
    /// (base 2), 0 … 1.
    pub distance: f64,
    /// What sampling alone gives for two samples of these sizes from one distribution: the 99th percentile of the
    /// distance under permutation.
    pub by_chance: f64,
}

/// Shift between the training part and one split.
#[derive(Clone, Debug, PartialEq)]
pub struct Drift {
    /// The split.
    pub part: Part,
    /// Feature columns by falling distance.
    pub columns: Vec<ColumnDrift>,
    /// Shift of the target, where both have it: classes: total variation distance of the shares; numbers: as
    /// in `columns`.
    pub target: Option<ColumnDrift>,
    /// Cross-validated area under the ROC curve of a classifier that tells the two apart by their features, those
    /// that count rows or tell the time left out; 0.5 is no difference.
    pub classifier_auc: f64,
}

/// One group of the `--group` column.
#[derive(Clone, Debug, PartialEq)]
pub struct Group {
    /// Value of the group column.
    pub name: String,
    /// Its rows.
    pub n_rows: u64,
    /// For classification: share of each class, in the order of the target's classes.
    pub class_shares: Vec<f64>,
    /// For regression: mean of the target.
    pub target_mean: f64,
}

/// Groups of the `--group` column.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Groups {
    /// Index of the group column.
    pub column: usize,
    /// Largest first; at most 100.
    pub groups: Vec<Group>,
    /// p-value of the dependence of the target on the group (chi-squared or one-way F, by permutation).
    pub p_value: f64,
    /// Strength of that dependence: Cramér's V for classes, η for numbers, both corrected for the bias that many
    /// small groups give; 0 … 1.
    pub strength: f64,
}
