//! A data set of any kind: table, pictures, or pictures with boxes.

use std::path::PathBuf;

use stetho_core::boxes::{BoxFormat, Boxes};
use stetho_core::image::{Picture, Pictures};
use stetho_core::table::Part;
use stetho_core::{Measured, Signal};

use crate::image::{Found, FoundSet, Measurement, Store, Wanted};
use crate::{Plan, ReadError, Reading, Watch, boxes, image, read_table};

/// What a data set is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DataKind {
    /// Rows and columns.
    Table,
    /// Pictures, with or without labels.
    Images,
    /// Pictures with boxes, in this format; found out where `None`.
    Boxes(Option<BoxFormat>),
}

/// A data set, read and measured.
#[derive(Debug)]
pub enum Data {
    /// A table.
    Table(Box<Reading>),
    /// Pictures.
    Images(PictureReading),
    /// Pictures with boxes.
    Boxes(BoxReading),
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

/// A detection set that was read: its boxes, and what its pictures look like.
#[derive(Clone, Debug, Default)]
pub struct BoxReading {
    /// The record of the boxes.
    pub boxes: Boxes,
    /// The record of the pictures, those that are not there left out.
    pub pictures: Pictures,
    /// Whether the watcher stopped it early.
    pub partial: bool,
    /// Files that were stepped over, with the reason, one line each.
    pub skipped: Vec<String>,
}

/// What the data in `paths` is, by looking at names and first bytes.
pub fn detect_kind(paths: &[PathBuf]) -> DataKind {
    if let Some(format) = boxes::recognise(paths) {
        DataKind::Boxes(Some(format))
    } else if image::recognise(paths) {
        DataKind::Images
    } else {
        DataKind::Table
    }
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
        DataKind::Boxes(format) => Ok(Data::Boxes(boxes::read(plan, format, watch)?)),
    }
}

/// Looks at the pictures of a set.
pub(crate) fn look(plan: &Plan, set: FoundSet, watch: &dyn Watch) -> PictureReading {
    let wanted = Wanted { copies: plan.signals.contains(Signal::PictureCopies), map: plan.for_page };
    let Measurement { looks, n_bytes, copies, projection, is_partial } =
        image::measure(&set.pictures, wanted, plan.threads, watch);
    let has_splits = set.pictures.iter().any(|p| p.part != Part::Train);
    let mut places = projection.places.into_iter();
    let pictures = set.pictures.into_iter().zip(looks).zip(n_bytes).map(|((found, look), n_bytes)| Picture {
        named: named(&found),
        path: found.path.display().to_string(),
        index: found.index,
        part: found.part,
        label: found.label,
        n_bytes,
        look,
        projected: places.next().flatten(),
    });
    let pictures = Pictures {
        layout: set.layout,
        files: set.files,
        pictures: pictures.collect(),
        classes: set.classes,
        labels: set.labels,
        copies,
        splits: if has_splits { Measured::Is(()) } else { Measured::Not("no --val or --test given".into()) },
        projection: projection.explained,
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
