//! Sets in Pascal VOC: folders of XML beside or among the pictures.

use std::collections::HashMap;
use std::path::{Path, PathBuf};

use stetho_core::boxes::Annotation;
use stetho_core::count_of;
use stetho_core::table::Part;

use super::set::{At, Gathered, part_given, part_of_folders};
use super::shelf::{Asker, Shelf};
use super::voc::{self, VocFile};
use super::{beside, text};
use crate::image::{names, walk};
use crate::{ReadError, Watch};

/// Gathers the set at `path`: an XML file, or a folder that holds some.
///
/// # Errors
/// When it cannot be read, or holds no XML file.
pub(super) fn gather(
    all: &mut Gathered,
    path: &Path,
    part: Part,
    watch: &dyn Watch,
) -> Result<(), ReadError> {
    let first = all.entries.len();
    let log = all.log.count;
    if !path.is_dir() {
        let file = read(path)?;
        if file.root.is_none() || is_other(&file) {
            let problem = file.log.entries.first().map_or("it is empty", |entry| &entry.problem);
            return Err(ReadError::malformed(path, format!("no annotation of Pascal VOC: {problem}")));
        }
        let stem = stem(path);
        let mut wanted: Vec<String> = names::PICTURES.iter().map(|e| format!("{stem}.{e}")).collect();
        wanted.extend(file.picture.clone());
        let wanted: Vec<&str> = wanted.iter().map(String::as_str).collect();
        let (root, pictures) = beside::pictures(path, &wanted);
        add(all, path, file, part, &Shelf::new(&root, pictures));
        all.add_facts(path, first, format(1));
        return Ok(());
    }
    let walked = walk::walk(path)?;
    let files: Vec<PathBuf> = walked.notes.iter().filter(|p| names::extension(p) == "xml").cloned().collect();
    if files.is_empty() {
        return Err(ReadError::malformed(path, "no XML file in the folder; Pascal VOC has one a picture"));
    }
    let parts = image_sets(&walked.notes);
    let shelf = Shelf::new(path, walked.pictures);
    let add_one = |all: &mut Gathered, xml: &PathBuf, file: Result<VocFile, ReadError>| match file {
        Ok(file) if is_other(&file) => all.skipped.push(format!("`{}`: not an annotation", xml.display())),
        Ok(file) => {
            let told = parts.get(&stem(xml)).copied().or_else(|| part_of_folders(path, xml));
            add(all, xml, file, part_given(part, told), &shelf);
        }
        Err(error) => all.skipped.push(error.to_string()),
    };
    all.add_each(&files, watch, |xml| read(xml), add_one);
    if all.entries.len() == first && all.log.count == log {
        return Err(ReadError::malformed(path, "no XML file in the folder is an `annotation` of Pascal VOC"));
    }
    beside::without_annotation(all, first, path, &shelf.pictures, part);
    all.add_facts(path, first, format(files.len()));
    Ok(())
}

fn format(n_files: usize) -> String {
    format!("Pascal VOC, {}", count_of(n_files as u64, "XML file"))
}

fn stem(path: &Path) -> String {
    path.file_stem().map(|s| s.to_string_lossy().into_owned()).unwrap_or_default()
}

/// Well-formed XML about something else.
fn is_other(file: &VocFile) -> bool {
    file.root.as_ref().is_some_and(|root| root != "annotation")
}

fn read(path: &Path) -> Result<VocFile, ReadError> {
    let name = path.display().to_string();
    match text::read(path) {
        Ok(text) => Ok(voc::parse(&name, &text)),
        Err(words) => {
            let mut file = VocFile::default();
            file.log.add(&name, At { index: None, line: None }, words, b"");
            Ok(file)
        }
    }
}

/// Parts by `ImageSets/Main/train.txt` and its like: the first word of each line is a file's name.
fn image_sets(notes: &[PathBuf]) -> HashMap<String, Part> {
    let mut parts = HashMap::new();
    let is_set = |path: &&PathBuf| {
        path.components().any(|c| c.as_os_str().eq_ignore_ascii_case("ImageSets"))
            && names::extension(path) == "txt"
    };
    for path in notes.iter().filter(is_set) {
        let Some(part) = names::part_of(&stem(path)) else { continue };
        for line in text::read(path).unwrap_or_default().lines() {
            if let Some(name) = line.split_whitespace().next() {
                parts.entry(name.to_owned()).or_insert(part);
            }
        }
    }
    parts
}

fn add(all: &mut Gathered, path: &Path, file: VocFile, part: Part, shelf: &Shelf) {
    let asker = Asker { file: path, part };
    let stem = stem(path);
    let VocFile { root: _, picture: told, size, boxes, log } = file;
    let written = told.as_deref();
    // The XML's own name first: `filename` is often that of a copy, or of before a renaming.
    let found = shelf
        .find_stem(&stem, asker)
        .or_else(|| written.and_then(|n| shelf.find(n, asker).or_else(|| shelf.find_anywhere(n, asker))));
    let picture = found.and_then(|i| shelf.pictures.get(i)).cloned();
    let annotation = Annotation {
        path: path.display().to_string(),
        line: None,
        picture: picture
            .as_ref()
            .map_or_else(|| written.unwrap_or(&stem).to_owned(), |p| p.display().to_string()),
        part,
        is_annotated: true,
        declared: size,
        boxes,
        ..Annotation::default()
    };
    all.add_file(annotation, picture, log);
}
