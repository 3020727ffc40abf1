//! One COCO file, streamed.

use std::path::Path;

use rayon::prelude::*;

use super::entry::{self, CocoBox, CocoImage, Id, Problem};
use super::scan::{Piece, Scanner, Section};
use crate::boxes::set::{At, Log};
use crate::source::compressed::open_bytes;
use crate::source::encoding::Decoder;
use crate::{ReadError, Watch};

/// Bytes of entries that are parsed at a time.
const BATCH: usize = 8 << 20;

/// What a COCO file holds, entries in the order of the file.
#[derive(Debug, Default)]
pub(in crate::boxes) struct CocoFile {
    /// Pictures with their line.
    pub images: Vec<(u64, CocoImage)>,
    /// Boxes with their position and line.
    pub boxes: Vec<(u64, u64, CocoBox)>,
    pub categories: Vec<(Id, String)>,
    /// Pictures of which some entry could not be read.
    pub troubled: Vec<Id>,
    /// Whether there may be boxes that could not be read, of pictures that nobody knows.
    pub has_stray: bool,
    /// Whether there are `images`, `annotations`, `categories`.
    pub seen: [bool; 3],
    pub log: Log,
    pub is_partial: bool,
    n_annotations: u64,
}

enum Parsed {
    Image(u64, Result<CocoImage, Problem>),
    Box(u64, Result<CocoBox, Problem>),
    Category(u64, Result<(Id, String), Problem>),
}

impl CocoFile {
    /// Reads the file at `path`.
    ///
    /// # Errors
    /// When the operating system refuses.
    pub(in crate::boxes) fn open(path: &Path, watch: &dyn Watch) -> Result<Self, ReadError> {
        let total = std::fs::metadata(path).map_or(0, |facts| facts.len());
        let mut decoder = Decoder::new(open_bytes(path)?).map_err(|e| ReadError::io(path, e))?;
        let mut buffer = Vec::new();
        let name = path.display().to_string();
        Self::read(&name, |scanner| {
            buffer.clear();
            if watch.stopped() {
                return Ok(Next::Stop);
            }
            let n = decoder.read_into(&mut buffer).map_err(|e| e.to_string())?;
            watch.progress(decoder.bytes().consumed(), total);
            scanner.feed(&buffer);
            Ok(if n == 0 { Next::End } else { Next::More })
        })
    }

    /// Reads COCO from memory; `name` is that of the file in the log.
    pub(in crate::boxes) fn from_bytes(name: &str, bytes: &[u8]) -> Self {
        let mut chunks = bytes.chunks(64 << 10);
        let read = Self::read(name, |scanner| {
            let Some(chunk) = chunks.next() else { return Ok(Next::End) };
            scanner.feed(chunk);
            Ok(Next::More)
        });
        read.unwrap_or_default()
    }

    fn read(
        name: &str,
        mut next: impl FnMut(&mut Scanner) -> Result<Next, String>,
    ) -> Result<Self, ReadError> {
        let mut file = Self::default();
        let mut scanner = Scanner::default();
        loop {
            let step = next(&mut scanner);
            let is_end = !matches!(step, Ok(Next::More)) || scanner.trouble.is_some() || scanner.is_over;
            if is_end && !matches!(step, Ok(Next::Stop)) && scanner.trouble.is_none() {
                scanner.finish();
            }
            if is_end || scanner.bytes.len() >= BATCH {
                let (bytes, pieces) = scanner.take();
                file.parse(name, &bytes, &pieces);
            }
            if is_end {
                file.is_partial = matches!(step, Ok(Next::Stop));
                file.end(name, scanner, step.err());
                return Ok(file);
            }
        }
    }

    fn end(&mut self, name: &str, scanner: Scanner, damage: Option<String>) {
        self.seen = scanner.seen;
        self.has_stray |= !scanner.is_over || damage.is_some();
        let line = scanner.line();
        let at = At { index: None, line: Some(line) };
        if let Some((line, words)) = scanner.trouble {
            self.log.add(name, At { index: None, line: Some(line) }, format!("not COCO: {words}"), b"");
        } else if let Some(damage) = damage {
            self.log.add(name, at, format!("damaged file: {damage}"), b"");
        } else if !scanner.is_over
            && !self.is_partial
            && self.log.entries.last().is_none_or(|e| !e.problem.contains("cut off"))
        {
            let words = "the file ends before its JSON does: it was cut off";
            self.log.add(name, at, words, b"");
        }
    }

    fn parse(&mut self, name: &str, bytes: &[u8], pieces: &[Piece]) {
        let parsed: Vec<Parsed> = pieces.par_iter().map(|piece| parse(bytes, piece)).collect();
        for (parsed, piece) in parsed.into_iter().zip(pieces) {
            let (index, line, problem) = match parsed {
                Parsed::Image(line, Ok(image)) => {
                    self.images.push((line, image));
                    continue;
                }
                Parsed::Category(_, Ok(category)) => {
                    self.categories.push(category);
                    continue;
                }
                Parsed::Box(line, result) => {
                    let index = self.n_annotations;
                    self.n_annotations += 1;
                    match result {
                        Ok(b) => {
                            self.boxes.push((index, line, b));
                            continue;
                        }
                        Err(problem) => (Some(index), line, problem),
                    }
                }
                Parsed::Image(line, Err(problem)) | Parsed::Category(line, Err(problem)) => {
                    (None, line, problem)
                }
            };
            self.has_stray |= index.is_some() && problem.image.is_none();
            self.troubled.extend(problem.image);
            let text = bytes.get(piece.start..piece.end).unwrap_or_default();
            self.log.add(name, At { index, line: Some(line) }, problem.words, text);
        }
    }
}

enum Next {
    More,
    End,
    Stop,
}

fn parse(bytes: &[u8], piece: &Piece) -> Parsed {
    let text = bytes.get(piece.start..piece.end).unwrap_or_default();
    let cut = |problem: Problem| {
        if piece.is_cut {
            Problem { words: "the entry ends too early: the file was cut off".into(), ..problem }
        } else {
            problem
        }
    };
    match piece.section {
        Section::Images => Parsed::Image(piece.line, entry::read_image(text).map_err(cut)),
        Section::Annotations => Parsed::Box(piece.line, entry::read_box(text).map_err(cut)),
        Section::Categories => Parsed::Category(piece.line, entry::read_category(text).map_err(cut)),
    }
}
