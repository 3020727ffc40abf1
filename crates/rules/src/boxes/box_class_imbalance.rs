//! `box-class-imbalance`

use serde::{Deserialize, Serialize};
use stetho_core::boxes::{BoxClass, Boxes};
use stetho_core::table::Part;
use stetho_core::{
    Draft, Evidence, Human, Place, Remedy, Report, Rule, Severity, Signal, percent, thousands,
};

use crate::show::listing;

/// A class with a hundredth of the boxes of the most frequent one, or a tiny share of all.
///
/// ## Why it matters
/// The loss is a sum over boxes: the network learns the frequent classes and says *background* for the rare one. The mean
/// average precision counts every class alike, so one class of a handful of boxes can cost as much as the most frequent one.
///
/// ## What to do
/// Collect more of it, draw its pictures more often, or merge it with a neighbour. Look at the average precision of each
/// class, not at their mean alone.
///
/// A long tail is the nature of large sets: a class that has at least `few_boxes` boxes can be learned, so it is told as an
/// info. Classes that are declared and never used are not told; one that is only in validation or test is a warning.
///
/// ## Fires on
/// ```boxes format=coco
/// pictures 30 640x480 boxes 10 cat
/// picture rare 640x480
/// box dog 100 100 200 200
/// ```
///
/// ## Stays quiet on
/// ```boxes format=coco
/// pictures 30 640x480 boxes 10 cat
/// pictures 4 640x480 boxes 2 dog
/// ```
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct BoxClassImbalance {
    /// How many times as frequent as a class the most frequent one may be.
    pub ratio: f64,
    /// Least share of the boxes; of more than ten classes, a tenth of an even share counts instead.
    pub share: f64,
    /// A class of fewer boxes than this is too rare to learn.
    pub few_boxes: u64,
}

impl Default for BoxClassImbalance {
    fn default() -> Self {
        Self { ratio: 100.0, share: 0.01, few_boxes: 100 }
    }
}

/// How many classes the evidence shows.
const SHOWN: usize = 20;
/// Fewer boxes than this say nothing about shares.
const LEAST_BOXES: u64 = 100;

/// Boxes of each class in training and in the held-out parts.
fn counts(set: &Boxes) -> Vec<(&str, u64, u64)> {
    let mut counts: Vec<(&str, u64, u64)> = set.classes.iter().map(|c| (c.as_str(), 0, 0)).collect();
    for (a, b) in set.all() {
        if let BoxClass::Known(class) = b.class
            && let Some((_, train, held_out)) = counts.get_mut(class as usize)
        {
            if a.part == Part::Train {
                *train += 1;
            } else {
                *held_out += 1;
            }
        }
    }
    counts.retain(|(_, train, held_out)| train + held_out > 0);
    counts.sort_by_key(|(_, train, _)| std::cmp::Reverse(*train));
    counts
}

impl Rule for BoxClassImbalance {
    type Input = Boxes;
    const ID: &'static str = "box-class-imbalance";
    const SEVERITY: Severity = Severity::Warning;
    const SIGNALS: &'static [Signal] = &[Signal::Boxes];

    fn check(&mut self, set: &Boxes, report: &mut Report) {
        let counts = counts(set);
        let Some(most) = counts.first().filter(|c| c.1 > 0) else { return };
        let n: u64 = counts.iter().map(|c| c.1).sum();
        let least = self.share.min(0.1 / counts.len() as f64);
        let is_unseen = |c: &&(&str, u64, u64)| c.1 == 0;
        let unseen: Vec<&str> = counts.iter().filter(is_unseen).map(|c| c.0).collect();
        let rare: Vec<&(&str, u64, u64)> = counts
            .iter()
            .filter(|c| c.1 > 0 && n >= LEAST_BOXES)
            .filter(|c| c.1 as f64 * self.ratio < most.1 as f64 || (c.1 as f64) < least * n as f64)
            .collect();
        if !unseen.is_empty() {
            let has = if unseen.len() == 1 { "occurs" } else { "occur" };
            let message =
                format!("{} {has} in validation or test and never in training", listing(&unseen, 3));
            let measure = Evidence::at_least("boxes in training", 0.0, 1.0);
            let remedy = Remedy::advice("split so that every class is in training");
            let draft = Draft::new(Place::Whole, message, measure, remedy).topic("unseen");
            report.raise(draft.count(unseen.len() as u64).evidence(shares(&counts, n)));
        }
        let Some(rarest) = rare.last() else { return };
        let few = rare.iter().filter(|c| c.1 < self.few_boxes).count();
        let severity = if few > 0 { Severity::Warning } else { Severity::Info };
        let times = most.1 as f64 / rarest.1 as f64;
        let others = match rare.len() {
            1 => String::new(),
            n => format!("; {n} classes are that rare"),
        };
        let message = format!(
            "class `{}` has {} of {} boxes ({}), 1 for every {} of `{}` (limits {} and {}){others}",
            rarest.0,
            thousands(rarest.1),
            thousands(n),
            percent(rarest.1 as f64 / n as f64),
            Human(times),
            most.0,
            percent(least),
            Human(self.ratio),
        );
        let remedy = if few > 0 {
            Remedy::advice(
                "collect more of the rare classes, or merge them with a neighbour; a few dozen boxes are not learned",
            )
        } else {
            Remedy::advice("look at the average precision of each class, not at their mean alone")
        };
        let measure = Evidence::at_most("most frequent over rarest class", times, self.ratio);
        let draft = Draft::new(Place::Whole, message, measure, remedy).severity(severity).topic("rare");
        report.raise(draft.count(rare.len() as u64).evidence(shares(&counts, n)).remedy(sampler()));
    }
}

/// The most frequent and the rarest classes.
fn shares(counts: &[(&str, u64, u64)], n: u64) -> Evidence {
    let cut = counts.len() > SHOWN;
    let is_shown = |i: usize| !cut || i < SHOWN / 2 || i + SHOWN / 2 >= counts.len();
    let shown = counts.iter().enumerate().filter(|(i, _)| is_shown(*i));
    Evidence::bars(
        "share of the boxes in training",
        shown.map(|(_, (name, train, _))| ((*name).to_owned(), *train as f64 / n.max(1) as f64)),
    )
}

/// Repeat-factor sampling of LVIS (Gupta, Dollár and Girshick 2019) as Python.
fn sampler() -> Remedy {
    Remedy::risky("or draw pictures with rare classes more often (repeat factors, as for LVIS)").code(
        "# labels_of: for each picture, the set of its class numbers\n\
         from collections import Counter\n\
         share = Counter(c for labels in labels_of for c in labels)\n\
         share = {c: n / len(labels_of) for c, n in share.items()}\n\
         weights = [max([1.0] + [(0.01 / share[c]) ** 0.5 for c in labels]) for labels in labels_of]\n\
         sampler = torch.utils.data.WeightedRandomSampler(weights, num_samples=len(weights))",
    )
}

#[cfg(test)]
mod tests {
    use stetho_core::boxes::{Annotation, BoxFormat};

    use super::*;
    use crate::boxes::testing::{annotation, judge, of, set};

    fn part(part: Part, counts: &[(&str, usize)]) -> Annotation {
        let boxes = counts.iter().flat_map(|(class, n)| vec![of(class, [10.0, 10.0, 60.0, 60.0]); *n]);
        Annotation { part, ..annotation(100, 100, boxes) }
    }

    fn severity(counts: &[(&str, usize)]) -> Option<Severity> {
        let found = judge("box-class-imbalance", &set(BoxFormat::Coco, [part(Part::Train, counts)]));
        found.first().map(|f| f.severity)
    }

    #[test]
    fn a_hundred_to_one_and_a_hundredth_are_the_limits() {
        assert_eq!(severity(&[("cat", 990), ("dog", 10)]), None);
        assert_eq!(severity(&[("cat", 991), ("dog", 9)]), Some(Severity::Warning));
        assert_eq!(severity(&[("cat", 98), ("dog", 1)]), None);
    }

    #[test]
    fn what_can_be_learned_is_an_info() {
        assert_eq!(severity(&[("cat", 10_001), ("dog", 100)]), Some(Severity::Info));
        assert_eq!(severity(&[("cat", 10_000), ("dog", 99)]), Some(Severity::Warning));
    }

    #[test]
    fn of_many_classes_the_limit_is_a_tenth_of_an_even_share() {
        let names: Vec<String> = (0..50).map(|i| format!("class{i:02}")).collect();
        let even: Vec<(&str, usize)> =
            names.iter().enumerate().map(|(i, n)| (n.as_str(), 500 - 9 * i)).collect();
        assert_eq!(severity(&even), None);
    }

    #[test]
    fn a_class_of_validation_only_is_told() {
        let parts = [part(Part::Train, &[("cat", 50)]), part(Part::Validation, &[("cat", 5), ("dog", 5)])];
        let found = judge("box-class-imbalance", &set(BoxFormat::Coco, parts)).remove(0);
        assert_eq!(found.message, "`dog` occurs in validation or test and never in training");
    }
}
