//! Frames out of a file that grows.

use std::io::Read;

use super::frame::{FOOTER, HEADER, Header, LONGEST, header, masked_crc};

/// Bytes read at once: small enough to stay in the processor's cache until they are judged.
const CHUNK: usize = 256 << 10;

/// What comes next in the file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome<'a> {
    /// A whole record whose check sums fit.
    Record(&'a [u8]),
    /// There is no whole record: [`Tail::fill`] may bring more.
    NeedMore,
    /// Something that cannot be read. It is stepped over by the next call.
    Damaged {
        /// Where the record begins, in bytes from the start of the file.
        offset: u64,
        /// What is wrong with it.
        problem: Problem,
    },
}

/// What is wrong with a record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Problem {
    /// The check sum of the length does not fit: the next record is searched for.
    Length,
    /// The check sum of the data does not fit: this record is left out.
    Data,
    /// The record is longer than [`LONGEST`]: it is left out.
    TooLong(u64),
}

impl std::fmt::Display for Problem {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Length => f.write_str("no record begins here, as the check sum of its length tells"),
            Self::Data => f.write_str("the record is damaged, as its check sum tells"),
            Self::TooLong(length) => {
                write!(f, "a record of {} MB, above the limit of {} MB", length >> 20, LONGEST >> 20)
            }
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    /// At the start of a frame.
    Frames,
    /// Looking for the start of a frame.
    Searching,
    /// So many bytes are to be left out.
    Skipping(u64),
}

/// Cuts a growing file into records. It holds no more than a part of the file and one record.
#[derive(Debug)]
pub struct Tail {
    buffer: Vec<u8>,
    /// The bytes of the buffer that are read and not used yet.
    start: usize,
    end: usize,
    /// Where `start` is in the file.
    offset: u64,
    state: State,
}

impl Default for Tail {
    fn default() -> Self {
        Self { buffer: Vec::new(), start: 0, end: 0, offset: 0, state: State::Frames }
    }
}

impl Tail {
    /// Where in the file the next bytes for [`Tail::fill`] are.
    pub fn position(&self) -> u64 {
        self.offset + self.n_waiting() as u64
    }

    /// Bytes read that are no whole record yet.
    pub fn n_waiting(&self) -> usize {
        self.end - self.start
    }

    /// Whether a damaged place was met and no record has been found after it.
    pub fn is_lost(&self) -> bool {
        self.state == State::Searching
    }

    /// Reads once more from `file`, which stands at [`Tail::position`]. Returns how many bytes came; 0 at the end.
    ///
    /// # Errors
    /// Those of `file`.
    pub fn fill(&mut self, file: &mut dyn Read) -> std::io::Result<usize> {
        self.buffer.copy_within(self.start..self.end, 0);
        self.end -= self.start;
        self.start = 0;
        if self.buffer.len() < self.end + CHUNK / 2 {
            self.buffer.resize((2 * self.end).max(CHUNK), 0);
        }
        loop {
            match file.read(&mut self.buffer[self.end..]) {
                Ok(n) => {
                    self.end += n;
                    return Ok(n);
                }
                Err(e) if e.kind() == std::io::ErrorKind::Interrupted => {}
                Err(e) => return Err(e),
            }
        }
    }

    /// Gives back the memory that is not needed until the file grows.
    pub fn rest(&mut self) {
        self.buffer = self.buffer[self.start..self.end].to_vec();
        self.end -= self.start;
        self.start = 0;
    }

    /// The next record, if it is whole.
    #[inline]
    pub fn next_record(&mut self) -> Outcome<'_> {
        if self.state != State::Frames && !self.is_found() {
            return Outcome::NeedMore;
        }
        let bytes = &self.buffer[self.start..self.end];
        let offset = self.offset;
        match header(bytes) {
            Header::Short => Outcome::NeedMore,
            Header::Damaged => {
                self.consume(1);
                self.state = State::Searching;
                Outcome::Damaged { offset, problem: Problem::Length }
            }
            Header::Length(length) if length > LONGEST => {
                self.consume(HEADER);
                self.state = State::Skipping(length.saturating_add(FOOTER as u64));
                Outcome::Damaged { offset, problem: Problem::TooLong(length) }
            }
            Header::Length(length) => self.record(usize::try_from(length).unwrap_or(usize::MAX)),
        }
    }

    #[inline]
    fn record(&mut self, length: usize) -> Outcome<'_> {
        let (start, offset) = (self.start, self.offset);
        let bytes = &self.buffer[start..self.end];
        let Some(frame) = bytes.get(..HEADER + length + FOOTER) else { return Outcome::NeedMore };
        let (data, sum) = frame[HEADER..].split_at(length);
        if sum != masked_crc(data).to_le_bytes() {
            // Bytes may be missing, so that the next record begins before the end of this one.
            self.state = State::Searching;
            self.consume(HEADER);
            return Outcome::Damaged { offset, problem: Problem::Data };
        }
        self.consume(HEADER + length + FOOTER);
        Outcome::Record(&self.buffer[start + HEADER..start + HEADER + length])
    }

    fn consume(&mut self, n: usize) {
        self.start += n;
        self.offset += n as u64;
    }

    /// Goes on towards the start of a frame; whether it is there.
    fn is_found(&mut self) -> bool {
        if let State::Skipping(left) = self.state {
            let n = left.min(self.n_waiting() as u64);
            self.consume(usize::try_from(n).unwrap_or(usize::MAX));
            self.state = if n < left { State::Skipping(left - n) } else { State::Frames };
            return self.state == State::Frames;
        }
        let bytes = &self.buffer[self.start..self.end];
        // The length of a record that is no longer than the limit ends in three zero bytes.
        let at = bytes.windows(HEADER).position(|window| {
            window[5..8] == [0; 3] && matches!(header(window), Header::Length(length) if length <= LONGEST)
        });
        if at.is_some() {
            self.state = State::Frames;
        }
        self.consume(at.unwrap_or((bytes.len() + 1).saturating_sub(HEADER)));
        at.is_some()
    }
}

#[cfg(test)]
mod tests {
    use super::super::frame::put;
    use super::*;

    /// All records and damaged places, when the bytes come in parts of `part`.
    fn read(bytes: &[u8], part: usize) -> (Vec<Vec<u8>>, Vec<(u64, Problem)>, bool) {
        let (mut tail, mut records, mut damaged) = (Tail::default(), Vec::new(), Vec::new());
        for chunk in bytes.chunks(part) {
            assert_eq!(tail.fill(&mut &*chunk).unwrap(), chunk.len());
            loop {
                match tail.next_record() {
                    Outcome::Record(data) => records.push(data.to_vec()),
                    Outcome::NeedMore => break,
                    Outcome::Damaged { offset, problem } => damaged.push((offset, problem)),
                }
            }
            if part.is_multiple_of(2) {
                tail.rest();
            }
        }
        assert!(bytes.is_empty() || tail.position() == bytes.len() as u64);
        (records, damaged, tail.is_lost())
    }

    fn frames(records: &[&[u8]]) -> Vec<u8> {
        let mut out = Vec::new();
        records.iter().for_each(|r| put(&mut out, r));
        out
    }

    #[test]
    fn records_come_whole_however_the_file_grows() {
        let bytes = frames(&[b"one", b"", &[7; 300], b"four"]);
        for part in 1..40 {
            let (records, damaged, _) = read(&bytes, part);
            assert_eq!(records, [b"one".to_vec(), vec![], vec![7; 300], b"four".to_vec()]);
            assert!(damaged.is_empty());
        }
    }

    #[test]
    fn damaged_data_costs_one_record() {
        let mut bytes = frames(&[b"one", b"two", b"three"]);
        bytes[19 + 12] ^= 1;
        for part in [1, 2, 5, 1000] {
            let (records, damaged, _) = read(&bytes, part);
            assert_eq!(records, [b"one".to_vec(), b"three".to_vec()]);
            assert_eq!(damaged, [(19, Problem::Data)]);
        }
    }

    #[test]
    fn a_damaged_length_or_missing_bytes_are_searched_over() {
        let whole = frames(&[b"one", b"two", b"three", b"four"]);
        let mut bytes = whole.clone();
        bytes[19] ^= 1;
        let (records, damaged, is_lost) = read(&bytes, 1000);
        assert_eq!(records, [b"one".to_vec(), b"three".to_vec(), b"four".to_vec()]);
        assert_eq!(damaged, [(19, Problem::Length)]);
        assert!(!is_lost);
        // Two bytes are missing inside the second record.
        let cut = [&whole[..32], &whole[34..]].concat();
        let (records, damaged, _) = read(&cut, 1000);
        assert_eq!(records, [b"one".to_vec(), b"three".to_vec(), b"four".to_vec()]);
        assert_eq!(damaged, [(19, Problem::Data)]);
    }

    #[test]
    fn nothing_readable_after_damage_is_told() {
        let mut bytes = frames(&[b"one"]);
        bytes.extend([0; 100]);
        let (records, damaged, is_lost) = read(&bytes, 7);
        assert_eq!((records.len(), damaged, is_lost), (1, vec![(19, Problem::Length)], true));
    }

    #[test]
    fn a_record_above_the_limit_is_refused() {
        let length = (LONGEST + 1).to_le_bytes();
        let bytes = [length.as_slice(), &masked_crc(&length).to_le_bytes(), &[1; 1000]].concat();
        let (records, damaged, _) = read(&bytes, 64);
        assert!(records.is_empty());
        assert_eq!(damaged, [(0, Problem::TooLong(LONGEST + 1))]);
    }
}
