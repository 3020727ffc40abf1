//! The fingerprint of a picture: a kilobyte that tells copies.

use std::f32::consts::PI;
use std::sync::LazyLock;

use xxhash_rust::xxh3::Xxh3;

use super::decode::Decoded;
use super::statistics::{Grey, resized};

/// Side of the small grey picture, in pixels.
pub(super) const SIDE: usize = 32;
/// Frequencies of the hash in each direction, the mean left out.
const WAVES: usize = 8;
/// Below this standard deviation, in grey levels, a picture is as good as empty: everything looks like it.
const EMPTY: f32 = 6.0;
/// Shares of the sides that are left where a crop is imagined.
const CROPS: [f32; 3] = [1.0, 0.95, 0.9];

/// What copies are told by.
pub(super) struct Print {
    /// Hash of size and pixels.
    pub exact: u128,
    /// Grey, 32 × 32, whatever the shape of the picture.
    pub small: Vec<u8>,
    /// Perceptual hashes: of the whole picture, of its centre in two crops, and of the three mirrored.
    pub hashes: [u64; 2 * CROPS.len()],
    /// Whether there is enough in the picture to compare.
    pub is_comparable: bool,
    /// Whether the picture is small (a shorter side below 48 pixels), so that much less tells two apart.
    pub is_tiny: bool,
    /// Width over height.
    pub aspect: f32,
}

impl Print {
    pub(super) fn of(picture: &Decoded, grey: &Grey) -> Self {
        let small =
            resized(grey, SIDE as u32, SIDE as u32).map_or_else(|| vec![0; SIDE * SIDE], |g| g.pixels);
        Self::of_small(exact(picture), picture.width, picture.height, small)
    }

    /// The fingerprint of a picture of this size in pixels that is, in grey and 32 × 32, `small`.
    pub(super) fn of_small(exact: u128, width: u32, height: u32, small: Vec<u8>) -> Self {
        let mut hashes = [0; 2 * CROPS.len()];
        for (i, crop) in CROPS.iter().enumerate() {
            let view: Vec<f32> = View::centred(*crop).of(&small).collect();
            (hashes[i], hashes[i + CROPS.len()]) = perceptual(&view);
        }
        Self {
            exact,
            is_comparable: deviation(&small) >= EMPTY,
            is_tiny: width.min(height) < 48,
            aspect: width as f32 / height.max(1) as f32,
            small,
            hashes,
        }
    }
}

/// A window of a small picture: its share of the sides, and its centre as a shift from the middle, in sides.
#[derive(Clone, Copy)]
pub(super) struct View {
    pub scale: f32,
    pub shift: [f32; 2],
}

impl View {
    pub(super) fn centred(scale: f32) -> Self {
        Self { scale, shift: [0.0; 2] }
    }

    /// The pixels of the window, 32 × 32, interpolated linearly.
    pub(super) fn of(self, small: &[u8]) -> impl Iterator<Item = f32> {
        let last = (SIDE - 1) as f32;
        let middle = last / 2.0;
        let at = move |i: usize, shift: f32| {
            ((i as f32 - middle) * self.scale + middle + shift * SIDE as f32).clamp(0.0, last)
        };
        (0..SIDE * SIDE).map(move |i| {
            let (x, y) = (at(i % SIDE, self.shift[0]), at(i / SIDE, self.shift[1]));
            let (x0, y0) = (x as usize, y as usize);
            let (x1, y1) = ((x0 + 1).min(SIDE - 1), (y0 + 1).min(SIDE - 1));
            let pixel = |x: usize, y: usize| f32::from(small.get(y * SIDE + x).copied().unwrap_or(0));
            let (fx, fy) = (x - x0 as f32, y - y0 as f32);
            let above = pixel(x0, y0) + (pixel(x1, y0) - pixel(x0, y0)) * fx;
            let below = pixel(x0, y1) + (pixel(x1, y1) - pixel(x0, y1)) * fx;
            above + (below - above) * fy
        })
    }
}

/// Cosines of the discrete cosine transform: 8 frequencies of 32 places.
static COSINES: LazyLock<Vec<f32>> = LazyLock::new(|| {
    let wave = |(k, x): (usize, usize)| (PI * (x as f32 + 0.5) * k as f32 / SIDE as f32).cos();
    (0..WAVES).flat_map(|k| (0..SIDE).map(move |x| (k, x))).map(wave).collect()
});

/// The perceptual hash (Zauner 2010: signs of low frequencies against their median) of a picture and of its mirror image.
fn perceptual(view: &[f32]) -> (u64, u64) {
    let mut along = [0.0_f32; WAVES * SIDE];
    for (y, row) in view.chunks_exact(SIDE).enumerate() {
        for (k, wave) in COSINES.chunks_exact(SIDE).enumerate() {
            along[k * SIDE + y] = row.iter().zip(wave).map(|(a, b)| a * b).sum();
        }
    }
    let mut plain = [0.0_f32; WAVES * WAVES];
    for (kx, column) in along.chunks_exact(SIDE).enumerate() {
        for (ky, wave) in COSINES.chunks_exact(SIDE).enumerate() {
            plain[ky * WAVES + kx] = column.iter().zip(wave).map(|(a, b)| a * b).sum();
        }
    }
    plain[0] = 0.0; // the mean brightness
    // In a mirror image the odd waves from left to right change their sign.
    let mut mirrored = plain;
    mirrored.iter_mut().skip(1).step_by(2).for_each(|v| *v = -*v);
    (signs(&plain), signs(&mirrored))
}

fn signs(values: &[f32; WAVES * WAVES]) -> u64 {
    let mut sorted = *values;
    sorted.sort_unstable_by(f32::total_cmp);
    let median = sorted[WAVES * WAVES / 2];
    values.iter().enumerate().fold(0, |bits, (i, v)| bits | (u64::from(*v > median) << i))
}

fn deviation(small: &[u8]) -> f32 {
    let n = small.len().max(1) as f32;
    let mean = small.iter().map(|v| f32::from(*v)).sum::<f32>() / n;
    (small.iter().map(|v| (f32::from(*v) - mean).powi(2)).sum::<f32>() / n).sqrt()
}

/// Hash of the size and of the pixels in red, green and blue.
fn exact(picture: &Decoded) -> u128 {
    let mut hash = Xxh3::new();
    hash.update(&picture.width.to_le_bytes());
    hash.update(&picture.height.to_le_bytes());
    if picture.n_channels == 1 {
        let mut line = Vec::new();
        for row in picture.pixels.chunks(4096) {
            line.clear();
            line.extend(row.iter().flat_map(|v| [*v; 3]));
            hash.update(&line);
        }
    } else {
        hash.update(&picture.pixels);
    }
    hash.digest128()
}
