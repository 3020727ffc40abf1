//! Rows: identity, place in the files, groups of equal ones, and those that could not be read.

/// Which part of the data a row belongs to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Part {
    /// The data given without a flag.
    #[default]
    Train,
    /// `--val`.
    Validation,
    /// `--test`.
    Test,
}

impl Part {
    /// The word in reports.
    pub fn name(self) -> &'static str {
        match self {
            Self::Train => "train",
            Self::Validation => "validation",
            Self::Test => "test",
        }
    }
}

/// A row of the data set: its part and its 0-based number within the part, counted over all files of the part.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RowId {
    /// Which part.
    pub part: Part,
    /// 0-based, headers not counted, rows that could not be read counted.
    pub row: u64,
}

/// A row that some record points at, fetched from the file.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SeenRow {
    /// File, as the user named it.
    pub path: String,
    /// 0-based row within the file, the header not counted.
    pub row: u64,
    /// 1-based line in the file, for files that have lines.
    pub line: Option<u64>,
    /// Cell texts in the order of [`super::Table::columns`], each shortened to 80 characters; empty for null.
    pub values: Vec<String>,
}

/// Rows drawn at random, the same in every run, with their place on a map of the data.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct RowSamples {
    /// The rows, each among [`super::Table::seen`] with its values, and where it lies on the first two principal
    /// components of the standardised numeric features; `None` where a row or the data has no such place.
    pub rows: Vec<(RowId, Option<[f32; 2]>)>,
    /// Shares of the variance that the two axes explain; 0 without a map.
    pub explained: [f32; 2],
}

/// Rows that are equal in all or in all feature columns, after trimming text and writing numbers alike.
#[derive(Clone, Debug, PartialEq)]
pub struct RowGroup {
    /// How many rows are in the group.
    pub count: u64,
    /// Its first rows; at most 100, or all if asked.
    pub rows: Vec<RowId>,
}

/// Groups of equal rows. Rows are compared by 128 bits of hash (conflicts: 64 bits of features, 64 of the label).
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Duplicates {
    /// Rows compared.
    pub n_compared: u64,
    /// How many groups.
    pub n_groups: u64,
    /// Rows in all groups together.
    pub n_rows: u64,
    /// Groups in the order of their first row; at most 100, or all if asked.
    pub groups: Vec<RowGroup>,
    /// How many pairs of equal rows chance alone would give if columns were independent: n(n−1)/2 · Π Σ p².
    /// Large where rows are made of a few categories, and equal rows are then no surprise.
    pub pairs_by_chance: f64,
    /// How many pairs of equal rows there are: Σ c(c−1)/2 over the groups.
    pub n_pairs: f64,
}

/// A row that could not be read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MalformedRow {
    /// File, as the user named it.
    pub path: String,
    /// 0-based row within the file.
    pub row: u64,
    /// 1-based line.
    pub line: Option<u64>,
    /// What is wrong, in words and with the numbers: `7 fields, expected 5`.
    pub problem: String,
    /// Its text, shortened to 120 characters.
    pub text: String,
}

/// The reader's log of rows it had to step over or repair.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Malformed {
    /// How many rows.
    pub count: u64,
    /// The first of them; at most 100, or all if asked.
    pub rows: Vec<MalformedRow>,
    /// Kinds of problem with their counts, most frequent first: `wrong number of fields`, `unclosed quote`,
    /// `not UTF-8`, `not a JSON object`, `damaged file`.
    pub kinds: Vec<(String, u64)>,
}
