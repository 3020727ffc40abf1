//! Pictures that no folder of the set names: beside a single annotation file, or without annotation.

use std::collections::{HashMap, HashSet};
use std::path::{Path, PathBuf};

use stetho_core::boxes::Annotation;
use stetho_core::count_of;
use stetho_core::table::Part;

use super::set::{Entry, Gathered, part_given, part_of_folders};
use crate::image::{names, walk};

/// Folders that are looked into for the pictures of a single file.
const MOST_FOLDERS: usize = 200;
/// Names that are tried.
const TRIED: usize = 20;

/// The folder and its pictures that a single annotation file speaks of: its own, or one near it.
pub(super) fn pictures(file: &Path, wanted: &[&str]) -> (PathBuf, Vec<PathBuf>) {
    let own = match file.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent.to_path_buf(),
        _ => PathBuf::from("."),
    };
    let mut folders = vec![own.clone()];
    folders.extend(inner(&own));
    let above = own.join("..");
    let above = own.parent().filter(|p| !p.as_os_str().is_empty()).map_or(above, Path::to_path_buf);
    let near = inner(&above);
    folders.push(above);
    folders.extend(near.iter().cloned());
    folders.extend(near.iter().flat_map(|folder| inner(folder)));
    folders.truncate(MOST_FOLDERS);
    let step = (wanted.len() / TRIED).max(1);
    let tried: Vec<String> = wanted.iter().step_by(step).map(|name| name.replace('\\', "/")).collect();
    let hits = |folder: &PathBuf| {
        let is_there = |name: &&String| {
            let last = name.rsplit('/').next().unwrap_or(name);
            folder.join(name).is_file() || folder.join(last).is_file()
        };
        tried.iter().filter(is_there).count()
    };
    let counts: Vec<usize> = folders.iter().map(hits).collect();
    let best = counts.iter().copied().max().unwrap_or(0);
    let chosen = counts.iter().position(|n| *n == best && best > 0).and_then(|at| folders.get(at));
    let Some(root) = chosen else { return (own, Vec::new()) };
    let found = walk::walk(root).map(|walked| walked.pictures).unwrap_or_default();
    (root.clone(), found)
}

/// Folders in `folder`, sorted.
fn inner(folder: &Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(folder).into_iter().flatten().flatten();
    let mut folders: Vec<PathBuf> = entries
        .filter(|e| {
            !names::is_hidden(&e.file_name().to_string_lossy()) && e.file_type().is_ok_and(|t| !t.is_file())
        })
        .map(|e| e.path())
        .filter(|p| p.is_dir())
        .take(MOST_FOLDERS)
        .collect();
    folders.sort();
    folders
}

/// Adds the pictures that no entry from number `first` on speaks of. A folder in which no picture is annotated is left
/// out: masks, unlabelled test pictures, backgrounds.
pub(super) fn without_annotation(
    all: &mut Gathered,
    first: usize,
    root: &Path,
    pictures: &[PathBuf],
    part: Part,
) {
    let own = all.entries.get(first..).unwrap_or_default();
    let known: HashSet<&Path> = own
        .iter()
        .filter_map(|e| e.picture.as_deref())
        .chain(all.loose.iter().map(|(path, _)| path.as_path()))
        .collect();
    let folders: HashSet<Option<&Path>> = known.iter().map(|p| p.parent()).collect();
    // A picture belongs to the part of those that lie beside it, where they are of one.
    let mut parts: HashMap<Option<&Path>, Option<Part>> = HashMap::new();
    for entry in own {
        let Some(picture) = entry.picture.as_deref() else { continue };
        let told = Some(entry.annotation.part);
        let slot = parts.entry(picture.parent()).or_insert(told);
        *slot = slot.filter(|_| *slot == told);
    }
    let mut added = Vec::new();
    let mut foreign = Vec::new();
    for path in pictures.iter().filter(|p| !known.contains(p.as_path())) {
        if !folders.contains(&path.parent()) {
            foreign.push(path);
            continue;
        }
        let beside = parts.get(&path.parent()).copied().flatten().or_else(|| part_of_folders(root, path));
        let part = part_given(part, beside);
        let name = path.display().to_string();
        let annotation = Annotation {
            path: name.clone(),
            picture: name,
            part,
            is_annotated: false,
            ..Annotation::default()
        };
        added.push(Entry { annotation, picture: Some(path.clone()) });
    }
    if let Some(first) = foreign.first() {
        let (n, verb) =
            (count_of(foreign.len() as u64, "picture"), if foreign.len() == 1 { "lies" } else { "lie" });
        let more = if foreign.len() > 1 { ", …" } else { "" };
        all.skipped
            .push(format!("{n} {verb} in a folder without any annotation: `{}`{more}", first.display()));
    }
    all.entries.append(&mut added);
}
