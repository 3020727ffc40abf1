//! A uniform sample of rows, for what needs rows rather than sums.

use stetho_core::table::RowId;

/// Values of one column in the sampled rows.
#[derive(Clone, Debug, PartialEq)]
pub enum SampleColumn {
    /// Numbers, booleans (0 and 1) and times; NaN for null and for what is not finite.
    Numbers(Vec<f64>),
    /// Categories as indices into `names`; `None` for null. Names are in order of first appearance.
    Categories {
        /// Index into `names`, a row.
        codes: Vec<Option<u32>>,
        /// The distinct values.
        names: Vec<String>,
    },
    /// Nested values, which are not sampled.
    Absent,
}

/// Rows of one part of the data, ascending by row number, with their values column by column.
///
/// While a part has no more rows than the sample may hold, this is the whole part. Otherwise it holds the rows with
/// the smallest hash of their number, which is uniform, the same in every run, and mergeable.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Sample {
    /// The sampled rows.
    pub rows: Vec<RowId>,
    /// How many rows the part has.
    pub n_total: u64,
    /// In the order of the table's columns, each as long as `rows`.
    pub columns: Vec<SampleColumn>,
}
