//! `degenerate-box`

use serde::{Deserialize, Serialize};
use stetho_core::boxes::{BoundingBox, Boxes};
use stetho_core::{Evidence, Human, Remedy, Report, Rule, Severity, Signal};

use crate::box_sets::{Sound, draft, guard, share};

/// Boxes without an area: xmin = xmax or ymin = ymax, or corners that are exchanged.
///
/// ## Why it matters
/// Box regression learns the logarithm of the box's width over that of an anchor, `t_w = log(w / w_a)` (Fast R-CNN), and the
/// same of the height. Of a width of 0 that is −∞, so the regression loss is infinite; of a negative one it is NaN. One such
/// box in a batch ends a run that trained well for hours. Who guards against it differs: Faster R-CNN, RetinaNet and SSD of
/// torchvision stop with "all bounding boxes should have positive height and width", the generalised IoU of DETR asserts on
/// exchanged corners, YOLO loaders drop the box or the whole picture with one line in the log.
///
/// ## What to do
/// Drop these boxes when loading (`min_box = 1` pixel, after all resizing and cropping, which can make new ones), or draw
/// them again. Corners that are merely exchanged can be put in order.
///
/// ## Fires on
/// ```boxes format=voc
/// pictures 8 320x240 boxes 2 cat dog
/// picture odd 320x240
/// box cat 40 50 40 120
/// ```
/// ```boxes format=yolo
/// pictures 8 320x240 boxes 2 cat dog
/// picture odd 320x240
/// written dog 0.5 0.5 0.2 0
/// ```
///
/// ## Stays quiet on
/// A box one pixel wide has an area; `tiny-box` speaks of it.
/// ```boxes format=voc
/// pictures 8 320x240 boxes 2 cat dog
/// picture thin 320x240
/// box cat 40 50 41 120
/// ```
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct DegenerateBox {
    /// A side of this or less, in pixels, counts as none.
    pub least_side: f64,
}

/// What is wrong with the box, if its sides are not above `least`.
fn flaw(b: &BoundingBox, least: f64) -> Option<&'static str> {
    let (width, height) = (b.width(), b.height());
    Some(match (width <= least, height <= least) {
        (false, false) => return None,
        _ if width < 0.0 && height < 0.0 => "both corners exchanged",
        _ if width < 0.0 => "xmax below xmin",
        _ if height < 0.0 => "ymax below ymin",
        (true, true) => "a point",
        (true, false) => "no width",
        (false, true) => "no height",
    })
}

impl Rule for DegenerateBox {
    type Input = Boxes;
    const ID: &'static str = "degenerate-box";
    const SEVERITY: Severity = Severity::Error;
    const SIGNALS: &'static [Signal] = &[Signal::Boxes];

    fn check(&mut self, set: &Boxes, report: &mut Report) {
        let found = Sound::of(set).culprits(|_, b| {
            let sides = format!("{} × {}", Human(b.width()), Human(b.height()));
            Some((-b.width().min(b.height()), format!("{}: {sides} pixels", flaw(b, self.least_side)?)))
        });
        if found.is_empty() {
            return;
        }
        let all = || found.iter().filter_map(|c| set.annotations.get(c.annotation)?.boxes.get(c.number));
        let shortest = all().map(|b| b.width().min(b.height())).fold(f64::INFINITY, f64::min);
        let n_exchanged = all().filter(|b| b.width() < 0.0 || b.height() < 0.0).count();
        let verb = if found.len() == 1 { "has" } else { "have" };
        let what = match (found.as_slice(), n_exchanged) {
            ([only], _) => only.caption.clone(),
            (_, 0) => "a side of 0".to_owned(),
            (_, n) => format!("{n} with exchanged corners, {} with a side of 0", found.len() - n),
        };
        let message = format!("{} {verb} no area: {what}", share(found.len(), set.n_boxes() as usize, "box"));
        let measure = Evidence::at_least("shortest side in pixels", shortest, self.least_side.max(1.0));
        let remedy = Remedy::risky("drop them when loading (`min_box = 1`)")
            .command("stetho prepare DATA --drop degenerate --out prepared")
            .code(guard(1));
        let mut draft = draft(set, &found, message, measure, remedy);
        if n_exchanged > 0 {
            draft = draft.remedy(
                Remedy::risky("or put exchanged corners in order, where the boxes are right otherwise").code(
                    "lower = torch.minimum(boxes[:, :2], boxes[:, 2:])\n\
                     upper = torch.maximum(boxes[:, :2], boxes[:, 2:])\n\
                     boxes = torch.cat([lower, upper], dim=1)",
                ),
            );
        }
        report.raise(draft);
    }
}

#[cfg(test)]
mod tests {
    use stetho_core::Place;
    use stetho_core::boxes::BoxFormat;

    use super::*;
    use crate::boxes::testing::{annotation, judge, of, set};

    fn found(corners: [f64; 4]) -> usize {
        judge("degenerate-box", &set(BoxFormat::Voc, [annotation(100, 100, [of("cat", corners)])])).len()
    }

    #[test]
    fn zero_is_the_limit() {
        assert_eq!(found([10.0, 10.0, 10.0, 30.0]), 1);
        assert_eq!(found([10.0, 30.0, 30.0, 10.0]), 1);
        assert_eq!(found([10.0, 10.0, 10.5, 30.0]), 0);
    }

    #[test]
    fn each_box_is_placed_and_the_worst_comes_first() {
        let boxes = [
            of("cat", [10.0, 10.0, 50.0, 50.0]),
            of("cat", [10.0, 10.0, 10.0, 50.0]),
            of("cat", [40.0, 10.0, 10.0, 50.0]),
        ];
        let found = judge("degenerate-box", &set(BoxFormat::Voc, [annotation(100, 100, boxes)])).remove(0);
        assert!(found.message.starts_with("2 of 3 boxes (66.7 %) have no area: 1 with exchanged corners"));
        assert_eq!(found.places[0], Place::Item { path: "0.xml".into(), index: Some(2), line: Some(3) });
        let Some(Evidence::Pictures { groups, .. }) = found.evidence.last() else { panic!("no pictures") };
        let marked: Vec<bool> = groups[0][0].boxes.iter().map(|b| b.is_culprit).collect();
        assert_eq!((groups.len(), marked), (1, vec![false, true, true]));
        assert!(found.remedies[0].code.as_ref().unwrap().contains("min_box = 1\n"));
    }
}
