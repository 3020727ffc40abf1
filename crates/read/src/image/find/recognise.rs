//! Whether paths are a set of pictures, by names and a few first bytes.

use std::collections::VecDeque;
use std::path::{Path, PathBuf};

use super::resolve::Resolver;
use super::{list, names, rows, walk};
use crate::image::array;

/// Entries of a folder that are looked at.
const LOOKED_AT: usize = 4_000;
/// Files whose first bytes are looked at.
const OPENED: usize = 50;
const TABLES: &[&str] =
    &["csv", "tsv", "parquet", "jsonl", "ndjson", "arrow", "feather", "npy", "npz", "json", "data"];

/// Whether `paths` are a set of pictures.
pub(crate) fn recognise(paths: &[PathBuf]) -> bool {
    !paths.is_empty() && paths.iter().all(|path| if path.is_dir() { folder(path) } else { file(path) })
}

fn file(path: &Path) -> bool {
    if !path.is_file() {
        return false;
    }
    if names::is_picture(path) || path.extension().is_none() && walk::starts_like_picture(path) {
        return true;
    }
    if names::is_array(path) {
        return array::is_sure(path);
    }
    if !names::is_list(path) {
        return false;
    }
    let Ok(mut list) = rows::read(path, 64 << 10) else { return false };
    list.rows.truncate(10);
    // Only names that end as pictures do: numbers are not looked for on disk.
    let is_named = list.rows.iter().flatten().any(|cell| names::is_picture(Path::new(cell)));
    let folder = path.parent().map(Path::to_path_buf).unwrap_or_default();
    let resolver = Resolver::disk(path);
    let Some(columns) = is_named.then(|| list::columns(&list, &folder, &resolver, None)).flatten() else {
        return false;
    };
    let paths = list.rows.iter().filter_map(|row| row.get(columns.path));
    paths.clone().any(|cell| resolver.find(cell, &folder).is_some())
}

fn folder(folder: &Path) -> bool {
    let (mut n_pictures, mut n_tables, mut n_entries, mut n_opened) = (0usize, 0usize, 0usize, 0usize);
    let mut queue = VecDeque::from([folder.to_path_buf()]);
    while let Some(next) = queue.pop_front() {
        for entry in std::fs::read_dir(&next).into_iter().flatten().flatten() {
            n_entries += 1;
            if n_entries > LOOKED_AT {
                return n_pictures > 0 && n_pictures >= n_tables;
            }
            if names::is_hidden(&entry.file_name().to_string_lossy()) {
                continue;
            }
            let path = entry.path();
            if walk::is_folder(&entry, &path) {
                queue.push_back(path);
            } else if names::is_picture(&path) {
                n_pictures += 1;
            } else if names::is_array(&path) && n_opened < OPENED && array::is_sure(&path) {
                n_opened += 1;
                n_pictures += 2; // its labels may be another array file
            } else if TABLES.contains(&names::extension(&path).as_str()) {
                n_tables += 1;
            } else if path.extension().is_none() && n_opened < OPENED {
                n_opened += 1;
                n_pictures += usize::from(walk::starts_like_picture(&path));
            }
        }
    }
    n_pictures > 0 && n_pictures >= n_tables
}
