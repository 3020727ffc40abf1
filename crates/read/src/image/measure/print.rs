//! The fingerprint of a picture: a kilobyte that tells copies.

use std::array::from_fn;
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
/// A picture with less than this above is told by its pixels: another encoding of it may be as good as empty.
const MARGIN: f32 = 1.0;
/// Where a crop is imagined, along one side: its share of the side, and its centre as a shift from the middle.
const SPANS: [(f32, f32); 5] = [(1.0, 0.0), (0.95, 0.0), (0.9, 0.0), (0.95, -0.025), (0.95, 0.025)];
/// Imagined crops, as spans across and down: the whole, two of the centre, one of each corner.
const CROPS: [(usize, usize); 7] = [(0, 0), (1, 1), (2, 2), (3, 3), (4, 3), (3, 4), (4, 4)];

/// What copies are told by.
pub(super) struct Print {
    /// Equal for exact copies: a hash of size and pixels, or of the file.
    pub exact: u128,
    /// Whether `exact` is the hash of the file, so that there may be other files with the same pixels.
    pub is_of_file: bool,
    /// Width and height in pixels.
    pub size: [u32; 2],
    /// Grey, 32 × 32, whatever the shape of the picture.
    pub small: Vec<u8>,
    /// Perceptual hashes: of the whole picture, of its crops, and of all these mirrored. A small picture has no crops.
    pub hashes: Box<[u64]>,
    /// Whether there is enough in the picture to compare.
    pub is_comparable: bool,
    /// Whether the picture is small (a shorter side below 48 pixels), so that much less tells two apart.
    pub is_tiny: bool,
    /// Width over height.
    pub aspect: f32,
}

impl Print {
    pub(super) fn of(picture: &Decoded, grey: &Grey<'_>) -> Self {
        let small =
            resized(grey, SIDE as u32, SIDE as u32).map_or_else(|| vec![0; SIDE * SIDE], |g| g.pixels.into());
        let exact = picture.file_hash.unwrap_or_else(|| pixels(picture));
        let is_of_file = picture.file_hash.is_some();
        Self { is_of_file, ..Self::of_small(exact, picture.width, picture.height, small) }
    }

    /// The fingerprint of a picture of this size in pixels that is, in grey and 32 × 32, `small`.
    pub(super) fn of_small(exact: u128, width: u32, height: u32, small: Vec<u8>) -> Self {
        let is_tiny = width.min(height) < 48;
        let crops = if is_tiny { &CROPS[..1] } else { &CROPS[..] };
        Self {
            exact,
            is_of_file: false,
            size: [width, height],
            hashes: hashes(&small, crops),
            is_comparable: deviation(&small) >= EMPTY,
            is_tiny,
            aspect: width as f32 / height.max(1) as f32,
            small,
        }
    }

    /// The perceptual hash of the whole picture.
    pub(super) fn whole(&self) -> u64 {
        self.hashes.first().copied().unwrap_or(0)
    }

    /// Whether the search for near copies may miss another file with the same pixels.
    pub(super) fn is_vague(&self) -> bool {
        self.is_tiny || deviation(&self.small) < EMPTY + MARGIN
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
        (0..SIDE * SIDE).map(move |i| {
            let (x0, x1, fx) = between(i % SIDE, self.scale, self.shift[0]);
            let (y0, y1, fy) = between(i / SIDE, self.scale, self.shift[1]);
            let pixel = |x: usize, y: usize| f32::from(small.get(y * SIDE + x).copied().unwrap_or(0));
            let above = pixel(x0, y0) + (pixel(x1, y0) - pixel(x0, y0)) * fx;
            let below = pixel(x0, y1) + (pixel(x1, y1) - pixel(x0, y1)) * fx;
            above + (below - above) * fy
        })
    }
}

/// The two pixels of a side between which pixel `i` of a window lies, and how far it is from the first to the second.
fn between(i: usize, scale: f32, shift: f32) -> (usize, usize, f32) {
    let last = (SIDE - 1) as f32;
    let middle = last / 2.0;
    let at = ((i as f32 - middle) * scale + middle + shift * SIDE as f32).clamp(0.0, last);
    (at as usize, (at as usize + 1).min(SIDE - 1), at.fract())
}

/// How much of each frequency a pixel has.
type Waves = [f32; WAVES];

/// For each span and pixel of the side, what the pixel adds to the discrete cosine transform of the window: the cosines of
/// the window's 32 places, each shared out among the two pixels that it lies between.
static FILTERS: LazyLock<[[Waves; SIDE]; SPANS.len()]> = LazyLock::new(|| {
    SPANS.map(|(scale, shift)| {
        let mut filter = [[0.0; WAVES]; SIDE];
        for i in 0..SIDE {
            let (first, second, far) = between(i, scale, shift);
            let waves: Waves = from_fn(|k| (PI * (i as f32 + 0.5) * k as f32 / SIDE as f32).cos());
            for (pixel, share) in [(first, 1.0 - far), (second, far)] {
                filter[pixel].iter_mut().zip(waves).for_each(|(sum, wave)| *sum += share * wave);
            }
        }
        filter
    })
});

/// The perceptual hashes (Zauner 2010: signs of low frequencies against their median) of windows, then of their mirror
/// images.
fn hashes(small: &[u8], crops: &[(usize, usize)]) -> Box<[u64]> {
    let n_spans = if crops.len() > 1 { SPANS.len() } else { 1 };
    let across: Vec<[Waves; SIDE]> = FILTERS.iter().take(n_spans).map(|f| across(small, f)).collect();
    let (mut plain, mut mirrored) = (Vec::new(), Vec::new());
    for &(x, y) in crops {
        let mut waves = frequencies(&across[x], &FILTERS[y]);
        plain.push(signs(&waves));
        // In a mirror image the odd waves from left to right change their sign.
        waves.iter_mut().skip(1).step_by(2).for_each(|v| *v = -*v);
        mirrored.push(signs(&waves));
    }
    plain.append(&mut mirrored);
    plain.into()
}

/// The frequencies from left to right of each row.
fn across(small: &[u8], filter: &[Waves; SIDE]) -> [Waves; SIDE] {
    let mut rows = [[0.0; WAVES]; SIDE];
    for (sums, row) in rows.iter_mut().zip(small.chunks_exact(SIDE)) {
        for (value, waves) in row.iter().zip(filter) {
            let value = f32::from(*value);
            sums.iter_mut().zip(waves).for_each(|(sum, wave)| *sum += value * wave);
        }
    }
    rows
}

/// The frequencies in both directions, those from left to right together; the mean brightness is left out.
fn frequencies(rows: &[Waves; SIDE], filter: &[Waves; SIDE]) -> [f32; WAVES * WAVES] {
    let mut both = [0.0; WAVES * WAVES];
    for (row, waves) in rows.iter().zip(filter) {
        for (sums, wave) in both.chunks_exact_mut(WAVES).zip(waves) {
            sums.iter_mut().zip(row).for_each(|(sum, value)| *sum += value * wave);
        }
    }
    both[0] = 0.0;
    both
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

/// Hash of the size and of the pixels in red, green and blue, of a picture that was decoded in full.
pub(super) fn pixels(picture: &Decoded) -> u128 {
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

#[cfg(test)]
mod tests {
    use super::*;

    /// The transform as it stands, of a window that is cut out first.
    fn plainly(small: &[u8], (x, y): (usize, usize)) -> [f32; WAVES * WAVES] {
        let ((scale, across), (_, down)) = (SPANS[x], SPANS[y]);
        let window: Vec<f32> = View { scale, shift: [across, down] }.of(small).collect();
        let wave = |i: usize, k: usize| (PI * (i as f32 + 0.5) * k as f32 / SIDE as f32).cos();
        let mut both = [0.0; WAVES * WAVES];
        for (at, sum) in both.iter_mut().enumerate().skip(1) {
            let of = |i: usize| window[i] * wave(i % SIDE, at % WAVES) * wave(i / SIDE, at / WAVES);
            *sum = (0..SIDE * SIDE).map(of).sum();
        }
        both
    }

    #[test]
    fn frequencies_of_windows_are_what_the_definition_says() {
        let small: Vec<u8> = (0..1024_u32).map(|i| (i.wrapping_mul(2_654_435_761) >> 24) as u8).collect();
        for (x, y) in CROPS {
            let fast = frequencies(&across(&small, &FILTERS[x]), &FILTERS[y]);
            for (fast, plain) in fast.iter().zip(plainly(&small, (x, y))) {
                assert!((fast - plain).abs() < 0.5, "{fast} for {plain}");
            }
        }
    }

    #[test]
    fn a_mirror_image_has_the_mirrored_hashes() {
        let small: Vec<u8> = (0..1024_u32).map(|i| (i.wrapping_mul(2_654_435_761) >> 24) as u8).collect();
        let mirrored: Vec<u8> = small.chunks_exact(SIDE).flat_map(|row| row.iter().rev().copied()).collect();
        let [a, b] = [small, mirrored].map(|s| Print::of_small(0, 640, 480, s));
        let (plain, turned) = a.hashes.split_at(CROPS.len());
        assert_eq!((a.hashes.len(), turned[0]), (14, b.whole()));
        assert!(plain[0] != turned[0]);
        // The left corner of the one is the right corner of the other.
        assert_eq!((turned[3], turned[4]), (b.hashes[4], b.hashes[3]));
        assert_eq!(Print::of_small(0, 28, 28, a.small).hashes.len(), 2);
    }
}
