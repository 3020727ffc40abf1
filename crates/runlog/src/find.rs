//! What is a run? Finding the logs under a path.

use std::cmp::Ordering;
use std::collections::HashSet;
use std::path::{Path, PathBuf};

use crate::events::{EventRun, begins_like_events, is_event_file};
use crate::foreign::{self, Foreign, Pattern};
use crate::{LogError, Source};

/// Folders deeper than this are not walked.
const DEEPEST: usize = 64;
/// Of one folder, so many files are opened to see whether they are logs.
const MOST_LOOKED_AT: usize = 200;
/// Files that Stetho writes beside the events, which are no logs.
const OURS: &[&str] = &["findings.jsonl", "code.json", "preflight.json", crate::traps::TRAPS];
/// Names that logs have which are no event files.
const EXTENSIONS: &[&str] = &["csv", "tsv", "jsonl", "ndjson", "json", "log", "out", "txt"];

/// How a run is logged.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RunKind {
    /// The event files of a folder.
    EventFolder,
    /// One event file.
    EventFile,
    /// A log of another kind.
    Foreign(Foreign),
}

/// A run that was found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FoundRun {
    /// Its path below the one that was asked for, with `/`; the last part of that one where it is the same.
    pub name: String,
    /// The folder of the event files, or the file.
    pub path: PathBuf,
    /// How it is logged.
    pub kind: RunKind,
}

impl FoundRun {
    /// Opens it for reading. `pattern` is for lines of text.
    pub fn open(&self, pattern: Option<&Pattern>) -> Box<dyn Source> {
        match self.kind {
            RunKind::EventFolder => Box::new(EventRun::of_folder(&self.path)),
            RunKind::EventFile => Box::new(EventRun::of_files(std::slice::from_ref(&self.path))),
            RunKind::Foreign(kind) => foreign::open(&self.path, kind, pattern.cloned()),
        }
    }
}

/// The runs under a path.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Found {
    /// In the order of their names, numbers in them by size.
    pub runs: Vec<FoundRun>,
    /// What may be a log and was left aside, with the reason.
    pub left_aside: Vec<(PathBuf, String)>,
}

/// Finds the runs under `path`: a log, or a folder. Every folder that holds event files is a run, and so is every other log
/// in folders without event files. No run is no error: there may be one later.
///
/// # Errors
/// When there is no such path, it cannot be read, or it is a file and no log.
pub fn find(path: &Path) -> Result<Found, LogError> {
    let facts = std::fs::metadata(path).map_err(|e| LogError::read(path, e))?;
    if !facts.is_dir() {
        let kind = kind_of_named_file(path)?;
        let run = FoundRun { name: name_of(path), path: path.to_owned(), kind };
        return Ok(Found { runs: vec![run], left_aside: Vec::new() });
    }
    let mut walk = Walk { root: path.to_owned(), seen: HashSet::new(), found: Found::default() };
    walk.folder(path, 0)?;
    let Found { runs, mut left_aside } = walk.found;
    let mut runs = newest_states(runs, &mut left_aside);
    runs.sort_by(|a, b| by_name(&a.name, &b.name));
    Ok(Found { runs, left_aside })
}

fn kind_of_named_file(path: &Path) -> Result<RunKind, LogError> {
    if is_event_file(&name_of(path)) {
        return Ok(RunKind::EventFile);
    }
    if let Some(kind) = foreign::recognise(path, true)? {
        return Ok(RunKind::Foreign(kind));
    }
    let start = foreign::look(path).map_err(|e| LogError::read(path, e))?;
    if begins_like_events(&start) {
        return Ok(RunKind::EventFile);
    }
    let kinds = "event files, CSV, JSON lines, `trainer_state.json` and lines of text are";
    Err(LogError::malformed(path, format!("no log that is known; {kinds}")))
}

fn name_of(path: &Path) -> String {
    let whole = path.canonicalize().unwrap_or_else(|_| path.to_owned());
    path.file_name()
        .or(whole.file_name())
        .map_or_else(|| ".".to_owned(), |n| n.to_string_lossy().into_owned())
}

struct Walk {
    root: PathBuf,
    /// Folders walked, so that links in a circle end.
    seen: HashSet<PathBuf>,
    found: Found,
}

impl Walk {
    fn folder(&mut self, folder: &Path, depth: usize) -> Result<(), LogError> {
        let refused = |e| LogError::read(folder, e);
        if depth > DEEPEST || !self.seen.insert(folder.canonicalize().map_err(refused)?) {
            return Ok(());
        }
        let (mut folders, mut candidates, mut has_events) = (Vec::new(), Vec::new(), false);
        for entry in std::fs::read_dir(folder).map_err(refused)? {
            let entry = entry.map_err(refused)?;
            let name = entry.file_name().to_string_lossy().into_owned();
            let Ok(kind) = entry.file_type() else { continue };
            if name.starts_with('.') {
                continue;
            }
            let is_folder = kind.is_dir() || (kind.is_symlink() && entry.path().is_dir());
            if is_folder {
                folders.push(entry.path());
            } else if is_event_file(&name) {
                has_events |= entry.path().is_file();
            } else if OURS.contains(&name.as_str()) {
                // Belongs to the run.
            } else if EXTENSIONS.contains(&foreign::extension(Path::new(&name)).as_str()) {
                candidates.push(entry.path());
            }
        }
        folders.sort();
        candidates.sort();
        if has_events {
            self.add(folder, RunKind::EventFolder);
        }
        self.candidates(&candidates, has_events);
        for inner in folders {
            if let Err(error) = self.folder(&inner, depth + 1) {
                self.found.left_aside.push((inner, error.to_string()));
            }
        }
        Ok(())
    }

    /// Files that are logs by their names, those that logs usually have first.
    fn candidates(&mut self, candidates: &[PathBuf], has_events: bool) {
        let is_usual = |path: &Path| {
            let name = name_of(path).to_ascii_lowercase();
            ["metrics", "results", "trainer_state", "log", "history", "train"]
                .iter()
                .any(|n| name.starts_with(n))
        };
        let (usual, others): (Vec<&PathBuf>, Vec<&PathBuf>) = candidates.iter().partition(|p| is_usual(p));
        for (i, path) in usual.into_iter().chain(others).enumerate() {
            if i == MOST_LOOKED_AT {
                let reason = format!("one of more than {MOST_LOOKED_AT} files that may be logs; name it");
                self.found.left_aside.push((path.clone(), reason));
                return;
            }
            match foreign::recognise(path, false) {
                Ok(None) => {}
                Ok(Some(_)) if has_events => {
                    self.found
                        .left_aside
                        .push((path.clone(), "beside event files, which are read".to_owned()));
                }
                Ok(Some(kind)) => self.add(path, RunKind::Foreign(kind)),
                Err(error) => self.found.left_aside.push((path.clone(), error.to_string())),
            }
        }
    }

    fn add(&mut self, path: &Path, kind: RunKind) {
        let below = path.strip_prefix(&self.root).unwrap_or(path);
        let parts: Vec<_> = below.components().map(|c| c.as_os_str().to_string_lossy()).collect();
        let name = if parts.is_empty() { name_of(path) } else { parts.join("/") };
        self.found.runs.push(FoundRun { name, path: path.to_owned(), kind });
    }
}

/// transformers keeps its whole log with every checkpoint: of these only the newest counts, and none beside that of the run.
fn newest_states(runs: Vec<FoundRun>, left_aside: &mut Vec<(PathBuf, String)>) -> Vec<FoundRun> {
    let checkpoint = |run: &FoundRun| -> Option<(PathBuf, u64)> {
        let folder = run.path.parent().filter(|_| run.path.ends_with("trainer_state.json"))?;
        let number = folder.file_name()?.to_str()?.strip_prefix("checkpoint-")?.parse().ok()?;
        Some((folder.parent()?.to_owned(), number))
    };
    let states: Vec<Option<(PathBuf, u64)>> = runs.iter().map(checkpoint).collect();
    let is_superseded = |state: &Option<(PathBuf, u64)>| {
        let Some((parent, number)) = state else { return false };
        let is_newer = |other: &(PathBuf, u64)| other.0 == *parent && other.1 > *number;
        states.iter().flatten().any(is_newer)
            || runs.iter().any(|run| run.path == parent.join("trainer_state.json"))
    };
    let is_old: Vec<bool> = states.iter().map(is_superseded).collect();
    let mut kept = Vec::new();
    for (run, is_old) in runs.into_iter().zip(is_old) {
        if is_old {
            left_aside.push((run.path, "an earlier state of the same run".to_owned()));
        } else {
            kept.push(run);
        }
    }
    kept
}

/// Compares names with the numbers in them by size: `version_2` before `version_10`.
fn by_name(a: &str, b: &str) -> Ordering {
    let (mut a, mut b) = (a, b);
    while let (Some(x), Some(y)) = (a.chars().next(), b.chars().next()) {
        let digits = |text: &str| text.bytes().take_while(u8::is_ascii_digit).count();
        let (n, m) = (digits(a), digits(b));
        let (order, used, used_too) = if n > 0 && m > 0 {
            let (number, other) = (a[..n].trim_start_matches('0'), b[..m].trim_start_matches('0'));
            (number.len().cmp(&other.len()).then(number.cmp(other)), n, m)
        } else {
            (x.cmp(&y), x.len_utf8(), y.len_utf8())
        };
        if order != Ordering::Equal {
            return order;
        }
        (a, b) = (&a[used..], &b[used_too..]);
    }
    a.len().cmp(&b.len())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_ordered_by_their_numbers() {
        let mut names = ["version_10", "version_2", "a", "version_02b", "version_", ""];
        names.sort_by(|a, b| by_name(a, b));
        assert_eq!(names, ["", "a", "version_", "version_2", "version_02b", "version_10"]);
    }
}
