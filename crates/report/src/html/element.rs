//! A writer of HTML that cannot write an unescaped string.

use std::fmt::Write as _;

use crate::text::layout::clean;

/// HTML being written. Tags and attribute names are literals of this program; everything else is escaped.
#[derive(Default)]
pub(super) struct Html(String);

/// Attributes of an element.
pub(super) type Attributes<'a> = &'a [(&'static str, &'a str)];

impl Html {
    pub(super) fn finish(self) -> String {
        self.0
    }

    /// An element with what `inside` writes.
    pub(super) fn element(
        &mut self,
        tag: &'static str,
        attributes: Attributes<'_>,
        inside: impl FnOnce(&mut Self),
    ) {
        self.open(tag, attributes);
        inside(self);
        let _ = write!(self.0, "</{tag}>");
        if !matches!(tag, "code" | "span" | "i" | "a" | "b" | "rect") {
            self.0.push('\n');
        }
    }

    /// An element that has no inside and no end.
    pub(super) fn void(&mut self, tag: &'static str, attributes: Attributes<'_>) {
        self.open(tag, attributes);
    }

    /// An element with text.
    pub(super) fn leaf(&mut self, tag: &'static str, class: &'static str, text: &str) {
        let attributes = [("class", class)];
        self.element(tag, if class.is_empty() { &[] } else { &attributes }, |h| h.text(text));
    }

    /// Escaped text. Hidden characters are spelled out.
    pub(super) fn text(&mut self, text: &str) {
        for (i, line) in text.split('\n').enumerate() {
            if i > 0 {
                self.0.push('\n');
            }
            escape(&mut self.0, &clean(line.strip_suffix('\r').unwrap_or(line)));
        }
    }

    /// Escaped text in which `` `names` `` become code.
    pub(super) fn prose(&mut self, text: &str) {
        let pieces: Vec<&str> = text.split('`').collect();
        let last = pieces.len() - 1;
        for (i, piece) in pieces.iter().enumerate() {
            if i % 2 == 1 && i < last {
                self.leaf("code", "", piece);
            } else {
                if i % 2 == 1 {
                    self.text("`");
                }
                self.text(piece);
            }
        }
    }

    /// An element with prose.
    pub(super) fn paragraph(&mut self, tag: &'static str, class: &'static str, text: &str) {
        let attributes = [("class", class)];
        self.element(tag, if class.is_empty() { &[] } else { &attributes }, |h| h.prose(text));
    }

    fn open(&mut self, tag: &'static str, attributes: Attributes<'_>) {
        let _ = write!(self.0, "<{tag}");
        for (name, value) in attributes {
            let _ = write!(self.0, " {name}=\"");
            escape(&mut self.0, &clean(value));
            self.0.push('"');
        }
        self.0.push('>');
    }
}

/// Appends `text` with the five characters escaped that mean something in HTML.
pub(super) fn escape(out: &mut String, text: &str) {
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            c => out.push(c),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_and_attributes_are_escaped() {
        let mut html = Html::default();
        html.element("p", &[("title", "\"><script>")], |h| h.prose("a `<b>` & `c"));
        assert_eq!(
            html.finish(),
            "<p title=\"&quot;&gt;&lt;script&gt;\">a <code>&lt;b&gt;</code> &amp; `c</p>\n"
        );
    }
}
