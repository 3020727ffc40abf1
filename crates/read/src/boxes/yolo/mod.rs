//! YOLO: a text file a picture, and perhaps a YAML file that says where they lie.

mod label;
mod yaml;

use std::collections::{HashMap, HashSet};
use std::path::{Component, Path, PathBuf};

use stetho_core::boxes::{Annotation, BoundingBox, BoxClass};
use stetho_core::count_of;
use stetho_core::table::Part;

use super::set::{At, Gathered, Log, part_given, part_of_folders};
use super::{beside, sniff, text};
use crate::image::{names, walk};
use crate::{ReadError, Watch};

pub(super) use label::parse as parse_labels;
pub(super) use yaml::DataYaml;

/// A data set below one folder.
struct Set {
    /// Pictures with the part that the YAML file or their folders tell.
    pictures: Vec<(PathBuf, Part)>,
    /// Text files below the folder.
    texts: Vec<PathBuf>,
    classes: Option<Vec<String>>,
    has_keypoints: bool,
    root: PathBuf,
}

/// Gathers the set at `path`: a YAML file, or a folder.
///
/// # Errors
/// When it cannot be read, the YAML file leads nowhere, or nothing is labelled.
pub(super) fn gather(
    all: &mut Gathered,
    path: &Path,
    part: Part,
    watch: &dyn Watch,
) -> Result<(), ReadError> {
    let set = if path.is_dir() {
        match sniff::data_yaml(path) {
            Some(file) => described(all, &file)?,
            None => bare(path)?,
        }
    } else {
        described(all, path)?
    };
    let first = all.entries.len();
    add(all, path, set, part, watch)?;
    let own = all.entries.get(first..).unwrap_or_default();
    let n_labelled = own.iter().filter(|e| e.annotation.is_annotated).count() as u64;
    all.add_facts(path, first, format!("YOLO, {}", count_of(n_labelled, "label file")));
    Ok(())
}

/// Reads a YAML file.
///
/// # Errors
/// When it cannot be read or is not YAML.
pub(super) fn read_yaml(path: &Path) -> Result<DataYaml, ReadError> {
    std::fs::metadata(path).map_err(|e| ReadError::io(path, e))?;
    let text = text::read(path).map_err(|words| ReadError::malformed(path, words))?;
    yaml::parse(&text).map_err(|words| ReadError::malformed(path, words))
}

/// The set that a YAML file describes.
fn described(all: &mut Gathered, file: &Path) -> Result<Set, ReadError> {
    let data = read_yaml(file)?;
    let own = match file.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent.to_path_buf(),
        _ => PathBuf::from("."),
    };
    if data.train.is_empty() && data.validation.is_empty() && data.test.is_empty() {
        return Err(ReadError::malformed(file, "it names no pictures: `train`, `val` or `test` is missing"));
    }
    let mut seen: HashSet<PathBuf> = HashSet::new();
    let (mut pictures, mut texts, mut nowhere) = (Vec::new(), Vec::new(), Vec::new());
    let parts = [
        (Part::Train, "train", &data.train),
        (Part::Validation, "val", &data.validation),
        (Part::Test, "test", &data.test),
    ];
    for (part, key, entries) in parts {
        let mut n_again = 0;
        for entry in entries {
            let Some(target) = locate(&own, data.root.as_deref(), entry) else {
                nowhere.push(format!("`{key}: {entry}` of `{}` leads nowhere", file.display()));
                continue;
            };
            let (mut found, mut more) = if target.is_dir() {
                if target.canonicalize().is_ok_and(|real| real.parent().is_none()) {
                    let words = format!(
                        "`{key}: {entry}` is the root of the file system; name the folder of the pictures"
                    );
                    return Err(ReadError::malformed(file, words));
                }
                let walked = walk::walk(&target)?;
                (walked.pictures, labels_of(&target, walked.notes))
            } else {
                (listed(&target)?, Vec::new())
            };
            texts.append(&mut more);
            found.retain(|p| {
                seen.insert(p.clone()) || {
                    n_again += 1;
                    false
                }
            });
            pictures.extend(found.into_iter().map(|p| (p, part)));
        }
        if n_again > 0 {
            all.skipped
                .push(format!("{} of `{key}` already named by another part", count_of(n_again, "picture")));
        }
    }
    if pictures.is_empty() {
        let words = match nowhere.into_iter().next() {
            Some(words) => format!("{words}; correct `path` or the folder in it"),
            None => format!("`{}` leads to folders without pictures", file.display()),
        };
        return Err(ReadError::Request(words));
    }
    all.skipped.append(&mut nowhere);
    let classes = if data.names.is_empty() { None } else { Some(data.names) };
    Ok(Set { pictures, texts, classes, has_keypoints: data.has_keypoints, root: own })
}

/// The file or folder that an entry of the YAML file means: from `path`, from the YAML file's own folder, and without
/// the leading `../` that exports of Roboflow have too many of.
fn locate(own: &Path, root: Option<&str>, entry: &str) -> Option<PathBuf> {
    let entry = entry.replace('\\', "/");
    let stripped = entry.trim_start_matches("../").trim_start_matches("./");
    let root = root.map(|r| clean(&own.join(r)));
    let bases = [root.as_deref(), Some(own)];
    let mut tries = bases.iter().flatten().flat_map(|base| [base.join(&entry), base.join(stripped)]);
    tries.find(|p| p.exists()).map(|p| clean(&p))
}

/// The path without `.` in it.
fn clean(path: &Path) -> PathBuf {
    let parts: PathBuf = path.components().filter(|c| *c != Component::CurDir).collect();
    if parts.as_os_str().is_empty() { PathBuf::from(".") } else { parts }
}

/// Pictures that a text file lists, one path a line, from its own folder or those above.
fn listed(file: &Path) -> Result<Vec<PathBuf>, ReadError> {
    if names::is_picture(file) {
        return Ok(vec![file.to_path_buf()]);
    }
    let text = text::read(file).map_err(|words| ReadError::malformed(file, words))?;
    let own = file.parent().unwrap_or(Path::new(""));
    let bases: Vec<&Path> = own.ancestors().take(3).collect();
    let lines = text.lines().map(str::trim).filter(|l| !l.is_empty());
    let find = |line: &str| {
        let name = line.replace('\\', "/");
        let name = name.trim_start_matches("./");
        let found = bases.iter().map(|base| base.join(name)).find(|p| p.exists());
        clean(&found.unwrap_or_else(|| own.join(name)))
    };
    Ok(lines.map(find).collect())
}

/// The label files that belong to a folder of pictures: beside them, or in the folder of labels.
fn labels_of(pictures: &Path, beside: Vec<PathBuf>) -> Vec<PathBuf> {
    let mut texts: Vec<PathBuf> = beside.into_iter().filter(|p| names::extension(p) == "txt").collect();
    let folder = mirrored(&pictures.join("x")).and_then(|p| p.parent().map(Path::to_path_buf));
    if let Some(walked) = folder.filter(|f| f.is_dir()).and_then(|f| walk::walk(&f).ok()) {
        texts.extend(walked.notes.into_iter().filter(|p| names::extension(p) == "txt"));
    }
    texts
}

/// The path with its last folder `images` replaced by `labels`.
fn mirrored(path: &Path) -> Option<PathBuf> {
    let parts: Vec<Component<'_>> = path.components().collect();
    let at = parts.iter().rposition(|c| c.as_os_str().eq_ignore_ascii_case("images"))?;
    Some(
        parts
            .iter()
            .enumerate()
            .map(|(i, c)| if i == at { "labels".as_ref() } else { c.as_os_str() })
            .collect(),
    )
}

/// A folder without a YAML file.
fn bare(folder: &Path) -> Result<Set, ReadError> {
    let walked = walk::walk(folder)?;
    let name = |p: &PathBuf| p.file_name().map(|n| n.to_string_lossy().to_lowercase()).unwrap_or_default();
    let list = walked.notes.iter().find(|p| {
        matches!(name(p).as_str(), "classes.txt" | "obj.names" | "_darknet.labels")
            || names::extension(p) == "names"
    });
    let classes = list
        .and_then(|p| text::read(p).ok())
        .map(|text| text.lines().map(|l| l.trim().to_owned()).filter(|l| !l.is_empty()).collect());
    let listed_parts = part_lists(&walked.notes);
    let told = |p: PathBuf| {
        let key = p.file_name().map(|n| n.to_string_lossy().into_owned()).unwrap_or_default();
        let part =
            listed_parts.get(&key).copied().or_else(|| part_of_folders(folder, &p)).unwrap_or_default();
        (p, part)
    };
    let texts = walked.notes.into_iter().filter(|p| names::extension(p) == "txt").collect();
    let pictures = walked.pictures.into_iter().map(told).collect();
    Ok(Set { pictures, texts, classes, has_keypoints: false, root: folder.to_path_buf() })
}

/// Parts by lists such as darknet's `train.txt`, by file name.
fn part_lists(notes: &[PathBuf]) -> HashMap<String, Part> {
    let mut parts = HashMap::new();
    for path in notes.iter().filter(|p| names::extension(p) == "txt") {
        let stem = path.file_stem().map(|s| s.to_string_lossy().into_owned()).unwrap_or_default();
        let Some(part) = names::part_of(&stem) else { continue };
        for line in text::read(path).unwrap_or_default().lines() {
            let name = line.trim().rsplit(['/', '\\']).next().unwrap_or_default();
            if names::is_picture(Path::new(name)) {
                parts.entry(name.to_owned()).or_insert(part);
            }
        }
    }
    parts
}

/// Names of text files that are no labels.
fn is_label_name(path: &Path) -> bool {
    let stem = path.file_stem().map(|s| s.to_string_lossy().to_lowercase()).unwrap_or_default();
    let is_other =
        ["readme", "classes", "notes", "licen", "requirements", "obj"].iter().any(|w| stem.starts_with(w));
    !is_other && names::part_of(&stem).is_none()
}

/// Where the labels of a picture should lie.
fn label_places(picture: &Path) -> Vec<PathBuf> {
    let beside = picture.with_extension("txt");
    let own = picture.parent().unwrap_or(Path::new(""));
    let name = beside.file_name().unwrap_or_default();
    let mut places: Vec<PathBuf> = mirrored(&beside).into_iter().collect();
    places.extend([beside.clone(), own.join("labels").join(name)]);
    places.extend(own.parent().map(|above| above.join("labels").join(name)));
    places
}

/// A label file to read, and its picture.
struct Work {
    label: PathBuf,
    picture: Option<PathBuf>,
    part: Part,
}

/// The label files of a set: those of its pictures, then those whose picture is not there.
fn work(set: &Set, part: Part) -> Vec<Work> {
    let texts: HashSet<&PathBuf> = set.texts.iter().collect();
    let own = set.pictures.iter().filter_map(|(picture, told)| {
        let label = label_places(picture).into_iter().find(|p| texts.contains(p) || p.is_file())?;
        Some(Work { label, picture: Some(picture.clone()), part: part_given(part, Some(*told)) })
    });
    let mut work: Vec<Work> = own.collect();
    let used: HashSet<&PathBuf> = work.iter().map(|w| &w.label).collect();
    let folders: HashSet<Option<&Path>> = used.iter().map(|p| p.parent()).collect();
    let is_labels = |p: &Path| {
        let is_named = p.components().any(|c| c.as_os_str().eq_ignore_ascii_case("labels"));
        (folders.contains(&p.parent()) || is_named) && is_label_name(p)
    };
    let alone = set.texts.iter().filter(|p| !used.contains(*p) && is_labels(p)).map(|label| {
        let part = part_given(part, part_of_folders(&set.root, label));
        Work { label: label.clone(), picture: None, part }
    });
    let alone: Vec<Work> = alone.collect();
    work.extend(alone);
    work
}

fn add(all: &mut Gathered, path: &Path, set: Set, part: Part, watch: &dyn Watch) -> Result<(), ReadError> {
    let first = all.entries.len();
    let class_of: Vec<u32> = set.classes.iter().flatten().map(|name| all.declare(name)).collect();
    let work = work(&set, part);
    if work.is_empty() {
        return Err(ReadError::malformed(
            path,
            "no picture has a label file: `labels/NAME.txt` for `images/NAME.jpg`",
        ));
    }
    let read = |work: &Work| read(&work.label, set.has_keypoints);
    all.add_each(&work, watch, read, |all, work, (boxes, log)| add_one(all, &class_of, boxes, log, work));
    let pictures: Vec<PathBuf> = set.pictures.into_iter().map(|p| p.0).collect();
    beside::without_annotation(all, first, &set.root, &pictures, part);
    Ok(())
}

fn read(label: &Path, has_keypoints: bool) -> (Vec<BoundingBox>, Log) {
    let name = label.display().to_string();
    match text::read(label) {
        Ok(text) => parse_labels(&name, &text, has_keypoints),
        Err(words) => {
            let mut log = Log::default();
            log.add(&name, At::default(), words, b"");
            (Vec::new(), log)
        }
    }
}

fn add_one(all: &mut Gathered, class_of: &[u32], mut boxes: Vec<BoundingBox>, log: Log, work: &Work) {
    for b in &mut boxes {
        let BoxClass::Unknown(text) = &b.class else { continue };
        if let Some(class) = text.parse::<usize>().ok().and_then(|n| class_of.get(n)) {
            b.class = BoxClass::Known(*class);
        }
    }
    let stem = work.label.file_stem().map(|s| s.to_string_lossy().into_owned()).unwrap_or_default();
    let annotation = Annotation {
        path: work.label.display().to_string(),
        picture: work.picture.as_ref().map_or(stem, |p| p.display().to_string()),
        part: work.part,
        is_annotated: true,
        boxes,
        ..Annotation::default()
    };
    all.add_file(annotation, work.picture.clone(), log);
}
