//! Detection data: COCO, Pascal VOC, YOLO.

use std::path::PathBuf;

use stetho_core::boxes::{BoxFormat, Boxes};

use crate::image::Found;
use crate::{Plan, ReadError};

/// Boxes and the pictures they are on.
pub(crate) struct FoundBoxes {
    /// The record; sizes of pictures are not yet known ([`stetho_core::boxes::PictureState`] is `Unreadable` or
    /// `Missing`), and YOLO's corners are fractions.
    pub boxes: Boxes,
    /// One picture for each entry of `boxes.annotations`, in that order.
    pub pictures: Vec<Found>,
    /// Files that were stepped over, with the reason, one line each.
    pub skipped: Vec<String>,
}

/// The format of the annotations in `paths`, if there are any.
pub(crate) fn recognise(_paths: &[PathBuf]) -> Option<BoxFormat> {
    None
}

/// Reads the annotations of `plan`.
///
/// # Errors
/// When there are none, or a path cannot be read.
pub(crate) fn read(_plan: &Plan, _format: Option<BoxFormat>) -> Result<FoundBoxes, ReadError> {
    Err(ReadError::Request("no annotation was found".into()))
}
