//! From the bytes of a file to pixels, with damage told apart.

use std::io::Cursor;
use std::panic::{AssertUnwindSafe, catch_unwind};

use image::metadata::Orientation;
use image::{ColorType, DynamicImage, ExtendedColorType, ImageDecoder, ImageError, ImageFormat, ImageReader};
use stetho_core::image::{Channels, Damage, DamageKind, Format};

use super::jpeg::jpeg;
use crate::image::{Found, Raster, Store};

/// A picture with more pixels than this is not decoded: 100 million, 300 MB in memory.
const MOST_PIXELS: u64 = 100_000_000;
/// Memory that a decoder may ask for, in bytes.
const MOST_MEMORY: u64 = 1 << 30;

/// A picture in memory.
pub(crate) struct Decoded {
    pub format: Format,
    pub width: u32,
    pub height: u32,
    pub channels: Channels,
    pub bits: u8,
    pub orientation: u8,
    pub n_bytes: u64,
    /// Hash of the file, if it is a JPEG of which brightness can be decoded alone.
    pub file_hash: Option<u128>,
    /// 1 for grey, 3 for red, green, blue.
    pub n_channels: usize,
    /// Row by row, channels last, transparent pixels laid over white.
    pub pixels: Vec<u8>,
}

impl Decoded {
    /// Whether the pixels have all that the file has; a colour picture may have been decoded in grey.
    pub(super) fn has_colours(&self) -> bool {
        self.n_channels == 3 || self.channels == Channels::Grey
    }
}

pub(super) fn damage(kind: DamageKind, problem: impl Into<String>) -> Damage {
    Damage { kind, problem: problem.into() }
}

/// Decodes a picture; where that fails, says why, with the size of the file. Unless it is wanted `in_colour`, the
/// brightness alone may be decoded, where that is less work.
pub(crate) fn decode(picture: &Found, in_colour: bool) -> Result<Decoded, (Damage, u64)> {
    match &picture.store {
        Store::Missing => Err((damage(DamageKind::Missing, "a list names it, and there is no such file"), 0)),
        Store::Array(raster) => {
            guarded(|| array(raster.as_ref(), picture.index.unwrap_or(0))).map_err(|damage| (damage, 0))
        }
        Store::File => {
            let bytes = std::fs::read(&picture.path).map_err(|e| {
                let missing = e.kind() == std::io::ErrorKind::NotFound;
                let kind = if missing { DamageKind::Missing } else { DamageKind::Refused };
                (damage(kind, e.to_string()), 0)
            })?;
            guarded(|| decode_bytes(&bytes, in_colour)).map_err(|damage| (damage, bytes.len() as u64))
        }
    }
}

/// A decoder that panics has met bytes that its author did not think of: damage of the file.
pub(super) fn guarded(work: impl FnOnce() -> Result<Decoded, Damage>) -> Result<Decoded, Damage> {
    catch_unwind(AssertUnwindSafe(work))
        .unwrap_or_else(|_| Err(damage(DamageKind::Damaged, "the decoder cannot cope with this content")))
}

fn array(raster: &dyn Raster, index: u64) -> Result<Decoded, Damage> {
    let (width, height, n_channels) = raster.shape();
    let pixels = raster
        .read(index)
        .ok_or_else(|| damage(DamageKind::Truncated, format!("the file ends before picture {index}")))?;
    let channels = match n_channels {
        1 => Channels::Grey,
        4 => Channels::Rgba,
        _ => Channels::Rgb,
    };
    let n_bytes = pixels.len() as u64 * u64::from(raster.bits() / 8);
    let head = Head { format: Format::Array, width, height, channels, bits: raster.bits(), orientation: 1 };
    let (n_channels, pixels) = flatten(pixels, usize::from(n_channels));
    Ok(head.with(n_channels, pixels, n_bytes))
}

/// What is known before any pixel.
pub(super) struct Head {
    pub format: Format,
    pub width: u32,
    pub height: u32,
    pub channels: Channels,
    pub bits: u8,
    pub orientation: u8,
}

impl Head {
    pub(super) fn with(self, n_channels: usize, pixels: Vec<u8>, n_bytes: u64) -> Decoded {
        let Self { format, width, height, channels, bits, orientation } = self;
        Decoded {
            format,
            width,
            height,
            channels,
            bits,
            orientation,
            n_bytes,
            file_hash: None,
            n_channels,
            pixels,
        }
    }
}

pub(super) fn decode_bytes(bytes: &[u8], in_colour: bool) -> Result<Decoded, Damage> {
    if bytes.is_empty() {
        return Err(damage(DamageKind::Empty, "the file has no bytes"));
    }
    match image::guess_format(bytes) {
        Ok(ImageFormat::Jpeg) => jpeg(bytes, in_colour),
        Ok(ImageFormat::Png) => other(bytes, ImageFormat::Png, Format::Png),
        Ok(ImageFormat::WebP) => other(bytes, ImageFormat::WebP, Format::WebP),
        Ok(ImageFormat::Gif) => other(bytes, ImageFormat::Gif, Format::Gif),
        Ok(ImageFormat::Bmp) => other(bytes, ImageFormat::Bmp, Format::Bmp),
        Ok(ImageFormat::Tiff) => other(bytes, ImageFormat::Tiff, Format::Tiff),
        Ok(known) => {
            Err(damage(DamageKind::NotAPicture, format!("{known:?} pictures are not read; convert them")))
        }
        Err(_) => Err(damage(DamageKind::NotAPicture, guess(bytes))),
    }
}

/// What the bytes seem to be.
fn guess(bytes: &[u8]) -> String {
    let start = bytes.get(..bytes.len().min(256)).unwrap_or_default();
    let text = String::from_utf8_lossy(start).trim_start().to_lowercase();
    let what = if bytes.iter().all(|b| *b == 0) {
        "nothing but zeros"
    } else if text.starts_with("<!doctype html") || text.starts_with("<html") {
        "an HTML page, as servers send in place of a picture"
    } else if start.starts_with(b"%PDF") {
        "a PDF document"
    } else if bytes.get(4..12).is_some_and(|b| matches!(b, b"ftypheic" | b"ftypmif1" | b"ftypheix")) {
        "HEIC, which is not read; convert it"
    } else if !text.is_empty()
        && text.chars().all(|c| !c.is_control() || c.is_whitespace())
        && text.is_ascii()
    {
        "text"
    } else {
        "no picture format that is known"
    };
    format!("the content is {what}")
}

pub(super) fn too_large(width: u64, height: u64) -> Result<(), Damage> {
    if width.saturating_mul(height) <= MOST_PIXELS {
        return Ok(());
    }
    let problem = format!("it claims {width} × {height} pixels, more than the limit of 100 million");
    Err(damage(DamageKind::TooLarge, problem))
}

fn other(bytes: &[u8], known: ImageFormat, format: Format) -> Result<Decoded, Damage> {
    let mut reader = ImageReader::with_format(Cursor::new(bytes), known);
    let mut limits = image::Limits::no_limits();
    limits.max_alloc = Some(MOST_MEMORY);
    reader.limits(limits);
    let mut decoder = reader.into_decoder().map_err(|e| other_damage(&e))?;
    let (width, height) = decoder.dimensions();
    too_large(u64::from(width), u64::from(height))?;
    let orientation = decoder.orientation().map_or(1, Orientation::to_exif);
    let (channels, bits) = stored(decoder.original_color_type(), decoder.color_type());
    let picture = DynamicImage::from_decoder(decoder).map_err(|e| other_damage(&e))?;
    // GIF is decoded with transparency whether it has any or not.
    let is_opaque = || picture.as_rgba8().is_some_and(|p| p.pixels().all(|pixel| pixel.0[3] == 255));
    let channels = if format == Format::Gif && is_opaque() { Channels::Rgb } else { channels };
    let head = Head { format, width, height, channels, bits, orientation };
    let (n_channels, pixels) = match channels {
        Channels::Grey => (1, picture.into_luma8().into_raw()),
        Channels::GreyAlpha | Channels::Rgba => flatten(picture.into_rgba8().into_raw(), 4),
        Channels::Rgb | Channels::Cmyk => (3, picture.into_rgb8().into_raw()),
    };
    Ok(head.with(n_channels, pixels, bytes.len() as u64))
}

fn other_damage(error: &ImageError) -> Damage {
    let text = error.to_string();
    let lower = text.to_lowercase();
    let is_cut = ["unexpected end", "eof", "failed to fill", "truncated"].iter().any(|w| lower.contains(w));
    let kind = match error {
        ImageError::Limits(_) => DamageKind::TooLarge,
        _ if is_cut => DamageKind::Truncated,
        _ => DamageKind::Damaged,
    };
    damage(kind, shorten(&text))
}

pub(super) fn shorten(text: &str) -> String {
    text.chars().map(|c| if c.is_control() { ' ' } else { c }).take(160).collect()
}

/// Channels and bits a channel as the file stores them.
fn stored(original: ExtendedColorType, decoded: ColorType) -> (Channels, u8) {
    let channels = match decoded {
        ColorType::L8 | ColorType::L16 => Channels::Grey,
        ColorType::La8 | ColorType::La16 => Channels::GreyAlpha,
        ColorType::Rgba8 | ColorType::Rgba16 | ColorType::Rgba32F => Channels::Rgba,
        _ => Channels::Rgb,
    };
    let bits = (original.bits_per_pixel() / u16::from(original.channel_count()).max(1)).min(32) as u8;
    let channels = match original {
        ExtendedColorType::Cmyk8 | ExtendedColorType::Cmyk16 => Channels::Cmyk,
        _ => channels,
    };
    (channels, bits)
}

/// Pixels without transparency: laid over white.
fn flatten(pixels: Vec<u8>, n_channels: usize) -> (usize, Vec<u8>) {
    if n_channels != 4 {
        return (n_channels, pixels);
    }
    let over = |value: u8, alpha: u8| {
        let (value, alpha) = (u32::from(value), u32::from(alpha));
        ((value * alpha + 255 * (255 - alpha) + 127) / 255) as u8
    };
    let flat =
        pixels.as_chunks::<4>().0.iter().flat_map(|&[r, g, b, a]| [over(r, a), over(g, a), over(b, a)]);
    (3, flat.collect())
}
