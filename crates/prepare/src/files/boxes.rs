//! Pictures with boxes: annotations are rewritten in their own format, pictures copied.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use serde_json::{Map, json};
use stetho_core::boxes::{Annotation, BoundingBox, BoxFormat, Boxes};
use stetho_core::{Place, count_of};
use stetho_read::{Data, DataKind, Plan, Watch, read_data};
use stetho_rules::Judges;

use super::annotations;
use super::tree::{self, Root};
use super::verify::verify;
use crate::receipt::{Change, Done, Receipt};
use crate::staging::Staging;
use crate::{PrepareError, Request, remedies};

/// Boxes to leave out, by annotation file and position in it, with the remedy.
type Culprits = BTreeMap<String, BTreeMap<u64, String>>;

/// Applies the remedies to pictures with boxes.
pub(crate) fn prepare(
    request: &Request,
    format: Option<BoxFormat>,
    staging: &Staging,
    watch: &dyn Watch,
) -> Result<Done, PrepareError> {
    let kind = DataKind::Boxes(format);
    let rules = remedies::resolve(&request.drop, kind)?;
    let roots = tree::roots(request)?;
    let judges = Judges::new(|rule| rules.contains(&rule.id), &Map::new())?;
    let plan = Plan { signals: judges.wanted(), ..request.plan() };
    let Data::Boxes(reading) = read_data(&plan, Some(kind), watch)? else {
        return PrepareError::request("the data is not a set of boxes");
    };
    let verdict = judges.judge_boxes(&reading.boxes, &reading.pictures);
    let mut receipt = tree::receipt(request);
    receipt.notes.extend(reading.skipped.iter().map(|line| format!("stepped over: {line}")));
    let mut culprits = Culprits::new();
    for rule in &rules {
        let places = verdict.findings.iter().filter(|f| f.rule == *rule).flat_map(|f| &f.places);
        let named = places.filter_map(|place| match place {
            Place::Item { path, index: Some(index), .. } => Some((path.clone(), *index)),
            _ => None,
        });
        let n = name(&mut culprits, named, rule);
        receipt.tell(format!("drop {rule}"), told(n));
    }
    if let Some(least) = request.min_box {
        min_box(&reading.boxes, least, &mut culprits, &mut receipt)?;
    }
    note_changes(&reading.boxes, &culprits, &mut receipt);
    let copier = Copier { set: &reading.boxes, culprits: &culprits, staging };
    let (mut n_files, mut roots_made) = (0, Vec::new());
    for root in roots {
        let (n, made) = copier.copy(root)?;
        n_files += n;
        roots_made.push(made);
    }
    receipt.tell("copied", count_of(n_files, "file"));
    let kind = DataKind::Boxes(Some(reading.boxes.format));
    verify(request, kind, &rules, (staging, &roots_made), &mut receipt, watch)?;
    let next = tree::next(staging, &roots_made);
    receipt.write(staging, next)
}

fn told(n: u64) -> String {
    if n == 0 { "found nothing to drop".into() } else { format!("dropped {}", count_of(n, "box")) }
}

/// Names culprits; how many were not named before.
fn name(culprits: &mut Culprits, named: impl Iterator<Item = (String, u64)>, by: &str) -> u64 {
    let mut n = 0;
    for (path, index) in named {
        culprits.entry(path).or_default().entry(index).or_insert_with(|| {
            n += 1;
            by.to_owned()
        });
    }
    n
}

/// Names boxes with a side below `least` pixels.
fn min_box(
    set: &Boxes,
    least: f64,
    culprits: &mut Culprits,
    receipt: &mut Receipt,
) -> Result<(), PrepareError> {
    if !(least.is_finite() && least > 0.0) {
        return PrepareError::request("--min-box: give a length in pixels above 0");
    }
    let is_known = |a: &Annotation| set.format != BoxFormat::Yolo || a.size().is_some();
    let n_unknown = set.annotations.iter().filter(|a| !is_known(a) && !a.boxes.is_empty()).count();
    if n_unknown > 0 {
        receipt.notes.push(format!(
            "the size of {} is not known, so its boxes were not measured in pixels",
            count_of(n_unknown as u64, "picture")
        ));
    }
    let is_small = |b: &BoundingBox| !(b.width() >= least && b.height() >= least);
    let named = set.all().filter(|(a, b)| is_known(a) && is_small(b)).map(|(a, b)| (a.path.clone(), b.index));
    let n = name(culprits, named, "min-box");
    receipt.tell("min-box", format!("{} with a side below {least} pixels", told(n)));
    Ok(())
}

fn note_changes(set: &Boxes, culprits: &Culprits, receipt: &mut Receipt) {
    for (annotation, b) in set.all() {
        let Some(by) = culprits.get(&annotation.path).and_then(|boxes| boxes.get(&b.index)) else { continue };
        receipt.changes.push(Change {
            file: annotation.path.clone(),
            row: Some(b.index),
            line: b.line,
            what: "box dropped".into(),
            by: by.clone(),
            before: json!({ "class": set.class_name(&b.class), "box": b.written, "picture": annotation.picture }),
            ..Change::default()
        });
    }
}

/// Copies a set without its culprits.
struct Copier<'a> {
    set: &'a Boxes,
    culprits: &'a Culprits,
    staging: &'a Staging,
}

impl Copier<'_> {
    /// Copies what belongs to a root; how many files, and the root as it is to be checked.
    fn copy(&self, root: Root) -> Result<(u64, Root), PrepareError> {
        let (base, files) = if root.path.is_dir() {
            (root.path.clone(), tree::files(&root.path)?)
        } else {
            self.belongings(&root.path)?
        };
        self.refuse_outside(&base)?;
        let mut n = 0;
        for file in &files {
            let inner = file.strip_prefix(&base).unwrap_or(file);
            self.copy_file(file, &root.to.join(inner))?;
            n += 1;
        }
        let to = match root.path.strip_prefix(&base) {
            Ok(inner) if !root.path.is_dir() => root.to.join(inner),
            _ => root.to,
        };
        Ok((n, Root { path: root.path, to }))
    }

    fn copy_file(&self, file: &Path, to: &Path) -> Result<(), PrepareError> {
        let name = to.display().to_string();
        let ending = file.extension().map(|e| e.to_string_lossy().to_lowercase()).unwrap_or_default();
        if self.set.format == BoxFormat::Yolo && matches!(ending.as_str(), "yaml" | "yml") {
            return self.staging.write(&name, annotations::local_yaml(file, &text_of(file)?)?);
        }
        if self.set.format == BoxFormat::Yolo && ending == "txt" {
            let bytes = std::fs::read(file).map_err(PrepareError::reading(file))?;
            annotations::refuse_absolute(file, &String::from_utf8_lossy(&bytes))?;
        }
        let Some(boxes) = self.culprits.get(&file.display().to_string()).filter(|b| !b.is_empty()) else {
            return self.staging.copy(file, to);
        };
        let indices: BTreeSet<u64> = boxes.keys().copied().collect();
        let text = text_of(file)?;
        let rewritten = match self.set.format {
            BoxFormat::Coco => annotations::coco(&text, &indices),
            BoxFormat::Voc => annotations::voc(&text, &indices),
            BoxFormat::Yolo => Ok(annotations::yolo(&text, &indices)),
        };
        let words =
            |words: String| PrepareError::Request(format!("cannot rewrite `{}`: {words}", file.display()));
        self.staging.write(&name, rewritten.map_err(words)?)
    }

    /// The folder above a single annotation file and its pictures, and these files.
    fn belongings(&self, file: &Path) -> Result<(PathBuf, Vec<PathBuf>), PrepareError> {
        if self.set.format == BoxFormat::Yolo {
            let base = match file.parent() {
                Some(parent) if !parent.as_os_str().is_empty() => parent.to_owned(),
                _ => PathBuf::from("."),
            };
            let files = tree::files(&base)?;
            return Ok((base, files));
        }
        let own = file.display().to_string();
        let of_file = self.set.annotations.iter().filter(|a| a.path == own);
        let pictures = of_file.map(|a| PathBuf::from(&a.picture)).filter(|p| p.is_file());
        let mut files: Vec<PathBuf> = pictures.collect();
        files.push(file.to_owned());
        files.sort();
        files.dedup();
        let mut base = file.parent().map(Path::to_owned).unwrap_or_default();
        while !files.iter().all(|f| f.starts_with(&base)) {
            if !base.pop() {
                return PrepareError::request(format!(
                    "the pictures of `{}` lie in no folder with it; give the folder that holds both",
                    file.display()
                ));
            }
        }
        Ok((base, files))
    }

    /// Refuses sets whose pictures lie elsewhere: the copy would read the source's.
    fn refuse_outside(&self, base: &Path) -> Result<(), PrepareError> {
        let Ok(base) = base.canonicalize() else { return Ok(()) };
        let outside = self.set.annotations.iter().find(|a| {
            a.path.as_str() != a.picture
                && Path::new(&a.path).canonicalize().is_ok_and(|p| p.starts_with(&base))
                && Path::new(&a.picture).canonicalize().is_ok_and(|p| !p.starts_with(&base))
        });
        match outside {
            None => Ok(()),
            Some(annotation) => PrepareError::request(format!(
                "the picture `{}` lies outside of the folder that is copied; give the folder that holds annotations \
                 and pictures",
                annotation.picture
            )),
        }
    }
}

fn text_of(file: &Path) -> Result<String, PrepareError> {
    let bytes = std::fs::read(file).map_err(PrepareError::reading(file))?;
    String::from_utf8(bytes).map_err(|_| {
        PrepareError::Request(format!(
            "cannot rewrite `{}`: it is not UTF-8 (compressed, or in another encoding)",
            file.display()
        ))
    })
}
