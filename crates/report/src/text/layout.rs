//! Strings on a screen: made harmless, measured, cut, wrapped.

use std::borrow::Cow;
use std::fmt::Write as _;

use unicode_width::{UnicodeWidthChar, UnicodeWidthStr};

/// Whether a terminal or a browser could take `c` as a command rather than show it: control characters, line
/// separators, and the marks that reorder text (Boucher & Anderson 2021, "Trojan Source").
pub(crate) fn is_hidden(c: char) -> bool {
    c.is_control()
        || matches!(c, '\u{061c}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}')
}

/// `text` with every hidden character written as an escape: a line break is `\n`, an escape is `\u{1b}`.
pub fn clean(text: &str) -> Cow<'_, str> {
    if !text.contains(is_hidden) {
        return Cow::Borrowed(text);
    }
    let mut out = String::with_capacity(text.len() + 8);
    for c in text.chars() {
        if is_hidden(c) {
            let _ = write!(out, "{}", c.escape_default());
        } else {
            out.push(c);
        }
    }
    Cow::Owned(out)
}

/// Columns that `text` takes on a screen.
pub(crate) fn width(text: &str) -> usize {
    text.width()
}

/// `text` made harmless and cut to `most` columns; a cut ends in `…`.
pub(crate) fn shorten(text: &str, most: usize) -> String {
    let text = clean(text);
    if width(&text) <= most {
        return text.into_owned();
    }
    let mut out = String::new();
    let mut used = 1;
    for c in text.chars() {
        used += c.width().unwrap_or(0);
        if used > most {
            break;
        }
        out.push(c);
    }
    out.push('…');
    out
}

/// `text` cut to `columns` and filled with spaces to just that, at the right or at the left.
pub(crate) fn fit(text: &str, columns: usize, to_the_right: bool) -> String {
    let text = shorten(text, columns);
    let space = " ".repeat(columns.saturating_sub(width(&text)));
    if to_the_right { space + &text } else { text + &space }
}

/// Breaks `text` into lines of at most `columns`, at spaces where possible. The first line leaves `lead` columns
/// free, the others `indent`. Lines come without these leading spaces.
pub(crate) fn wrap(text: &str, columns: usize, lead: usize, indent: usize) -> Vec<String> {
    let first = " ".repeat(lead.min(columns.saturating_sub(10)));
    let rest = " ".repeat(indent.min(columns.saturating_sub(10)));
    let options = textwrap::Options::new(columns)
        .initial_indent(&first)
        .subsequent_indent(&rest)
        .word_splitter(textwrap::WordSplitter::NoHyphenation);
    let text = clean(text);
    let lines = textwrap::wrap(&text, options);
    let cut = |(i, line): (usize, Cow<'_, str>)| {
        let spaces = if i == 0 { first.len() } else { rest.len() };
        line.get(spaces..).unwrap_or("").to_owned()
    };
    lines.into_iter().enumerate().map(cut).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hidden_characters_are_spelled_out() {
        assert_eq!(clean("a\u{1b}[31m\r\nb\u{202e}\u{9b}"), "a\\u{1b}[31m\\r\\nb\\u{202e}\\u{9b}");
        assert_eq!(clean("naïve 数"), "naïve 数");
    }

    #[test]
    fn cutting_counts_columns_not_bytes() {
        assert_eq!(shorten("数据数据", 5), "数据…");
        assert_eq!(shorten("abcdef", 6), "abcdef");
        assert_eq!(shorten("abcdefg", 6), "abcde…");
        assert_eq!(fit("数", 4, true), "  数");
        assert_eq!(fit("数", 4, false), "数  ");
    }

    #[test]
    fn wrapping_keeps_hyphened_names_whole() {
        let lines = wrap("see constant-column and id-like-column", 20, 4, 2);
        assert_eq!(lines, ["see", "constant-column", "and id-like-column"]);
    }
}
