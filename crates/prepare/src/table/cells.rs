//! Cells as text, and what they mean.

use stetho_read::source::is_null_word;

/// The shortest text that reads back as `value`, never with more digits than fit on a line.
pub(crate) fn show_number(value: f64) -> String {
    let size = value.abs();
    if value.is_finite() && size != 0.0 && !(1e-5..1e16).contains(&size) {
        return format!("{value:e}");
    }
    if value.is_nan() { "nan".into() } else { value.to_string() }
}

/// Seconds since 1970 in ISO 8601, UTC.
pub(crate) fn show_time(seconds: f64) -> String {
    if !seconds.is_finite() || seconds.abs() > 2e11 {
        return show_number(seconds);
    }
    let whole = seconds.floor();
    let micros = ((seconds - whole) * 1e6).round().min(999_999.0) as u32;
    let (days, second) = ((whole / 86_400.0).floor() as i64, whole.rem_euclid(86_400.0) as u32);
    let (year, month, day) = date_of(days);
    let (hour, minute, second) = (second / 3600, second / 60 % 60, second % 60);
    let fraction = if micros == 0 { String::new() } else { format!(".{micros:06}") };
    format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}{fraction}Z")
}

/// Year, month and day of the day that is so many days after 1970-01-01 (H. Hinnant, `civil_from_days`).
fn date_of(days: i64) -> (i64, i64, i64) {
    let shifted = days + 719_468;
    let era = shifted.div_euclid(146_097);
    let day_of_era = shifted.rem_euclid(146_097);
    let year_of_era = (day_of_era - day_of_era / 1460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let shifted_month = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * shifted_month + 2) / 5 + 1;
    let month = if shifted_month < 10 { shifted_month + 3 } else { shifted_month - 9 };
    (year_of_era + era * 400 + i64::from(month <= 2), month, day)
}

/// The number that a cell of a number column holds; NaN where there is no value; `None` for a text.
pub(crate) fn number(cell: Option<&str>) -> Option<f64> {
    match cell.map(str::trim) {
        None | Some("") => Some(f64::NAN),
        Some(text) if is_null_word(text.as_bytes()) => Some(f64::NAN),
        Some(text) => text.parse().ok(),
    }
}

/// A cell for comparing: numbers written alike, texts trimmed.
pub(crate) fn normal(cell: Option<&str>) -> String {
    match number(cell) {
        Some(value) if value.is_finite() => show_number(value + 0.0),
        _ => cell.map_or_else(String::new, |text| text.trim().to_owned()),
    }
}

/// A field of a CSV file (RFC 4180).
pub(crate) fn push_field(out: &mut String, cell: Option<&str>) {
    let text = cell.unwrap_or_default();
    if !text.contains([',', '"', '\n', '\r']) && text.trim().len() == text.len() {
        return out.push_str(text);
    }
    out.push('"');
    out.push_str(&text.replace('"', "\"\""));
    out.push('"');
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_read_back_to_the_last_bit() {
        for value in [0.1, -0.0, 1.0, 1e300, 5e-324, 123_456_789.125, 9_007_199_254_740_993.0, 1e-7] {
            let back: f64 = show_number(value).parse().unwrap();
            assert_eq!(back.to_bits(), value.to_bits(), "{}", show_number(value));
        }
        assert_eq!(show_number(f64::NAN), "nan");
        assert_eq!(show_number(1e300), "1e300");
    }

    #[test]
    fn times_are_those_of_the_calendar() {
        assert_eq!(show_time(0.0), "1970-01-01T00:00:00Z");
        assert_eq!(show_time(951_782_400.0), "2000-02-29T00:00:00Z");
        assert_eq!(show_time(-1.0), "1969-12-31T23:59:59Z");
        assert_eq!(show_time(1_700_000_000.25), "2023-11-14T22:13:20.250000Z");
    }

    #[test]
    fn fields_are_quoted_where_they_must_be() {
        let field = |text| {
            let mut out = String::new();
            push_field(&mut out, Some(text));
            out
        };
        assert_eq!(field("a"), "a");
        assert_eq!(field("a,\"b\""), "\"a,\"\"b\"\"\"");
        assert_eq!(field(" a"), "\" a\"");
    }

    #[test]
    fn equal_values_compare_equal() {
        assert_eq!(normal(Some("1.50")), normal(Some(" 1.5 ")));
        assert_eq!(normal(Some("-0")), normal(Some("0")));
        assert_ne!(normal(Some("a")), normal(Some("b")));
    }
}
