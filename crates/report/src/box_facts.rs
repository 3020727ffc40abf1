//! Facts of detection sets: what `facts.boxes` of the JSON report holds, beside `facts.pictures`.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use stetho_core::boxes::{BoundingBox, BoxClass, Boxes};

use crate::picture_facts::Bins;

/// Cells along each side of the maps.
const CELLS: usize = 24;

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
    /// Counts of boxes a picture that are told apart; more count as this many.
    pub const MOST_PER_PICTURE: usize = 32;

    /// The facts of `boxes`.
    pub fn of(boxes: &Boxes) -> Self {
        let annotated = || boxes.annotations.iter().filter(|a| a.is_annotated);
        let mut per_picture = vec![0; Self::MOST_PER_PICTURE + 1];
        annotated().for_each(|a| per_picture[a.boxes.len().min(Self::MOST_PER_PICTURE)] += 1);
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

#[cfg(test)]
mod tests {
    use stetho_core::boxes::{Annotation, PictureState};

    use super::*;

    fn of(corners: [f64; 4], class: BoxClass) -> BoundingBox {
        BoundingBox {
            index: 0,
            line: None,
            class,
            corners,
            written: corners,
            is_crowd: false,
            is_derived: false,
        }
    }

    fn annotation(boxes: Vec<BoundingBox>, state: PictureState) -> Annotation {
        Annotation { is_annotated: true, state, boxes, ..Annotation::default() }
    }

    #[test]
    fn points_on_and_off_the_grid() {
        let grid = Grid::of([(0.0, 0.0), (1.0, 1.0), (0.5, 0.0), (1.01, 0.5), (f64::NAN, 0.5)].into_iter());
        assert_eq!(grid.counts.iter().sum::<u64>(), 3);
        assert_eq!((grid.counts[0], grid.counts[CELLS / 2], grid.counts[CELLS * CELLS - 1]), (1, 1, 1));
        assert_eq!(grid.columns * grid.columns, grid.counts.len() as u64);
    }

    #[test]
    fn boxes_are_counted_by_class_and_picture() {
        let box_of = |class| of([0.0, 0.0, 50.0, 25.0], class);
        let set = Boxes {
            classes: vec!["cat".into(), "dog".into()],
            annotations: vec![
                annotation(vec![box_of(BoxClass::Known(1)); 2], PictureState::Sized(100, 100)),
                annotation(vec![box_of(BoxClass::Known(0))], PictureState::Missing),
                annotation(vec![box_of(BoxClass::Unknown("x".into()))], PictureState::Sized(100, 50)),
                annotation(Vec::new(), PictureState::Sized(9, 9)),
                Annotation::default(),
            ],
            ..Boxes::default()
        };
        let facts = BoxFacts::of(&set);
        assert_eq!((facts.boxes, facts.annotated, facts.empty), (4, 4, 1));
        assert_eq!(facts.classes, [("dog".to_owned(), 2), ("cat".to_owned(), 1)]);
        assert_eq!(facts.per_picture, [1, 2, 1]);
        // the box on the missing picture has no share of its sides
        assert_eq!(facts.sizes.counts.iter().sum::<u64>(), 3);
        assert_eq!(facts.positions.counts[CELLS / 8 * CELLS + CELLS / 4], 2);
        assert_eq!(facts.aspects.counts.iter().sum::<u64>(), 4);
        assert_eq!(facts.sides.counts.iter().sum::<u64>(), 3);
        let mut map = Map::new();
        facts.insert_into(&mut map);
        assert_eq!(BoxFacts::from_map(&map), Some(facts));
    }

    #[test]
    fn a_picture_full_of_boxes_counts_at_the_end() {
        let many = vec![of([0.0, 0.0, 0.0, 5.0], BoxClass::Known(0)); 100];
        let set =
            Boxes { annotations: vec![annotation(many, PictureState::Sized(9, 9))], ..Boxes::default() };
        let facts = BoxFacts::of(&set);
        assert_eq!(
            (facts.per_picture.len(), facts.per_picture[BoxFacts::MOST_PER_PICTURE]),
            (BoxFacts::MOST_PER_PICTURE + 1, 1)
        );
        assert_eq!(facts.sides.counts.iter().sum::<u64>(), 0, "a side of 0 has no logarithm");
    }
}
