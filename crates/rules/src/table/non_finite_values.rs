//! `non-finite-values`

use serde::{Deserialize, Serialize};
use stetho_core::table::{Column, NumberProfile, Table};
use stetho_core::{
    Draft, Evidence, Place, Remedy, Report, Rule, Severity, Signal, count_of, percent, thousands,
};

use crate::show::{list, location, python_list};

/// Numbers that are not finite: NaN written as a number, and ±∞.
///
/// ## Why it matters
/// One of them makes the mean of its column, the scaled column, the loss and then every weight non-finite. They come from
/// a division by zero, the logarithm of zero or an overflow, so the rows around them deserve a look as well.
///
/// ## What to do
/// Find the operation that made them and treat its input. Make the rest missing, and handle them like other missing
/// values. Empty cells and words such as `NA` are no numbers; they are told by `missing-values`.
///
/// ## Fires on
/// ```csv
/// clicks,rate,label
/// 12,0.25,a
/// 0,inf,b
/// 31,0.5,a
/// 0,-inf,b
/// 17,0.75,a
/// ```
///
/// ## Stays quiet on
/// ```csv
/// clicks,rate,label
/// 12,0.25,a
/// 0,,b
/// 31,0.5,a
/// 1e300,-1e300,b
/// 17,0.75,a
/// ```
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct NonFiniteValues {
    /// Share of values of a column that may be non-finite.
    pub tolerated: f64,
}

impl Rule for NonFiniteValues {
    type Input = Table;
    const ID: &'static str = "non-finite-values";
    const SEVERITY: Severity = Severity::Error;
    const SIGNALS: &'static [Signal] = &[Signal::Columns];

    fn check(&mut self, table: &Table, report: &mut Report) {
        let mut found: Vec<NonFinite<'_>> =
            table.columns.iter().filter_map(NonFinite::of).filter(|f| f.share > self.tolerated).collect();
        found.sort_by(|a, b| b.share.total_cmp(&a.share));
        let Some(worst) = found.first() else { return };
        let message = match found.len() {
            1 => format!("column `{}` holds {}", worst.column.name, worst.described()),
            n => {
                let (name, values) = (&worst.column.name, worst.described());
                format!("{n} columns are not finite throughout, `{name}` the most: {values}")
            }
        };
        let rows: Vec<_> = found.iter().flat_map(|f| f.numbers.non_finite_rows.iter().copied()).collect();
        let names: Vec<&str> = found.iter().map(|f| f.column.name.as_str()).collect();
        let code = format!(
            "columns = {}\ndf[columns] = df[columns].replace([np.inf, -np.inf], np.nan)",
            python_list(&names)
        );
        let cause =
            Remedy::advice(format!("find the division, logarithm or overflow that makes {}", list(&names)));
        report.raise(
            Draft::new(
                Place::column(&worst.column.name),
                message,
                Evidence::at_most("values that are not finite", worst.count as f64, self.tolerated),
                cause,
            )
            .places(found.iter().skip(1).map(|f| Place::column(&f.column.name)))
            .places(table.places(&rows))
            .count(found.iter().map(|f| f.count).sum())
            .evidence(columns(table, &found))
            .remedy(Remedy::risky("make them missing, then handle missing values").code(code)),
        );
    }
}

/// What is not finite in a column.
struct NonFinite<'a> {
    column: &'a Column,
    numbers: &'a NumberProfile,
    count: u64,
    share: f64,
}

impl<'a> NonFinite<'a> {
    fn of(column: &'a Column) -> Option<Self> {
        let numbers = column.number.as_ref()?;
        let count = numbers.n_nan + numbers.n_positive_infinity + numbers.n_negative_infinity;
        let share = count as f64 / (numbers.n_finite + count).max(1) as f64;
        (count > 0).then_some(Self { column, numbers, count, share })
    }

    /// `3 values that are not finite (1.5 %): 2 NaN, 1 ∞`.
    fn described(&self) -> String {
        let n = self.numbers;
        let counts = [(n.n_nan, "NaN"), (n.n_positive_infinity, "∞"), (n.n_negative_infinity, "-∞")];
        let kinds = counts.iter().filter(|(count, _)| *count > 0);
        let kinds: Vec<String> = kinds.map(|(count, kind)| format!("{} {kind}", thousands(*count))).collect();
        let are = if self.count == 1 { "that is" } else { "that are" };
        let values = count_of(self.count, "value");
        format!("{values} {are} not finite ({}): {}", percent(self.share), kinds.join(", "))
    }
}

fn columns(table: &Table, found: &[NonFinite<'_>]) -> Evidence {
    let rows = found.iter().map(|f| {
        let n = f.numbers;
        let first = n.non_finite_rows.first().map_or(String::new(), |row| location(table, *row));
        [
            f.column.name.clone(),
            thousands(n.n_nan),
            thousands(n.n_positive_infinity),
            thousands(n.n_negative_infinity),
            first,
        ]
    });
    Evidence::table("values that are not finite", ["column", "NaN", "∞", "-∞", "first"], rows)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{column, judge, table};

    #[test]
    fn columns_with_non_finite_values_are_one_finding() {
        let table = table([
            column("a", ["1", "inf", "2", "3"]),
            column("b", ["1", "-inf", "NaN", "3"]),
            column("c", ["1", "", "2", "3"]),
        ]);
        let [finding] = judge("non-finite-values", &table).try_into().unwrap();
        assert_eq!(
            finding.message,
            "2 columns are not finite throughout, `b` the most: 2 values that are not finite (50 %): 1 NaN, 1 -∞"
        );
        assert_eq!(finding.count, 3);
        assert_eq!(finding.places[..2], [Place::column("b"), Place::column("a")]);
    }
}
