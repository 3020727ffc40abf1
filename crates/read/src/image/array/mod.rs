//! Array files that hold pictures: IDX, NumPy.

mod open;
mod raster;

use std::path::Path;
use std::sync::Arc;

use super::Raster;

pub(crate) use open::{ArraySet, is_sure, open_sets, trouble};

/// Opens the pictures of an array file again, numbered as [`super::Found::index`] numbers them.
pub(crate) fn open_raster(path: &Path) -> Option<Arc<dyn Raster>> {
    open::reopen(path)
}
