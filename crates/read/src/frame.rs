//! A table in memory, for what needs every value rather than sums.

use std::path::Path;

use arrow_array::cast::AsArray;
use arrow_array::types::{Float64Type, Int64Type};
use arrow_array::{Array, ArrayRef};
use stetho_core::table::{Kind, Part, RowId, Table};

use crate::inputs::Inputs;
use crate::roles::Roles;
use crate::seen::LineRule;
use crate::stream::{FileRows, Pass, stream};
use crate::table::{check_rows, classes, file_facts, finish_part, profile_head, target};
use crate::{Plan, ReadError, Sample, Watch, source};

/// Cells that are kept: beyond, rows are a uniform sample.
const MOST_CELLS: usize = 60_000_000;
/// Rows that are kept however many columns there are.
const FEWEST_ROWS: usize = 20_000;

/// A table with its values.
#[derive(Clone, Debug, Default)]
pub struct Frame {
    /// What was profiled: columns, target, files; nothing of rows.
    pub table: Table,
    /// Index of the group column.
    pub group: Option<usize>,
    /// The rows of each part that has any, all of them while they fit.
    pub parts: Vec<(Part, Sample)>,
    /// Whether the watcher stopped it early.
    pub partial: bool,
    /// Files that were stepped over, with the reason, one line each.
    pub skipped: Vec<String>,
    files: Vec<FramedFile>,
}

/// Where the rows of a file are.
#[derive(Clone, Debug)]
struct FramedFile {
    path: String,
    part: Part,
    rows: FileRows,
}

/// Where a row is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FramePlace {
    /// The file, as the user named it.
    pub path: String,
    /// 0-based row within the file.
    pub row: u64,
    /// 1-based line, where the file has lines and rows do not span them.
    pub line: Option<u64>,
}

impl Frame {
    /// Where a row is.
    pub fn place(&self, id: RowId) -> Option<FramePlace> {
        let holds = |file: &&FramedFile| {
            let rows = file.rows.first_row..file.rows.first_row + file.rows.n_rows;
            file.part == id.part && rows.contains(&id.row)
        };
        let file = self.files.iter().find(holds)?;
        let row = id.row - file.rows.first_row;
        let line = if let LineRule::Plus(offset) = file.rows.lines { Some(row + offset) } else { None };
        Some(FramePlace { path: file.path.clone(), row, line })
    }

    /// Index of the column called `name`.
    ///
    /// # Errors
    /// When there is none: `what` asked for it, and the nearest names are told.
    pub fn column(&self, name: &str, what: &str) -> Result<usize, ReadError> {
        crate::roles::find_column(&self.table.columns, name, what)
    }
}

/// Reads a tabular data set into memory: all rows, or a uniform sample where they are more than fit.
///
/// # Errors
/// As for [`crate::read_table`].
pub fn read_frame(plan: &Plan, watch: &dyn Watch) -> Result<Frame, ReadError> {
    let inputs = Inputs::find(plan)?;
    let head = profile_head(&inputs)?;
    let everywhere: Vec<bool> =
        (0..inputs.fields.len()).map(|i| inputs.files.iter().all(|f| f.columns[i].is_some())).collect();
    let roles = Roles::decide(plan, &head, &everywhere)?;
    let capacity = (MOST_CELLS / inputs.fields.len().max(1)).max(FEWEST_ROWS);
    let pass = stream(&Plan { kept: Some(capacity), ..plan.clone() }, &inputs, &roles, watch)?;
    check_rows(&inputs, &pass)?;
    Ok(framed(inputs, &roles, pass))
}

fn framed(inputs: Inputs, roles: &Roles, pass: Pass) -> Frame {
    let files = inputs.files.iter().zip(&pass.files).map(|(input, rows)| FramedFile {
        path: input.path.display().to_string(),
        part: input.part,
        rows: rows.clone(),
    });
    let mut frame =
        Frame { partial: pass.is_partial, group: roles.group, files: files.collect(), ..Frame::default() };
    for (part, state) in [Part::Train, Part::Validation, Part::Test].into_iter().zip(pass.parts) {
        if state.n_rows == 0 {
            continue;
        }
        let n_rows = state.n_rows;
        let found = classes(&state, roles);
        let (columns, sample) = finish_part(state, &inputs);
        if part == Part::Train {
            frame.table = Table {
                files: file_facts(&inputs, &pass.files, part),
                n_rows,
                target: target(roles, &columns, found),
                columns,
                ..Table::default()
            };
        }
        frame.parts.push((part, sample));
    }
    frame.table.malformed = pass.malformed;
    frame.skipped = inputs.skipped;
    frame
}

/// A file of numbers alone (`.npy`, but any table will do): its columns, and its values row by row.
///
/// # Errors
/// When the file cannot be read, or a column does not hold numbers.
pub fn read_matrix(path: &Path) -> Result<(usize, Vec<f32>), ReadError> {
    let mut source = source::open(path, None)?;
    let n_columns = source.fields().len();
    if let Some(field) = source.fields().iter().find(|f| !matches!(f.kind, Kind::Number | Kind::Boolean)) {
        return Err(ReadError::malformed(path, format!("column `{}` does not hold numbers", field.name)));
    }
    let mut values = Vec::new();
    while let Some(piece) = source.next_part()? {
        (piece.decode)(&mut |batch| {
            for row in 0..batch.rows.num_rows() {
                values.extend(batch.rows.columns().iter().map(|column| number(column, row)));
            }
            true
        })?;
    }
    Ok((n_columns, values))
}

fn number(column: &ArrayRef, row: usize) -> f32 {
    if column.is_null(row) {
        f32::NAN
    } else if let Some(floats) = column.as_primitive_opt::<Float64Type>() {
        floats.value(row) as f32
    } else if let Some(integers) = column.as_primitive_opt::<Int64Type>() {
        integers.value(row) as f32
    } else {
        column.as_boolean_opt().map_or(f32::NAN, |b| f32::from(u8::from(b.value(row))))
    }
}
