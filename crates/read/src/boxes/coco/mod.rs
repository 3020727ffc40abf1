//! COCO: JSON files with `images`, `annotations` and `categories`.

mod entry;
mod file;
mod join;
mod scan;
mod segmentation;

use std::path::{Path, PathBuf};

use stetho_core::boxes::BoundingBox;
use stetho_core::table::Part;

use super::set::{Gathered, Log, part_given, part_of_folders, part_told};
use super::shelf::Shelf;
use super::{beside, sniff};
use crate::image::{names, walk};
use crate::{ReadError, Watch};

pub(in crate::boxes) use file::CocoFile;

/// Gathers the set at `path`: a JSON file, or a folder that holds some.
///
/// # Errors
/// When it cannot be read, or holds no COCO file.
pub(super) fn gather(
    all: &mut Gathered,
    path: &Path,
    part: Part,
    watch: &dyn Watch,
) -> Result<(), ReadError> {
    if !path.is_dir() {
        let file = CocoFile::open(path, watch)?;
        if let Some(problem) = unusable(&file) {
            return Err(ReadError::malformed(path, problem));
        }
        let names: Vec<&str> = file.images.iter().map(|(_, i)| i.name.as_str()).collect();
        let (root, pictures) = beside::pictures(path, &names);
        join::add(all, path, file, part, &Shelf::new(&root, pictures));
        return Ok(());
    }
    let walked = walk::walk(path)?;
    let shelf = Shelf::new(path, walked.pictures);
    let (files, mut skipped) = choose(path, walked.notes);
    all.skipped.append(&mut skipped);
    if files.is_empty() {
        return Err(ReadError::malformed(
            path,
            "no COCO file in the folder: JSON with `images` and `annotations`",
        ));
    }
    let first = all.entries.len();
    for (file_path, told) in files {
        let file = CocoFile::open(&file_path, watch)?;
        match unusable(&file) {
            // Nothing of it was read: the log says why.
            Some(_) if file.log.count > 0 => all.log.append(file.log),
            Some(problem) => all.skipped.push(format!("`{}`: {problem}", file_path.display())),
            None => join::add(all, &file_path, file, part_given(part, Some(told)), &shelf),
        }
        if watch.stopped() {
            all.is_partial = true;
            return Ok(());
        }
    }
    beside::without_annotation(all, first, path, &shelf.pictures, part);
    Ok(())
}

/// Why there are no boxes to read in the file.
fn unusable(file: &CocoFile) -> Option<String> {
    if let Some(first) = file.log.entries.first().filter(|_| file.images.is_empty()) {
        return Some(first.problem.clone());
    }
    match file.seen {
        [false, ..] => {
            Some("it has no `images`; COCO has `images`, `annotations` and `categories`".to_owned())
        }
        [_, false, _] => Some("it has no `annotations`".to_owned()),
        _ if file.boxes.is_empty()
            && file.log.count > 0
            && file.log.entries.iter().all(|e| e.problem.contains("has no `bbox`")) =>
        {
            Some("no annotation has a `bbox` or a `segmentation`: it holds no boxes".to_owned())
        }
        _ => None,
    }
}

/// Files beside the boxes that describe the same pictures otherwise.
const OTHER_KINDS: [&str; 4] = ["captions", "panoptic", "image_info", "stuff"];

/// The COCO files of a folder with their parts, and what was stepped over.
fn choose(folder: &Path, notes: Vec<PathBuf>) -> (Vec<(PathBuf, Part)>, Vec<String>) {
    let (mut files, mut skipped, mut broken) = (Vec::new(), Vec::new(), Vec::new());
    for path in notes.into_iter().filter(|p| names::extension(p) == "json") {
        let stem = path.file_stem().map(|s| s.to_string_lossy().to_lowercase()).unwrap_or_default();
        match sniff::json(&path) {
            _ if OTHER_KINDS.iter().any(|k| stem.contains(k)) => {
                skipped.push(format!("`{}`: no boxes by its name", path.display()));
            }
            sniff::Json::Coco => files.push((stem, path)),
            sniff::Json::Broken => broken.push((stem, path)),
            sniff::Json::Other => skipped.push(format!("`{}`: not COCO", path.display())),
        }
    }
    // Keypoints are boxes of people again.
    let has_instances = files.iter().any(|(stem, _)| stem.contains("instances"));
    if has_instances {
        files.retain(|(stem, path)| {
            let is_again = stem.contains("keypoints");
            if is_again {
                skipped.push(format!("`{}`: its boxes are also in `instances`", path.display()));
            }
            !is_again
        });
    }
    files.extend(broken);
    let told = |(stem, path): (String, PathBuf)| {
        let part = part_told(&stem).or_else(|| part_of_folders(folder, &path)).unwrap_or_default();
        (path, part)
    };
    (files.into_iter().map(told).collect(), skipped)
}

/// Boxes and trouble of a COCO file in memory, with the id of the picture as text.
pub(super) fn parse(bytes: &[u8]) -> (Vec<(String, BoundingBox)>, Log) {
    let file = CocoFile::from_bytes("coco.json", bytes);
    let one = |(index, line, b): (u64, u64, entry::CocoBox)| {
        (b.image.to_string(), join::bounding_box(index, line, &b, None))
    };
    (file.boxes.into_iter().map(one).collect(), file.log)
}
