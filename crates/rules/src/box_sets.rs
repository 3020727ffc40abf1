//! What rules on detection sets share: which boxes to judge, showing them on their pictures, and guards to copy.

use std::collections::BTreeMap;

use stetho_core::boxes::{Annotation, BoundingBox, BoxFormat, Boxes, PictureState};
use stetho_core::{Draft, Evidence, Number, Pictured, Place, Remedy, count_of, percent, thousands};

use crate::box_units::Units;

/// Pictures that the evidence shows.
const SHOWN: usize = 24;

/// Neighbours with which a box is compared, in the order of their left edges: a bound for pictures with very many
/// boxes, far above what real pictures have in one place.
const MOST_NEIGHBOURS: usize = 256;

/// A box that a finding is about.
#[derive(Clone, Debug)]
pub(crate) struct Culprit {
    /// Index into [`Boxes::annotations`].
    pub annotation: usize,
    /// Index into [`Annotation::boxes`].
    pub number: usize,
    /// Larger is worse.
    pub badness: f64,
    /// What to say of it beside its picture.
    pub caption: String,
}

/// `3 of 40 boxes (7.5 %)`.
pub(crate) fn share(n: usize, of: usize, noun: &str) -> String {
    let all = count_of(of as u64, noun);
    format!("{} of {all} ({})", thousands(n as u64), percent(n as f64 / of.max(1) as f64))
}

/// Whether a side of the box is zero or negative.
pub(crate) fn is_degenerate(b: &BoundingBox) -> bool {
    !(b.width() > 0.0 && b.height() > 0.0)
}

/// Boxes that are what they look like: those that `coordinate-units` suspects are left out, so that one mistake in a
/// converter is told once.
pub(crate) struct Sound<'a> {
    set: &'a Boxes,
    units: Units,
}

impl<'a> Sound<'a> {
    pub(crate) fn of(set: &'a Boxes) -> Self {
        Self { set, units: Units::of(set) }
    }

    /// The boxes with the places of annotation and box.
    pub(crate) fn boxes(&self) -> impl Iterator<Item = ((usize, usize), &'a Annotation, &'a BoundingBox)> {
        let all = self.set.annotations.iter().enumerate();
        all.flat_map(|(i, a)| a.boxes.iter().enumerate().map(move |(j, b)| ((i, j), a, b)))
            .filter(|(at, ..)| !self.units.is_suspect(*at))
    }

    /// The boxes for which `judge` tells how bad they are, with a caption; worst first.
    pub(crate) fn culprits(
        &self,
        judge: impl Fn(&Annotation, &BoundingBox) -> Option<(f64, String)>,
    ) -> Vec<Culprit> {
        let judged = self.boxes().filter_map(|((annotation, number), a, b)| {
            let (badness, caption) = judge(a, b)?;
            Some(Culprit { annotation, number, badness, caption })
        });
        let mut found: Vec<Culprit> = judged.collect();
        found.sort_by(|a, b| b.badness.total_cmp(&a.badness));
        found
    }
}

/// A finding about boxes, worst first: their places, and their pictures with the culprits marked.
pub(crate) fn draft(
    set: &Boxes,
    found: &[Culprit],
    message: impl Into<String>,
    evidence: Evidence,
    remedy: Remedy,
) -> Draft {
    let place = |c: &Culprit| {
        let annotation = set.annotations.get(c.annotation)?;
        Some(annotation.place(annotation.boxes.get(c.number)?))
    };
    let mut places = found.iter().filter_map(place);
    let first = places.next().unwrap_or(Place::Whole);
    let pictures = Evidence::pictures("the pictures, worst first", pictured(set, found));
    Draft::new(first, message, evidence, remedy).places(places).count(found.len() as u64).evidence(pictures)
}

/// The pictures of the culprits, each once, in the order of their worst.
pub(crate) fn pictured(set: &Boxes, found: &[Culprit]) -> Vec<Pictured> {
    let mut order: Vec<usize> = Vec::new();
    let mut on: BTreeMap<usize, Vec<&Culprit>> = BTreeMap::new();
    for culprit in found {
        let known = on.contains_key(&culprit.annotation);
        if !known && order.len() == SHOWN {
            continue;
        }
        if !known {
            order.push(culprit.annotation);
        }
        on.entry(culprit.annotation).or_default().push(culprit);
    }
    let one = |i: usize| {
        let annotation = set.annotations.get(i)?;
        let culprits = on.get(&i)?;
        let mut captions: Vec<&str> = culprits.iter().take(2).map(|c| c.caption.as_str()).collect();
        captions.dedup();
        let mut caption = captions.join("; ");
        if culprits.len() > 2 {
            caption.push_str(&format!(" … ({} boxes)", culprits.len()));
        }
        let mut picture = set.pictured(annotation, caption, |_| false);
        for culprit in culprits {
            if let Some(drawn) = picture.boxes.get_mut(culprit.number) {
                drawn.is_culprit = true;
            }
        }
        Some(picture)
    };
    order.into_iter().filter_map(one).collect()
}

/// A finding about annotations as a whole, given with what to say of each, worst first.
pub(crate) fn draft_of_annotations(
    set: &Boxes,
    found: &[(usize, String)],
    message: impl Into<String>,
    evidence: Evidence,
    remedy: Remedy,
) -> Draft {
    let mut places = found.iter().filter_map(|(i, _)| set.annotations.get(*i)).map(place_of);
    let first = places.next().unwrap_or(Place::Whole);
    let is_there = |a: &&Annotation| a.state != PictureState::Missing;
    let shown = found.iter().filter_map(|(i, caption)| {
        let annotation = set.annotations.get(*i).filter(is_there)?;
        Some(set.pictured(annotation, caption.clone(), |_| false))
    });
    let shown: Vec<Pictured> = shown.take(SHOWN).collect();
    let draft = Draft::new(first, message, evidence, remedy).places(places).count(found.len() as u64);
    if shown.is_empty() {
        draft
    } else {
        draft.evidence(Evidence::pictures("the pictures, worst first", shown))
    }
}

/// Where an annotation begins.
pub(crate) fn place_of(annotation: &Annotation) -> Place {
    Place::Item { path: annotation.path.clone(), index: None, line: annotation.line }
}

/// Sizes of the picture in which the corners may be meant: its own and the declared one. For YOLO without a picture
/// the unit square, in which its corners then are.
pub(crate) fn frames(format: BoxFormat, annotation: &Annotation) -> Vec<(f64, f64)> {
    let declared = annotation.declared.filter(|(w, h)| *w > 0 && *h > 0);
    let declared = declared.map(|(w, h)| (f64::from(w), f64::from(h)));
    match (annotation.size(), declared) {
        (Some(size), Some(other)) if size != other => vec![size, other],
        (Some(size), _) => vec![size],
        (None, _) if format == BoxFormat::Yolo => vec![(1.0, 1.0)],
        (None, _) => Vec::new(),
    }
}

/// How far beyond the frame the corners lie at most, in its units; negative for those inside.
pub(crate) fn overhang(corners: [f64; 4], (width, height): (f64, f64)) -> f64 {
    let [x1, y1, x2, y2] = corners;
    [-x1, -y1, x2 - width, y2 - height, x1 - width, y1 - height, -x2, -y2]
        .into_iter()
        .fold(f64::MIN, f64::max)
}

/// Pairs of boxes of one picture with at least this intersection over union, left one first in the order of left
/// edges. Only pairs that are `wanted` count.
pub(crate) fn overlaps(
    boxes: &[(usize, &BoundingBox)],
    least: f64,
    wanted: impl Fn(&BoundingBox, &BoundingBox) -> bool,
) -> Vec<(usize, usize, f64)> {
    let mut sorted: Vec<&(usize, &BoundingBox)> = boxes.iter().collect();
    sorted.sort_by(|a, b| {
        let [p, q] = [a.1.corners, b.1.corners];
        p[0].total_cmp(&q[0]).then(p[1].total_cmp(&q[1])).then(a.0.cmp(&b.0))
    });
    let mut pairs = Vec::new();
    for (at, (i, a)) in sorted.iter().enumerate() {
        // A box that begins further right overlaps by less than its share of the width.
        let last = a.corners[0] + (1.0 - least) * a.width();
        let rest = sorted.iter().skip(at + 1).take(MOST_NEIGHBOURS).take_while(|(_, b)| b.corners[0] <= last);
        for (j, b) in rest {
            let iou = if wanted(a, b) { a.iou(b) } else { 0.0 };
            if iou >= least {
                pairs.push((*i, *j, iou));
            }
        }
    }
    pairs
}

/// A distribution over bins that begin at `edges`; values below the first count in it, those beyond the last in the
/// last.
pub(crate) fn histogram(name: &str, edges: &[f64], values: impl Iterator<Item = f64>) -> Evidence {
    let mut counts = vec![0; edges.len().saturating_sub(1)];
    for value in values {
        let bin =
            edges.iter().skip(1).take_while(|e| value >= **e).count().min(edges.len().saturating_sub(2));
        if let Some(count) = counts.get_mut(bin) {
            *count += 1;
        }
    }
    Evidence::Histogram { name: name.into(), edges: edges.iter().map(|e| Number(*e)).collect(), counts }
}

/// The Python that leaves out boxes with a side below `min_box` pixels, for the data set's `__getitem__`.
pub(crate) fn guard(min_box: u32) -> String {
    format!(
        "# in __getitem__ of the data set; boxes: float tensor [n, 4] of xmin, ymin, xmax, ymax in pixels\n\
         min_box = {min_box}\n\
         keep = ((boxes[:, 2:] - boxes[:, :2]) >= min_box).all(dim=1)\n\
         boxes, labels = boxes[keep], labels[keep]"
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::boxes::testing::of;

    #[test]
    fn overlaps_are_those_of_all_pairs() {
        let mut state = 7_u32;
        let mut random = |below: u32| {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            f64::from((state >> 8) % below)
        };
        let boxes: Vec<BoundingBox> = (0..150)
            .map(|_| {
                let (x, y) = (random(12), random(12));
                of("cat", [x, y, x + 20.0 + random(4), y + 20.0 + random(4)])
            })
            .collect();
        let listed: Vec<(usize, &BoundingBox)> = boxes.iter().enumerate().collect();
        let mut fast: Vec<(usize, usize)> =
            overlaps(&listed, 0.9, |_, _| true).into_iter().map(|(i, j, _)| (i.min(j), i.max(j))).collect();
        fast.sort_unstable();
        let mut slow = Vec::new();
        for i in 0..boxes.len() {
            for j in i + 1..boxes.len() {
                if boxes[i].iou(&boxes[j]) >= 0.9 {
                    slow.push((i, j));
                }
            }
        }
        assert!(slow.len() > 50);
        assert_eq!(fast, slow);
    }

    #[test]
    fn bins_take_what_lies_beyond_them() {
        let Evidence::Histogram { counts, .. } =
            histogram("h", &[0.0, 10.0, 20.0], [-1.0, 9.9, 10.0, 99.0].into_iter())
        else {
            panic!("no histogram")
        };
        assert_eq!(counts, [2, 2]);
    }
}
