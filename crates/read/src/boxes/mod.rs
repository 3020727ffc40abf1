//! Detection sets: COCO, Pascal VOC, YOLO.

use std::path::PathBuf;

use stetho_core::boxes::BoxFormat;

use crate::{BoxReading, Plan, ReadError, Watch};

/// The format of the boxes in `paths`, if they are a detection set.
pub(crate) fn recognise(_paths: &[PathBuf]) -> Option<BoxFormat> {
    None
}

/// Reads a detection set.
pub(crate) fn read(
    _plan: &Plan,
    _format: Option<BoxFormat>,
    _watch: &dyn Watch,
) -> Result<BoxReading, ReadError> {
    Err(ReadError::Request("detection sets are not read yet".to_owned()))
}
