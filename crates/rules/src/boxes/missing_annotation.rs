//! `missing-annotation`

use serde::{Deserialize, Serialize};
use stetho_core::boxes::{Annotation, BoxFormat, Boxes, PictureState};
use stetho_core::{Evidence, Remedy, Report, Rule, Severity, Signal, percent};

use crate::box_sets::{draft_of_annotations, share};

/// Pictures of which no annotation speaks.
///
/// ## Why it matters
/// A YOLO loader takes a picture without a label file for background: if there are objects on it, the network is punished for
/// finding them. A loader that goes by the annotations (COCO, Pascal VOC) never sees the picture, so you train on fewer than
/// you have. A picture that was annotated and has no box is another matter (`empty-image`).
///
/// ## What to do
/// Look at these pictures: annotate them, or write down that they are empty (an entry without boxes, an empty label file), or
/// move them away.
///
/// It is an info only where most pictures of a COCO or Pascal VOC set have none, for that is a pool to choose from, and in a
/// YOLO set that has no empty label file and up to `background` such pictures, for that is how background is usually given
/// there.
///
/// ## Fires on
/// ```boxes format=voc
/// pictures 8 320x240 boxes 2 cat dog
/// picture forgotten 320x240 unannotated
/// ```
///
/// ## Stays quiet on
/// An annotation without boxes says that there is nothing to see.
/// ```boxes format=voc
/// pictures 8 320x240 boxes 2 cat dog
/// picture empty 320x240
/// ```
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct MissingAnnotation {
    /// Share of pictures without a label file that a YOLO set may use as background.
    pub background: f64,
    /// Share of pictures without annotation above which a COCO or Pascal VOC set is a pool.
    pub pool: f64,
}

impl Default for MissingAnnotation {
    fn default() -> Self {
        Self { background: 0.1, pool: 0.5 }
    }
}

impl Rule for MissingAnnotation {
    type Input = Boxes;
    const ID: &'static str = "missing-annotation";
    const SEVERITY: Severity = Severity::Warning;
    const SIGNALS: &'static [Signal] = &[Signal::Boxes];

    fn check(&mut self, set: &Boxes, report: &mut Report) {
        let without = set.annotations.iter().enumerate().filter(|(_, a)| !a.is_annotated);
        let found: Vec<(usize, String)> = without.map(|(i, _)| (i, "no annotation".to_owned())).collect();
        if found.is_empty() {
            return;
        }
        let is_there = |a: &&Annotation| a.state != PictureState::Missing;
        let n = set.annotations.iter().filter(is_there).count();
        let rate = found.len() as f64 / n.max(1) as f64;
        let is_yolo = set.format == BoxFormat::Yolo;
        let has_empty = set.annotations.iter().any(|a| a.is_annotated && a.boxes.is_empty());
        let (severity, limit, how) = match (is_yolo, rate) {
            (true, rate) if rate <= self.background && !has_empty => {
                (Severity::Info, self.background, "a YOLO loader takes them for background")
            }
            (true, _) => (Severity::Warning, 0.0, "a YOLO loader takes them for background, objects or not"),
            (false, rate) if rate > self.pool => (
                Severity::Info,
                0.0,
                "rather a pool to choose from; loaders that go by annotations leave them out",
            ),
            (false, _) => (Severity::Warning, 0.0, "loaders that go by annotations leave them out"),
        };
        let verb = if found.len() == 1 { "has" } else { "have" };
        let message = format!("{} {verb} no annotation: {how}", share(found.len(), n, "picture"));
        let measure = Evidence::at_most(
            if severity == Severity::Info && is_yolo {
                format!("share of pictures without annotation (up to {} is usual)", percent(limit))
            } else {
                "share of pictures without annotation".to_owned()
            },
            rate,
            limit,
        );
        let remedy =
            Remedy::advice("look at them: annotate them, write down that they are empty, or move them away");
        report.raise(draft_of_annotations(set, &found, message, measure, remedy).severity(severity));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::boxes::testing::{annotation, judge, of, set};

    fn severity(format: BoxFormat, n_without: usize, n_with: usize, n_empty: usize) -> Option<Severity> {
        let with = (0..n_with).map(|_| annotation(100, 100, [of("cat", [10.0, 10.0, 50.0, 50.0])]));
        let empty = (0..n_empty).map(|_| annotation(100, 100, []));
        let without = (0..n_without).map(|_| Annotation { is_annotated: false, ..annotation(100, 100, []) });
        judge("missing-annotation", &set(format, with.chain(empty).chain(without)))
            .first()
            .map(|f| f.severity)
    }

    #[test]
    fn background_and_pools_are_told_apart_from_gaps() {
        use Severity::{Info, Warning};
        assert_eq!(severity(BoxFormat::Voc, 0, 9, 1), None);
        assert_eq!(severity(BoxFormat::Voc, 1, 9, 0), Some(Warning));
        assert_eq!(severity(BoxFormat::Coco, 11, 9, 0), Some(Info));
        assert_eq!(severity(BoxFormat::Yolo, 1, 9, 0), Some(Info));
        assert_eq!(severity(BoxFormat::Yolo, 1, 8, 1), Some(Warning));
        assert_eq!(severity(BoxFormat::Yolo, 2, 9, 0), Some(Warning));
    }
}
