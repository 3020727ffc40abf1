//! `constant-column`

use serde::{Deserialize, Serialize};
use stetho_core::table::{Column, Table};
use stetho_core::{Draft, Evidence, Place, Remedy, Report, Rule, Severity, Signal, count_of, percent};

/// A column with one value in every row, or in nearly every row.
///
/// ## Why it matters
/// A feature that never varies tells the model nothing, and scaling it divides by a standard deviation of zero. Often
/// it is the trace of a filter or a join that went wrong.
///
/// ## What to do
/// Find out why it does not vary; if that is as it should be, leave the column out.
///
/// ## Fires on
/// ```csv
/// version,speed
/// 3,10.5
/// 3,11.2
/// 3,9.8
/// 3,10.1
/// ```
///
/// ## Stays quiet on
/// ```csv
/// version,speed
/// 3,10.5
/// 4,11.2
/// 3,9.8
/// 4,10.1
/// ```
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct ConstantColumn {
    /// Share of the most frequent value at or above which a column counts as nearly constant.
    pub nearly: f64,
    /// A column with fewer values than this is not judged.
    pub min_values: u64,
}

impl Default for ConstantColumn {
    fn default() -> Self {
        Self { nearly: 0.999, min_values: 3 }
    }
}

impl Rule for ConstantColumn {
    type Input = Table;
    const ID: &'static str = "constant-column";
    const SEVERITY: Severity = Severity::Warning;
    const SIGNALS: &'static [Signal] = &[Signal::Columns];

    fn check(&mut self, table: &Table, report: &mut Report) {
        let judged: Vec<Varies<'_>> = table
            .features()
            .filter_map(|(_, c)| Varies::of(c))
            .filter(|v| v.n_values >= self.min_values)
            .collect();
        let constant: Vec<_> = judged.iter().filter(|v| v.is_constant).collect();
        if let [first, rest @ ..] = constant.as_slice() {
            let message = match rest {
                [] => format!("column `{}` is `{}` in all {}", first.name, first.value, rows(first.n_values)),
                _ => {
                    format!("{} have the same value in every row", count_of(constant.len() as u64, "column"))
                }
            };
            report.raise(draft(first, rest, message, 1.0).topic("constant"));
        }
        let nearly: Vec<_> = judged.iter().filter(|v| !v.is_constant && v.share >= self.nearly).collect();
        if let [first, rest @ ..] = nearly.as_slice() {
            let limit = percent(self.nearly);
            let message = match rest {
                [] => format!(
                    "column `{}` is `{}` in {} of rows",
                    first.name,
                    first.value,
                    percent(first.share)
                ),
                _ => format!(
                    "{} have one value in {limit} of rows or more",
                    count_of(nearly.len() as u64, "column")
                ),
            };
            report.raise(
                draft(first, rest, message, self.nearly).severity(Severity::Info).topic("nearly constant"),
            );
        }
    }
}

/// How much a column varies.
struct Varies<'a> {
    name: &'a str,
    value: &'a str,
    share: f64,
    n_values: u64,
    is_constant: bool,
}

impl<'a> Varies<'a> {
    fn of(column: &'a Column) -> Option<Self> {
        let (value, count) = column.values.counts.first()?;
        Some(Self {
            name: &column.name,
            value,
            share: *count as f64 / column.n_values() as f64,
            n_values: column.n_values(),
            is_constant: column.distinct.exact && column.distinct.count == 1,
        })
    }
}

fn rows(count: u64) -> String {
    count_of(count, "row")
}

fn draft(first: &Varies<'_>, rest: &[&Varies<'_>], message: String, limit: f64) -> Draft {
    let all = || std::iter::once(first).chain(rest.iter().copied());
    let names: Vec<_> = all().map(|v| format!("{:?}", v.name)).collect();
    let table = Evidence::table(
        "columns with one value",
        ["column", "value", "share of rows"],
        all().map(|v| [v.name.to_owned(), v.value.to_owned(), percent(v.share)]),
    );
    Draft::new(
        Place::column(first.name),
        message,
        Evidence::at_most("share of the most frequent value", first.share, limit),
        Remedy::risky("leave it out, once you know why it does not vary")
            .code(format!("df = df.drop(columns=[{}])", names.join(", "))),
    )
    .places(rest.iter().map(|v| Place::column(v.name)))
    .evidence(table)
}
