//! Tables of text: Lightning's `metrics.csv`, YOLO's `results.csv`, Keras' `CSVLogger` and plain ones.

use super::lines::{LineReader, Misread};
use super::number::{Cell, cell};
use super::rows::{Role, Row, Rows, role};
use crate::{Sink, TagId, When};

struct Column {
    name: String,
    role: Role,
    id: Option<TagId>,
    is_numeric: bool,
    has_text: bool,
}

/// Reads a table whose first line names its columns.
#[derive(Default)]
pub(super) struct CsvReader {
    delimiter: Option<char>,
    columns: Vec<Column>,
    cells: Vec<String>,
    values: Vec<(usize, f64)>,
    n_rows: u64,
    /// Rows that were handed over before the file got a new first line.
    n_known: u64,
}

/// The delimiter of a line of names: the most frequent one, blanks where there is none.
pub(super) fn delimiter(line: &str) -> char {
    let count = |delimiter: char| line.matches(delimiter).count();
    let best = [',', ';', '\t', '|'].into_iter().max_by_key(|d| (count(*d), *d == ',')).unwrap_or(',');
    if count(best) == 0 && line.trim().contains(' ') { ' ' } else { best }
}

/// Splits a line into its cells; those in double quotes may hold the delimiter, blanks around a cell are no part of it. A bar at both
/// ends of a line, as in tables of Markdown, is no delimiter.
pub(super) fn split(line: &str, delimiter: char, cells: &mut Vec<String>) {
    cells.clear();
    let framed = line.trim().strip_prefix('|').and_then(|inner| inner.strip_suffix('|'));
    let line = framed.filter(|_| delimiter == '|').unwrap_or(line);
    if delimiter == ' ' {
        cells.extend(line.split_whitespace().map(str::to_owned));
        return;
    }
    let mut rest = Some(line);
    while let Some(text) = rest {
        let start = text.trim_start_matches(' ');
        let Some(quoted) = start.strip_prefix('"') else {
            let (cell, after) = text.split_once(delimiter).map_or((text, None), |(c, a)| (c, Some(a)));
            cells.push(cell.trim().to_owned());
            rest = after;
            continue;
        };
        let mut cell = String::new();
        let mut after = quoted;
        loop {
            let (part, tail) = after.split_once('"').unwrap_or((after, ""));
            cell.push_str(part);
            after = tail;
            match tail.strip_prefix('"') {
                Some(tail) => after = tail,
                None => break,
            }
            cell.push('"');
        }
        cells.push(cell.trim().to_owned());
        rest = after.split_once(delimiter).map(|(_, after)| after);
    }
}

/// Whether a line is drawn below the names of a table: `|---|:---:|`.
pub(super) fn is_rule(line: &str) -> bool {
    line.contains('|')
        && line.contains("--")
        && line.chars().all(|c| matches!(c, '|' | '-' | ':' | '+' | ' ' | '\r'))
}

impl CsvReader {
    /// Takes in the names of the columns. A table without names has its columns numbered.
    fn head(&mut self) -> bool {
        let is_head = self.cells.iter().all(|c| !matches!(cell(c), Cell::Number(_)));
        if !is_head && !self.columns.is_empty() {
            return false;
        }
        let name = |(i, cell): (usize, &String)| {
            let name =
                if is_head { cell.trim_start_matches('#').trim().to_owned() } else { format!("column {i}") };
            Column { role: role(&name), name, id: None, is_numeric: false, has_text: false }
        };
        self.columns = self.cells.iter().enumerate().map(name).collect();
        let best = self
            .columns
            .iter()
            .filter_map(|c| if let Role::Step(rank) = c.role { Some(rank) } else { None })
            .min();
        for column in &mut self.columns {
            // Of two names for the step, the more telling is the step and the other says nothing.
            if matches!(column.role, Role::Step(rank) if Some(rank) != best) {
                column.role = Role::Batch;
            }
        }
        is_head
    }

    /// Whether the line can be nothing but names: the columns are known, and no cell is a number.
    fn is_head_again(&self) -> bool {
        let names = self.cells.iter().filter(|c| cell(c) == Cell::Text).count();
        names == self.cells.len() && names > 1 && self.cells.iter().any(|c| role(c) != Role::Series)
    }

    fn row(&mut self, rows: &mut Rows, sink: &mut dyn Sink) {
        let mut place = Row::default();
        self.values.clear();
        for (i, (column, text)) in self.columns.iter_mut().zip(&self.cells).enumerate() {
            let value = match cell(text) {
                Cell::Number(value) => value,
                Cell::Blank => continue,
                Cell::Text => {
                    column.has_text = true;
                    continue;
                }
            };
            column.is_numeric = true;
            match column.role {
                Role::Series => self.values.push((i, value)),
                role => {
                    place.add_as(role, &column.name, value);
                    if !place.values.is_empty() {
                        place.values.clear();
                        self.values.push((i, value));
                    }
                }
            }
        }
        if self.values.is_empty() && place.step.is_none() {
            return;
        }
        let when = When { step: rows.step(&place), wall_time: place.wall_time };
        for (i, value) in &self.values {
            let column = &mut self.columns[*i];
            let id = *column.id.get_or_insert_with(|| rows.tag(&column.name, sink));
            rows.point(id, when, *value, sink);
        }
    }
}

impl LineReader for CsvReader {
    fn kind(&self) -> &'static str {
        "a CSV file"
    }

    fn line(&mut self, line: &[u8], rows: &mut Rows, sink: &mut dyn Sink) -> Result<(), Misread> {
        let text = String::from_utf8_lossy(line);
        let text = text.trim_start_matches('\u{feff}');
        // Lines of dashes are as good as blank ones.
        if text.trim().is_empty() || is_rule(text) {
            return Ok(());
        }
        let delimiter = *self.delimiter.get_or_insert_with(|| delimiter(text));
        split(text, delimiter, &mut self.cells);
        if (self.columns.is_empty() || self.is_head_again()) && self.head() {
            return Ok(());
        }
        if self.cells.len() < self.columns.len().min(2) {
            return Err(Misread::Damaged("the row has fewer cells than there are columns"));
        }
        if self.cells.len() > self.columns.len() {
            return Err(Misread::Damaged("the row has more cells than there are columns"));
        }
        self.n_rows += 1;
        if self.n_rows > self.n_known {
            self.row(rows, sink);
        }
        Ok(())
    }

    fn begin_anew(&mut self, has_new_head: bool) -> bool {
        // Lightning writes the file anew when a metric comes up that had no column.
        let n_known = if has_new_head { self.n_rows.max(self.n_known) } else { 0 };
        *self = Self { n_known, ..Self::default() };
        has_new_head
    }

    fn not_numeric(&self) -> Vec<String> {
        self.columns.iter().filter(|c| c.has_text && !c.is_numeric).map(|c| c.name.clone()).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cells(line: &str) -> Vec<String> {
        let mut cells = Vec::new();
        split(line, delimiter(line), &mut cells);
        cells
    }

    #[test]
    fn lines_are_split_into_cells() {
        assert_eq!(cells("  epoch,   train/loss ,"), ["epoch", "train/loss", ""]);
        assert_eq!(cells("a;b,c;d"), ["a", "b,c", "d"]);
        assert_eq!(cells(r#""a, ""b""",2, "c" ,"#), [r#"a, "b""#, "2", "c", ""]);
        assert_eq!(cells("| step | loss |"), ["step", "loss"]);
        assert!(is_rule("|---|:--:|") && !is_rule("|-1|-2|") && !is_rule("--"));
        assert_eq!(cells("step  loss   lr"), ["step", "loss", "lr"]);
        assert_eq!(cells("loss"), ["loss"]);
        assert_eq!(cells("\"open,1"), ["open,1"]);
    }
}
