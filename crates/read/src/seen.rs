//! Where rows are in the files, and what they hold: for the rows that the record points at.

use std::collections::{BTreeMap, BTreeSet};

use arrow_array::cast::AsArray;
use arrow_array::types::{Float64Type, Int64Type};
use arrow_array::{Array, ArrayRef};
use rayon::prelude::*;
use stetho_core::table::{Kind, RowId, SeenRow, Table};

use crate::inputs::Inputs;
use crate::measure::show_number;
use crate::stream::FileRows;
use crate::{Batch, Lines, Part as Piece, source};

/// Groups of equal rows, and pairs of shared ones, whose values are fetched.
const FETCHED_GROUPS: usize = 10;
/// Rows of each whose values are fetched.
const FETCHED_ROWS: usize = 4;
/// Longest cell text kept, in characters.
const CELL_LENGTH: usize = 80;

/// How the line of a row follows from its number within the file.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum LineRule {
    /// No row has been seen.
    #[default]
    Unknown,
    /// The file has no lines.
    None,
    /// The line is the row number plus this.
    Plus(u64),
    /// Rows may span lines: the file must be read again.
    Irregular,
}

impl LineRule {
    /// Takes the rows of a batch in.
    pub(crate) fn observe(&mut self, batch: &Batch) {
        let n_rows = batch.rows.num_rows();
        let seen = match (&batch.lines, &batch.row_numbers) {
            (Lines::None, _) => Self::None,
            (Lines::From(line), None) if *line >= batch.first_row => Self::Plus(line - batch.first_row),
            (lines, _) => {
                let offset = |i| lines.of(i).and_then(|line| line.checked_sub(batch.row_number(i)));
                match offset(0) {
                    Some(first) if (0..n_rows).all(|i| offset(i) == Some(first)) => Self::Plus(first),
                    _ => Self::Irregular,
                }
            }
        };
        *self = self.join(seen);
    }

    /// What holds of both.
    pub(crate) fn join(self, other: Self) -> Self {
        match (self, other) {
            (Self::Unknown, rule) | (rule, Self::Unknown) => rule,
            (a, b) if a == b => a,
            _ => Self::Irregular,
        }
    }
}

/// Fills [`Table::seen`]: the place of every row that the record points at, and the values of those worth showing.
pub(crate) fn fill(table: &mut Table, inputs: &Inputs, files: &[FileRows]) {
    let worth_showing = rows_to_show(table);
    let mut wanted: BTreeMap<usize, BTreeSet<u64>> = BTreeMap::new();
    for id in rows_pointed_at(table) {
        let Some((index, file)) = file_of(inputs, files, id) else { continue };
        let row = id.row - file.first_row;
        let line = if let LineRule::Plus(offset) = file.lines { Some(row + offset) } else { None };
        let path = inputs.files[index].path.display().to_string();
        table.seen.insert(id, SeenRow { path, row, line, values: Vec::new() });
        if worth_showing.contains(&id) || file.lines == LineRule::Irregular {
            wanted.entry(index).or_default().insert(row);
        }
    }
    for (index, rows) in wanted {
        let part = inputs.files[index].part;
        for (row, line, values) in fetch(inputs, index, &rows) {
            if let Some(seen) = table.seen.get_mut(&RowId { part, row: files[index].first_row + row }) {
                seen.line = line;
                seen.values = values;
            }
        }
    }
}

fn file_of<'a>(inputs: &Inputs, files: &'a [FileRows], id: RowId) -> Option<(usize, &'a FileRows)> {
    files.iter().enumerate().find(|(index, file)| {
        inputs.files[*index].part == id.part
            && (file.first_row..file.first_row + file.n_rows).contains(&id.row)
    })
}

/// Rows whose values help the reader of the report.
fn rows_to_show(table: &Table) -> BTreeSet<RowId> {
    let mut rows = BTreeSet::new();
    for groups in [table.duplicates.get(), table.conflicts.get()].into_iter().flatten() {
        let mut largest: Vec<_> = groups.groups.iter().collect();
        largest.sort_by_key(|group| std::cmp::Reverse(group.count));
        for group in
            largest.iter().take(FETCHED_GROUPS).copied().chain(groups.groups.iter().take(FETCHED_GROUPS))
        {
            rows.extend(group.rows.iter().take(FETCHED_ROWS));
        }
    }
    for overlap in table.overlap.get().into_iter().flatten() {
        for (a, b) in overlap.pairs.iter().take(FETCHED_GROUPS) {
            rows.extend([*a, *b]);
        }
    }
    rows.extend(
        table.isolation.get().into_iter().flat_map(|i| i.rows.iter().take(FETCHED_GROUPS).map(|r| r.row)),
    );
    rows.extend(sampled(table));
    rows
}

/// Every row that some part of the record names.
fn rows_pointed_at(table: &Table) -> BTreeSet<RowId> {
    let mut rows = BTreeSet::new();
    let splits = table.splits.get().into_iter().flatten().flat_map(|s| &s.columns);
    for column in table.columns.iter().chain(splits) {
        rows.extend(&column.null_rows);
        rows.extend(column.strays.iter().map(|cell| cell.row));
        if let Some(number) = &column.number {
            rows.extend(&number.non_finite_rows);
            rows.extend(number.lowest.iter().chain(&number.highest).map(|e| e.row));
        }
    }
    for groups in [table.duplicates.get(), table.conflicts.get()].into_iter().flatten() {
        rows.extend(groups.groups.iter().flat_map(|g| &g.rows));
    }
    for overlap in table.overlap.get().into_iter().flatten() {
        rows.extend(overlap.pairs.iter().flat_map(|(a, b)| [*a, *b]));
    }
    rows.extend(table.isolation.get().into_iter().flat_map(|i| i.rows.iter().map(|r| r.row)));
    rows.extend(sampled(table));
    rows
}

fn sampled(table: &Table) -> impl Iterator<Item = RowId> {
    table.samples.get().into_iter().flat_map(|samples| samples.rows.iter().map(|(row, _)| *row))
}

type Fetched = (u64, Option<u64>, Vec<String>);

/// Reads some rows of a file again. What cannot be read is left out: it was told in the first pass.
fn fetch(inputs: &Inputs, file: usize, rows: &BTreeSet<u64>) -> Vec<Fetched> {
    let input = &inputs.files[file];
    let Ok(mut source) = source::open(&input.path, Some(&inputs.fields)) else { return Vec::new() };
    let Some(&last) = rows.last() else { return Vec::new() };
    let mut fetched = Vec::new();
    let mut waiting: Vec<Piece> = Vec::new();
    let n_waiting = rayon::current_num_threads() * 2;
    loop {
        let piece = source.next_part().ok().flatten();
        let is_end = piece.as_ref().is_none_or(|p| p.rows.start > last);
        waiting.extend(piece.filter(|p| rows.range(p.rows.clone()).next().is_some()));
        if is_end || waiting.len() >= n_waiting {
            let found: Vec<Vec<Fetched>> =
                std::mem::take(&mut waiting).into_par_iter().map(|p| pick(p, inputs, file, rows)).collect();
            fetched.extend(found.into_iter().flatten());
        }
        if is_end {
            return fetched;
        }
    }
}

/// Decodes one piece as far as its last wanted row.
fn pick(piece: Piece, inputs: &Inputs, file: usize, rows: &BTreeSet<u64>) -> Vec<Fetched> {
    let mut found = Vec::new();
    let last = rows.range(piece.rows.clone()).next_back().copied().unwrap_or(0);
    let decoded = (piece.decode)(&mut |batch: Batch| {
        let n_rows = batch.rows.num_rows();
        for index in 0..n_rows {
            let number = batch.row_number(index);
            if rows.contains(&number) {
                found.push((number, batch.lines.of(index), values(inputs, file, &batch, index)));
            }
        }
        n_rows == 0 || batch.row_number(n_rows - 1) < last
    });
    drop(decoded); // a damaged piece was told in the first pass
    found
}

fn values(inputs: &Inputs, file: usize, batch: &Batch, index: usize) -> Vec<String> {
    let value = |(at, field): (&Option<usize>, &crate::Field)| {
        let Some(at) = *at else { return String::new() };
        if let Some((_, text)) =
            batch.notes.get(at).and_then(|n| n.strays.iter().find(|(row, _)| *row == index))
        {
            return text.clone();
        }
        batch.rows.columns().get(at).map_or(String::new(), |array| show(array, index, field.kind))
    };
    inputs.files[file].columns.iter().zip(&inputs.fields).map(value).collect()
}

fn show(array: &ArrayRef, index: usize, kind: Kind) -> String {
    if array.is_null(index) {
        String::new()
    } else if let Some(floats) = array.as_primitive_opt::<Float64Type>() {
        show_number(kind, floats.value(index))
    } else if let Some(integers) = array.as_primitive_opt::<Int64Type>() {
        integers.value(index).to_string()
    } else if let Some(booleans) = array.as_boolean_opt() {
        booleans.value(index).to_string()
    } else if let Some(texts) = array.as_string_view_opt() {
        texts.value(index).chars().take(CELL_LENGTH).collect()
    } else {
        String::new()
    }
}
