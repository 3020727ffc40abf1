//! Facts of detection sets: what `facts.boxes` of the JSON report holds, beside `facts.pictures`.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use stetho_core::boxes::{BoundingBox, BoxClass, Boxes};

use crate::picture_facts::Bins;

/// Cells along each side of the maps.
const CELLS: usize = 24;
/// Counts of boxes a picture that are told apart; more count as the last.
const PER_PICTURE: usize = 32;

/// Counts on a grid over the unit square, row by row from the top left.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "types", derive(ts_rs::TS))]
pub struct Grid {
    /// Cells from left to right.
    pub columns: u64,
    /// Counts, `columns` in each row.
    pub counts: Vec<u64>,
}

impl Grid {
    fn of(points: impl Iterator<Item = (f64, f64)>) -> Self {
        let mut counts = vec![0; CELLS * CELLS];
        let cell = |v: f64| ((v * CELLS as f64) as usize).min(CELLS - 1);
        for (x, y) in points.filter(|(x, y)| (0.0..=1.0).contains(x) && (0.0..=1.0).contains(y)) {
            if let Some(count) = counts.get_mut(cell(y) * CELLS + cell(x)) {
                *count += 1;
            }
        }
        Self { columns: CELLS as u64, counts }
    }
}

/// What the boxes of a set are, in numbers. Boxes whose picture has no known size are left out of the maps.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "types", derive(ts_rs::TS))]
#[serde(default)]
pub struct BoxFacts {
    /// `COCO`, `Pascal VOC`, `YOLO`.
    pub format: String,
    /// Boxes in all.
    pub boxes: u64,
    /// Pictures with an annotation, with boxes or without.
    pub annotated: u64,
    /// Pictures that are annotated and have no box.
    pub empty: u64,
    /// Boxes of each class, most frequent first.
    pub classes: Vec<(String, u64)>,
    /// Annotated pictures with 0, 1, 2 … boxes; the last counts those with as many or more.
    pub per_picture: Vec<u64>,
    /// Width (from left) and height (from top) of boxes, as shares of the picture's sides.
    pub sizes: Grid,
    /// Centres of boxes, as shares of the picture's sides.
    pub positions: Grid,
    /// Base-2 logarithm of width over height: 0 square, 1 twice as wide as high.
    pub aspects: Bins,
    /// Base-10 logarithm of the shorter side in pixels.
    pub sides: Bins,
}

impl BoxFacts {
    /// The facts of `boxes`.
    pub fn of(boxes: &Boxes) -> Self {
        let annotated = || boxes.annotations.iter().filter(|a| a.is_annotated);
        let mut per_picture = vec![0; PER_PICTURE + 1];
        annotated().for_each(|a| per_picture[a.boxes.len().min(PER_PICTURE)] += 1);
        let used = per_picture.iter().rposition(|n| *n > 0).map_or(0, |last| last + 1);
        per_picture.truncate(used);
        let mut counts = vec![0; boxes.classes.len()];
        for (_, b) in boxes.all() {
            if let BoxClass::Known(class) = b.class
                && let Some(count) = counts.get_mut(class as usize)
            {
                *count += 1;
            }
        }
        let mut classes: Vec<(String, u64)> = boxes.classes.iter().cloned().zip(counts).collect();
        classes.sort_by_key(|(_, n)| std::cmp::Reverse(*n));
        let sized = || boxes.all().filter_map(|(a, b)| Some((a.size()?, b)));
        let sides = |(_, b): (_, &BoundingBox)| b.width().min(b.height());
        Self {
            format: boxes.format.name().to_owned(),
            boxes: boxes.n_boxes(),
            annotated: annotated().count() as u64,
            empty: annotated().filter(|a| a.boxes.is_empty()).count() as u64,
            classes,
            per_picture,
            sizes: Grid::of(sized().map(|((w, h), b)| (b.width() / w, b.height() / h))),
            positions: Grid::of(sized().map(|((w, h), b)| centre(b, w, h))),
            aspects: Bins::of(boxes.all().map(|(_, b)| (b.width() / b.height()).log2()), -4.0, 4.0),
            sides: Bins::of(sized().map(sides).filter(|s| *s > 0.0).map(f64::log10), 0.0, 4.0),
        }
    }

    /// The facts in a report, if it has them.
    pub fn from_map(facts: &Map<String, Value>) -> Option<Self> {
        serde_json::from_value(facts.get("boxes")?.clone()).ok()
    }

    /// Puts the facts into those of a report.
    pub fn insert_into(&self, facts: &mut Map<String, Value>) {
        facts.insert("boxes".into(), serde_json::to_value(self).unwrap_or_default());
    }
}

fn centre(b: &BoundingBox, width: f64, height: f64) -> (f64, f64) {
    let [x1, y1, x2, y2] = b.corners;
    (f64::midpoint(x1, x2) / width, f64::midpoint(y1, y2) / height)
}
