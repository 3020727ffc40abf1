//! Whether two small pictures show the same, when one may be a crop of the other.

use super::print::{Print, SIDE, View};

/// Shares of the sides that a crop may leave.
const SCALES: [f32; 5] = [1.0, 0.975, 0.95, 0.925, 0.9];
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
    let mut best: Option<f32> = None;
    for view in scales.iter().flat_map(|s| views(*s)) {
        for (cut, whole) in [(&a.small, &b_small), (&b_small, &a.small)] {
            let cut: Vec<f32> = view.of(cut).collect();
            let whole: Vec<f32> = whole.iter().map(|v| f32::from(*v)).collect();
            let r = correlation(&cut, &whole);
            if r >= alike && best.is_none_or(|b| r > b) && correlation(&fine(&cut), &fine(&whole)) >= detail {
                best = Some(r);
            }
        }
        if best.is_some_and(|r| r >= 0.99) {
            break;
        }
    }
    best
}

/// Windows of one size: in the middle, at the edges and in the corners.
fn views(scale: f32) -> Vec<View> {
    let room = (1.0 - scale) / 2.0;
    if room <= 0.0 {
        return vec![View { scale, shift: [0.0; 2] }];
    }
    let mut views = Vec::new();
    for y in [0.0, -room, room] {
        views.extend([0.0, -room, room].map(|x| View { scale, shift: [x, y] }));
    }
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

/// Pearson's correlation; 0 where one does not vary.
fn correlation(a: &[f32], b: &[f32]) -> f32 {
    let n = a.len().max(1) as f32;
    let (mean_a, mean_b) = (a.iter().sum::<f32>() / n, b.iter().sum::<f32>() / n);
    let (mut ab, mut aa, mut bb) = (0.0, 0.0, 0.0);
    for (a, b) in a.iter().zip(b) {
        let (a, b) = (a - mean_a, b - mean_b);
        ab += a * b;
        aa += a * a;
        bb += b * b;
    }
    if aa > 0.0 && bb > 0.0 { ab / (aa * bb).sqrt() } else { 0.0 }
}
