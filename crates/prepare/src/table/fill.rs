//! Filling in missing values: numbers with the median, texts with the most frequent one, of the training part.

use std::collections::BTreeMap;

use stetho_core::count_of;
use stetho_core::table::Kind;

use super::cells::{number, show_number};
use super::{Cell, Work};
use crate::PrepareError;
use crate::receipt::Change;

/// What stands in for a missing value of a column.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Filler {
    Number(f64),
    Text(String),
}

impl Work<'_> {
    /// Fills in missing values of features; what each column was filled with, by index.
    pub(super) fn impute(&mut self) -> Result<BTreeMap<usize, Filler>, PrepareError> {
        let mut fillers = BTreeMap::new();
        let mut left: Vec<String> = Vec::new();
        for column in self.features() {
            let Some(field) = self.book.fields.get(column) else { continue };
            let cells = self.train().and_then(|s| s.columns.get(column)?.as_deref());
            match cells.and_then(|cells| filler(field.kind, cells)) {
                Some(filler) => drop(fillers.insert(column, filler)),
                None if self.n_missing(column, field.kind) > 0 => left.push(format!("`{}`", field.name)),
                None => {}
            }
        }
        let mut n_cells = 0;
        let mut columns: Vec<usize> = Vec::new();
        let mut sheets = std::mem::take(&mut self.book.sheets);
        for sheet in &mut sheets {
            for (column, filler) in &fillers {
                let Some(field) = self.book.fields.get(*column) else { continue };
                for row in 0..sheet.n_rows() {
                    if !sheet.columns.get(*column).is_some_and(Option::is_some)
                        || !is_missing(field.kind, sheet.get(*column, row))
                    {
                        continue;
                    }
                    let text = filler.text();
                    self.receipt.changes.push(Change {
                        column: Some(field.name.clone()),
                        what: "filled in".into(),
                        by: "impute".into(),
                        before: sheet.get(*column, row).into(),
                        after: text.clone().into(),
                        ..self.change_of(sheet, row)
                    });
                    n_cells += 1;
                    columns.push(*column);
                    if let Some(Some(cells)) = sheet.columns.get_mut(*column)
                        && let Some(cell) = cells.get_mut(row)
                    {
                        *cell = Some(text.into());
                    }
                }
            }
        }
        self.book.sheets = sheets;
        columns.sort_unstable();
        columns.dedup();
        let words = format!(
            "filled in {} of {}",
            count_of(n_cells, "cell"),
            count_of(columns.len() as u64, "column")
        );
        self.receipt.tell("impute", words);
        if !left.is_empty() {
            self.receipt.notes.push(format!(
                "missing values were left in {}: times, nested values and columns without any value have no usual one",
                left.join(", ")
            ));
        }
        Ok(fillers)
    }

    fn n_missing(&self, column: usize, kind: Kind) -> usize {
        let cells = self.book.sheets.iter().filter_map(|s| s.columns.get(column)?.as_ref()).flatten();
        cells.filter(|cell| is_missing(kind, cell.as_deref())).count()
    }
}

impl Filler {
    fn text(&self) -> String {
        match self {
            Self::Number(value) => show_number(*value),
            Self::Text(text) => text.clone(),
        }
    }
}

fn is_missing(kind: Kind, cell: Option<&str>) -> bool {
    match kind {
        Kind::Number => number(cell).is_some_and(f64::is_nan),
        _ => cell.is_none_or(|text| text.trim().is_empty()),
    }
}

/// The median of the finite numbers, or the most frequent text (of several the first in order).
fn filler(kind: Kind, cells: &[Cell]) -> Option<Filler> {
    match kind {
        Kind::Number => {
            let numbers = cells.iter().filter_map(|cell| number(cell.as_deref()));
            let mut numbers: Vec<f64> = numbers.filter(|v| v.is_finite()).collect();
            numbers.sort_by(f64::total_cmp);
            let (upper, lower) = (numbers.get(numbers.len() / 2)?, numbers.get((numbers.len() - 1) / 2)?);
            Some(Filler::Number(lower + (upper - lower) / 2.0))
        }
        Kind::Text | Kind::Boolean => {
            let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
            for text in cells.iter().filter_map(|cell| cell.as_deref().filter(|t| !t.trim().is_empty())) {
                *counts.entry(text).or_default() += 1;
            }
            let most = counts.into_iter().rev().max_by_key(|(_, n)| *n)?;
            Some(Filler::Text(most.0.to_owned()))
        }
        Kind::Time | Kind::Nested => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_usual_value_is_the_median_or_the_most_frequent() {
        let cells = |texts: &[&str]| -> Vec<Cell> {
            texts.iter().map(|t| Some(*t).filter(|t| !t.is_empty()).map(Box::from)).collect()
        };
        assert_eq!(
            filler(Kind::Number, &cells(&["1", "", "10", "nan", "4", "inf"])),
            Some(Filler::Number(4.0))
        );
        assert_eq!(filler(Kind::Number, &cells(&["1", "2"])), Some(Filler::Number(1.5)));
        assert_eq!(filler(Kind::Text, &cells(&["b", "a", "b", "a", ""])), Some(Filler::Text("a".into())));
        assert_eq!(filler(Kind::Number, &cells(&["", ""])), None);
    }
}
