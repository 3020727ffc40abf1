//! Cells of text files: what type a column has, and columns built from text.

use std::collections::BTreeMap;

use arrow_array::builder::{BooleanBuilder, Float64Builder, Int64Builder, StringViewBuilder};
use arrow_array::{ArrayRef, BooleanArray, Float64Array, Int64Array};
use stetho_core::table::Kind;

use crate::ColumnNotes;

/// Words that mean "no value" in a number, boolean or time column. `nan` is not among them: it is a number.
const NULL_WORDS: [&str; 18] = [
    "NA", "N/A", "n/a", "na", "#N/A", "<NA>", "NULL", "null", "Null", "None", "none", "nil", "?", "-", "--",
    ".", "#VALUE!", "missing",
];

/// Longest text kept of a stray cell, in characters.
const STRAY_LENGTH: usize = 80;

/// How the cells of a column are read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum CellType {
    /// Numbers as 64-bit floats; `comma` marks the decimal comma.
    Float { comma: bool },
    /// Integers beyond 2⁵³, which floats cannot tell apart.
    LongInteger,
    /// `true` and `false`.
    Boolean,
    /// Dates and times in ISO 8601 or with slashes, year first.
    Time,
    /// Anything.
    Text,
}

impl CellType {
    /// The kind measurers see.
    pub(crate) fn kind(self) -> Kind {
        match self {
            Self::Float { .. } | Self::LongInteger => Kind::Number,
            Self::Boolean => Kind::Boolean,
            Self::Time => Kind::Time,
            Self::Text => Kind::Text,
        }
    }

    /// How to read a column that is known to be of `kind`.
    pub(crate) fn of(kind: Kind, comma: bool) -> Self {
        match kind {
            Kind::Number => Self::Float { comma },
            Kind::Boolean => Self::Boolean,
            Kind::Time => Self::Time,
            Kind::Text | Kind::Nested => Self::Text,
        }
    }
}

/// Counts what the cells of a column could be.
#[derive(Clone, Debug, Default)]
pub(crate) struct TypeVotes {
    n_cells: usize,
    n_numbers: usize,
    n_comma_numbers: usize,
    /// Cells such as `1,234`, and of these such as `1,234,567`.
    n_thousands: usize,
    n_millions: usize,
    n_long: usize,
    n_integers: usize,
    n_booleans: usize,
    n_times: usize,
    n_leading_zero: usize,
    lengths: BTreeMap<usize, usize>,
    words: BTreeMap<String, usize>,
}

impl TypeVotes {
    /// Counts one cell.
    pub(crate) fn vote(&mut self, cell: &[u8]) {
        let cell = cell.trim_ascii();
        if cell.is_empty() || is_null_word(cell) {
            return;
        }
        self.n_cells += 1;
        let n_groups = n_thousands_groups(cell);
        self.n_thousands += usize::from(n_groups > 0);
        self.n_millions += usize::from(n_groups > 1);
        if cell.len() > 1 && cell[0] == b'0' && cell.iter().all(u8::is_ascii_digit) {
            self.n_leading_zero += 1;
        }
        if parse_float(cell, false).is_some() {
            self.n_numbers += 1;
            *self.lengths.entry(cell.len()).or_default() += 1;
            if let Some(integer) = parse_integer(cell) {
                self.n_integers += 1;
                self.n_long += usize::from(integer.unsigned_abs() > 1 << 53);
            }
        } else if parse_float(cell, true).is_some() {
            self.n_comma_numbers += 1;
        } else if parse_boolean(cell).is_some() {
            self.n_booleans += 1;
        } else if parse_time(cell).is_some() {
            self.n_times += 1;
        } else if self.words.len() < 20 {
            *self.words.entry(String::from_utf8_lossy(cell).into_owned()).or_default() += 1;
        }
    }

    /// The type that fits nearly all cells. A few words among numbers leave the column a number column.
    pub(crate) fn decide(&self, delimiter: u8) -> CellType {
        let allow_comma = self.has_decimal_comma(delimiter);
        let most = |count: usize| self.n_cells > 0 && count * 10 >= self.n_cells * 9;
        let is_code = self.n_leading_zero > 0 && self.lengths.len() == 1;
        let numbers = self.n_numbers + if allow_comma { self.n_comma_numbers } else { 0 };
        let few_words = numbers * 2 >= self.n_cells && numbers > 0 && self.words.len() <= 3;
        if is_code {
            CellType::Text
        } else if (most(numbers) || few_words) && self.n_booleans == 0 && self.n_times == 0 {
            if self.n_long > 0 && self.n_integers == numbers {
                CellType::LongInteger
            } else {
                CellType::Float { comma: allow_comma && self.n_comma_numbers > 0 }
            }
        } else if self.n_cells > 0 && self.n_booleans == self.n_cells {
            CellType::Boolean
        } else if most(self.n_times) {
            CellType::Time
        } else {
            CellType::Text
        }
    }

    /// Whether commas mark decimals: not where they separate fields or thousands. `1,234` is taken for a decimal only
    /// in files separated by semicolons, which are written where the comma is the decimal mark.
    fn has_decimal_comma(&self, delimiter: u8) -> bool {
        match delimiter {
            b',' => false,
            b';' => self.n_millions == 0,
            _ => self.n_comma_numbers > self.n_thousands,
        }
    }

    /// Whether no cell had a value.
    pub(crate) fn is_undecided(&self) -> bool {
        self.n_cells == 0
    }

    /// Whether the cells seen were all numbers.
    pub(crate) fn is_numeric(&self) -> bool {
        self.n_cells > 0 && self.n_numbers == self.n_cells
    }
}

/// Whether `cell` is a word for "no value" in a number, boolean or time column.
pub fn is_null_word(cell: &[u8]) -> bool {
    cell.len() <= 7 && NULL_WORDS.iter().any(|w| w.as_bytes() == cell)
}

/// A number, `nan` and `inf` included; with `comma`, a number with a decimal comma.
pub(crate) fn parse_float(cell: &[u8], comma: bool) -> Option<f64> {
    if comma {
        let at = memchr::memchr(b',', cell)?;
        if cell.len() > 40 {
            return None;
        }
        let mut copy = cell.to_vec();
        copy[at] = b'.';
        return fast_float2::parse(&copy).ok();
    }
    fast_float2::parse(cell).ok()
}

/// How many groups of three digits follow commas in a whole number such as `1,234,567`; 0 if it is none.
fn n_thousands_groups(cell: &[u8]) -> usize {
    let mut groups = cell.strip_prefix(b"-").unwrap_or(cell).split(|b| *b == b',');
    let is_first =
        |group: &[u8]| matches!(group, [b'1'..=b'9', rest @ ..] if rest.len() < 3 && all_digits(rest));
    if !groups.next().is_some_and(is_first) {
        return 0;
    }
    let n_groups = groups.clone().count();
    if groups.all(|group| group.len() == 3 && all_digits(group)) { n_groups } else { 0 }
}

fn all_digits(cell: &[u8]) -> bool {
    cell.iter().all(u8::is_ascii_digit)
}

fn parse_integer(cell: &[u8]) -> Option<i64> {
    std::str::from_utf8(cell).ok()?.parse().ok()
}

fn parse_boolean(cell: &[u8]) -> Option<bool> {
    if cell.eq_ignore_ascii_case(b"true") {
        Some(true)
    } else if cell.eq_ignore_ascii_case(b"false") {
        Some(false)
    } else {
        None
    }
}

/// Seconds since 1970 of an ISO 8601 date or time (UTC unless it has an offset), also with slashes.
pub(crate) fn parse_time(cell: &[u8]) -> Option<f64> {
    let shaped = cell.len() >= 8 && cell.len() <= 40 && cell[..4].iter().all(u8::is_ascii_digit);
    if !shaped || !matches!(cell[4], b'-' | b'/') {
        return None;
    }
    let text = std::str::from_utf8(cell).ok()?;
    let text = if cell[4] == b'/' { text.replace('/', "-") } else { text.to_owned() };
    let time = arrow_cast::parse::string_to_datetime(&chrono::Utc, &text).ok()?;
    Some(time.timestamp() as f64 + f64::from(time.timestamp_subsec_nanos()) * 1e-9)
}

/// Builds the array of one column from its cells.
pub(crate) fn build<'a>(
    cell_type: CellType,
    cells: impl ExactSizeIterator<Item = &'a [u8]> + Clone,
) -> (ArrayRef, ColumnNotes) {
    let mut notes = Notes::default();
    let array: ArrayRef = match cell_type {
        CellType::Float { comma } => std::sync::Arc::new(floats(cells, comma, &mut notes)),
        CellType::LongInteger => match integers(cells.clone(), &mut notes) {
            Some(integers) => std::sync::Arc::new(integers),
            None => return build(CellType::Float { comma: false }, cells),
        },
        CellType::Boolean => std::sync::Arc::new(booleans(cells, &mut notes)),
        CellType::Time => std::sync::Arc::new(times(cells, &mut notes)),
        CellType::Text => {
            let mut builder = StringViewBuilder::with_capacity(cells.len());
            for cell in cells {
                match std::str::from_utf8(cell) {
                    _ if cell.is_empty() => builder.append_null(),
                    Ok(text) => builder.append_value(text),
                    Err(_) => builder.append_value(String::from_utf8_lossy(cell)),
                }
            }
            std::sync::Arc::new(builder.finish())
        }
    };
    (array, notes.finish())
}

#[derive(Default)]
struct Notes {
    null_words: BTreeMap<String, u64>,
    strays: Vec<(usize, String)>,
}

impl Notes {
    /// Notes a cell that did not parse. Only called off the fast path.
    #[cold]
    fn unparsed(&mut self, row: usize, cell: &[u8]) {
        if cell.is_empty() {
            return;
        }
        let text = String::from_utf8_lossy(cell);
        if is_null_word(cell) {
            *self.null_words.entry(text.into_owned()).or_default() += 1;
        } else {
            self.strays.push((row, text.chars().take(STRAY_LENGTH).collect()));
        }
    }

    fn finish(self) -> ColumnNotes {
        ColumnNotes { null_words: self.null_words.into_iter().collect(), strays: self.strays }
    }
}

fn floats<'a>(
    cells: impl ExactSizeIterator<Item = &'a [u8]>,
    comma: bool,
    notes: &mut Notes,
) -> Float64Array {
    let mut builder = Float64Builder::with_capacity(cells.len());
    for (row, cell) in cells.enumerate() {
        let cell = cell.trim_ascii();
        let parsed = parse_float(cell, false).or_else(|| if comma { parse_float(cell, true) } else { None });
        match parsed {
            Some(value) => builder.append_value(value),
            None => {
                builder.append_null();
                notes.unparsed(row, cell);
            }
        }
    }
    builder.finish()
}

/// `None` if a cell is a number but no integer.
fn integers<'a>(cells: impl ExactSizeIterator<Item = &'a [u8]>, notes: &mut Notes) -> Option<Int64Array> {
    let mut builder = Int64Builder::with_capacity(cells.len());
    for (row, cell) in cells.enumerate() {
        let cell = cell.trim_ascii();
        match parse_integer(cell) {
            Some(value) => builder.append_value(value),
            None if parse_float(cell, false).is_some() => return None,
            None => {
                builder.append_null();
                notes.unparsed(row, cell);
            }
        }
    }
    Some(builder.finish())
}

fn booleans<'a>(cells: impl ExactSizeIterator<Item = &'a [u8]>, notes: &mut Notes) -> BooleanArray {
    let mut builder = BooleanBuilder::with_capacity(cells.len());
    for (row, cell) in cells.enumerate() {
        let cell = cell.trim_ascii();
        builder.append_option(parse_boolean(cell));
        if parse_boolean(cell).is_none() {
            notes.unparsed(row, cell);
        }
    }
    builder.finish()
}

fn times<'a>(cells: impl ExactSizeIterator<Item = &'a [u8]>, notes: &mut Notes) -> Float64Array {
    let mut builder = Float64Builder::with_capacity(cells.len());
    for (row, cell) in cells.enumerate() {
        let cell = cell.trim_ascii();
        let parsed = parse_time(cell);
        builder.append_option(parsed);
        if parsed.is_none() {
            notes.unparsed(row, cell);
        }
    }
    builder.finish()
}

#[cfg(test)]
mod tests {
    use arrow_array::Array;

    use super::*;

    fn decide(cells: &[&str]) -> CellType {
        let mut votes = TypeVotes::default();
        for cell in cells {
            votes.vote(cell.as_bytes());
        }
        votes.decide(b';')
    }

    #[test]
    fn types_are_decided_by_nearly_all_cells() {
        assert_eq!(decide(&["1", "2.5", "", "NA"]), CellType::Float { comma: false });
        assert_eq!(decide(&["1,5", "2,5", "3"]), CellType::Float { comma: true });
        assert_eq!(decide(&["1", "2", "unknown"]), CellType::Float { comma: false });
        assert_eq!(decide(&["A1", "2", "B3", "C4"]), CellType::Text);
        assert_eq!(decide(&["01234", "94110"]), CellType::Text);
        assert_eq!(decide(&["true", "False"]), CellType::Boolean);
        assert_eq!(decide(&["2024-01-31", "2024/02/01", "2024-02-01T10:00:00Z"]), CellType::Time);
        assert_eq!(decide(&["9007199254740993", "9007199254740995"]), CellType::LongInteger);
        assert_eq!(decide(&["9007199254740993", "1.5"]), CellType::Float { comma: false });
        assert_eq!(decide(&[]), CellType::Text);
    }

    #[test]
    fn cells_that_do_not_fit_are_noted() {
        let cells: [&[u8]; 6] = [b"1.5", b" 2 ", b"", b"?", b"twelve", b"nan"];
        let (array, notes) = build(CellType::Float { comma: false }, cells.into_iter());
        assert_eq!(array.null_count(), 3);
        assert_eq!(notes.null_words, [("?".to_owned(), 1)]);
        assert_eq!(notes.strays, [(4, "twelve".to_owned())]);
    }

    #[test]
    fn times_are_seconds_since_1970() {
        assert_eq!(parse_time(b"1970-01-02"), Some(86400.0));
        assert_eq!(parse_time(b"1970/01/01 00:01:00"), Some(60.0));
        assert_eq!(parse_time(b"2024-13-01"), None);
        assert_eq!(parse_time(b"12345678"), None);
    }
}
