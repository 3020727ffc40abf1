//! What is gathered of a detection set before its pictures are looked at.

use std::path::{Path, PathBuf};

use rayon::prelude::*;
use stetho_core::boxes::{Annotation, MalformedAnnotation};
use stetho_core::table::{FileFacts, Part};

use crate::Watch;
use crate::image::names;

/// Files read between two questions whether to stop.
const CHUNK: usize = 1_000;

/// Malformed entries that are kept.
const KEPT: usize = 10_000;
/// Longest text kept of a malformed entry, in characters.
const TEXT_LENGTH: usize = 120;

/// The annotation of one picture, and the picture where it was found.
#[derive(Debug)]
pub(super) struct Entry {
    pub annotation: Annotation,
    pub picture: Option<PathBuf>,
}

/// What was gathered so far.
#[derive(Debug, Default)]
pub(super) struct Gathered {
    pub entries: Vec<Entry>,
    /// Pictures whose annotation could not be read: looked at, and not said to be without.
    pub loose: Vec<(PathBuf, Part)>,
    pub files: Vec<FileFacts>,
    pub classes: Vec<String>,
    pub is_declared: bool,
    pub log: Log,
    pub skipped: Vec<String>,
    pub is_partial: bool,
}

impl Gathered {
    /// The number of the class called `name`, declared now if it is new.
    pub(super) fn declare(&mut self, name: &str) -> u32 {
        self.is_declared = true;
        let at = self.classes.iter().position(|c| c == name).unwrap_or_else(|| {
            self.classes.push(name.to_owned());
            self.classes.len() - 1
        });
        at as u32
    }

    /// Adds what the annotation file of one picture says. A picture of whose boxes none could be read is loose: it is
    /// not without boxes.
    pub(super) fn add_file(&mut self, annotation: Annotation, picture: Option<PathBuf>, log: Log) {
        let is_damaged = log.count > 0;
        self.log.append(log);
        if is_damaged && annotation.boxes.is_empty() {
            self.loose.extend(picture.map(|p| (p, annotation.part)));
            return;
        }
        self.entries.push(Entry { annotation: Annotation { is_damaged, ..annotation }, picture });
    }

    /// Reads each of `work` on all cores and adds it, in order, unless the reading is stopped.
    pub(super) fn add_each<W: Sync, R: Send>(
        &mut self,
        work: &[W],
        watch: &dyn Watch,
        read: impl Fn(&W) -> R + Sync,
        mut add: impl FnMut(&mut Self, &W, R),
    ) {
        for (i, chunk) in work.chunks(CHUNK).enumerate() {
            if watch.stopped() {
                self.is_partial = true;
                return;
            }
            let done: Vec<R> = chunk.par_iter().map(&read).collect();
            for (one, result) in chunk.iter().zip(done) {
                add(self, one, result);
            }
            watch.progress((i * CHUNK + chunk.len()) as u64, work.len() as u64);
        }
    }

    /// Adds a line for the many small files at `path`, whose entries begin at number `first`.
    pub(super) fn add_facts(&mut self, path: &Path, first: usize, format: String) {
        let own = self.entries.get(first..).unwrap_or_default();
        let n_rows = own.iter().map(|e| e.annotation.boxes.len() as u64).sum();
        self.files.push(FileFacts { path: path.display().to_string(), format, n_rows });
    }
}

/// What could not be read; the first entries and the number of all.
#[derive(Debug, Default)]
pub(super) struct Log {
    pub entries: Vec<MalformedAnnotation>,
    pub count: u64,
}

/// Where in a file trouble is.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct At {
    pub index: Option<u64>,
    pub line: Option<u64>,
}

impl Log {
    /// Adds an entry.
    pub(super) fn add(&mut self, path: &str, at: At, problem: impl Into<String>, text: &[u8]) {
        self.count += 1;
        if self.entries.len() < KEPT {
            let head = text.get(..text.len().min(4 * TEXT_LENGTH)).unwrap_or_default();
            let text = String::from_utf8_lossy(head).trim().chars().take(TEXT_LENGTH).collect();
            let At { index, line } = at;
            self.entries.push(MalformedAnnotation {
                path: path.to_owned(),
                index,
                line,
                problem: problem.into(),
                text,
            });
        }
    }

    /// Takes the entries of `other` in.
    pub(super) fn append(&mut self, other: Self) {
        self.count += other.count;
        let room = KEPT.saturating_sub(self.entries.len());
        self.entries.extend(other.entries.into_iter().take(room));
    }
}

/// The part of a picture: that for which the user gave the path, else that which names tell.
pub(super) fn part_given(given: Part, told: Option<Part>) -> Part {
    if given == Part::Train { told.unwrap_or_default() } else { given }
}

/// The part that a word of this name tells, years and numbers left aside: `instances_train2017`. `None` where the
/// words disagree.
pub(super) fn part_told(name: &str) -> Option<Part> {
    let words = name.split(|c: char| !c.is_alphanumeric());
    let mut told = words.filter_map(|w| {
        names::part_of(w).or_else(|| names::part_of(w.trim_end_matches(|c: char| c.is_ascii_digit())))
    });
    let first = told.next()?;
    told.all(|part| part == first).then_some(first)
}

/// The part that the folders between `base` and the file tell, the innermost first.
pub(super) fn part_of_folders(base: &Path, path: &Path) -> Option<Part> {
    let folder = path.strip_prefix(base).unwrap_or(path).parent()?;
    folder.components().rev().find_map(|c| part_told(&c.as_os_str().to_string_lossy()))
}
