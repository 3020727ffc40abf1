//! The table that a recipe makes.

use std::cmp::Ordering;
use std::fmt;
use std::sync::Arc;

/// One value.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Cell {
    Number(f64),
    Text(Arc<str>),
    /// No value, with the word that stands for it in the file.
    Missing(Arc<str>),
}

impl Cell {
    pub(super) fn blank() -> Self {
        Self::Missing("".into())
    }

    /// Numbers first, then texts, then what is missing.
    fn order(&self, other: &Self) -> Ordering {
        let class = |cell: &Self| match cell {
            Self::Number(_) => 0,
            Self::Text(_) => 1,
            Self::Missing(_) => 2,
        };
        match (self, other) {
            (Self::Number(a), Self::Number(b)) => a.total_cmp(b),
            (Self::Text(a), Self::Text(b)) => a.cmp(b),
            (a, b) => class(a).cmp(&class(b)),
        }
    }
}

/// As in a CSV file, before quoting.
impl fmt::Display for Cell {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Number(value) => f.write_str(&number_text(*value)),
            Self::Text(text) | Self::Missing(text) => f.write_str(text),
        }
    }
}

/// A number at no more than ten significant digits, which hides the dust of binary fractions; integers in full.
fn number_text(value: f64) -> String {
    let magnitude = value.abs();
    if !value.is_finite() {
        return match (value.is_nan(), value > 0.0) {
            (true, _) => "NaN".into(),
            (_, true) => "inf".into(),
            (_, false) => "-inf".into(),
        };
    }
    if value.fract().abs() <= 0.0 && magnitude < 9e15 {
        return format!("{}", value as i64);
    }
    let rounded: f64 = format!("{value:.9e}").parse().unwrap_or(value);
    if (1e-5..1e15).contains(&magnitude) { format!("{rounded}") } else { format!("{rounded:e}") }
}

/// Columns of equal length, in the order of the header. Columns whose name starts with `_` are helpers.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Frame {
    columns: Vec<(String, Vec<Cell>)>,
}

impl Frame {
    /// The names of all columns, helpers included.
    pub(super) fn names(&self) -> impl Iterator<Item = &str> {
        self.columns.iter().map(|(name, _)| name.as_str())
    }

    pub(super) fn column(&self, name: &str) -> Option<&[Cell]> {
        self.columns.iter().find(|(known, _)| known == name).map(|(_, cells)| cells.as_slice())
    }

    /// How many rows there are.
    pub fn n_rows(&self) -> usize {
        self.columns.first().map_or(0, |(_, cells)| cells.len())
    }

    /// How many cells there are, helpers included.
    pub(super) fn n_cells(&self) -> usize {
        self.n_rows() * self.columns.len()
    }

    pub(super) fn set(&mut self, name: &str, cells: Vec<Cell>) {
        match self.columns.iter_mut().find(|(known, _)| known == name) {
            Some((_, old)) => *old = cells,
            None => self.columns.push((name.to_owned(), cells)),
        }
    }

    /// Puts the rows into the order of `rows`, which may leave some out or repeat them.
    pub(super) fn reorder(&mut self, rows: &[usize]) {
        for (_, cells) in &mut self.columns {
            *cells = rows.iter().filter_map(|row| cells.get(*row).cloned()).collect();
        }
    }

    /// The row numbers in ascending order of column `name`; equal rows keep their order.
    pub(super) fn order_by(&self, name: &str) -> Option<Vec<usize>> {
        let cells = self.column(name)?;
        let mut rows: Vec<usize> = (0..cells.len()).collect();
        rows.sort_by(|a, b| match (cells.get(*a), cells.get(*b)) {
            (Some(a), Some(b)) => a.order(b),
            _ => Ordering::Equal,
        });
        Some(rows)
    }

    /// Appends rows of `other`, which must have every column of this frame; a frame without columns takes all.
    pub(super) fn append(&mut self, other: &Self, rows: std::ops::Range<usize>) -> Result<(), String> {
        if self.columns.is_empty() {
            self.columns = other.columns.iter().map(|(name, _)| (name.clone(), Vec::new())).collect();
        }
        if let Some(unknown) = self.names().find(|name| other.column(name).is_none()) {
            return Err(format!("the train part has no column `{unknown}`"));
        }
        for (name, cells) in &mut self.columns {
            let more = other.column(name).and_then(|cells| cells.get(rows.clone()));
            let more = more
                .ok_or_else(|| format!("there are no rows {rows:?}; there are {}, from 0", other.n_rows()))?;
            cells.extend(more.iter().cloned());
        }
        Ok(())
    }

    /// The table as a CSV file with a header, lines ended by `\n`, quoted where needed.
    ///
    /// ```
    /// use stetho_gallery::Recipe;
    /// let recipe = Recipe::parse("a = row()\n`b, c` = text(\"r\", a)\n_helper = 0")?;
    /// assert_eq!(recipe.make(2)?.to_csv(), "a,\"b, c\"\n0,r0\n1,r1\n");
    /// # Ok::<(), stetho_gallery::RecipeError>(())
    /// ```
    pub fn to_csv(&self) -> String {
        let written: Vec<_> = self.columns.iter().filter(|(name, _)| !name.starts_with('_')).collect();
        let mut out = String::new();
        if written.is_empty() {
            return out;
        }
        push_line(&mut out, written.iter().map(|(name, _)| name.clone()));
        for row in 0..self.n_rows() {
            let cells = written.iter().map(|(_, cells)| cells.get(row));
            push_line(&mut out, cells.map(|c| c.map_or_else(String::new, Cell::to_string)));
        }
        out
    }
}

fn push_line(out: &mut String, cells: impl Iterator<Item = String>) {
    let start = out.len();
    for (i, cell) in cells.enumerate() {
        if i > 0 {
            out.push(',');
        }
        let is_plain = !cell.contains([',', '"', '\n', '\r']) && cell.trim().len() == cell.len();
        if is_plain {
            out.push_str(&cell);
        } else {
            out.push('"');
            out.push_str(&cell.replace('"', "\"\""));
            out.push('"');
        }
    }
    if out.len() == start {
        out.push_str("\"\""); // an empty line would not be a row
    }
    out.push('\n');
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_short_and_exact() {
        let shown = [
            (3.0, "3"),
            (-0.0, "0"),
            (0.1 + 0.2, "0.3"),
            (1.0 / 3.0, "0.3333333333"),
            (123_456_789_012.0, "123456789012"),
            (1e300, "1e300"),
            (2.5e-7, "2.5e-7"),
            (f64::NAN, "NaN"),
            (f64::NEG_INFINITY, "-inf"),
        ];
        for (value, text) in shown {
            assert_eq!(number_text(value), text);
        }
    }

    #[test]
    fn cells_are_quoted_where_needed() {
        let mut frame = Frame::default();
        let texts = ["a,b", "say \"hi\"", "two\nlines", " padded", ""];
        frame.set("x", texts.iter().map(|t| Cell::Text((*t).into())).collect());
        let csv = "x\n\"a,b\"\n\"say \"\"hi\"\"\"\n\"two\nlines\"\n\" padded\"\n\"\"\n";
        assert_eq!(frame.to_csv(), csv);
    }
}
