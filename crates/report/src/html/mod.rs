//! The report as one self-contained page: no script, no request, light and dark, readable on a phone.

mod element;
mod finding;
mod pictures;

use stetho_core::{Document, Human, Number, Pictured, count_of, percent, thousands};

use self::element::{Html, escape};
use crate::facts::{ColumnFacts, TableFacts};
use crate::picture_facts::PictureFacts;
use crate::text::{PARTIAL, picture_lines, target_words};
use crate::words::{self, list_of, share_of};

const FRAME: &str = include_str!("page.html");
const STYLE: &str = include_str!("page.css");

/// Writes `document` as a page.
pub fn html(document: &Document) -> String {
    let facts = TableFacts::from_document(document);
    let mut body = Html::default();
    head(&mut body, document, facts.as_ref());
    findings(&mut body, document);
    if let Some(facts) = facts.as_ref().filter(|f| !f.column_profiles.is_empty()) {
        columns(&mut body, &facts.column_profiles);
    }
    if let Some(facts) = PictureFacts::from_map(&document.facts).filter(|f| !f.samples.is_empty()) {
        body.leaf("h2", "", "A sample");
        let samples: Vec<&Pictured> = facts.samples.iter().collect();
        pictures::gallery(&mut body, &samples);
    }
    foot(&mut body, document, facts.as_ref());
    let mut title = String::new();
    escape(
        &mut title,
        &crate::text::layout::clean(&format!("stetho: {}", list_of(&document.subject.paths, 3))),
    );
    fill(FRAME, &[("{{title}}", &title), ("{{style}}", STYLE), ("{{body}}", &body.finish())])
}

/// Puts each value into its slot. Values are not searched for slots.
fn fill(frame: &str, slots: &[(&str, &str)]) -> String {
    let mut out = String::new();
    let mut rest = frame;
    for (slot, value) in slots {
        let Some((before, after)) = rest.split_once(slot) else { continue };
        out.push_str(before);
        out.push_str(value);
        rest = after;
    }
    out + rest
}

fn head(html: &mut Html, document: &Document, facts: Option<&TableFacts>) {
    html.element("header", &[], |html| {
        html.leaf("h1", "", &list_of(&document.subject.paths, 3));
        html.leaf("p", "faint", &format!("stetho {} · {}", document.stetho, document.command));
        if document.partial {
            html.leaf("p", "partial", PARTIAL);
        }
        match facts {
            Some(facts) => table_facts(html, facts),
            None => match PictureFacts::from_map(&document.facts) {
                Some(facts) => picture_facts(html, document, &facts),
                None => html.leaf("p", "", &count_of(document.subject.items, "item")),
            },
        }
    });
}

fn table_facts(html: &mut Html, facts: &TableFacts) {
    html.element("dl", &[], |html| {
        fact(html, "size", &format!("{} rows × {} columns", thousands(facts.rows), thousands(facts.columns)));
        let kinds: Vec<String> = facts.kinds.iter().map(|(k, n)| format!("{} {k}", thousands(*n))).collect();
        if !kinds.is_empty() {
            fact(html, "types", &kinds.join(", "));
        }
        for file in &facts.files {
            fact(html, "file", &format!("{}: {}, {}", file.path, count_of(file.rows, "row"), file.format));
        }
        for split in &facts.splits {
            fact(html, &split.part, &count_of(split.rows, "row"));
        }
        for line in &facts.skipped_files {
            fact(html, "not read", line);
        }
        match (&facts.target, &facts.target_reason) {
            (Some(target), _) => fact(html, "target", &target_words(target)),
            (None, Some(reason)) => fact(html, "target", &words::no_target(reason)),
            (None, None) => {}
        }
    });
    class_bars(html, facts.target.as_ref().map_or(&[][..], |t| &t.classes));
}

/// Classes with their shares.
fn class_bars(html: &mut Html, classes: &[(String, u64)]) {
    let total: u64 = classes.iter().fold(0, |sum, (_, n)| sum.saturating_add(*n));
    let most = classes.iter().map(|(_, n)| *n).max().unwrap_or(0);
    let rows = classes.iter().map(|(name, n)| {
        let note = format!("{} · {}", percent(share_of(*n, total)), thousands(*n));
        (name.clone(), share_of(*n, most), note)
    });
    bars(html, rows);
}

fn picture_facts(html: &mut Html, document: &Document, facts: &PictureFacts) {
    html.element("dl", &[], |html| {
        for (label, text) in picture_lines(facts) {
            fact(html, label, &text);
        }
        for line in words::skipped_files(document) {
            fact(html, "not read", &line);
        }
    });
    class_bars(html, &facts.classes);
}

fn fact(html: &mut Html, label: &str, text: &str) {
    html.leaf("dt", "", label);
    html.paragraph("dd", "", text);
}

/// Bars as (label, length from 0 to 1, note).
fn bars(html: &mut Html, rows: impl Iterator<Item = (String, f64, String)>) {
    let mut rows = rows.peekable();
    if rows.peek().is_none() {
        return;
    }
    html.element("div", &[("class", "bars")], |html| {
        for (label, length, note) in rows {
            let length = if length.is_nan() { 0.0 } else { length.clamp(0.0, 1.0) };
            let width = format!("width:{:.1}%", length * 100.0);
            html.leaf("span", "label", &label);
            html.element("span", &[("class", "track")], |h| {
                if length > 0.0 {
                    h.element("i", &[("style", &width)], |_| {});
                }
            });
            html.leaf("span", "note", &note);
        }
    });
}

/// A histogram as a picture, to be described by the text around it.
fn histogram(html: &mut Html, counts: &[u64]) {
    let most = counts.iter().copied().max().unwrap_or(0).max(1) as f64;
    let view = format!("0 0 {} 100", counts.len().max(1) * 10);
    let attributes = [
        ("viewBox", view.as_str()),
        ("preserveAspectRatio", "none"),
        ("role", "img"),
        ("aria-label", "histogram"),
    ];
    html.element("svg", &attributes, |html| {
        for (i, &n) in counts.iter().enumerate().filter(|(_, n)| **n > 0) {
            let height = (n as f64 / most * 100.0).max(1.5);
            let (x, y, height) =
                ((i * 10).to_string(), format!("{:.1}", 100.0 - height), format!("{height:.1}"));
            html.element("rect", &[("x", &x), ("y", &y), ("width", "9"), ("height", &height)], |_| {});
        }
    });
}

fn findings(html: &mut Html, document: &Document) {
    html.leaf("h2", "", "Findings");
    if document.findings.is_empty() {
        html.leaf("p", "good", &words::nothing_found(document));
        return;
    }
    html.element("ol", &[("class", "overview")], |html| {
        for (i, finding) in document.findings.iter().enumerate() {
            let target = format!("#finding-{}", i + 1);
            html.element("li", &[], |html| {
                let class = format!("severity {}", finding.severity.name());
                html.element("span", &[("class", &class)], |h| h.text(finding.severity.name()));
                html.element("a", &[("href", &target)], |h| h.prose(&finding.message));
            });
        }
    });
    for (i, finding) in document.findings.iter().enumerate() {
        finding::write(html, i + 1, finding);
    }
}

/// How many columns the page profiles; the JSON report profiles all.
const COLUMNS: usize = 500;

fn columns(html: &mut Html, profiles: &[ColumnFacts]) {
    const HEADINGS: [&str; 10] =
        ["column", "kind", "nulls", "distinct", "mean", "std", "min", "median", "max", "distribution"];
    html.leaf("h2", "", "Columns");
    html.element("div", &[("class", "scroll")], |html| {
        html.element("table", &[], |html| {
            html.element("tr", &[], |html| {
                let class = |c: usize| if (2..9).contains(&c) { "number" } else { "" };
                HEADINGS.iter().enumerate().for_each(|(c, heading)| html.leaf("th", class(c), heading));
            });
            profiles.iter().take(COLUMNS).for_each(|profile| column(html, profile));
        });
    });
    if let Some(rest) = profiles.len().checked_sub(COLUMNS).filter(|rest| *rest > 0) {
        html.leaf(
            "p",
            "faint",
            &format!("and {} more columns; the JSON report has them all", thousands(rest as u64)),
        );
    }
}

fn column(html: &mut Html, profile: &ColumnFacts) {
    let number = |n: Option<Number>| n.map_or(String::new(), |n| Human(n.0).to_string());
    html.element("tr", &[], |html| {
        html.leaf("td", "", &profile.name);
        html.leaf("td", "", &profile.kind);
        html.leaf("td", "number", &thousands(profile.nulls));
        let about = if profile.distinct_exact { "" } else { "~" };
        html.leaf("td", "number", &format!("{about}{}", thousands(profile.distinct)));
        for value in [profile.mean, profile.std, profile.min, profile.median, profile.max] {
            html.leaf("td", "number", &number(value));
        }
        html.element("td", &[], |html| {
            if !profile.histogram.is_empty() {
                histogram(html, &profile.histogram);
            }
        });
    });
}

fn foot(html: &mut Html, document: &Document, facts: Option<&TableFacts>) {
    html.element("footer", &[], |html| {
        if document.partial {
            html.leaf("p", "partial", PARTIAL);
        }
        let mut line: Vec<String> = words::counts(document).into_iter().map(|(_, text)| text).collect();
        line.push(format!("{} ran", count_of(words::n_ran(document), "rule")));
        if let Some(seconds) = words::seconds(document) {
            line.push(words::duration(seconds));
        }
        html.leaf("p", "", &line.join(" · "));
        for (reason, rules) in words::skipped(document) {
            let count = count_of(rules.len() as u64, "rule");
            html.paragraph("p", "faint", &format!("skipped {count}, {reason}: {}", rules.join(", ")));
        }
        for (rule, reason) in words::failed(document) {
            html.paragraph("p", "error", &words::failure(rule, reason));
        }
        let commands = words::next(document, facts);
        if !commands.is_empty() {
            html.leaf("p", "faint", "next");
            html.element("pre", &[], |h| h.leaf("code", "", &commands.join("\n")));
        }
    });
}
