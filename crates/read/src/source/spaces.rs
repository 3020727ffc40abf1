//! Tables whose columns are lined up with spaces, as older data archives have them.

/// Turns runs of spaces and tabs into single tabs, and drops those at the ends of lines, chunk by chunk.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Spaces {
    at_line_start: bool,
    is_pending: bool,
}

impl Spaces {
    /// At the start of a file.
    pub(crate) fn new() -> Self {
        Self { at_line_start: true, is_pending: false }
    }

    /// Rewrites `buffer` from `start` on.
    pub(crate) fn collapse(&mut self, buffer: &mut Vec<u8>, start: usize) {
        let raw = buffer.split_off(start);
        buffer.reserve(raw.len());
        for byte in raw {
            match byte {
                b' ' | b'\t' => self.is_pending = !self.at_line_start,
                b'\n' | b'\r' => {
                    buffer.push(byte);
                    *self = Self::new();
                }
                _ => {
                    if std::mem::take(&mut self.is_pending) {
                        buffer.push(b'\t');
                    }
                    self.at_line_start = false;
                    buffer.push(byte);
                }
            }
        }
    }
}

/// Whether the text is a table lined up with spaces: no other delimiter, no quotes, and nearly every line of the same
/// number of words, most of them numbers.
pub(crate) fn are_columns(head: &[u8]) -> bool {
    if head.iter().any(|b| matches!(b, b',' | b';' | b'|' | b'"')) {
        return false;
    }
    let mut widths = std::collections::BTreeMap::<usize, usize>::new();
    let (mut n_lines, mut n_words, mut n_numbers) = (0, 0, 0);
    for line in head.split(|b| matches!(b, b'\n' | b'\r')).filter(|l| !l.trim_ascii().is_empty()).take(200) {
        let words: Vec<&[u8]> =
            line.split(|b| matches!(b, b' ' | b'\t')).filter(|word| !word.is_empty()).collect();
        n_lines += 1;
        n_words += words.len();
        n_numbers += words.iter().filter(|w| super::cells::parse_float(w, false).is_some()).count();
        *widths.entry(words.len()).or_default() += 1;
    }
    let usual = widths.iter().max_by_key(|(width, count)| (**count, **width));
    let has_spaces = memchr::memchr(b' ', head).is_some();
    has_spaces
        && usual.is_some_and(|(&width, &count)| width >= 2 && count * 20 >= n_lines * 19)
        && n_numbers * 2 > n_words
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn runs_collapse_across_chunks() {
        let text = b"  1.0   2.0 \t3\n4  5 6  \r\n\n 7 8 9";
        for cut in 0..text.len() {
            let mut spaces = Spaces::new();
            let mut buffer = text[..cut].to_vec();
            spaces.collapse(&mut buffer, 0);
            let start = buffer.len();
            buffer.extend_from_slice(&text[cut..]);
            spaces.collapse(&mut buffer, start);
            assert_eq!(buffer, b"1.0\t2.0\t3\n4\t5\t6\r\n\n7\t8\t9", "cut at {cut}");
        }
    }

    #[test]
    fn lined_up_numbers_are_columns_and_prose_is_not() {
        assert!(are_columns(b"  0.00632  18.00   2.310  0\n  0.02731   0.00   7.070  0\n"));
        assert!(!are_columns(b"It was a dark and stormy night\nthe rain fell in torrents\n"));
        assert!(!are_columns(b"a,b\n1, 2\n"));
        assert!(!are_columns(b"12\n13\n"));
    }
}
