//! Findings on placeholders: values that stand for *no value*, as [`crate::absent`] finds them.

use stetho_core::table::Column;
use stetho_core::{Draft, Evidence, Place, Remedy, Severity, percent, thousands};

use crate::absent::Disguise;
use crate::show::{list, python, python_list};

/// A column with its placeholders.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Disguised<'a> {
    /// The column.
    pub column: &'a Column,
    /// At least one placeholder.
    pub disguises: &'a [Disguise],
}

/// Columns that hold words or numbers that stand for *no value*, as one finding.
pub(crate) fn disguised(columns: &[Disguised<'_>]) -> Draft {
    let mut columns = columns.to_vec();
    let cells = |e: &Disguised<'_>| e.disguises.iter().map(|d| d.count).sum::<u64>();
    columns.sort_by_key(|e| std::cmp::Reverse(cells(e)));
    let names: Vec<&str> = columns.iter().map(|e| e.column.name.as_str()).collect();
    let (worst, n_rows) = columns.first().map_or((0, 1), |e| (cells(e), e.column.n_rows.max(1)));
    let first = columns.first().and_then(|e| e.disguises.first()).map_or(String::new(), |d| shown(&d.value));
    let share = worst as f64 / n_rows as f64;
    let message = match names.as_slice() {
        [name] => format!(
            "column `{name}` holds {first} in {} of rows, which stands for a missing value",
            percent(share)
        ),
        several => format!(
            "{} hold values that stand for a missing one, most often {first}: {} of rows",
            list(several),
            percent(share)
        ),
    };
    let rows = columns.iter().flat_map(|e| {
        let share = |d: &Disguise| percent(d.count as f64 / e.column.n_rows.max(1) as f64);
        e.disguises
            .iter()
            .map(move |d| [e.column.name.clone(), d.value.clone(), thousands(d.count), share(d)])
    });
    let table = Evidence::table("placeholders", ["column", "value", "cells", "share of rows"], rows);
    let is_number = |d: &Disguise| d.value.parse::<f64>().is_ok_and(f64::is_finite);
    let only_numbers = columns.iter().flat_map(|e| e.disguises).all(is_number);
    let values = placeholders(&columns);
    let read =
        Remedy::risky("read them as missing").code(format!("df = pd.read_csv(path, na_values={values})"));
    let replace = Remedy::risky("or make them missing in a table that was read already")
        .code(format!("df = df.replace({values}, np.nan)"));
    let mut draft = Draft::new(
        Place::column(names.first().copied().unwrap_or_default()),
        message,
        Evidence::at_most("cells with a placeholder", worst as f64, 0.0),
        read,
    )
    .remedy(replace)
    .places(names.iter().skip(1).map(|n| Place::column(*n)))
    .evidence(table)
    .certainty(if only_numbers { 0.8 } else { 1.0 })
    .topic("placeholder");
    if columns.iter().flat_map(|e| e.disguises).any(|d| d.value.trim() == "NA") {
        draft = draft.remedy(
            Remedy::safe("where `NA` is a category of its own, keep readers from dropping it")
                .code("df = pd.read_csv(path, keep_default_na=False, na_values=[\"\"])"),
        );
    }
    draft
}

/// Columns whose zeros may stand for *no value*, as one note.
pub(crate) fn zeros(columns: &[(&Column, Disguise)]) -> Draft {
    let names: Vec<&str> = columns.iter().map(|(c, _)| c.name.as_str()).collect();
    let share = |(column, zeros): &(&Column, Disguise)| zeros.count as f64 / column.n_rows.max(1) as f64;
    let most = columns.iter().map(share).fold(0.0, f64::max);
    let verb = if names.len() == 1 { "is 0 in" } else { "are 0 in up to" };
    let message = format!(
        "{} {verb} {} of rows and far above 0 in all others: 0 may stand for a missing value",
        list(&names),
        percent(most)
    );
    let python = python_list(&names);
    let rows = columns.iter().map(|c| [c.0.name.clone(), thousands(c.1.count), percent(share(c))]);
    Draft::new(
        Place::column(names.first().copied().unwrap_or_default()),
        message,
        Evidence::at_most("share of zeros", most, 0.0),
        Remedy::advice("find out whether 0 can be measured here; `no garage` is a 0, `not measured` is none"),
    )
    .places(names.iter().skip(1).map(|n| Place::column(*n)))
    .evidence(Evidence::table(
        "zeros apart from all other values",
        ["column", "cells", "share of rows"],
        rows,
    ))
    .remedy(
        Remedy::risky("where it cannot, read it as missing")
            .code(format!("df[{python}] = df[{python}].replace(0, np.nan)")),
    )
    .severity(Severity::Info)
    .certainty(0.5)
    .topic("zeros")
}

fn shown(value: &str) -> String {
    if value.trim().is_empty() { "an empty text".into() } else { format!("`{value}`") }
}

/// The placeholders of each column as a Python dictionary of lists.
fn placeholders(columns: &[Disguised<'_>]) -> String {
    let value = |d: &Disguise| match d.value.parse::<f64>() {
        Ok(number) if number.is_finite() => d.value.clone(),
        _ => python(&d.value),
    };
    let entries = columns.iter().map(|e| {
        let values: Vec<String> = e.disguises.iter().map(value).collect();
        format!("{}: [{}]", python(&e.column.name), values.join(", "))
    });
    let entries: Vec<String> = entries.collect();
    format!("{{{}}}", entries.join(", "))
}
