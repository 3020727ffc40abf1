//! Exact copies in files of the same and of other bytes, and colours of a sample.

use image::{DynamicImage, ImageFormat, Rgb, RgbImage};
use stetho_core::image::{Copies, Look};
use tempfile::TempDir;

use super::super::{Wanted, measure};
use super::{encoded, file, jpeg, photo, with_segment};
use crate::Unwatched;
use crate::image::Found;

/// Measures files with these bytes, in this order.
fn copies(files: &[Vec<u8>]) -> Copies {
    let folder = TempDir::new().unwrap();
    let found: Vec<Found> = files
        .iter()
        .enumerate()
        .map(|(i, bytes)| {
            let path = folder.path().join(i.to_string());
            std::fs::write(&path, bytes).unwrap();
            file(&path)
        })
        .collect();
    let seen = measure(&found, Wanted { copies: true, map: false }, 2, &Unwatched);
    seen.copies.get().cloned().unwrap()
}

fn with_comment(jpeg: &[u8], text: &str) -> Vec<u8> {
    with_segment(jpeg, 0xfe, text.as_bytes())
}

/// The pixels of the JPEG as a PNG.
fn as_png(jpeg: &[u8]) -> Vec<u8> {
    let decoded = super::super::decode::decode_bytes(jpeg, true).unwrap();
    let picture = RgbImage::from_raw(decoded.width, decoded.height, decoded.pixels).unwrap();
    encoded(&picture.into(), ImageFormat::Png)
}

fn near(copies: &Copies) -> Vec<Vec<usize>> {
    copies.near.iter().map(|cluster| cluster.members().collect()).collect()
}

#[test]
fn the_same_pixels_in_other_bytes_are_exact_copies() {
    for (width, height) in [(160, 120), (32, 32)] {
        let picture = photo(width, height, 1);
        let a = jpeg(&picture, 90);
        let others = [photo(width, height, 2), photo(width, height, 3)].map(|p| jpeg(&p, 90));
        let [b, c] = others;
        let set = [b, a.clone(), c, with_comment(&a, "again"), as_png(&a), a.clone()];
        let found = copies(&set);
        assert_eq!(found.same, [[1, 3, 4, 5]], "{width} × {height}");
        assert!(found.near.is_empty(), "{:?}", near(&found));
        // The PNG first, and after it all that has its pixels.
        let found = copies(&[set[4].clone(), set[3].clone(), set[1].clone()]);
        assert_eq!((found.same, found.near.len()), (vec![vec![0, 1, 2]], 0));
    }
}

#[test]
fn one_exact_copy_stands_for_all_in_a_near_cluster() {
    let picture = photo(160, 120, 1);
    let (a, worse) = (jpeg(&picture, 90), jpeg(&picture, 70));
    let mirrored = jpeg(&picture.fliph(), 90);
    let set =
        [a.clone(), as_png(&a), worse.clone(), with_comment(&worse, "x"), mirrored, with_comment(&a, "y")];
    let found = copies(&set);
    assert_eq!(found.same, [vec![0, 1, 5], vec![2, 3]]);
    assert_eq!(near(&found), [[0, 2, 4]]);
    let turned: Vec<bool> = found.near[0].others.iter().map(|o| o.mirrored).collect();
    assert_eq!(turned, [false, true]);
}

#[test]
fn many_files_with_the_same_pixels_are_one_group() {
    let a = jpeg(&photo(96, 64, 1), 80);
    let set: Vec<Vec<u8>> = (0..900).map(|i| with_comment(&a, &i.to_string())).collect();
    let found = copies(&set);
    assert_eq!(found.same, [(0..900).collect::<Vec<_>>()]);
    assert!(found.near.is_empty());
}

#[test]
fn plain_colours_of_one_brightness_are_not_the_same() {
    let plain = |rgb| jpeg(&DynamicImage::from(RgbImage::from_pixel(160, 120, Rgb(rgb))), 95);
    let [red, green] = [[255, 0, 0], [0, 130, 0]].map(plain);
    let luma = |bytes: &[u8]| super::super::decode::decode_bytes(bytes, false).unwrap().pixels;
    assert_eq!(luma(&red), luma(&green));
    assert!(copies(&[red.clone(), green.clone()]).same.is_empty());
    let found = copies(&[red.clone(), green.clone(), as_png(&red), with_comment(&green, "x")]);
    assert_eq!(found.same, [[0, 2], [1, 3]]);
}

#[test]
fn colours_of_large_sets_are_those_of_an_even_sample() {
    let folder = TempDir::new().unwrap();
    let path = |name: &str| folder.path().join(name);
    std::fs::write(path("a.jpg"), jpeg(&photo(24, 16, 1), 90)).unwrap();
    std::fs::write(path("b.png"), encoded(&photo(24, 16, 1), ImageFormat::Png)).unwrap();
    let coloured = |names: &[&str], n: usize, map: bool| -> Vec<usize> {
        let found: Vec<Found> = (0..n).map(|i| file(&path(names[i % names.len()]))).collect();
        let looks = measure(&found, Wanted { copies: false, map }, 2, &Unwatched).looks;
        let is_coloured = |look: &Look| look.colours.is_some();
        (0..n).filter(|i| looks[*i].as_ref().is_ok_and(is_coloured)).collect()
    };
    let all = |n: usize| (0..n).collect::<Vec<_>>();
    assert_eq!(coloured(&["a.jpg"], 2000, false), all(2000));
    assert_eq!(coloured(&["a.jpg"], 2001, true), all(2001));
    assert_eq!(coloured(&["b.png"], 2001, false), all(2001));
    let third = all(4002).into_iter().step_by(3).collect::<Vec<_>>();
    assert_eq!(coloured(&["a.jpg", "b.png"], 4002, false), third);
}
