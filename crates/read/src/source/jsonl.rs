//! JSON objects, one a line or in one array. Blocks of whole objects are cut serially and parsed in the parts.

use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use std::collections::HashMap;
use stetho_core::table::{Kind, MalformedRow};

use super::compressed::open_bytes;
use super::json_blocks::{Block, Blocks, Layout, Stop};
use super::json_columns::{Column, Tally};
use super::json_rows::{Cell, Names, RowSeed, with_bare_numbers};
use super::{batch_rows, canonical, damaged};
use crate::batch::Decode;
use crate::{Batch, ColumnNotes, Field, Lines, Part, ReadError, Source};

/// Objects that decide on columns and kinds.
const SAMPLED: usize = 1_000;
/// More columns than this are no table.
const MOST_COLUMNS: usize = 20_000;

/// Opens a file of JSON objects.
///
/// The columns are the fields of the first 1,000 objects; `expected` decides on the kind where these leave it open.
///
/// # Errors
/// When it cannot be read, or none of the first 1,000 records is an object.
pub(crate) fn open(path: &Path, expected: Option<&[Field]>) -> Result<Box<dyn Source>, ReadError> {
    let (mut blocks, stop) = Blocks::new(open_bytes(path)?);
    let mut stop = refused(path, stop)?;
    let (first, later) = blocks.next();
    stop = stop.or(refused(path, later)?);
    let Some(first) = first else { return nothing(path, blocks.layout(), stop) };
    let (names, tallies, n_objects) = survey(&first);
    if n_objects == 0 {
        return Err(ReadError::malformed(path, "none of its first records is a JSON object"));
    }
    if n_objects == 1 && first.records.len() == 1 && tallies.iter().all(|t| t.is_object()) {
        let problem = "one JSON object of objects, not one object a row; write it with `orient=\"records\", lines=True`";
        return Err(ReadError::malformed(path, problem));
    }
    if names.list().is_empty() || names.list().len() > MOST_COLUMNS {
        let problem =
            format!("the objects have {} different fields, expected 1 to {MOST_COLUMNS}", names.list().len());
        return Err(ReadError::malformed(path, problem));
    }
    let expected: HashMap<&str, Kind> =
        expected.unwrap_or_default().iter().map(|f| (f.name.as_str(), f.kind)).collect();
    let kinds = names.list().iter().zip(&tallies).map(|(name, tally)| Field {
        name: name.clone(),
        kind: tally.kind(expected.get(name.as_str()).copied()),
    });
    let fields = kinds.collect();
    let shared = Arc::new(Shared { path: path.to_owned(), fields, names });
    Ok(Box::new(Jsonl { shared, blocks, first: Some(first), stop, row: 0 }))
}

fn nothing(path: &Path, layout: Layout, stop: Option<String>) -> Result<Box<dyn Source>, ReadError> {
    let problem = match (stop, layout) {
        (Some(problem), _) => format!("damaged file: {problem}"),
        (None, Layout::Array) => "the JSON array is empty".to_owned(),
        (None, Layout::Lines) => "the file has no records".to_owned(),
    };
    Err(ReadError::malformed(path, problem))
}

/// The words of damage, or the operating system's refusal as an error.
fn refused(path: &Path, stop: Option<Stop>) -> Result<Option<String>, ReadError> {
    match stop {
        None => Ok(None),
        Some(Stop::Damaged(words)) => Ok(Some(words)),
        Some(Stop::Refused(error)) => Err(ReadError::io(path, error)),
    }
}

/// Names, what their values are, and the number of objects among the first records.
fn survey(block: &Block) -> (Names, Vec<Tally>, usize) {
    let (mut names, mut tallies, mut n_objects) = (Names::default(), Vec::<Tally>::new(), 0);
    for (range, _) in block.records.iter().take(SAMPLED) {
        let Some(bytes) = block.bytes.get(range.clone()) else { continue };
        let mut found: Vec<(String, Tally)> = Vec::new();
        let read = with_object(bytes, &Names::default(), |_, unknown| {
            found = unknown.iter().map(|(name, cell)| (name.clone(), Tally::of(cell))).collect();
        });
        if read.is_err() {
            continue;
        }
        n_objects += 1;
        for (name, tally) in found {
            let at = names.add(&name);
            tallies.resize_with(names.list().len(), Tally::default);
            if let Some(sum) = tallies.get_mut(at) {
                sum.add(&tally);
            }
        }
    }
    (names, tallies, n_objects)
}

/// What was done to a record to read it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Repair {
    None,
    NotUtf8,
}

/// Reads one object and hands its cells and unknown fields on.
fn with_object(
    bytes: &[u8],
    names: &Names,
    mut take: impl FnMut(&mut [Cell<'_>], &[(String, Cell<'_>)]),
) -> Result<Repair, String> {
    let mut read = |bytes: &[u8]| {
        let (mut cells, mut unknown) = (Vec::new(), Vec::new());
        let seed = RowSeed { names, cells: &mut cells, unknown: &mut unknown };
        seed.read(bytes).map_err(|e| e.to_string())?;
        take(&mut cells, &unknown);
        Ok::<_, String>(())
    };
    let problem = match read(bytes) {
        Ok(()) => return Ok(Repair::None),
        Err(problem) => problem,
    };
    let (text, repair) = match std::str::from_utf8(bytes) {
        Ok(text) => (std::borrow::Cow::Borrowed(text), Repair::None),
        Err(_) => (String::from_utf8_lossy(bytes), Repair::NotUtf8),
    };
    if let Some(marked) = with_bare_numbers(text.as_bytes()) {
        return read(&marked).map(|()| repair);
    }
    match repair {
        Repair::None => Err(problem),
        Repair::NotUtf8 => read(text.as_bytes()).map(|()| repair),
    }
}

/// What all parts of a file need.
struct Shared {
    path: PathBuf,
    fields: Vec<Field>,
    names: Names,
}

struct Jsonl {
    shared: Arc<Shared>,
    blocks: Blocks,
    /// Read for the survey, not yet handed on.
    first: Option<Block>,
    /// Damage that comes behind the blocks read so far.
    stop: Option<String>,
    /// 0-based row of the next record.
    row: u64,
}

impl Source for Jsonl {
    fn fields(&self) -> &[Field] {
        &self.shared.fields
    }

    fn format(&self) -> String {
        let layout = match self.blocks.layout() {
            Layout::Lines => "JSON lines",
            Layout::Array => "JSON array",
        };
        format!("{layout}{}", self.blocks.compression_words())
    }

    fn next_part(&mut self) -> Result<Option<Part>, ReadError> {
        let block = match self.first.take() {
            Some(first) => Some(first),
            None => {
                let (block, stop) = self.blocks.next();
                let stop = refused(&self.shared.path, stop)?;
                self.stop = self.stop.take().or(stop);
                block
            }
        };
        let row = self.row;
        let shared = Arc::clone(&self.shared);
        if let Some(block) = block {
            let rows = row..row + block.records.len() as u64;
            self.row = rows.end;
            let bytes = block.consumed;
            let decode: Decode = Box::new(move |sink| decode(&shared, &block, row, sink));
            return Ok(Some(Part { rows, bytes, decode }));
        }
        let Some(problem) = self.stop.take() else { return Ok(None) };
        let decode: Decode = Box::new(move |sink| {
            let entry = damaged(&shared.path, row, problem);
            sink(Batch::only_malformed(&shared.fields, row, vec![entry]));
            Ok(())
        });
        Ok(Some(Part { rows: row..row, bytes: 0, decode }))
    }
}

fn decode(
    shared: &Shared,
    block: &Block,
    first_row: u64,
    sink: &mut dyn FnMut(Batch) -> bool,
) -> Result<(), ReadError> {
    let row_bytes = block.bytes.len() / block.records.len().max(1);
    let size = batch_rows(shared.fields.len(), (row_bytes as u64).max(8 * shared.fields.len() as u64));
    let mut unknown = Vec::new();
    for (at, records) in block.records.chunks(size).enumerate() {
        let first = first_row + (at * size) as u64;
        let batch = read_batch(shared, &block.bytes, records, first, &mut unknown)
            .map_err(|e| ReadError::malformed(&shared.path, e.to_string()))?;
        if !sink(batch) {
            break;
        }
    }
    Ok(())
}

fn read_batch(
    shared: &Shared,
    bytes: &[u8],
    records: &[(Range<usize>, u64)],
    first_row: u64,
    told: &mut Vec<String>,
) -> Result<Batch, arrow_schema::ArrowError> {
    let mut columns: Vec<Column> = shared.fields.iter().map(|f| Column::new(f.kind, records.len())).collect();
    let (mut rows, mut lines, mut malformed) = (Vec::new(), Vec::new(), Vec::new());
    for (index, (range, line)) in records.iter().enumerate() {
        let record = bytes.get(range.clone()).unwrap_or_default();
        let mut problems = Vec::new();
        let read = with_object(record, &shared.names, |cells, unknown| {
            for (column, (cell, field)) in columns.iter_mut().zip(cells.iter_mut().zip(&shared.fields)) {
                if let Err(value) = column.push(std::mem::take(cell)) {
                    problems.push(format!("wrong type: `{}` is {value}, expected a boolean", field.name));
                }
            }
            note_unknown(unknown, told, &mut problems);
        });
        match read {
            Ok(repair) => {
                rows.push(first_row + index as u64);
                lines.push(*line);
                if repair == Repair::NotUtf8 {
                    problems.push("not UTF-8: read with replacement characters".to_owned());
                }
            }
            Err(problem) => problems.push(format!("not a JSON object: {problem}")),
        }
        if !problems.is_empty() {
            let row = first_row + index as u64;
            malformed.push(entry(&shared.path, row, *line, problems.join("; "), record));
        }
    }
    let (arrays, notes): (Vec<_>, Vec<ColumnNotes>) = columns.into_iter().map(Column::finish).unzip();
    let complete = rows.len() == records.len();
    Ok(Batch {
        rows: canonical::assemble(&shared.fields, arrays, rows.len())?,
        first_row: rows.first().copied().unwrap_or(first_row),
        row_numbers: (!complete).then_some(rows),
        lines: Lines::Each(lines),
        notes,
        malformed,
    })
}

/// Fields that the first objects do not have, each once a part.
fn note_unknown(unknown: &[(String, Cell<'_>)], told: &mut Vec<String>, problems: &mut Vec<String>) {
    for (name, _) in unknown {
        if told.len() < 100 && !told.contains(name) {
            problems
                .push(format!("unknown field: `{name}` is in none of the first {SAMPLED} objects; left out"));
            told.push(name.clone());
        }
    }
}

fn entry(path: &Path, row: u64, line: u64, problem: String, record: &[u8]) -> MalformedRow {
    let start = record.get(..480).unwrap_or(record);
    MalformedRow {
        path: path.display().to_string(),
        row,
        line: Some(line),
        problem,
        text: String::from_utf8_lossy(start).trim().chars().take(120).collect(),
    }
}
