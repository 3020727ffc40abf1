//! A rule's documentation for a terminal.

use pulldown_cmark::{CodeBlockKind, Event, Parser, Tag, TagEnd};
use serde_json::Value;
use stetho_core::{OptionDoc, RuleInfo};

use crate::text::Screen;
use crate::text::page::{Page, Tone};

/// Writes the documentation of `rule`: what it finds, why it matters, what to do, examples, options with defaults.
pub fn explain(rule: &RuleInfo, screen: Screen) -> String {
    let docs = rule.docs();
    let mut page = Page::new(screen);
    let facts = format!("  {} · {}", rule.severity.name(), rule.family);
    page.line(0, &[(Tone::Strong, rule.id), (Tone::Faint, &facts)]);
    page.gap();
    page.text(0, Tone::Plain, &docs.summary);
    markdown(&mut page, &docs.body);
    options(&mut page, rule, &docs.options);
    page.finish()
}

/// What stands before an item of a list: a number that counts up, or a dot.
#[derive(Clone, Copy)]
struct List {
    next: Option<u64>,
}

/// Walks the Markdown that doc comments use: headings, paragraphs, lists, code.
struct Writer<'p> {
    page: &'p mut Page,
    text: String,
    lists: Vec<List>,
    marker: Option<String>,
}

fn markdown(page: &mut Page, source: &str) {
    let mut writer = Writer { page, text: String::new(), lists: Vec::new(), marker: None };
    for event in Parser::new(source) {
        writer.take(event);
    }
    writer.flush();
}

impl Writer<'_> {
    fn take(&mut self, event: Event<'_>) {
        match event {
            Event::Start(tag) => self.open(tag),
            Event::End(tag) => self.close(tag),
            Event::Text(text) | Event::Html(text) | Event::InlineHtml(text) => self.text.push_str(&text),
            Event::Code(code) => self.text.push_str(&format!("`{code}`")),
            Event::SoftBreak | Event::HardBreak => self.text.push(' '),
            Event::Rule => self.page.gap(),
            Event::InlineMath(text) | Event::DisplayMath(text) | Event::FootnoteReference(text) => {
                self.text.push_str(&text);
            }
            Event::TaskListMarker(done) => self.text.push_str(if done { "[x] " } else { "[ ] " }),
        }
    }

    fn open(&mut self, tag: Tag<'_>) {
        match tag {
            Tag::CodeBlock(kind) => {
                self.flush();
                self.page.gap();
                if let CodeBlockKind::Fenced(words) = kind
                    && let Some((_, arguments)) = words.split_once(' ')
                {
                    self.page.line(2, &[(Tone::Faint, arguments)]);
                }
            }
            Tag::List(next) => {
                self.flush();
                self.page.gap();
                self.lists.push(List { next });
            }
            Tag::Item => {
                let list = self.lists.last_mut();
                self.marker = Some(match list.and_then(|l| l.next.as_mut()) {
                    Some(number) => {
                        *number += 1;
                        format!("{}. ", *number - 1)
                    }
                    None => "- ".into(),
                });
            }
            Tag::Heading { .. } | Tag::Paragraph => self.flush(),
            _ => {}
        }
    }

    fn close(&mut self, tag: TagEnd) {
        match tag {
            TagEnd::Heading(_) => {
                let title = std::mem::take(&mut self.text);
                self.page.gap();
                self.page.line(0, &[(Tone::Strong, &title)]);
            }
            TagEnd::CodeBlock => {
                for line in std::mem::take(&mut self.text).lines() {
                    self.page.line(4, &[(Tone::Code, line)]);
                }
                self.page.gap();
            }
            TagEnd::Paragraph => {
                self.flush();
                if self.lists.is_empty() {
                    self.page.gap();
                }
            }
            TagEnd::Item => self.flush(),
            TagEnd::List(_) => {
                self.flush();
                self.lists.pop();
                self.page.gap();
            }
            _ => {}
        }
    }

    /// Writes what has been gathered as a paragraph or an item of a list.
    fn flush(&mut self) {
        let text = std::mem::take(&mut self.text);
        if text.trim().is_empty() {
            return;
        }
        let indent = 2 * self.lists.len().max(1);
        let marker = self.marker.take().unwrap_or_default();
        let hanging = indent + marker.chars().count();
        self.page.paragraph(indent, &[(Tone::Faint, &marker)], hanging, Tone::Plain, text.trim());
    }
}

fn options(page: &mut Page, rule: &RuleInfo, options: &[OptionDoc]) {
    if options.is_empty() {
        return;
    }
    page.gap();
    page.line(0, &[(Tone::Strong, "Options")]);
    page.line(2, &[(Tone::Faint, &format!("in `stetho.toml`, under [rules.{}]", rule.id))]);
    let defaults = rule.defaults();
    for option in options {
        page.gap();
        let default = defaults.get(&option.name).map_or(String::new(), |v| format!(" = {}", toml(v)));
        page.line(2, &[(Tone::Code, &format!("{}{default}", option.name))]);
        page.text(6, Tone::Plain, &option.doc);
    }
}

/// A default value as it would stand in `stetho.toml`. TOML and JSON write these alike, but for the null that TOML
/// lacks.
fn toml(value: &Value) -> String {
    match value {
        Value::Null => "(unset)".into(),
        other => other.to_string(),
    }
}
