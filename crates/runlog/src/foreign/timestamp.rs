//! Dates and times in lines of text.

/// Seconds since 1970 of the first `2024-01-02 12:30:01` (or with `T`, or slashes) in the line, taken as UTC; fractions of a
/// second behind a comma or a point count.
pub(super) fn timestamp(line: &str) -> Option<f64> {
    let bytes = line.as_bytes();
    let start = bytes.windows(5).take(80).position(|w| w[..2] == *b"20" && matches!(w[4], b'-' | b'/'))?;
    let digits = |from: usize, n: usize| {
        let text = line.get(start + from..start + from + n)?;
        text.bytes().all(|b| b.is_ascii_digit()).then(|| text.parse::<i64>().ok()).flatten()
    };
    let (year, month, day) = (digits(0, 4)?, digits(5, 2)?, digits(8, 2)?);
    if !matches!(bytes.get(start + 10), Some(b' ' | b'T' | b'_')) {
        return None;
    }
    let (hour, minute, second) = (digits(11, 2)?, digits(14, 2)?, digits(17, 2)?);
    let in_range =
        (1..=12).contains(&month) && (1..=31).contains(&day) && hour < 24 && minute < 60 && second <= 60;
    if !in_range {
        return None;
    }
    let seconds = days(year, month, day) * 86_400 + hour * 3_600 + minute * 60 + second;
    let fraction = match bytes.get(start + 19) {
        Some(b'.' | b',') => {
            let n = bytes[start + 20..].iter().take(9).take_while(|b| b.is_ascii_digit()).count();
            line.get(start + 20..start + 20 + n).and_then(|d| format!("0.{d}").parse().ok()).unwrap_or(0.0)
        }
        _ => 0.0,
    };
    Some(seconds as f64 + fraction)
}

/// Days since 1970 of a date of the Gregorian calendar, years counted from March so that the leap day comes last.
fn days(year: i64, month: i64, day: i64) -> i64 {
    let year = if month <= 2 { year - 1 } else { year };
    let month = (month + 9) % 12;
    365 * year + year / 4 - year / 100 + year / 400 + (153 * month + 2) / 5 + day - 1 - 719_468
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_read() {
        assert_eq!(timestamp("2024-01-02 12:30:01,250 INFO"), Some(1_704_198_601.25));
        assert_eq!(timestamp("[2024/02/29T00:00:00] x"), Some(1_709_164_800.0));
        assert_eq!(timestamp("INFO 2000-03-01 00:00:00"), Some(951_868_800.0));
        for text in ["", "2024", "2024-13-01 00:00:00", "step 2000-1", "2024-01-02", "2024-01-02 1é:30:01"] {
            assert_eq!(timestamp(text), None, "{text}");
        }
    }
}
