//! Cuts a stream of JSON objects, one a line or in one array, into blocks of whole objects.

use std::io;
use std::ops::Range;

use super::compressed::Bytes;

/// Bytes read at a time.
const CHUNK: usize = 4 << 20;
/// An object longer than this is no row of a table.
const LONGEST: usize = 256 << 20;

/// Some whole records and where they lie.
#[derive(Default)]
pub(super) struct Block {
    /// The bytes.
    pub(super) bytes: Vec<u8>,
    /// Each record's bytes and 1-based line; blank lines are left out.
    pub(super) records: Vec<(Range<usize>, u64)>,
    /// Bytes of the file it stands for.
    pub(super) consumed: u64,
}

/// How the objects are separated.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Layout {
    /// One a line.
    Lines,
    /// Elements of one array.
    Array,
}

/// Reads blocks one after the other.
pub(super) struct Blocks {
    input: Bytes,
    layout: Layout,
    /// Bytes behind the last whole record.
    carry: Vec<u8>,
    /// 1-based line at the start of `carry`.
    line: u64,
    consumed: u64,
    ended: bool,
    /// Whether an unclosed array was reported.
    told: bool,
    array: Elements,
}

/// What ended the reading early.
pub(super) enum Stop {
    /// The data is damaged from here on, with the words.
    Damaged(String),
    /// The operating system refused.
    Refused(io::Error),
}

impl Blocks {
    /// Starts reading; the layout shows in the first bytes.
    pub(super) fn new(mut input: Bytes) -> (Self, Option<Stop>) {
        let mut carry = vec![0; CHUNK];
        let (filled, result) = input.fill(&mut carry);
        carry.truncate(filled);
        if carry.starts_with(b"\xef\xbb\xbf") {
            carry.drain(..3);
        }
        let layout = if carry.trim_ascii_start().starts_with(b"[") { Layout::Array } else { Layout::Lines };
        let ended = filled < CHUNK;
        let blocks = Self {
            input,
            layout,
            carry,
            line: 1,
            consumed: 0,
            ended,
            told: false,
            array: Elements::default(),
        };
        (blocks, result.err().map(stop))
    }

    /// How the objects are separated.
    pub(super) fn layout(&self) -> Layout {
        self.layout
    }

    /// How the file is compressed, for `format()`.
    pub(super) fn compression_words(&self) -> &'static str {
        self.input.compression().words()
    }

    /// The next block with at least one record, or `None` at the end. With damage, the whole records before it.
    pub(super) fn next(&mut self) -> (Option<Block>, Option<Stop>) {
        let mut problem = None;
        loop {
            let block = self.cut();
            if !block.records.is_empty() {
                return (Some(block), problem);
            }
            if self.ended {
                let unclosed = self.layout == Layout::Array && !self.array.closed() && !self.told;
                self.told = true;
                let words = "the file ends before the array is closed";
                return (None, problem.or_else(|| unclosed.then(|| Stop::Damaged(words.to_owned()))));
            }
            if self.carry.len() > LONGEST {
                self.ended = true;
                let words = format!("line {}: a record of more than {} MiB", self.line, LONGEST >> 20);
                return (None, Some(Stop::Damaged(words)));
            }
            problem = self.read_more();
        }
    }

    fn read_more(&mut self) -> Option<Stop> {
        let start = self.carry.len();
        self.carry.resize(start + CHUNK, 0);
        let (filled, result) = self.input.fill(self.carry.get_mut(start..).unwrap_or_default());
        self.carry.truncate(start + filled);
        self.ended = filled < CHUNK;
        result.err().map(stop)
    }

    /// Takes all whole records out of `carry`.
    fn cut(&mut self) -> Block {
        let mut records = Vec::new();
        let (used, line) = match self.layout {
            Layout::Lines => cut_lines(&self.carry, self.ended, self.line, &mut records),
            Layout::Array => self.array.cut(&self.carry, self.ended, self.line, &mut records),
        };
        self.line = line;
        let rest = self.carry.split_off(used);
        let bytes = std::mem::replace(&mut self.carry, rest);
        let consumed = self.input.consumed();
        let block = Block { bytes, records, consumed: consumed - self.consumed };
        if !block.records.is_empty() {
            self.consumed = consumed;
        }
        block
    }
}

fn stop(error: io::Error) -> Stop {
    match super::compressed::damage(&error) {
        Some(damage) => Stop::Damaged(damage.to_string()),
        None => Stop::Refused(error),
    }
}

/// Lines of `bytes` that are whole (or all, at the end of the file); returns the bytes they take and the next line.
fn cut_lines(
    bytes: &[u8],
    ended: bool,
    mut line: u64,
    records: &mut Vec<(Range<usize>, u64)>,
) -> (usize, u64) {
    let mut start = 0;
    let mut keep = |range: Range<usize>, line: u64| {
        if bytes.get(range.clone()).is_some_and(|l| !l.trim_ascii().is_empty()) {
            records.push((range, line));
        }
    };
    for end in memchr::memchr_iter(b'\n', bytes) {
        keep(start..end, line);
        start = end + 1;
        line += 1;
    }
    if ended {
        keep(start..bytes.len(), line);
        start = bytes.len();
    }
    (start, line)
}

/// Finds the elements of an array without parsing them: by brackets outside strings.
#[derive(Default)]
struct Elements {
    opened: bool,
    closed: bool,
}

impl Elements {
    /// Whether the closing bracket has been seen.
    fn closed(&self) -> bool {
        self.closed
    }

    /// Whole elements of `bytes` (or all, at the end of the file); returns the bytes they take and the next line.
    fn cut(
        &mut self,
        bytes: &[u8],
        ended: bool,
        mut line: u64,
        records: &mut Vec<(Range<usize>, u64)>,
    ) -> (usize, u64) {
        let mut at = 0;
        while let Some(&byte) = bytes.get(at) {
            match byte {
                b'\n' => line += 1,
                b'[' if !self.opened => self.opened = true,
                b']' => self.closed = true,
                b',' => {}
                _ if byte.is_ascii_whitespace() => {}
                _ => {
                    let length = element_length(bytes.get(at..).unwrap_or_default());
                    let Some(length) = length.or_else(|| ended.then(|| bytes.len() - at)) else { break };
                    let range = at..at + length;
                    let lines = bytes.get(range.clone()).map_or(0, |b| memchr::memchr_iter(b'\n', b).count());
                    records.push((range, line));
                    line += lines as u64;
                    at += length;
                    continue;
                }
            }
            at += 1;
        }
        (at, line)
    }
}

/// Bytes of the array element at the start of `bytes`: up to its closing bracket, or for a plain value to what
/// follows it. `None` if it goes on behind the end.
fn element_length(bytes: &[u8]) -> Option<usize> {
    let (mut depth, mut in_string, mut at) = (0usize, false, 0);
    while let Some(&byte) = bytes.get(at) {
        match byte {
            b'\\' if in_string => at += 1,
            b'"' => in_string = !in_string,
            _ if in_string => {}
            b'{' | b'[' => depth += 1,
            b',' | b']' if depth == 0 => return Some(at),
            b'}' | b']' => {
                depth = depth.saturating_sub(1);
                if depth == 0 {
                    return Some(at + 1);
                }
            }
            _ => {}
        }
        at += 1;
    }
    None
}
