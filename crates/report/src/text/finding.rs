//! One finding: what, why, where, the proof, what to do.

use stetho_core::{Evidence, Finding, Human, Limit, Number, Remedy, Severity, count_of, thousands};

use super::draw::{self, Bar};
use super::page::{Page, Span, Tone};
use crate::words::{self, first_sentences};

/// Where the text after a label starts.
const TEXT: usize = 13;
const FEW: usize = 5;
const FEW_BARS: usize = 8;

pub(super) fn write(page: &mut Page, finding: &Finding) {
    let tone = severity_tone(finding.severity);
    let rule = format!("[{}]", finding.rule);
    let lead: [Span<'_>; 3] = [(tone, finding.severity.name()), (Tone::Strong, &rule), (Tone::Plain, ":")];
    page.paragraph(0, &lead, 2, Tone::Plain, &format!(" {}", finding.message));
    if !finding.why.is_empty() {
        let why = if page.screen.all { &finding.why } else { first_sentences(&finding.why, 2) };
        page.text(2, Tone::Faint, why);
    }
    places(page, finding);
    for (i, evidence) in finding.evidence.iter().enumerate() {
        let is_measure = |e: &Evidence| matches!(e, Evidence::Measure { .. });
        if i == 0 || !is_measure(evidence) || !is_measure(&finding.evidence[i - 1]) {
            page.gap();
        }
        draw_evidence(page, evidence);
    }
    remedies(page, &finding.remedies);
}

pub(crate) fn severity_tone(severity: Severity) -> Tone {
    match severity {
        Severity::Error => Tone::Error,
        Severity::Warning => Tone::Warning,
        Severity::Info => Tone::Info,
    }
}

fn places(page: &mut Page, finding: &Finding) {
    let lines = words::places(finding, if page.screen.all { usize::MAX } else { FEW });
    if lines.is_empty() {
        return;
    }
    page.gap();
    for (i, line) in lines.iter().enumerate() {
        labelled(page, if i == 0 { "where" } else { "" }, line);
    }
}

pub(super) fn draw_evidence(page: &mut Page, evidence: &Evidence) {
    match evidence {
        Evidence::Measure { name, value, limit } => {
            labelled(page, "measured", &format!("{name}: {}", words::against(*value, *limit)));
            measure_bar(page, *value, *limit);
        }
        Evidence::Table { name, columns, rows } => {
            page.text(2, Tone::Faint, name);
            draw::table(page, 4, columns, rows, FEW);
        }
        Evidence::Bars { name, bars } => {
            page.text(2, Tone::Faint, name);
            draw_bars(page, bars);
        }
        Evidence::Histogram { name, edges, counts } => {
            page.text(2, Tone::Faint, name);
            let edge = |n: Option<&Number>| n.map_or(String::new(), |n| Human(n.0).to_string());
            draw::histogram(page, 4, &edge(edges.first()), counts, &edge(edges.last()));
        }
        Evidence::Curves { name, x, ticks, lines } => {
            page.text(2, Tone::Faint, name);
            draw::curves(page, 4, x, ticks, lines);
        }
        // Those that are no files can be seen on the page alone.
        Evidence::Pictures { name, groups }
            if groups.iter().flatten().all(|p| !p.path.contains(['/', '\\', '.'])) =>
        {
            page.text(2, Tone::Faint, &format!("{name}: drawn on the page"));
        }
        Evidence::Pictures { name, groups } => {
            page.text(2, Tone::Faint, name);
            let shown = page.shown(groups.len(), FEW);
            for group in groups.iter().take(shown) {
                let names: Vec<String> = group.iter().map(words::picture).collect();
                let text = words::list_of(&names, page.shown(names.len(), FEW));
                page.text(4, Tone::Plain, &text);
            }
            if groups.len() > shown {
                let rest = thousands((groups.len() - shown) as u64);
                page.line(4, &[(Tone::Faint, &format!("… and {rest} more"))]);
            }
        }
        Evidence::Excerpt { path, line, text } => excerpt(page, path, *line, text),
    }
}

/// A share against its limit is a bar with a mark, which says at a glance how far off it is. Other measures have no
/// natural end, so they get none.
fn measure_bar(page: &mut Page, value: Number, limit: Limit) {
    let columns = page.room(TEXT).min(32);
    let (Limit::AtLeast(bound) | Limit::AtMost(bound)) = limit;
    let is_share = |n: Number| (0.0..=1.0).contains(&n.0);
    if !is_share(value) || !is_share(bound) || bound.0 <= 0.0 {
        return;
    }
    let bar = draw::blocks(value.0, columns);
    let mark = ((bound.0 * columns as f64).round() as usize).min(columns - 1);
    let mut cells: Vec<char> = bar.chars().chain(std::iter::repeat('·')).take(columns).collect();
    if let Some(cell) = cells.get_mut(mark) {
        *cell = '│';
    }
    let drawn: String = cells.into_iter().collect();
    page.line(TEXT, &[(Tone::Info, &drawn)]);
}

fn draw_bars(page: &mut Page, bars: &[(String, Number)]) {
    let most = words::largest(bars.iter().map(|(_, v)| v.0));
    let shown = page.shown(bars.len(), FEW_BARS);
    let bar = |(label, value): &(String, Number)| Bar {
        label: label.clone(),
        length: value.0 / most,
        note: Human(value.0).to_string(),
    };
    let drawn: Vec<Bar> = bars.iter().take(shown).map(bar).collect();
    draw::bars(page, 4, &drawn);
    if bars.len() > shown {
        page.line(4, &[(Tone::Faint, &format!("… and {} more", thousands((bars.len() - shown) as u64)))]);
    }
}

fn excerpt(page: &mut Page, path: &str, line: u64, text: &str) {
    page.text(2, Tone::Faint, &format!("{path}:{line}"));
    let lines: Vec<&str> = text.lines().collect();
    let shown = page.shown(lines.len(), FEW);
    let numbers = line.saturating_add(lines.len() as u64).to_string().len();
    for (i, quoted) in lines.iter().take(shown).enumerate() {
        let number = format!("{:>numbers$} │ ", line.saturating_add(i as u64));
        let room = page.room(4 + numbers + 3);
        let quoted = super::layout::shorten(quoted, room);
        page.line(4, &[(Tone::Faint, &number), (Tone::Plain, &quoted)]);
    }
    if lines.len() > shown {
        let rest = count_of((lines.len() - shown) as u64, "line").replacen(' ', " more ", 1);
        page.line(4, &[(Tone::Faint, &format!("… and {rest}"))]);
    }
}

fn remedies(page: &mut Page, remedies: &[Remedy]) {
    for (i, remedy) in remedies.iter().enumerate() {
        if i == 0 || remedies[i - 1].command.is_some() || remedies[i - 1].code.is_some() {
            page.gap();
        }
        let risk = words::risk(remedy.safety).map_or(String::new(), |risk| format!(" ({risk})"));
        let label = if i == 0 { "do" } else { "or" };
        labelled(page, label, &format!("{}{risk}", words::action(remedy)));
        for snippet in [&remedy.command, &remedy.code].into_iter().flatten() {
            page.gap();
            for line in snippet.lines() {
                page.line(TEXT + 2, &[(Tone::Code, line)]);
            }
        }
    }
}

fn labelled(page: &mut Page, label: &str, text: &str) {
    let label = format!("{label:<width$}", width = TEXT - 2);
    page.paragraph(2, &[(Tone::Faint, &label)], TEXT, Tone::Plain, text);
}
