//! What travels from a file to the measurers.

use std::ops::Range;

use arrow_array::RecordBatch;
use stetho_core::table::{Kind, MalformedRow};

use crate::ReadError;

/// A column as the measurers see it. The kind fixes the array type:
/// `Number` → `Float64Array` or `Int64Array`; `Boolean` → `BooleanArray`; `Text` → `StringViewArray`;
/// `Time` → `Float64Array` in seconds since 1970; `Nested` → `StringViewArray` of the value written as JSON.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Field {
    /// Name, unique within the file.
    pub name: String,
    /// What it holds.
    pub kind: Kind,
}

/// 1-based lines of a batch's rows in the file.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Lines {
    /// The file has no lines.
    #[default]
    None,
    /// One line a row, from this one on.
    From(u64),
    /// The line on which each row starts.
    Each(Vec<u64>),
}

impl Lines {
    /// The line of the batch's row `index`.
    pub fn of(&self, index: usize) -> Option<u64> {
        match self {
            Self::None => None,
            Self::From(first) => Some(first + index as u64),
            Self::Each(lines) => lines.get(index).copied(),
        }
    }
}

/// What reading a text column as typed values left behind. Empty for files that carry types.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ColumnNotes {
    /// Words that stand for a missing value, with their counts; their cells are null. Number columns only.
    pub null_words: Vec<(String, u64)>,
    /// Cells of a number column that are text, as (index of the row within the batch, text); their cells are null
    /// in the array, but not missing.
    pub strays: Vec<(usize, String)>,
}

/// Some consecutive rows of one file.
#[derive(Clone, Debug)]
pub struct Batch {
    /// The rows; columns in the order of [`Source::fields`], array types as [`Field`] says.
    pub rows: RecordBatch,
    /// 0-based number within the file of each row: the first row's, if they are consecutive …
    pub first_row: u64,
    /// … or each row's, if rows between them could not be read.
    pub row_numbers: Option<Vec<u64>>,
    /// Lines of the rows.
    pub lines: Lines,
    /// One a column, or none at all for files that carry types.
    pub notes: Vec<ColumnNotes>,
    /// Rows that could not be read, or were repaired (not UTF-8, read with replacement characters).
    pub malformed: Vec<MalformedRow>,
}

impl Batch {
    /// The 0-based number within the file of the batch's row `index`.
    pub fn row_number(&self, index: usize) -> u64 {
        match &self.row_numbers {
            Some(numbers) => numbers[index],
            None => self.first_row + index as u64,
        }
    }
}

/// Decodes a part: calls the sink with each batch in order, until done or the sink returns `false`.
pub type Decode = Box<dyn FnOnce(&mut dyn FnMut(Batch) -> bool) -> Result<(), ReadError> + Send>;

/// A piece of a file that can be decoded on any thread, independently of the others.
pub struct Part {
    /// 0-based numbers within the file of the rows it holds, unreadable ones included.
    pub rows: Range<u64>,
    /// Bytes of the file it stands for, for the progress bar.
    pub bytes: u64,
    /// The work.
    pub decode: Decode,
}

/// An opened file.
///
/// Cutting it into parts is serial and cheap; decoding the parts is parallel. A part holds at most about 32 MiB of
/// decoded values, so that memory stays bounded; batches have at most 16,384 rows, fewer for many columns.
pub trait Source: Send {
    /// The columns.
    fn fields(&self) -> &[Field];
    /// What was detected, in words: `CSV, `;`-separated, UTF-8`.
    fn format(&self) -> String;
    /// The next part, or `None` at the end.
    ///
    /// # Errors
    /// When the rest of the file cannot be read at all; single rows that cannot are reported in the batches.
    fn next_part(&mut self) -> Result<Option<Part>, ReadError>;
}
