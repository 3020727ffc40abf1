//! Small copies of the pictures that a report shows.

use std::collections::HashMap;
use std::io::Cursor;
use std::path::Path;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use image::codecs::jpeg::JpegEncoder;
use image::{DynamicImage, ImageFormat, imageops};
use rayon::prelude::*;
use stetho_core::Pictured;
use stetho_core::table::Part;

use super::measure::{Decoded, decode};
use super::{Found, Store, open_raster};

/// Quality of the small copies.
const QUALITY: u8 = 78;
/// A picture whose longer side is no longer than this is kept without loss.
const TINY: u32 = 64;

/// Fills in the thumbnail of each picture that can be read, at most `side` pixels wide and high, as stored (not turned
/// as EXIF says). Pictures that cannot be read stay without.
pub fn fill_thumbnails(pictures: &mut [&mut Pictured], side: u32) {
    let mut rasters = HashMap::new();
    for picture in pictures.iter().filter(|p| p.index.is_some() && p.thumbnail.is_none()) {
        rasters.entry(picture.path.clone()).or_insert_with(|| open_raster(Path::new(&picture.path)));
    }
    pictures.par_iter_mut().filter(|p| p.thumbnail.is_none()).for_each(|picture| {
        let raster = rasters.get(&picture.path).and_then(Clone::clone);
        let store = match (picture.index, raster) {
            (None, _) => Store::File,
            (Some(_), Some(raster)) => Store::Array(raster),
            (Some(_), None) => return,
        };
        let found = Found {
            path: (&picture.path).into(),
            index: picture.index,
            part: Part::Train,
            label: None,
            store,
        };
        if let Ok(decoded) = decode(&found, true) {
            (picture.width, picture.height) = (decoded.width, decoded.height);
            picture.thumbnail = small(decoded, side);
        }
    });
}

/// The picture as a `data:` address.
fn small(picture: Decoded, side: u32) -> Option<String> {
    let (width, height) = (picture.width, picture.height);
    let whole = if picture.n_channels == 1 {
        DynamicImage::ImageLuma8(image::GrayImage::from_raw(width, height, picture.pixels)?)
    } else {
        DynamicImage::ImageRgb8(image::RgbImage::from_raw(width, height, picture.pixels)?)
    };
    let longer = width.max(height);
    let copy = if longer > side { whole.resize(side, side, imageops::FilterType::Triangle) } else { whole };
    let mut bytes = Cursor::new(Vec::new());
    let kind = if longer <= TINY {
        copy.write_to(&mut bytes, ImageFormat::Png).ok()?;
        "png"
    } else {
        copy.write_with_encoder(JpegEncoder::new_with_quality(&mut bytes, QUALITY)).ok()?;
        "jpeg"
    };
    Some(format!("data:image/{kind};base64,{}", STANDARD.encode(bytes.into_inner())))
}
