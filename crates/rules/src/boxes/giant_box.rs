//! `giant-box`

use serde::{Deserialize, Serialize};
use stetho_core::boxes::{Annotation, BoundingBox, BoxFormat, Boxes};
use stetho_core::{Evidence, Remedy, Report, Rule, Severity, Signal, percent};

use crate::box_sets::{Sound, draft, is_degenerate, share};

/// Boxes that cover nearly the whole picture.
///
/// ## Why it matters
/// Such a box often stands for *something in this picture* rather than for an object: a class label that was made into a
/// box, or a click on *whole picture*. It teaches nothing about where things are, and its background is part of the object.
/// Close-ups are the honest reason.
///
/// ## What to do
/// Look at them. Draw the object where it is smaller; keep close-ups. Where most boxes are such, the task is classification
/// of pictures, which is easier to learn than detection.
///
/// ## Fires on
/// ```boxes format=voc
/// pictures 12 320x240 boxes 2 cat dog
/// picture close 320x240
/// box cat 1 1 320 240
/// ```
///
/// ## Stays quiet on
/// ```boxes format=voc
/// pictures 12 320x240 boxes 2 cat dog
/// picture large 320x240
/// box cat 10 10 300 235
/// ```
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct GiantBox {
    /// Share of the picture's area above which a box is told.
    pub area: f64,
}

impl Default for GiantBox {
    fn default() -> Self {
        Self { area: 0.9 }
    }
}

/// Share of the picture that the box covers.
fn covered(format: BoxFormat, a: &Annotation, b: &BoundingBox) -> Option<f64> {
    let unit = (format == BoxFormat::Yolo).then_some((1.0, 1.0));
    let (width, height) = a.size().or(unit)?;
    let [x1, y1, x2, y2] = b.corners;
    let inside = |low: f64, high: f64, side: f64| (high.min(side) - low.max(0.0)).max(0.0) / side;
    Some(inside(x1, x2, width) * inside(y1, y2, height))
}

impl Rule for GiantBox {
    type Input = Boxes;
    const ID: &'static str = "giant-box";
    const SEVERITY: Severity = Severity::Info;
    const SIGNALS: &'static [Signal] = &[Signal::Boxes];

    fn check(&mut self, set: &Boxes, report: &mut Report) {
        let found = Sound::of(set).culprits(|a, b| {
            let is_judged = !is_degenerate(b) && !b.is_crowd;
            let covered = covered(set.format, a, b).filter(|c| is_judged && *c > self.area)?;
            Some((covered, format!("covers {} of the picture", percent(covered))))
        });
        let Some(worst) = found.first() else { return };
        let (n, verb) = (set.n_boxes() as usize, if found.len() == 1 { "covers" } else { "cover" });
        let mut message = format!(
            "{} {verb} more than {} of the picture",
            share(found.len(), n, "box"),
            percent(self.area)
        );
        if 2 * found.len() > n {
            message.push_str(": this is rather classification than detection");
        }
        let measure =
            Evidence::at_most("largest share of the picture that a box covers", worst.badness, self.area);
        let remedy = Remedy::advice("look at them: draw the object where it is smaller, keep close-ups");
        report.raise(draft(set, &found, message, measure, remedy).certainty(0.3));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::boxes::testing::{annotation, judge, of, set};

    fn found(b: BoundingBox) -> usize {
        judge("giant-box", &set(BoxFormat::Coco, [annotation(100, 100, [b])])).len()
    }

    #[test]
    fn nine_tenths_are_the_limit_and_what_lies_outside_does_not_count() {
        assert_eq!(found(of("cat", [0.0, 0.0, 100.0, 90.0])), 0);
        assert_eq!(found(of("cat", [0.0, 0.0, 100.0, 90.5])), 1);
        assert_eq!(found(of("cat", [0.0, -90.0, 100.0, 90.0])), 0);
    }

    #[test]
    fn a_crowd_may_fill_the_picture() {
        assert_eq!(found(BoundingBox { is_crowd: true, ..of("cat", [0.0, 0.0, 100.0, 100.0]) }), 0);
    }
}
