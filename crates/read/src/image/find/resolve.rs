//! Which file a cell of a list names.

use std::collections::HashMap;
use std::path::{Path, PathBuf};

use super::names;

/// Folders beside a list that are looked into.
const MOST_FOLDERS: usize = 100;

/// Finds files by what lists call them.
pub(super) enum Resolver<'a> {
    /// Among the pictures of a folder, by file name and by name without extension.
    Walked(&'a [PathBuf], HashMap<String, Vec<usize>>),
    /// On disk, in these folders.
    Disk(Vec<PathBuf>),
}

fn parts(cell: &str) -> Vec<&str> {
    cell.split(['/', '\\']).filter(|p| !p.is_empty() && *p != ".").collect()
}

impl<'a> Resolver<'a> {
    /// Among `pictures`.
    pub(super) fn walked(pictures: &'a [PathBuf]) -> Self {
        let mut map: HashMap<String, Vec<usize>> = HashMap::new();
        for (i, path) in pictures.iter().enumerate() {
            let name = path.file_name().map(|n| n.to_string_lossy().into_owned()).unwrap_or_default();
            let stem = path.file_stem().map(|n| n.to_string_lossy().into_owned()).unwrap_or_default();
            if stem != name {
                map.entry(stem).or_default().push(i);
            }
            map.entry(name).or_default().push(i);
        }
        Self::Walked(pictures, map)
    }

    /// Beside the list at `list`, and in the folders beside it.
    pub(super) fn disk(list: &Path) -> Self {
        let parent = list.parent().map(Path::to_path_buf).unwrap_or_default();
        let shown = if parent.as_os_str().is_empty() { PathBuf::from(".") } else { parent.clone() };
        let mut folders: Vec<PathBuf> = std::fs::read_dir(shown)
            .into_iter()
            .flatten()
            .flatten()
            .filter(|e| !names::is_hidden(&e.file_name().to_string_lossy()) && e.path().is_dir())
            .take(MOST_FOLDERS)
            .map(|e| parent.join(e.file_name()))
            .collect();
        folders.sort();
        folders.insert(0, parent);
        Self::Disk(folders)
    }

    /// The picture that `cell` names in a list that lies in `folder`.
    pub(super) fn find(&self, cell: &str, folder: &Path) -> Option<PathBuf> {
        if cell.is_empty() || cell.len() > 4_096 {
            return None;
        }
        match self {
            Self::Walked(pictures, map) => {
                let wanted = parts(cell);
                let candidates: Vec<&PathBuf> =
                    map.get(*wanted.last()?)?.iter().filter_map(|i| pictures.get(*i)).collect();
                let direct = folder.join(cell);
                if let Some(path) = candidates.iter().find(|p| ***p == direct) {
                    return Some((*path).clone());
                }
                candidates.into_iter().find(|p| agree(p, &wanted)).cloned()
            }
            Self::Disk(folders) => {
                let is_named = names::is_picture(Path::new(cell));
                folders.iter().find_map(|folder| {
                    let path = folder.join(cell);
                    if is_named {
                        return path.is_file().then_some(path);
                    }
                    let with = |e: &&str| PathBuf::from(format!("{}.{e}", path.display()));
                    names::PICTURES.iter().map(with).find(|p| p.is_file())
                })
            }
        }
    }
}

/// Whether the folders that the cell names are those of the file, as far as both go.
fn agree(path: &Path, wanted: &[&str]) -> bool {
    let folders: Vec<String> = path
        .parent()
        .map(|p| p.components().map(|c| c.as_os_str().to_string_lossy().into_owned()).collect())
        .unwrap_or_default();
    let inner = wanted.split_last().map(|(_, rest)| rest).unwrap_or_default();
    folders.iter().rev().zip(inner.iter().rev()).all(|(a, b)| a == b)
}
