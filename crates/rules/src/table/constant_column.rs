//! `constant-column`

use serde::{Deserialize, Serialize};
use stetho_core::table::{Column, Table};
use stetho_core::{Draft, Evidence, Place, Remedy, Report, Rule, Severity, Signal, count_of, percent};

use crate::show::{list, python_list};

/// A column with one value in every row, or in nearly every row.
///
/// ## Why it matters
/// A feature that never varies tells the model nothing, and scaling it divides by a standard deviation of zero. Often
/// it is the trace of a filter or a join that went wrong.
///
/// ## What to do
/// Find out why it does not vary; if that is as it should be, leave the column out. A column that is either empty or
/// one value varies by that, and is told by `missing-values`.
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
/// A tick or nothing:
/// ```csv
/// member,speed
/// x,10.5
/// ,11.2
/// ,9.8
/// x,10.1
/// ```
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct ConstantColumn {
    /// Share of the most frequent value at or above which a column counts as nearly constant.
    pub nearly: f64,
    /// A table with fewer rows than this is not judged.
    pub min_rows: u64,
}

impl Default for ConstantColumn {
    fn default() -> Self {
        Self { nearly: 0.999, min_rows: 3 }
    }
}

impl Rule for ConstantColumn {
    type Input = Table;
    const ID: &'static str = "constant-column";
    const SEVERITY: Severity = Severity::Warning;
    const SIGNALS: &'static [Signal] = &[Signal::Columns];
    const ALSO: &'static [Signal] = &[Signal::Target];

    fn check(&mut self, table: &Table, report: &mut Report) {
        let judged =
            table.features().filter_map(|(_, c)| Varies::of(c)).filter(|v| v.n_rows >= self.min_rows);
        let (constant, others): (Vec<_>, Vec<_>) = judged.partition(|v| v.is_constant);
        if let Some(first) = constant.first() {
            let message = match constant.len() {
                1 => format!(
                    "column `{}` is `{}` in all {}",
                    first.name,
                    first.value,
                    count_of(first.n_rows, "row")
                ),
                n => format!("{n} columns have the same value in every row: {}", list(&names(&constant))),
            };
            let measure = Evidence::at_least("different values", 1.0, 2.0);
            report.raise(draft(&constant, message, measure).topic("constant"));
        }
        let mut nearly: Vec<_> = others.into_iter().filter(|v| v.share >= self.nearly).collect();
        nearly.sort_by(|a, b| b.share.total_cmp(&a.share));
        if let Some(first) = nearly.first() {
            let limit = percent(self.nearly);
            let message = match nearly.len() {
                1 => format!(
                    "column `{}` is `{}` in {} of rows (limit {limit})",
                    first.name,
                    first.value,
                    percent(first.share)
                ),
                n => {
                    format!(
                        "{n} columns have one value in {limit} of rows or more: {}",
                        list(&names(&nearly))
                    )
                }
            };
            let measure = Evidence::at_most("share of the most frequent value", first.share, self.nearly);
            report.raise(draft(&nearly, message, measure).severity(Severity::Info).topic("nearly constant"));
        }
    }
}

/// How much a column varies.
struct Varies<'a> {
    name: &'a str,
    value: &'a str,
    /// Share of all rows that have the most frequent value; an empty cell is something else.
    share: f64,
    n_rows: u64,
    is_constant: bool,
}

impl<'a> Varies<'a> {
    fn of(column: &'a Column) -> Option<Self> {
        let (value, count) = column.values.counts.first()?;
        Some(Self {
            name: &column.name,
            value,
            share: *count as f64 / column.n_rows.max(1) as f64,
            n_rows: column.n_rows,
            is_constant: *count == column.n_rows,
        })
    }
}

fn names<'a>(columns: &[Varies<'a>]) -> Vec<&'a str> {
    columns.iter().map(|v| v.name).collect()
}

fn draft(columns: &[Varies<'_>], message: String, measure: Evidence) -> Draft {
    let names = names(columns);
    let rows = columns.iter().map(|v| [v.name.to_owned(), v.value.to_owned(), percent(v.share)]);
    let remedy = Remedy::risky("leave it out, once you know why it does not vary")
        .command("stetho prepare DATA --drop constant-column --out prepared")
        .code(format!("df = df.drop(columns={})", python_list(&names)));
    Draft::new(Place::column(names.first().copied().unwrap_or_default()), message, measure, remedy)
        .places(names.iter().skip(1).map(|name| Place::column(*name)))
        .evidence(Evidence::table("columns with one value", ["column", "value", "share of rows"], rows))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{column, judge, table};

    fn ones_and(others: &[&str], n: usize) -> Column {
        column("x", std::iter::repeat_n("1", n).chain(others.iter().copied()))
    }

    fn severities(column: Column) -> Vec<Severity> {
        judge("constant-column", &table([column])).iter().map(|f| f.severity).collect()
    }

    #[test]
    fn one_value_warns_and_nearly_one_informs() {
        assert_eq!(severities(ones_and(&[], 50)), [Severity::Warning]);
        assert_eq!(severities(ones_and(&["2"], 999)), [Severity::Info]);
        assert_eq!(severities(ones_and(&["2"], 998)), []);
        assert_eq!(severities(ones_and(&[], 2)), [], "two rows tell nothing");
    }

    #[test]
    fn an_empty_cell_is_another_value() {
        assert_eq!(severities(ones_and(&["", ""], 50)), []);
        assert_eq!(severities(ones_and(&[""], 999)), [Severity::Info]);
        assert_eq!(severities(column("x", ["", "", "", ""])), [], "nothing is missing-values' business");
    }
}
