//! The head of a report on training runs: what each logged, and its losses in small.

use stetho_core::{Line, Number, count_of, thousands};

use super::draw;
use super::head::{labelled, skipped};
use super::page::{Page, Tone};
use crate::run_facts::{RunFacts, SeriesFacts};
use crate::words::duration;

/// Characters of a drawn line.
const DRAWN: usize = 56;
/// Runs that are drawn at first sight.
const FEW_RUNS: usize = 6;
/// Settings that are named.
const FEW_SETTINGS: usize = 8;

pub(super) fn write(page: &mut Page, runs: &[RunFacts], skipped_files: &[String]) {
    let shown = page.shown(runs.len(), FEW_RUNS);
    for run in &runs[..shown] {
        page.gap();
        one(page, run, runs.len() > 1);
    }
    if shown < runs.len() {
        page.gap();
        page.text(2, Tone::Faint, &format!("… and {}", count_of((runs.len() - shown) as u64, "more run")));
    }
    skipped(page, skipped_files);
}

fn one(page: &mut Page, run: &RunFacts, is_one_of_many: bool) {
    if is_one_of_many {
        page.text(0, Tone::Strong, &run.name);
    }
    let first = run.series.iter().filter_map(|s| s.first.first()).min().copied().unwrap_or(0);
    let mut length = format!("{} {} to {}", run.unit, thousands(first), thousands(run.last_step));
    if let Some(seconds) = run.seconds.filter(|s| *s > 0.0) {
        length.push_str(&format!(" in {}", duration(seconds)));
    }
    if !run.is_over {
        length.push_str(", as far as it is written");
    }
    labelled(page, "length", &length);
    let mut held = format!("{} series", thousands(run.series.len() as u64));
    if let Some(layers) = run.layers.iter().map(|l| l.layers.len() as u64 + l.left_out).max() {
        held.push_str(&format!(
            ", {} of {}",
            count_of(run.layers.len() as u64, "quantity"),
            count_of(layers, "layer")
        ));
    }
    labelled(page, "logged", &held);
    if let Some(settings) = &run.settings {
        labelled(page, "settings", &said(settings));
    }
    if !run.restarts.is_empty() {
        let at: Vec<String> = run.restarts.iter().map(|s| thousands(*s)).collect();
        labelled(page, "restarted", &format!("at {} {}", run.unit, at.join(", ")));
    }
    if let Some(reason) = &run.contest {
        labelled(page, "note", reason);
    }
    losses(page, run);
}

/// Settings in a line: the first few.
fn said(settings: &[(String, String)]) -> String {
    let few: Vec<String> =
        settings.iter().take(FEW_SETTINGS).map(|(name, value)| format!("{name}={value}")).collect();
    match settings.len().saturating_sub(FEW_SETTINGS) {
        0 => few.join(", "),
        more => format!("{} and {more} more", few.join(", ")),
    }
}

/// The training and the validation loss, one above the other on one axis of steps.
fn losses(page: &mut Page, run: &RunFacts) {
    let held_out = run.loss("validation").or_else(|| run.loss("test"));
    let shown: Vec<&SeriesFacts> = run.loss("training").into_iter().chain(held_out).collect();
    let first = shown.iter().filter_map(|s| s.first.first()).min().copied().unwrap_or(0);
    let last = shown.iter().filter_map(|s| s.last.last()).max().copied().unwrap_or(0);
    let columns = DRAWN
        .min(page.room(2).saturating_sub(34))
        .max(8)
        .min(usize::try_from(last.saturating_sub(first)).unwrap_or(DRAWN).saturating_add(1));
    let lines: Vec<Line> = shown.iter().map(|s| line(s, first, last, columns)).collect();
    if lines.iter().any(|l| l.points.len() > 1) {
        page.gap();
        page.text(2, Tone::Faint, "loss");
        draw::curves(page, 2, &run.unit, &[], &lines);
    }
    for (series, broken) in shown.iter().filter_map(|s| Some((s, s.broken.as_ref()?))) {
        let since = if broken.is_last { ", and it has not recovered" } else { "" };
        let values = count_of(broken.count, "value");
        let text = format!(
            "`{}`: {values} NaN or infinite, first at {} {}{since}",
            series.tag,
            run.unit,
            thousands(broken.first)
        );
        page.text(2, Tone::Plain, &text);
    }
}

/// A series at evenly spaced steps: the newest stretch that began before each; nothing before the first.
fn line(series: &SeriesFacts, first: u64, last: u64, columns: usize) -> Line {
    let span = last.saturating_sub(first) as f64;
    let at = |column: usize| {
        first.saturating_add((span * column as f64 / (columns.max(2) - 1) as f64).round() as u64)
    };
    let value = |step: u64| {
        let begun = series.first.partition_point(|f| *f <= step);
        begun.checked_sub(1).and_then(|i| series.mean.get(i)).copied().unwrap_or(Number(f64::NAN))
    };
    let ends = series.last.last().copied().unwrap_or(0);
    // A series that ends early is drawn to its end, not beyond.
    let points = (0..columns).map(at).filter(|s| *s <= ends.max(first)).map(|s| [Number(s as f64), value(s)]);
    Line { label: series.part.clone(), points: points.collect() }
}
