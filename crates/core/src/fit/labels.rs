//! Labels that are likely wrong.

/// A row whose label models do not believe.
#[derive(Clone, Debug, PartialEq)]
pub struct LabelIssue {
    /// The row, counted over all that were used.
    pub row: u64,
    /// Its given class, as an index into the classes.
    pub given: usize,
    /// The class it rather has.
    pub suggested: usize,
    /// Out-of-fold probability of the given class.
    pub p_given: f64,
    /// Out-of-fold probability of the suggested class.
    pub p_suggested: f64,
    /// The file, as the user named it, the 0-based row or picture within, and the line.
    pub path: String,
    /// See `path`.
    pub index: u64,
    /// See `path`.
    pub line: Option<u64>,
    /// Whether `path` alone names it: a picture in a file of its own.
    pub is_file: bool,
}

/// Result of confident learning (Northcutt, Jiang & Chuang 2021).
#[derive(Clone, Debug, Default, PartialEq)]
pub struct LabelIssues {
    /// Where the probabilities come from: the name of a model, or of a file.
    pub source: String,
    /// Rows likely mislabelled, least believable first.
    pub issues: Vec<LabelIssue>,
    /// Rows with a label.
    pub n_rows: u64,
    /// Rows whose given class is not the one told, of all rows …
    pub n_contradicted: u64,
    /// … and of the quarter of rows that the model is surest of. Where classes overlap, errors are rare there; wrong labels
    /// are as frequent there as anywhere.
    pub n_sure_contradicted: u64,
    /// Rows of that quarter.
    pub n_sure: u64,
}
