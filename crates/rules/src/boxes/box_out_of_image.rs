//! `box-out-of-image`

use serde::{Deserialize, Serialize};
use stetho_core::boxes::{Annotation, BoundingBox, BoxFormat, Boxes};
use stetho_core::{Evidence, Human, Remedy, Report, Rule, Severity, Signal, percent};

use crate::box_sets::{Sound, draft, frames, is_degenerate, overhang, share};

/// Boxes with a corner outside of their picture.
///
/// ## Why it matters
/// The network is asked for an edge where it sees nothing. What happens differs and is mostly silent: torchvision's models
/// train on the box as it is, albumentations stops with an error, YOLO loaders leave out the whole picture when a number is
/// above 1. After clipping, a box that lies wholly outside has no area, and its regression loss is infinite. Often the picture
/// was cropped or resized after the boxes were drawn, and then the boxes inside are wrong as well.
///
/// ## What to do
/// Look whether all boxes of these pictures are off. If only the edge is, clip the boxes and drop those that nothing is left
/// of. Rounding by a pixel is no reason to worry and is not told; neither are boxes that fit the size that the annotation
/// tells, for `annotation-size-mismatch` does.
///
/// ## Fires on
/// ```boxes format=coco
/// pictures 8 320x240 boxes 2 cat dog
/// picture odd 320x240
/// box cat 250 50 340 120
/// ```
///
/// ## Stays quiet on
/// Rounding, and corners that count from 1 and include the last pixel.
/// ```boxes format=coco
/// pictures 8 320x240 boxes 2 cat dog
/// picture edge 320x240
/// box cat 250.3 50 320.6 120.25
/// box dog -0.4 100 90.02 240.7
/// ```
/// ```boxes format=voc
/// pictures 8 320x240 boxes 2 cat dog
/// picture edge 320x240
/// box cat 1 50 320 240
/// ```
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct BoxOutOfImage {
    /// Pixels by which a corner may lie outside.
    pub pixels: f64,
    /// Share of the picture's longer side by which a corner may lie outside; the larger of both counts.
    pub share: f64,
}

impl Default for BoxOutOfImage {
    fn default() -> Self {
        Self { pixels: 1.0, share: 1e-3 }
    }
}

impl BoxOutOfImage {
    /// How far outside the box lies beyond what is allowed, as a share of the picture's longer side, and in words.
    fn beyond(&self, format: BoxFormat, a: &Annotation, b: &BoundingBox) -> Option<(f64, String)> {
        let outside = |frame: (f64, f64)| {
            let longer = frame.0.max(frame.1);
            let pixels = if longer > 1.0 { self.pixels } else { 0.0 };
            let by = overhang(b.corners, frame);
            // Half a hundredth of a pixel for what was computed from fractions.
            let is_out = by > pixels.max(self.share * longer) + 5e-3_f64.min(5e-3 * longer);
            is_out.then(|| {
                let is_wholly = b.corners[0] >= frame.0
                    || b.corners[1] >= frame.1
                    || b.corners[2] <= 0.0
                    || b.corners[3] <= 0.0;
                let how = if is_wholly { "wholly outside" } else { "outside" };
                let far = if longer > 1.0 {
                    format!("{} pixels", Human((by * 10.0).round() / 10.0))
                } else {
                    percent(by)
                };
                (by / longer, format!("{how} by {far}"))
            })
        };
        let all: Option<Vec<(f64, String)>> = frames(format, a).into_iter().map(outside).collect();
        all?.into_iter().min_by(|a, b| a.0.total_cmp(&b.0))
    }
}

impl Rule for BoxOutOfImage {
    type Input = Boxes;
    const ID: &'static str = "box-out-of-image";
    const SEVERITY: Severity = Severity::Error;
    const SIGNALS: &'static [Signal] = &[Signal::Boxes];

    fn check(&mut self, set: &Boxes, report: &mut Report) {
        let found = Sound::of(set)
            .culprits(|a, b| if is_degenerate(b) { None } else { self.beyond(set.format, a, b) });
        let Some(worst) = found.first() else { return };
        let verb = if found.len() == 1 { "lies" } else { "lie" };
        let n_wholly = found.iter().filter(|c| c.caption.starts_with("wholly")).count();
        let detail = match (found.len(), n_wholly) {
            (1, _) => format!(": {}", worst.caption),
            (_, 0) => format!(", at most {}", worst.caption),
            (_, n) => format!(", {n} of them wholly; the farthest {}", worst.caption),
        };
        let message = format!(
            "{} {verb} outside of the picture{detail}",
            share(found.len(), set.n_boxes() as usize, "box")
        );
        let measure = Evidence::at_most(
            "farthest outside, as a share of the picture's side",
            worst.badness,
            self.share,
        );
        let remedy = Remedy::risky("clip the boxes to the picture and drop those that nothing is left of")
            .code(
                "# in __getitem__ of the data set; boxes: xmin, ymin, xmax, ymax in pixels\n\
             height, width = image.shape[-2:]\n\
             boxes[:, 0::2] = boxes[:, 0::2].clamp(0, width)\n\
             boxes[:, 1::2] = boxes[:, 1::2].clamp(0, height)\n\
             keep = ((boxes[:, 2:] - boxes[:, :2]) >= 1).all(dim=1)\n\
             boxes, labels = boxes[keep], labels[keep]",
            );
        report.raise(draft(set, &found, message, measure, remedy).remedy(Remedy::advice(
            "look whether these pictures were cropped or resized after the boxes were drawn: then all their boxes are off",
        )));
    }
}

#[cfg(test)]
mod tests {
    use stetho_core::boxes::PictureState;

    use super::*;
    use crate::boxes::testing::{annotation, judge, of, set};

    fn found(format: BoxFormat, corners: [f64; 4]) -> usize {
        judge("box-out-of-image", &set(format, [annotation(200, 100, [of("cat", corners)])])).len()
    }

    #[test]
    fn a_pixel_is_the_limit() {
        assert_eq!(found(BoxFormat::Coco, [100.0, 10.0, 201.0, 50.0]), 0);
        assert_eq!(found(BoxFormat::Coco, [100.0, 10.0, 201.1, 50.0]), 1);
        assert_eq!(found(BoxFormat::Voc, [-1.0, 10.0, 101.0, 50.0]), 0);
        assert_eq!(found(BoxFormat::Voc, [-1.5, 10.0, 101.0, 50.0]), 1);
    }

    #[test]
    fn a_box_that_fits_the_declared_size_is_a_matter_of_that() {
        let mut other = annotation(200, 100, [of("cat", [100.0, 10.0, 380.0, 50.0])]);
        other.declared = Some((400, 200));
        assert!(judge("box-out-of-image", &set(BoxFormat::Coco, [other.clone()])).is_empty());
        other.declared = Some((300, 200));
        assert_eq!(judge("box-out-of-image", &set(BoxFormat::Coco, [other])).len(), 1);
    }

    #[test]
    fn fractions_without_a_picture_are_judged_as_they_are() {
        let mut lost = annotation(0, 0, [of("cat", [0.4, 0.4, 1.1, 0.6])]);
        (lost.declared, lost.state) = (None, PictureState::Missing);
        let found = judge("box-out-of-image", &set(BoxFormat::Yolo, [lost]));
        assert!(found[0].message.ends_with("outside by 10 %"), "{}", found[0].message);
    }

    #[test]
    fn without_area_it_is_no_matter_of_this_rule() {
        assert_eq!(found(BoxFormat::Voc, [150.0, 10.0, 150.0, 150.0]), 0);
    }
}
