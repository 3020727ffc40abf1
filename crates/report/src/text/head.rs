//! The head: what was read.

use stetho_core::{Document, Human, count_of, percent, thousands};

use super::draw::{self, Bar};
use super::layout::shorten;
use super::page::{Page, Span, Tone};
use crate::box_facts::BoxFacts;
use crate::facts::{ColumnFacts, TableFacts, TargetFacts};
use crate::fit_facts::{FitFacts, ModelFacts};
use crate::picture_facts::PictureFacts;
use crate::preflight_facts::PreflightFacts;
use crate::run_facts::RunFacts;
use crate::words::{self, list_of, share_of};

/// Where the text after a label starts.
const TEXT: usize = 13;
const FEW_FILES: usize = 3;
const FEW_CLASSES: usize = 6;

pub(super) fn write(page: &mut Page, document: &Document, facts: Option<&TableFacts>) {
    let paths = list_of(&document.subject.paths, page.shown(document.subject.paths.len(), FEW_FILES));
    let lead: [Span<'_>; 2] = [(Tone::Strong, "stetho "), (Tone::Strong, &document.command)];
    page.paragraph(0, &lead, 2, Tone::Plain, &format!(" {paths}"));
    if document.partial {
        page.text(0, Tone::Warning, PARTIAL);
    }
    page.gap();
    if let Some(facts) = FitFacts::from_map(&document.facts) {
        return fitted(page, &facts);
    }
    let runs = RunFacts::from_map(&document.facts);
    if let Some(facts) = PreflightFacts::from_map(&document.facts) {
        super::checklist::write(page, &facts);
        if runs.is_empty() {
            return;
        }
        page.gap();
    }
    if !runs.is_empty() {
        return super::runs::write(page, &runs, &words::skipped_files(document));
    }
    match facts {
        Some(facts) => table(page, facts),
        None => match PictureFacts::from_map(&document.facts) {
            Some(facts) => pictures(page, document, &facts),
            None => labelled(page, "items", &count_of(document.subject.items, "item")),
        },
    }
}

/// What a person must know before reading anything else in the report of an interrupted run.
pub(crate) const PARTIAL: &str = "partial: interrupted, only what was read until then has been judged";

fn table(page: &mut Page, facts: &TableFacts) {
    let size = format!("{} × {}", count_of(facts.rows, "row"), count_of(facts.columns, "column"));
    labelled(page, "size", &size);
    let kinds: Vec<String> =
        facts.kinds.iter().map(|(kind, n)| format!("{} {kind}", thousands(*n))).collect();
    if !kinds.is_empty() {
        labelled(page, "types", &kinds.join(", "));
    }
    files(page, facts);
    for split in &facts.splits {
        labelled(page, &split.part, &count_of(split.rows, "row"));
    }
    target(page, facts);
    skipped(page, &facts.skipped_files);
    if page.screen.all && !facts.column_profiles.is_empty() {
        page.gap();
        page.line(2, &[(Tone::Strong, "columns")]);
        profiles(page, &facts.column_profiles);
    }
}

/// What simple models scored.
fn fitted(page: &mut Page, facts: &FitFacts) {
    labelled(
        page,
        "size",
        &format!("{} × {}", count_of(facts.rows, "row"), count_of(facts.columns, "column")),
    );
    labelled(
        page,
        "target",
        &format!("{}, {}, scored by {}", quoted_name(&facts.target), facts.task, facts.score),
    );
    labelled(page, "divided", &facts.folds);
    for note in &facts.notes {
        labelled(page, "note", note);
    }
    page.gap();
    let number = |value: Option<f64>| value.map_or_else(|| "–".to_owned(), |v| format!("{v:.3}"));
    let row = |m: &ModelFacts| {
        let half = m.half.map_or_else(String::new, |h| format!(" ± {h:.3}"));
        let validation = format!("{}{half}", number(m.validation));
        vec![m.name.clone(), number(m.train), validation, format!("{:.2} s", m.seconds), m.settings.clone()]
    };
    let columns = ["model", "training", "unseen", "time", "settings"].map(str::to_owned);
    let rows: Vec<Vec<String>> = facts.models.iter().map(row).collect();
    draw::table(page, 2, &columns, &rows, usize::MAX);
    page.gap();
    page.text(0, Tone::Strong, &format!("verdict: {}", facts.verdict));
    let shown = if page.screen.all { facts.figures.len() } else { 2 };
    for figure in facts.figures.iter().take(shown) {
        page.gap();
        super::finding::draw_evidence(page, figure);
    }
}

fn quoted_name(name: &str) -> String {
    format!("`{name}`")
}

fn pictures(page: &mut Page, document: &Document, facts: &PictureFacts) {
    for (label, text) in picture_lines(facts) {
        labelled(page, label, &text);
    }
    match BoxFacts::from_map(&document.facts) {
        Some(boxes) => {
            if !facts.layout.contains(&boxes.format) {
                labelled(page, "format", &boxes.format);
            }
            detection(page, &boxes);
        }
        None => classes(page, &facts.classes, "pictures"),
    }
    skipped(page, &words::skipped_files(document));
}

/// What is drawn on the pictures of a detection set.
fn detection(page: &mut Page, facts: &BoxFacts) {
    let on = count_of(facts.annotated, "annotated picture");
    labelled(page, "boxes", &format!("{} on {on}", thousands(facts.boxes)));
    if facts.annotated > 0 {
        labelled(page, "a picture", &per_picture(facts));
        let share = percent(share_of(facts.empty, facts.annotated));
        labelled(page, "empty", &format!("{} ({share})", count_of(facts.empty, "picture")));
    }
    labelled(page, "classes", &thousands(facts.classes.len() as u64));
    classes(page, &facts.classes, "boxes");
}

/// How many boxes a picture has: the fewest, the median and the most.
fn per_picture(facts: &BoxFacts) -> String {
    let counts = &facts.per_picture;
    let fewest = counts.iter().position(|n| *n > 0).unwrap_or(0);
    let most = counts.len().saturating_sub(1);
    let mut seen = 0;
    let median = counts.iter().position(|n| {
        seen += n;
        2 * seen >= facts.annotated
    });
    let or_more = if counts.len() == BoxFacts::MOST_PER_PICTURE + 1 { " or more" } else { "" };
    if fewest == most {
        return format!("{}{or_more}", count_of(most as u64, "box"));
    }
    format!("{fewest} to {most}{or_more} boxes, median {}", median.unwrap_or(0))
}

/// What a set of pictures is: label and text of each line.
pub(crate) fn picture_lines(facts: &PictureFacts) -> Vec<(&'static str, String)> {
    let counts = |counts: &[(String, u64)]| {
        let text = |(name, n): &(String, u64)| format!("{} {name}", thousands(*n));
        let all: Vec<String> = counts.iter().map(text).collect();
        list_of(&all, 4)
    };
    let mut lines = vec![("layout", facts.layout.clone())];
    lines.push((
        "pictures",
        match facts.parts.as_slice() {
            [(_, n)] => thousands(*n),
            parts => counts(parts),
        },
    ));
    let sizes: Vec<String> =
        facts.sizes.iter().map(|(w, h, n)| format!("{w} × {h} ({})", thousands(*n))).collect();
    if !sizes.is_empty() {
        lines.push(("sizes", list_of(&sizes, 3)));
        lines.push(("formats", format!("{}; {}", counts(&facts.formats), counts(&facts.channels))));
    }
    if !facts.classes.is_empty() {
        lines.push(("classes", thousands(facts.classes.len() as u64)));
    }
    lines
}

fn files(page: &mut Page, facts: &TableFacts) {
    match facts.files.as_slice() {
        [] => {}
        [file] => labelled(page, "format", &file.format),
        files => {
            let shown = page.shown(files.len(), FEW_FILES);
            for (i, file) in files.iter().take(shown).enumerate() {
                let text = format!("{}: {}, {}", file.path, count_of(file.rows, "row"), file.format);
                labelled(page, if i == 0 { "files" } else { "" }, &text);
            }
            if files.len() > shown {
                labelled(page, "", &format!("and {} more files", thousands((files.len() - shown) as u64)));
            }
        }
    }
}

fn target(page: &mut Page, facts: &TableFacts) {
    let Some(target) = &facts.target else {
        if let Some(reason) = &facts.target_reason {
            labelled(page, "target", &words::no_target(reason));
        }
        return;
    };
    labelled(page, "target", &target_words(target));
    classes(page, &target.classes, "rows");
}

/// Classes with their shares, as bars.
fn classes(page: &mut Page, classes: &[(String, u64)], of: &str) {
    let total: u64 = classes.iter().fold(0, |sum, (_, n)| sum.saturating_add(*n));
    let most = classes.iter().map(|(_, n)| *n).max().unwrap_or(0).max(1);
    let shown = page.shown(classes.len(), FEW_CLASSES);
    let digits = thousands(most).len();
    let bar = |(name, n): &(String, u64)| Bar {
        label: name.clone(),
        length: *n as f64 / most as f64,
        note: format!("{:>6}  {:>digits$}", percent(share_of(*n, total)), thousands(*n)),
    };
    let bars: Vec<Bar> = classes.iter().take(shown).map(bar).collect();
    draw::bars(page, TEXT, &bars);
    if classes.len() > shown {
        let rest = &classes[shown..];
        let rows: u64 = rest.iter().fold(0, |sum, (_, n)| sum.saturating_add(*n));
        let text = format!(
            "and {} more classes with {} of {of} together",
            thousands(rest.len() as u64),
            percent(share_of(rows, total))
        );
        page.text(TEXT, Tone::Faint, &text);
    }
}

/// The target in one sentence: which column, how it was found and why, what else it could be.
pub(crate) fn target_words(target: &TargetFacts) -> String {
    let mut text = format!("`{}`", target.column);
    if !target.task.is_empty() {
        text.push_str(&format!(", {}", target.task));
    }
    if !target.classes.is_empty() {
        text.push_str(&format!(" with {}", count_of(target.classes.len() as u64, "class")));
    }
    match (target.origin.as_str(), target.reason.as_str()) {
        ("given" | "", _) => {}
        (origin, "") => text.push_str(&format!("; {origin}")),
        (origin, reason) => text.push_str(&format!("; {origin}: {reason}")),
    }
    if !target.alternatives.is_empty() {
        let names: Vec<String> = target.alternatives.iter().map(|a| format!("`{a}`")).collect();
        text.push_str(&format!("; could also be {}", list_of(&names, 3)));
    }
    text
}

pub(super) fn skipped(page: &mut Page, lines: &[String]) {
    let shown = page.shown(lines.len(), FEW_FILES);
    for (i, line) in lines.iter().take(shown).enumerate() {
        labelled(page, if i == 0 { "not read" } else { "" }, line);
    }
    let rest = lines.len() - shown;
    if rest > 0 {
        labelled(page, "", &format!("and {} more files", thousands(rest as u64)));
    }
}

fn profiles(page: &mut Page, profiles: &[ColumnFacts]) {
    let columns = ["column", "kind", "nulls", "distinct", "mean", "std", "min", "median", "max"];
    let number = |n: Option<stetho_core::Number>| n.map_or(String::new(), |n| Human(n.0).to_string());
    let row = |c: &ColumnFacts| {
        vec![
            shorten(&c.name, 24),
            c.kind.clone(),
            thousands(c.nulls),
            format!("{}{}", if c.distinct_exact { "" } else { "~" }, thousands(c.distinct)),
            number(c.mean),
            number(c.std),
            number(c.min),
            number(c.median),
            number(c.max),
        ]
    };
    let rows: Vec<Vec<String>> = profiles.iter().map(row).collect();
    draw::table(page, 2, &columns.map(String::from), &rows, usize::MAX - 1);
}

pub(super) fn labelled(page: &mut Page, label: &str, text: &str) {
    let label = format!("{label:<width$}", width = TEXT - 2);
    page.paragraph(2, &[(Tone::Faint, &label)], TEXT, Tone::Plain, text);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn boxes_a_picture_in_words() {
        let of = |counts: &[u64]| {
            let facts = BoxFacts {
                annotated: counts.iter().sum(),
                per_picture: counts.to_vec(),
                ..BoxFacts::default()
            };
            per_picture(&facts)
        };
        assert_eq!(of(&[0, 7]), "1 box");
        assert_eq!(of(&[0, 0, 7]), "2 boxes");
        assert_eq!(of(&[1, 1, 3]), "0 to 2 boxes, median 2");
        assert_eq!(of(&[2, 0, 0, 2]), "0 to 3 boxes, median 0");
        let mut many = vec![1; BoxFacts::MOST_PER_PICTURE + 1];
        assert_eq!(of(&many), "0 to 32 or more boxes, median 16");
        many.iter_mut().take(BoxFacts::MOST_PER_PICTURE).for_each(|n| *n = 0);
        assert_eq!(of(&many), "32 boxes or more");
    }
}
