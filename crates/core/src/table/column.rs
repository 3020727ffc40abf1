//! The profile of one column.

use super::RowId;

/// What a column holds, as far as rules care.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Default)]
pub enum Kind {
    /// Integers, floats, decimals.
    Number,
    /// True and false.
    Boolean,
    /// Strings: categories, codes, free text.
    #[default]
    Text,
    /// Dates and timestamps; their numeric profile is in seconds since 1970.
    Time,
    /// Lists, structs, binary: counted, not profiled.
    Nested,
}

impl Kind {
    /// The lower-case word, as in reports.
    pub fn name(self) -> &'static str {
        match self {
            Self::Number => "number",
            Self::Boolean => "boolean",
            Self::Text => "text",
            Self::Time => "time",
            Self::Nested => "nested",
        }
    }
}

/// One cell with its row.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cell {
    /// Where it is.
    pub row: RowId,
    /// Its text, shortened to 80 characters.
    pub text: String,
}

/// How many different values a column has; nulls are not a value.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Distinct {
    /// The count, or its HyperLogLog estimate.
    pub count: u64,
    /// Whether `count` is exact; an estimate is within 3 % in 95 of 100 cases.
    pub exact: bool,
}

/// Frequent values of a column with their counts, most frequent first; ties by value.
///
/// Complete when `complete`: always for few values, up to 4,096 for text and 256 for numbers; otherwise the most
/// frequent, or the heavy hitters: every value above 1 % of the rows is among them, and
/// counts may be low by at most 0.2 % of the rows.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Values {
    /// Value and count. Numbers are written as Rust prints them, `1` for 1.0.
    pub counts: Vec<(String, u64)>,
    /// Whether every distinct value is listed.
    pub complete: bool,
}

/// The profile of one column of a table.
#[derive(Clone, Debug, Default)]
pub struct Column {
    /// Name in the header, or `column_3` where there is none.
    pub name: String,
    /// What it holds.
    pub kind: Kind,
    /// Rows seen.
    pub n_rows: u64,
    /// Cells without a value: true nulls, empty cells, and the `null_words` below.
    pub n_null: u64,
    /// Words that stand for a missing value (`NA`, `?`, …) among the cells of a text file's number column, with
    /// their counts. In a text column such words are ordinary values and stand in `values`.
    pub null_words: Vec<(String, u64)>,
    /// The first rows (by position) whose cell has no value; at most 100, or all if asked.
    pub null_rows: Vec<RowId>,
    /// Cells that are a number.
    pub n_numbers: u64,
    /// Cells that are text and not a number.
    pub n_texts: u64,
    /// The first cells of the rarer of the two types; at most 100, or all if asked.
    pub strays: Vec<Cell>,
    /// How many different texts the `n_texts` cells of a number column have, up to 100.
    pub n_stray_words: u64,
    /// How many different values.
    pub distinct: Distinct,
    /// Values and counts.
    pub values: Values,
    /// Whether every value is larger (`Some(true)`) or smaller (`Some(false)`) than the one in the row before.
    /// `None` if neither, if there are nulls, or with fewer than three rows. For text the order is that of bytes.
    pub strictly_monotone: Option<bool>,
    /// Profile of the finite numbers, for numbers, booleans (0 and 1) and times.
    pub number: Option<NumberProfile>,
    /// Profile of the texts.
    pub text: Option<TextProfile>,
}

impl Column {
    /// Cells with a value.
    pub fn n_values(&self) -> u64 {
        self.n_rows - self.n_null
    }

    /// Share of rows without a value; 0 for no rows.
    pub fn null_share(&self) -> f64 {
        self.n_null as f64 / self.n_rows.max(1) as f64
    }

    /// Whether this is a number column without fractions.
    pub fn is_integer(&self) -> bool {
        self.number.as_ref().is_some_and(|n| n.n_finite > 0 && n.n_fractional == 0)
    }
}

/// Profile of the numbers in a column. Moments and quantiles are over finite values only.
#[derive(Clone, Debug, Default)]
pub struct NumberProfile {
    /// Finite values.
    pub n_finite: u64,
    /// Cells that hold NaN as a number.
    pub n_nan: u64,
    /// Cells that hold +∞.
    pub n_positive_infinity: u64,
    /// Cells that hold −∞.
    pub n_negative_infinity: u64,
    /// The first rows (by position) with NaN or ±∞; at most 100, or all if asked.
    pub non_finite_rows: Vec<RowId>,
    /// Values equal to zero.
    pub n_zero: u64,
    /// Values below zero.
    pub n_negative: u64,
    /// Values with a fractional part.
    pub n_fractional: u64,
    /// Smallest value; 0 for no values, as all below.
    pub min: f64,
    /// Largest value.
    pub max: f64,
    /// Arithmetic mean.
    pub mean: f64,
    /// Standard deviation of the sample (divisor n − 1).
    pub std: f64,
    /// Skewness g₁ = m₃ / m₂^1.5 with moments about the mean; 0 for a constant.
    pub skewness: f64,
    /// Excess kurtosis g₂ = m₄ / m₂² − 3; 0 for a constant.
    pub kurtosis: f64,
    /// Quantiles.
    pub quantiles: Quantiles,
    /// The smallest values with their rows, ascending; at most 20.
    pub lowest: Vec<Extreme>,
    /// The largest values with their rows, descending; at most 20.
    pub highest: Vec<Extreme>,
    /// Equal-width bins between `min` and `max`, counted on the sample of rows.
    pub histogram: Vec<u64>,
}

/// A value with its row.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Extreme {
    /// The value.
    pub value: f64,
    /// Its row.
    pub row: RowId,
}

/// Quantiles of a column at 1001 evenly spaced ranks (0, 0.001, … 1), linearly interpolated between.
///
/// Exact while the column has at most 4,096 different values (type 7 of Hyndman & Fan 1996, NumPy's default);
/// otherwise from a t-digest (Dunning 2019), whose rank error is below 1 % and far smaller in the tails.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Quantiles(pub Vec<f64>);

impl Quantiles {
    /// How many evenly spaced ranks are kept.
    pub const RANKS: usize = 1001;

    /// The quantile at `rank` in [0, 1]; 0 where there were no values.
    pub fn at(&self, rank: f64) -> f64 {
        let Some(last) = self.0.len().checked_sub(1) else { return 0.0 };
        let position = rank.clamp(0.0, 1.0) * last as f64;
        let below = position.floor() as usize;
        let above = (below + 1).min(last);
        let fraction = position - below as f64;
        self.0[below] + (self.0[above] - self.0[below]) * fraction
    }

    /// The median.
    pub fn median(&self) -> f64 {
        self.at(0.5)
    }

    /// Distance of the quartiles.
    pub fn iqr(&self) -> f64 {
        self.at(0.75) - self.at(0.25)
    }

    /// Share of values at or below `value`, to a thousandth.
    pub fn rank(&self, value: f64) -> f64 {
        let below = self.0.partition_point(|q| *q <= value);
        below as f64 / self.0.len().max(1) as f64
    }

    /// Median absolute deviation from the median, from the kept quantiles.
    pub fn mad(&self) -> f64 {
        let median = self.median();
        let mut deviations: Vec<f64> = self.0.iter().map(|q| (q - median).abs()).collect();
        deviations.sort_by(f64::total_cmp);
        deviations.get(deviations.len() / 2).copied().unwrap_or(0.0)
    }
}

/// Profile of the texts in a column.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct TextProfile {
    /// Shortest text, in bytes.
    pub min_length: u64,
    /// Longest text, in bytes.
    pub max_length: u64,
    /// Mean length, in bytes.
    pub mean_length: f64,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantiles_interpolate() {
        let q = Quantiles((0..=1000).map(f64::from).collect());
        assert!((q.at(0.25) - 250.0).abs() < 1e-9);
        assert!((q.iqr() - 500.0).abs() < 1e-9);
        assert!((q.mad() - 250.0).abs() <= 1.0);
        assert!((q.rank(500.0) - 0.5).abs() < 0.002);
        assert!(Quantiles::default().median().abs() < f64::EPSILON);
    }
}
