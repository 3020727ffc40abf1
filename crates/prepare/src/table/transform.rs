//! Transforms of number columns, fitted on the training part and applied to all parts.

use std::collections::BTreeMap;

use serde::Serialize;
use stetho_core::count_of;
use stetho_core::table::{Kind, Part};
use stetho_read::Field;

use super::cells::{number, show_number};
use super::fill::Filler;
use super::whiten::Whitening;
use super::{Cell, Sheet, Work, snippets};
use crate::staging::Staging;
use crate::{PrepareError, Whiten};

/// Everything fitted, in the order in which it is applied: fill, log1p, (x − mean) / scale, matrix.
#[derive(Clone, Debug, Default, Serialize)]
pub(super) struct Transform {
    pub schema: u32,
    /// Number columns that go in, in order.
    pub columns: Vec<String>,
    /// Numbers that stand for a missing value, by column.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub placeholders: BTreeMap<String, Vec<f64>>,
    /// For each column what stands in for a missing value; empty where nothing is filled in.
    pub fill: Vec<Option<f64>>,
    /// Columns that become log(1 + x).
    pub log1p: Vec<String>,
    /// The target, if it becomes log(1 + y): turn predictions back with expm1.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub log1p_target: Option<String>,
    /// Subtracted from each column.
    pub mean: Vec<f64>,
    /// Each column is divided by it.
    pub scale: Vec<f64>,
    /// Whitening, a row an output: y = matrix · x.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub matrix: Option<Vec<Vec<f64>>>,
    /// Names of what comes out.
    pub outputs: Vec<String>,
    /// What stands in for a missing text, by column.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub fill_text: BTreeMap<String, String>,
    /// How many training rows it was fitted on.
    pub n_rows: usize,
}

impl Work<'_> {
    /// Fills in, takes logarithms, centres, scales, whitens, as asked; writes `transform.json`.
    pub(super) fn transform(&mut self, staging: &Staging) -> Result<(), PrepareError> {
        let request = self.request;
        let moves = request.center || request.scale || request.whiten.is_some();
        if !moves && !request.impute && request.log.is_empty() {
            return Ok(());
        }
        let fillers = if request.impute { self.impute()? } else { BTreeMap::new() };
        let columns = self.numbers(moves || request.impute)?;
        let mut fitted = Transform {
            schema: 1,
            columns: columns
                .iter()
                .filter_map(|i| self.book.fields.get(*i))
                .map(|f| f.name.clone())
                .collect(),
            n_rows: self.train().map_or(0, Sheet::n_rows),
            ..Transform::default()
        };
        self.learn_fillers(&mut fitted, &columns, &fillers);
        self.take_logs(&mut fitted)?;
        fitted.mean = vec![0.0; columns.len()];
        fitted.scale = vec![1.0; columns.len()];
        fitted.outputs.clone_from(&fitted.columns);
        if moves {
            self.standardise(&mut fitted, &columns)?;
        }
        if let Some(how) = request.whiten {
            self.whiten(how, &mut fitted, &columns)?;
        }
        if !self.identifiers.is_empty() {
            let names: Vec<String> = self.identifiers.iter().map(|name| format!("`{name}`")).collect();
            self.receipt
                .notes
                .push(format!("left as it is, since it numbers or names rows: {}", names.join(", ")));
        }
        if !request.impute && !self.placeholders.is_empty() {
            let of =
                |(column, values): (&String, &Vec<String>)| format!("{} in `{column}`", values.join(", "));
            let names: Vec<String> = self.placeholders.iter().map(of).collect();
            self.receipt.notes.push(format!(
                "what seems to stand for missing values was taken for values: {}; `--impute` fills it in",
                names.join("; ")
            ));
        }
        if self.book.sheets.len() == 1 {
            self.receipt.notes.push(
                "what was fitted saw every row: give --split, or the held-out parts with --val and --test, so that \
                 it sees the training part only"
                    .into(),
            );
        }
        self.receipt.snippets.extend(snippets::of(&fitted));
        let json = serde_json::to_string_pretty(&fitted)
            .map_err(|e| PrepareError::Request(format!("cannot write `transform.json`: {e}")))?;
        staging.write("transform.json", json + "\n")
    }

    /// Number columns to be transformed: all features, or those of `--log` alone.
    fn numbers(&self, all: bool) -> Result<Vec<usize>, PrepareError> {
        for name in &self.request.log {
            let column = self.book.column(name, "--log")?;
            if self.book.fields.get(column).is_some_and(|f| f.kind != Kind::Number) {
                return PrepareError::request(format!("--log: column `{name}` holds no numbers"));
            }
        }
        let is_number = |i: &usize| self.book.fields.get(*i).is_some_and(|f| f.kind == Kind::Number);
        let is_logged =
            |i: &usize| self.book.fields.get(*i).is_some_and(|f| self.request.log.contains(&f.name));
        let is_target =
            |i: &usize| self.book.fields.get(*i).is_some_and(|f| Some(&f.name) == self.target.as_ref());
        let features = self.features();
        let columns: Vec<usize> = (0..self.book.fields.len())
            .filter(|i| (all && features.contains(i) && is_number(i)) || (is_logged(i) && !is_target(i)))
            .collect();
        if columns.is_empty() && (self.request.center || self.request.scale || self.request.whiten.is_some())
        {
            return PrepareError::request("there is no number column to centre, scale or whiten");
        }
        Ok(columns)
    }

    fn learn_fillers(&self, fitted: &mut Transform, columns: &[usize], fillers: &BTreeMap<usize, Filler>) {
        if fillers.is_empty() {
            return;
        }
        let number = |i: &usize| if let Some(Filler::Number(v)) = fillers.get(i) { Some(*v) } else { None };
        fitted.fill = columns.iter().map(number).collect();
        for name in &fitted.columns {
            let values = self.placeholders.get(name).into_iter().flatten();
            let values: Vec<f64> =
                values.filter_map(|v| v.parse().ok()).filter(|v: &f64| v.is_finite()).collect();
            if !values.is_empty() {
                fitted.placeholders.insert(name.clone(), values);
            }
        }
        for (column, filler) in fillers {
            if let (Filler::Text(text), Some(field)) = (filler, self.book.fields.get(*column)) {
                fitted.fill_text.insert(field.name.clone(), text.clone());
            }
        }
    }

    fn take_logs(&mut self, fitted: &mut Transform) -> Result<(), PrepareError> {
        let names = self.request.log.clone();
        for name in
            names.iter().enumerate().filter(|(i, n)| !names.iter().take(*i).any(|o| o == *n)).map(|(_, n)| n)
        {
            let column = self.book.column(name, "--log")?;
            for sheet in 0..self.book.sheets.len() {
                let mut values = self.values_of(sheet, column, "--log")?;
                if let Some(row) = values.iter().position(|v| *v < 0.0) {
                    let value = values.get(row).copied().unwrap_or_default();
                    return PrepareError::request(format!(
                        "--log: column `{name}` is {} in {}; log(1 + x) is for values of 0 and more",
                        show_number(value),
                        self.place_of(sheet, row)
                    ));
                }
                values.iter_mut().for_each(|v| *v = v.ln_1p());
                self.put(sheet, column, &values);
            }
            if Some(name) == self.target.as_ref() {
                fitted.log1p_target = Some(name.clone());
            } else {
                fitted.log1p.push(name.clone());
            }
            self.receipt.tell("log", format!("column `{name}` is now log(1 + `{name}`)"));
        }
        Ok(())
    }

    fn standardise(&mut self, fitted: &mut Transform, columns: &[usize]) -> Result<(), PrepareError> {
        let request = self.request;
        // Whitening rests on the correlation, so that units of columns do not matter.
        let (centers, scales) =
            (request.center || request.whiten.is_some(), request.scale || request.whiten.is_some());
        for (at, column) in columns.iter().enumerate() {
            let Some(train) = self.book.sheets.iter().position(|s| s.part == Part::Train) else { continue };
            let (mean, std) = moments(&self.values_of(train, *column, "--center, --scale, --whiten")?);
            let mean = if centers { mean } else { 0.0 };
            let scale = if scales && std > 0.0 { std } else { 1.0 };
            for sheet in 0..self.book.sheets.len() {
                let mut values = self.values_of(sheet, *column, "--center, --scale, --whiten")?;
                values.iter_mut().for_each(|v| *v = (*v - mean) / scale);
                self.put(sheet, *column, &values);
            }
            if let (Some(m), Some(s)) = (fitted.mean.get_mut(at), fitted.scale.get_mut(at)) {
                (*m, *s) = (mean, scale);
            }
        }
        let n = count_of(columns.len() as u64, "number column");
        let fitted_on = count_of(fitted.n_rows as u64, "training row");
        if request.center {
            self.receipt.tell("center", format!("subtracted the mean of {fitted_on} from {n}"));
        }
        if request.scale {
            self.receipt.tell("scale", format!("divided {n} by the standard deviation of {fitted_on}"));
        }
        Ok(())
    }

    fn whiten(&mut self, how: Whiten, fitted: &mut Transform, columns: &[usize]) -> Result<(), PrepareError> {
        let mut sheets: Vec<Vec<Vec<f64>>> = Vec::new();
        for sheet in 0..self.book.sheets.len() {
            let mut all = Vec::new();
            for column in columns {
                let values = self.values_of(sheet, *column, "--whiten")?;
                if let Some(row) = values.iter().position(|v| !v.is_finite()) {
                    let name = self.book.fields.get(*column).map_or("", |f| &f.name);
                    return PrepareError::request(format!(
                        "--whiten: column `{name}` has no finite value in {}, and whitening mixes columns; add \
                         `--impute` for missing values, `--drop non-finite-values` for infinite ones",
                        self.place_of(sheet, row)
                    ));
                }
                all.push(values);
            }
            sheets.push(all);
        }
        let train = self.book.sheets.iter().position(|s| s.part == Part::Train).unwrap_or(0);
        let whitening = Whitening::fit(how, sheets.get(train).map_or(&[][..], Vec::as_slice))?;
        let outputs = match how {
            Whiten::Zca => fitted.columns.clone(),
            Whiten::Pca => self.component_names(whitening.matrix.len(), columns),
        };
        for (sheet, values) in self.book.sheets.iter_mut().zip(&sheets) {
            replace(sheet, columns, whitening.apply(values));
        }
        replace_fields(&mut self.book.fields, columns, &outputs);
        let words = match how {
            Whiten::Pca => format!(
                "{} became {}",
                count_of(columns.len() as u64, "number column"),
                count_of(outputs.len() as u64, "principal component")
            ),
            Whiten::Zca => format!("whitened {}", count_of(columns.len() as u64, "number column")),
        };
        self.receipt.tell("whiten", words);
        let n_lost = columns.len() - whitening.rank;
        if n_lost > 0 {
            let what = match how {
                Whiten::Pca => "they are left out",
                Whiten::Zca => {
                    "they stay zero, so the columns still depend on each other; `--whiten pca` leaves them out"
                }
            };
            let verb = if n_lost == 1 { "has" } else { "have" };
            self.receipt.notes.push(format!(
                "{} of {} {verb} no variance (columns that follow from others): {what}",
                count_of(n_lost as u64, "direction"),
                columns.len()
            ));
        }
        fitted.outputs = outputs;
        fitted.matrix = Some(whitening.matrix);
        Ok(())
    }

    /// `pc1`, `pc2`, … or the next names that are free.
    fn component_names(&self, n: usize, replaced: &[usize]) -> Vec<String> {
        let fields = self.book.fields.iter().enumerate();
        let kept: Vec<&str> =
            fields.filter(|(i, _)| !replaced.contains(i)).map(|(_, f)| f.name.as_str()).collect();
        let name = |i: usize| {
            let mut name = format!("pc{i}");
            while kept.contains(&name.as_str()) {
                name.push('_');
            }
            name
        };
        (1..=n).map(name).collect()
    }

    /// The numbers of a column; a text among them is refused.
    pub(super) fn values_of(
        &self,
        sheet: usize,
        column: usize,
        what: &str,
    ) -> Result<Vec<f64>, PrepareError> {
        let Some(of) = self.book.sheets.get(sheet) else { return Ok(Vec::new()) };
        let name = self.book.fields.get(column).map_or("", |f| &f.name);
        let Some(Some(cells)) = of.columns.get(column) else {
            return PrepareError::request(format!(
                "{what}: column `{name}` is not in the {} data",
                of.part.name()
            ));
        };
        let one = |(row, cell): (usize, &Cell)| {
            number(cell.as_deref()).ok_or_else(|| {
                let text: String = cell.as_deref().unwrap_or_default().chars().take(40).collect();
                PrepareError::Request(format!(
                    "{what}: column `{name}` holds `{text}` in {}, which is no number; correct the source first",
                    self.place_of(sheet, row)
                ))
            })
        };
        cells.iter().enumerate().map(one).collect()
    }

    /// Where a row was, in words.
    pub(super) fn place_of(&self, sheet: usize, row: usize) -> String {
        let origin = self.book.sheets.get(sheet).and_then(|s| s.origins.get(row).copied().flatten());
        let Some(origin) = origin else { return format!("row {row}") };
        let file = self.book.files.get(origin.file as usize).map_or("", String::as_str);
        match origin.line {
            Some(line) => format!("line {line} of `{file}`"),
            None => format!("row {} of `{file}`", origin.row),
        }
    }

    fn put(&mut self, sheet: usize, column: usize, values: &[f64]) {
        let cells = self.book.sheets.get_mut(sheet).and_then(|s| s.columns.get_mut(column));
        if let Some(cells) = cells {
            *cells = Some(values.iter().map(|v| cell_of(*v)).collect());
        }
    }
}

fn cell_of(value: f64) -> Cell {
    if value.is_nan() { None } else { Some(show_number(value).into()) }
}

/// Mean and standard deviation (divisor n) of the finite values.
fn moments(values: &[f64]) -> (f64, f64) {
    let finite = || values.iter().copied().filter(|v| v.is_finite());
    let n = finite().count().max(1) as f64;
    // about the first value, so that a large mean costs no digits
    let shift = finite().next().unwrap_or(0.0);
    let mean = shift + finite().map(|v| v - shift).sum::<f64>() / n;
    let variance = finite().map(|v| (v - mean) * (v - mean)).sum::<f64>() / n;
    let std = variance.sqrt();
    // what is left of a constant column is rounding
    (mean, if std > 1e-12 * mean.abs() { std } else { 0.0 })
}

/// Puts `values` where the first of `columns` was, and takes the others out.
fn replace(sheet: &mut Sheet, columns: &[usize], values: Vec<Vec<f64>>) {
    let first = columns.first().copied().unwrap_or(0);
    let new = values.into_iter().map(|values| Some(values.into_iter().map(cell_of).collect()));
    let is_kept = |i: &usize| !columns.contains(i);
    let old = std::mem::take(&mut sheet.columns);
    let mut new = Some(new);
    for (i, column) in old.into_iter().enumerate() {
        if i == first {
            sheet.columns.extend(new.take().into_iter().flatten());
        }
        if is_kept(&i) {
            sheet.columns.push(column);
        }
    }
}

fn replace_fields(fields: &mut Vec<Field>, columns: &[usize], outputs: &[String]) {
    let first = columns.first().copied().unwrap_or(0);
    let old = std::mem::take(fields);
    for (i, field) in old.into_iter().enumerate() {
        if i == first {
            fields.extend(outputs.iter().map(|name| Field { name: name.clone(), kind: Kind::Number }));
        }
        if !columns.contains(&i) {
            fields.push(field);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn moments_are_those_of_the_definition() {
        let (mean, std) = moments(&[1e9 + 1.0, f64::NAN, 1e9 + 3.0]);
        assert!((mean - 1e9 - 2.0).abs() < 1e-6 && (std - 1.0).abs() < 1e-9, "{mean} {std}");
        assert!(moments(&[0.1; 7]).1.abs() < f64::EPSILON);
    }
}
