//! `tiny-box`

use serde::{Deserialize, Serialize};
use stetho_core::boxes::{Annotation, BoundingBox, Boxes};
use stetho_core::{Evidence, Human, Remedy, Report, Rule, Severity, Signal};

use crate::box_sets::{Sound, draft, guard, histogram, is_degenerate, share};

/// Boxes with a side of a few pixels only.
///
/// ## Why it matters
/// Ten pixels are less than one cell of a feature map of stride 16, and less than a third of the smallest usual anchor (32
/// pixels): the box hardly overlaps any anchor, so it is matched by force or not at all, and its logarithm in the box
/// encoding is far from those of all others. Resizing the picture makes it smaller still. Where other objects are large, such
/// boxes are mostly slips of the mouse or what cropping left of an object.
///
/// ## What to do
/// Look at them. Drop the slips (`min_box = 10`); for small objects that are meant, train at a higher resolution or on tiles,
/// with smaller anchors or a finer feature map.
///
/// Where many boxes are small, as in aerial pictures or of cells, that is the nature of the set: it is told as an info only.
/// In pictures of less than 200 pixels, a twentieth of the side takes the place of the ten pixels. Crowds and boxes marked as
/// difficult are left out.
///
/// ## Fires on
/// ```boxes format=coco
/// pictures 12 640x480 boxes 3 cat dog
/// picture slip 640x480
/// box cat 100 100 104 103
/// ```
///
/// ## Stays quiet on
/// ```boxes format=yolo
/// pictures 12 640x480 boxes 3 cat dog
/// picture small 640x480
/// box cat 100 100 112 114
/// ```
/// Small pictures of small things.
/// ```boxes format=voc
/// pictures 4 64x64 boxes 2 digit
/// picture small 64x64
/// box digit 10 10 17 19
/// ```
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct TinyBox {
    /// A side below this many pixels is tiny.
    pub min_side: f64,
    /// So is one below this share of the picture's side.
    pub min_share: f64,
    /// Where this share of the boxes has a side below twice these limits, small boxes are the nature of the set.
    pub common: f64,
}

impl Default for TinyBox {
    fn default() -> Self {
        Self { min_side: 10.0, min_share: 0.01, common: 0.2 }
    }
}

/// In smaller pictures the limit in pixels is this share of the side.
const LARGEST_SHARE: f64 = 0.05;

impl TinyBox {
    /// The smaller of width and height over their limits: below 1 for a tiny box.
    fn relative(&self, a: &Annotation, b: &BoundingBox) -> Option<f64> {
        let (width, height) = a.size()?;
        let limit = |side: f64| self.min_side.min(LARGEST_SHARE * side).max(self.min_share * side);
        (!is_degenerate(b) && !b.is_crowd).then(|| (b.width() / limit(width)).min(b.height() / limit(height)))
    }
}

fn shorter(b: &BoundingBox) -> f64 {
    b.width().min(b.height())
}

impl Rule for TinyBox {
    type Input = Boxes;
    const ID: &'static str = "tiny-box";
    const SEVERITY: Severity = Severity::Warning;
    const SIGNALS: &'static [Signal] = &[Signal::Boxes];

    fn check(&mut self, set: &Boxes, report: &mut Report) {
        const EDGES: [f64; 11] = [0.0, 5.0, 10.0, 15.0, 20.0, 30.0, 50.0, 100.0, 200.0, 400.0, 800.0];
        let sound = Sound::of(set);
        let found = sound.culprits(|a, b| {
            let relative = self.relative(a, b).filter(|r| *r < 1.0)?;
            let rounded = |side: f64| Human((side * 10.0).round() / 10.0);
            Some((-relative, format!("{} × {} pixels", rounded(b.width()), rounded(b.height()))))
        });
        let Some(worst) = found.first() else { return };
        let judged: Vec<(f64, f64)> =
            sound.boxes().filter_map(|(_, a, b)| Some((self.relative(a, b)?, shorter(b)))).collect();
        let n_small = judged.iter().filter(|(relative, _)| *relative < 2.0).count();
        let is_common = n_small as f64 >= self.common * judged.len() as f64;
        let limits =
            format!("{} pixels or {} % of the picture", Human(self.min_side), Human(100.0 * self.min_share));
        let verb = if found.len() == 1 { "has" } else { "have" };
        let nature = if is_common {
            "; small boxes are common here".to_owned()
        } else {
            format!("; the smallest is {}", worst.caption)
        };
        let message =
            format!("{} {verb} a side below {limits}{nature}", share(found.len(), judged.len(), "box"));
        let measure = Evidence::at_least("shorter side over its limit, least of all", -worst.badness, 1.0);
        let sides = histogram("shorter side of the boxes in pixels", &EDGES, judged.iter().map(|j| j.1));
        let advice = Remedy::advice(
            "where they are meant: train at a higher resolution or on tiles, with smaller anchors or a finer feature map",
        );
        let drop = Remedy::risky("look at them, and drop the slips when loading (`min_box = 10`)")
            .command("stetho prepare DATA --drop tiny --out prepared")
            .code(guard(10));
        let (first, second, severity) =
            if is_common { (advice, drop, Severity::Info) } else { (drop, advice, Severity::Warning) };
        report.raise(
            draft(set, &found, message, measure, first).evidence(sides).remedy(second).severity(severity),
        );
    }
}

#[cfg(test)]
mod tests {
    use stetho_core::boxes::BoxFormat;

    use super::*;
    use crate::boxes::testing::{annotation, judge, of, set};

    fn square(side: f64) -> BoundingBox {
        of("cat", [5.0, 5.0, 5.0 + side, 5.0 + side])
    }

    /// A set of one picture with 20 boxes of 80 pixels and those of these sides.
    fn found(side: u32, sides: &[f64]) -> Vec<stetho_core::Finding> {
        let boxes = sides.iter().copied().chain([80.0; 20]).map(square);
        judge("tiny-box", &set(BoxFormat::Coco, [annotation(side, side, boxes)]))
    }

    #[test]
    fn ten_pixels_are_the_limit() {
        assert!(found(600, &[10.0]).is_empty());
        assert_eq!(found(600, &[9.9])[0].severity, Severity::Warning);
        assert_eq!(found(600, &[9.9, 9.8])[0].count, 2);
    }

    #[test]
    fn of_large_and_small_pictures_the_share_decides() {
        assert_eq!(found(3000, &[29.0]).len(), 1);
        assert!(found(3000, &[30.0]).is_empty());
        assert!(found(100, &[5.0]).is_empty());
        assert_eq!(found(100, &[4.9]).len(), 1);
    }

    #[test]
    fn where_small_boxes_are_common_it_is_an_info() {
        let small = [9.0, 12.0, 14.0, 18.0, 19.0];
        assert_eq!(found(600, &small)[0].severity, Severity::Info);
        assert_eq!(found(600, &small[..4])[0].severity, Severity::Warning);
    }

    #[test]
    fn crowds_and_boxes_without_area_are_left_out() {
        let crowd = BoundingBox { is_crowd: true, ..square(4.0) };
        let boxes = [crowd, square(0.0), square(50.0)];
        assert!(judge("tiny-box", &set(BoxFormat::Coco, [annotation(600, 600, boxes)])).is_empty());
    }
}
