//! The pictures of a set in one small size, for models that want numbers.

use fast_image_resize::images::{Image, ImageRef};
use fast_image_resize::{FilterType, PixelType, ResizeAlg, ResizeOptions, Resizer};
use rayon::prelude::*;
use stetho_core::table::Part;

use super::Found;
use super::measure::{Decoded, decode};
use crate::{Plan, ReadError, Watch};

/// Pictures decoded between two questions whether to stop.
const CHUNK: usize = 512;

/// One picture, shrunk.
#[derive(Clone, Debug, PartialEq)]
pub struct SmallPicture {
    /// Its file, as the user named it.
    pub path: String,
    /// 0-based number within an array file.
    pub index: Option<u64>,
    /// Which part of the data it belongs to.
    pub part: Part,
    /// Its class, as an index into [`SmallPictures::classes`].
    pub label: Option<u32>,
    /// Sides in pixels, as stored here.
    pub width: u32,
    /// See `width`.
    pub height: u32,
    /// 1 for grey, 3 for red, green, blue.
    pub n_channels: usize,
    /// Row by row, channels last; empty where the picture cannot be decoded.
    pub pixels: Vec<u8>,
}

/// A set of pictures, shrunk.
#[derive(Clone, Debug, Default)]
pub struct SmallPictures {
    /// How the set is laid out, in words.
    pub layout: String,
    /// The pictures, those that cannot be decoded included.
    pub pictures: Vec<SmallPicture>,
    /// Class names.
    pub classes: Vec<String>,
    /// Why pictures have no labels, if they have none.
    pub no_labels: Option<String>,
    /// Whether the watcher stopped it early.
    pub partial: bool,
    /// Files that were stepped over, with the reason, one line each.
    pub skipped: Vec<String>,
}

/// Reads every picture of a set; those with a side longer than `side` are squeezed into `side` × `side`.
///
/// # Errors
/// When there are no pictures: one line that says what, where and what to do. A picture that cannot be decoded has no pixels.
pub fn read_small(plan: &Plan, side: u32, watch: &dyn Watch) -> Result<SmallPictures, ReadError> {
    let set = super::find(plan)?;
    let total = set.pictures.len() as u64;
    let mut pictures = Vec::with_capacity(set.pictures.len());
    let mut partial = false;
    for chunk in set.pictures.chunks(CHUNK) {
        if watch.stopped() {
            partial = true;
            break;
        }
        pictures.par_extend(chunk.par_iter().map(|found| small(found, side)));
        watch.progress(pictures.len() as u64, total);
    }
    let no_labels = set.labels.reason().map(str::to_owned);
    Ok(SmallPictures {
        layout: set.layout,
        pictures,
        classes: set.classes,
        no_labels,
        partial,
        skipped: set.skipped,
    })
}

fn small(found: &Found, side: u32) -> SmallPicture {
    let decoded = decode(found, true).ok().and_then(|picture| shrink(picture, side));
    let (width, height, n_channels, pixels) = decoded.unwrap_or_default();
    SmallPicture {
        path: found.path.display().to_string(),
        index: found.index,
        part: found.part,
        label: found.label,
        width,
        height,
        n_channels,
        pixels,
    }
}

fn shrink(picture: Decoded, side: u32) -> Option<(u32, u32, usize, Vec<u8>)> {
    if picture.width.max(picture.height) <= side {
        return Some((picture.width, picture.height, picture.n_channels, picture.pixels));
    }
    let kind = if picture.n_channels == 1 { PixelType::U8 } else { PixelType::U8x3 };
    let from = ImageRef::new(picture.width, picture.height, &picture.pixels, kind).ok()?;
    let mut to = Image::new(side, side, kind);
    let options = ResizeOptions::new().resize_alg(ResizeAlg::Convolution(FilterType::Bilinear));
    Resizer::new().resize(&from, &mut to, &options).ok()?;
    Some((side, side, picture.n_channels, to.into_vec()))
}
