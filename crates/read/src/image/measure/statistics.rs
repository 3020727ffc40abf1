//! Numbers of one picture.

use fast_image_resize::images::{Image, ImageRef};
use fast_image_resize::{FilterType, PixelType, ResizeAlg, ResizeOptions, Resizer};
use stetho_core::image::Look;

use super::decode::Decoded;

/// Longer side of the grey picture on which brightness and sharpness are measured, in pixels.
const SIDE: u32 = 512;
/// Below this shorter side, sharpness says nothing.
const SMALL: u32 = 64;
/// Below this standard deviation of brightness, there is nothing that could be sharp.
const FLAT: f32 = 0.02;
/// Grey levels by which the pixels of one colour may differ, as compression makes them.
const ONE_COLOUR: u8 = 4;

/// A grey picture.
pub(super) struct Grey {
    pub width: usize,
    pub height: usize,
    pub pixels: Vec<u8>,
}

impl Grey {
    fn rows(&self) -> impl DoubleEndedIterator<Item = &[u8]> {
        self.pixels.chunks_exact(self.width.max(1))
    }

    /// Rows as columns.
    fn turned(&self) -> Self {
        let mut pixels = Vec::with_capacity(self.pixels.len());
        for x in 0..self.width {
            pixels.extend(self.rows().filter_map(|row| row.get(x)));
        }
        Self { width: self.height, height: self.width, pixels }
    }
}

/// The picture in grey, its longer side 512 pixels at most.
pub(super) fn shrink(picture: &Decoded) -> Grey {
    let luma: Vec<u8> = match picture.n_channels {
        1 => picture.pixels.clone(),
        _ => picture.pixels.as_chunks::<3>().0.iter().map(|&rgb| luma(rgb)).collect(),
    };
    let longer = picture.width.max(picture.height);
    let grey = Grey { width: picture.width as usize, height: picture.height as usize, pixels: luma };
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

/// The picture in another size, averaged over the pixels that a new one covers.
pub(super) fn resized(grey: &Grey, width: u32, height: u32) -> Option<Grey> {
    let from = ImageRef::new(grey.width as u32, grey.height as u32, &grey.pixels, PixelType::U8).ok()?;
    let mut to = Image::new(width, height, PixelType::U8);
    let options = ResizeOptions::new().resize_alg(ResizeAlg::Convolution(FilterType::Bilinear));
    Resizer::new().resize(&from, &mut to, &options).ok()?;
    Some(Grey { width: width as usize, height: height as usize, pixels: to.into_vec() })
}

/// Measures a picture; `grey` is what [`shrink`] made of it.
pub(super) fn look(picture: &Decoded, grey: &Grey) -> Look {
    let mut counts = [0_u64; 256];
    for value in &grey.pixels {
        counts[usize::from(*value)] += 1;
    }
    let n = grey.pixels.len().max(1) as f64;
    let moment = |of: &dyn Fn(f64) -> f64| {
        counts.iter().enumerate().map(|(v, c)| of(v as f64 / 255.0) * *c as f64).sum::<f64>() / n
    };
    let brightness = moment(&|v| v);
    let contrast = moment(&|v| (v - brightness).powi(2)).sqrt() as f32;
    let shares = counts.iter().filter(|c| **c > 0).map(|c| *c as f64 / n);
    let entropy = -shares.map(|p| p * p.log2()).sum::<f64>() / 8.0;
    let is_judged = contrast >= FLAT && picture.width.min(picture.height) >= SMALL;
    let (mean, std) = colours(picture);
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
        mean,
        std,
    }
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

/// Mean and standard deviation of red, green and blue, from 0 to 1.
fn colours(picture: &Decoded) -> ([f32; 3], [f32; 3]) {
    let mut sums = [0_u64; 3];
    let mut squares = [0_u64; 3];
    if picture.n_channels == 1 {
        for &v in &picture.pixels {
            sums[0] += u64::from(v);
            squares[0] += u64::from(v) * u64::from(v);
        }
        sums = [sums[0]; 3];
        squares = [squares[0]; 3];
    } else {
        for pixel in picture.pixels.as_chunks::<3>().0 {
            for (channel, &v) in pixel.iter().enumerate() {
                sums[channel] += u64::from(v);
                squares[channel] += u64::from(v) * u64::from(v);
            }
        }
    }
    let n = (picture.pixels.len() / picture.n_channels.max(1)).max(1) as f64;
    let mean = sums.map(|s| s as f64 / n);
    let mut std = [0.0; 3];
    for ((std, square), mean) in std.iter_mut().zip(squares).zip(mean) {
        *std = ((square as f64 / n - mean * mean).max(0.0).sqrt() / 255.0) as f32;
    }
    (mean.map(|m| (m / 255.0) as f32), std)
}

/// How much of the variation between neighbouring pixels a blur takes away: 1 minus the blur of Crete, Dolmiere, Ladret &
/// Nicolas 2007, *The blur effect*. With D the absolute differences of neighbours along a line, B those of the line
/// after a running mean of 9, it is Σ max(0, D − B) / Σ D, the smaller of the two directions. A picture that is blurred
/// already loses little.
fn sharpness(grey: &Grey) -> f32 {
    along_rows(grey).min(along_rows(&grey.turned()))
}

fn along_rows(grey: &Grey) -> f32 {
    const HALF: usize = 4;
    let (mut all, mut lost) = (0.0_f64, 0.0_f64);
    let mut sums: Vec<u32> = Vec::new();
    for row in grey.rows().filter(|row| row.len() > 2 * HALF + 1) {
        sums.clear();
        sums.push(0);
        let mut sum = 0;
        sums.extend(row.iter().map(|v| {
            sum += u32::from(*v);
            sum
        }));
        let mean_at = |x: usize| (sums[x + HALF + 1] - sums[x - HALF]) as f32 / (2 * HALF + 1) as f32;
        for x in HALF + 1..row.len() - HALF {
            let sharp = f32::from(row[x].abs_diff(row[x - 1]));
            let soft = (mean_at(x) - mean_at(x - 1)).abs();
            all += f64::from(sharp);
            lost += f64::from((sharp - soft).max(0.0));
        }
    }
    if all > 0.0 { (lost / all) as f32 } else { 1.0 }
}

/// Share of height and width, on average, that lines of the corner's colour take at the edges.
fn border(grey: &Grey) -> f32 {
    let Some(&corner) = grey.pixels.first() else { return 0.0 };
    let is_frame = |line: &&[u8]| line.iter().all(|v| v.abs_diff(corner) <= ONE_COLOUR);
    let share = |grey: &Grey| {
        let top = grey.rows().take_while(is_frame).count();
        let bottom = grey.rows().rev().take_while(is_frame).count();
        ((top + bottom) as f32 / grey.height.max(1) as f32).min(1.0)
    };
    (share(grey) + share(&grey.turned())) / 2.0
}

#[cfg(test)]
mod tests {
    use super::*;

    fn grey(width: usize, pixels: Vec<u8>) -> Grey {
        Grey { width, height: pixels.len() / width, pixels }
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
}
