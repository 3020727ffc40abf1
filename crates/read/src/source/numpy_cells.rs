//! Bytes of a NumPy array as a column.

use std::sync::Arc;

use arrow_array::builder::StringViewBuilder;
use arrow_array::{ArrayRef, BooleanArray, Float64Array, Int64Array};

use super::numpy_header::Element;

/// NumPy's "not a time".
const NAT: i64 = i64::MIN;

/// The column of the `n_rows` values at the start of every `stride` bytes. Values behind the end of `bytes` are null,
/// which the caller rules out.
pub(super) fn column(bytes: &[u8], element: Element, stride: usize, n_rows: usize) -> ArrayRef {
    let size = element.size();
    let cells = (0..n_rows).map(|row| bytes.get(row * stride..row * stride + size));
    match element {
        Element::Bool => {
            Arc::new(cells.map(|c| c.and_then(<[u8]>::first).map(|b| *b != 0)).collect::<BooleanArray>())
        }
        Element::Int(8, false, big) => unsigned(cells, big),
        Element::Int(_, signed, big) => {
            Arc::new(cells.map(|c| c.map(|c| integer(c, signed, big))).collect::<Int64Array>())
        }
        Element::Float(_, big) => Arc::new(cells.map(|c| c.map(|c| float(c, big))).collect::<Float64Array>()),
        Element::Unicode(_, big) => text(cells, |cell, out| unicode(cell, big, out)),
        Element::Latin(_) => text(cells, |cell, out| {
            let end = cell.iter().rposition(|b| *b != 0).map_or(0, |last| last + 1);
            out.push_str(&String::from_utf8_lossy(cell.get(..end).unwrap_or_default()));
        }),
        Element::Time { seconds, months, big, .. } => {
            let convert = |cell: &[u8]| {
                let count = integer(cell, true, big);
                (count != NAT).then(|| in_seconds(count, seconds, months))
            };
            Arc::new(cells.map(|c| c.and_then(convert)).collect::<Float64Array>())
        }
    }
}

/// The bytes as a little-endian number, sign extended where asked.
fn integer(cell: &[u8], signed: bool, big: bool) -> i64 {
    let fold = |value: u64, byte: &u8| value << 8 | u64::from(*byte);
    let value = if big { cell.iter().fold(0, fold) } else { cell.iter().rev().fold(0, fold) };
    let unused = 64u32.saturating_sub(8 * cell.len() as u32);
    if signed { (value << unused) as i64 >> unused } else { value as i64 }
}

fn unsigned<'a>(cells: impl Iterator<Item = Option<&'a [u8]>>, big: bool) -> ArrayRef {
    let values: Vec<Option<u64>> = cells.map(|c| c.map(|c| integer(c, false, big) as u64)).collect();
    if values.iter().flatten().all(|v| i64::try_from(*v).is_ok()) {
        return Arc::new(values.into_iter().map(|v| v.map(|v| v as i64)).collect::<Int64Array>());
    }
    Arc::new(values.into_iter().map(|v| v.map(|v| v as f64)).collect::<Float64Array>())
}

fn float(cell: &[u8], big: bool) -> f64 {
    let bits = integer(cell, false, big) as u64;
    match cell.len() {
        2 => half::f16::from_bits(bits as u16).to_f64(),
        4 => f64::from(f32::from_bits(bits as u32)),
        _ => f64::from_bits(bits),
    }
}

fn text<'a>(
    cells: impl Iterator<Item = Option<&'a [u8]>>,
    mut write: impl FnMut(&[u8], &mut String),
) -> ArrayRef {
    let mut builder = StringViewBuilder::new();
    let mut out = String::new();
    for cell in cells {
        let Some(cell) = cell else {
            builder.append_null();
            continue;
        };
        out.clear();
        write(cell, &mut out);
        builder.append_value(&out);
    }
    Arc::new(builder.finish())
}

/// Four bytes a character; zeros at the end are padding.
fn unicode(cell: &[u8], big: bool, out: &mut String) {
    for unit in cell.chunks_exact(4) {
        let code = integer(unit, false, big) as u32;
        out.push(char::from_u32(code).unwrap_or(char::REPLACEMENT_CHARACTER));
    }
    out.truncate(out.trim_end_matches('\0').len());
}

/// Counts of a unit as seconds; months and years (since 1970) as the seconds to their first day.
fn in_seconds(count: i64, seconds: f64, months: i64) -> f64 {
    if months != 0 {
        return months_to_days(count.saturating_mul(months)) * 86_400.0;
    }
    if seconds >= 1.0 {
        return count as f64 * seconds;
    }
    // Whole seconds and the rest apart: nanoseconds since 1970 have more digits than a double.
    let per_second = (1.0 / seconds).round() as i64;
    count.div_euclid(per_second) as f64 + count.rem_euclid(per_second) as f64 * seconds
}

/// Days from 1970-01-01 to the first of the month, in the proleptic Gregorian calendar (Howard Hinnant's
/// `days_from_civil`).
fn months_to_days(months: i64) -> f64 {
    let (year, month) = (1970 + months.div_euclid(12), months.rem_euclid(12) + 1);
    let year = if month <= 2 { year - 1 } else { year };
    let era = year.div_euclid(400);
    let year_of_era = year.rem_euclid(400);
    let day_of_year = (153 * ((month + 9) % 12) + 2) / 5;
    let day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
    era as f64 * 146_097.0 + day_of_era as f64 - 719_468.0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn months_count_to_the_first_day() {
        for (months, days) in
            [(0, 0.0), (1, 31.0), (12, 365.0), (-1, -31.0), (26, 790.0), (27, 821.0), (360, 10_957.0)]
        {
            assert!((months_to_days(months) - days).abs() < 0.5, "{months}");
        }
    }

    #[test]
    fn integers_of_every_width_and_order() {
        assert_eq!(integer(&[0xff], true, false), -1);
        assert_eq!(integer(&[0xff], false, false), 255);
        assert_eq!(integer(&[0x01, 0x00], true, true), 256);
        assert_eq!(integer(&[0x00, 0x80], true, false), -32_768);
        assert_eq!(integer(&i64::MIN.to_le_bytes(), true, false), i64::MIN);
        assert_eq!(integer(&[0, 0, 0, 0x80], false, false), 1 << 31);
    }
}
