//! Filling in missing values: numbers with the median, texts with the most frequent one, of the training part.

use std::collections::{BTreeMap, BTreeSet};

use stetho_core::count_of;
use stetho_core::table::Kind;
use stetho_read::Field;

use super::cells::{normal, number, show_number};
use super::{Cell, Sheet, Work};
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
            match cells.and_then(|cells| filler(cells, &self.gap(field))) {
                Some(filler) => drop(fillers.insert(column, filler)),
                None if self.n_missing(column, field) > 0 => left.push(format!("`{}`", field.name)),
                None => {}
            }
        }
        let mut sheets = std::mem::take(&mut self.book.sheets);
        let changes: Vec<Change> = sheets.iter_mut().flat_map(|sheet| self.fill(sheet, &fillers)).collect();
        self.book.sheets = sheets;
        let n_cells = changes.len() as u64;
        let columns: BTreeSet<&str> = changes.iter().filter_map(|c| c.column.as_deref()).collect();
        let words = format!(
            "filled in {} of {}",
            count_of(n_cells, "cell"),
            count_of(columns.len() as u64, "column")
        );
        self.receipt.tell("impute", words);
        self.receipt.changes.extend(changes);
        if !left.is_empty() {
            self.receipt.notes.push(format!(
                "missing values were left in {}: times, nested values and columns without any value have no usual one",
                left.join(", ")
            ));
        }
        Ok(fillers)
    }

    /// Fills in the gaps of a sheet; every cell that was.
    fn fill(&self, sheet: &mut Sheet, fillers: &BTreeMap<usize, Filler>) -> Vec<Change> {
        let mut changes = Vec::new();
        for (column, filler) in fillers {
            let Some(field) = self.book.fields.get(*column) else { continue };
            let (gap, text) = (self.gap(field), filler.text());
            let is_there = sheet.columns.get(*column).is_some_and(Option::is_some);
            let gaps: Vec<usize> =
                (0..sheet.n_rows()).filter(|row| is_there && gap.is_at(sheet.get(*column, *row))).collect();
            changes.extend(gaps.iter().map(|row| Change {
                column: Some(field.name.clone()),
                what: "filled in".into(),
                by: "impute".into(),
                before: sheet.get(*column, *row).into(),
                after: text.clone().into(),
                ..self.change_of(sheet, *row)
            }));
            let Some(Some(cells)) = sheet.columns.get_mut(*column) else { continue };
            for row in gaps {
                if let Some(cell) = cells.get_mut(row) {
                    *cell = Some(text.as_str().into());
                }
            }
        }
        changes
    }

    fn n_missing(&self, column: usize, field: &Field) -> usize {
        let gap = self.gap(field);
        let cells = self.book.sheets.iter().filter_map(|s| s.columns.get(column)?.as_ref()).flatten();
        cells.filter(|cell| gap.is_at(cell.as_deref())).count()
    }

    fn gap(&self, field: &Field) -> Gap<'_> {
        Gap { kind: field.kind, placeholders: self.placeholders.get(&field.name).map_or(&[], Vec::as_slice) }
    }
}

/// What counts as no value in a column.
struct Gap<'a> {
    kind: Kind,
    placeholders: &'a [String],
}

impl Gap<'_> {
    fn is_at(&self, cell: Option<&str>) -> bool {
        let is_empty = match self.kind {
            Kind::Number => number(cell).is_some_and(f64::is_nan),
            _ => cell.is_none_or(|text| text.trim().is_empty()),
        };
        is_empty || !self.placeholders.is_empty() && self.placeholders.contains(&normal(cell))
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

/// The median of the finite numbers, or the most frequent text (of several the first in order).
fn filler(cells: &[Cell], gap: &Gap<'_>) -> Option<Filler> {
    let values = cells.iter().map(|cell| cell.as_deref()).filter(|cell| !gap.is_at(*cell));
    match gap.kind {
        Kind::Number => {
            let mut numbers: Vec<f64> = values.filter_map(number).filter(|v| v.is_finite()).collect();
            numbers.sort_by(f64::total_cmp);
            let (upper, lower) = (numbers.get(numbers.len() / 2)?, numbers.get((numbers.len() - 1) / 2)?);
            Some(Filler::Number(lower + (upper - lower) / 2.0))
        }
        Kind::Text | Kind::Boolean => {
            let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
            for text in values.flatten() {
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
        let of =
            |kind, texts: &[&str]| filler(&cells(texts), &Gap { kind, placeholders: &["-999".to_owned()] });
        assert_eq!(
            of(Kind::Number, &["1", "", "10", "nan", "4", "inf", "-999.0"]),
            Some(Filler::Number(4.0))
        );
        assert_eq!(of(Kind::Number, &["1", "2"]), Some(Filler::Number(1.5)));
        assert_eq!(of(Kind::Text, &["b", "a", "b", "a", ""]), Some(Filler::Text("a".into())));
        assert_eq!(of(Kind::Number, &["", ""]), None);
    }
}
