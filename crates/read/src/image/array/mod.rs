//! Pictures in array files.

mod idx;

pub(super) use idx::{Idx, Kind, kind_of};

use std::path::Path;
use std::sync::Arc;

use super::Raster;

/// Opens an array file of pictures again.
pub(crate) fn open_raster(path: &Path) -> Option<Arc<dyn Raster>> {
    Some(Arc::new(Idx::open(path).ok()?))
}
