//! Folders as lists of data files.

use std::collections::HashSet;
use std::path::{Path, PathBuf};

use stetho_core::count_of;

use super::detect::{FileKind, detect, has_extension};
use crate::ReadError;

/// Folders deeper than this are not walked; no data set lies there, a loop of links may.
const DEEPEST: usize = 64;
/// More files of plain text than this in one folder are no parts of a table.
const MOST_TEXTS: usize = 5_000;
/// Names that text tables have; other text in a folder (a licence, a readme, a script) is no data.
const TEXT_TABLES: &[&str] = &["csv", "tsv", "tab", "psv", "ssv", "dat", "data", "test", "train"];

/// Replaces folders by the data files in them, sorted by path, recursively, hidden ones left out. Files that were named
/// are kept as they are.
///
/// Returns the files, and one line for each file of a folder that was stepped over, with the reason.
///
/// # Errors
/// When a path does not exist, a folder cannot be listed, or no data file is found.
pub fn expand(paths: &[PathBuf]) -> Result<(Vec<PathBuf>, Vec<String>), ReadError> {
    let (mut files, mut skipped) = (Vec::new(), Vec::new());
    for path in paths {
        let facts = std::fs::metadata(path).map_err(|e| ReadError::io(path, e))?;
        if !facts.is_dir() {
            files.push(path.clone());
            continue;
        }
        let mut found = Vec::new();
        walk(path, 0, &mut HashSet::new(), &mut found, &mut skipped)?;
        let (kept, plain_text) = sort_out(found, &mut skipped);
        // Plain `.txt` is data only where there is no other.
        let is_text_alone = kept.is_empty();
        let kept = if is_text_alone { plain_text } else { step_over(&plain_text, kept, &mut skipped) };
        if kept.is_empty() || is_text_alone && kept.len() > MOST_TEXTS {
            let texts = match kept.len() {
                0 => String::new(),
                n => format!(", but {}; name those that are tables", count_of(n as u64, "text file")),
            };
            let kinds = "CSV, TSV, Parquet, JSONL, Arrow, NumPy";
            return Err(ReadError::malformed(path, format!("no data file in the folder ({kinds}){texts}")));
        }
        files.extend(kept);
    }
    if files.is_empty() {
        return Err(ReadError::Request("no data file was given".to_owned()));
    }
    Ok((files, skipped))
}

fn walk(
    folder: &Path,
    depth: usize,
    seen: &mut HashSet<PathBuf>,
    found: &mut Vec<PathBuf>,
    skipped: &mut Vec<String>,
) -> Result<(), ReadError> {
    let real = folder.canonicalize().map_err(|e| ReadError::io(folder, e))?;
    if depth > DEEPEST || !seen.insert(real) {
        return Ok(());
    }
    let entries = std::fs::read_dir(folder).map_err(|e| ReadError::io(folder, e))?;
    let mut paths = Vec::new();
    for entry in entries {
        paths.push(entry.map_err(|e| ReadError::io(folder, e))?.path());
    }
    paths.sort();
    for path in paths {
        let name = path.file_name().map(|n| n.to_string_lossy().into_owned()).unwrap_or_default();
        if name.starts_with('.') {
            continue;
        }
        match std::fs::metadata(&path) {
            Ok(facts) if facts.is_dir() => {
                // A folder inside the one that was asked for does not end the audit.
                if let Err(error) = walk(&path, depth + 1, seen, found, skipped) {
                    skipped.push(error.to_string());
                }
            }
            // Spark and Dask put notes beside the data under such names.
            Ok(_) if name.starts_with('_') => skipped.push(format!("`{}`: not a data file", path.display())),
            Ok(facts) if facts.is_file() => found.push(path),
            Ok(_) => skipped.push(format!("`{}`: not a regular file", path.display())),
            Err(error) => skipped.push(ReadError::io(&path, error).to_string()),
        }
    }
    Ok(())
}

/// Data files, and plain text that may be data.
fn sort_out(found: Vec<PathBuf>, skipped: &mut Vec<String>) -> (Vec<PathBuf>, Vec<PathBuf>) {
    let (mut kept, mut plain_text) = (Vec::new(), Vec::new());
    for path in found {
        match detect(&path) {
            Ok(FileKind::Csv) if has_extension(&path, TEXT_TABLES) => kept.push(path),
            Ok(FileKind::Csv) if has_extension(&path, &["txt"]) => plain_text.push(path),
            Ok(FileKind::Csv) => skipped.push(format!("`{}`: not a data file by its name", path.display())),
            Ok(_) => kept.push(path),
            Err(error) => skipped.push(error.to_string()),
        }
    }
    (kept, plain_text)
}

fn step_over(texts: &[PathBuf], kept: Vec<PathBuf>, skipped: &mut Vec<String>) -> Vec<PathBuf> {
    skipped.extend(texts.iter().map(|path| format!("`{}`: plain text beside data files", path.display())));
    kept
}
