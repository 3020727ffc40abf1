//! `conflicting-labels`

use serde::{Deserialize, Serialize};
use stetho_core::table::{Duplicates, RowGroup, RowId, Table, Target, Task};
use stetho_core::{Draft, Evidence, Remedy, Report, Rule, Severity, Signal, count_of, percent, thousands};

use crate::{chance, show};

/// Rows with identical features and different labels.
///
/// ## Why it matters
/// No model can get both right: each conflict is a certain error in training, and it pulls the model apart. Most come
/// from labelling mistakes, from joins that multiplied rows, or from a feature that would tell the rows apart and is
/// missing.
///
/// Regression targets are not judged: two measurements of one thing differ by nature. Neither are conflicts that
/// chance explains, where features are a few categories or coarse numbers.
///
/// ## What to do
/// Look at the groups: correct the wrong label, or drop the rows whose label cannot be decided. If both labels are
/// right, look for the feature that is missing.
///
/// ## Fires on
/// ```csv target=kind
/// height,width,weight,depth,kind
/// 10.41,2.35,7.71,1.11,a
/// 11.02,2.11,8.05,1.42,b
/// 9.87,2.64,7.12,1.27,a
/// 11.02,2.11,8.05,1.42,a
/// 10.96,2.27,8.48,1.39,b
/// 9.42,2.93,6.98,1.05,a
/// 10.13,2.48,7.44,1.36,a
/// ```
///
/// ## Stays quiet on
/// A space of few categories, where equal rows with different labels are noise and not a mistake.
/// ```recipe rows=400 target=bought
/// colour = choice("red", "green", "blue")
/// size = choice("s", "m", "l")
/// bought = choice("yes", "no")
/// ```
/// Rows with equal features are rare, and their labels agree.
/// ```recipe rows=300 target=label
/// x = normal(0, 1)
/// y = normal(5, 2)
/// label = pick(x + normal(0, 1) > 0, "yes", "no")
/// repeat rows 40..60
/// ```
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct ConflictingLabels {
    /// How many times as many pairs of rows with equal features as chance explains there must be.
    pub times_chance: f64,
    /// Share of rows in conflict below which it is a warning only.
    pub serious: f64,
}

impl Default for ConflictingLabels {
    fn default() -> Self {
        Self { times_chance: 3.0, serious: 0.001 }
    }
}

impl Rule for ConflictingLabels {
    type Input = Table;
    const ID: &'static str = "conflicting-labels";
    const SEVERITY: Severity = Severity::Error;
    const SIGNALS: &'static [Signal] = &[Signal::Columns, Signal::Target, Signal::Conflicts];

    fn check(&mut self, table: &Table, report: &mut Report) {
        let (Some(target), Some(found)) = (table.target.get(), table.conflicts.get()) else { return };
        if target.task != Task::Classification || found.n_groups == 0 {
            return;
        }
        let cautious = chance::pairs(found.n_compared) * chance::of_equal_features(table);
        if found.n_pairs <= self.times_chance * cautious {
            return;
        }
        let share = found.n_rows as f64 / found.n_compared.max(1) as f64;
        let severity = if share < self.serious { Severity::Warning } else { Severity::Error };
        report.raise(draft(table, target, found, share).severity(target.severity(severity)));
    }
}

fn draft(table: &Table, target: &Target, found: &Duplicates, share: f64) -> Draft {
    let rows: Vec<RowId> = found.groups.iter().flat_map(|g| g.rows.iter().copied()).collect();
    let (first, rest) = show::first_place(table.places(&rows));
    let name = table.columns.get(target.column).map_or("", |c| c.name.as_str());
    let message = format!(
        "{} of {} ({}) share all features with a row that has another `{name}`, in {}",
        count_of(found.n_rows, "row"),
        thousands(found.n_compared),
        percent(share),
        count_of(found.n_groups, "group"),
    );
    let shown = found.groups.iter().map(|group| {
        let values =
            group.rows.first().map(|row| show::cells(table, *row, Some(target.column))).unwrap_or_default();
        [labels(table, target, group), show::positions(table, &group.rows, group.count), values]
    });
    let label = show::python(name);
    let features = table.features().map(|(_, c)| c.name.as_str());
    Draft::new(
        first,
        message,
        Evidence::at_most("rows in conflict", found.n_rows as f64, 0.0),
        Remedy::advice("look at each group and correct the labels that are wrong").code(format!(
            "features = df.columns.drop({label})\n\
             groups = df.groupby(list(features), dropna=False)[{label}]\n\
             print(df[groups.transform(\"nunique\") > 1].sort_values(list(features)))"
        )),
    )
    .places(rest)
    .count(found.n_rows)
    .certainty(target.certainty())
    .evidence(Evidence::table("equal features, different labels", ["labels", "where", "features"], shown))
    .remedy(
        Remedy::risky("drop the rows whose label cannot be decided")
            .command("stetho prepare DATA --drop conflicting --out prepared")
            .code(format!(
                "features = {}\n\
             n_labels = df.groupby(features, dropna=False)[{label}].transform(\"nunique\")\n\
             df = df[n_labels <= 1]",
                show::python_list(features)
            )),
    )
    .remedy(Remedy::advice("if both labels are right, add the feature that tells these rows apart"))
}

/// The different labels of a group: `yes, no`.
fn labels(table: &Table, target: &Target, group: &RowGroup) -> String {
    let mut seen: Vec<&str> = Vec::new();
    for label in group.rows.iter().filter_map(|row| table.value(*row, target.column)) {
        if !seen.contains(&label) {
            seen.push(label);
        }
    }
    seen.join(", ")
}

#[cfg(test)]
mod tests {
    use stetho_core::table::Measured;

    use super::*;
    use crate::testing::{bell, categories, judge, table, with_target};

    fn conflicts(columns: Vec<stetho_core::table::Column>, task: Task, n_pairs: u64) -> Vec<Severity> {
        let mut table = with_target(table(columns), task);
        table.conflicts = Measured::Is(Duplicates {
            n_compared: table.n_rows,
            n_groups: n_pairs,
            n_rows: 2 * n_pairs,
            n_pairs: n_pairs as f64,
            ..Default::default()
        });
        judge("conflicting-labels", &table).iter().map(|f| f.severity).collect()
    }

    #[test]
    fn a_single_conflict_in_a_large_table_is_a_warning() {
        let of = |n: u64| {
            vec![
                bell("x", n as u32, 0.0, 1.0),
                bell("y", n as u32, 5.0, 2.0),
                categories("label", &[("a", n / 2), ("b", n / 2)]),
            ]
        };
        assert_eq!(conflicts(of(200), Task::Classification, 1), [Severity::Error]);
        assert_eq!(conflicts(of(4000), Task::Classification, 1), [Severity::Warning]);
        assert_eq!(conflicts(of(200), Task::Regression, 1), []);
    }

    #[test]
    fn noise_among_few_categories_is_quiet() {
        let feature = || categories("answer", &[("y", 50), ("n", 50)]);
        let label = categories("label", &[("a", 60), ("b", 40)]);
        assert_eq!(conflicts(vec![feature(), feature(), feature(), label], Task::Classification, 600), []);
    }
}
