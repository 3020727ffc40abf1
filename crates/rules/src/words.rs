//! Names and rows in the words of reports and of copyable code.

use stetho_core::Place;
use stetho_core::table::{RowId, Table};

/// Cells of a row that a report shows.
const SHOWN_CELLS: usize = 6;

/// The names as a Python list: `["a", "b"]`.
pub(crate) fn python_list<'a>(names: impl IntoIterator<Item = &'a str>) -> String {
    let quoted: Vec<_> = names.into_iter().map(|n| format!("{n:?}")).collect();
    format!("[{}]", quoted.join(", "))
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

/// Where the row is, for a table of evidence: its line, or its number in files without lines.
pub(crate) fn position(table: &Table, row: RowId) -> String {
    match table.seen.get(&row).and_then(|seen| seen.line) {
        Some(line) => format!("line {line}"),
        None => format!("row {}", table.seen.get(&row).map_or(row.row, |seen| seen.row)),
    }
}

/// The positions of several rows, shortened.
pub(crate) fn positions(table: &Table, rows: &[RowId], count: u64) -> String {
    const MOST: usize = 4;
    let mut text: Vec<_> = rows.iter().take(MOST).map(|row| position(table, *row)).collect();
    if count > text.len() as u64 {
        text.push("…".into());
    }
    text.join(", ")
}

/// The first cells of a row with their columns' names: `age 31, city Rome, …`. `without` is left out.
pub(crate) fn cells(table: &Table, row: RowId, without: Option<usize>) -> String {
    let of = |(i, column): (usize, &stetho_core::table::Column)| {
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_listed_for_people_and_for_python() {
        assert_eq!(listing(&["a"], 3), "`a`");
        assert_eq!(listing(&["a", "b", "c"], 3), "`a`, `b` and `c`");
        assert_eq!(listing(&["a", "b", "c", "d"], 2), "`a`, `b` and 2 more");
        assert_eq!(python_list(["a", "b \"c\""]), r#"["a", "b \"c\""]"#);
    }
}
