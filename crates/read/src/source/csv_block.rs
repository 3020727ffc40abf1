//! A block of a text table: whole records, split into fields and parsed column by column.

use std::sync::Arc;

use arrow_array::{ArrayRef, RecordBatch, RecordBatchOptions};
use arrow_schema::Schema;
use stetho_core::table::MalformedRow;

use super::cells;
use super::dialect::Dialect;
use crate::{Batch, ColumnNotes, Lines};

/// Most cells a batch has, so that wide tables do not take more memory.
const MAX_CELLS: usize = 1 << 20;
const MAX_ROWS: usize = 16_384;

/// Whole records of a file.
pub(crate) struct Block {
    /// The file, as the user named it.
    pub path: String,
    /// The records, decoded to UTF-8 (up to damage), blank lines among them.
    pub bytes: Vec<u8>,
    /// Number within the file of the first record.
    pub first_row: u64,
    /// Line of the first byte.
    pub first_line: u64,
    /// Records in it.
    pub n_rows: u64,
    /// No quotes: records are lines and fields end at delimiters.
    pub is_plain: bool,
    /// Problems met before this block.
    pub malformed: Vec<MalformedRow>,
}

/// Line ends: "\n", "\r\n" or a lone "\r".
pub(crate) fn count_lines(bytes: &[u8]) -> u64 {
    let newlines = memchr::memchr_iter(b'\n', bytes).count();
    let lone = memchr::memchr_iter(b'\r', bytes).filter(|&at| bytes.get(at + 1) != Some(&b'\n')).count();
    (newlines + lone) as u64
}

/// Whether a "\r" stands alone: an old line end, or part of a field.
pub(crate) fn has_lone_return(bytes: &[u8]) -> bool {
    memchr::memchr_iter(b'\r', bytes).any(|at| at + 1 < bytes.len() && bytes[at + 1] != b'\n')
}

/// Lines of `bytes` that are not blank.
pub(crate) fn count_plain_rows(bytes: &[u8]) -> u64 {
    lines(bytes).filter(|(start, end)| end > start).count() as u64
}

/// Start and end (without the line end) of each line.
fn lines(bytes: &[u8]) -> impl Iterator<Item = (usize, usize)> + '_ {
    let mut start = 0;
    let ends = memchr::memchr_iter(b'\n', bytes).chain((bytes.last() != Some(&b'\n')).then_some(bytes.len()));
    ends.map(move |end| {
        let first = std::mem::replace(&mut start, end + 1);
        let last = if end > first && bytes[end - 1] == b'\r' { end - 1 } else { end };
        (first, last)
    })
}

/// A batch without rows that carries problems.
pub(crate) fn only_malformed(dialect: &Dialect, malformed: Vec<MalformedRow>) -> Batch {
    let mut rows = Rows::new(dialect.fields.len());
    rows.malformed = malformed;
    rows.batch(&[], dialect)
}

impl Block {
    /// Splits and parses the block, batch by batch, until the sink has had enough.
    pub(crate) fn decode(mut self, dialect: &Dialect, sink: &mut dyn FnMut(Batch) -> bool) {
        let n_columns = dialect.fields.len();
        let most = (MAX_CELLS / n_columns.max(1)).clamp(64, MAX_ROWS);
        let mut rows = Rows::new(n_columns);
        rows.malformed = std::mem::take(&mut self.malformed);
        rows.next = self.first_row;
        rows.is_utf8 = std::str::from_utf8(&self.bytes).is_ok();
        if self.is_plain {
            self.decode_plain(dialect, rows, most, sink);
        } else {
            self.decode_quoted(dialect, rows, most, sink);
        }
    }

    fn decode_plain(
        &self,
        dialect: &Dialect,
        mut rows: Rows,
        most: usize,
        sink: &mut dyn FnMut(Batch) -> bool,
    ) {
        for (index, (start, end)) in lines(&self.bytes).enumerate() {
            if start == end {
                continue;
            }
            let first = rows.cells.len();
            let mut from = start;
            for at in memchr::memchr_iter(dialect.delimiter, &self.bytes[start..end]) {
                rows.cells.push((from as u32, (start + at) as u32));
                from = start + at + 1;
            }
            rows.cells.push((from as u32, end as u32));
            rows.close(first, &self.bytes, dialect, self.first_line + index as u64, &self.path);
            if rows.lines.len() >= most && !rows.flush(&self.bytes, dialect, sink) {
                return;
            }
        }
        rows.flush(&self.bytes, dialect, sink);
    }

    fn decode_quoted(
        &self,
        dialect: &Dialect,
        mut rows: Rows,
        most: usize,
        sink: &mut dyn FnMut(Batch) -> bool,
    ) {
        let mut reader = csv_core::ReaderBuilder::new().delimiter(dialect.delimiter).build();
        let mut output = vec![0; self.bytes.len() + 1];
        let mut ends = vec![0; dialect.fields.len() + 1024];
        let (mut at, mut written) = (0, 0);
        let mut line = self.first_line;
        loop {
            let blank = self.bytes[at..].iter().take_while(|b| matches!(b, b'\n' | b'\r')).count();
            line += count_lines(&self.bytes[at..at + blank]);
            at += blank;
            let (start, record_start) = (at, written);
            let (mut n_ends, mut surplus) = (0, 0);
            let more = loop {
                let (result, n_in, n_out, n) =
                    reader.read_record(&self.bytes[at..], &mut output[written..], &mut ends[n_ends..]);
                at += n_in;
                written += n_out;
                n_ends += n;
                match result {
                    csv_core::ReadRecordResult::InputEmpty => {}
                    csv_core::ReadRecordResult::OutputEndsFull => {
                        surplus += n_ends - dialect.fields.len() - 1; // far too many fields; count them only
                        n_ends = dialect.fields.len() + 1;
                    }
                    csv_core::ReadRecordResult::Record => break true,
                    csv_core::ReadRecordResult::OutputFull | csv_core::ReadRecordResult::End => break false,
                }
            };
            if !more {
                break;
            }
            // "\r\n" is one line end, but the machine stops after "\r"
            at += usize::from(self.bytes[..at].ends_with(b"\r") && self.bytes.get(at) == Some(&b'\n'));
            let first = rows.cells.len();
            let mut from = record_start;
            for &end in &ends[..n_ends] {
                rows.cells.push((from as u32, (record_start + end).max(from) as u32));
                from = record_start + end;
            }
            rows.surplus = surplus;
            rows.close(first, &output, dialect, line, &self.path);
            line += count_lines(&self.bytes[start..at]);
            if rows.lines.len() >= most && !rows.flush(&output, dialect, sink) {
                return;
            }
        }
        rows.flush(&output, dialect, sink);
    }
}

/// Rows split into fields, not yet parsed.
struct Rows {
    n_columns: usize,
    /// Start and end of each field, row by row.
    cells: Vec<(u32, u32)>,
    lines: Vec<u64>,
    numbers: Vec<u64>,
    /// Number within the file of the next record.
    next: u64,
    is_utf8: bool,
    /// Fields of the current record beyond those in `cells`.
    surplus: usize,
    malformed: Vec<MalformedRow>,
}

impl Rows {
    fn new(n_columns: usize) -> Self {
        Self {
            n_columns,
            cells: Vec::new(),
            lines: Vec::new(),
            numbers: Vec::new(),
            next: 0,
            is_utf8: true,
            surplus: 0,
            malformed: Vec::new(),
        }
    }

    /// Ends the record whose fields start at `first`: keeps it, or notes what is wrong with it.
    fn close(&mut self, first: usize, bytes: &[u8], dialect: &Dialect, line: u64, path: &str) {
        let number = self.next;
        self.next += 1;
        let n_fields = self.cells.len() - first + std::mem::take(&mut self.surplus);
        let last_is_empty = self.cells.last().is_some_and(|(start, end)| start == end);
        if n_fields == self.n_columns + 1 && last_is_empty && dialect.trailing_delimiter {
            self.cells.pop();
        } else if n_fields != self.n_columns {
            let problem = format!("wrong number of fields: {n_fields}, expected {}", self.n_columns);
            self.note(first, bytes, dialect, (number, line, path), problem);
            self.cells.truncate(first);
            return;
        }
        if !self.is_utf8 {
            let range = self.range(first);
            if let Err(error) = std::str::from_utf8(&bytes[range.clone()]) {
                let byte = bytes[range.start + error.valid_up_to()];
                let problem = format!("not UTF-8: byte {byte:#04x}, read as `\u{fffd}`");
                self.note(first, bytes, dialect, (number, line, path), problem);
            }
        }
        self.lines.push(line);
        self.numbers.push(number);
    }

    /// Bytes of the record whose fields start at `first`.
    fn range(&self, first: usize) -> std::ops::Range<usize> {
        match (self.cells.get(first), self.cells.last()) {
            (Some(&(start, _)), Some(&(_, end))) => start as usize..end as usize,
            _ => 0..0,
        }
    }

    fn note(&mut self, first: usize, bytes: &[u8], dialect: &Dialect, at: (u64, u64, &str), problem: String) {
        let (row, line, path) = at;
        let separator = char::from(dialect.delimiter).to_string();
        let cells = self.cells[first..].iter().take(60);
        let fields: Vec<_> = cells
            .map(|&(s, e)| String::from_utf8_lossy(&bytes[s as usize..e as usize]).into_owned())
            .collect();
        let text = fields.join(&separator).chars().take(120).collect();
        self.malformed.push(MalformedRow { path: path.to_owned(), row, line: Some(line), problem, text });
    }

    /// Hands the rows on as a batch and starts anew; whether more are wanted.
    fn flush(&mut self, bytes: &[u8], dialect: &Dialect, sink: &mut dyn FnMut(Batch) -> bool) -> bool {
        if self.lines.is_empty() && self.malformed.is_empty() {
            return true;
        }
        sink(self.batch(bytes, dialect))
    }

    fn batch(&mut self, bytes: &[u8], dialect: &Dialect) -> Batch {
        let n_rows = self.lines.len();
        let (columns, notes): (Vec<ArrayRef>, Vec<ColumnNotes>) = dialect
            .types
            .iter()
            .enumerate()
            .map(|(column, &cell_type)| {
                let cells = (0..n_rows).map(|row| {
                    let (start, end) = self.cells[row * self.n_columns + column];
                    &bytes[start as usize..end as usize]
                });
                cells::build(cell_type, cells)
            })
            .unzip();
        self.cells.clear();
        let numbers = std::mem::take(&mut self.numbers);
        let first_row = numbers.first().copied().unwrap_or(self.next);
        let is_run = numbers.last().is_none_or(|last| last - first_row + 1 == n_rows as u64);
        Batch {
            rows: record_batch(dialect, columns, n_rows),
            first_row,
            row_numbers: (!is_run).then_some(numbers),
            lines: as_lines(std::mem::take(&mut self.lines)),
            notes,
            malformed: std::mem::take(&mut self.malformed),
        }
    }
}

fn as_lines(lines: Vec<u64>) -> Lines {
    match (lines.first(), lines.last()) {
        (Some(&first), Some(&last)) if last - first + 1 == lines.len() as u64 => Lines::From(first),
        _ => Lines::Each(lines),
    }
}

/// Joins columns; their types and lengths are right by construction.
fn record_batch(dialect: &Dialect, columns: Vec<ArrayRef>, n_rows: usize) -> RecordBatch {
    let field =
        |(f, c): (&crate::Field, &ArrayRef)| arrow_schema::Field::new(&f.name, c.data_type().clone(), true);
    let schema = Arc::new(Schema::new(dialect.fields.iter().zip(&columns).map(field).collect::<Vec<_>>()));
    let options = RecordBatchOptions::new().with_row_count(Some(n_rows));
    RecordBatch::try_new_with_options(schema.clone(), columns, &options)
        .unwrap_or_else(|_| RecordBatch::new_empty(schema))
}
