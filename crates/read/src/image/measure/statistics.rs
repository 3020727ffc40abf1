//! Numbers of one picture.

use std::borrow::Cow;
use std::cell::RefCell;

use fast_image_resize::images::{Image, ImageRef};
use fast_image_resize::{FilterType, PixelType, ResizeAlg, ResizeOptions, Resizer};
use stetho_core::image::{Colours, Look};

use super::decode::Decoded;

/// Longer side of the grey picture on which brightness and sharpness are measured, in pixels.
const SIDE: u32 = 640;
/// Below this shorter side, sharpness says nothing.
const SMALL: u32 = 64;
/// Below this standard deviation of brightness, there is nothing that could be sharp.
const FLAT: f32 = 0.02;
/// Rows from which the numbers of the colours are taken, about.
const ROWS: usize = 128;
/// Grey levels by which the pixels of one colour may differ, as compression makes them.
const ONE_COLOUR: u8 = 4;

/// A grey picture.
pub(super) struct Grey<'a> {
    pub width: usize,
    pub height: usize,
    pub pixels: Cow<'a, [u8]>,
}

impl Grey<'_> {
    fn rows(&self) -> impl DoubleEndedIterator<Item = &[u8]> {
        self.pixels.chunks_exact(self.width.max(1))
    }
}

/// The picture in grey, its longer side 640 pixels at most.
pub(super) fn shrink(picture: &Decoded) -> Grey<'_> {
    let pixels = match picture.n_channels {
        1 => Cow::Borrowed(&picture.pixels[..]),
        _ => picture.pixels.as_chunks::<3>().0.iter().map(|&rgb| luma(rgb)).collect(),
    };
    let longer = picture.width.max(picture.height);
    let grey = Grey { width: picture.width as usize, height: picture.height as usize, pixels };
    if longer <= SIDE {
        return grey;
    }
    let side = |side: u32| ((u64::from(side) * u64::from(SIDE) / u64::from(longer)) as u32).max(1);
    resized(&grey, side(picture.width), side(picture.height)).unwrap_or(grey)
}

/// Luma of ITU-R BT.601, in 16-bit fixed point.
fn luma([r, g, b]: [u8; 3]) -> u8 {
    ((19_595 * u32::from(r) + 38_470 * u32::from(g) + 7_471 * u32::from(b) + 32_768) >> 16) as u8
}

thread_local! {
    /// Keeps its buffers from one picture to the next.
    static RESIZER: RefCell<Resizer> = RefCell::new(Resizer::new());
}

/// The picture in another size, averaged over the pixels that a new one covers.
pub(super) fn resized(grey: &Grey<'_>, width: u32, height: u32) -> Option<Grey<'static>> {
    let from = ImageRef::new(grey.width as u32, grey.height as u32, &grey.pixels, PixelType::U8).ok()?;
    let mut to = Image::new(width, height, PixelType::U8);
    let options = ResizeOptions::new().resize_alg(ResizeAlg::Convolution(FilterType::Bilinear));
    RESIZER.with_borrow_mut(|resizer| resizer.resize(&from, &mut to, &options)).ok()?;
    Some(Grey { width: width as usize, height: height as usize, pixels: Cow::Owned(to.into_vec()) })
}

/// Measures a picture; `grey` is what [`shrink`] made of it.
pub(super) fn look(picture: &Decoded, grey: &Grey<'_>) -> Look {
    let counts = counts(&grey.pixels);
    let n = grey.pixels.len().max(1) as f64;
    let moment = |of: &dyn Fn(f64) -> f64| {
        counts.iter().enumerate().map(|(v, c)| of(v as f64 / 255.0) * *c as f64).sum::<f64>() / n
    };
    let brightness = moment(&|v| v);
    let contrast = moment(&|v| (v - brightness).powi(2)).sqrt() as f32;
    let shares = counts.iter().filter(|c| **c > 0).map(|c| *c as f64 / n);
    let entropy = -shares.map(|p| p * p.log2()).sum::<f64>() / 8.0;
    let is_judged = contrast >= FLAT && picture.width.min(picture.height) >= SMALL;
    Look {
        format: picture.format,
        width: picture.width,
        height: picture.height,
        channels: picture.channels,
        bits: picture.bits,
        orientation: picture.orientation,
        brightness_p5: percentile(&counts, 0.05),
        brightness: brightness as f32,
        brightness_p99: percentile(&counts, 0.99),
        contrast,
        sharpness: if is_judged { sharpness(grey) } else { 1.0 },
        entropy: entropy.max(0.0) as f32,
        border: border(grey),
        colours: picture.has_colours().then(|| colours(picture)),
    }
}

/// How many pixels have each value. Four tables take turns, for equal neighbours must not wait for each other.
fn counts(pixels: &[u8]) -> [u64; 256] {
    let mut tables = [[0_u64; 256]; 4];
    let (fours, rest) = pixels.as_chunks::<4>();
    for four in fours {
        tables.iter_mut().zip(four).for_each(|(table, value)| table[usize::from(*value)] += 1);
    }
    rest.iter().for_each(|value| tables[0][usize::from(*value)] += 1);
    std::array::from_fn(|value| tables.iter().map(|table| table[value]).sum())
}

/// The smallest value that at least `share` of the pixels do not exceed, from 0 to 1.
fn percentile(counts: &[u64; 256], share: f64) -> f32 {
    let total: u64 = counts.iter().sum();
    let wanted = share * total as f64;
    let mut seen = 0;
    let value = counts.iter().position(|count| {
        seen += count;
        seen as f64 >= wanted
    });
    value.unwrap_or(255) as f32 / 255.0
}

/// Mean and standard deviation of red, green and blue, from 0 to 1: over all rows of a small picture, else over every
/// n-th one, n odd, so that about 128 are read; neighbouring rows of larger pictures say nearly the same.
fn colours(picture: &Decoded) -> Colours {
    let step = (picture.height as usize / ROWS) | 1;
    let n_channels = picture.n_channels.max(1);
    let width = (picture.width as usize * n_channels).max(1);
    let (mut sums, mut squares, mut n) = ([0_u64; 3], [0_u64; 3], 0);
    for row in picture.pixels.chunks_exact(width).step_by(step) {
        n += row.len() / n_channels;
        // A block is short enough that its sums of squares fit into 32 bits.
        for block in row.chunks(3 * (1 << 14)) {
            let (block_sums, block_squares) =
                if n_channels == 1 { ([sum(block); 3], [sum_of_squares(block); 3]) } else { moments(block) };
            sums.iter_mut().zip(block_sums).for_each(|(all, one)| *all += u64::from(one));
            squares.iter_mut().zip(block_squares).for_each(|(all, one)| *all += u64::from(one));
        }
    }
    let n = n.max(1) as f64;
    let mean = sums.map(|s| s as f64 / n);
    let mut std = [0.0; 3];
    for ((std, square), mean) in std.iter_mut().zip(squares).zip(mean) {
        *std = ((square as f64 / n - mean * mean).max(0.0).sqrt() / 255.0) as f32;
    }
    Colours { mean: mean.map(|m| (m / 255.0) as f32), std }
}

fn sum(values: &[u8]) -> u32 {
    values.iter().map(|v| u32::from(*v)).sum()
}

fn sum_of_squares(values: &[u8]) -> u32 {
    values.iter().map(|v| u32::from(*v) * u32::from(*v)).sum()
}

/// Sums and sums of squares of red, green and blue.
fn moments(block: &[u8]) -> ([u32; 3], [u32; 3]) {
    let (mut sums, mut squares) = ([0; 3], [0; 3]);
    for pixel in block.as_chunks::<3>().0 {
        for ((sum, square), value) in sums.iter_mut().zip(&mut squares).zip(pixel) {
            let value = u32::from(*value);
            *sum += value;
            *square += value * value;
        }
    }
    (sums, squares)
}

/// How much of the variation between neighbouring pixels a blur takes away: 1 minus the blur of Crete, Dolmiere, Ladret &
/// Nicolas 2007, *The blur effect*. With D the absolute differences of neighbours along a line, B those of the line
/// after a running mean of 9, it is Σ max(0, D − B) / Σ D, the smaller of the two directions. A picture that is blurred
/// already loses little.
fn sharpness(grey: &Grey<'_>) -> f32 {
    along_rows(grey).min(along_columns(grey))
}

/// Pixels of the running mean on either side of its middle.
const HALF: usize = 4;

fn along_rows(grey: &Grey<'_>) -> f32 {
    let sums = grey
        .rows()
        .filter(|row| row.len() > SPAN)
        .map(|row| lost(&row[HALF + 1..], &row[HALF..], row, &row[SPAN..]));
    kept(sums)
}

fn along_columns(grey: &Grey<'_>) -> f32 {
    let row = |y: usize| grey.pixels.get(y * grey.width..(y + 1) * grey.width).unwrap_or_default();
    let sums = (0..grey.height.saturating_sub(SPAN))
        .map(|y| lost(row(y + HALF + 1), row(y + HALF), row(y), row(y + SPAN)));
    kept(sums)
}

/// From the pixel that a running mean leaves to the one it takes in next.
const SPAN: usize = 2 * HALF + 1;

/// Σ max(0, D − B) and Σ D, both 9 times, over places given by their pixel, the one before, and the pixels that the running
/// mean leaves and takes in there: from one mean to the next B is a ninth of the difference of those two.
fn lost(at: &[u8], before: &[u8], left: &[u8], taken: &[u8]) -> (u32, u32) {
    let n = [at, before, left, taken].map(<[u8]>::len).into_iter().min().unwrap_or(0);
    let [(at, end_at), (before, end_before), (left, end_left), (taken, end_taken)] =
        [at, before, left, taken].map(|line| line.get(..n).unwrap_or_default().as_chunks::<LANES>());
    let (mut lost, mut all) = (0, 0);
    let blocks = at.chunks(TIMES).zip(before.chunks(TIMES));
    for ((at, before), (left, taken)) in blocks.zip(left.chunks(TIMES).zip(taken.chunks(TIMES))) {
        let (mut lanes_lost, mut lanes_all) = ([0_u16; LANES], [0_u16; LANES]);
        for ((at, before), (left, taken)) in at.iter().zip(before).zip(left.iter().zip(taken)) {
            for i in 0..LANES {
                let (one_lost, one) = lost_at(at[i], before[i], left[i], taken[i]);
                lanes_lost[i] += one_lost;
                lanes_all[i] += one;
            }
        }
        lost += lanes_lost.iter().map(|v| u32::from(*v)).sum::<u32>();
        all += lanes_all.iter().map(|v| u32::from(*v)).sum::<u32>();
    }
    for ((at, before), (left, taken)) in end_at.iter().zip(end_before).zip(end_left.iter().zip(end_taken)) {
        let (one_lost, one) = lost_at(*at, *before, *left, *taken);
        lost += u32::from(one_lost);
        all += u32::from(one);
    }
    (lost, all)
}

/// Places that are summed up side by side, in 16 bits each …
const LANES: usize = 16;
/// … and how many fit into these.
const TIMES: usize = u16::MAX as usize / (SPAN * u8::MAX as usize);

fn lost_at(at: u8, before: u8, left: u8, taken: u8) -> (u16, u16) {
    let sharp = SPAN as u16 * u16::from(at.abs_diff(before));
    (sharp.saturating_sub(u16::from(left.abs_diff(taken))), sharp)
}

fn kept(sums: impl Iterator<Item = (u32, u32)>) -> f32 {
    let (lost, all) =
        sums.fold((0_u64, 0_u64), |(lost, all), (l, a)| (lost + u64::from(l), all + u64::from(a)));
    if all > 0 { (lost as f64 / all as f64) as f32 } else { 1.0 }
}

/// Share of height and width, on average, that lines of the corner's colour take at the edges.
fn border(grey: &Grey<'_>) -> f32 {
    let Some(&corner) = grey.pixels.first() else { return 0.0 };
    let is_frame = |v: &&u8| v.abs_diff(corner) <= ONE_COLOUR;
    let is_frame_row = |row: &&[u8]| row.iter().all(|v| is_frame(&v));
    let top = grey.rows().take_while(is_frame_row).count();
    let bottom = grey.rows().rev().take_while(is_frame_row).count();
    let (mut left, mut right) = (grey.width, grey.width);
    for row in grey.rows() {
        left = row.iter().take(left).take_while(is_frame).count();
        right = row.iter().rev().take(right).take_while(is_frame).count();
    }
    let share = |lines: usize, all: usize| (lines as f32 / all.max(1) as f32).min(1.0);
    (share(top + bottom, grey.height) + share(left + right, grey.width)) / 2.0
}

#[cfg(test)]
mod tests {
    use super::*;

    fn grey(width: usize, pixels: Vec<u8>) -> Grey<'static> {
        Grey { width, height: pixels.len() / width, pixels: Cow::Owned(pixels) }
    }

    #[test]
    fn a_step_is_sharp_and_a_ramp_is_not() {
        let step: Vec<u8> = (0..64 * 64).map(|i| if i % 64 < 32 { 20 } else { 200 }).collect();
        let ramp: Vec<u8> = (0..64 * 64).map(|i| (i % 64 * 3) as u8).collect();
        assert!(along_rows(&grey(64, step)) > 0.85);
        assert!(along_rows(&grey(64, ramp)) < 0.05);
    }

    #[test]
    fn percentiles_are_those_of_the_sorted_pixels() {
        let mut counts = [0; 256];
        (0..100_u8).for_each(|v| counts[usize::from(v)] += 1);
        assert!((percentile(&counts, 0.05) - 4.0 / 255.0).abs() < 1e-6);
        assert!((percentile(&counts, 0.99) - 98.0 / 255.0).abs() < 1e-6);
    }

    #[test]
    fn frames_are_measured_in_both_directions() {
        let pixels: Vec<u8> = (0..100).map(|i| if (2..8).contains(&(i / 10)) { 90 } else { 0 }).collect();
        assert!((border(&grey(10, pixels)) - 0.2).abs() < 1e-6);
        assert!(border(&grey(10, (0..100).collect())) < 1e-6);
    }
    /// Pixels of a slope with noise on it.
    fn noisy(n: usize) -> Vec<u8> {
        let mut state = 1_u32;
        let mut next = || {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            state >> 26
        };
        (0..n).map(|i| (i * 160 / n) as u8 + next() as u8).collect()
    }

    fn decoded(width: u32, height: u32, n_channels: usize) -> Decoded {
        let (format, channels) = (stetho_core::image::Format::Png, stetho_core::image::Channels::Rgb);
        let pixels = noisy(width as usize * height as usize * n_channels);
        let file_hash = None;
        Decoded {
            format,
            width,
            height,
            channels,
            bits: 8,
            orientation: 1,
            n_bytes: 0,
            file_hash,
            n_channels,
            pixels,
        }
    }

    #[test]
    fn colours_are_those_of_all_pixels_within_tolerance() {
        for (width, height, n_channels, tolerance) in
            [(640, 480, 3, 2e-3), (501, 1001, 1, 2e-3), (63, 63, 3, 1e-6)]
        {
            let picture = decoded(width, height, n_channels);
            let Colours { mean, std } = colours(&picture);
            for channel in 0..3 {
                let own = picture.pixels.iter().skip(channel % n_channels).step_by(n_channels);
                let values: Vec<f64> = own.map(|v| f64::from(*v) / 255.0).collect();
                let n = values.len() as f64;
                let all = values.iter().sum::<f64>() / n;
                let spread = (values.iter().map(|v| (v - all).powi(2)).sum::<f64>() / n).sqrt();
                assert!((f64::from(mean[channel]) - all).abs() < tolerance, "{mean:?} for {all}");
                assert!((f64::from(std[channel]) - spread).abs() < tolerance, "{std:?} for {spread}");
            }
        }
    }

    /// The definition as it stands, with running means.
    fn plainly_sharp(lines: &[Vec<u8>]) -> f64 {
        let (mut all, mut lost) = (0.0, 0.0);
        for line in lines {
            let mean = |x: usize| line[x - HALF..=x + HALF].iter().map(|v| f64::from(*v)).sum::<f64>() / 9.0;
            for x in HALF + 1..line.len() - HALF {
                let sharp = f64::from(line[x].abs_diff(line[x - 1]));
                all += sharp;
                lost += (sharp - (mean(x) - mean(x - 1)).abs()).max(0.0);
            }
        }
        lost / all
    }

    #[test]
    fn sharpness_is_what_the_definition_says() {
        let picture = grey(80, noisy(80 * 70));
        let rows: Vec<Vec<u8>> = picture.rows().map(<[u8]>::to_vec).collect();
        let columns: Vec<Vec<u8>> = (0..80).map(|x| rows.iter().map(|row| row[x]).collect()).collect();
        assert!((f64::from(along_rows(&picture)) - plainly_sharp(&rows)).abs() < 1e-6);
        assert!((f64::from(along_columns(&picture)) - plainly_sharp(&columns)).abs() < 1e-6);
    }
}
