//! Lines out of a text file that grows, plain or compressed.

use std::fs::File;
use std::io::{Read, Seek, SeekFrom};
use std::path::PathBuf;

use flate2::read::MultiGzDecoder;

use crate::LogError;

/// Bytes read at once.
const CHUNK: usize = 256 << 10;
/// Longer lines are left out.
const LONGEST_LINE: usize = 16 << 20;
/// So much of the first line is remembered, to tell whether the file was written anew.
const HEAD: usize = 4 << 10;

/// What has happened to the file since the last poll.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Change {
    /// Nothing, or bytes were added.
    Grown,
    /// It was written anew, with another first line, and is as long as before or longer.
    Rewritten,
    /// It has become shorter.
    Cut,
}

/// A file that is read line by line as it grows.
pub(super) struct Growing {
    pub(super) path: PathBuf,
    is_gzip: bool,
    /// Whether a carriage return ends a line, as progress bars write it.
    returns_end_lines: bool,
    /// Bytes handled, and how long the file was when they were read.
    position: u64,
    length: u64,
    head: Vec<u8>,
    /// The start of a line that is not whole yet.
    pending: Vec<u8>,
    is_too_long: bool,
    /// Lines above the limit.
    pub(super) n_too_long: u64,
    /// What kept compressed data from being read to its end.
    pub(super) problem: Option<String>,
}

impl Growing {
    pub(super) fn new(path: PathBuf, returns_end_lines: bool) -> Self {
        let is_gzip = path.extension().is_some_and(|e| e.eq_ignore_ascii_case("gz"));
        Self {
            path,
            is_gzip,
            returns_end_lines,
            position: 0,
            length: 0,
            head: Vec::new(),
            pending: Vec::new(),
            is_too_long: false,
            n_too_long: 0,
            problem: None,
        }
    }

    /// Bytes of the last line, which has no end yet.
    pub(super) fn n_waiting(&self) -> usize {
        self.pending.len()
    }

    /// The last line, which has no end yet.
    pub(super) fn pending(&self) -> &[u8] {
        &self.pending
    }

    /// Bytes of the file, unpacked, that were read.
    pub(super) fn position(&self) -> u64 {
        self.position
    }

    /// Looks whether the file was written anew since the last poll; it is then read from its start.
    pub(super) fn change(&mut self) -> Result<Change, LogError> {
        let refused = |e| LogError::read(&self.path, e);
        let mut file = File::open(&self.path).map_err(refused)?;
        let length = file.metadata().map_err(refused)?.len();
        let change = if length < self.length {
            Change::Cut
        } else if self.is_gzip || self.head.is_empty() {
            Change::Grown
        } else {
            let mut head = vec![0; self.head.len()];
            file.read_exact(&mut head).map_err(refused)?;
            if head == self.head { Change::Grown } else { Change::Rewritten }
        };
        if change != Change::Grown {
            *self = Self::new(std::mem::take(&mut self.path), self.returns_end_lines);
        }
        Ok(change)
    }

    /// Calls back with the offset and the bytes of each whole line that is new, its end taken off. Returns the bytes read.
    pub(super) fn lines(&mut self, each: &mut dyn FnMut(u64, &[u8])) -> Result<u64, LogError> {
        let refused = |e| LogError::read(&self.path, e);
        let mut file = File::open(&self.path).map_err(refused)?;
        let length = file.metadata().map_err(refused)?.len();
        if length <= self.length {
            return Ok(0);
        }
        let n = if self.is_gzip {
            self.problem = None;
            let mut unpacked = MultiGzDecoder::new(file);
            std::io::copy(&mut (&mut unpacked).take(self.position), &mut std::io::sink()).map_err(refused)?;
            self.drain(&mut unpacked, u64::MAX, each)?
        } else {
            file.seek(SeekFrom::Start(self.position)).map_err(refused)?;
            self.drain(&mut file, length - self.position, each)?
        };
        self.length = if self.is_gzip { length } else { self.position };
        Ok(n)
    }

    fn drain(
        &mut self,
        file: &mut dyn Read,
        most: u64,
        each: &mut dyn FnMut(u64, &[u8]),
    ) -> Result<u64, LogError> {
        let mut chunk = vec![0; CHUNK];
        let mut n_bytes = 0;
        while n_bytes < most {
            match file.read(&mut chunk) {
                Ok(0) => break,
                Ok(n) => {
                    self.cut(&chunk[..n], each);
                    n_bytes += n as u64;
                }
                Err(e) if e.kind() == std::io::ErrorKind::Interrupted => {}
                Err(e) if self.is_gzip => {
                    self.problem = Some(format!("the compressed data ends early or is damaged ({e})"));
                    break;
                }
                Err(e) => return Err(LogError::read(&self.path, e)),
            }
        }
        Ok(n_bytes)
    }

    fn cut(&mut self, bytes: &[u8], each: &mut dyn FnMut(u64, &[u8])) {
        let missing = HEAD.saturating_sub(self.head.len());
        if missing > 0 && !self.head.ends_with(b"\n") {
            let line = memchr::memchr(b'\n', bytes).map_or(bytes.len(), |at| at + 1);
            self.head.extend_from_slice(&bytes[..line.min(missing)]);
        }
        let mut start = 0;
        let mut ends = if self.returns_end_lines { Ends::two(bytes) } else { Ends::one(bytes) };
        while let Some(end) = ends.next() {
            let offset = self.position + start as u64 - self.pending.len() as u64;
            if self.pending.is_empty() && !self.is_too_long {
                each(offset, trimmed(&bytes[start..end]));
            } else {
                self.keep(&bytes[start..end]);
                let line = std::mem::take(&mut self.pending);
                if !std::mem::take(&mut self.is_too_long) {
                    each(offset, trimmed(&line));
                }
            }
            start = end + 1;
        }
        self.keep(&bytes[start..]);
        self.position += bytes.len() as u64;
    }

    fn keep(&mut self, bytes: &[u8]) {
        if self.is_too_long {
            return;
        }
        if self.pending.len() + bytes.len() > LONGEST_LINE {
            self.is_too_long = true;
            self.n_too_long += 1;
            self.pending = Vec::new();
        } else {
            self.pending.extend_from_slice(bytes);
        }
    }

    /// Hands over the last line though nothing ended it.
    pub(super) fn finish(&mut self, each: &mut dyn FnMut(u64, &[u8])) {
        let line = std::mem::take(&mut self.pending);
        if !line.is_empty() {
            each(self.position - line.len() as u64, trimmed(&line));
        }
    }
}

/// Where lines end.
enum Ends<'a> {
    One(memchr::Memchr<'a>),
    Two(memchr::Memchr2<'a>),
}

impl<'a> Ends<'a> {
    fn one(bytes: &'a [u8]) -> Self {
        Self::One(memchr::memchr_iter(b'\n', bytes))
    }

    fn two(bytes: &'a [u8]) -> Self {
        Self::Two(memchr::memchr2_iter(b'\n', b'\r', bytes))
    }

    fn next(&mut self) -> Option<usize> {
        match self {
            Self::One(ends) => ends.next(),
            Self::Two(ends) => ends.next(),
        }
    }
}

fn trimmed(line: &[u8]) -> &[u8] {
    line.strip_suffix(b"\r").unwrap_or(line)
}
