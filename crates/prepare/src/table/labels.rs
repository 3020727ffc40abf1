//! Correcting labels from a file.

use std::collections::HashMap;
use std::path::Path;

use stetho_core::count_of;
use stetho_core::table::Part;
use stetho_read::Watch;

use super::Work;
use super::cells::normal;
use super::sheet::Book;
use crate::PrepareError;
use crate::receipt::Change;

/// Sheet and row of each source row, by file and row in it.
type Places = HashMap<(u32, u64), (usize, usize)>;

/// One line of the file.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Correction {
    /// The file or picture, where named.
    pub path: Option<String>,
    /// 0-based row within it.
    pub row: Option<u64>,
    /// The label that should be there now, where told.
    pub given: Option<String>,
    /// The label that is right.
    pub label: String,
    /// 0-based row of this line in the file of corrections.
    pub number: usize,
}

/// Reads a table of corrections: `label` (else `suggested`) with `row`, and `path` or `file`.
pub(crate) fn read(path: &Path, watch: &dyn Watch) -> Result<Vec<Correction>, PrepareError> {
    let paths = [path.to_owned()];
    let book = Book::read([(Part::Train, &paths), (Part::Validation, &[]), (Part::Test, &[])], watch)?;
    let find = |names: &[&str]| {
        names.iter().find_map(|name| book.fields.iter().position(|f| f.name.trim() == *name))
    };
    let Some(label) = find(&["label", "suggested"]) else {
        return PrepareError::request(format!(
            "--fix-labels: `{}` has no column `label` or `suggested`",
            path.display()
        ));
    };
    let (row, file, given) = (find(&["row"]), find(&["file", "path"]), find(&["given"]));
    let Some(sheet) = book.sheets.first() else { return Ok(Vec::new()) };
    let text = |column: Option<usize>, number| sheet.get(column?, number).map(|t| t.trim().to_owned());
    let mut corrections = Vec::new();
    for number in 0..sheet.n_rows() {
        let Some(label) = text(Some(label), number).filter(|label| !label.is_empty()) else { continue };
        let row = match text(row, number) {
            None => None,
            Some(written) => Some(written.parse().map_err(|_| {
                PrepareError::Request(format!(
                    "--fix-labels: `{}`, row {number}: `row` is `{written}`, expected a whole number from 0",
                    path.display()
                ))
            })?),
        };
        let (path, given) = (text(file, number), text(given, number));
        corrections.push(Correction { path, row, given, label, number });
    }
    Ok(corrections)
}

impl Work<'_> {
    /// Gives rows the labels of the file.
    pub(super) fn fix_labels(&mut self, file: &Path, watch: &dyn Watch) -> Result<(), PrepareError> {
        let target = self.target_column("--fix-labels")?;
        let name = self.target.clone().unwrap_or_default();
        let mut n_changed = 0;
        let places = self.places();
        for correction in read(file, watch)? {
            let problem = |words: String| {
                PrepareError::request(format!(
                    "--fix-labels: `{}`, row {}: {words}",
                    file.display(),
                    correction.number
                ))
            };
            let Some(wanted) = correction.row else { return problem("it tells no `row`".into()) };
            let Some((at, row)) = self.locate(&places, correction.path.as_deref(), wanted) else {
                let of = correction.path.as_ref().map_or_else(String::new, |path| format!(" of `{path}`"));
                return problem(format!("there is no row {wanted}{of} in the data"));
            };
            let mut sheets = std::mem::take(&mut self.book.sheets);
            let Some(sheet) = sheets.get_mut(at) else { continue };
            let before = sheet.get(target, row).map(str::to_owned);
            let is_other = |given: &String| normal(Some(given)) != normal(before.as_deref());
            if let Some(given) = correction.given.as_ref().filter(|given| is_other(given)) {
                let has = before.unwrap_or_default();
                return problem(format!(
                    "row {wanted} has the label `{has}`, not `{given}`; the file was made for other data"
                ));
            }
            if before.as_deref().map(str::trim) != Some(correction.label.as_str()) {
                n_changed += 1;
                let change = Change {
                    column: Some(name.clone()),
                    what: "relabelled".into(),
                    by: "fix-labels".into(),
                    before: before.into(),
                    after: correction.label.clone().into(),
                    ..self.change_of(sheet, row)
                };
                self.receipt.changes.push(change);
                if let Some(cell) =
                    sheet.columns.get_mut(target).and_then(Option::as_mut).and_then(|c| c.get_mut(row))
                {
                    *cell = Some(correction.label.as_str().into());
                }
            }
            self.book.sheets = sheets;
        }
        self.receipt.tell("fix-labels", format!("relabelled {}", count_of(n_changed, "row")));
        Ok(())
    }

    /// The sheet and row of each source row.
    fn places(&self) -> Places {
        let sheets = self.book.sheets.iter().enumerate();
        let rows = sheets.flat_map(|(at, sheet)| {
            sheet
                .origins
                .iter()
                .enumerate()
                .filter_map(move |(row, o)| o.map(|o| ((o.file, o.row), (at, row))))
        });
        rows.collect()
    }

    /// The sheet and row of a source row; of the first file where none is named.
    fn locate(&self, places: &Places, path: Option<&str>, row: u64) -> Option<(usize, usize)> {
        let name = |path: &str| path.rsplit(['/', '\\']).next().unwrap_or_default().to_owned();
        let files = &self.book.files;
        let file = match path {
            None => 0,
            Some(path) => files.iter().position(|f| f == path).or_else(|| {
                // the folder may be written otherwise, if only one file has the name
                let mut named =
                    files.iter().enumerate().filter(|(_, f)| name(f) == name(path)).map(|(i, _)| i);
                named.next().filter(|_| named.next().is_none())
            })?,
        };
        places.get(&(u32::try_from(file).ok()?, row)).copied()
    }
}
