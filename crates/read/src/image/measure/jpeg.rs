//! JPEG: pixels in grey or in colour, and whether the file is whole.

use image::metadata::Orientation;
use stetho_core::image::{Channels, Damage, DamageKind, Format};
use xxhash_rust::xxh3::xxh3_128;
use zune_core::bytestream::ZCursor;
use zune_core::colorspace::ColorSpace;
use zune_core::options::DecoderOptions;
use zune_jpeg::JpegDecoder;
use zune_jpeg::errors::DecodeErrors;

use super::decode::{Decoded, Head, damage, shorten, too_large};

/// Sampling factors of brightness (4 bits across, 4 bits down) with which a decoder need not look at the colours: with
/// others it reads the last rows otherwise.
const SPLIT: [u8; 3] = [0x11, 0x21, 0x22];

/// Decodes a JPEG. One that stores brightness and colours apart is decoded in grey unless it is wanted `in_colour`.
pub(super) fn jpeg(bytes: &[u8], in_colour: bool) -> Result<Decoded, Damage> {
    let options =
        DecoderOptions::default().set_strict_mode(true).set_max_width(1 << 16).set_max_height(1 << 16);
    let mut decoder = JpegDecoder::new_with_options(ZCursor::new(bytes), options);
    decoder.decode_headers().map_err(|e| jpeg_damage(bytes, &e))?;
    let info = decoder.info().ok_or_else(|| damage(DamageKind::Damaged, "the JPEG has no frame"))?;
    let (width, height) = (info.width, info.height);
    too_large(u64::from(width), u64::from(height))?;
    let space = decoder.input_colorspace().unwrap_or(ColorSpace::YCbCr);
    let channels = match space {
        ColorSpace::Luma => Channels::Grey,
        ColorSpace::CMYK | ColorSpace::YCCK => Channels::Cmyk,
        _ => Channels::Rgb,
    };
    let is_split = space == ColorSpace::YCbCr && is_split(bytes);
    let is_grey = channels == Channels::Grey || (is_split && !in_colour);
    let wanted = if is_grey { ColorSpace::Luma } else { ColorSpace::RGB };
    decoder.set_options(options.jpeg_set_out_colorspace(wanted));
    let orientation = decoder.exif().and_then(|exif| Orientation::from_exif_chunk(exif));
    let pixels = decoder.decode().map_err(|e| jpeg_damage(bytes, &e))?;
    if !has_end(bytes) {
        return Err(damage(DamageKind::Truncated, "the JPEG has no end: the file was cut off"));
    }
    let head = Head {
        format: Format::Jpeg,
        width: width.into(),
        height: height.into(),
        channels,
        bits: 8,
        orientation: orientation.map_or(1, Orientation::to_exif),
    };
    let decoded = head.with(if is_grey { 1 } else { 3 }, pixels, bytes.len() as u64);
    Ok(Decoded { file_hash: is_split.then(|| xxh3_128(bytes)), ..decoded })
}

/// Segments of a JPEG up to the first scan's head: the marker, the content, and where the segment ends in the file. What a
/// segment holds (a small picture of its own in EXIF) is stepped over.
fn segments(bytes: &[u8]) -> impl Iterator<Item = (u8, &[u8], usize)> {
    let mut at = 0;
    std::iter::from_fn(move || {
        let marker = loop {
            at += bytes.get(at..)?.iter().position(|b| *b == 0xff)?;
            at += bytes.get(at..)?.iter().position(|b| *b != 0xff)?;
            at += 1;
            match *bytes.get(at - 1)? {
                0x00 | 0x01 | 0xd0..=0xd8 => {} // these have no content
                0xd9 => return None,
                marker => break marker,
            }
        };
        let length = usize::from(u16::from_be_bytes([*bytes.get(at)?, *bytes.get(at + 1)?]));
        let content = bytes.get(at + 2..at + length)?;
        at += length;
        Some((marker, content, at))
    })
}

/// Whether the picture has three components, of which the first can be decoded without the other two.
fn is_split(bytes: &[u8]) -> bool {
    let frame = segments(bytes).find(|(marker, ..)| matches!(marker, 0xc0..=0xc2));
    let Some(components) = frame.and_then(|(_, content, _)| content.get(6..)) else { return false };
    let factors: Vec<u8> = components.chunks_exact(3).filter_map(|c| c.get(1).copied()).collect();
    matches!(factors[..], [brightness, 0x11, 0x11] if SPLIT.contains(&brightness))
}

/// Whether there is an end-of-image marker behind the start of the first scan; what follows it (padding, a video) is
/// nobody's business.
fn has_end(bytes: &[u8]) -> bool {
    let scan = segments(bytes).find(|(marker, ..)| *marker == 0xda).map(|(.., end)| end);
    scan.and_then(|start| memchr::memmem::rfind(bytes.get(start..)?, &[0xff, 0xd9])).is_some()
}

fn jpeg_damage(bytes: &[u8], error: &DecodeErrors) -> Damage {
    let is_cut = matches!(error, DecodeErrors::ExhaustedData | DecodeErrors::IoErrors(_)) || !has_end(bytes);
    let kind = if is_cut { DamageKind::Truncated } else { DamageKind::Damaged };
    let problem = if is_cut { "the JPEG ends too early".to_owned() } else { format!("JPEG: {error:?}") };
    damage(kind, shorten(&problem))
}
