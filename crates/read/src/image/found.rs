//! Pictures that were found and not yet looked at.

use std::path::PathBuf;
use std::sync::Arc;

use stetho_core::Measured;
use stetho_core::table::{FileFacts, Part};

/// Where the pixels of a picture are.
#[derive(Clone)]
pub(crate) enum Store {
    /// In a file of its own, [`Found::path`].
    File,
    /// In an array file.
    Array(Arc<dyn Raster>),
    /// Nowhere: a list names a file that is not there.
    Missing,
}

/// Many pictures of one size in one array: IDX, `.npy`, a member of `.npz`.
pub(crate) trait Raster: Send + Sync {
    /// Width and height in pixels, and channels: 1, 3 or 4.
    fn shape(&self) -> (u32, u32, u8);
    /// Bits a channel, as stored: 8, 16 or 32.
    fn bits(&self) -> u8;
    /// Pixels of picture `index`, row by row, channels last, as 8 bits; `None` where the file ends before it.
    fn read(&self, index: u64) -> Option<Vec<u8>>;
}

/// One picture to look at.
#[derive(Clone)]
pub(crate) struct Found {
    /// The file to read.
    pub path: PathBuf,
    /// 0-based number within an array file.
    pub index: Option<u64>,
    /// Which part of the data it belongs to.
    pub part: Part,
    /// Its class, as an index into [`FoundSet::classes`].
    pub label: Option<u32>,
    /// Where its pixels are.
    pub store: Store,
}

/// A set of pictures: by part, then in the order of their paths.
pub(crate) struct FoundSet {
    /// How the set is laid out, in words: `one folder a class`, `a folder with a list`, `IDX` …
    pub layout: String,
    /// Lists and array files with the number of pictures; for folders one entry a folder that was named.
    pub files: Vec<FileFacts>,
    /// The pictures.
    pub pictures: Vec<Found>,
    /// Class names in sorted order; numbers sort by value.
    pub classes: Vec<String>,
    /// Why pictures have no labels.
    pub labels: Measured<()>,
    /// Files that were stepped over, with the reason, one line each.
    pub skipped: Vec<String>,
}
