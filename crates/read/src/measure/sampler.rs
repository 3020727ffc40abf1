//! Draws the uniform sample of rows.

use std::collections::HashMap;

use arrow_array::cast::AsArray;
use arrow_array::types::{Float64Type, Int64Type};
use arrow_array::{Array, ArrayRef};
use stetho_core::table::{Kind, Part, RowId};

use super::counter::mix;
use crate::{Sample, SampleColumn};

/// Longest text kept, in characters; longer texts that start alike count as one category.
const TEXT_LENGTH: usize = 128;

#[derive(Clone, Debug)]
enum Cell {
    Null,
    Number(f64),
    Text(Box<str>),
}

#[derive(Clone, Debug)]
struct Row {
    priority: u64,
    number: u64,
    cells: Box<[Cell]>,
}

/// Keeps the `capacity` rows whose number has the smallest hash: a bottom-k sample, uniform without replacement, and
/// the same in any split and order of merging.
#[derive(Clone, Debug)]
pub(crate) struct Sampler {
    part: Part,
    capacity: usize,
    n_rows: u64,
    rows: Vec<Row>,
    /// Rows with a larger priority cannot be in the sample.
    threshold: u64,
}

impl Sampler {
    /// A sampler for tables of `n_columns` columns: 20,000 rows, fewer for wide tables so that 2 M cells suffice; or as
    /// many as are asked for.
    pub(crate) fn new(part: Part, n_columns: usize, kept: Option<usize>) -> Self {
        let capacity = kept.unwrap_or_else(|| (2_000_000 / n_columns.max(1)).clamp(500, 20_000));
        Self { part, capacity, n_rows: 0, rows: Vec::new(), threshold: u64::MAX }
    }

    /// Takes a batch in; `row` gives each row's number within the part.
    pub(crate) fn observe(
        &mut self,
        columns: &[Option<ArrayRef>],
        n_rows: usize,
        row: impl Fn(usize) -> u64,
    ) {
        self.n_rows += n_rows as u64;
        for index in 0..n_rows {
            let number = row(index);
            let priority = mix(number.wrapping_add(0x9E37_79B9_7F4A_7C15));
            if priority > self.threshold {
                continue;
            }
            let cells =
                columns.iter().map(|column| column.as_ref().map_or(Cell::Null, |c| cell(c, index))).collect();
            self.rows.push(Row { priority, number, cells });
            if self.rows.len() >= 2 * self.capacity {
                self.prune();
            }
        }
    }

    fn prune(&mut self) {
        if self.rows.len() > self.capacity {
            self.rows.select_nth_unstable_by_key(self.capacity - 1, |row| row.priority);
            self.rows.truncate(self.capacity);
            self.threshold = self.rows[self.capacity - 1].priority;
        }
    }

    /// Joins the sample of other rows of the same part.
    pub(crate) fn merge(&mut self, other: Self) {
        self.n_rows += other.n_rows;
        self.rows.extend(other.rows);
        self.threshold = self.threshold.min(other.threshold);
        self.prune();
    }

    /// The sample, column by column.
    pub(crate) fn finish(mut self, kinds: &[Kind]) -> Sample {
        self.prune();
        self.rows.sort_unstable_by_key(|row| row.number);
        let columns = kinds.iter().enumerate().map(|(column, kind)| match kind {
            Kind::Number | Kind::Boolean | Kind::Time => SampleColumn::Numbers(self.numbers(column)),
            Kind::Text => self.categories(column),
            Kind::Nested => SampleColumn::Absent,
        });
        Sample {
            columns: columns.collect(),
            rows: self.rows.iter().map(|row| RowId { part: self.part, row: row.number }).collect(),
            n_total: self.n_rows,
        }
    }

    fn numbers(&self, column: usize) -> Vec<f64> {
        let number = |row: &Row| match row.cells[column] {
            Cell::Number(value) if value.is_finite() => value,
            _ => f64::NAN,
        };
        self.rows.iter().map(number).collect()
    }

    fn categories(&self, column: usize) -> SampleColumn {
        let mut known: HashMap<&str, u32> = HashMap::new();
        let mut names = Vec::new();
        let mut code = |row: &'_ Row| match &row.cells[column] {
            Cell::Text(text) => Some(text.clone()),
            Cell::Null | Cell::Number(_) => None,
        };
        let texts: Vec<Option<Box<str>>> = self.rows.iter().map(&mut code).collect();
        let codes = texts
            .iter()
            .map(|text| {
                let text = text.as_deref()?;
                Some(*known.entry(text).or_insert_with(|| {
                    names.push(text.to_owned());
                    names.len() as u32 - 1
                }))
            })
            .collect();
        SampleColumn::Categories { codes, names }
    }
}

fn cell(array: &ArrayRef, index: usize) -> Cell {
    if array.is_null(index) {
        Cell::Null
    } else if let Some(floats) = array.as_primitive_opt::<Float64Type>() {
        Cell::Number(floats.value(index))
    } else if let Some(integers) = array.as_primitive_opt::<Int64Type>() {
        Cell::Number(integers.value(index) as f64)
    } else if let Some(booleans) = array.as_boolean_opt() {
        Cell::Number(f64::from(u8::from(booleans.value(index))))
    } else if let Some(texts) = array.as_string_view_opt() {
        Cell::Text(texts.value(index).chars().take(TEXT_LENGTH).collect())
    } else {
        Cell::Null
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use arrow_array::Float64Array;

    use super::*;

    fn sample(cuts: &[(u64, u64)]) -> Sample {
        let empty = || Sampler { capacity: 50, ..Sampler::new(Part::Train, 1, None) };
        let mut whole = empty();
        for &(start, end) in cuts {
            let range = start..end;
            let mut part = empty();
            let values: ArrayRef = Arc::new(Float64Array::from_iter_values(range.clone().map(|v| v as f64)));
            part.observe(&[Some(values)], (range.end - range.start) as usize, |i| range.start + i as u64);
            whole.merge(part);
        }
        whole.finish(&[Kind::Number])
    }

    #[test]
    fn any_split_gives_the_same_uniform_sample() {
        let whole = sample(&[(0, 1000)]);
        assert_eq!(whole, sample(&[(700, 1000), (0, 10), (10, 700)]));
        assert_eq!(whole.rows.len(), 50);
        assert!(whole.rows.windows(2).all(|w| w[0].row < w[1].row));
        let mean = whole.rows.iter().map(|r| r.row as f64).sum::<f64>() / 50.0;
        assert!((mean - 500.0).abs() < 150.0, "{mean}");
        assert_eq!(
            whole.columns[0],
            SampleColumn::Numbers(whole.rows.iter().map(|r| r.row as f64).collect())
        );
    }

    #[test]
    fn a_small_part_is_taken_whole() {
        assert_eq!(sample(&[(0, 30)]).rows.len(), 30);
    }
}
