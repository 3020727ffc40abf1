//! Whole files have the size and the channels that they say; damaged ones are told, and never end the audit.

use std::sync::Arc;

use image::codecs::gif::GifEncoder;
use image::{DynamicImage, Frame, ImageFormat};
use stetho_core::image::{Channels, Damage, DamageKind};
use stetho_core::table::Part;

use super::super::decode::{Decoded, decode, decode_bytes};
use super::super::statistics::shrink;
use super::{encoded, jpeg, photo, with_segment};
use crate::image::{Found, Raster, Store};

const PROGRESSIVE: &[u8] = include_bytes!("../../../../tests/pictures/progressive.jpg");
const RGB: &[u8] = include_bytes!("../../../../tests/pictures/rgb.jpg");
const CMYK: &[u8] = include_bytes!("../../../../tests/pictures/cmyk.jpg");
const PALETTE: &[u8] = include_bytes!("../../../../tests/pictures/palette.png");
const LOSSY: &[u8] = include_bytes!("../../../../tests/pictures/lossy.webp");

struct Case {
    name: &'static str,
    bytes: Vec<u8>,
    channels: Channels,
    bits: u8,
    /// Shares of the file that are not enough.
    cuts: &'static [f64],
}

/// Pictures of 48 × 40 pixels in every format.
fn cases() -> Vec<Case> {
    const ALL: &[f64] = &[0.3, 0.6, 0.95];
    let rgb = photo(48, 40, 1);
    let with_alpha = DynamicImage::ImageRgba8(rgb.to_rgba8());
    let animated = {
        let mut bytes = Vec::new();
        let frames = (1..4).map(|seed| Frame::new(photo(48, 40, seed).to_rgba8()));
        GifEncoder::new(&mut bytes).encode_frames(frames).unwrap();
        bytes
    };
    let case = |name, bytes, channels, bits, cuts| Case { name, bytes, channels, bits, cuts };
    vec![
        case("jpeg", jpeg(&rgb, 90), Channels::Rgb, 8, ALL),
        case("jpeg, grey", jpeg(&rgb.grayscale(), 90), Channels::Grey, 8, ALL),
        case("jpeg, progressive", PROGRESSIVE.into(), Channels::Rgb, 8, ALL),
        case("jpeg, red green blue", RGB.into(), Channels::Rgb, 8, ALL),
        case("jpeg, cmyk", CMYK.into(), Channels::Cmyk, 8, ALL),
        case("png", encoded(&rgb, ImageFormat::Png), Channels::Rgb, 8, ALL),
        case("png, 16 bits", encoded(&rgb.to_rgb16().into(), ImageFormat::Png), Channels::Rgb, 16, ALL),
        case("png, grey", encoded(&rgb.to_luma8().into(), ImageFormat::Png), Channels::Grey, 8, ALL),
        case(
            "png, grey alpha",
            encoded(&rgb.to_luma_alpha8().into(), ImageFormat::Png),
            Channels::GreyAlpha,
            8,
            ALL,
        ),
        case("png, alpha", encoded(&with_alpha, ImageFormat::Png), Channels::Rgba, 8, ALL),
        case("png, palette", PALETTE.into(), Channels::Rgb, 8, ALL),
        case("gif", encoded(&with_alpha, ImageFormat::Gif), Channels::Rgb, 8, ALL),
        case("gif, animated", animated, Channels::Rgb, 8, &[0.1, 0.3]), // the first of three frames is measured
        case("webp", encoded(&with_alpha, ImageFormat::WebP), Channels::Rgba, 8, ALL),
        case("webp, lossy", LOSSY.into(), Channels::Rgb, 8, ALL),
        case("bmp", encoded(&rgb, ImageFormat::Bmp), Channels::Rgb, 8, ALL),
        case("tiff", encoded(&rgb, ImageFormat::Tiff), Channels::Rgb, 8, ALL),
    ]
}

/// Decodes both ways, which must judge alike.
fn both(name: &str, bytes: &[u8]) -> Result<[Decoded; 2], Damage> {
    match [true, false].map(|in_colour| decode_bytes(bytes, in_colour)) {
        [Ok(a), Ok(b)] => Ok([a, b]),
        [Err(a), Err(b)] => {
            assert_eq!(a, b, "{name}");
            Err(a)
        }
        [a, b] => panic!("{name}: in colour {:?}, in grey {:?}", a.err(), b.err()),
    }
}

#[test]
fn whole_files_are_what_they_say() {
    for case in cases() {
        let decoded = both(case.name, &case.bytes).unwrap_or_else(|e| panic!("{}: {e:?}", case.name));
        for picture in decoded {
            let told = (picture.width, picture.height, picture.channels, picture.bits);
            assert_eq!(told, (48, 40, case.channels, case.bits), "{}", case.name);
            assert_eq!(picture.pixels.len(), 48 * 40 * picture.n_channels, "{}", case.name);
        }
    }
}

#[test]
fn files_that_were_cut_off_are_damaged() {
    for case in cases() {
        for share in case.cuts {
            let cut = &case.bytes[..(case.bytes.len() as f64 * share) as usize];
            let damage =
                both(case.name, cut).map(|_| format!("{} of {share} is decoded", case.name)).unwrap_err();
            assert!(
                matches!(damage.kind, DamageKind::Truncated | DamageKind::Damaged),
                "{}: {damage:?}",
                case.name
            );
        }
    }
}

#[test]
fn a_jpeg_cut_off_anywhere_is_truncated() {
    for whole in [&jpeg(&photo(48, 40, 1), 60), PROGRESSIVE, RGB, CMYK] {
        for n in 20..whole.len() {
            let damage = both("jpeg", &whole[..n]).map(|_| n).unwrap_err();
            assert_eq!(damage.kind, DamageKind::Truncated, "{n} bytes: {damage:?}");
        }
    }
}

#[test]
fn bytes_turned_over_never_end_the_audit() {
    let mut state = 1_u64;
    let mut next = |below: usize| {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 33) as usize % below
    };
    for case in cases() {
        for turned in [1, 4, 16] {
            for _ in 0..40 {
                let mut bytes = case.bytes.clone();
                for _ in 0..turned {
                    let at = next(bytes.len());
                    bytes[at] = next(256) as u8;
                }
                let guarded = |in_colour| super::super::decode::guarded(|| decode_bytes(&bytes, in_colour));
                for picture in [true, false].into_iter().filter_map(|in_colour| guarded(in_colour).ok()) {
                    let n = picture.width as usize * picture.height as usize * picture.n_channels;
                    assert_eq!(picture.pixels.len(), n, "{}", case.name);
                }
            }
        }
    }
}

#[test]
fn grey_is_the_brightness_of_the_colours() {
    for whole in [&jpeg(&photo(120, 90, 2), 90), PROGRESSIVE] {
        let [colour, grey] = both("jpeg", whole).unwrap();
        assert_eq!((colour.n_channels, grey.n_channels), (3, 1));
        assert_eq!((colour.has_colours(), grey.has_colours()), (true, false));
        assert_eq!(colour.file_hash, grey.file_hash);
        assert!(grey.file_hash.is_some());
        let (colour, grey) = (shrink(&colour), shrink(&grey));
        for (a, b) in colour.pixels.iter().zip(grey.pixels.iter()) {
            assert!(a.abs_diff(*b) <= 2, "{a} for {b}");
        }
    }
    for whole in [RGB, CMYK] {
        let [_, picture] = both("jpeg", whole).unwrap();
        assert_eq!((picture.n_channels, picture.file_hash), (3, None));
    }
}

#[test]
fn the_end_of_a_small_picture_inside_is_not_that_of_the_file() {
    let thumbnail = jpeg(&photo(16, 12, 3), 50);
    for whole in [&jpeg(&photo(48, 40, 1), 90), PROGRESSIVE] {
        let whole = with_segment(whole, 0xe1, &[b"Exif\0\0", &thumbnail[..]].concat());
        assert!(both("with a thumbnail", &whole).is_ok());
        let damage = both("cut", &whole[..whole.len() - 2]).map(|_| "decoded").unwrap_err();
        assert_eq!(damage.kind, DamageKind::Truncated);
        assert!(both("padded", &[&whole[..], &[0; 9]].concat()).is_ok());
    }
}

/// An array that fails in one way or another.
struct Broken;

impl Raster for Broken {
    fn shape(&self) -> (u32, u32, u8) {
        (2, 2, 1)
    }
    fn bits(&self) -> u8 {
        8
    }
    fn read(&self, index: u64) -> Option<Vec<u8>> {
        (index < 1).then(|| panic!("a reader that cannot cope"))
    }
}

#[test]
fn arrays_that_cannot_be_read_are_damaged() {
    let kind = |index| {
        let store = Store::Array(Arc::new(Broken));
        let found = Found { path: "x.npy".into(), index: Some(index), part: Part::Train, label: None, store };
        decode(&found, true).map(|_| "decoded").unwrap_err().0.kind
    };
    assert_eq!((kind(0), kind(1)), (DamageKind::Damaged, DamageKind::Truncated));
}
