//! COCO: JSON files with `images`, `annotations` and `categories`.

mod entry;
mod file;
mod scan;

use std::collections::{HashMap, HashSet};
use std::path::{Path, PathBuf};

use stetho_core::boxes::{Annotation, BoundingBox, BoxClass};
use stetho_core::table::{FileFacts, Part};

use super::set::{At, Entry, Gathered, Log, part_of_folders, part_told};
use super::shelf::{Asker, Shelf};
use super::{beside, sniff};
use crate::image::{names, walk};
use crate::{ReadError, Watch};

pub(in crate::boxes) use entry::Id;
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
        let told = if part == Part::Train { Part::Train } else { part };
        add(all, path, file, told, &Shelf::new(&root, pictures));
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
            None => {
                let part = if part == Part::Train { told } else { part };
                add(all, &file_path, file, part, &shelf);
            }
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
            Some("no annotation has a `bbox`: it holds no boxes".to_owned())
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

/// Adds what one file holds.
fn add(all: &mut Gathered, path: &Path, file: CocoFile, part: Part, shelf: &Shelf) {
    let name = path.display().to_string();
    let CocoFile { images, boxes, categories, troubled, seen, mut log, is_partial, .. } = file;
    let n_boxes = boxes.len() as u64;
    let classes: HashMap<Id, u32> =
        categories.iter().map(|(id, name)| (id.clone(), all.declare(name))).collect();
    all.is_declared |= seen[2];
    let mut entries: Vec<Entry> = Vec::with_capacity(images.len());
    let mut number: HashMap<Id, usize> = HashMap::with_capacity(images.len());
    let asker = Asker { file: path, part };
    let found: Vec<Option<usize>> = images.iter().map(|(_, i)| shelf.find(&i.name, asker)).collect();
    // Names from another machine: their folders agree with none here, so the file names decide.
    let has_folders = |name: &str| name.contains(['/', '\\']);
    let is_foreign = !images.iter().zip(&found).any(|((_, i), f)| f.is_some() && has_folders(&i.name));
    for ((line, image), found) in images.into_iter().zip(found) {
        let at = At { index: None, line: Some(line) };
        if number.contains_key(&image.id) {
            log.add(&name, at, format!("the picture id {} was used before", image.id), image.name.as_bytes());
            continue;
        }
        let found = found.or_else(|| if is_foreign { shelf.find_anywhere(&image.name, asker) } else { None });
        let picture = found.and_then(|i| shelf.pictures.get(i)).cloned();
        number.insert(image.id, entries.len());
        entries.push(Entry {
            annotation: Annotation {
                path: name.clone(),
                line: Some(line),
                picture: picture.as_ref().map_or(image.name, |p| p.display().to_string()),
                part,
                is_annotated: true,
                declared: image.size,
                ..Annotation::default()
            },
            picture,
        });
    }
    let mut ids = HashSet::with_capacity(boxes.len());
    for (index, line, b) in boxes {
        let at = At { index: Some(index), line: Some(line) };
        if let Some(id) = b.id.filter(|id| !ids.insert(id.clone())) {
            log.add(
                &name,
                at,
                format!("the annotation id {id} was used before; loaders that go by id lose one"),
                b"",
            );
        }
        let entry = number.get(&b.image).and_then(|i| entries.get_mut(*i));
        let Some(entry) = entry else {
            log.add(&name, at, format!("no picture has the id {}", b.image), b"");
            continue;
        };
        let [x, y, w, h] = b.numbers;
        let class = classes
            .get(&b.category)
            .map_or_else(|| BoxClass::Unknown(b.category.to_string()), |c| BoxClass::Known(*c));
        entry.annotation.boxes.push(BoundingBox {
            index,
            line: Some(line),
            class,
            corners: [x, y, x + w, y + h],
            written: b.numbers,
            is_crowd: b.is_crowd,
        });
    }
    drop_troubled(&mut entries, &troubled, &number, all);
    all.files.push(FileFacts { path: name, format: "COCO".to_owned(), n_rows: n_boxes });
    all.log.append(log);
    all.is_partial |= is_partial;
    all.entries.extend(entries);
}

/// Leaves out pictures of whose boxes none could be read: they are not without boxes.
fn drop_troubled(entries: &mut Vec<Entry>, troubled: &[Id], number: &HashMap<Id, usize>, all: &mut Gathered) {
    let drops: HashSet<usize> = troubled.iter().filter_map(|id| number.get(id).copied()).collect();
    let mut at = 0;
    entries.retain_mut(|entry| {
        at += 1;
        let is_dropped =
            drops.contains(&(at - 1)) && entry.annotation.boxes.is_empty() && entry.picture.is_some();
        if let (true, Some(picture)) = (is_dropped, &entry.picture) {
            all.loose.push((picture.clone(), entry.annotation.part));
        }
        !is_dropped
    });
}

/// Boxes and trouble of a COCO file in memory, with the id of the picture as text.
pub(super) fn parse(bytes: &[u8]) -> (Vec<(String, BoundingBox)>, Log) {
    let file = CocoFile::from_bytes("coco.json", bytes);
    let one = |(index, line, b): (u64, u64, entry::CocoBox)| {
        let [x, y, w, h] = b.numbers;
        let bounding = BoundingBox {
            index,
            line: Some(line),
            class: BoxClass::Unknown(b.category.to_string()),
            corners: [x, y, x + w, y + h],
            written: b.numbers,
            is_crowd: b.is_crowd,
        };
        (b.image.to_string(), bounding)
    };
    (file.boxes.into_iter().map(one).collect(), file.log)
}
