//! JSON values as columns: which kind a column is, and its cells as an array of that kind.

use std::sync::Arc;

use arrow_array::builder::{BooleanBuilder, Float64Builder, StringViewBuilder};
use arrow_array::{ArrayRef, Float64Array, Int64Array};
use stetho_core::table::Kind;

use super::cells::{is_null_word, parse_time};
use super::json_rows::Cell;
use crate::ColumnNotes;

/// How many values of each JSON type a column has.
#[derive(Clone, Debug, Default)]
pub(super) struct Tally {
    booleans: u64,
    numbers: u64,
    texts: u64,
    /// Texts that are dates or times in ISO 8601.
    times: u64,
    objects: u64,
    arrays: u64,
}

impl Tally {
    /// The count of one value.
    pub(super) fn of(cell: &Cell<'_>) -> Self {
        let mut tally = Self::default();
        match cell {
            Cell::Null => {}
            Cell::Bool(_) => tally.booleans = 1,
            Cell::Int(_) | Cell::Float(_) => tally.numbers = 1,
            Cell::Text(text) => {
                tally.texts = 1;
                tally.times = u64::from(parse_time(text.trim().as_bytes()).is_some());
            }
            Cell::Nested(json) if json.starts_with('{') => tally.objects = 1,
            Cell::Nested(_) => tally.arrays = 1,
        }
        tally
    }

    /// Adds another tally.
    pub(super) fn add(&mut self, other: &Self) {
        self.booleans += other.booleans;
        self.numbers += other.numbers;
        self.texts += other.texts;
        self.times += other.times;
        self.objects += other.objects;
        self.arrays += other.arrays;
    }

    /// Whether all values are objects.
    pub(super) fn is_object(&self) -> bool {
        self.objects > 0 && self.booleans + self.numbers + self.texts + self.arrays == 0
    }

    /// The kind that loses least: numbers with some texts between them are a number column with strays.
    pub(super) fn kind(&self, expected: Option<Kind>) -> Kind {
        let nested = self.objects + self.arrays;
        let n_values = self.booleans + self.numbers + self.texts + nested;
        let possible = match expected {
            Some(Kind::Boolean) => self.booleans == n_values,
            Some(Kind::Number) => self.numbers > 0 || n_values == 0,
            Some(Kind::Time) => self.times == n_values,
            Some(Kind::Text | Kind::Nested) => true,
            None => false,
        };
        match expected.filter(|_| possible) {
            Some(kind) => kind,
            None if n_values == 0 => Kind::Text,
            None if nested * 2 >= n_values => Kind::Nested,
            None if self.booleans == n_values => Kind::Boolean,
            None if self.numbers * 2 >= n_values => Kind::Number,
            None if self.times == n_values => Kind::Time,
            None => Kind::Text,
        }
    }
}

/// A column under construction.
pub(super) enum Column {
    Number(Numbers),
    Boolean(BooleanBuilder),
    Time(Float64Builder),
    /// Text, or JSON text if `true`.
    Text(StringViewBuilder, bool),
}

impl Column {
    pub(super) fn new(kind: Kind, n_rows: usize) -> Self {
        match kind {
            Kind::Number => Self::Number(Numbers::default()),
            Kind::Time => Self::Time(Float64Builder::with_capacity(n_rows)),
            Kind::Boolean => Self::Boolean(BooleanBuilder::with_capacity(n_rows)),
            Kind::Text => Self::Text(StringViewBuilder::with_capacity(n_rows), false),
            Kind::Nested => Self::Text(StringViewBuilder::with_capacity(n_rows), true),
        }
    }

    /// Appends a value; one that a boolean or time column cannot hold is appended as null and returned as text.
    pub(super) fn push(&mut self, cell: Cell<'_>) -> Result<(), String> {
        match (self, cell) {
            (Self::Number(numbers), cell) => numbers.push(cell),
            (Self::Boolean(builder), Cell::Bool(value)) => builder.append_value(value),
            (Self::Boolean(builder), Cell::Null) => builder.append_null(),
            (Self::Boolean(builder), other) => {
                builder.append_null();
                return Err(shortened(&written(&other)));
            }
            (Self::Time(builder), Cell::Null) => builder.append_null(),
            (Self::Time(builder), cell) => {
                let time =
                    if let Cell::Text(text) = &cell { parse_time(text.trim().as_bytes()) } else { None };
                builder.append_option(time);
                if time.is_none() {
                    return Err(shortened(&written(&cell)));
                }
            }
            (Self::Text(builder, _), Cell::Null) => builder.append_null(),
            (Self::Text(builder, false), Cell::Text(text)) => builder.append_value(text),
            (Self::Text(builder, _), other) => builder.append_value(written(&other)),
        }
        Ok(())
    }

    /// The array, and what reading it left behind.
    pub(super) fn finish(self) -> (ArrayRef, ColumnNotes) {
        match self {
            Self::Number(numbers) => numbers.finish(),
            Self::Boolean(mut builder) => (Arc::new(builder.finish()), ColumnNotes::default()),
            Self::Time(mut builder) => (Arc::new(builder.finish()), ColumnNotes::default()),
            Self::Text(mut builder, _) => (Arc::new(builder.finish()), ColumnNotes::default()),
        }
    }
}

/// A value as JSON; whole numbers without a fraction.
fn written(cell: &Cell<'_>) -> String {
    match cell {
        Cell::Null => "null".to_owned(),
        Cell::Bool(value) => value.to_string(),
        Cell::Int(value) => value.to_string(),
        Cell::Float(value) => value.to_string(),
        Cell::Text(text) => serde_json::Value::from(text.as_ref()).to_string(),
        Cell::Nested(json) => json.clone(),
    }
}

fn shortened(text: &str) -> String {
    text.chars().take(80).collect()
}

/// Numbers of a batch: integers until the first that is not.
#[derive(Default)]
pub(super) struct Numbers {
    integers: Vec<Option<i64>>,
    floats: Option<Vec<Option<f64>>>,
    notes: ColumnNotes,
}

impl Numbers {
    fn push(&mut self, cell: Cell<'_>) {
        match cell {
            Cell::Int(value) => match &mut self.floats {
                Some(floats) => floats.push(Some(value as f64)),
                None => self.integers.push(Some(value)),
            },
            Cell::Float(value) => self.floats_mut().push(Some(value)),
            Cell::Null => self.push_null(),
            Cell::Text(text) => {
                let word = text.trim();
                let is_nan = word.eq_ignore_ascii_case("nan");
                if word.is_empty() || is_nan || is_null_word(word.as_bytes()) {
                    self.count_null_word(word);
                } else {
                    let row = self.len();
                    self.notes.strays.push((row, text.into_owned()));
                }
                self.push_null();
            }
            other => {
                let row = self.len();
                self.notes.strays.push((row, written(&other)));
                self.push_null();
            }
        }
    }

    fn len(&self) -> usize {
        self.floats.as_ref().map_or(self.integers.len(), Vec::len)
    }

    fn push_null(&mut self) {
        match &mut self.floats {
            Some(floats) => floats.push(None),
            None => self.integers.push(None),
        }
    }

    fn floats_mut(&mut self) -> &mut Vec<Option<f64>> {
        let integers = &mut self.integers;
        self.floats.get_or_insert_with(|| {
            std::mem::take(integers).into_iter().map(|value| value.map(|v| v as f64)).collect()
        })
    }

    fn count_null_word(&mut self, word: &str) {
        match self.notes.null_words.iter_mut().find(|(known, _)| known == word) {
            Some((_, count)) => *count += 1,
            None => self.notes.null_words.push((word.to_owned(), 1)),
        }
    }

    fn finish(self) -> (ArrayRef, ColumnNotes) {
        let array: ArrayRef = match self.floats {
            Some(floats) => Arc::new(Float64Array::from(floats)),
            None => Arc::new(Int64Array::from(self.integers)),
        };
        (array, self.notes)
    }
}
