//! A map of the set: pictures that look alike lie close together.

use nalgebra::DMatrix;
use rayon::prelude::*;
use stetho_core::Measured;

use super::Seen;
use super::print::{Print, SIDE};
use crate::measure::mix;
use crate::principal::Axes;

/// Side of the grey picture that is mapped, in pixels.
const SMALL: usize = 16;
/// What one colour channel weighs: as much as this many pixels squared.
const COLOUR: f64 = 4.0;
/// Pictures that the axes rest on.
const BASIS: usize = 2_000;
/// Fewer pictures than this are no map.
const FEWEST: usize = 3;

/// Where the pictures of a set lie.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Projection {
    /// Place of each picture, in their order; `None` for those that cannot be looked at. Empty where there is no map.
    pub places: Vec<Option<[f32; 2]>>,
    /// Shares of the variance that the two axes explain.
    pub explained: Measured<[f32; 2]>,
}

/// Principal components of the grey pictures (16 × 16, whatever the shape) and of how far the mean of each colour is from
/// grey. Axes rest on at most 2,000 pictures, those with the smallest hash of their number; all pictures are placed.
pub(super) fn project(seen: &[Seen]) -> Projection {
    let rows: Vec<Option<Vec<f64>>> =
        seen.par_iter().map(|s| Some(row(s.print.as_ref()?, s.look.as_ref().ok()?.colours?.mean))).collect();
    let not = |reason: &str| Projection { places: Vec::new(), explained: Measured::Not(reason.to_owned()) };
    let mut basis: Vec<(u64, &[f64])> = rows
        .iter()
        .enumerate()
        .filter_map(|(i, row)| Some((mix((i as u64).wrapping_add(0x9E37_79B9_7F4A_7C15)), row.as_deref()?)))
        .collect();
    if basis.len() < FEWEST {
        return not("fewer than three pictures that can be looked at");
    }
    basis.sort_unstable_by_key(|(hash, _)| *hash);
    basis.truncate(BASIS);
    let width = SMALL * SMALL + 3;
    let table =
        DMatrix::from_row_iterator(basis.len(), width, basis.iter().flat_map(|(_, row)| row.iter().copied()));
    let means: Vec<f64> = table.row_mean().iter().copied().collect();
    let centred =
        DMatrix::from_fn(basis.len(), width, |i, j| table[(i, j)] - means.get(j).copied().unwrap_or(0.0));
    let covariance = centred.tr_mul(&centred) / (basis.len() - 1) as f64;
    let Some(axes) = Axes::of(covariance) else { return not("all pictures look the same") };
    let place = |row: &Option<Vec<f64>>| {
        let centred: Vec<f64> = row.as_ref()?.iter().zip(&means).map(|(v, mean)| v - mean).collect();
        Some(axes.place(&centred))
    };
    Projection { places: rows.par_iter().map(place).collect(), explained: Measured::Is(axes.explained) }
}

/// Brightness of 16 × 16 places, 0 … 1, and the colours.
fn row(print: &Print, colours: [f32; 3]) -> Vec<f64> {
    let step = SIDE / SMALL;
    let pixel = |x: usize, y: usize| f64::from(print.small.get(y * SIDE + x).copied().unwrap_or(0)) / 255.0;
    let place = |at: usize| {
        let (x, y) = (at % SMALL * step, at / SMALL * step);
        let sum: f64 = (0..step * step).map(|i| pixel(x + i % step, y + i / step)).sum();
        sum / (step * step) as f64
    };
    let grey = colours.iter().map(|c| f64::from(*c)).sum::<f64>() / 3.0;
    let mut row: Vec<f64> = (0..SMALL * SMALL).map(place).collect();
    row.extend(colours.map(|c| COLOUR * (f64::from(c) - grey)));
    row
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use stetho_core::table::Part;

    use super::super::{Wanted, measure};
    use super::*;
    use crate::Unwatched;
    use crate::image::{Found, Raster, Store};

    /// Grey pictures of 16 × 16 pixels.
    struct Pixels(Vec<Vec<u8>>);

    impl Raster for Pixels {
        fn shape(&self) -> (u32, u32, u8) {
            (16, 16, 1)
        }
        fn bits(&self) -> u8 {
            8
        }
        fn read(&self, index: u64) -> Option<Vec<u8>> {
            self.0.get(index as usize).cloned()
        }
    }

    fn map(pictures: Vec<Vec<u8>>) -> Projection {
        let n = pictures.len() as u64;
        let raster: Arc<dyn Raster> = Arc::new(Pixels(pictures));
        let found: Vec<Found> = (0..n)
            .map(|index| Found {
                path: "x.npy".into(),
                index: Some(index),
                part: Part::Train,
                label: None,
                store: Store::Array(Arc::clone(&raster)),
            })
            .collect();
        measure(&found, Wanted { copies: false, map: true }, 1, &Unwatched).projection
    }

    /// Left half and right half of given brightness.
    fn halves(left: u8, right: u8) -> Vec<u8> {
        (0..256).map(|i| if i % 16 < 8 { left } else { right }).collect()
    }

    #[test]
    fn two_directions_are_found_without_copies_wanted() {
        let pictures: Vec<Vec<u8>> = (0..40_u8).map(|i| halves(40 + 4 * i, 100 + 7 * (i % 9))).collect();
        let found = map(pictures.clone());
        let explained = found.explained.get().copied().unwrap();
        assert!(explained[0] > explained[1] && explained[0] + explained[1] > 0.98, "{explained:?}");
        assert_eq!(found.places.len(), 40);
        let along: Vec<f32> = found.places.iter().map(|p| p.unwrap()[0]).collect();
        assert!(along[39] > along[20] && along[20] > along[0], "{along:?}");
        assert_eq!(found, map(pictures));
    }

    #[test]
    fn sets_without_a_map_say_why() {
        let reason = |pictures| map(pictures).explained.reason().unwrap().to_owned();
        assert_eq!(reason(vec![halves(1, 200); 2]), "fewer than three pictures that can be looked at");
        assert_eq!(reason(vec![halves(1, 200); 5]), "all pictures look the same");
        assert!(map(Vec::new()).places.is_empty());
    }
}
