//! `duplicate-box`

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use stetho_core::boxes::{Annotation, BoundingBox, Boxes};
use stetho_core::{Evidence, Human, Remedy, Report, Rule, Severity, Signal};

use crate::box_sets::{Culprit, Sound, draft, is_degenerate, overlaps, share};

/// One object boxed twice: two boxes of a class with nearly the same corners.
///
/// ## Why it matters
/// The object counts twice in the loss. In validation it costs recall whatever the model does: non-maximum suppression keeps
/// one prediction, and the second box counts as missed. Matching one to one, as DETR does, pushes two queries to say the same.
/// YOLO loaders drop exact copies, without changing the file; nearly equal boxes stay.
///
/// ## What to do
/// Keep one of each. Many of them hint at an annotation that was imported twice, or at two annotators whose work was put
/// together. Crowds are left out.
///
/// ## Fires on
/// ```boxes format=coco
/// pictures 8 320x240 boxes 2 cat dog
/// picture twice 320x240
/// box cat 40 50 140 150
/// box cat 41 50 140 151
/// ```
///
/// ## Stays quiet on
/// Two objects close to each other, and one object of two classes (`conflicting-box`).
/// ```boxes format=coco
/// pictures 8 320x240 boxes 2 cat dog
/// picture couple 320x240
/// box cat 40 50 140 150
/// box cat 46 50 146 150
/// ```
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct DuplicateBox {
    /// Intersection over union from which two boxes of a class are one.
    pub iou: f64,
}

impl Default for DuplicateBox {
    fn default() -> Self {
        Self { iou: 0.95 }
    }
}

/// Boxes of the annotation that repeat another of their class: which, with the intersection over union.
pub(super) fn repeated(boxes: &[(usize, &BoundingBox)], iou: f64) -> BTreeMap<usize, f64> {
    let mut redundant: BTreeMap<usize, f64> = BTreeMap::new();
    for (i, j, iou) in overlaps(boxes, iou, |a, b| a.class == b.class) {
        let (first, later) = (i.min(j), i.max(j));
        if !redundant.contains_key(&first) {
            redundant.entry(later).and_modify(|known| *known = known.max(iou)).or_insert(iou);
        }
    }
    redundant
}

/// The boxes that can be compared: with an area, no crowds.
pub(super) fn comparable<'a>(sound: &Sound<'a>) -> BTreeMap<usize, Vec<(usize, &'a BoundingBox)>> {
    let mut pictures: BTreeMap<usize, Vec<(usize, &'a BoundingBox)>> = BTreeMap::new();
    let is_comparable = |b: &BoundingBox| !is_degenerate(b) && !b.is_crowd;
    for ((i, j), _, b) in sound.boxes().filter(|(_, _, b)| is_comparable(b)) {
        pictures.entry(i).or_default().push((j, b));
    }
    pictures
}

impl Rule for DuplicateBox {
    type Input = Boxes;
    const ID: &'static str = "duplicate-box";
    const SEVERITY: Severity = Severity::Warning;
    const SIGNALS: &'static [Signal] = &[Signal::Boxes];

    fn check(&mut self, set: &Boxes, report: &mut Report) {
        let mut found: Vec<Culprit> = Vec::new();
        for (annotation, boxes) in comparable(&Sound::of(set)) {
            let redundant = repeated(&boxes, self.iou);
            found.extend(redundant.into_iter().map(|(number, iou)| Culprit {
                annotation,
                number,
                badness: iou,
                caption: format!("{} again", name(set, set.annotations.get(annotation), number)),
            }));
        }
        found.sort_by(|a, b| b.badness.total_cmp(&a.badness));
        let Some(worst) = found.first() else { return };
        let n_exact = found.iter().filter(|c| c.badness > 1.0 - 1e-9).count();
        let verb = if found.len() == 1 { "repeats" } else { "repeat" };
        let message = format!(
            "{} {verb} another of the same class ({n_exact} exactly, the others with an overlap of {} or more)",
            share(found.len(), set.n_boxes() as usize, "box"),
            Human(self.iou)
        );
        let measure =
            Evidence::at_most("largest overlap (IoU) of two boxes of a class", worst.badness, self.iou);
        let remedy = Remedy::risky("keep one of each")
            .command("stetho prepare DATA --drop duplicates --out prepared")
            .code(format!(
                "# in __getitem__ of the data set; boxes: float tensor [n, 4] of xmin, ymin, xmax, ymax\n\
             from torchvision.ops import box_iou\n\
             same = (box_iou(boxes, boxes) >= {}) & (labels[:, None] == labels[None, :])\n\
             keep = ~torch.tril(same, diagonal=-1).any(dim=1)\n\
             boxes, labels = boxes[keep], labels[keep]",
                self.iou
            ));
        report.raise(draft(set, &found, message, measure, remedy));
    }
}

fn name<'a>(set: &'a Boxes, annotation: Option<&'a Annotation>, number: usize) -> &'a str {
    annotation.and_then(|a| a.boxes.get(number)).map_or("?", |b| set.class_name(&b.class))
}

#[cfg(test)]
mod tests {
    use stetho_core::boxes::BoxFormat;

    use super::*;
    use crate::boxes::testing::{annotation, judge, of, set};

    fn found(boxes: impl IntoIterator<Item = BoundingBox>) -> u64 {
        let found = judge("duplicate-box", &set(BoxFormat::Coco, [annotation(300, 300, boxes)]));
        found.first().map_or(0, |f| f.count)
    }

    #[test]
    fn nineteen_twentieths_are_the_limit() {
        let beside = |x: f64| [of("cat", [0.0, 0.0, 100.0, 100.0]), of("cat", [0.0, 0.0, 100.0, x])];
        assert_eq!(found(beside(95.0)), 1);
        assert_eq!(found(beside(94.9)), 0);
    }

    #[test]
    fn of_three_copies_two_are_too_many() {
        assert_eq!(found([(); 3].map(|()| of("cat", [0.0, 0.0, 50.0, 50.0]))), 2);
    }

    #[test]
    fn crowds_other_classes_and_boxes_without_area_do_not_count() {
        let b = || of("cat", [0.0, 0.0, 50.0, 50.0]);
        let crowd = || BoundingBox { is_crowd: true, ..b() };
        assert_eq!(found([crowd(), crowd(), of("dog", [0.0, 0.0, 50.0, 50.0])]), 0);
        assert_eq!(found([b(), crowd()]), 0);
        assert_eq!(found([(); 2].map(|()| of("cat", [9.0, 9.0, 9.0, 9.0]))), 0);
    }
}
