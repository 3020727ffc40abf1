//! From what was gathered to the records: pictures looked at, classes numbered.

use std::collections::HashMap;
use std::path::{Path, PathBuf};

use image::{ImageDecoder, ImageReader};
use rayon::prelude::*;
use stetho_core::boxes::{Annotation, BoxClass, BoxFormat, Boxes, PictureState};
use stetho_core::image::{DamageKind, Pictures};
use stetho_core::table::Part;
use stetho_core::{Measured, Signal};

use super::set::{Entry, Gathered};
use crate::data::look;
use crate::image::{Found, FoundSet, Store, names};
use crate::{BoxReading, Plan, Watch};

const NO_LABELS: &str = "boxes have classes, pictures have none";
/// Pictures whose sizes are read between two questions whether to stop.
const CHUNK: usize = 512;

/// What there is of a picture, with its EXIF orientation.
type Seen = (PictureState, u8);

/// Looks at the pictures and makes the records.
pub(super) fn finish(plan: &Plan, format: BoxFormat, mut all: Gathered, watch: &dyn Watch) -> BoxReading {
    sort(&mut all);
    let wanted = [Signal::Pictures, Signal::PictureLabels, Signal::PictureCopies];
    let wants_look = plan.for_page || wanted.iter().any(|s| plan.signals.contains(*s));
    let set = picture_set(format, &mut all);
    let has_splits = all.entries.iter().any(|e| e.annotation.part != Part::Train);
    let (seen, pictures, is_partial) = if wants_look {
        looked_at(plan, set, watch)
    } else {
        let (seen, is_partial) = sizes(&set.pictures, watch);
        let splits =
            if has_splits { Measured::Is(()) } else { Measured::Not("no --val or --test given".to_owned()) };
        let pictures = Pictures {
            layout: set.layout,
            files: set.files,
            labels: set.labels,
            splits,
            ..Pictures::default()
        };
        (seen, pictures, is_partial)
    };
    let mut annotations = Vec::with_capacity(all.entries.len());
    for Entry { mut annotation, picture } in all.entries {
        annotation.orientation = 1;
        if let Some(path) = picture {
            // Not looked at, since the reading was stopped: nothing can be said of it.
            let Some((state, orientation)) = seen.get(&path) else { continue };
            (annotation.state, annotation.orientation) = (*state, *orientation);
        }
        if format == BoxFormat::Yolo {
            to_pixels(&mut annotation);
        }
        annotations.push(annotation);
    }
    let mut boxes = Boxes {
        format,
        files: all.files,
        classes: all.classes,
        is_declared: all.is_declared,
        annotations,
        malformed: all.log.entries,
        n_malformed: all.log.count,
    };
    if !boxes.is_declared {
        number_classes(&mut boxes);
    }
    BoxReading { boxes, pictures, partial: is_partial || all.is_partial, skipped: all.skipped }
}

/// By part, then by the picture as people count.
fn sort(all: &mut Gathered) {
    all.entries.sort_by(|a, b| {
        let (x, y) = (&a.annotation, &b.annotation);
        x.part
            .cmp(&y.part)
            .then_with(|| names::natural(&x.picture, &y.picture))
            .then_with(|| x.path.cmp(&y.path))
    });
}

/// Every picture once.
fn picture_set(format: BoxFormat, all: &mut Gathered) -> FoundSet {
    let mut parts: HashMap<&Path, Part> = HashMap::new();
    let own = all.entries.iter().filter_map(|e| Some((e.picture.as_deref()?, e.annotation.part)));
    for (path, part) in own.chain(all.loose.iter().map(|(path, part)| (path.as_path(), *part))) {
        parts.entry(path).or_insert(part);
    }
    let mut pictures: Vec<(String, Found)> = parts
        .into_iter()
        .map(|(path, part)| {
            let found =
                Found { path: path.to_path_buf(), index: None, part, label: None, store: Store::File };
            (path.display().to_string(), found)
        })
        .collect();
    pictures.sort_by(|(a, x), (b, y)| x.part.cmp(&y.part).then_with(|| names::natural(a, b)));
    FoundSet {
        layout: format.name().to_owned(),
        files: all.files.clone(),
        pictures: pictures.into_iter().map(|p| p.1).collect(),
        classes: Vec::new(),
        labels: Measured::Not(NO_LABELS.to_owned()),
        skipped: Vec::new(),
    }
}

fn looked_at(plan: &Plan, set: FoundSet, watch: &dyn Watch) -> (HashMap<PathBuf, Seen>, Pictures, bool) {
    let paths: Vec<PathBuf> = set.pictures.iter().map(|p| p.path.clone()).collect();
    let mut reading = look(plan, set, watch);
    let seen = reading.pictures.pictures.iter().zip(paths).map(|(picture, path)| {
        let seen = match &picture.look {
            Ok(look) => (PictureState::Sized(look.width, look.height), look.orientation),
            Err(damage) if damage.kind == DamageKind::Missing => (PictureState::Missing, 1),
            Err(_) => (PictureState::Unreadable, 1),
        };
        (path, seen)
    });
    let seen = seen.collect();
    reading.pictures.pictures.retain(|p| !p.look.as_ref().is_err_and(|d| d.kind == DamageKind::Missing));
    (seen, reading.pictures, reading.partial)
}

/// Sizes by the headers alone.
fn sizes(pictures: &[Found], watch: &dyn Watch) -> (HashMap<PathBuf, Seen>, bool) {
    let mut seen = HashMap::with_capacity(pictures.len());
    for (i, chunk) in pictures.chunks(CHUNK).enumerate() {
        if watch.stopped() {
            return (seen, true);
        }
        seen.par_extend(chunk.par_iter().map(|found| (found.path.clone(), size(&found.path))));
        watch.progress((i * CHUNK + chunk.len()) as u64, pictures.len() as u64);
    }
    (seen, false)
}

fn size(path: &Path) -> Seen {
    if !path.exists() {
        return (PictureState::Missing, 1);
    }
    let read = crate::source::guard::guarded(|| -> Result<Seen, image::ImageError> {
        let mut decoder = ImageReader::open(path)?.with_guessed_format()?.into_decoder()?;
        let (width, height) = decoder.dimensions();
        Ok((
            PictureState::Sized(width, height),
            decoder.orientation().map_or(1, image::metadata::Orientation::to_exif),
        ))
    });
    read.unwrap_or((PictureState::Unreadable, 1))
}

/// Fractions of the sides as pixels, where the sides are known.
fn to_pixels(annotation: &mut Annotation) {
    let Some((width, height)) = annotation.size() else { return };
    for b in &mut annotation.boxes {
        for (corner, side) in b.corners.iter_mut().zip([width, height, width, height]) {
            *corner *= side;
        }
    }
}

/// Numbers the classes that were found, in sorted order.
fn number_classes(boxes: &mut Boxes) {
    let mut classes: Vec<String> = Vec::new();
    let mut number: HashMap<String, u32> = HashMap::new();
    for b in boxes.annotations.iter().flat_map(|a| &a.boxes) {
        if let BoxClass::Unknown(name) = &b.class
            && !number.contains_key(name)
        {
            number.insert(name.clone(), 0);
            classes.push(name.clone());
        }
    }
    classes.sort_by(|a, b| names::class_order(a, b));
    for (name, i) in classes.iter().zip(0..) {
        number.insert(name.clone(), i);
    }
    for b in boxes.annotations.iter_mut().flat_map(|a| &mut a.boxes) {
        if let BoxClass::Unknown(name) = &b.class
            && let Some(i) = number.get(name)
        {
            b.class = BoxClass::Known(*i);
        }
    }
    boxes.classes = classes;
}
