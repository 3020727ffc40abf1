//! Walking folders for pictures, calmly past everything else.

use std::cmp::Ordering;
use std::collections::{BTreeMap, HashSet};
use std::path::{Path, PathBuf};

use stetho_core::{count_of, thousands};

use crate::ReadError;

/// Folders deeper than this are not walked.
const DEEPEST: usize = 64;
/// Files that are looked at to tell pictures from tables.
const CENSUS: usize = 5_000;
const PICTURES: [&str; 11] =
    ["jpg", "jpeg", "jpe", "jfif", "png", "webp", "gif", "bmp", "dib", "tif", "tiff"];
const TABLES: [&str; 9] = ["csv", "tsv", "jsonl", "ndjson", "parquet", "arrow", "feather", "npy", "npz"];

/// What a folder holds.
#[derive(Default)]
pub(super) struct Walked {
    /// Files that have the name of a picture.
    pub pictures: Vec<PathBuf>,
    /// Tables that may be lists of pictures.
    pub tables: Vec<PathBuf>,
    /// What was stepped over, one line a kind.
    pub skipped: Vec<String>,
}

fn extension(path: &Path) -> String {
    path.extension().map(|e| e.to_string_lossy().to_lowercase()).unwrap_or_default()
}

/// Whether the name is that of a picture.
pub(super) fn is_picture(path: &Path) -> bool {
    PICTURES.contains(&extension(path).as_str())
}

/// How many pictures and how many tables are among the first files of a folder.
pub(super) fn census(folder: &Path) -> (usize, usize) {
    let (mut n_pictures, mut n_tables, mut n_seen) = (0, 0, 0);
    let mut count = |path: PathBuf| {
        n_pictures += usize::from(is_picture(&path));
        n_tables += usize::from(TABLES.contains(&extension(&path).as_str()));
        n_seen += 1;
        n_seen < CENSUS
    };
    visit(folder, 0, &mut HashSet::new(), &mut count, &mut |_| {});
    (n_pictures, n_tables)
}

/// Every picture and table below `folder`.
///
/// # Errors
/// When `folder` itself cannot be listed.
pub(super) fn walk(folder: &Path) -> Result<Walked, ReadError> {
    std::fs::read_dir(folder).map_err(|e| ReadError::io(folder, e))?;
    let mut walked = Walked::default();
    let mut others: BTreeMap<String, u64> = BTreeMap::new();
    let mut problems = Vec::new();
    let mut sort = |path: PathBuf| {
        if is_picture(&path) {
            walked.pictures.push(path);
        } else {
            if matches!(extension(&path).as_str(), "csv" | "tsv" | "jsonl" | "ndjson") {
                walked.tables.push(path.clone());
            }
            *others.entry(extension(&path)).or_default() += 1;
        }
        true
    };
    visit(folder, 0, &mut HashSet::new(), &mut sort, &mut |problem| problems.push(problem));
    walked.pictures.sort_by(|a, b| natural(a, b));
    walked.tables.sort();
    let total: u64 = others.values().sum();
    if total > 0 {
        let mut kinds: Vec<(String, u64)> = others.into_iter().collect();
        kinds.sort_by_key(|(_, n)| std::cmp::Reverse(*n));
        let name = |kind: &str| if kind.is_empty() { "no extension".into() } else { format!(".{kind}") };
        let shown: Vec<String> =
            kinds.iter().take(4).map(|(kind, n)| format!("{} {}", thousands(*n), name(kind))).collect();
        let more = if kinds.len() > 4 { ", …" } else { "" };
        walked.skipped.push(format!(
            "{} of other kinds: {}{more}",
            count_of(total, "file"),
            shown.join(", ")
        ));
    }
    walked.skipped.extend(problems);
    Ok(walked)
}

/// Calls `each` for every file until it returns `false`. Hidden files are left out, links are followed but never twice.
fn visit(
    folder: &Path,
    depth: usize,
    seen: &mut HashSet<PathBuf>,
    each: &mut dyn FnMut(PathBuf) -> bool,
    problem: &mut dyn FnMut(String),
) -> bool {
    let is_new = folder.canonicalize().is_ok_and(|real| seen.insert(real));
    if depth > DEEPEST || !is_new {
        return true;
    }
    let entries = match std::fs::read_dir(folder) {
        Ok(entries) => entries,
        Err(error) => {
            problem(ReadError::io(folder, error).to_string());
            return true;
        }
    };
    let mut folders = Vec::new();
    for entry in entries.flatten() {
        let name = entry.file_name();
        let name = name.to_string_lossy();
        if name.starts_with('.') || matches!(name.as_ref(), "__MACOSX" | "Thumbs.db" | "desktop.ini") {
            continue;
        }
        let path = entry.path();
        let is_folder = match entry.file_type() {
            Ok(kind) if kind.is_symlink() => path.is_dir(),
            Ok(kind) => kind.is_dir(),
            Err(_) => false,
        };
        if is_folder {
            folders.push(path);
        } else if !each(path) {
            return false;
        }
    }
    folders.sort();
    folders.iter().all(|folder| visit(folder, depth + 1, seen, each, problem))
}

/// Orders paths as people count: `9.jpg` before `10.jpg`.
pub(super) fn natural(a: &Path, b: &Path) -> Ordering {
    let (a, b) = (a.to_string_lossy(), b.to_string_lossy());
    let (mut x, mut y) = (a.as_ref(), b.as_ref());
    while let (Some(p), Some(q)) = (x.chars().next(), y.chars().next()) {
        let digits = |text: &str| text.len() - text.trim_start_matches(|c: char| c.is_ascii_digit()).len();
        let order = if p.is_ascii_digit() && q.is_ascii_digit() {
            let ((m, rest_x), (n, rest_y)) = (x.split_at(digits(x)), y.split_at(digits(y)));
            (x, y) = (rest_x, rest_y);
            let (m, n) = (m.trim_start_matches('0'), n.trim_start_matches('0'));
            m.len().cmp(&n.len()).then(m.cmp(n))
        } else {
            (x, y) = (&x[p.len_utf8()..], &y[q.len_utf8()..]);
            p.cmp(&q)
        };
        if order.is_ne() {
            return order;
        }
    }
    x.len().cmp(&y.len()).then(a.cmp(&b))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_in_names_count() {
        let mut names = ["b/10.png", "b/9.png", "a/2 x.png", "b/09.png", "b/1.png"].map(PathBuf::from);
        names.sort_by(|a, b| natural(a, b));
        assert_eq!(names, ["a/2 x.png", "b/1.png", "b/09.png", "b/9.png", "b/10.png"].map(PathBuf::from));
    }

    #[test]
    fn cycles_and_other_files_are_stepped_over() {
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path();
        for name in ["1.jpg", "a b\n.PNG", "note.txt", "x.md", ".hidden.png", "sub/ü.webp"] {
            std::fs::create_dir_all(root.join("sub")).unwrap();
            std::fs::write(root.join(name), "x").unwrap();
        }
        #[cfg(unix)]
        std::os::unix::fs::symlink(root, root.join("sub/again")).unwrap();
        let walked = walk(root).unwrap();
        assert_eq!(walked.pictures.len(), 3);
        assert_eq!(walked.skipped, ["2 files of other kinds: 1 .md, 1 .txt"]);
    }
}
