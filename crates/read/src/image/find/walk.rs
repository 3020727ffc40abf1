//! A folder's pictures, lists and array files.

use std::collections::{BTreeMap, HashSet};
use std::fs::{DirEntry, File};
use std::io::Read;
use std::path::{Path, PathBuf};

use stetho_core::{count_of, thousands};

use super::names;
use crate::ReadError;

/// Folders deeper than this are not walked; no data set lies there, a loop of links may.
const DEEPEST: usize = 64;
/// Files without an extension that are looked into before it is clear that they are no pictures.
const SNIFFED: usize = 2_000;

/// What a folder holds.
#[derive(Default)]
pub(crate) struct Walked {
    pub pictures: Vec<PathBuf>,
    pub lists: Vec<PathBuf>,
    pub arrays: Vec<PathBuf>,
    /// Files that may hold annotations of pictures: JSON, XML, text, YAML and lists of names.
    pub notes: Vec<PathBuf>,
    /// One line each: folders that cannot be read, links that lead nowhere.
    pub skipped: Vec<String>,
    others: BTreeMap<String, u64>,
    seen: HashSet<PathBuf>,
    n_sniffed: usize,
    n_sniffed_pictures: usize,
}

/// Walks a folder; the order of the results is that of sorted names.
///
/// # Errors
/// When the folder itself cannot be listed.
pub(crate) fn walk(folder: &Path) -> Result<Walked, ReadError> {
    let mut walked = Walked::default();
    walked.enter(folder, 0)?;
    Ok(walked)
}

/// Whether an entry of a folder, at `path`, is a folder or leads to one.
pub(crate) fn is_folder(entry: &DirEntry, path: &Path) -> bool {
    entry.file_type().is_ok_and(|kind| if kind.is_symlink() { path.is_dir() } else { kind.is_dir() })
}

impl Walked {
    fn enter(&mut self, folder: &Path, depth: usize) -> Result<(), ReadError> {
        let real = folder.canonicalize().map_err(|e| ReadError::io(folder, e))?;
        if depth > DEEPEST || !self.seen.insert(real) {
            return Ok(());
        }
        let mut entries = Vec::new();
        for entry in std::fs::read_dir(folder).map_err(|e| ReadError::io(folder, e))? {
            entries.push(entry.map_err(|e| ReadError::io(folder, e))?);
        }
        entries.sort_by_key(DirEntry::file_name);
        for entry in entries {
            if names::is_hidden(&entry.file_name().to_string_lossy()) {
                continue;
            }
            let path = entry.path();
            let mut kind = entry.file_type();
            if kind.as_ref().is_ok_and(std::fs::FileType::is_symlink) {
                kind = std::fs::metadata(&path).map(|facts| facts.file_type());
            }
            match kind {
                Ok(kind) if kind.is_dir() => {
                    if let Err(error) = self.enter(&path, depth + 1) {
                        self.skipped.push(error.to_string());
                    }
                }
                Ok(kind) if kind.is_file() => self.sort_in(path),
                Ok(_) => *self.others.entry("special files".to_owned()).or_default() += 1,
                // A picture that cannot be followed stays one: it is missing.
                Err(_) if names::is_picture(&path) => self.pictures.push(path),
                Err(error) => self.skipped.push(ReadError::io(&path, error).to_string()),
            }
        }
        Ok(())
    }

    fn sort_in(&mut self, path: PathBuf) {
        if names::is_picture(&path) {
            self.pictures.push(path);
        } else if names::is_list(&path) {
            self.lists.push(path);
        } else if names::is_array(&path) {
            self.arrays.push(path);
        } else if path.extension().is_none() && self.sniff(&path) {
            self.pictures.push(path);
        } else {
            let kind = match names::extension(&path) {
                none if none.is_empty() => "without extension".to_owned(),
                extension => format!(".{extension}"),
            };
            *self.others.entry(kind).or_default() += 1;
            if names::is_note(&path) {
                self.notes.push(path);
            }
        }
    }

    fn sniff(&mut self, path: &Path) -> bool {
        if self.n_sniffed >= SNIFFED && self.n_sniffed_pictures == 0 {
            return false;
        }
        self.n_sniffed += 1;
        let is_picture = starts_like_picture(path);
        self.n_sniffed_pictures += usize::from(is_picture);
        is_picture
    }

    /// One line about all files that are neither pictures nor lists.
    pub(super) fn other_files(&self) -> Option<String> {
        let total: u64 = self.others.values().sum();
        let mut kinds: Vec<_> = self.others.iter().collect();
        kinds.sort_by(|a, b| b.1.cmp(a.1).then_with(|| a.0.cmp(b.0)));
        let mut told: Vec<String> =
            kinds.iter().take(5).map(|(kind, n)| format!("{kind} {}", thousands(**n))).collect();
        if kinds.len() > 5 {
            told.push("…".to_owned());
        }
        (total > 0).then(|| format!("{}: {}", count_of(total, "other file"), told.join(", ")))
    }
}

/// Whether the file begins as a picture does.
pub(super) fn starts_like_picture(path: &Path) -> bool {
    let mut start = Vec::new();
    let read = File::open(path).and_then(|file| file.take(16).read_to_end(&mut start));
    read.is_ok() && names::is_picture_start(&start)
}
