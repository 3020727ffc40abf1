//! One label file: a line a box.

use stetho_core::boxes::{BoundingBox, BoxClass};

use crate::boxes::set::{At, Log};

/// Reads the lines of a label file; corners are fractions of the sides. Classes are still numbers as texts:
/// [`BoxClass::Unknown`]. `name` is that of the file in the log.
///
/// A line is `class cx cy w h`, perhaps with a confidence; or a class and the corners of a polygon, whose bounding box
/// is taken (segmentation, rotated boxes); or, with `has_keypoints`, a box and points.
pub(in crate::boxes) fn parse(name: &str, text: &str, has_keypoints: bool) -> (Vec<BoundingBox>, Log) {
    let (mut boxes, mut log) = (Vec::new(), Log::default());
    let lines = (1..).zip(text.lines()).filter(|(_, line)| !line.trim().is_empty());
    for ((number, line), index) in lines.zip(0..) {
        let at = At { index: Some(index), line: Some(number) };
        match one(line, has_keypoints) {
            Ok(Line { class, written, is_polygon }) => {
                let [x, y, w, h] = written;
                boxes.push(BoundingBox {
                    index,
                    line: at.line,
                    class: BoxClass::Unknown(class),
                    corners: [x - w / 2.0, y - h / 2.0, x + w / 2.0, y + h / 2.0],
                    written,
                    is_crowd: false,
                    is_derived: is_polygon,
                });
            }
            Err(problem) => log.add(name, at, problem, line.as_bytes()),
        }
    }
    (boxes, log)
}

/// What a line says.
struct Line {
    class: String,
    /// Centre and sides.
    written: [f64; 4],
    is_polygon: bool,
}

fn one(line: &str, has_keypoints: bool) -> Result<Line, String> {
    let mut fields = line.split_whitespace();
    let class = fields.next().unwrap_or_default();
    let class = class_number(class).ok_or_else(|| {
        format!("the class is `{}`, expected a number", class.chars().take(40).collect::<String>())
    })?;
    let mut numbers = Vec::with_capacity(4);
    for field in fields {
        let number: f64 = field
            .parse()
            .map_err(|_| format!("`{}` is no number", field.chars().take(40).collect::<String>()))?;
        if !number.is_finite() {
            return Err(format!("a number is {field}"));
        }
        numbers.push(number);
    }
    let n = numbers.len();
    // Points of three numbers behind the box, where their count cannot be that of a polygon's corners.
    let has_points = n > 5 && (has_keypoints || n % 2 == 1 && (n - 4).is_multiple_of(3));
    match numbers.as_slice() {
        [x, y, w, h, ..] if n == 4 || n == 5 || has_points => {
            Ok(Line { class, written: [*x, *y, *w, *h], is_polygon: false })
        }
        polygon if n >= 6 && n % 2 == 0 => {
            let written = around(polygon).ok_or("the polygon is too large")?;
            Ok(Line { class, written, is_polygon: true })
        }
        _ => Err(format!("{} fields, expected 5 (class, centre x, centre y, width, height)", n + 1)),
    }
}

/// A whole number, perhaps written as a float.
fn class_number(text: &str) -> Option<String> {
    if let Ok(number) = text.parse::<i64>() {
        return Some(number.to_string());
    }
    let number: f64 = text.parse().ok()?;
    (number.is_finite() && number.fract().abs() < f64::EPSILON).then(|| number.to_string())
}

/// Centre and sides of the box around the corners of a polygon; `None` where they are too large for numbers.
fn around(polygon: &[f64]) -> Option<[f64; 4]> {
    let range = |offset: usize| {
        let values = polygon.iter().skip(offset).step_by(2).copied();
        values.fold((f64::INFINITY, f64::NEG_INFINITY), |(low, high), v| (low.min(v), high.max(v)))
    };
    let ((x0, x1), (y0, y1)) = (range(0), range(1));
    let written = [f64::midpoint(x0, x1), f64::midpoint(y0, y1), x1 - x0, y1 - y0];
    written.iter().all(|n| n.is_finite()).then_some(written)
}
