//! Outlines and masks of COCO annotations, for the boxes around them.
//!
//! A mask is run lengths down the columns, from left to right, the first of them outside of the object: a list of
//! numbers, or the text that pycocotools writes, whose letters hold five bits each and whose numbers from the fourth on
//! are the difference to the one before the last (`rleToString` in its `maskApi.c`).

use serde_json::Value;

use super::entry::{number, shorten};

/// x, y, width, height of the pixels or points that `segmentation` names.
///
/// # Errors
/// What is wrong with it, in words.
pub(super) fn extent(segmentation: &Value) -> Result<[f64; 4], String> {
    match segmentation {
        Value::Array(polygons) => around(polygons),
        Value::Object(mask) => {
            let [height, width] = sides(mask.get("size"))?;
            mask_extent(&runs(mask.get("counts"))?, height, width)
        }
        other => Err(format!(
            "`segmentation` is `{}`, expected polygons or run lengths",
            shorten(&other.to_string())
        )),
    }
}

fn around(polygons: &[Value]) -> Result<[f64; 4], String> {
    let (mut low, mut high) = ([f64::INFINITY; 2], [f64::NEG_INFINITY; 2]);
    for polygon in polygons {
        let points = polygon.as_array().ok_or_else(|| {
            format!("`segmentation` holds `{}`, expected a list of x, y", shorten(&polygon.to_string()))
        })?;
        if points.len() < 6 || points.len() % 2 == 1 {
            return Err(format!(
                "a polygon of `segmentation` has {} numbers, expected 6, 8, 10 …",
                points.len()
            ));
        }
        for (i, value) in points.iter().enumerate() {
            let value = number("segmentation", value)?;
            if let (Some(low), Some(high)) = (low.get_mut(i % 2), high.get_mut(i % 2)) {
                (*low, *high) = (low.min(value), high.max(value));
            }
        }
    }
    let ([x, y], [right, bottom]) = (low, high);
    if x > right {
        return Err("it has no `bbox`, and `segmentation` is empty".to_owned());
    }
    let sides = [right - x, bottom - y];
    if !sides.iter().all(|n| n.is_finite()) {
        return Err("`segmentation` holds numbers that are too large".to_owned());
    }
    Ok([x, y, sides[0], sides[1]])
}

/// Height and width of a mask.
fn sides(size: Option<&Value>) -> Result<[u64; 2], String> {
    let sides = size.and_then(Value::as_array).map(Vec::as_slice);
    let side = |value: &Value| value.as_u64().filter(|n| (1..=u64::from(u32::MAX)).contains(n));
    match sides {
        Some([height, width]) => side(height).zip(side(width)).map(<[u64; 2]>::from),
        _ => None,
    }
    .ok_or_else(|| "`size` of the run lengths is not height and width".to_owned())
}

fn runs(counts: Option<&Value>) -> Result<Vec<u64>, String> {
    match counts {
        Some(Value::Array(counts)) => counts
            .iter()
            .map(|n| {
                n.as_u64().ok_or_else(|| {
                    format!("`counts` holds `{}`, expected a number of pixels", shorten(&n.to_string()))
                })
            })
            .collect(),
        Some(Value::String(text)) => unpack(text),
        _ => Err("the run lengths have no `counts`".to_owned()),
    }
}

/// The run lengths that a text holds.
fn unpack(text: &str) -> Result<Vec<u64>, String> {
    let mut runs: Vec<i64> = Vec::new();
    let (mut value, mut shift) = (0_i64, 0_u32);
    for letter in text.chars() {
        let bits = match letter {
            '0'..='o' => i64::from(u32::from(letter) - u32::from('0')),
            _ => return Err(format!("`counts` holds the letter `{}`", letter.escape_debug())),
        };
        if shift > 35 {
            return Err("`counts` holds a number of more than 40 bits".to_owned());
        }
        value |= (bits & 31) << shift;
        shift += 5;
        if bits & 32 != 0 {
            continue;
        }
        if bits & 16 != 0 {
            value -= 1 << shift;
        }
        if let [_, .., before, _] = runs.as_slice() {
            value = value.saturating_add(*before);
        }
        runs.push(value);
        (value, shift) = (0, 0);
    }
    if shift > 0 {
        return Err("`counts` ends inside a number".to_owned());
    }
    let run = |n: i64| u64::try_from(n).map_err(|_| format!("`counts` holds a run of {n} pixels"));
    runs.into_iter().map(run).collect()
}

/// The extent of the pixels in every second run of a mask.
fn mask_extent(runs: &[u64], height: u64, width: u64) -> Result<[f64; 4], String> {
    let n_pixels = height.saturating_mul(width);
    let sum = runs.iter().fold(0_u64, |sum, n| sum.saturating_add(*n));
    if sum != n_pixels {
        return Err(format!("`counts` speaks of {sum} pixels, `size` of {height} × {width} = {n_pixels}"));
    }
    let (mut left, mut right, mut top, mut bottom) = (width, 0, height, 0);
    let mut at = 0;
    for (i, n) in runs.iter().enumerate() {
        if i % 2 == 1 && *n > 0 {
            let ((first, from), (last, to)) =
                ((at / height, at % height), ((at + n - 1) / height, (at + n - 1) % height));
            // A run that goes on in the next column ends at the bottom and begins again at the top.
            let (from, to) = if first == last { (from, to) } else { (0, height - 1) };
            (left, right) = (left.min(first), right.max(last + 1));
            (top, bottom) = (top.min(from), bottom.max(to + 1));
        }
        at += n;
    }
    if left >= right {
        return Err("the mask of `segmentation` has no pixel".to_owned());
    }
    Ok([left, top, right - left, bottom - top].map(|n| n as f64))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    /// `rleToString` of pycocotools, as it stands there.
    fn pack(runs: &[u64]) -> String {
        let mut text = String::new();
        for (i, n) in runs.iter().enumerate() {
            let mut x = *n as i64 - if i > 2 { runs[i - 2] as i64 } else { 0 };
            loop {
                let mut bits = x & 31;
                x >>= 5;
                let is_more = if bits & 16 != 0 { x != -1 } else { x != 0 };
                if is_more {
                    bits |= 32;
                }
                text.push(char::from(bits as u8 + 48));
                if !is_more {
                    break;
                }
            }
        }
        text
    }

    /// Run lengths of a mask that is given by its columns.
    fn encode(mask: &[bool]) -> Vec<u64> {
        let mut runs = vec![0];
        let mut is_inside = false;
        for pixel in mask {
            if *pixel != is_inside {
                runs.push(0);
                is_inside = *pixel;
            }
            *runs.last_mut().unwrap() += 1;
        }
        runs
    }

    /// The extent, pixel by pixel.
    fn slow(mask: &[bool], height: usize) -> Option<[f64; 4]> {
        let of = |f: fn(usize, usize) -> usize| -> Vec<usize> {
            (0..mask.len()).filter(|i| mask[*i]).map(|i| f(i, height)).collect()
        };
        let (xs, ys) = (of(|i, h| i / h), of(|i, h| i % h));
        let range = |v: &[usize]| Some((*v.iter().min()?, v.iter().max()? - v.iter().min()? + 1));
        let ((x, w), (y, h)) = (range(&xs)?, range(&ys)?);
        Some([x, y, w, h].map(|n| n as f64))
    }

    proptest! {
        #[test]
        fn masks_have_the_extent_of_their_pixels(
            height in 1usize..9,
            pixels in prop::collection::vec(prop::bool::weighted(0.2), 0..90),
        ) {
            let width = pixels.len() / height;
            prop_assume!(width > 0);
            let mask = &pixels[..width * height];
            let runs = encode(mask);
            let plain = extent(&json!({"counts": runs, "size": [height, width]}));
            let packed = extent(&json!({"counts": pack(&runs), "size": [height, width]}));
            prop_assert_eq!(plain.clone().ok(), slow(mask, height));
            prop_assert_eq!(packed, plain);
        }

        #[test]
        fn numbers_come_back_from_their_text(runs in prop::collection::vec(0u64..1 << 33, 0..20)) {
            prop_assert_eq!(unpack(&pack(&runs)), Ok(runs));
        }

        #[test]
        fn any_text_is_runs_or_one_line(text in "[0-o]{0,40}", height in 1u32.., width in 1u32..) {
            let found = extent(&json!({"counts": text, "size": [height, width]}));
            prop_assert!(found.map_or_else(|words| !words.is_empty(), |b| b.iter().all(|n| n.is_finite())));
        }
    }

    #[test]
    fn polygons_have_the_extent_of_their_points() {
        let two = json!([[1, 2.5, 10, 2, 4, 8], [20, 3, 21, 3, 21, 4.5]]);
        assert_eq!(extent(&two), Ok([1.0, 2.0, 20.0, 6.0]));
    }

    #[test]
    fn masks_are_read_as_pycocotools_writes_them() {
        // From `pycocotools.mask.encode`, with the boxes of its `toBbox`.
        let small = json!({"counts": "7230008", "size": [5, 6]});
        assert_eq!(extent(&small), Ok([1.0, 2.0, 3.0, 2.0]));
        let bars = json!({"counts": "nS1:_m0e8[b5VGa\\L", "size": [300, 40]});
        assert_eq!(extent(&bars), Ok([3.0, 3.0, 28.0, 287.0]));
    }

    #[test]
    fn what_is_no_segmentation_is_told() {
        let told = |value: Value| extent(&value).unwrap_err();
        assert_eq!(told(json!([])), "it has no `bbox`, and `segmentation` is empty");
        assert_eq!(told(json!([1, 2, 3, 4, 5, 6])), "`segmentation` holds `1`, expected a list of x, y");
        assert_eq!(
            told(json!([[1, 2, 3, 4, 5]])),
            "a polygon of `segmentation` has 5 numbers, expected 6, 8, 10 …"
        );
        assert_eq!(told(json!([[1, 2, 3, 4, 5, "6"]])), "`segmentation` holds `\"6\"`, expected a number");
        let far = json!([[-1e308, 0, 1e308, 0, 0, 9]]);
        assert_eq!(told(far), "`segmentation` holds numbers that are too large");
        assert_eq!(told(json!("x")), "`segmentation` is `\"x\"`, expected polygons or run lengths");
        assert_eq!(told(json!({"counts": [1]})), "`size` of the run lengths is not height and width");
        assert_eq!(told(json!({"size": [1, 1]})), "the run lengths have no `counts`");
        assert_eq!(
            told(json!({"counts": [1, -2], "size": [1, 1]})),
            "`counts` holds `-2`, expected a number of pixels"
        );
        let wrong = json!({"counts": [1, 2], "size": [2, 2]});
        assert_eq!(told(wrong), "`counts` speaks of 3 pixels, `size` of 2 × 2 = 4");
        assert_eq!(told(json!({"counts": [4], "size": [2, 2]})), "the mask of `segmentation` has no pixel");
        assert_eq!(told(json!({"counts": "1p", "size": [2, 2]})), "`counts` holds the letter `p`");
        assert_eq!(told(json!({"counts": "1P", "size": [2, 2]})), "`counts` ends inside a number");
        assert_eq!(
            told(json!({"counts": "PPPPPPPPP", "size": [2, 2]})),
            "`counts` holds a number of more than 40 bits"
        );
        assert_eq!(told(json!({"counts": "O", "size": [2, 2]})), "`counts` holds a run of -1 pixels");
    }
}
