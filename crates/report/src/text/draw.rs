//! Drawings made of characters: bars, histograms, tables.

use super::layout::{clean, fit, shorten, width};
use super::page::{Page, Tone};
use crate::words;
use stetho_core::{Human, Line, Number};

/// Longest label of a bar, in columns.
const LABEL: usize = 24;
/// Longest bar, in columns.
const BAR: usize = 32;
/// Most bins of a histogram on one line.
const BINS: usize = 40;
/// A table column is cut to this width at most when there is not enough room, and never needs more than `WIDEST`.
const NARROWEST: usize = 8;
const WIDEST: usize = 40;
/// The last column may take what the screen has left.
const WIDEST_LAST: usize = 200;
/// Space between table columns.
const BETWEEN: usize = 2;

/// One bar: label, amount from 0 to 1, and what is written after it.
pub(crate) struct Bar {
    pub(crate) label: String,
    pub(crate) length: f64,
    pub(crate) note: String,
}

/// Bars under each other, labels and notes aligned.
pub(crate) fn bars(page: &mut Page, indent: usize, bars: &[Bar]) {
    let labels =
        bars.iter().map(|b| width(&clean(&b.label))).max().unwrap_or(0).min(LABEL).min(page.screen.width / 3);
    let notes = bars.iter().map(|b| width(&clean(&b.note))).max().unwrap_or(0);
    let room = page.screen.width.saturating_sub(indent + labels + notes + 2 * BETWEEN).clamp(1, BAR);
    for bar in bars {
        let label = fit(&bar.label, labels, false);
        let drawn = fit(&blocks(bar.length, room), room, false);
        let note = fit(&bar.note, notes, true);
        let spans = [
            (Tone::Plain, &*label),
            (Tone::Plain, "  "),
            (Tone::Info, &drawn),
            (Tone::Plain, "  "),
            (Tone::Plain, &note),
        ];
        page.line(indent, &spans);
    }
}

/// A bar of `share` of `columns`, to an eighth of a column; at least a sliver for anything above zero.
pub(crate) fn blocks(share: f64, columns: usize) -> String {
    const PARTS: [&str; 8] = ["", "▏", "▎", "▍", "▌", "▋", "▊", "▉"];
    if share.is_nan() || share <= 0.0 {
        return String::new();
    }
    let eighths = ((share.min(1.0) * columns as f64 * 8.0).round() as usize).max(1);
    "█".repeat(eighths / 8) + PARTS.get(eighths % 8).unwrap_or(&"")
}

/// A histogram on one line: `▁` for the fewest, `█` for the most, a space for none.
pub(crate) fn spark(counts: &[u64]) -> String {
    const LEVELS: [char; 8] = ['▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'];
    let group = counts.len().div_ceil(BINS).max(1);
    let bins: Vec<u64> =
        counts.chunks(group).map(|c| c.iter().fold(0, |sum: u64, &n| sum.saturating_add(n))).collect();
    let most = bins.iter().copied().max().unwrap_or(0).max(1) as f64;
    let level = |&n: &u64| match n {
        0 => ' ',
        _ => LEVELS[((n as f64 / most * 8.0).ceil() as usize).clamp(1, 8) - 1],
    };
    bins.iter().map(level).collect()
}

/// Heights that differ by more than this are drawn on a logarithmic scale.
const WIDE: f64 = 50.0;

/// Lines on one scale, each on a row of its own: its heights in eighths, from where to where it goes.
pub(crate) fn curves(page: &mut Page, indent: usize, x: &str, ticks: &[String], lines: &[Line]) {
    let values = || lines.iter().flat_map(|l| &l.points).map(|p| p[1].0).filter(|v| v.is_finite());
    let (low, high) = values().fold((f64::MAX, f64::MIN), |(a, b), v| (a.min(v), b.max(v)));
    let labels = lines.iter().map(|l| width(&clean(&l.label))).max().unwrap_or(0).min(LABEL);
    let is_wide = low > 0.0 && high / low > WIDE;
    let scaled = |v: f64| if is_wide { v.ln() } else { v };
    for line in lines {
        let mut finite = line.points.iter().filter(|p| p[1].0.is_finite());
        let Some(first) = finite.next() else { continue };
        let last = finite.next_back().unwrap_or(first);
        let ends = format!("  {} → {}", Human(first[1].0), Human(last[1].0));
        let room = page.room(indent + labels + 2 + width(&ends));
        let drawn: String =
            stretches(&line.points, room).map(|v| level(scaled(v), scaled(low), scaled(high))).collect();
        let label = fit(&line.label, labels, false);
        page.line(
            indent,
            &[(Tone::Plain, &label), (Tone::Plain, "  "), (Tone::Info, &drawn), (Tone::Plain, &ends)],
        );
    }
    let Some(line) = lines.iter().max_by_key(|l| l.points.len()) else { return };
    let Some((first, last)) = line.points.first().zip(line.points.last()) else { return };
    let end = |at: f64| ticks.get(at as usize).map_or_else(|| Human(at).to_string(), Clone::clone);
    let scale = if is_wide { "; heights are logarithmic" } else { "" };
    let text = format!("{x}: {} → {}{scale}", end(first[0].0), end(last[0].0));
    page.text(indent, Tone::Faint, &text);
}

/// The values of a line, where they are more than there is room for as the means of successive stretches.
fn stretches(points: &[[Number; 2]], room: usize) -> impl Iterator<Item = f64> {
    let n = points.len().min(room.max(1));
    let mean =
        |points: &[[Number; 2]]| points.iter().map(|p| p[1].0).sum::<f64>() / points.len().max(1) as f64;
    (0..n).map(move |i| mean(&points[i * points.len() / n..(i + 1) * points.len() / n]))
}

/// A height between two bounds, in eighths of a line.
fn level(value: f64, low: f64, high: f64) -> char {
    const LEVELS: [char; 8] = ['▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'];
    if !value.is_finite() {
        return '·';
    }
    let share = if high > low { (value - low) / (high - low) } else { 0.5 };
    LEVELS[((share * 7.0).round() as usize).min(7)]
}

/// A table whose columns are as wide as they need to be and, all together, no wider than the screen. Columns that do
/// not fit are left out and counted, as are rows beyond `few`.
pub(crate) fn table(page: &mut Page, indent: usize, columns: &[String], rows: &[Vec<String>], few: usize) {
    let shown = &rows[..page.shown(rows.len(), few)];
    let widths = fit_columns(&natural_widths(columns, shown), page.room(indent));
    let to_the_right: Vec<bool> = (0..widths.len()).map(|c| words::is_numeric(shown, c)).collect();
    let line = |cells: &[String]| {
        let cell = |(c, &w): (usize, &usize)| {
            let text = cells.get(c).map_or("", String::as_str);
            fit(text, w, to_the_right.get(c).copied().unwrap_or(false))
        };
        widths.iter().enumerate().map(cell).collect::<Vec<_>>().join(&" ".repeat(BETWEEN))
    };
    page.line(indent, &[(Tone::Strong, &line(columns))]);
    for row in shown {
        page.line(indent, &[(Tone::Plain, &line(row))]);
    }
    more(page, indent, rows.len() - shown.len(), columns.len().saturating_sub(widths.len()));
}

/// Says how many rows and columns were left out, if any.
fn more(page: &mut Page, indent: usize, rows: usize, columns: usize) {
    let count = |n: usize, noun| stetho_core::count_of(n as u64, noun).replacen(' ', " more ", 1);
    let text = match (rows, columns) {
        (0, 0) => return,
        (_, 0) => count(rows, "row"),
        (0, _) => count(columns, "column"),
        (_, _) => format!("{}, {}", count(rows, "row"), count(columns, "column")),
    };
    page.line(indent, &[(Tone::Faint, &format!("… and {text}"))]);
}

fn natural_widths(columns: &[String], rows: &[Vec<String>]) -> Vec<usize> {
    let of = |c: usize, heading: &String| {
        let cells = rows.iter().filter_map(|r| r.get(c));
        let widest = if c + 1 == columns.len() { WIDEST_LAST } else { WIDEST };
        cells.chain([heading]).map(|t| width(&clean(t))).max().unwrap_or(0).clamp(1, widest)
    };
    columns.iter().enumerate().map(|(c, heading)| of(c, heading)).collect()
}

/// Widths of the columns that fit into `room`: as many as fit at their narrowest, the widest of them narrowed.
fn fit_columns(natural: &[usize], room: usize) -> Vec<usize> {
    let least = |w: usize| w.min(NARROWEST);
    let mut used = 0;
    let fitting = natural.iter().take_while(|&&w| {
        used += least(w) + if used > 0 { BETWEEN } else { 0 };
        used <= room
    });
    let mut widths: Vec<usize> = fitting.copied().collect();
    let gaps = BETWEEN * widths.len().saturating_sub(1);
    let mut over = (widths.iter().sum::<usize>() + gaps).saturating_sub(room);
    while over > 0 {
        let Some(widest) = widths.iter_mut().filter(|w| **w > NARROWEST).max() else { break };
        *widest -= 1;
        over -= 1;
    }
    widths
}

/// The edges of a histogram around its picture: `0.1 ▕▂▇█▃▏ 15`.
pub(crate) fn histogram(page: &mut Page, indent: usize, low: &str, counts: &[u64], high: &str) {
    let picture = spark(counts);
    let (low, high) = (shorten(low, 16), shorten(high, 16));
    page.line(
        indent,
        &[
            (Tone::Plain, &low),
            (Tone::Faint, " ▕"),
            (Tone::Info, &picture),
            (Tone::Faint, "▏ "),
            (Tone::Plain, &high),
        ],
    );
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::text::page::Screen;

    #[test]
    fn bars_have_eighths_and_never_vanish() {
        assert_eq!(blocks(1.0, 4), "████");
        assert_eq!(blocks(0.5, 5), "██▌");
        assert_eq!(blocks(1e-9, 5), "▏");
        assert_eq!(blocks(f64::NAN, 5), "");
        assert_eq!(blocks(f64::INFINITY, 2), "██");
        assert_eq!(blocks(-1.0, 5), "");
    }

    #[test]
    fn curves_over_powers_of_ten_are_logarithmic_and_say_so() {
        let line = |values: [f64; 4]| Line {
            label: "loss".into(),
            points: values.iter().zip(0..4).map(|(y, x)| [x.into(), *y].map(Number)).collect(),
        };
        let drawn = |values| {
            let mut page = Page::new(Screen::default());
            curves(&mut page, 0, "step", &[], &[line(values)]);
            page.finish()
        };
        assert_eq!(
            drawn([1000.0, 100.0, f64::NAN, 1.0]),
            "loss  █▆·▁  1,000 → 1\nstep: 0 → 3; heights are logarithmic\n"
        );
        assert_eq!(drawn([0.0, 100.0, 50.0, 0.0]), "loss  ▁█▅▁  0 → 0\nstep: 0 → 3\n");
    }

    #[test]
    fn long_curves_stay_on_the_screen() {
        let points = (0..500).map(|i| [f64::from(i), f64::from(i)].map(Number)).collect();
        let mut page = Page::new(Screen { width: 50, ..Screen::default() });
        curves(&mut page, 4, "step", &[], &[Line { label: "loss".into(), points }]);
        let text = page.finish();
        assert_eq!(text.lines().next().map(width), Some(50), "{text}");
    }

    #[test]
    fn sparks_show_empty_bins_as_empty() {
        assert_eq!(spark(&[1, 0, 8, 4]), "▁ █▄");
        assert_eq!(spark(&[]), "");
        assert_eq!(spark(&[u64::MAX; 2]), "██");
        assert_eq!(spark(&[1; 400]).chars().count(), BINS);
    }

    #[test]
    fn wide_tables_are_narrowed_then_cut() {
        let screen = Screen { width: 44, ..Screen::default() };
        let mut page = Page::new(screen);
        let columns: Vec<String> = ["name", "a long heading of a column", "n"].map(String::from).into();
        let rows = vec![vec!["x".repeat(30), "text of some length, too long".into(), "1,200".into()]; 8];
        table(&mut page, 2, &columns, &rows, 5);
        let text = page.finish();
        assert!(text.lines().all(|l| width(l) <= 44), "{text}");
        assert!(text.contains("… and 3 more rows"), "{text}");
        assert!(text.contains("  1,200\n"), "{text}");

        let mut page = Page::new(screen);
        let columns: Vec<String> = (0..30).map(|i| format!("column {i}")).collect();
        table(&mut page, 0, &columns, &[], 5);
        assert!(page.finish().contains("… and 26 more columns"));
    }
}
