//! Cutting a COCO file into its entries, as it streams by.
//!
//! The scanner knows brackets, strings and lines, and nothing else: each entry of `images`, `annotations` and
//! `categories` is handed on as text, so that a bad one costs itself only. Memory is that of the entries not yet taken.

/// The lists of a COCO file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::boxes) enum Section {
    Images,
    Annotations,
    Categories,
}

impl Section {
    fn called(key: &[u8]) -> Option<Self> {
        match key {
            b"images" => Some(Self::Images),
            b"annotations" => Some(Self::Annotations),
            b"categories" => Some(Self::Categories),
            _ => None,
        }
    }
}

/// An entry of a list: a range of [`Scanner::bytes`].
#[derive(Clone, Debug)]
pub(in crate::boxes) struct Piece {
    pub section: Section,
    /// 1-based.
    pub line: u64,
    pub start: usize,
    pub end: usize,
    /// Whether the file or the list ended inside it.
    pub is_cut: bool,
}

/// Longest entry that is kept whole, in bytes.
const LONGEST: usize = 64 << 20;
/// Brackets inside each other; no data set needs as many.
const DEEPEST: usize = 512;

#[derive(Debug, Default)]
pub(in crate::boxes) struct Scanner {
    stack: Vec<u8>,
    in_string: bool,
    skips_next: bool,
    key: Vec<u8>,
    section: Option<Section>,
    /// The section of the open entry; stays when the list ends before it.
    piece_section: Option<Section>,
    /// Where the open entry begins in `bytes`, and its line.
    open: Option<(usize, u64)>,
    is_overlong: bool,
    newlines: u64,
    /// Text of the entries that are complete, and of the open one.
    pub bytes: Vec<u8>,
    pub pieces: Vec<Piece>,
    /// Which of images, annotations, categories have begun.
    pub seen: [bool; 3],
    /// Whether the outermost object has ended.
    pub is_over: bool,
    /// What keeps the rest from being read, with its line.
    pub trouble: Option<(u64, String)>,
}

/// Bytes that mean something outside strings.
const MEANS: [bool; 256] = {
    let mut table = [false; 256];
    table[b'"' as usize] = true;
    table[b'{' as usize] = true;
    table[b'}' as usize] = true;
    table[b'[' as usize] = true;
    table[b']' as usize] = true;
    table[b'\n' as usize] = true;
    table
};

impl Scanner {
    /// 1-based line that is read now.
    pub(in crate::boxes) fn line(&self) -> u64 {
        self.newlines + 1
    }

    /// Takes the complete entries out.
    pub(in crate::boxes) fn take(&mut self) -> (Vec<u8>, Vec<Piece>) {
        let start = self.open.map_or(self.bytes.len(), |(start, _)| start);
        let rest = self.bytes.split_off(start);
        if let Some((start, _)) = &mut self.open {
            *start = 0;
        }
        (std::mem::replace(&mut self.bytes, rest), std::mem::take(&mut self.pieces))
    }

    /// Reads on.
    pub(in crate::boxes) fn feed(&mut self, chunk: &[u8]) {
        let (mut at, mut copied) = (0, 0);
        while at < chunk.len() && self.trouble.is_none() && !self.is_over {
            let (next, change) = self.step(chunk, at);
            match change {
                Change::None => {}
                Change::Opens => {
                    self.open = Some((self.bytes.len(), self.line()));
                    copied = at;
                }
                Change::EndsBefore => self.close(chunk.get(copied..at), false),
                Change::EndsAfter => self.close(chunk.get(copied..next), false),
                Change::IsCut => self.close(chunk.get(copied..at), true),
            }
            at = next;
        }
        self.copy(chunk.get(copied..at));
    }

    /// Ends the file: an open entry is cut.
    pub(in crate::boxes) fn finish(&mut self) {
        self.close(None, true);
    }

    fn copy(&mut self, bytes: Option<&[u8]>) {
        let Some((start, _)) = self.open else { return };
        if self.bytes.len() - start.min(self.bytes.len()) > LONGEST {
            self.is_overlong = true;
            self.bytes.truncate(start + 4_096);
        }
        if !self.is_overlong {
            self.bytes.extend_from_slice(bytes.unwrap_or_default());
        }
    }

    fn close(&mut self, bytes: Option<&[u8]>, is_cut: bool) {
        self.copy(bytes);
        self.is_overlong = false;
        if let (Some((start, line)), Some(section)) = (self.open.take(), self.piece_section) {
            self.pieces.push(Piece { section, line, start, end: self.bytes.len(), is_cut });
        }
    }

    /// Takes in the byte at `at` and those after it that mean nothing; returns where to go on.
    fn step(&mut self, chunk: &[u8], at: usize) -> (usize, Change) {
        let rest = chunk.get(at..).unwrap_or_default();
        if self.skips_next {
            self.skips_next = false;
            self.newlines += u64::from(rest.first() == Some(&b'\n'));
            return (at + 1, Change::None);
        }
        if self.in_string {
            return self.string(rest, at);
        }
        let is_within = self.open.is_some() && self.stack.len() > 2;
        if is_within || self.section.is_none() && self.stack.len() > 1 {
            let n = rest.iter().position(|b| MEANS[usize::from(*b)]).unwrap_or(rest.len());
            if n > 0 {
                return (at + n, Change::None);
            }
        }
        let Some(&byte) = rest.first() else { return (at + 1, Change::None) };
        let is_entry = self.section.is_some() && self.stack.len() == 2;
        let opens = if is_entry && self.open.is_none() { Change::Opens } else { Change::None };
        let change = match byte {
            b'\n' => {
                self.newlines += 1;
                Change::None
            }
            b'"' => {
                self.in_string = true;
                if self.stack.len() == 1 {
                    self.key.clear();
                }
                opens
            }
            b'{' | b'[' => {
                self.bracket(byte);
                opens
            }
            b'}' | b']' => self.end(byte),
            b',' if is_entry && self.open.is_some() => Change::EndsBefore,
            _ if self.stack.is_empty() && !byte.is_ascii_whitespace() => {
                self.fail("a JSON object was expected");
                Change::None
            }
            b',' | b' ' | b'\t' | b'\r' => Change::None,
            _ => opens,
        };
        (at + 1, change)
    }

    /// Within a string: on to its end, which a line's end is too, since JSON has no strings of several lines.
    fn string(&mut self, rest: &[u8], at: usize) -> (usize, Change) {
        let n = memchr::memchr3(b'"', b'\\', b'\n', rest).unwrap_or(rest.len());
        if self.stack.len() == 1 && self.key.len() < 64 {
            self.key.extend_from_slice(rest.get(..n.min(64)).unwrap_or_default());
        }
        match rest.get(n) {
            Some(b'\\') => self.skips_next = true,
            Some(byte) => {
                self.in_string = false;
                self.newlines += u64::from(*byte == b'\n');
            }
            None => {}
        }
        (at + n + usize::from(n < rest.len()), Change::None)
    }

    fn bracket(&mut self, byte: u8) {
        if self.stack.is_empty() && byte == b'[' {
            return self.fail("it holds a list, and COCO is an object with `images` and `annotations`");
        }
        if byte == b'[' && self.stack.len() == 1 {
            self.section = Section::called(&self.key);
            self.piece_section = self.section;
            if let Some(seen) = self.section.and_then(|s| self.seen.get_mut(s as usize)) {
                *seen = true;
            }
        }
        self.stack.push(byte);
        if self.stack.len() > DEEPEST {
            self.fail(format!("brackets lie more than {DEEPEST} deep in each other"));
        }
    }

    /// A closing bracket ends what was opened with its like, and all within that.
    fn end(&mut self, byte: u8) -> Change {
        let opening = if byte == b'}' { b'{' } else { b'[' };
        let is_open = self.open.is_some();
        let is_scalar = self.stack.len() == 2;
        let depth = self.stack.iter().rposition(|b| *b == opening);
        match depth {
            Some(0) | None if self.section.is_some() && self.stack.len() > 2 => {
                self.stack.truncate(2); // an entry closed with the wrong bracket
                Change::EndsAfter
            }
            // A bracket too many between entries.
            Some(0) if self.section.is_some() => Change::None,
            Some(depth) => {
                self.stack.truncate(depth);
                self.is_over = depth == 0;
                if depth <= 1 {
                    self.section = None;
                    return match is_open {
                        true if depth == 1 && is_scalar => Change::EndsBefore,
                        true => Change::IsCut,
                        false => Change::None,
                    };
                }
                if depth == 2 && is_open { Change::EndsAfter } else { Change::None }
            }
            None => Change::None,
        }
    }

    fn fail(&mut self, problem: impl Into<String>) {
        self.trouble = Some((self.line(), problem.into()));
    }
}

/// What a byte does to the open entry.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Change {
    None,
    Opens,
    /// It is complete without this byte.
    EndsBefore,
    /// It is complete with this byte.
    EndsAfter,
    /// Its list ended and it did not.
    IsCut,
}
