//! `annotation-size-mismatch`

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use stetho_core::boxes::{Annotation, Boxes, PictureState};
use stetho_core::{Evidence, Human, Remedy, Report, Rule, Severity, Signal};

use crate::box_sets::{draft_of_annotations, share};

/// Annotations that tell another width and height than their picture has.
///
/// ## Why it matters
/// The boxes were drawn on a picture of another size: it was resized, cropped or exchanged since. Converters divide the
/// corners by the width and height of the annotation, so every box of the picture lands elsewhere, and training goes on
/// without an error. Where width and height are exchanged and the picture has an orientation tag of 5 to 8, the boxes were
/// drawn on the picture as viewers turn it: they fit if your loader turns it as well (OpenCV does, Pillow and torchvision do
/// not); that is a warning.
///
/// ## What to do
/// If the sides differ by one factor, scale the boxes by it; if not, look what became of the picture. A difference of a pixel
/// moves nothing and is not told.
///
/// ## Fires on
/// ```boxes format=coco
/// pictures 8 320x240 boxes 2 cat dog
/// picture half 320x240 declared 640x480
/// box cat 20 30 100 120
/// ```
/// Drawn on the turned picture.
/// ```boxes format=voc
/// pictures 8 320x240 boxes 2 cat dog
/// picture phone 320x240 declared 240x320 orientation 6
/// box cat 20 130 100 300
/// ```
///
/// ## Stays quiet on
/// ```boxes format=voc
/// pictures 8 320x240 boxes 2 cat dog
/// picture rounded 320x240 declared 320x241
/// box cat 20 30 100 120
/// ```
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct AnnotationSizeMismatch {
    /// Pixels by which a side may differ.
    pub pixels: u32,
}

impl Default for AnnotationSizeMismatch {
    fn default() -> Self {
        Self { pixels: 1 }
    }
}

/// Width and height.
type Size = (u32, u32);

/// Why the sizes differ.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Cause {
    /// By one factor: the picture was resized.
    Scaled,
    /// Drawn on the picture as the orientation tag turns it.
    Turned,
    /// Width and height exchanged without such a tag.
    Exchanged,
    /// Another picture, or a part of it.
    Other,
}

impl AnnotationSizeMismatch {
    /// The cause of a difference, with both sizes.
    fn cause(&self, a: &Annotation) -> Option<(Cause, Size, Size)> {
        let PictureState::Sized(width, height) = a.state else { return None };
        let (w, h) = a.declared.filter(|(w, h)| *w > 0 && *h > 0)?;
        let is_near = |a: u32, b: u32| a.abs_diff(b) <= self.pixels;
        if is_near(w, width) && is_near(h, height) {
            return None;
        }
        let scale = f64::from(w) / f64::from(width);
        let is_scaled = (f64::from(height) * scale - f64::from(h)).abs() <= 1.0_f64.max(scale);
        let is_exchanged = is_near(w, height) && is_near(h, width);
        let cause = match (is_exchanged, a.orientation >= 5) {
            (true, true) => Cause::Turned,
            (true, false) => Cause::Exchanged,
            _ if is_scaled => Cause::Scaled,
            _ => Cause::Other,
        };
        Some((cause, (w, h), (width, height)))
    }
}

impl Cause {
    fn words(self, n: usize) -> &'static str {
        match (self, n) {
            (Self::Scaled, 1) => "is of the picture at another scale",
            (Self::Scaled, _) => "are of the picture at another scale",
            (Self::Turned, 1) => "was drawn on the picture as its orientation tag turns it",
            (Self::Turned, _) => "were drawn on the picture as its orientation tag turns it",
            (Self::Exchanged, 1) => "has width and height exchanged",
            (Self::Exchanged, _) => "have width and height exchanged",
            (Self::Other, 1) => "tells another size than its picture has",
            (Self::Other, _) => "tell another size than their picture has",
        }
    }

    fn remedy(self) -> Remedy {
        match self {
            Self::Scaled => Remedy::risky("scale the boxes to the picture, if they fit then").code(
                "scale_x, scale_y = width / annotated_width, height / annotated_height\n\
                 boxes[:, 0::2] *= scale_x  # boxes: xmin, ymin, xmax, ymax\n\
                 boxes[:, 1::2] *= scale_y",
            ),
            Self::Turned => Remedy::risky("turn the picture when loading, then the boxes fit").code(
                "from PIL import Image, ImageOps\n\
                 picture = ImageOps.exif_transpose(Image.open(path))",
            ),
            Self::Exchanged => Remedy::risky(
                "look whether the boxes fit the picture: if so exchange the two numbers in the annotation, if not the boxes \
                 were drawn on the picture before it was turned",
            ),
            Self::Other => {
                Remedy::advice("look what became of the picture: cropped, exchanged or padded; box it again")
            }
        }
    }
}

impl Rule for AnnotationSizeMismatch {
    type Input = Boxes;
    const ID: &'static str = "annotation-size-mismatch";
    const SEVERITY: Severity = Severity::Error;
    const SIGNALS: &'static [Signal] = &[Signal::Boxes];

    fn check(&mut self, set: &Boxes, report: &mut Report) {
        let n = set.annotations.iter().filter(|a| a.declared.is_some()).count();
        let mut causes: BTreeMap<Cause, Vec<(usize, String, f64)>> = BTreeMap::new();
        for (i, a) in set.annotations.iter().enumerate() {
            if let Some((cause, told, is)) = self.cause(a) {
                let caption = format!("told {} × {}, is {} × {}", told.0, told.1, is.0, is.1);
                let times = f64::from(told.0) / f64::from(is.0);
                causes.entry(cause).or_default().push((i, caption, times));
            }
        }
        for (cause, mut differing) in causes {
            let off = |times: f64| times.max(1.0 / times);
            differing.sort_by(|a, b| off(b.2).total_cmp(&off(a.2)));
            let Some((_, first, times)) = differing.first().cloned() else { continue };
            let found: Vec<(usize, String)> =
                differing.into_iter().map(|(i, caption, _)| (i, caption)).collect();
            let factor =
                if cause == Cause::Scaled { format!(", {} times", Human(times)) } else { String::new() };
            let words = cause.words(found.len());
            let message = format!("{} {words}: {first}{factor}", share(found.len(), n, "annotation"));
            let rows = found.iter().take(100).filter_map(|(i, caption)| {
                let a = set.annotations.get(*i)?;
                Some([a.picture.clone(), caption.clone(), a.orientation.to_string()])
            });
            let table = Evidence::table("sizes", ["picture", "width × height", "orientation tag"], rows);
            let severity = if cause == Cause::Turned { Severity::Warning } else { Severity::Error };
            let draft = draft_of_annotations(set, &found, message, table, cause.remedy());
            report.raise(draft.severity(severity).topic(format!("{cause:?}")));
        }
    }
}

#[cfg(test)]
mod tests {
    use stetho_core::boxes::BoxFormat;

    use super::*;
    use crate::boxes::testing::{annotation, judge, set};

    fn found(declared: (u32, u32), orientation: u8) -> Option<(Severity, String)> {
        let a = Annotation { declared: Some(declared), orientation, ..annotation(200, 100, []) };
        judge("annotation-size-mismatch", &set(BoxFormat::Voc, [a])).pop().map(|f| (f.severity, f.message))
    }

    #[test]
    fn a_pixel_is_the_limit() {
        assert_eq!(found((201, 99), 1), None);
        assert!(found((202, 100), 1).is_some());
    }

    #[test]
    fn causes_are_told_apart() {
        let told = |declared, orientation| found(declared, orientation).unwrap();
        assert!(told((400, 200), 1).1.ends_with("at another scale: told 400 × 200, is 200 × 100, 2 times"));
        assert!(told((100, 200), 1).1.contains("width and height exchanged"));
        assert!(told((150, 130), 6).1.contains("tells another size"));
        let (severity, message) = told((100, 200), 6);
        assert!(severity == Severity::Warning && message.contains("as its orientation tag turns it"));
    }

    #[test]
    fn without_a_picture_there_is_nothing_to_compare() {
        let a = Annotation { state: PictureState::Missing, ..annotation(200, 100, []) };
        assert!(judge("annotation-size-mismatch", &set(BoxFormat::Coco, [a])).is_empty());
    }
}
