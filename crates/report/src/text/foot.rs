//! The foot: what was judged, what was not and why, how long it took, what to type next.

use stetho_core::{Document, Severity};

use super::finding::severity_tone;
use super::head::PARTIAL;
use super::layout::shorten;
use super::page::{Page, Span, Tone};
use crate::facts::TableFacts;
use crate::words::{self, list_of};

/// Where the text after a label starts.
const TEXT: usize = 13;
const FEW_RULES: usize = 6;

pub(super) fn write(page: &mut Page, document: &Document, facts: Option<&TableFacts>) {
    page.line(0, &[(Tone::Faint, &"─".repeat(page.screen.width))]);
    if document.partial {
        page.text(0, Tone::Warning, PARTIAL);
    }
    counts(page, document);
    overview(page, document);
    not_judged(page, document);
    next(page, document, facts);
}

fn counts(page: &mut Page, document: &Document) {
    let ran = words::n_ran(document);
    let mut tail = format!(" · {} ran", stetho_core::count_of(ran, "rule"));
    if let Some(seconds) = words::seconds(document) {
        tail.push_str(&format!(" · {}", words::duration(seconds)));
    }
    if document.findings.is_empty() {
        let text = words::nothing_found(document);
        page.paragraph(0, &[], 2, if ran > 0 { Tone::Good } else { Tone::Plain }, &text);
        if ran > 0 {
            page.text(0, Tone::Faint, tail.trim_start_matches(" · "));
        }
        return;
    }
    let counted: Vec<(Severity, String)> = words::counts(document).into_iter().collect();
    let mut spans: Vec<Span<'_>> = Vec::new();
    for (i, (severity, text)) in counted.iter().enumerate() {
        if i > 0 {
            spans.push((Tone::Plain, ", "));
        }
        spans.push((severity_tone(*severity), text));
    }
    let taken: usize = spans.iter().map(|(_, text)| text.len()).sum();
    if taken + tail.len() <= page.screen.width {
        spans.push((Tone::Faint, &tail));
        page.line(0, &spans);
    } else {
        page.line(0, &spans);
        page.text(0, Tone::Faint, tail.trim_start_matches(" · "));
    }
}

/// One line a finding, for those who see the end of the report first.
fn overview(page: &mut Page, document: &Document) {
    if document.findings.len() < 2 {
        return;
    }
    for finding in &document.findings {
        let severity = format!("{:<width$}", finding.severity.name(), width = TEXT - 2);
        let message = shorten(&finding.message, page.room(TEXT));
        page.line(2, &[(severity_tone(finding.severity), &severity), (Tone::Plain, &message)]);
    }
}

/// How reasons begin that are the same in kind, and what is said of all: a log that lacks a series, an experiment that was not made.
const ALIKE: [(&str, &str); 2] = [
    ("the log holds no ", "what they judge is not in the log"),
    ("the preflight did not measure ", "what they judge was not measured before training"),
];

fn not_judged(page: &mut Page, document: &Document) {
    let mut others = words::skipped(document);
    for (start, words) in ALIKE {
        let absent: Vec<String> = others
            .extract_if(.., |(reason, _)| reason.starts_with(start))
            .flat_map(|(_, rules)| rules)
            .collect();
        if !absent.is_empty() {
            let names = list_of(&absent, page.shown(absent.len(), FEW_RULES));
            let count = stetho_core::count_of(absent.len() as u64, "rule");
            labelled(page, "skipped", Tone::Faint, &format!("{count}, {words}: {names}"));
        }
    }
    for (reason, rules) in others {
        let names = list_of(&rules, page.shown(rules.len(), FEW_RULES));
        let count = stetho_core::count_of(rules.len() as u64, "rule");
        labelled(page, "skipped", Tone::Faint, &format!("{count}, {reason}: {names}"));
    }
    for (rule, reason) in words::failed(document) {
        labelled(page, "failed", Tone::Plain, &words::failure(rule, reason));
    }
}

fn next(page: &mut Page, document: &Document, facts: Option<&TableFacts>) {
    let mut commands = words::next(document, facts);
    if let Some(facts) = facts.filter(|f| page.was_cut() && !f.command_line.is_empty()) {
        commands.push(format!("{} --all", facts.command_line));
    }
    if commands.is_empty() {
        return;
    }
    page.gap();
    for (i, command) in commands.iter().enumerate() {
        let label = format!("{:<width$}", if i == 0 { "next" } else { "" }, width = TEXT - 2);
        page.line(2, &[(Tone::Faint, &label), (Tone::Code, command)]);
    }
}

fn labelled(page: &mut Page, label: &str, tone: Tone, text: &str) {
    let label = format!("{label:<width$}", width = TEXT - 2);
    page.paragraph(2, &[(Tone::Faint, &label)], TEXT, tone, text);
}
