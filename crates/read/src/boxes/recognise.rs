//! Whether paths are a detection set, by names and a few first bytes.

use std::collections::{HashSet, VecDeque};
use std::path::{Path, PathBuf};

use stetho_core::boxes::BoxFormat;

use super::sniff;
use crate::image::{names, walk};

/// Entries of folders that are looked at.
const LOOKED_AT: usize = 300_000;
/// Files of a kind whose first bytes are looked at.
const OPENED: usize = 12;

/// The format of the boxes in `paths`, if they are a detection set.
pub(crate) fn recognise(paths: &[PathBuf]) -> Option<BoxFormat> {
    let mut formats = paths.iter().map(|path| if path.is_dir() { folder(path) } else { file(path) });
    let first = formats.next()??;
    formats.all(|format| format == Some(first)).then_some(first)
}

fn file(path: &Path) -> Option<BoxFormat> {
    if !path.is_file() {
        return None;
    }
    let name = names::extension(path);
    let stem = path.file_stem().map(|s| s.to_string_lossy().to_lowercase()).unwrap_or_default();
    match name.as_str() {
        "json" => (sniff::json(path) == sniff::Json::Coco).then_some(BoxFormat::Coco),
        "gz" if stem.ends_with(".json") => {
            (sniff::json(path) == sniff::Json::Coco).then_some(BoxFormat::Coco)
        }
        "xml" => sniff::is_voc(path).then_some(BoxFormat::Voc),
        "yaml" | "yml" => sniff::describes(path).then_some(BoxFormat::Yolo),
        _ => None,
    }
}

/// Names in a folder, by kind.
#[derive(Default)]
struct Names {
    stems: HashSet<String>,
    n_pictures: usize,
    json: Vec<PathBuf>,
    xml: Vec<PathBuf>,
    n_xml: usize,
    texts: Vec<PathBuf>,
}

fn folder(folder: &Path) -> Option<BoxFormat> {
    if sniff::data_yaml(folder).is_some() {
        return Some(BoxFormat::Yolo);
    }
    let names = look(folder);
    if names.json.iter().take(OPENED).any(|p| sniff::json(p) == sniff::Json::Coco) {
        return Some(BoxFormat::Coco);
    }
    let spread = |files: &[PathBuf]| -> Vec<PathBuf> {
        files.iter().step_by((files.len() / OPENED).max(1)).cloned().collect()
    };
    let xml = spread(&names.xml);
    let n_voc = xml.iter().filter(|p| sniff::is_voc(p)).count();
    if n_voc > 0 && n_voc * 2 >= xml.len() && names.n_xml * 20 >= names.n_pictures {
        return Some(BoxFormat::Voc);
    }
    // Labels are called as pictures are.
    let paired: Vec<PathBuf> = names.texts.iter().filter(|p| is_paired(p, &names.stems)).cloned().collect();
    let labels: Vec<PathBuf> = spread(&paired).into_iter().filter(|p| !is_empty(p)).collect();
    let n_yolo = labels.iter().filter(|p| sniff::is_yolo(p)).count();
    (n_yolo > 0 && n_yolo * 2 >= labels.len() && paired.len() * 20 >= names.n_pictures)
        .then_some(BoxFormat::Yolo)
}

fn is_paired(path: &Path, stems: &HashSet<String>) -> bool {
    path.file_stem().is_some_and(|s| stems.contains(s.to_string_lossy().as_ref()))
}

fn is_empty(path: &Path) -> bool {
    std::fs::metadata(path).is_ok_and(|facts| facts.len() == 0)
}

/// Reads names, breadth first; links to folders are followed once.
fn look(folder: &Path) -> Names {
    let mut found = Names::default();
    let mut seen = HashSet::new();
    let mut queue = VecDeque::from([folder.to_path_buf()]);
    let mut n = 0;
    while let Some(next) = queue.pop_front() {
        if !next.canonicalize().is_ok_and(|real| seen.insert(real)) {
            continue;
        }
        for entry in std::fs::read_dir(&next).into_iter().flatten().flatten() {
            n += 1;
            if n > LOOKED_AT {
                return found;
            }
            let name = entry.file_name();
            if names::is_hidden(&name.to_string_lossy()) {
                continue;
            }
            let path = next.join(&name);
            if walk::is_folder(&entry, &path) {
                queue.push_back(path);
                continue;
            }
            if names::is_picture(&path) {
                found.n_pictures += 1;
                let stem = path.file_stem().map(|s| s.to_string_lossy().into_owned());
                found.stems.extend(stem);
                continue;
            }
            match names::extension(&path).as_str() {
                "json" => found.json.push(path),
                "xml" => {
                    found.n_xml += 1;
                    found.xml.push(path);
                }
                "txt" => found.texts.push(path),
                _ => {}
            }
        }
    }
    found.json.sort();
    found.xml.sort();
    found.texts.sort();
    found
}
