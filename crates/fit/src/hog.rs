//! Numbers of pictures.

use rayon::prelude::*;
use stetho_read::SmallPicture;

use crate::Matrix;

/// Pictures of one size with no more pixels than this are given pixel by pixel.
const FEW_PIXELS: u32 = 32 * 32;
/// Cells of the picture along each side.
const CELLS: usize = 8;
/// Directions of edges, from 0 to 180 degrees.
const DIRECTIONS: usize = 9;

/// The features of the pictures: their pixels from 0 to 1 where all have one small size; else the directions of edges in 8 × 8
/// cells (after Dalal & Triggs 2005, each cell normalised with its neighbours) and the mean colour of each cell.
pub(crate) fn picture_features(pictures: &[&SmallPicture]) -> Matrix {
    let shape = |p: &SmallPicture| (p.width, p.height, p.n_channels);
    let is_small = pictures.first().is_some_and(|first| {
        first.width * first.height <= FEW_PIXELS && pictures.iter().all(|p| shape(p) == shape(first))
    });
    let rows: Vec<Vec<f32>> = if is_small {
        pictures.par_iter().map(|p| p.pixels.iter().map(|v| f32::from(*v) / 255.0).collect()).collect()
    } else {
        pictures.par_iter().map(|p| edges_and_colours(p)).collect()
    };
    let width = rows.first().map_or(0, Vec::len);
    Matrix::new(width, rows.concat())
}

fn edges_and_colours(picture: &SmallPicture) -> Vec<f32> {
    let (width, height, n) = (picture.width as usize, picture.height as usize, picture.n_channels);
    let cell = |x: usize, y: usize| (y * CELLS / height.max(1)) * CELLS + x * CELLS / width.max(1);
    let channel = |x: usize, y: usize, c: usize| {
        let at = (y * width + x) * n + if n == 1 { 0 } else { c };
        f32::from(picture.pixels.get(at).copied().unwrap_or(0)) / 255.0
    };
    let grey = |x: usize, y: usize| (0..3).map(|c| channel(x, y, c)).sum::<f32>() / 3.0;
    let mut edges = vec![0.0; CELLS * CELLS * DIRECTIONS];
    let mut colours = vec![0.0; CELLS * CELLS * 3];
    let mut counts = vec![0.0_f32; CELLS * CELLS];
    for y in 0..height {
        for x in 0..width {
            let at = cell(x, y);
            counts[at] += 1.0;
            (0..3).for_each(|c| colours[at * 3 + c] += channel(x, y, c));
            let dx = grey((x + 1).min(width - 1), y) - grey(x.saturating_sub(1), y);
            let dy = grey(x, (y + 1).min(height - 1)) - grey(x, y.saturating_sub(1));
            let turn = dy.atan2(dx).rem_euclid(std::f32::consts::PI) / std::f32::consts::PI;
            let place = turn * DIRECTIONS as f32;
            let (low, share) = (place as usize % DIRECTIONS, place.fract());
            let strength = dx.hypot(dy);
            edges[at * DIRECTIONS + low] += strength * (1.0 - share);
            edges[at * DIRECTIONS + (low + 1) % DIRECTIONS] += strength * share;
        }
    }
    colours.iter_mut().enumerate().for_each(|(i, v)| *v /= counts[i / 3].max(1.0));
    let mut out = normalised(&edges);
    out.extend(colours);
    out
}

/// Each cell over the strength of edges in the 3 × 3 cells around it.
fn normalised(edges: &[f32]) -> Vec<f32> {
    let square = |cx: usize, cy: usize| -> f32 {
        let first = (cy * CELLS + cx) * DIRECTIONS;
        edges[first..first + DIRECTIONS].iter().map(|v| v * v).sum()
    };
    let mut out = edges.to_vec();
    for cy in 0..CELLS {
        for cx in 0..CELLS {
            let mut sum = 1e-3;
            for y in cy.saturating_sub(1)..(cy + 2).min(CELLS) {
                sum += (cx.saturating_sub(1)..(cx + 2).min(CELLS)).map(|x| square(x, y)).sum::<f32>();
            }
            let first = (cy * CELLS + cx) * DIRECTIONS;
            out[first..first + DIRECTIONS].iter_mut().for_each(|v| *v /= sum.sqrt());
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use stetho_core::table::Part;

    use super::*;

    fn picture(side: u32, pixel: impl Fn(u32, u32) -> u8) -> SmallPicture {
        SmallPicture {
            path: String::new(),
            index: None,
            part: Part::Train,
            label: Some(0),
            width: side,
            height: side,
            n_channels: 1,
            pixels: (0..side * side).map(|i| pixel(i % side, i / side)).collect(),
        }
    }

    #[test]
    fn stripes_point_where_they_point() {
        let upright = picture(64, |x, _| if x / 2 % 2 == 0 { 0 } else { 200 });
        let lying = picture(64, |_, y| if y / 2 % 2 == 0 { 0 } else { 200 });
        let strongest = |p: &SmallPicture| {
            let out = picture_features(&[p]);
            let middle = (4 * CELLS + 4) * DIRECTIONS;
            let cell = &out.values[middle..middle + DIRECTIONS];
            (0..DIRECTIONS).max_by(|a, b| cell[*a].total_cmp(&cell[*b])).unwrap()
        };
        assert_eq!(strongest(&upright), 0);
        assert!([4, 5].contains(&strongest(&lying)));
    }

    #[test]
    fn small_pictures_are_their_pixels() {
        let out = picture_features(&[&picture(8, |x, y| (x * 8 + y) as u8)]);
        assert_eq!(out.n_columns, 64);
        assert!((out.values[1] - 8.0 / 255.0).abs() < 1e-6);
    }
}
