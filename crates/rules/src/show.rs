//! Names, places and distributions as a person reads them, and names as Python reads them.

use stetho_core::table::{Column, RowId, Table};
use stetho_core::{Evidence, Number};

/// Column names for a message: `a`, `b` and 4 more.
pub(crate) fn list(names: &[&str]) -> String {
    const SHOWN: usize = 3;
    let quoted: Vec<String> = names.iter().map(|n| format!("`{n}`")).collect();
    match quoted.as_slice() {
        [] => String::new(),
        [only] => only.clone(),
        [first @ .., last] if quoted.len() <= SHOWN => format!("{} and {last}", first.join(", ")),
        _ => format!("{} and {} more", quoted[..SHOWN].join(", "), quoted.len() - SHOWN),
    }
}

/// A Python list of strings: `["a", "b"]`.
pub(crate) fn python_list(names: &[&str]) -> String {
    let quoted: Vec<String> = names.iter().map(|n| python(n)).collect();
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
    }

    #[test]
    fn python_strings_are_escaped() {
        assert_eq!(python_list(&["a", "b \"c\"\n"]), "[\"a\", \"b \\\"c\\\"\\n\"]");
    }
}
