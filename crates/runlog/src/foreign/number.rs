//! Numbers as logs write them.

/// What a cell holds.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Cell {
    Number(f64),
    /// Nothing, or a word for nothing.
    Blank,
    Text,
}

const BLANKS: &[&str] = &["", "null", "none", "n/a", "na", "-", "--"];

/// Reads a cell: numbers, infinities and NaN in all common spellings, a percent sign, `tensor(0.5)` as PyTorch prints it.
pub(super) fn cell(text: &str) -> Cell {
    let text = text.trim();
    if let Some(number) = number(text) {
        return Cell::Number(number);
    }
    if BLANKS.iter().any(|blank| text.eq_ignore_ascii_case(blank)) {
        return Cell::Blank;
    }
    let bare = text.strip_suffix('%').unwrap_or(text);
    let inner = bare.strip_prefix("tensor(").and_then(|t| t.split([',', ')']).next());
    inner.or(Some(bare)).and_then(|t| number(t.trim())).map_or(Cell::Text, Cell::Number)
}

/// A number that fills the whole text.
pub(super) fn number(text: &str) -> Option<f64> {
    let first = text.bytes().next()?;
    if first.is_ascii_digit() || matches!(first, b'-' | b'+' | b'.') || matches!(first | 0x20, b'n' | b'i') {
        fast_float2::parse(text).ok().or_else(|| not_finite(text))
    } else {
        None
    }
}

/// Spellings of C libraries that the parser does not know.
fn not_finite(text: &str) -> Option<f64> {
    let plain = text.trim_start_matches(['-', '+']).to_ascii_lowercase();
    match plain.as_str() {
        "nan(ind)" | "nan(snan)" | "1.#ind" | "1.#qnan" => Some(f64::NAN),
        "1.#inf" if text.starts_with('-') => Some(f64::NEG_INFINITY),
        "1.#inf" => Some(f64::INFINITY),
        _ => None,
    }
}

/// The length of the number at the start of `text`, 0 if there is none.
pub(super) fn length(text: &str) -> usize {
    let bytes = text.as_bytes();
    let sign = usize::from(matches!(bytes.first(), Some(b'-' | b'+')));
    let rest = &bytes[sign..];
    for word in ["infinity", "inf", "nan"] {
        let is_word = rest.get(..word.len()).is_some_and(|w| w.eq_ignore_ascii_case(word.as_bytes()));
        if is_word && !rest.get(word.len()).is_some_and(|b| b.is_ascii_alphanumeric() || *b == b'_') {
            return sign + word.len();
        }
    }
    let digits = |from: usize| rest[from..].iter().take_while(|b| b.is_ascii_digit()).count();
    let whole = digits(0);
    let mut end = whole;
    if rest.get(end) == Some(&b'.') {
        end += 1 + digits(end + 1);
    }
    if end == 0 || (whole == 0 && end == 1) {
        return 0;
    }
    if matches!(rest.get(end), Some(b'e' | b'E')) {
        let sign = usize::from(matches!(rest.get(end + 1), Some(b'-' | b'+')));
        if rest.len() > end + 1 + sign && digits(end + 1 + sign) > 0 {
            end += 1 + sign + digits(end + 1 + sign);
        }
    }
    // A full stop after a number ends a sentence.
    let is_stop = rest[end - 1] == b'.' && rest.get(end).is_none_or(u8::is_ascii_whitespace);
    sign + end - usize::from(is_stop)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cells_are_read_as_meant() {
        for (text, value) in [
            ("1", 1.0),
            (" -2.5e-3 ", -2.5e-3),
            ("inf", f64::INFINITY),
            ("-Infinity", f64::NEG_INFINITY),
            ("98.5%", 98.5),
            ("tensor(0.5, device='cuda:0')", 0.5),
            ("1.#INF", f64::INFINITY),
        ] {
            assert_eq!(cell(text), Cell::Number(value), "{text}");
        }
        for text in ["nan", "NaN", "-nan", "-nan(ind)", "tensor(nan)"] {
            assert!(matches!(cell(text), Cell::Number(n) if n.is_nan()), "{text}");
        }
        for text in ["", "  ", "None", "null", "N/A"] {
            assert_eq!(cell(text), Cell::Blank, "{text}");
        }
        for text in ["adam", "1.2.3", "true", "infinite", "nano", "12 apples"] {
            assert_eq!(cell(text), Cell::Text, "{text}");
        }
    }

    #[test]
    fn the_number_at_the_start_is_measured() {
        for (text, expected) in [
            ("0.5, lr", 3),
            ("1e-05,", 5),
            ("12.", 2),
            ("12.)", 3),
            ("-inf ", 4),
            ("nan", 3),
            ("nano", 0),
            ("3e", 1),
            ("", 0),
            (".", 0),
            ("-", 0),
            (".5", 2),
            ("1.5E+04|", 7),
        ] {
            assert_eq!(length(text), expected, "{text}");
        }
    }
}
