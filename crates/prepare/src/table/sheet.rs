//! The rows of a data set as text cells, as they will be written.

use std::path::{Path, PathBuf};

use arrow_array::cast::AsArray;
use arrow_array::types::{Float64Type, Int64Type};
use arrow_array::{Array, ArrayRef};
use stetho_core::table::{Kind, Part};
use stetho_read::{Batch, Field, Watch, source};

use super::cells::{show_number, show_time};
use crate::PrepareError;

/// Cells that are read at most; a copy is made in memory.
const MOST_CELLS: usize = 25_000_000;

/// One cell as it is written; `None` where there is no value.
pub(crate) type Cell = Option<Box<str>>;

/// Where a row was.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Origin {
    /// Index into [`Book::files`].
    pub file: u32,
    /// 0-based row within the file.
    pub row: u64,
    /// 1-based line.
    pub line: Option<u64>,
}

/// The rows of one part.
#[derive(Clone, Debug, Default)]
pub(crate) struct Sheet {
    pub part: Part,
    /// In the order of [`Book::fields`]; `None` where no file of the part has the column.
    pub columns: Vec<Option<Vec<Cell>>>,
    /// Where each row was; `None` for one that was made.
    pub origins: Vec<Option<Origin>>,
}

/// A data set in memory.
#[derive(Clone, Debug, Default)]
pub(crate) struct Book {
    pub fields: Vec<Field>,
    pub files: Vec<String>,
    pub sheets: Vec<Sheet>,
    /// Rows that could not be read, as (file, row, line, problem, text).
    pub unreadable: Vec<stetho_core::table::MalformedRow>,
}

impl Sheet {
    pub(crate) fn n_rows(&self) -> usize {
        self.origins.len()
    }

    /// The cell of `row` in `column`.
    pub(crate) fn get(&self, column: usize, row: usize) -> Option<&str> {
        self.columns.get(column)?.as_ref()?.get(row)?.as_deref()
    }

    /// These rows, in this order.
    pub(crate) fn pick(&self, part: Part, rows: &[usize]) -> Self {
        let of = |cells: &Vec<Cell>| rows.iter().filter_map(|i| cells.get(*i).cloned()).collect();
        Self {
            part,
            columns: self.columns.iter().map(|cells| cells.as_ref().map(of)).collect(),
            origins: rows.iter().filter_map(|i| self.origins.get(*i).copied()).collect(),
        }
    }

    /// Keeps the rows that `keeps` names.
    pub(crate) fn retain(&mut self, keeps: &[bool]) {
        let rows: Vec<usize> = (0..self.n_rows()).filter(|i| keeps.get(*i) == Some(&true)).collect();
        *self = self.pick(self.part, &rows);
    }
}

impl Book {
    /// Reads the files of each part; `fields` are the columns of the first training file.
    pub(crate) fn read(parts: [(Part, &[PathBuf]); 3], watch: &dyn Watch) -> Result<Self, PrepareError> {
        let mut book = Self::default();
        for (part, paths) in parts {
            if paths.is_empty() {
                continue;
            }
            let (files, _) = source::expand(paths)?;
            let mut sheet = Sheet { part, ..Sheet::default() };
            for file in files {
                if !paths.contains(&file) && source::open(&file, None).is_err() {
                    continue; // stepped over, as `check` does
                }
                book.append(&mut sheet, &file, watch)?;
            }
            book.sheets.push(sheet);
        }
        Ok(book)
    }

    /// Index of the column called `name`.
    pub(crate) fn column(&self, name: &str, what: &str) -> Result<usize, PrepareError> {
        self.fields.iter().position(|f| f.name == name).ok_or_else(|| {
            let names: Vec<String> = self.fields.iter().take(8).map(|f| format!("`{}`", f.name)).collect();
            let more = if self.fields.len() > 8 { " and more" } else { "" };
            PrepareError::Request(format!(
                "{what}: there is no column `{name}`; there are {}{more}",
                names.join(", ")
            ))
        })
    }

    fn append(&mut self, sheet: &mut Sheet, path: &Path, watch: &dyn Watch) -> Result<(), PrepareError> {
        let is_first = self.fields.is_empty();
        let opened = source::open(path, (!is_first).then_some(self.fields.as_slice()))?;
        let own = opened.fields().to_vec();
        if is_first {
            self.fields.clone_from(&own);
        }
        // Cells of text files are taken as they are written; but numbers are read where they may have a decimal comma.
        let is_plain = opened.format().contains("`,`-separated");
        let is_kept = |kind| kind == Kind::Number && !is_plain;
        let wanted: Vec<Field> = own
            .iter()
            .map(|f| Field { kind: if is_kept(f.kind) { f.kind } else { Kind::Text }, ..f.clone() })
            .collect();
        let mut source = source::open(path, Some(&wanted))?;
        let read: Vec<Field> = source.fields().to_vec();
        let places: Vec<Option<usize>> =
            self.fields.iter().map(|f| read.iter().position(|other| other.name == f.name)).collect();
        let first = sheet.n_rows();
        if sheet.columns.is_empty() {
            sheet.columns = places.iter().map(|place| place.map(|_| Vec::new())).collect();
        }
        for (column, place) in sheet.columns.iter_mut().zip(&places) {
            if column.is_none() && place.is_some() {
                *column = Some(vec![None; first]);
            }
        }
        let file = u32::try_from(self.files.len()).unwrap_or(u32::MAX);
        self.files.push(path.display().to_string());
        while let Some(piece) = source.next_part()?.filter(|_| !watch.stopped()) {
            let mut problem = None;
            (piece.decode)(&mut |batch| {
                problem = self.push(sheet, file, &batch, &places, &read);
                problem.is_none() && !watch.stopped()
            })?;
            if let Some(problem) = problem {
                return PrepareError::request(problem);
            }
        }
        for (column, place) in sheet.columns.iter_mut().zip(&places) {
            let is_time = place.and_then(|at| read.get(at)).is_some_and(|f| f.kind == Kind::Time);
            if let Some(cells) = column.as_mut().filter(|_| is_time) {
                shorten_dates(cells.get_mut(first..).unwrap_or_default());
            }
        }
        Ok(())
    }

    /// Takes in a batch; says why not, where it cannot.
    fn push(
        &mut self,
        sheet: &mut Sheet,
        file: u32,
        batch: &Batch,
        places: &[Option<usize>],
        read: &[Field],
    ) -> Option<String> {
        self.unreadable.extend(batch.malformed.iter().cloned());
        let n_rows = batch.rows.num_rows();
        if (sheet.n_rows() + n_rows).saturating_mul(self.fields.len().max(1)) > MOST_CELLS {
            return Some(format!(
                "the table has more than {} cells, and a copy is made in memory; prepare a part of it",
                stetho_core::thousands(MOST_CELLS as u64)
            ));
        }
        for (column, place) in sheet.columns.iter_mut().zip(places) {
            let Some(cells) = column else { continue };
            let found = place.and_then(|at| Some((batch.rows.columns().get(at)?, read.get(at)?.kind, at)));
            let Some((array, kind, at)) = found else {
                cells.extend(std::iter::repeat_n(None, n_rows));
                continue;
            };
            let start = cells.len();
            cells.extend((0..n_rows).map(|row| text_of(array, kind, row)));
            for (row, text) in batch.notes.get(at).map_or(&[][..], |notes| &notes.strays) {
                if let Some(cell) = cells.get_mut(start + row) {
                    *cell = Some(text.as_str().into());
                }
            }
        }
        let origin = |index| Origin { file, row: batch.row_number(index), line: batch.lines.of(index) };
        sheet.origins.extend((0..n_rows).map(|index| Some(origin(index))));
        None
    }
}

fn text_of(array: &ArrayRef, kind: Kind, row: usize) -> Cell {
    if array.is_null(row) {
        return None;
    }
    if let Some(floats) = array.as_primitive_opt::<Float64Type>() {
        let value = floats.value(row);
        return Some(if kind == Kind::Time { show_time(value) } else { show_number(value) }.into());
    }
    if let Some(integers) = array.as_primitive_opt::<Int64Type>() {
        return Some(integers.value(row).to_string().into());
    }
    if let Some(booleans) = array.as_boolean_opt() {
        return Some(if booleans.value(row) { "true" } else { "false" }.into());
    }
    array.as_string_view_opt().map(|texts| texts.value(row).into())
}

/// Writes midnights as dates where there is nothing else.
fn shorten_dates(cells: &mut [Cell]) {
    const MIDNIGHT: &str = "T00:00:00Z";
    if cells.iter().flatten().all(|cell| cell.ends_with(MIDNIGHT)) {
        for cell in cells.iter_mut().flatten() {
            *cell = cell.trim_end_matches(MIDNIGHT).into();
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use arrow_array::{BooleanArray, Float64Array, Int64Array};

    use super::*;

    #[test]
    fn typed_cells_are_written_as_what_they_are() {
        let floats: ArrayRef = Arc::new(Float64Array::from(vec![Some(1.5), None, Some(86_400.0)]));
        let integers: ArrayRef = Arc::new(Int64Array::from(vec![9_007_199_254_740_993]));
        let booleans: ArrayRef = Arc::new(BooleanArray::from(vec![true]));
        assert_eq!(text_of(&floats, Kind::Number, 0).as_deref(), Some("1.5"));
        assert_eq!(text_of(&floats, Kind::Number, 1), None);
        assert_eq!(text_of(&floats, Kind::Time, 2).as_deref(), Some("1970-01-02T00:00:00Z"));
        assert_eq!(text_of(&integers, Kind::Number, 0).as_deref(), Some("9007199254740993"));
        assert_eq!(text_of(&booleans, Kind::Boolean, 0).as_deref(), Some("true"));
    }

    #[test]
    fn dates_are_dates_only_where_there_is_no_time_of_day() {
        let cells = |texts: [&str; 2]| texts.map(|t| Some(Box::from(t)));
        let mut dates = cells(["1970-01-02T00:00:00Z", "2000-02-29T00:00:00Z"]);
        shorten_dates(&mut dates);
        assert_eq!(dates, cells(["1970-01-02", "2000-02-29"]));
        let mut times = cells(["1970-01-02T00:00:00Z", "2000-02-29T12:00:00Z"]);
        shorten_dates(&mut times);
        assert_eq!(times, cells(["1970-01-02T00:00:00Z", "2000-02-29T12:00:00Z"]));
    }
}
