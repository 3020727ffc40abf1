//! Records of tabular data: what was measured of a table and its held-out splits.
//!
//! Everything here is a number or a name that someone measured; nothing here is a judgement. A part that was not
//! measured says why ([`Measured::Not`]).

mod column;
mod relations;
mod rows;
mod splits;
mod target;

pub use crate::Measured;
pub use column::{Cell, Column, Distinct, Extreme, Kind, NumberProfile, Quantiles, TextProfile, Values};
pub use relations::{
    Association, Associations, Isolated, Isolation, Measure, OrderTest, RowOrder, SingleColumnScore,
    SingleColumnScores, Spectrum,
};
pub use rows::{Duplicates, Malformed, MalformedRow, Part, RowGroup, RowId, RowSamples, SeenRow};
pub use splits::{ColumnDrift, Drift, Group, Groups, Overlap, Split};
pub use target::{Origin, Target, Task};

use std::collections::BTreeMap;

use crate::{Place, Record, Signal};

/// A file of the data set.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct FileFacts {
    /// As the user named it.
    pub path: String,
    /// What was detected, in words: `CSV, `;`-separated, UTF-8`.
    pub format: String,
    /// Rows read from it.
    pub n_rows: u64,
}

/// What was measured of one tabular data set.
#[derive(Clone, Debug, Default)]
pub struct Table {
    /// Files of the training part, in reading order.
    pub files: Vec<FileFacts>,
    /// Rows of the training part.
    pub n_rows: u64,
    /// Columns, in the order of the header.
    pub columns: Vec<Column>,
    /// Which column is predicted.
    pub target: Measured<Target>,
    /// Rows that could not be read.
    pub malformed: Malformed,
    /// Rows that occur more than once, label included.
    pub duplicates: Measured<Duplicates>,
    /// Rows with identical features and different labels.
    pub conflicts: Measured<Duplicates>,
    /// Pairwise association of columns.
    pub associations: Measured<Associations>,
    /// Eigenvalues of the standardised covariance.
    pub spectrum: Measured<Spectrum>,
    /// Rows far from all others.
    pub isolation: Measured<Isolation>,
    /// How well each column alone predicts the target.
    pub single_column_scores: Measured<SingleColumnScores>,
    /// Dependence of columns on the order of rows.
    pub row_order: Measured<RowOrder>,
    /// Validation and test sets.
    pub splits: Measured<Vec<Split>>,
    /// Rows shared between the training part and a split.
    pub overlap: Measured<Vec<Overlap>>,
    /// Shift of columns between the training part and each split.
    pub drift: Measured<Vec<Drift>>,
    /// Label rates and sizes of the groups of `--group`.
    pub groups: Measured<Groups>,
    /// The rows that some part of this record points at, with their place in the file and their values.
    pub seen: BTreeMap<RowId, SeenRow>,
    /// Rows to look at.
    pub samples: Measured<RowSamples>,
}

impl Table {
    /// The target column's profile and description, if there is a target.
    pub fn target_column(&self) -> Option<(&Target, &Column)> {
        let target = self.target.get()?;
        Some((target, self.columns.get(target.column)?))
    }

    /// All columns but the target, with their index.
    pub fn features(&self) -> impl Iterator<Item = (usize, &Column)> {
        let target = self.target.get().map(|t| t.column);
        self.columns.iter().enumerate().filter(move |(i, _)| Some(*i) != target)
    }

    /// The rows as places, one a file, in the given order within each file. Rows without a known place are left out.
    pub fn places(&self, rows: &[RowId]) -> Vec<Place> {
        let mut files: Vec<(&str, Vec<u64>, Vec<u64>)> = Vec::new();
        for seen in rows.iter().filter_map(|id| self.seen.get(id)) {
            let at = files.iter().position(|f| f.0 == seen.path).unwrap_or_else(|| {
                files.push((&seen.path, Vec::new(), Vec::new()));
                files.len() - 1
            });
            files[at].1.push(seen.row);
            files[at].2.extend(seen.line);
        }
        let place = |(path, rows, lines): (&str, Vec<u64>, Vec<u64>)| Place::Rows {
            path: path.to_owned(),
            lines: if lines.len() == rows.len() { lines } else { Vec::new() },
            rows,
        };
        files.into_iter().map(place).collect()
    }

    /// The value of `column` in `row` as text, if that row is among [`Table::seen`].
    pub fn value(&self, row: RowId, column: usize) -> Option<&str> {
        self.seen.get(&row)?.values.get(column).map(String::as_str)
    }
}

impl Record for Table {
    fn missing(&self, signal: Signal) -> Option<String> {
        let reason = match signal {
            Signal::Columns if self.n_rows == 0 => Some("the data has no rows"),
            Signal::Target => self.target.reason(),
            Signal::Duplicates => self.duplicates.reason(),
            Signal::Conflicts => self.conflicts.reason(),
            Signal::Associations => self.associations.reason(),
            Signal::Spectrum => self.spectrum.reason(),
            Signal::Isolation => self.isolation.reason(),
            Signal::SingleColumnScores => self.single_column_scores.reason(),
            Signal::RowOrder => self.row_order.reason(),
            Signal::Splits => self.splits.reason(),
            Signal::Overlap => self.overlap.reason(),
            Signal::Drift => self.drift.reason(),
            Signal::Groups => self.groups.reason(),
            Signal::Columns | Signal::Malformed => None,
            other => return Some(format!("{other} are not measured of tables")),
        };
        reason.map(str::to_owned)
    }
}
