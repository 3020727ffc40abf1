//! `coordinate-units`

use serde::{Deserialize, Serialize};
use stetho_core::boxes::{Annotation, BoundingBox, BoxFormat, Boxes};
use stetho_core::{Draft, Evidence, Number, Pictured, Remedy, Report, Rule, Severity, Signal};

use crate::box_sets::{Culprit, draft, pictured, share};
use crate::box_units::{Limits, Mistake, Order, Suspicion, Units};

/// Boxes written by another convention than that of their format: fractions for pixels, sizes for corners.
///
/// ## Why it matters
/// The file parses, the training runs, and the boxes are somewhere else: in the corner of the picture as points, beyond its
/// edge, or with a negative width. The network learns to look at the wrong place, and the score stays near zero without an
/// error. It comes from a converter that was written for another format; COCO writes xmin, ymin, width, height in pixels,
/// Pascal VOC xmin, ymin, xmax, ymax in pixels, YOLO centre x, centre y, width, height as fractions of the sides.
///
/// ## What to do
/// Look at the pictures: the boxes are drawn as they were probably meant. Convert the numbers where they are written, not in
/// the data loader. No other rule speaks of these boxes.
///
/// ## Fires on
/// ```boxes format=coco
/// pictures 8 320x240 boxes 2 cat dog
/// picture fractions 320x240
/// written cat 0.25 0.5 0.125 0.2
/// ```
/// Pixels in a YOLO file.
/// ```boxes format=yolo
/// pictures 8 320x240 boxes 2 cat dog
/// picture pixels 320x240
/// written cat 120 100 60 80
/// ```
/// Percent in a YOLO file.
/// ```boxes format=yolo
/// picture a 640x480
/// written cat 30 40 20 30
/// written dog 75 60 40 50
/// picture b 640x480
/// written cat 55.5 50 61 80
/// written cat 20 70 12.5 20
/// ```
/// Width and height in the place of xmax and ymax.
/// ```boxes format=voc
/// picture a 320x240
/// written cat 200 100 60 80
/// written cat 20 30 60 80
/// picture b 320x240
/// written cat 150 120 90 100
/// picture c 320x240
/// written cat 180 90 120 80
/// picture d 320x240
/// written cat 90 110 100 100
/// ```
///
/// ## Stays quiet on
/// Corners that were exchanged by mistake are no other order: `degenerate-box` tells them.
/// ```boxes format=voc
/// pictures 8 320x240 boxes 2 cat dog
/// picture a 320x240
/// box cat 300 100 200 180
/// box cat 280 100 210 180
/// picture b 320x240
/// box cat 270 100 160 180
/// box dog 300 40 200 140
/// ```
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct CoordinateUnits {
    /// Least share of boxes that are impossible as the format reads them, for another order to be suspected.
    pub impossible: f64,
    /// Most boxes, as a share, that may be impossible in the other order as well.
    pub misfit: f64,
    /// Where only some annotations are of another order: so many of them at least.
    pub annotations: usize,
}

impl Default for CoordinateUnits {
    fn default() -> Self {
        let Limits { impossible, misfit, annotations } = Limits::default();
        Self { impossible, misfit, annotations }
    }
}

impl Rule for CoordinateUnits {
    type Input = Boxes;
    const ID: &'static str = "coordinate-units";
    const SEVERITY: Severity = Severity::Error;
    const SIGNALS: &'static [Signal] = &[Signal::Boxes];

    fn check(&mut self, set: &Boxes, report: &mut Report) {
        let Self { impossible, misfit, annotations } = *self;
        for suspicion in Units::within(set, Limits { impossible, misfit, annotations }).suspicions {
            report.raise(told(set, &suspicion));
        }
    }
}

fn told(set: &Boxes, suspicion: &Suspicion) -> Draft {
    let name = set.format.name();
    let own = if set.format == BoxFormat::Yolo { "fractions of the picture's sides" } else { "pixels" };
    let n = suspicion.boxes.len();
    let of_all = share(n, set.n_boxes() as usize, "box");
    let is = if n == 1 { "is" } else { "are" };
    let (message, caption, certainty) = match suspicion.mistake {
        Mistake::Fractions => (
            format!("{of_all} {is} written as fractions of the picture's sides, where {name} has {own}"),
            "drawn as fractions".to_owned(),
            1.0,
        ),
        Mistake::Pixels => (
            format!("{of_all} {is} written in pixels (numbers above 1), where {name} has {own}"),
            "drawn as pixels".to_owned(),
            1.0,
        ),
        Mistake::Percent => (
            format!("{of_all} {is} written in percent (numbers up to 100), where {name} has {own}"),
            "drawn as percent".to_owned(),
            0.95,
        ),
        Mistake::Order(order) => (
            format!(
                "{of_all} {is} probably written as {}, where {name} has {}: read by the format, {} of them have no area \
                 or lie outside of the picture, read so they fit",
                order.name(),
                Order::of(set.format).name(),
                suspicion.n_impossible
            ),
            format!("drawn as {}", order.name()),
            0.9,
        ),
    };
    let found: Vec<Culprit> = suspicion
        .boxes
        .iter()
        .map(|&(annotation, number)| Culprit { annotation, number, badness: 0.0, caption: caption.clone() })
        .collect();
    let measure = Evidence::at_most("boxes impossible as written", suspicion.n_impossible as f64, 0.0);
    let as_written = draft(set, &found, message, measure, remedy(set.format, suspicion.mistake));
    let mut shown = pictured(set, &found);
    shown.iter_mut().for_each(|picture| redraw(set, suspicion, &found, picture));
    let numbers = found.iter().take(10).filter_map(|c| {
        let a = set.annotations.get(c.annotation)?;
        let b = a.boxes.get(c.number)?;
        Some([a.path.clone(), b.index.to_string(), b.written.map(|n| Number(n).to_string()).join(", ")])
    });
    let table = Evidence::table("the numbers as written", ["file", "box", "numbers"], numbers);
    let topic = format!("{:?}", suspicion.mistake);
    let meant = Evidence::pictures("the boxes as they were probably meant", shown);
    as_written.evidence(meant).evidence(table).certainty(certainty).topic(topic)
}

/// Draws the culprits of a picture as they were probably meant.
fn redraw(set: &Boxes, suspicion: &Suspicion, found: &[Culprit], picture: &mut Pictured) {
    let on = found.iter().find_map(|c| {
        let annotation = set.annotations.get(c.annotation)?;
        (annotation.picture == picture.path).then_some(annotation)
    });
    let Some(annotation) = on else { return };
    for (drawn, b) in picture.boxes.iter_mut().zip(&annotation.boxes).filter(|(drawn, _)| drawn.is_culprit) {
        drawn.corners = meant(set.format, suspicion.mistake, annotation, b).map(Number);
    }
}

/// xmin, ymin, xmax, ymax in pixels of the numbers as they were probably meant.
fn meant(format: BoxFormat, mistake: Mistake, annotation: &Annotation, b: &BoundingBox) -> [f64; 4] {
    let (width, height) = annotation.size().unwrap_or((1.0, 1.0));
    let scaled = |[a, b, c, d]: [f64; 4]| [a * width, b * height, c * width, d * height];
    match mistake {
        Mistake::Fractions => scaled(Order::of(format).corners(b.written)),
        Mistake::Pixels => Order::of(format).corners(b.written),
        Mistake::Percent => scaled(Order::of(format).corners(b.written.map(|n| n / 100.0))),
        Mistake::Order(order) if format == BoxFormat::Yolo => scaled(order.corners(b.written)),
        Mistake::Order(order) => order.corners(b.written),
    }
}

/// The conversion as Python.
fn remedy(format: BoxFormat, mistake: Mistake) -> Remedy {
    let read = |order: Order| match order {
        Order::Corners => "x1, y1, x2, y2 = numbers",
        Order::CornerSize => "x1, y1, w, h = numbers\nx2, y2 = x1 + w, y1 + h",
        Order::CentreSize => {
            "x, y, w, h = numbers\nx1, y1, x2, y2 = x - w / 2, y - h / 2, x + w / 2, y + h / 2"
        }
        Order::RowsFirst => "y1, x1, y2, x2 = numbers",
    };
    let written = match format {
        BoxFormat::Coco => "bbox = [x1, y1, x2 - x1, y2 - y1]  # COCO",
        BoxFormat::Voc => "xmin, ymin, xmax, ymax = x1, y1, x2, y2  # Pascal VOC",
        BoxFormat::Yolo => "line = f\"{label} {(x1 + x2) / 2} {(y1 + y2) / 2} {x2 - x1} {y2 - y1}\"  # YOLO",
    };
    let code = match mistake {
        Mistake::Fractions => {
            "a, b, c, d = numbers\nnumbers = [a * width, b * height, c * width, d * height]".to_owned()
        }
        Mistake::Pixels => {
            "x, y, w, h = numbers\nnumbers = [x / width, y / height, w / width, h / height]".to_owned()
        }
        Mistake::Percent => "numbers = [n / 100 for n in numbers]".to_owned(),
        Mistake::Order(order) => format!("{}\n{written}", read(order)),
    };
    Remedy::risky("look at the pictures, then convert the numbers where they are written").code(code)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::boxes::testing::{annotation, judge, of, set};

    #[test]
    fn percent_is_divided_by_a_hundred() {
        let one = |written: [f64; 4]| BoundingBox { written, ..of("cat", written) };
        let boxes = [
            [50.0, 50.0, 100.0, 100.0],
            [30.0, 50.0, 20.0, 50.0],
            [9.0, 9.0, 5.0, 5.0],
            [80.0, 80.0, 20.0, 20.0],
        ];
        let set = set(BoxFormat::Yolo, [annotation(400, 200, boxes.map(one))]);
        let found = judge("coordinate-units", &set).remove(0);
        assert!(found.message.contains("in percent"), "{}", found.message);
        assert_eq!(found.remedies[0].code.as_deref(), Some("numbers = [n / 100 for n in numbers]"));
        let Evidence::Pictures { groups, .. } = &found.evidence[2] else { panic!("no pictures") };
        assert_eq!(groups[0][0].boxes[1].corners, [80.0, 50.0, 160.0, 150.0].map(Number));
    }

    #[test]
    fn boxes_are_drawn_as_they_were_meant() {
        let boxes = [of("cat", [0.25, 0.5, 0.75, 1.0]), of("dog", [10.0, 10.0, 60.0, 60.0])];
        let set = set(BoxFormat::Voc, [annotation(200, 100, boxes)]);
        let found = judge("coordinate-units", &set).remove(0);
        assert_eq!(found.count, 1);
        let Evidence::Pictures { groups, .. } = &found.evidence[2] else { panic!("no pictures") };
        let drawn = &groups[0][0].boxes;
        assert_eq!(drawn[0].corners, [50.0, 50.0, 150.0, 100.0].map(Number));
        assert!(drawn[0].is_culprit && !drawn[1].is_culprit);
        for other in ["tiny-box", "degenerate-box", "box-out-of-image"] {
            assert!(judge(other, &set).is_empty(), "{other}");
        }
    }
}
