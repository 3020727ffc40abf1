//! `conflicting-box`

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};
use stetho_core::boxes::{BoundingBox, BoxClass, Boxes};
use stetho_core::{Evidence, Human, Remedy, Report, Rule, Severity, Signal};

use super::duplicate_box::{comparable, repeated};
use crate::box_sets::{Culprit, Sound, draft, overlaps, share};

/// One object under two classes: boxes of different classes with nearly the same corners.
///
/// ## Why it matters
/// A head that picks one class (softmax: Faster R-CNN, SSD, DETR) cannot be right on both and learns to be unsure of either;
/// in validation one of the two boxes counts as missed or as a false alarm. It is mostly a correction that was drawn without
/// deleting the first box.
///
/// ## What to do
/// Look at each and keep one class. If both are right, the head needs an independent score for each class (sigmoid, binary
/// cross-entropy), as those of YOLO and RetinaNet have.
///
/// Two classes that share their boxes as a rule are a hierarchy or several labels by design (`person` and `player`), and are
/// not told: at least `hierarchy` of the boxes of the rarer class, and five of them, lie on one of the other. Crowds are left
/// out.
///
/// ## Fires on
/// ```boxes format=coco
/// pictures 8 320x240 boxes 2 cat dog
/// picture both 320x240
/// box cat 40 50 140 150
/// box dog 41 50 140 151
/// ```
///
/// ## Stays quiet on
/// Every player is a person as well.
/// ```boxes format=coco
/// pictures 8 320x240 boxes 2 person ball
/// picture team 320x240
/// box player 10 10 50 90
/// box person 10 10 50 90
/// box player 60 10 100 90
/// box person 60 10 100 90
/// box player 110 10 150 90
/// box person 110 10 150 90
/// box player 160 10 200 90
/// box person 160 10 200 90
/// box player 210 10 250 90
/// box person 210 10 250 90
/// ```
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct ConflictingBox {
    /// Intersection over union from which two boxes are one object.
    pub iou: f64,
    /// Share of the rarer class's boxes that lie on one of the other class, from which both belong together.
    pub hierarchy: f64,
}

impl Default for ConflictingBox {
    fn default() -> Self {
        Self { iou: 0.95, hierarchy: 0.25 }
    }
}

/// Fewest shared boxes that make a hierarchy.
const LEAST_SHARED: usize = 5;

type Pair<'a> = (&'a BoxClass, &'a BoxClass);

impl ConflictingBox {
    /// Whether two classes belong together, as a rule of the set.
    fn belong_together(&self, pair: Pair<'_>, n: usize, sizes: &BTreeMap<&BoxClass, usize>) -> bool {
        let size = |class: &BoxClass| sizes.get(class).copied().unwrap_or(0);
        n >= LEAST_SHARED && n as f64 >= self.hierarchy * size(pair.0).min(size(pair.1)) as f64
    }
}

impl Rule for ConflictingBox {
    type Input = Boxes;
    const ID: &'static str = "conflicting-box";
    const SEVERITY: Severity = Severity::Warning;
    const SIGNALS: &'static [Signal] = &[Signal::Boxes];

    fn check(&mut self, set: &Boxes, report: &mut Report) {
        let mut sizes: BTreeMap<&BoxClass, usize> = BTreeMap::new();
        let mut conflicts: Vec<(usize, usize, usize, f64, Pair<'_>)> = Vec::new();
        for (annotation, mut boxes) in comparable(&Sound::of(set)) {
            let redundant = repeated(&boxes, self.iou);
            boxes.retain(|(number, _)| !redundant.contains_key(number));
            boxes.iter().for_each(|(_, b)| *sizes.entry(&b.class).or_default() += 1);
            let of: BTreeMap<usize, &BoundingBox> = boxes.iter().copied().collect();
            for (i, j, iou) in overlaps(&boxes, self.iou, |a, b| a.class != b.class) {
                let (i, j) = (i.min(j), i.max(j));
                let Some((a, b)) = of.get(&i).zip(of.get(&j)) else { continue };
                let pair = if a.class < b.class { (&a.class, &b.class) } else { (&b.class, &a.class) };
                conflicts.push((annotation, i, j, iou, pair));
            }
        }
        let mut pairs: BTreeMap<Pair<'_>, usize> = BTreeMap::new();
        conflicts.iter().for_each(|c| *pairs.entry(c.4).or_default() += 1);
        pairs.retain(|pair, n| !self.belong_together(*pair, *n, &sizes));
        conflicts.retain(|c| pairs.contains_key(&c.4));
        conflicts.sort_by(|a, b| b.3.total_cmp(&a.3));
        let Some(worst) = conflicts.first().map(|c| c.3) else { return };
        let words = |pair: Pair<'_>| format!("{} and {}", set.class_name(pair.0), set.class_name(pair.1));
        // Both boxes are marked, the object counts once.
        let mut found: Vec<Culprit> = Vec::new();
        let mut seen = BTreeSet::new();
        for (annotation, i, j, badness, pair) in &conflicts {
            for &number in [i, j] {
                if seen.insert((*annotation, number)) {
                    let caption = words(*pair);
                    found.push(Culprit { annotation: *annotation, number, badness: *badness, caption });
                }
            }
        }
        let n = conflicts.len();
        let mut counts: Vec<(Pair<'_>, usize)> = pairs.into_iter().collect();
        counts.sort_by_key(|(_, n)| std::cmp::Reverse(*n));
        let most =
            counts.first().map_or(String::new(), |(pair, n)| format!(", most often {} ({n})", words(*pair)));
        let most = if n == 1 { most.replace(", most often", ":").replace(" (1)", "") } else { most };
        let message = format!(
            "{} lie on another of a different class (overlap of {} or more){most}",
            share(found.len(), set.n_boxes() as usize, "box"),
            Human(self.iou)
        );
        let measure = Evidence::at_most("largest overlap (IoU) of boxes of two classes", worst, self.iou);
        let table = Evidence::table(
            "classes on the same object",
            ["classes", "objects"],
            counts.into_iter().map(|(pair, n)| [words(pair), n.to_string()]),
        );
        let remedy = Remedy::advice(
            "look at each and keep one class; if both are right, use a head with an independent score for each class",
        );
        report.raise(draft(set, &found, message, measure, remedy).count(n as u64).evidence(table));
    }
}

#[cfg(test)]
mod tests {
    use stetho_core::boxes::BoxFormat;

    use crate::boxes::testing::{annotation, judge, of, set};

    /// So many persons, of whom the first few are players too.
    fn found(n_persons: usize, n_both: usize, n_players: usize) -> Option<u64> {
        let at = |class: &str, i: usize| {
            let x = 30.0 * i as f64;
            of(class, [x, 0.0, x + 25.0, 80.0])
        };
        let players = (0..n_both).chain(n_persons..n_persons + n_players - n_both).map(|i| at("player", i));
        let boxes = (0..n_persons).map(|i| at("person", i)).chain(players);
        judge("conflicting-box", &set(BoxFormat::Coco, [annotation(9000, 100, boxes)]))
            .first()
            .map(|f| f.count)
    }

    #[test]
    fn some_are_a_conflict_and_a_rule_is_a_hierarchy() {
        assert_eq!(found(40, 4, 4), Some(4));
        assert_eq!(found(40, 5, 20), None);
        assert_eq!(found(40, 5, 21), Some(5));
        assert_eq!(found(40, 0, 5), None);
    }

    #[test]
    fn a_copy_of_the_same_class_is_told_once_and_elsewhere() {
        let boxes = ["cat", "cat", "dog"].map(|c| of(c, [0.0, 0.0, 50.0, 50.0]));
        let set = set(BoxFormat::Voc, [annotation(100, 100, boxes)]);
        let found = judge("conflicting-box", &set);
        assert_eq!((found[0].count, found[0].places.len()), (1, 2));
        assert_eq!(judge("duplicate-box", &set)[0].count, 1);
    }
}
