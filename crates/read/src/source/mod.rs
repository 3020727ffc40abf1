//! Readers: one file a format.

use std::path::Path;
use std::sync::Arc;

use arrow_array::{ArrayRef, BooleanArray, Float64Array, RecordBatch, StringViewArray};
use stetho_core::table::{Kind, MalformedRow};

use crate::{Batch, Field, Lines, ReadError, Source};

mod binary_text;
mod canonical;
mod cells;
pub(crate) mod compressed;
mod csv;
mod csv_block;
mod detect;
pub(crate) mod dialect;
pub(crate) mod encoding;
pub(crate) mod guard;
mod ipc;
mod json_blocks;
mod json_columns;
mod json_rows;
mod jsonl;
mod npz;
mod numpy;
mod numpy_cells;
pub(crate) mod numpy_header;
mod parquet;
mod spaces;
mod walk;

pub use cells::is_null_word;
pub use detect::{FileKind, detect};
pub use walk::expand;

/// Opens a data file of any kind that Stetho reads; the content decides which, not the name.
///
/// `expected` are the columns of the training part, so that the same column of a validation or test file is read as
/// the same kind where the file itself leaves that open (CSV, JSONL).
///
/// # Errors
/// When it is missing, unreadable, empty, damaged beyond reading, or not a data file.
pub fn open(path: &Path, expected: Option<&[Field]>) -> Result<Box<dyn Source>, ReadError> {
    match detect(path)? {
        FileKind::Parquet => parquet::open(path),
        FileKind::ArrowFile | FileKind::ArrowStream => ipc::open(path),
        FileKind::Npy => numpy::open(path),
        FileKind::Npz => npz::open(path),
        FileKind::Json => jsonl::open(path, expected),
        FileKind::Csv => csv::open(path, expected),
    }
}

/// Opens a NumPy `.npy` file, whatever it is called. For fuzzing; use [`open`].
///
/// # Errors
/// When it is not a NumPy array that is a table.
pub fn open_numpy(path: &Path) -> Result<Box<dyn Source>, ReadError> {
    numpy::open(path)
}

/// Opens a text table, whatever it is called. For fuzzing; use [`open`].
///
/// # Errors
/// When it holds no row of text.
pub fn open_csv(path: &Path) -> Result<Box<dyn Source>, ReadError> {
    csv::open(path, None)
}

/// Rows of a batch, for this many columns and decoded bytes a row: at most 16,384 rows, about two million cells and
/// 16 MiB.
pub(crate) fn batch_rows(n_columns: usize, row_bytes: u64) -> usize {
    let by_cells = 2_000_000 / n_columns.max(1);
    let by_bytes = (16 << 20) / row_bytes.clamp(1, 16 << 20) as usize;
    by_cells.min(by_bytes).clamp(1, 16_384)
}

/// An entry of the malformed log for a file that cannot be read further.
pub(crate) fn damaged(path: &Path, row: u64, problem: impl std::fmt::Display) -> MalformedRow {
    MalformedRow {
        path: path.display().to_string(),
        row,
        line: None,
        problem: format!("damaged file: {problem}"),
        text: String::new(),
    }
}

impl Batch {
    /// Consecutive rows of a file that carries types.
    pub(crate) fn typed(rows: RecordBatch, first_row: u64) -> Self {
        Self {
            rows,
            first_row,
            row_numbers: None,
            lines: Lines::None,
            notes: Vec::new(),
            malformed: Vec::new(),
        }
    }

    /// No rows, only entries of the malformed log.
    pub(crate) fn only_malformed(fields: &[Field], first_row: u64, malformed: Vec<MalformedRow>) -> Self {
        Self { malformed, ..Self::typed(empty_batch(fields), first_row) }
    }
}

fn empty_batch(fields: &[Field]) -> RecordBatch {
    let columns = fields.iter().map(|field| -> ArrayRef {
        match field.kind {
            Kind::Number | Kind::Time => Arc::new(Float64Array::new_null(0)),
            Kind::Boolean => Arc::new(BooleanArray::new_null(0)),
            Kind::Text | Kind::Nested => Arc::new(StringViewArray::new_null(0)),
        }
    });
    canonical::assemble(fields, columns.collect(), 0)
        .unwrap_or_else(|_| RecordBatch::new_empty(Arc::new(arrow_schema::Schema::empty())))
}
