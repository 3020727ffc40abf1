//! Names, places and distributions as a person reads them, and names as Python reads them.

use stetho_core::table::{Column, RowId, Table};
use stetho_core::{Evidence, Number, Place};

/// Names in a message where a rule has no reason for another number.
const SHOWN_NAMES: usize = 3;

/// Cells of a row that a report shows.
const SHOWN_CELLS: usize = 6;

/// Column names for a message: `a`, `b` and 4 more.
pub(crate) fn list(names: &[&str]) -> String {
    listing(names, SHOWN_NAMES)
}

/// The names in backticks: `a`, `b` and `c`; beyond `most`, how many more there are.
pub(crate) fn listing(names: &[&str], most: usize) -> String {
    let quote = |n: &&str| format!("`{n}`");
    match names {
        [] => String::new(),
        [one] => quote(one),
        _ if names.len() > most => {
            let shown: Vec<_> = names.iter().take(most).map(quote).collect();
            format!("{} and {} more", shown.join(", "), names.len() - most)
        }
        [most @ .., last] => {
            let shown: Vec<_> = most.iter().map(quote).collect();
            format!("{} and {}", shown.join(", "), quote(last))
        }
    }
}

/// A Python list of strings: `["a", "b"]`.
pub(crate) fn python_list(names: impl IntoIterator<Item = impl AsRef<str>>) -> String {
    let quoted: Vec<String> = names.into_iter().map(|n| python(n.as_ref())).collect();
    format!("[{}]", quoted.join(", "))
}

/// A Python string literal.
pub(crate) fn python(text: &str) -> String {
    let mut out = String::from("\"");
    for c in text.chars() {
        match c {
            '"' | '\\' => out.extend(['\\', c]),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            c if c.is_control() => out.push_str(&format!("\\u{:04x}", u32::from(c))),
            c => out.push(c),
        }
    }
    out.push('"');
    out
}

/// Where a row is: `line 19`, or `row 17` in a file without lines; with the file's name where there are several.
pub(crate) fn location(table: &Table, row: RowId) -> String {
    let Some(seen) = table.seen.get(&row) else { return format!("row {}", row.row) };
    let at = seen.line.map_or_else(|| format!("row {}", seen.row), |line| format!("line {line}"));
    if table.files.len() > 1 { format!("{} {at}", seen.path) } else { at }
}

/// The positions of several rows, shortened.
pub(crate) fn positions(table: &Table, rows: &[RowId], count: u64) -> String {
    const MOST: usize = 4;
    let mut text: Vec<_> = rows.iter().take(MOST).map(|row| location(table, *row)).collect();
    if count > text.len() as u64 {
        text.push("…".into());
    }
    text.join(", ")
}

/// The first cells of a row with their columns' names: `age 31, city Rome, …`. `without` is left out.
pub(crate) fn cells(table: &Table, row: RowId, without: Option<usize>) -> String {
    let of = |(i, column): (usize, &Column)| {
        let value = table.value(row, i)?;
        Some(format!("{} {}", column.name, if value.is_empty() { "–" } else { value }))
    };
    let columns = || table.columns.iter().enumerate().filter(|(i, _)| Some(*i) != without);
    let mut text: Vec<_> = columns().filter_map(of).take(SHOWN_CELLS).collect();
    if columns().count() > SHOWN_CELLS {
        text.push("…".into());
    }
    text.join(", ")
}

/// The first place and the others; the table as a whole where no row is known.
pub(crate) fn first_place(mut places: Vec<Place>) -> (Place, Vec<Place>) {
    if places.is_empty() {
        return (Place::Whole, places);
    }
    let first = places.remove(0);
    (first, places)
}

/// How the numbers of `column` are distributed, if that was measured.
pub(crate) fn histogram(column: &Column) -> Option<Evidence> {
    let numbers = column.number.as_ref().filter(|n| !n.histogram.is_empty() && n.max > n.min)?;
    let bins = numbers.histogram.len();
    let edge = |i: usize| Number(numbers.min + (numbers.max - numbers.min) * i as f64 / bins as f64);
    Some(Evidence::Histogram {
        name: column.name.clone(),
        edges: (0..=bins).map(edge).collect(),
        counts: numbers.histogram.clone(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_listed_and_the_rest_counted() {
        assert_eq!(list(&["a"]), "`a`");
        assert_eq!(list(&["a", "b"]), "`a` and `b`");
        assert_eq!(list(&["a", "b", "c"]), "`a`, `b` and `c`");
        assert_eq!(list(&["a", "b", "c", "d", "e"]), "`a`, `b`, `c` and 2 more");
        assert_eq!(listing(&["a", "b", "c"], 2), "`a`, `b` and 1 more");
    }

    #[test]
    fn python_strings_are_escaped() {
        assert_eq!(python_list(["a", "b \"c\"\n"]), "[\"a\", \"b \\\"c\\\"\\n\"]");
    }
}
