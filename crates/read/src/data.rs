//! A data set of any kind: table, pictures, boxes.

use std::path::PathBuf;

use stetho_core::boxes::{BoxFormat, Boxes, PictureState};
use stetho_core::image::{Picture, Pictures};
use stetho_core::table::Part;
use stetho_core::{Measured, Signal};

use crate::image::{Found, FoundSet, Measurement, Store};
use crate::{Plan, ReadError, Reading, Watch, boxes, image, read_table};

/// What a data set is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DataKind {
    /// Rows and columns.
    Table,
    /// Pictures, with or without labels.
    Images,
    /// Pictures with boxes in one of the formats, or in the one that is found.
    Boxes(Option<BoxFormat>),
}

/// A data set, read and measured.
#[derive(Debug)]
pub enum Data {
    /// A table.
    Table(Box<Reading>),
    /// Pictures.
    Images(PictureReading),
    /// Boxes, and the pictures they are on.
    Boxes(Boxes, PictureReading),
}

/// Pictures that were read.
#[derive(Clone, Debug, Default)]
pub struct PictureReading {
    /// The record.
    pub pictures: Pictures,
    /// Whether the watcher stopped it early.
    pub partial: bool,
    /// Files that were stepped over, with the reason, one line each.
    pub skipped: Vec<String>,
}

/// What the data in `paths` is, by looking at names and first bytes.
pub fn detect_kind(paths: &[PathBuf]) -> DataKind {
    if let Some(format) = boxes::recognise(paths) {
        return DataKind::Boxes(Some(format));
    }
    if image::recognise(paths) { DataKind::Images } else { DataKind::Table }
}

/// Reads and measures a data set; `kind` as the user says it, or as [`detect_kind`] finds it.
///
/// # Errors
/// When a path is missing, holds no data of the kind, or files do not fit together: one line that says what, where and
/// what to do. A bad file among many is part of the record.
pub fn read_data(plan: &Plan, kind: Option<DataKind>, watch: &dyn Watch) -> Result<Data, ReadError> {
    match kind.unwrap_or_else(|| detect_kind(&plan.train)) {
        DataKind::Table => Ok(Data::Table(Box::new(read_table(plan, watch)?))),
        DataKind::Images => Ok(Data::Images(look(plan, image::find(plan)?, watch))),
        DataKind::Boxes(format) => {
            let found = boxes::read(plan, format)?;
            let mut boxes = found.boxes;
            let set = FoundSet {
                layout: boxes.format.name().to_owned(),
                files: boxes.files.clone(),
                pictures: found.pictures,
                classes: Vec::new(),
                labels: Measured::Not("boxes have labels, their pictures have none".into()),
                skipped: found.skipped,
            };
            let mut reading = look(plan, set, watch);
            measure_boxes(&mut boxes, &reading.pictures);
            // A picture that is not there is told once, of its annotation.
            let is_missing = |p: &Picture| matches!(&p.look, Err(damage) if damage.kind == stetho_core::image::DamageKind::Missing);
            remove(&mut reading.pictures, is_missing);
            Ok(Data::Boxes(boxes, reading))
        }
    }
}

/// Looks at the pictures of a set.
fn look(plan: &Plan, set: FoundSet, watch: &dyn Watch) -> PictureReading {
    let wants_copies = plan.signals.contains(Signal::PictureCopies);
    let Measurement { looks, n_bytes, copies, is_partial } =
        image::measure(&set.pictures, wants_copies, plan.threads, watch);
    let has_splits = set.pictures.iter().any(|p| p.part != Part::Train);
    let pictures = set.pictures.into_iter().zip(looks).zip(n_bytes).map(|((found, look), n_bytes)| Picture {
        named: named(&found),
        path: found.path.display().to_string(),
        index: found.index,
        part: found.part,
        label: found.label,
        n_bytes,
        look,
    });
    let pictures = Pictures {
        layout: set.layout,
        files: set.files,
        pictures: pictures.collect(),
        classes: set.classes,
        labels: set.labels,
        copies,
        splits: if has_splits { Measured::Is(()) } else { Measured::Not("no --val or --test given".into()) },
    };
    PictureReading { pictures, partial: is_partial, skipped: set.skipped }
}

/// The format that the file's name promises.
fn named(found: &Found) -> Option<stetho_core::image::Format> {
    use stetho_core::image::Format;
    let Store::File = found.store else { return None };
    let extension = found.path.extension()?.to_str()?.to_ascii_lowercase();
    Some(match extension.as_str() {
        "jpg" | "jpeg" | "jpe" | "jfif" => Format::Jpeg,
        "png" => Format::Png,
        "webp" => Format::WebP,
        "gif" => Format::Gif,
        "bmp" | "dib" => Format::Bmp,
        "tif" | "tiff" => Format::Tiff,
        _ => return None,
    })
}

/// Gives every annotation the size of its picture; YOLO's fractions become pixels.
fn measure_boxes(boxes: &mut Boxes, pictures: &Pictures) {
    for (annotation, picture) in boxes.annotations.iter_mut().zip(&pictures.pictures) {
        let Ok(look) = &picture.look else { continue };
        annotation.state = PictureState::Sized(look.width, look.height);
        annotation.orientation = look.orientation;
        if boxes.format == BoxFormat::Yolo {
            let (width, height) = (f64::from(look.width), f64::from(look.height));
            for b in &mut annotation.boxes {
                let [x1, y1, x2, y2] = b.corners;
                b.corners = [x1 * width, y1 * height, x2 * width, y2 * height];
            }
        }
    }
}

/// Removes pictures, and renumbers the copies among the rest.
fn remove(pictures: &mut Pictures, is_gone: impl Fn(&Picture) -> bool) {
    let mut next = 0;
    let number: Vec<usize> = pictures
        .pictures
        .iter()
        .map(|p| {
            let at = next;
            next += usize::from(!is_gone(p));
            at
        })
        .collect();
    pictures.pictures.retain(|p| !is_gone(p));
    // What is gone was never seen, so it is in no group.
    if let Measured::Is(copies) = &mut pictures.copies {
        copies.same.iter_mut().flatten().for_each(|i| *i = number.get(*i).copied().unwrap_or(*i));
        for cluster in &mut copies.near {
            cluster.first = number.get(cluster.first).copied().unwrap_or(cluster.first);
            for other in &mut cluster.others {
                other.picture = number.get(other.picture).copied().unwrap_or(other.picture);
            }
        }
    }
}
