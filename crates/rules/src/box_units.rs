//! Numbers of boxes that were written by another convention than that of their format.
//!
//! Single boxes are told by their range: four numbers up to 1 are no pixels, numbers above 2 no fractions, and percent
//! where they fit within 100 in pictures that are much larger. Sets are
//! told by what fits: where many boxes are impossible as the format reads them (no area, or outside of the picture), and
//! by another common order of the numbers all are possible, it was that order.

use std::collections::BTreeSet;

use stetho_core::boxes::{Annotation, BoundingBox, BoxFormat, Boxes};
use stetho_core::table::Part;

use crate::box_sets::{frames, overhang};

/// An order of the four numbers of a box.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Order {
    /// xmin, ymin, xmax, ymax.
    Corners,
    /// xmin, ymin, width, height.
    CornerSize,
    /// Centre x, centre y, width, height.
    CentreSize,
    /// ymin, xmin, ymax, xmax, as TensorFlow writes.
    RowsFirst,
}

impl Order {
    /// The order of a format.
    pub(crate) fn of(format: BoxFormat) -> Self {
        match format {
            BoxFormat::Coco => Self::CornerSize,
            BoxFormat::Voc => Self::Corners,
            BoxFormat::Yolo => Self::CentreSize,
        }
    }

    /// The order in words.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Corners => "xmin, ymin, xmax, ymax",
            Self::CornerSize => "xmin, ymin, width, height",
            Self::CentreSize => "centre x, centre y, width, height",
            Self::RowsFirst => "ymin, xmin, ymax, xmax",
        }
    }

    /// xmin, ymin, xmax, ymax of the numbers.
    pub(crate) fn corners(self, [a, b, c, d]: [f64; 4]) -> [f64; 4] {
        match self {
            Self::Corners => [a, b, c, d],
            Self::CornerSize => [a, b, a + c, b + d],
            Self::CentreSize => [a - c / 2.0, b - d / 2.0, a + c / 2.0, b + d / 2.0],
            Self::RowsFirst => [b, a, d, c],
        }
    }
}

/// What boxes were written as.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Mistake {
    /// Fractions of the picture's sides in a format of pixels.
    Fractions,
    /// Numbers above 1 in a format of fractions.
    Pixels,
    /// Numbers up to 100 in a format of fractions.
    Percent,
    /// The numbers in another order.
    Order(Order),
}

/// Boxes that were probably written by another convention.
#[derive(Clone, Debug)]
pub(crate) struct Suspicion {
    /// The other convention.
    pub mistake: Mistake,
    /// The boxes, as places of annotation and box.
    pub boxes: Vec<(usize, usize)>,
    /// How many of them are impossible as the format reads them.
    pub n_impossible: usize,
}

/// When a set counts as written in another order.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Limits {
    /// Least share of impossible boxes in a part of the data.
    pub impossible: f64,
    /// Most boxes, as a share, that may be impossible in the other order as well.
    pub misfit: f64,
    /// Least number of annotations with impossible boxes, where the others are as they should be.
    pub annotations: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self { impossible: 0.1, misfit: 0.02, annotations: 8 }
    }
}

/// Fewest impossible boxes that raise a suspicion about the order.
const LEAST_IMPOSSIBLE: usize = 4;

/// All suspicions about a set.
#[derive(Clone, Debug, Default)]
pub(crate) struct Units {
    /// One for each mistake and part of the data.
    pub suspicions: Vec<Suspicion>,
    suspects: BTreeSet<(usize, usize)>,
}

impl Units {
    /// The suspicions about `set` within the default limits.
    pub(crate) fn of(set: &Boxes) -> Self {
        Self::within(set, Limits::default())
    }

    /// The suspicions about `set`.
    pub(crate) fn within(set: &Boxes, limits: Limits) -> Self {
        let mut units = Self::default();
        units.add(by_range(set));
        for part in [Part::Train, Part::Validation, Part::Test] {
            let found = by_order(set, part, &units, limits);
            units.add(found);
        }
        units
    }

    fn add(&mut self, suspicion: Option<Suspicion>) {
        if let Some(suspicion) = suspicion {
            self.suspects.extend(&suspicion.boxes);
            self.suspicions.push(suspicion);
        }
    }

    /// Whether the box at this place is suspected.
    pub(crate) fn is_suspect(&self, at: (usize, usize)) -> bool {
        !self.suspects.is_empty() && self.suspects.contains(&at)
    }
}

/// Boxes whose numbers are out of all range for the format.
fn by_range(set: &Boxes) -> Option<Suspicion> {
    let is_fraction = |b: &BoundingBox| {
        b.written.iter().all(|n| (0.0..=1.001).contains(n)) && b.written.iter().any(|n| n.fract() > 0.0)
    };
    let is_large = |a: &Annotation| a.size().is_none_or(|(w, h)| w.min(h) >= 10.0);
    if set.format != BoxFormat::Yolo {
        return suspicion(set, Mistake::Fractions, |_, a, b| is_large(a) && is_fraction(b));
    }
    let is_above = |b: &BoundingBox| b.written.iter().any(|n| *n > 2.0);
    let pixels = suspicion(set, Mistake::Pixels, |_, _, b| is_above(b))?;
    if !is_percent(set, &pixels.boxes) {
        return Some(pixels);
    }
    // A box of up to 2 % in the corner is one of percent too where the others of its file are.
    let affected: BTreeSet<usize> = pixels.boxes.iter().map(|at| at.0).collect();
    let is_above = |b: &BoundingBox| b.written.iter().any(|n| *n > 1.001);
    suspicion(set, Mistake::Percent, |i, _, b| affected.contains(&i) && is_above(b))
}

/// The suspicion about boxes that `is_odd` names, given the place of their annotation.
fn suspicion(
    set: &Boxes,
    mistake: Mistake,
    is_odd: impl Fn(usize, &Annotation, &BoundingBox) -> bool,
) -> Option<Suspicion> {
    let all = set.annotations.iter().enumerate();
    let all = all.flat_map(|(i, a)| a.boxes.iter().enumerate().map(move |(j, b)| ((i, j), a, b)));
    let boxes: Vec<_> = all.filter(|((i, _), a, b)| is_odd(*i, a, b)).map(|(at, ..)| at).collect();
    let n_impossible = boxes.len();
    (n_impossible > 0).then_some(Suspicion { mistake, n_impossible, boxes })
}

/// Fewest boxes in large pictures that can be told to be written in percent.
const LEAST_PERCENT: usize = 4;
/// Shorter side of a picture, in pixels, from which on boxes of pixels do not all lie within the first 100 by chance.
const LARGE: f64 = 200.0;

/// Whether these boxes of a YOLO set fit within 100 and reach to the far half of it, in pictures most of which are much
/// larger.
fn is_percent(set: &Boxes, boxes: &[(usize, usize)]) -> bool {
    let found = || boxes.iter().filter_map(|(i, j)| set.annotations.get(*i).map(|a| (a, *j)));
    let n_large = found().filter(|(a, _)| a.size().is_some_and(|(w, h)| w.min(h) >= LARGE)).count();
    if n_large < LEAST_PERCENT || 2 * n_large < boxes.len() {
        return false;
    }
    let mut far = [0.0_f64; 2];
    for b in found().filter_map(|(a, j)| a.boxes.get(j)) {
        let [left, top, right, bottom] = Order::CentreSize.corners(b.written);
        if left.min(top) < -1.0 || right.max(bottom) > 101.0 {
            return false;
        }
        far = [far[0].max(right), far[1].max(bottom)];
    }
    far.iter().all(|n| *n > 50.0)
}

/// A box, where it is, and whether it is possible as the format reads it.
struct Candidate<'a> {
    at: (usize, usize),
    annotation: &'a Annotation,
    written: [f64; 4],
    is_possible: bool,
}

/// Boxes of one part that were written in another order.
fn by_order(set: &Boxes, part: Part, units: &Units, limits: Limits) -> Option<Suspicion> {
    let own = Order::of(set.format);
    let of_part = set.annotations.iter().enumerate().filter(|(_, a)| a.part == part);
    let boxes = of_part.flat_map(|(i, a)| a.boxes.iter().enumerate().map(move |(j, b)| ((i, j), a, b)));
    let all: Vec<Candidate<'_>> = boxes
        // The extent of an outline was not written in any order.
        .filter(|(at, a, b)| !b.is_derived && !units.is_suspect(*at) && !frames(set.format, a).is_empty())
        .map(|(at, annotation, b)| {
            let is_possible = fits(set.format, own, annotation, b.written);
            Candidate { at, annotation, written: b.written, is_possible }
        })
        .collect();
    let n_impossible = all.iter().filter(|c| !c.is_possible).count();
    if n_impossible < LEAST_IMPOSSIBLE {
        return None;
    }
    let orders = [Order::Corners, Order::CornerSize, Order::CentreSize, Order::RowsFirst];
    let others = || orders.into_iter().filter(|o| *o != own);
    let misfits = |order: Order, among: &[&Candidate<'_>]| {
        among.iter().filter(|c| !fits(set.format, order, c.annotation, c.written)).count()
    };
    let best = |among: &[&Candidate<'_>]| {
        let (n, order) = others().map(|o| (misfits(o, among), o)).min_by_key(|(n, _)| *n)?;
        (n as f64 <= limits.misfit * among.len() as f64 && 10 * n <= n_impossible).then_some(order)
    };
    let whole: Vec<&Candidate<'_>> = all.iter().collect();
    let is_many = n_impossible as f64 >= limits.impossible * all.len() as f64;
    let found = |order: Order, boxes: &[&Candidate<'_>]| Suspicion {
        mistake: Mistake::Order(order),
        boxes: boxes.iter().map(|c| c.at).collect(),
        n_impossible,
    };
    if let Some(order) = best(&whole).filter(|_| is_many) {
        return Some(found(order, &whole));
    }
    let affected: BTreeSet<usize> = all.iter().filter(|c| !c.is_possible).map(|c| c.at.0).collect();
    let some: Vec<&Candidate<'_>> = all.iter().filter(|c| affected.contains(&c.at.0)).collect();
    let order = best(&some).filter(|_| affected.len() >= limits.annotations)?;
    Some(found(order, &some))
}

/// Whether the numbers, read in `order`, are a box with an area inside of the picture, but for rounding.
fn fits(format: BoxFormat, order: Order, annotation: &Annotation, written: [f64; 4]) -> bool {
    let corners = order.corners(written);
    let has_area = corners[2] > corners[0] && corners[3] > corners[1];
    let is_inside = |(width, height): (f64, f64)| {
        let pixel = if format == BoxFormat::Yolo { 1.0 / width.min(height).max(1.0) } else { 1.0 };
        let frame = if format == BoxFormat::Yolo { (1.0, 1.0) } else { (width, height) };
        let margin = if width <= 1.0 { 2e-3 } else { pixel.max(1e-3 * frame.0.max(frame.1)) };
        overhang(corners, frame) <= margin
    };
    has_area && frames(format, annotation).into_iter().any(is_inside)
}

#[cfg(test)]
mod tests {
    use stetho_core::boxes::PictureState;

    use super::*;
    use crate::boxes::testing::{annotation, of, set};

    /// `n` pictures of 200 × 100, each with a box on the left and one on the right, `written` from their corners.
    fn spread(format: BoxFormat, n: usize, write: impl Fn([f64; 4]) -> [f64; 4]) -> Boxes {
        let corners = |i: usize| {
            let shift = (i % 7) as f64;
            [[10.0 + shift, 20.0, 60.0, 90.0 - shift], [120.0 - shift, 40.0 + shift, 190.0, 95.0]]
        };
        let one = |i: usize| {
            let boxes = corners(i).map(|c| {
                let written = write(c);
                let mut b = of("cat", Order::of(format).corners(written));
                b.written = written;
                b
            });
            annotation(200, 100, boxes)
        };
        set(format, (0..n).map(one))
    }

    fn mistakes(set: &Boxes) -> Vec<Mistake> {
        Units::of(set).suspicions.into_iter().map(|s| s.mistake).collect()
    }

    fn size([a, b, c, d]: [f64; 4]) -> [f64; 4] {
        [a, b, c - a, d - b]
    }

    #[test]
    fn orders_are_told_apart() {
        assert!(mistakes(&spread(BoxFormat::Coco, 10, size)).is_empty());
        assert_eq!(mistakes(&spread(BoxFormat::Coco, 10, |c| c)), [Mistake::Order(Order::Corners)]);
        assert_eq!(mistakes(&spread(BoxFormat::Voc, 10, size)), [Mistake::Order(Order::CornerSize)]);
        let rows = |[a, b, c, d]: [f64; 4]| [b, a, d, c];
        assert_eq!(mistakes(&spread(BoxFormat::Voc, 10, rows)), [Mistake::Order(Order::RowsFirst)]);
        let fraction = |[a, b, c, d]: [f64; 4]| [a / 200.0, b / 100.0, c / 200.0, d / 100.0];
        assert_eq!(mistakes(&spread(BoxFormat::Yolo, 10, fraction)), [Mistake::Order(Order::Corners)]);
    }

    #[test]
    fn a_part_of_the_pictures_may_be_written_in_another_order() {
        let mut mixed = spread(BoxFormat::Voc, 40, |c| c);
        mixed.annotations.extend(spread(BoxFormat::Voc, 8, size).annotations);
        let units = Units::of(&mixed);
        assert_eq!(units.suspicions[0].boxes.len(), 16);
        assert!(units.is_suspect((40, 0)) && !units.is_suspect((39, 1)));
        mixed.annotations.pop();
        assert!(mistakes(&mixed).is_empty(), "seven are too few");
    }

    #[test]
    fn corners_that_are_exchanged_are_no_other_order() {
        let mut faulty = spread(BoxFormat::Voc, 20, |c| c);
        for a in faulty.annotations.iter_mut().take(10) {
            for b in &mut a.boxes {
                b.corners.swap(0, 2);
                b.written.swap(0, 2);
            }
        }
        assert!(mistakes(&faulty).is_empty());
    }

    #[test]
    fn ranges_tell_single_boxes() {
        let fractions = set(BoxFormat::Coco, [annotation(200, 100, [of("cat", [0.1, 0.2, 0.9, 1.0])])]);
        assert_eq!(mistakes(&fractions), [Mistake::Fractions]);
        let corner = set(BoxFormat::Voc, [annotation(200, 100, [of("cat", [0.0, 0.0, 1.0, 1.0])])]);
        assert!(mistakes(&corner).is_empty());
        let mut pixels = of("cat", [0.0, 0.0, 1.0, 1.0]);
        pixels.written = [100.0, 50.0, 20.0, 10.0];
        assert_eq!(mistakes(&set(BoxFormat::Yolo, [annotation(200, 100, [pixels])])), [Mistake::Pixels]);
    }

    /// `n` pictures of this size with boxes as [`spread`] has them, in percent.
    fn percent(size: u32, n: usize) -> Boxes {
        let centre = |[a, b, c, d]: [f64; 4]| [(a + c) / 2.0, (b + d) / 2.0, c - a, d - b];
        let mut set = spread(BoxFormat::Yolo, n, |[a, b, c, d]| centre([a / 2.0, b, c / 2.0, d]));
        set.annotations.iter_mut().for_each(|a| a.state = PictureState::Sized(size, size));
        set
    }

    #[test]
    fn percent_is_told_from_pixels() {
        assert_eq!(mistakes(&percent(640, 2)), [Mistake::Percent]);
        assert_eq!(mistakes(&percent(640, 1)), [Mistake::Pixels], "two boxes are too few");
        assert_eq!(mistakes(&percent(120, 9)), [Mistake::Pixels], "they may be pixels of so small a picture");
        let mut few_small = percent(640, 9);
        few_small.annotations[2].state = PictureState::Sized(120, 90);
        assert_eq!(mistakes(&few_small), [Mistake::Percent]);
        let mut beyond = percent(640, 9);
        beyond.annotations[3].boxes[0].written = [99.0, 50.0, 20.0, 20.0];
        assert_eq!(mistakes(&beyond), [Mistake::Pixels], "one is outside");
        let mut near = percent(640, 9);
        for b in near.annotations.iter_mut().flat_map(|a| &mut a.boxes) {
            b.written = b.written.map(|n| n / 2.5);
        }
        assert_eq!(mistakes(&near), [Mistake::Pixels], "all in one corner");
    }

    #[test]
    fn small_boxes_of_a_file_in_percent_are_in_percent() {
        let mut mixed = percent(640, 4);
        mixed.annotations[0].boxes[0].written = [1.5, 1.5, 1.0, 1.0];
        mixed.annotations.push(annotation(640, 640, [of("cat", [0.1, 0.2, 0.3, 0.4])]));
        assert_eq!(Units::of(&mixed).suspicions[0].boxes.len(), 8);
    }

    #[test]
    fn extents_of_outlines_have_no_other_order() {
        let mut outlines = spread(BoxFormat::Coco, 10, |c| c);
        outlines.annotations.iter_mut().flat_map(|a| &mut a.boxes).for_each(|b| b.is_derived = true);
        assert!(mistakes(&outlines).is_empty());
    }
}
