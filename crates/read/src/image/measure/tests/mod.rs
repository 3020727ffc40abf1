//! Pictures made in code, decoded and compared.

mod copies;
mod decoding;

use std::path::Path;

use image::codecs::jpeg::JpegEncoder;
use image::{DynamicImage, ImageFormat, RgbImage};
use stetho_core::table::Part;

use crate::image::{Found, Store};

/// A few waves of each colour, told by `seed`.
fn photo(width: u32, height: u32, seed: u32) -> DynamicImage {
    let value = |x: u32, y: u32, channel: u32| {
        let (x, y, s) = (x as f32 / width as f32, y as f32 / height as f32, (seed * 3 + channel) as f32);
        let wave = |k: f32| ((k + 5.0 * (s * 1.7).sin()) * x + (k + 4.0 * (s * 2.3).cos()) * y + k * s).sin();
        (128.0 + 30.0 * wave(3.0) + 25.0 * wave(7.0) + 15.0 * wave(13.0) + 10.0 * wave(29.0)) as u8
    };
    RgbImage::from_fn(width, height, |x, y| image::Rgb([0, 1, 2].map(|channel| value(x, y, channel)))).into()
}

fn jpeg(picture: &DynamicImage, quality: u8) -> Vec<u8> {
    let mut bytes = Vec::new();
    picture.write_with_encoder(JpegEncoder::new_with_quality(&mut bytes, quality)).unwrap();
    bytes
}

fn encoded(picture: &DynamicImage, format: ImageFormat) -> Vec<u8> {
    let mut bytes = std::io::Cursor::new(Vec::new());
    picture.write_to(&mut bytes, format).unwrap();
    bytes.into_inner()
}

/// The JPEG with one more segment at its start.
fn with_segment(jpeg: &[u8], marker: u8, content: &[u8]) -> Vec<u8> {
    let length = (content.len() as u16 + 2).to_be_bytes();
    [&jpeg[..2], &[0xff, marker], &length, content, &jpeg[2..]].concat()
}

fn file(path: &Path) -> Found {
    Found { path: path.into(), index: None, part: Part::Train, label: None, store: Store::File }
}
