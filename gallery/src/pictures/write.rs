//! Pictures as bytes of a file.

use std::io::Cursor;

use image::codecs::jpeg::JpegEncoder;
use image::{DynamicImage, ExtendedColorType, ImageEncoder, ImageFormat, RgbImage};

use super::line::Options;

/// Extensions of the formats that are written here.
pub(super) fn is_format(extension: &str) -> bool {
    format_of(extension).is_some()
}

fn format_of(extension: &str) -> Option<ImageFormat> {
    Some(match extension {
        "png" => ImageFormat::Png,
        "jpg" | "jpeg" => ImageFormat::Jpeg,
        "gif" => ImageFormat::Gif,
        "bmp" => ImageFormat::Bmp,
        "webp" => ImageFormat::WebP,
        "tif" | "tiff" => ImageFormat::Tiff,
        _ => return None,
    })
}

/// The picture as a file with this extension; the options may ask for another format than the extension's.
pub(super) fn encode(picture: &RgbImage, options: &Options, extension: &str) -> Result<Vec<u8>, String> {
    let extension = options.format.as_deref().unwrap_or(extension);
    let format = format_of(extension).ok_or_else(|| format!("`.{extension}` is written by nobody here"))?;
    let picture = DynamicImage::ImageRgb8(picture.clone());
    let picture = match (options.is_grey, options.is_rgba, options.is_deep) {
        (true, _, true) => DynamicImage::ImageLuma16(picture.to_luma16()),
        (true, ..) => DynamicImage::ImageLuma8(picture.to_luma8()),
        (_, true, _) => DynamicImage::ImageRgba8(picture.to_rgba8()),
        (_, _, true) => DynamicImage::ImageRgb16(picture.to_rgb16()),
        _ => picture,
    };
    let mut out = Cursor::new(Vec::new());
    if format == ImageFormat::Jpeg {
        jpeg(&picture, options, &mut out)?;
    } else {
        picture.write_to(&mut out, format).map_err(|e| e.to_string())?;
    }
    Ok(out.into_inner())
}

fn jpeg(picture: &DynamicImage, options: &Options, out: &mut Cursor<Vec<u8>>) -> Result<(), String> {
    let mut encoder = JpegEncoder::new_with_quality(out, options.quality);
    if options.orientation != 1 {
        encoder.set_exif_metadata(exif(options.orientation)).map_err(|e| e.to_string())?;
    }
    let (width, height) = (picture.width(), picture.height());
    let written = if options.is_grey {
        encoder.write_image(picture.to_luma8().as_raw(), width, height, ExtendedColorType::L8)
    } else {
        encoder.write_image(picture.to_rgb8().as_raw(), width, height, ExtendedColorType::Rgb8)
    };
    written.map_err(|e| e.to_string())
}

/// The smallest EXIF block: one tag, the orientation (TIFF 6.0, tag 274, one SHORT).
fn exif(orientation: u8) -> Vec<u8> {
    let mut block = b"II*\0\x08\0\0\0\x01\0\x12\x01\x03\0\x01\0\0\0".to_vec();
    block.extend([orientation, 0, 0, 0, 0, 0, 0, 0]);
    block
}

/// A PNG whose header claims 100,000 × 100,000 pixels, with a right checksum and next to no data.
pub(super) fn bomb() -> Vec<u8> {
    let mut header = b"IHDR".to_vec();
    header.extend(100_000_u32.to_be_bytes());
    header.extend(100_000_u32.to_be_bytes());
    header.extend([8, 2, 0, 0, 0]);
    let mut sum = flate2::Crc::new();
    sum.update(&header);
    let mut file = b"\x89PNG\r\n\x1a\n\0\0\0\x0d".to_vec();
    file.extend(header);
    file.extend(sum.sum().to_be_bytes());
    file.extend(b"\0\0\0\x04IDAT\x78\x9c\x03\0\0\0\0\0");
    file
}
