//! Sheets as CSV.

use stetho_core::table::Part;

use super::cells::push_field;
use super::sheet::{Book, Sheet};
use crate::receipt::RowsOf;

/// The file of a sheet.
pub(crate) fn file_name(part: Part, is_only: bool) -> &'static str {
    match part {
        _ if is_only => "data.csv",
        Part::Train => "train.csv",
        Part::Validation => "validation.csv",
        Part::Test => "test.csv",
    }
}

/// The sheet as CSV with a header; columns that its part does not have are left out.
pub(crate) fn to_csv(book: &Book, sheet: &Sheet) -> String {
    let columns: Vec<usize> =
        (0..book.fields.len()).filter(|i| sheet.columns.get(*i).is_some_and(Option::is_some)).collect();
    let mut out = String::new();
    let names = columns.iter().filter_map(|i| book.fields.get(*i)).map(|f| Some(f.name.as_str()));
    push_record(&mut out, names);
    for row in 0..sheet.n_rows() {
        push_record(&mut out, columns.iter().map(|i| sheet.get(*i, row)));
    }
    out
}

fn push_record<'a>(out: &mut String, cells: impl Iterator<Item = Option<&'a str>>) {
    let start = out.len();
    for (i, cell) in cells.enumerate() {
        if i > 0 {
            out.push(',');
        }
        push_field(out, cell);
    }
    // an empty line would be no row
    if out.len() == start {
        out.push_str("\"\"");
    }
    out.push('\n');
}

/// Where the rows of a sheet come from.
pub(crate) fn rows_of(sheet: &Sheet, file: &str) -> RowsOf {
    let rows = sheet.origins.iter().map(|origin| origin.map(|o| (o.file, o.row))).collect();
    RowsOf { file: file.to_owned(), rows }
}
