//! Whether two small pictures show the same, when one may be a crop of the other.

use super::print::{Print, SIDE, View};

/// Shares of the sides that a crop may leave.
const SCALES: [f32; 5] = [1.0, 0.975, 0.95, 0.925, 0.9];
/// Correlation from which no better view is looked for.
const SAME: f32 = 0.99;
/// Below this correlation of the whole pictures, no view can make them alike …
const HOPELESS: f32 = 0.4;
/// … and below this one with all views around the centre.
const VAGUE: f32 = 0.7;
/// Correlation of grey pixels from which two pictures look alike …
const ALIKE: f32 = 0.95;
/// … if their fine detail correlates as well: two different skies agree in the coarse only.
const DETAIL: f32 = 0.7;
/// Both, of tiny pictures.
const TINY: (f32, f32) = (0.995, 0.985);

/// The correlation of two pictures after alignment, if they show the same.
pub(super) fn likeness(a: &Print, b: &Print, is_mirrored: bool) -> Option<f32> {
    let b_small = if is_mirrored { mirrored(&b.small) } else { b.small.clone() };
    let is_tiny = a.is_tiny || b.is_tiny;
    let (alike, detail) = if is_tiny { TINY } else { (ALIKE, DETAIL) };
    let scales = if is_tiny { &SCALES[..1] } else { &SCALES[..] };
    let whole = [&b_small, &a.small].map(|small| Whole::of(small));
    let mut best: Option<f32> = None;
    // The highest correlation so far, whether or not it is enough.
    let mut nearest = 0.0_f32;
    let centred = scales.iter().map(|scale| View::centred(*scale));
    let shifted = scales.iter().flat_map(|scale| shifted(*scale));
    for (i, view) in centred.chain(shifted).enumerate() {
        if best.is_some_and(|r| r >= SAME)
            || (i > 0 && nearest < HOPELESS)
            || (i >= scales.len() && nearest < VAGUE)
        {
            break;
        }
        for (cut, whole) in [&a.small, &b_small].into_iter().zip(&whole) {
            let cut: Vec<f32> = view.of(cut).collect();
            let r = whole.correlation(&cut);
            nearest = nearest.max(r);
            let is_better = r >= alike && best.is_none_or(|b| r > b);
            if is_better && Whole::from(fine(&whole.pixels)).correlation(&fine(&cut)) >= detail {
                best = Some(r);
            }
        }
    }
    best
}

/// Windows of one size at the edges and in the corners.
fn shifted(scale: f32) -> Vec<View> {
    let room = (1.0 - scale) / 2.0;
    let mut views = Vec::new();
    for y in [0.0, -room, room] {
        views.extend([0.0, -room, room].map(|x| View { scale, shift: [x, y] }));
    }
    views.retain(|view| view.shift.iter().any(|s| s.abs() > 0.0));
    views
}

fn mirrored(small: &[u8]) -> Vec<u8> {
    small.chunks_exact(SIDE).flat_map(|row| row.iter().rev().copied()).collect()
}

/// Each pixel less the mean of the 5 × 5 around it.
fn fine(pixels: &[f32]) -> Vec<f32> {
    const HALF: usize = 2;
    let line = |line: &[f32]| -> Vec<f32> {
        let mean = |x: usize| {
            let window = &line[x.saturating_sub(HALF)..(x + HALF + 1).min(line.len())];
            window.iter().sum::<f32>() / window.len() as f32
        };
        (0..line.len()).map(mean).collect()
    };
    let rows: Vec<Vec<f32>> = pixels.chunks_exact(SIDE).map(line).collect();
    let mut out = pixels.to_vec();
    for x in 0..SIDE {
        let column: Vec<f32> = rows.iter().map(|row| row[x]).collect();
        for (y, mean) in line(&column).into_iter().enumerate() {
            out[y * SIDE + x] -= mean;
        }
    }
    out
}

/// The pixels of a small picture, less their mean, and the root of the sum of their squares.
struct Whole {
    pixels: Vec<f32>,
    norm: f32,
}

impl Whole {
    fn of(small: &[u8]) -> Self {
        Self::from(small.iter().map(|v| f32::from(*v)).collect())
    }

    fn from(mut pixels: Vec<f32>) -> Self {
        let mean = pixels.iter().sum::<f32>() / pixels.len().max(1) as f32;
        pixels.iter_mut().for_each(|v| *v -= mean);
        let norm = pixels.iter().map(|v| v * v).sum::<f32>().sqrt();
        Self { pixels, norm }
    }

    /// Pearson's correlation with other pixels; 0 where one does not vary.
    fn correlation(&self, other: &[f32]) -> f32 {
        let mean = other.iter().sum::<f32>() / other.len().max(1) as f32;
        let (mut both, mut own) = (0.0, 0.0);
        for (a, b) in self.pixels.iter().zip(other) {
            let b = b - mean;
            both += a * b;
            own += b * b;
        }
        let norms = self.norm * f32::sqrt(own);
        if norms > 0.0 { both / norms } else { 0.0 }
    }
}
