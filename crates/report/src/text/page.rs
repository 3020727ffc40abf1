//! The page a text report is written on: the one place that knows colours and line breaks.

use anstyle::{AnsiColor, Style};

use super::layout::{clean, width, wrap};

/// The screen that a text report is made for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Screen {
    /// Columns to fill at most; at least 40 are assumed.
    pub width: usize,
    /// Whether to colour. Nothing is said by colour alone.
    pub color: bool,
    /// Whether to write whole lists rather than their first few entries.
    pub all: bool,
}

impl Default for Screen {
    fn default() -> Self {
        Self { width: 80, color: false, all: false }
    }
}

/// What a piece of text is, from which its colour follows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Tone {
    Plain,
    Faint,
    Strong,
    Code,
    Error,
    Warning,
    Info,
    Good,
}

impl Tone {
    fn style(self) -> Style {
        match self {
            Self::Plain => Style::new(),
            Self::Faint => Style::new().dimmed(),
            Self::Strong => Style::new().bold(),
            Self::Code => AnsiColor::Cyan.on_default(),
            Self::Error => AnsiColor::Red.on_default().bold(),
            Self::Warning => AnsiColor::Yellow.on_default().bold(),
            Self::Info => AnsiColor::Blue.on_default().bold(),
            Self::Good => AnsiColor::Green.on_default(),
        }
    }
}

/// A piece of text with its tone.
pub(crate) type Span<'a> = (Tone, &'a str);

/// Text being written. Everything that goes in is made harmless first, so no byte of the data can command the
/// terminal.
pub(crate) struct Page {
    out: String,
    was_cut: bool,
    pub(crate) screen: Screen,
}

impl Page {
    pub(crate) fn new(screen: Screen) -> Self {
        Self { out: String::new(), was_cut: false, screen: Screen { width: screen.width.max(40), ..screen } }
    }

    pub(crate) fn finish(self) -> String {
        self.out
    }

    /// How many of `count` entries to write where `few` are enough at first sight. One more than `few` is written
    /// rather than counted.
    pub(crate) fn shown(&mut self, count: usize, few: usize) -> usize {
        if self.screen.all || count <= few.saturating_add(1) {
            return count;
        }
        self.was_cut = true;
        few
    }

    /// Whether a list has been cut.
    pub(crate) fn was_cut(&self) -> bool {
        self.was_cut
    }

    /// Columns left after `indent`.
    pub(crate) fn room(&self, indent: usize) -> usize {
        self.screen.width.saturating_sub(indent).max(10)
    }

    /// An empty line, unless the page is empty or ends in one.
    pub(crate) fn gap(&mut self) {
        if !self.out.is_empty() && !self.out.ends_with("\n\n") {
            self.out.push('\n');
        }
    }

    /// One line, not wrapped.
    pub(crate) fn line(&mut self, indent: usize, spans: &[Span<'_>]) {
        let start = self.out.len();
        self.out.extend(std::iter::repeat_n(' ', indent));
        for &(tone, text) in spans {
            self.span(tone, text);
        }
        let end = self.out.trim_end_matches(' ').len().max(start);
        self.out.truncate(end);
        self.out.push('\n');
    }

    /// Wrapped text in one tone.
    pub(crate) fn text(&mut self, indent: usize, tone: Tone, text: &str) {
        self.paragraph(indent, &[], indent, tone, text);
    }

    /// Wrapped text after `lead`; the second and later lines start at column `hanging`. Plain text shows what
    /// stands in backquotes as code.
    pub(crate) fn paragraph(
        &mut self,
        indent: usize,
        lead: &[Span<'_>],
        hanging: usize,
        tone: Tone,
        text: &str,
    ) {
        let taken = indent + lead.iter().map(|(_, t)| width(&clean(t))).sum::<usize>();
        let mut in_code = false;
        for (i, line) in wrap(text, self.screen.width, taken, hanging).iter().enumerate() {
            let mut spans: Vec<Span<'_>> = if i == 0 { lead.to_vec() } else { Vec::new() };
            if tone == Tone::Plain && self.screen.color {
                for (j, piece) in line.split_inclusive('`').enumerate() {
                    in_code ^= j > 0;
                    spans.push((if in_code { Tone::Code } else { Tone::Plain }, piece));
                }
                in_code ^= line.ends_with('`');
            } else {
                spans.push((tone, line));
            }
            self.line(if i == 0 { indent } else { hanging }, &spans);
        }
    }

    fn span(&mut self, tone: Tone, text: &str) {
        let text = clean(text);
        if self.screen.color && tone != Tone::Plain && !text.is_empty() {
            let style = tone.style();
            self.out.push_str(&format!("{style}{text}{style:#}"));
        } else {
            self.out.push_str(&text);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn control_characters_do_not_pass() {
        let mut page = Page::new(Screen { color: false, ..Screen::default() });
        page.line(0, &[(Tone::Plain, "\u{1b}[2J\u{7}")]);
        page.paragraph(2, &[(Tone::Strong, "\r")], 4, Tone::Plain, "a\u{9b}b");
        assert!(page.finish().chars().all(|c| c == '\n' || !c.is_control()));
    }

    #[test]
    fn colour_is_only_there_when_asked_for() {
        let mut page = Page::new(Screen { color: true, ..Screen::default() });
        page.line(0, &[(Tone::Error, "error")]);
        assert_eq!(page.finish(), "\u{1b}[1m\u{1b}[31merror\u{1b}[0m\n");
    }

    #[test]
    fn code_is_coloured_between_its_quotes_only() {
        let mut page = Page::new(Screen { color: true, ..Screen::default() });
        page.text(0, Tone::Plain, "a `b` c");
        assert_eq!(page.finish(), "a `\u{1b}[36mb`\u{1b}[0m c\n");
    }
}
