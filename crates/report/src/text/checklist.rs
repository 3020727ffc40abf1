//! The checklist of a preflight: one line an experiment.

use stetho_core::{Human, Severity};

use super::finding::severity_tone;
use super::page::{Page, Span, Tone};
use crate::preflight_facts::{CheckFacts, CheckState, PreflightFacts};

/// Columns that titles are padded to, at most.
const WIDEST: usize = 37;
/// Pages narrower than this have what was measured on a line of its own.
const NARROW: usize = 70;

/// Writes model, batch and checklist.
pub(super) fn write(page: &mut Page, facts: &PreflightFacts) {
    for (label, text) in [("model", &facts.model), ("batch", &facts.batch)] {
        if !text.is_empty() {
            super::head::labelled(page, label, text);
        }
    }
    if !facts.raised.is_empty() {
        super::head::labelled(page, "failed", &format!("the step itself: {}", facts.raised));
    }
    page.gap();
    let longest = facts.checks.iter().map(|c| c.title.chars().count()).max().unwrap_or(0);
    for check in &facts.checks {
        line(page, check, longest.min(WIDEST));
    }
    if !facts.checks.is_empty() {
        let of = if facts.budget > 0.0 { format!(" of {} s", Human(facts.budget)) } else { String::new() };
        page.text(2, Tone::Faint, &format!("{} s{of} used", Human((10.0 * facts.seconds).round() / 10.0)));
    }
}

/// What a line begins with; the words behind it say the same.
fn mark(check: &CheckFacts) -> (Tone, &'static str) {
    match (check.state, check.severity) {
        (CheckState::Passed, _) => (Tone::Good, "✓ "),
        (CheckState::Skipped, _) => (Tone::Faint, "– "),
        (CheckState::Found, Some(severity)) => {
            let sign = match severity {
                Severity::Error => "✗ ",
                Severity::Warning => "! ",
                Severity::Info => "· ",
            };
            (severity_tone(severity), sign)
        }
        (CheckState::Found, None) => (Tone::Info, "· "),
    }
}

fn line(page: &mut Page, check: &CheckFacts, width: usize) {
    let (tone, sign) = mark(check);
    let mut words = match check.state {
        CheckState::Passed => check.note.clone(),
        CheckState::Skipped => format!("skipped: {}", check.note),
        CheckState::Found if check.note.is_empty() => check.rules.join(", "),
        CheckState::Found => format!("{}; {}", check.rules.join(", "), check.note),
    };
    if check.state != CheckState::Skipped {
        let seconds = format!("{:.1} s", check.seconds);
        words = if words.is_empty() { seconds } else { format!("{words} ({seconds})") };
    }
    let text_tone = if check.state == CheckState::Skipped { Tone::Faint } else { Tone::Plain };
    let is_narrow = page.screen.width < NARROW;
    let title = if is_narrow { check.title.clone() } else { format!("{:<width$}", check.title) };
    let lead: [Span<'_>; 2] = [(tone, sign), (Tone::Plain, &title)];
    if is_narrow {
        page.line(2, &lead);
        page.text(6, text_tone, &words);
    } else {
        page.paragraph(2, &lead, 4 + width + 2, text_tone, &format!("  {words}"));
    }
}
