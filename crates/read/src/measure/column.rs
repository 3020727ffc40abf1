//! The profile of one column.

use std::collections::{BTreeMap, BTreeSet};

use arrow_array::cast::AsArray;
use arrow_array::types::{Float64Type, Int64Type};
use arrow_array::{Array, ArrayRef, BooleanArray, Float64Array, Int64Array, StringViewArray};
use stetho_core::table::{Cell, Column, Distinct, Kind, NumberProfile, Part, RowId, TextProfile, Values};

use super::counter::{Counter, Num, hash_number, hash_text, mix};
use super::extremes::Smallest;
use super::moments::Moments;
use super::monotone::Monotone;
use crate::ColumnNotes;

/// How much the lists of a profile keep.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Limits {
    /// Rows and cells.
    pub listed: usize,
}

/// Number values listed with their counts.
const LISTED_NUMBERS: usize = 256;
/// Different stray texts counted.
const MAX_STRAY_WORDS: usize = 100;
/// Longest cell text kept, in characters.
const CELL_LENGTH: usize = 80;

/// Rows of a batch by number: the table's row number of each of its rows.
pub(crate) type RowNumber<'a> = &'a dyn Fn(usize) -> u64;

/// Profile of one column of one part; a monoid.
#[derive(Clone)]
pub(crate) struct ColumnProfile {
    kind: Kind,
    part: Part,
    limits: Limits,
    n_rows: u64,
    n_null: u64,
    null_words: BTreeMap<String, u64>,
    null_rows: Vec<u64>,
    n_numbers: u64,
    n_texts: u64,
    /// First cells that are numbers in a text column.
    number_cells: Vec<(u64, String)>,
    /// First cells that are text in a number column, or not numbers in a text column.
    text_cells: Vec<(u64, String)>,
    stray_words: BTreeSet<String>,
    numbers: Numbers,
    texts: Texts,
}

#[derive(Clone, Default)]
struct Numbers {
    moments: Moments,
    counter: Counter<Num>,
    n_finite: u64,
    n_nan: u64,
    n_positive_infinity: u64,
    n_negative_infinity: u64,
    non_finite_rows: Vec<u64>,
    n_zero: u64,
    n_negative: u64,
    n_fractional: u64,
    lowest: Smallest,
    highest: Smallest,
    /// Values as floats, and as integers where they are.
    monotone: Monotone<(f64, i64)>,
    scratch: Vec<f64>,
}

#[derive(Clone, Default)]
struct Texts {
    counter: Counter<Box<str>>,
    n: u64,
    min_length: u64,
    max_length: u64,
    total_length: u64,
    monotone: Monotone<Box<str>>,
}

/// Keeps the first `most` of rows that arrive in rising order.
fn keep_first<T>(rows: &mut Vec<T>, row: impl FnOnce() -> T, most: usize) {
    if rows.len() < most {
        rows.push(row());
    }
}

/// Joins two lists of first rows.
fn merge_first<T: Ord>(rows: &mut Vec<T>, other: Vec<T>, most: usize) {
    rows.extend(other);
    rows.sort();
    rows.truncate(most);
}

impl ColumnProfile {
    /// An empty profile.
    pub(crate) fn new(kind: Kind, part: Part, limits: Limits) -> Self {
        Self {
            kind,
            part,
            limits,
            n_rows: 0,
            n_null: 0,
            null_words: BTreeMap::new(),
            null_rows: Vec::new(),
            n_numbers: 0,
            n_texts: 0,
            number_cells: Vec::new(),
            text_cells: Vec::new(),
            stray_words: BTreeSet::new(),
            numbers: Numbers::default(),
            texts: Texts::default(),
        }
    }

    /// Takes the column's cells in one batch in.
    pub(crate) fn observe(&mut self, array: &ArrayRef, notes: Option<&ColumnNotes>, row: RowNumber<'_>) {
        let n_strays = notes.map_or(0, |notes| notes.strays.len());
        self.n_rows += array.len() as u64;
        let n_null = array.null_count().saturating_sub(n_strays);
        self.n_null += n_null as u64;
        if let Some(notes) = notes {
            self.observe_notes(notes, row);
        }
        if n_null > 0 && self.null_rows.len() < self.limits.listed {
            self.observe_nulls(array, notes, row);
        }
        match self.kind {
            Kind::Number | Kind::Time => {
                if let Some(floats) = array.as_primitive_opt::<Float64Type>() {
                    self.numbers.observe_floats(floats, row, self.limits);
                } else if let Some(integers) = array.as_primitive_opt::<Int64Type>() {
                    self.numbers.observe_integers(integers, row);
                }
                self.n_numbers += (array.len() - array.null_count()) as u64;
            }
            Kind::Boolean => {
                if let Some(booleans) = array.as_boolean_opt() {
                    self.numbers.observe_booleans(booleans, row);
                    self.n_numbers += (array.len() - array.null_count()) as u64;
                }
            }
            Kind::Text => {
                if let Some(texts) = array.as_string_view_opt() {
                    self.observe_texts(texts, row);
                }
            }
            Kind::Nested => {}
        }
    }

    fn observe_notes(&mut self, notes: &ColumnNotes, row: RowNumber<'_>) {
        for (word, count) in &notes.null_words {
            *self.null_words.entry(word.clone()).or_default() += count;
        }
        self.n_texts += notes.strays.len() as u64;
        for (index, text) in &notes.strays {
            if self.stray_words.len() < MAX_STRAY_WORDS && !self.stray_words.contains(text) {
                self.stray_words.insert(text.clone());
            }
            keep_first(&mut self.text_cells, || (row(*index), text.clone()), self.limits.listed);
        }
        if !notes.strays.is_empty() {
            self.numbers.monotone.give_up();
        }
    }

    fn observe_nulls(&mut self, array: &ArrayRef, notes: Option<&ColumnNotes>, row: RowNumber<'_>) {
        let mut strays = notes.map_or(&[][..], |notes| &notes.strays).iter().map(|s| s.0).peekable();
        for index in 0..array.len() {
            let is_stray = strays.next_if_eq(&index).is_some();
            if array.is_null(index) && !is_stray {
                keep_first(&mut self.null_rows, || row(index), self.limits.listed);
            }
        }
    }

    fn observe_texts(&mut self, texts: &StringViewArray, row: RowNumber<'_>) {
        let most = self.limits.listed;
        for (index, text) in texts.iter().enumerate() {
            let Some(text) = text else { continue };
            self.texts.observe(text);
            let is_number = looks_numeric(text) && fast_float2::parse::<f64, _>(text.trim()).is_ok();
            let shortened = || text.chars().take(CELL_LENGTH).collect::<String>();
            if is_number {
                self.n_numbers += 1;
                keep_first(&mut self.number_cells, || (row(index), shortened()), most);
            } else {
                self.n_texts += 1;
                keep_first(&mut self.text_cells, || (row(index), shortened()), most);
            }
        }
        self.texts.counter.add_batch(texts.iter().flatten().map(|text| (hash_text(text), text)));
        if !texts.is_empty() {
            self.texts.monotone.observe(row(0), texts.iter(), Box::from);
        }
    }

    /// Joins the profile of other rows of the same column.
    pub(crate) fn merge(&mut self, other: Self) {
        let most = self.limits.listed;
        self.n_rows += other.n_rows;
        self.n_null += other.n_null;
        self.n_numbers += other.n_numbers;
        self.n_texts += other.n_texts;
        for (word, count) in other.null_words {
            *self.null_words.entry(word).or_default() += count;
        }
        merge_first(&mut self.null_rows, other.null_rows, most);
        merge_first(&mut self.number_cells, other.number_cells, most);
        merge_first(&mut self.text_cells, other.text_cells, most);
        self.stray_words.extend(other.stray_words);
        while self.stray_words.len() > MAX_STRAY_WORDS {
            self.stray_words.pop_last();
        }
        self.numbers.merge(other.numbers, most);
        self.texts.merge(other.texts);
    }

    /// Σ p²: the chance that two random rows agree in this column.
    pub(crate) fn collision(&self) -> f64 {
        let nulls = (self.n_null as f64 / self.n_rows.max(1) as f64).powi(2);
        let values = (self.n_rows - self.n_null) as f64 / self.n_rows.max(1) as f64;
        let among_values = match self.kind {
            Kind::Text => self.texts.counter.collision(self.texts.n),
            Kind::Nested => 0.0,
            _ => self.numbers.counter.collision(self.numbers.n_finite),
        };
        nulls + values * values * among_values
    }

    /// All values with their counts, most frequent first; `None` if they are too many to count exactly.
    pub(crate) fn all_values(&self) -> Option<Vec<(String, u64)>> {
        match self.kind {
            Kind::Text => {
                let counts = self.texts.counter.exact()?;
                Some(counts.into_iter().map(|(value, count)| (value.to_string(), count)).collect())
            }
            _ => {
                let counts = self.numbers.counter.exact()?;
                Some(
                    counts
                        .into_iter()
                        .map(|(value, count)| (show_number(self.kind, value.0), count))
                        .collect(),
                )
            }
        }
    }

    /// The record. `names` gives the text of values by their hash, for values that only sketches have counted.
    pub(crate) fn finish(mut self, name: &str, names: &dyn Fn(u64) -> Option<String>) -> Column {
        let part = self.part;
        let id = |row| RowId { part, row };
        let is_text = self.kind == Kind::Text;
        let strays = if is_text && self.n_numbers <= self.n_texts {
            &mut self.number_cells
        } else {
            &mut self.text_cells
        };
        let strays = std::mem::take(strays);
        let monotone = if is_text { std::mem::take(&mut self.texts.monotone).finish() } else { None };
        let monotone = monotone.or_else(|| std::mem::take(&mut self.numbers.monotone).finish());
        Column {
            name: name.to_owned(),
            kind: self.kind,
            n_rows: self.n_rows,
            n_null: self.n_null,
            values: self.values(names),
            distinct: self.distinct(),
            null_words: std::mem::take(&mut self.null_words).into_iter().collect(),
            null_rows: std::mem::take(&mut self.null_rows).into_iter().map(id).collect(),
            n_numbers: self.n_numbers,
            n_texts: self.n_texts,
            strays: strays.into_iter().map(|(row, text)| Cell { row: id(row), text }).collect(),
            n_stray_words: self.stray_words.len() as u64,
            strictly_monotone: monotone,
            text: self.texts.finish(),
            number: (!is_text && self.kind != Kind::Nested).then(|| self.numbers.finish(part)),
        }
    }

    /// An estimate is at most the number of values.
    fn distinct(&self) -> Distinct {
        let (distinct, most) = match self.kind {
            Kind::Text => (self.texts.counter.distinct(), self.texts.n),
            _ => (self.numbers.counter.distinct(), self.numbers.n_finite),
        };
        Distinct { count: distinct.count.min(most), ..distinct }
    }

    fn values(&self, names: &dyn Fn(u64) -> Option<String>) -> Values {
        if let Some(mut counts) = self.all_values() {
            let complete = self.kind == Kind::Text || counts.len() <= LISTED_NUMBERS;
            if !complete {
                counts.truncate(LISTED_NUMBERS);
            }
            return Values { counts, complete };
        }
        let frequent = match self.kind {
            Kind::Text => self.texts.counter.frequent(),
            _ => self.numbers.counter.frequent(),
        };
        let named = frequent.into_iter().filter_map(|(hash, count)| Some((names(hash)?, count)));
        Values { counts: named.take(LISTED_NUMBERS).collect(), complete: false }
    }

    /// Whether some values are known by hash only, so that [`Self::finish`] needs names.
    pub(crate) fn needs_names(&self) -> bool {
        match self.kind {
            Kind::Text => self.texts.counter.exact().is_none(),
            _ => self.numbers.counter.exact().is_none(),
        }
    }
}

/// A number as reports show it: times as dates, booleans as words.
pub(crate) fn show_number(kind: Kind, value: f64) -> String {
    match kind {
        Kind::Boolean => if value > 0.5 { "true" } else { "false" }.to_owned(),
        Kind::Time => {
            let Some(time) = chrono::DateTime::from_timestamp(value.floor() as i64, 0) else {
                return value.to_string();
            };
            let text = time.naive_utc().to_string();
            text.strip_suffix(" 00:00:00").map_or(text.clone(), str::to_owned)
        }
        Kind::Number | Kind::Text | Kind::Nested => value.to_string(),
    }
}

/// Whether a finite number has a fractional part; beyond 2⁵³ none has.
fn has_fraction(value: f64) -> bool {
    value.abs() < 9.0e15 && ((value as i64) as f64 - value).abs() > 0.0 // a cast is far cheaper than `fract`
}

/// Whether `text` could be a number, by its first byte.
fn looks_numeric(text: &str) -> bool {
    matches!(text.trim_start().as_bytes().first(), Some(b'0'..=b'9' | b'-' | b'+' | b'.'))
}

impl Numbers {
    fn observe_floats(&mut self, array: &Float64Array, row: RowNumber<'_>, limits: Limits) {
        let mut finite = std::mem::take(&mut self.scratch);
        finite.clear();
        let has_nulls = array.null_count() > 0;
        for (index, &value) in array.values().iter().enumerate() {
            if has_nulls && array.is_null(index) {
                continue;
            }
            if value.is_finite() {
                finite.push(value);
                self.offer(value, || row(index));
            } else {
                self.observe_non_finite(value);
                keep_first(&mut self.non_finite_rows, || row(index), limits.listed);
            }
        }
        self.observe_finite(&finite, |_, value| hash_number(value));
        self.scratch = finite;
        if !array.is_empty() {
            self.monotone.observe(row(0), array.iter(), |v| (v, v as i64));
        }
    }

    fn observe_integers(&mut self, array: &Int64Array, row: RowNumber<'_>) {
        let mut finite = std::mem::take(&mut self.scratch);
        finite.clear();
        let mut long = Vec::new();
        for (index, value) in array.iter().enumerate() {
            let Some(value) = value else { continue };
            if value.unsigned_abs() > 1 << 53 {
                long.push((finite.len(), value));
            }
            finite.push(value as f64);
            self.offer(value as f64, || row(index));
        }
        let mut long = long.into_iter().peekable();
        self.observe_finite(&finite, |index, value| match long.next_if(|l| l.0 == index) {
            Some((_, exact)) => mix(exact as u64 ^ 0x5851_F42D_4C95_7F2D),
            None => hash_number(value),
        });
        self.scratch = finite;
        if !array.is_empty() {
            // the float of a long integer may equal its neighbour's
            self.monotone.observe(row(0), array.iter(), |v| (v as f64, v));
        }
    }

    fn observe_booleans(&mut self, array: &BooleanArray, row: RowNumber<'_>) {
        let finite: Vec<f64> = array.iter().flatten().map(|b| f64::from(u8::from(b))).collect();
        self.observe_finite(&finite, |_, value| hash_number(value));
        for (index, value) in array.iter().enumerate() {
            let Some(value) = value else { continue };
            self.offer(f64::from(u8::from(value)), || row(index));
        }
        self.monotone.give_up();
    }

    #[inline]
    fn offer(&mut self, value: f64, row: impl Fn() -> u64) {
        self.lowest.offer(value, &row);
        self.highest.offer(-value, &row);
    }

    fn observe_non_finite(&mut self, value: f64) {
        if value.is_nan() {
            self.n_nan += 1;
        } else if value > 0.0 {
            self.n_positive_infinity += 1;
        } else {
            self.n_negative_infinity += 1;
        }
    }

    fn observe_finite(&mut self, values: &[f64], mut hash: impl FnMut(usize, f64) -> u64) {
        self.n_finite += values.len() as u64;
        self.moments.observe(values);
        self.n_zero += values.iter().filter(|v| v.abs() < f64::MIN_POSITIVE).count() as u64;
        self.n_negative += values.iter().filter(|v| **v < 0.0).count() as u64;
        self.n_fractional += values.iter().filter(|v| has_fraction(**v)).count() as u64;
        self.counter.add_batch(values.iter().enumerate().map(|(index, &value)| (hash(index, value), value)));
    }

    fn merge(&mut self, other: Self, most: usize) {
        self.moments.merge(&other.moments);
        self.counter.merge(other.counter);
        self.n_finite += other.n_finite;
        self.n_nan += other.n_nan;
        self.n_positive_infinity += other.n_positive_infinity;
        self.n_negative_infinity += other.n_negative_infinity;
        merge_first(&mut self.non_finite_rows, other.non_finite_rows, most);
        self.n_zero += other.n_zero;
        self.n_negative += other.n_negative;
        self.n_fractional += other.n_fractional;
        self.lowest.merge(&other.lowest);
        self.highest.merge(&other.highest);
        self.monotone.merge(other.monotone);
    }

    fn finish(&self, part: Part) -> NumberProfile {
        let id = |row| RowId { part, row };
        let (lowest, highest) = (self.lowest.finish(part, 1.0), self.highest.finish(part, -1.0));
        NumberProfile {
            n_finite: self.n_finite,
            n_nan: self.n_nan,
            n_positive_infinity: self.n_positive_infinity,
            n_negative_infinity: self.n_negative_infinity,
            non_finite_rows: self.non_finite_rows.iter().copied().map(id).collect(),
            n_zero: self.n_zero,
            n_negative: self.n_negative,
            n_fractional: self.n_fractional,
            min: lowest.first().map_or(0.0, |e| e.value),
            max: highest.first().map_or(0.0, |e| e.value),
            mean: self.moments.mean(),
            std: self.moments.std(),
            skewness: self.moments.skewness(),
            kurtosis: self.moments.kurtosis(),
            quantiles: self.counter.quantiles(self.n_finite),
            lowest,
            highest,
            histogram: Vec::new(),
        }
    }
}

impl Texts {
    #[inline]
    fn observe(&mut self, text: &str) {
        let length = text.len() as u64;
        self.min_length = if self.n == 0 { length } else { self.min_length.min(length) };
        self.max_length = self.max_length.max(length);
        self.total_length += length;
        self.n += 1;
    }

    fn merge(&mut self, other: Self) {
        if other.n > 0 {
            self.min_length =
                if self.n == 0 { other.min_length } else { self.min_length.min(other.min_length) };
        }
        self.max_length = self.max_length.max(other.max_length);
        self.total_length += other.total_length;
        self.n += other.n;
        self.counter.merge(other.counter);
        self.monotone.merge(other.monotone);
    }

    fn finish(&self) -> Option<TextProfile> {
        (self.n > 0).then(|| TextProfile {
            min_length: self.min_length,
            max_length: self.max_length,
            mean_length: self.total_length as f64 / self.n as f64,
        })
    }
}
