//! What models learn from: columns, a target, and where each row comes from.

use crate::Matrix;

/// Values of one column, a row each.
#[derive(Clone, Debug, PartialEq)]
pub enum Values {
    /// Numbers; NaN where there is none.
    Numbers(Vec<f64>),
    /// Categories as indices into `names`.
    Categories {
        /// Index into `names`; `None` where there is none.
        codes: Vec<Option<u32>>,
        /// The distinct values.
        names: Vec<String>,
    },
}

/// A column that models may use.
#[derive(Clone, Debug, PartialEq)]
pub struct Feature {
    /// Its name.
    pub name: String,
    /// Its values.
    pub values: Values,
}

/// What models learn from.
#[derive(Clone, Debug, PartialEq)]
pub enum Features {
    /// Columns, to be encoded within each fold.
    Columns(Vec<Feature>),
    /// Numbers that share one scale, used as they are: pixels, embeddings.
    Dense(Matrix),
}

impl Features {
    /// How many columns.
    pub fn n_columns(&self) -> usize {
        match self {
            Self::Columns(columns) => columns.len(),
            Self::Dense(matrix) => matrix.n_columns,
        }
    }
}

/// What is predicted.
#[derive(Clone, Debug, PartialEq)]
pub enum Goal {
    /// A class a row, as an index into `names`.
    Classes {
        /// Index into `names`.
        codes: Vec<usize>,
        /// Class names.
        names: Vec<String>,
    },
    /// A number a row.
    Numbers(Vec<f64>),
}

impl Goal {
    /// Number of rows.
    pub fn n_rows(&self) -> usize {
        match self {
            Self::Classes { codes, .. } => codes.len(),
            Self::Numbers(numbers) => numbers.len(),
        }
    }

    /// Number of values that a model predicts for a row: one a class, or one.
    pub fn n_outputs(&self) -> usize {
        match self {
            Self::Classes { names, .. } => names.len(),
            Self::Numbers(_) => 1,
        }
    }

    /// The goal of these rows, in this order.
    #[must_use]
    pub fn pick(&self, rows: &[usize]) -> Self {
        match self {
            Self::Classes { codes, names } => Self::Classes {
                codes: rows.iter().filter_map(|i| codes.get(*i).copied()).collect(),
                names: names.clone(),
            },
            Self::Numbers(numbers) => {
                Self::Numbers(rows.iter().filter_map(|i| numbers.get(*i).copied()).collect())
            }
        }
    }
}

/// Rows to learn from, all with a target.
#[derive(Clone, Debug, PartialEq)]
pub struct Samples {
    /// The columns.
    pub features: Features,
    /// Name of what is predicted.
    pub target: String,
    /// What is predicted.
    pub goal: Goal,
    /// Rows that belong together and are never divided between training and validation.
    pub groups: Option<Vec<u32>>,
    /// Name of the column that they are from.
    pub group_column: String,
    /// Names of the groups.
    pub group_names: Vec<String>,
    /// When each row was taken: rows are then divided by time, the past for training.
    pub times: Option<Vec<f64>>,
    /// Rows to validate on, where the user has set them apart.
    pub is_held_out: Option<Vec<bool>>,
    /// Where each row is.
    pub places: Vec<RowPlace>,
    /// Files that `places` speaks of, as the user named them.
    pub files: Vec<String>,
}

/// Where a row is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct RowPlace {
    /// Index into [`Samples::files`].
    pub file: u32,
    /// 0-based row or picture within the file.
    pub row: u64,
    /// 1-based line of text.
    pub line: Option<u64>,
    /// Whether the file holds this one sample only.
    pub is_file: bool,
}

impl Samples {
    /// Number of rows.
    pub fn n_rows(&self) -> usize {
        self.goal.n_rows()
    }
}
