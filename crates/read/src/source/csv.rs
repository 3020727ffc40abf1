//! Text tables: CSV, TSV and their like.
//!
//! The file is cut into blocks that end at a record boundary, serially; blocks are split into fields and parsed in
//! parallel. A block without quotes is cut at its last newline; one with quotes goes through the state machine of
//! `csv-core`. A row that cannot be read is noted and stepped over.

use std::path::{Path, PathBuf};

use stetho_core::table::MalformedRow;

use super::compressed::{Bytes, open_bytes};
use super::csv_block::{Block, count_lines, count_plain_rows, has_lone_return};
use super::dialect::{Dialect, detect};
use super::encoding::{Decoder, Encoding};
use super::spaces::{Spaces, are_columns};
use crate::{Batch, Field, Part, ReadError, Source};

/// Bytes a block has at least, unless the file ends.
const BLOCK: usize = 1 << 20;
/// Lines that the dialect is detected from, at least, unless they take more than `MAX_HEAD` bytes.
const HEAD_LINES: usize = 20;
const MAX_HEAD: usize = 8 << 20;
/// A record longer than this is stepped over: an unclosed quote, or not a table.
const MAX_RECORD: usize = 64 << 20;

/// An opened text table.
pub(crate) struct CsvSource {
    path: PathBuf,
    reader: Decoder<Bytes>,
    /// Bytes of the file, as stored, that earlier parts stand for.
    consumed: u64,
    dialect: std::sync::Arc<Dialect>,
    /// Decoded bytes not yet handed out.
    buffer: Vec<u8>,
    at_end: bool,
    /// Set where columns are lined up with spaces.
    spaces: Option<Spaces>,
    next_row: u64,
    next_line: u64,
    /// Problems found while cutting, to travel with the next part.
    malformed: Vec<MalformedRow>,
    /// Why the file could not be read to its end; told after the rows before it.
    damage: Option<String>,
}

/// Opens a text table and detects its dialect. Columns that `expected` names are read as typed there.
pub(crate) fn open(path: &Path, expected: Option<&[Field]>) -> Result<Box<dyn Source>, ReadError> {
    let reader = Decoder::new(open_bytes(path)?).map_err(|e| ReadError::malformed(path, e.to_string()))?;
    let mut source = CsvSource {
        path: path.to_owned(),
        reader,
        consumed: 0,
        dialect: std::sync::Arc::new(Dialect {
            delimiter: b',',
            n_preamble: 0,
            has_header: false,
            trailing_delimiter: false,
            fields: Vec::new(),
            types: Vec::new(),
            remarks: Vec::new(),
        }),
        buffer: Vec::new(),
        at_end: false,
        spaces: None,
        next_row: 0,
        next_line: 1,
        malformed: Vec::new(),
        damage: None,
    };
    source.fill_head();
    if source.buffer.iter().all(u8::is_ascii_whitespace) {
        return Err(ReadError::malformed(path, source.damage.unwrap_or("the file is empty".to_owned())));
    }
    if memchr::memchr(0, &source.buffer).is_some() {
        return Err(ReadError::malformed(
            path,
            "it is not text (it holds zero bytes) and no format Stetho reads",
        ));
    }
    if are_columns(&source.buffer[..last_line_end(&source.buffer)]) {
        let mut spaces = Spaces::new();
        spaces.collapse(&mut source.buffer, 0);
        source.spaces = Some(spaces);
    }
    let head = if source.at_end { source.buffer.len() } else { last_line_end(&source.buffer) };
    let mut dialect =
        detect(&source.buffer[..head]).ok_or_else(|| ReadError::malformed(path, "no row was found in it"))?;
    if let Some(expected) = expected {
        dialect.adopt(expected);
    }
    let n_before = dialect.n_preamble + u64::from(dialect.has_header);
    source.dialect = std::sync::Arc::new(dialect);
    source.skip_records(n_before);
    Ok(Box::new(source))
}

/// End of the last whole line, or of everything if there is none.
fn last_line_end(bytes: &[u8]) -> usize {
    memchr::memrchr2(b'\n', b'\r', bytes).map_or(bytes.len(), |at| at + 1)
}

impl CsvSource {
    /// Reads until the buffer has `wanted` bytes or the file ends. A read error ends the file and is noted.
    fn fill(&mut self, wanted: usize) {
        while !self.at_end && self.buffer.len() < wanted {
            let start = self.buffer.len();
            match self.reader.read_into(&mut self.buffer) {
                Ok(0) => self.at_end = true,
                Ok(_) => {
                    if let Some(spaces) = &mut self.spaces {
                        spaces.collapse(&mut self.buffer, start);
                    }
                }
                Err(error) => {
                    self.at_end = true;
                    self.damage = Some(format!("damaged file: {error}"));
                }
            }
        }
    }

    /// Reads what the dialect is detected from: a block, or more where lines are long.
    fn fill_head(&mut self) {
        self.fill(BLOCK);
        while !self.at_end
            && self.buffer.len() < MAX_HEAD
            && memchr::memchr2_iter(b'\n', b'\r', &self.buffer).take(HEAD_LINES).count() < HEAD_LINES
        {
            self.fill(self.buffer.len() + BLOCK);
        }
    }

    /// What stands between fields, in words.
    fn separated(&self) -> String {
        if self.spaces.is_some() { "separated by spaces".to_owned() } else { self.dialect.delimiter_name() }
    }

    fn note(&mut self, row: u64, line: Option<u64>, problem: String, text: String) {
        self.malformed.push(MalformedRow { path: self.path.display().to_string(), row, line, problem, text });
    }

    /// Drops the first records: what stands before the rows.
    fn skip_records(&mut self, n_records: u64) {
        if n_records == 0 {
            return;
        }
        let end = self.records_end(n_records).map_or(self.buffer.len(), |(end, _)| end);
        self.next_line += count_lines(&self.buffer[..end]);
        self.buffer.drain(..end);
    }

    /// Where the last of at most `most` whole records ends, and how many there are; `None` if the first is not whole.
    fn records_end(&self, most: u64) -> Option<(usize, u64)> {
        let mut reader = csv_core::ReaderBuilder::new().delimiter(self.dialect.delimiter).build();
        let mut fields = [0; 4096];
        let mut ends = [0; 256];
        let (mut at, mut end, mut n_records) = (0, 0, 0);
        while n_records < most {
            let (result, n_in, ..) = reader.read_record(&self.buffer[at..], &mut fields, &mut ends);
            at += n_in;
            match result {
                csv_core::ReadRecordResult::OutputFull | csv_core::ReadRecordResult::OutputEndsFull => {}
                csv_core::ReadRecordResult::Record if self.may_continue(at) => break,
                csv_core::ReadRecordResult::Record => {
                    // "\r\n" is one line end, but the machine stops after "\r" and skips "\n" next time
                    end = if self.buffer.get(at) == Some(&b'\n') && self.buffer[at - 1] == b'\r' {
                        at + 1
                    } else {
                        at
                    };
                    n_records += 1;
                }
                csv_core::ReadRecordResult::InputEmpty | csv_core::ReadRecordResult::End => {
                    if self.at_end && !self.buffer[end..].iter().all(|b| matches!(b, b'\n' | b'\r')) {
                        // the last record has no line end; it is whole unless a quote is still open
                        let (ended, ..) = reader.read_record(b"\n", &mut fields, &mut ends);
                        if matches!(ended, csv_core::ReadRecordResult::Record) {
                            return Some((self.buffer.len(), n_records + 1));
                        }
                    }
                    break;
                }
            }
        }
        (n_records > 0).then_some((end, n_records))
    }

    /// Whether the buffer ends, at `at`, between the two bytes of a "\r\n".
    fn may_continue(&self, at: usize) -> bool {
        !self.at_end && at == self.buffer.len() && self.buffer.last() == Some(&b'\r')
    }

    /// Cuts the next block off the buffer.
    fn cut(&mut self) -> Option<Block> {
        let mut wanted = BLOCK;
        loop {
            self.fill(wanted);
            if self.buffer.iter().all(|b| matches!(b, b'\n' | b'\r')) {
                self.next_line += count_lines(&self.buffer);
                self.buffer.clear();
                if self.at_end {
                    return None;
                }
                continue;
            }
            let is_plain = memchr::memchr(b'"', &self.buffer).is_none() && !has_lone_return(&self.buffer);
            let cut = if is_plain { self.plain_end() } else { self.records_end(u64::MAX) };
            if let Some((end, n_rows)) = cut {
                return Some(self.take(end, n_rows, is_plain));
            }
            if self.at_end || self.buffer.len() >= MAX_RECORD {
                self.step_over_line();
            } else {
                wanted = self.buffer.len() * 2;
            }
        }
    }

    fn plain_end(&self) -> Option<(usize, u64)> {
        let end = match memchr::memrchr(b'\n', &self.buffer) {
            _ if self.at_end => self.buffer.len(),
            Some(at) => at + 1,
            None => return None,
        };
        Some((end, count_plain_rows(&self.buffer[..end])))
    }

    fn take(&mut self, end: usize, n_rows: u64, is_plain: bool) -> Block {
        let rest = self.buffer.split_off(end);
        let bytes = std::mem::replace(&mut self.buffer, rest);
        let block = Block {
            path: self.path.display().to_string(),
            first_row: self.next_row,
            first_line: self.next_line,
            n_rows,
            is_plain,
            malformed: std::mem::take(&mut self.malformed),
            bytes,
        };
        self.next_row += n_rows;
        self.next_line += count_lines(&block.bytes);
        block
    }

    /// Notes the first line of the buffer as an unclosed quote (or as endless) and drops it.
    fn step_over_line(&mut self) {
        let end = memchr::memchr(b'\n', &self.buffer).map_or(self.buffer.len(), |at| at + 1);
        let line = String::from_utf8_lossy(&self.buffer[..end.min(400)]);
        let text = line.trim_end().chars().take(120).collect();
        let problem = if memchr::memchr(b'"', &self.buffer[..end]).is_some() {
            "unclosed quote: a quoted field that starts here does not end".to_owned()
        } else {
            format!("endless line: more than {} MiB without a line end", MAX_RECORD >> 20)
        };
        self.note(self.next_row, Some(self.next_line), problem, text);
        self.next_row += 1;
        self.next_line += 1;
        self.buffer.drain(..end);
    }
}

impl Source for CsvSource {
    fn fields(&self) -> &[Field] {
        &self.dialect.fields
    }

    fn format(&self) -> String {
        let encoding = match self.reader.encoding() {
            Encoding::Utf8 => "UTF-8".to_owned(),
            Encoding::Other(encoding) => encoding.name().to_owned(),
        };
        let mut text =
            format!("text, {}, {encoding}{}", self.separated(), self.reader.bytes().compression().words());
        for remark in &self.dialect.remarks {
            text.push_str(", ");
            text.push_str(remark);
        }
        text
    }

    fn next_part(&mut self) -> Result<Option<Part>, ReadError> {
        let Some(block) = self.cut() else {
            if let Some(problem) = self.damage.take() {
                self.note(self.next_row, None, problem, String::new());
            }
            let malformed = std::mem::take(&mut self.malformed);
            if malformed.is_empty() {
                return Ok(None);
            }
            let dialect = self.dialect.clone();
            let rows = self.next_row..self.next_row;
            let after = rows.clone();
            let decode = Box::new(move |sink: &mut dyn FnMut(_) -> bool| {
                sink(Batch::only_malformed(&dialect.fields, rows.start, malformed));
                Ok(())
            });
            return Ok(Some(Part { rows: after, bytes: 0, decode }));
        };
        let dialect = self.dialect.clone();
        let consumed = self.reader.bytes().consumed();
        let bytes = consumed - std::mem::replace(&mut self.consumed, consumed);
        Ok(Some(Part {
            rows: block.first_row..block.first_row + block.n_rows,
            bytes,
            decode: Box::new(move |sink| {
                block.decode(&dialect, sink);
                Ok(())
            }),
        }))
    }
}
