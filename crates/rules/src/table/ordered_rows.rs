//! `ordered-rows`

use serde::{Deserialize, Serialize};
use stetho_core::table::{Column, OrderTest, Origin, RowOrder, Table};
use stetho_core::{Draft, Evidence, Human, Place, Remedy, Report, Rule, Severity, Signal, thousands};

use crate::columns::{is_clock, is_named_as_id};
use crate::show;

/// A label or a feature that depends on the order of rows: the file is sorted, grouped, or drifts.
///
/// ## Why it matters
/// Cut such a file into training and validation rows, or into folds, without shuffling, and the parts differ: a class
/// may be missing from one of them. Batches drawn in file order hold one class each, and training forgets one while it
/// learns the next.
///
/// ## What to do
/// Shuffle before splitting and before every epoch. If the rows come from different sources one after another, keep
/// the rows of a source in one fold. If they are a time series, do not shuffle across time: train on the past and
/// validate on what follows; that case is reported as information only, and so are features in order where there is
/// no label, and names and places in order that the label does not follow.
///
/// ## Fires on
/// ```recipe rows=200 target=label
/// x = normal(0, 1)
/// label = pick(x + normal(0, 1) > 0, "yes", "no")
/// sort by label
/// ```
/// ```recipe rows=300 target=label
/// heat = 0.02 * row() + normal(0, 1)
/// label = pick(heat + normal(0, 2) > 3, "hot", "cold")
/// ```
///
/// ## Stays quiet on
/// ```recipe rows=300 target=label
/// x = normal(0, 1)
/// label = pick(x + normal(0, 1) > 0, "yes", "no")
/// id = row()
/// ```
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct OrderedRows {
    /// Permutation p-value below which order is not chance.
    pub p_value: f64,
    /// Strength, from 0 to 1, of trend or clustering at or above which the label depends on the order of rows.
    pub label: f64,
    /// The same for features.
    pub feature: f64,
    /// A table with fewer rows than this is not judged.
    pub min_rows: u64,
}

impl Default for OrderedRows {
    fn default() -> Self {
        Self { p_value: 0.01, label: 0.2, feature: 0.5, min_rows: 20 }
    }
}

impl Rule for OrderedRows {
    type Input = Table;
    const ID: &'static str = "ordered-rows";
    const SEVERITY: Severity = Severity::Warning;
    const SIGNALS: &'static [Signal] = &[Signal::Columns, Signal::RowOrder];
    const ALSO: &'static [Signal] = &[Signal::Target];

    fn check(&mut self, table: &Table, report: &mut Report) {
        let Some(order) = table.row_order.get().filter(|o| o.n_rows >= self.min_rows) else { return };
        let target = table.target.get().map(|t| t.column);
        let limit = |test: &OrderTest| if Some(test.column) == target { self.label } else { self.feature };
        let mut seen: Vec<Ordered<'_>> = order
            .tests
            .iter()
            .filter(|t| t.p_value < self.p_value && t.trend.max(t.clustering) >= limit(t))
            .filter_map(|test| Some(Ordered { test, column: table.columns.get(test.column)? }))
            .collect();
        seen.sort_by_key(|o| Some(o.test.column) != target); // the label first; the sort is stable
        let Some(worst) = seen.first() else { return };
        let clock = clock(table, order);
        let is_label = Some(worst.test.column) == target;
        let was_tested = |column: usize| order.tests.iter().any(|t| t.column == column);
        let message = match clock {
            Some(clock) => format!(
                "rows follow time (`{}`), and {} changes along it ({} of 1)",
                clock.name,
                show::listing(&[&worst.column.name], 1),
                Human(worst.strength()),
            ),
            None => worst.message(is_label, limit(worst.test), &seen),
        };
        let mut draft = draft(message, &seen, limit(worst.test), clock);
        match table.target.get() {
            Some(target) if is_label => draft = draft.certainty(target.certainty()),
            // Names and places in order matter little where the label does not follow them.
            Some(target) if was_tested(target.column) && seen.iter().all(Ordered::is_name) => {
                draft = draft.severity(Severity::Info);
            }
            // Without a label, or with a guessed one that does not follow them, features in order are how most tables
            // that are looked into are kept.
            None => draft = draft.severity(Severity::Info),
            Some(target) if target.origin == Origin::Guessed => draft = draft.severity(Severity::Info),
            Some(_) => {}
        }
        report.raise(draft);
    }
}

/// A column that depends on the order of rows.
struct Ordered<'a> {
    test: &'a OrderTest,
    column: &'a Column,
}

impl Ordered<'_> {
    fn strength(&self) -> f64 {
        self.test.trend.max(self.test.clustering)
    }

    /// Whether the column names or groups rows rather than measures them.
    fn is_name(&self) -> bool {
        self.column.number.is_none() || is_named_as_id(&self.column.name)
    }

    fn message(&self, is_label: bool, limit: f64, all: &[Ordered<'_>]) -> String {
        let name = &self.column.name;
        let label = if is_label { "the label " } else { "" };
        let others = match all.len() {
            1 => String::new(),
            n => format!(", and {} more of the columns depend on it", thousands(n as u64 - 1)),
        };
        if self.test.sorted {
            return format!("rows are sorted by {label}`{name}`{others}");
        }
        if self.test.clustering >= 0.9 && self.column.number.is_none() {
            return format!("rows are grouped by {label}`{name}`{others}");
        }
        let (what, value) = match self.test.trend >= self.test.clustering {
            true => ("drifts along the file: trend", self.test.trend),
            false => ("changes slowly along the file: clustering", self.test.clustering),
        };
        format!("{label}`{name}` {what} {} of 1 (limit {}){others}", Human(value), Human(limit))
    }
}

/// A column of times along which the rows run.
fn clock<'a>(table: &'a Table, order: &RowOrder) -> Option<&'a Column> {
    let runs_along = |i: usize, column: &Column| {
        let test = order.tests.iter().find(|t| t.column == i);
        column.strictly_monotone.is_some() || test.is_some_and(|t| t.sorted || t.trend >= 0.99)
    };
    table.features().find(|(i, c)| is_clock(c) && runs_along(*i, c)).map(|(_, column)| column)
}

fn draft(message: String, seen: &[Ordered<'_>], limit: f64, clock: Option<&Column>) -> Draft {
    let strength = seen.first().map_or(0.0, Ordered::strength);
    let (first, rest) = show::first_place(seen.iter().map(|o| Place::column(&o.column.name)).collect());
    let shown = seen.iter().map(|o| {
        [
            o.column.name.clone(),
            Human(o.test.trend).to_string(),
            Human(o.test.clustering).to_string(),
            if o.test.sorted { "sorted".into() } else { format!("p ≤ {}", Human(o.test.p_value)) },
        ]
    });
    let remedy = match clock {
        Some(clock) => {
            Remedy::advice("validate on rows later than the training rows; shuffle within training only")
                .code(format!(
                    "df = df.sort_values({})\nfolds = TimeSeriesSplit(n_splits=5).split(df)",
                    show::python(&clock.name)
                ))
        }
        None => Remedy::safe("shuffle before splitting").code(
            "df = df.sample(frac=1, random_state=0).reset_index(drop=True)\n\
             folds = StratifiedKFold(5, shuffle=True, random_state=0)  # KFold for numbers",
        ),
    };
    let measure = Evidence::at_most("dependence on the order of rows", strength, limit);
    let draft = Draft::new(first, message, measure, remedy).places(rest).evidence(Evidence::table(
        "columns that depend on the order of rows",
        ["column", "trend", "clustering", "order"],
        shown,
    ));
    if clock.is_some() {
        return draft.severity(Severity::Info);
    }
    draft
        .remedy(
            Remedy::safe("draw batches in random order")
                .code("loader = DataLoader(train_set, batch_size=64, shuffle=True)"),
        )
        .remedy(
            Remedy::advice("if the rows come from several sources, keep the rows of a source in one fold")
                .code("folds = GroupKFold(5).split(df, groups=df[\"source\"])"),
        )
}

#[cfg(test)]
mod tests {
    use stetho_core::table::{Measured, Task};

    use super::*;
    use crate::testing::{bell, categories, judge, numbers, table, with_target};

    fn found(first: Column, tests: &[(usize, f64, f64, bool)]) -> Vec<(Severity, String)> {
        let columns = vec![first, categories("label", &[("a", 50), ("b", 50)])];
        let mut table = with_target(table(columns), Task::Classification);
        let of = |(column, strength, p_value, sorted): &(usize, f64, f64, bool)| OrderTest {
            column: *column,
            trend: *strength,
            clustering: 0.0,
            p_value: *p_value,
            sorted: *sorted,
        };
        let tests = tests.iter().map(of).collect();
        table.row_order = Measured::Is(RowOrder { tests, n_rows: 100 });
        judge("ordered-rows", &table).into_iter().map(|f| (f.severity, f.message)).collect()
    }

    #[test]
    fn the_label_comes_first_and_all_is_one_finding() {
        let said = found(bell("x", 100, 0.0, 1.0), &[(0, 0.9, 0.001, false), (1, 0.8, 0.001, true)]);
        let expected = "rows are sorted by the label `label`, and 1 more of the columns depend on it";
        assert_eq!(said, [(Severity::Warning, expected.to_owned())]);
    }

    #[test]
    fn weak_or_chance_order_is_quiet() {
        let x = || bell("x", 100, 0.0, 1.0);
        assert!(found(x(), &[(1, 0.15, 0.001, false)]).is_empty());
        assert!(found(x(), &[(1, 0.5, 0.02, false)]).is_empty());
        assert!(found(x(), &[(0, 0.3, 0.001, false)]).is_empty());
    }

    #[test]
    fn sorted_names_that_the_label_does_not_follow_are_information() {
        let region = || categories("region", &[("north", 50), ("south", 50)]);
        let said = found(region(), &[(0, 1.0, 0.001, true), (1, 0.0, 1.0, false)]);
        assert_eq!(said[0].0, Severity::Info);
        let said = found(region(), &[(0, 1.0, 0.001, true), (1, 0.8, 0.001, false)]);
        assert_eq!(said[0].0, Severity::Warning);
        let said = found(bell("x", 100, 0.0, 1.0), &[(0, 0.9, 0.001, false), (1, 0.0, 1.0, false)]);
        assert_eq!(said[0].0, Severity::Warning, "a measured feature drifts");
    }

    #[test]
    fn a_time_series_is_information() {
        let time = numbers("time", (0..100).map(f64::from));
        let said = found(time, &[(1, 0.8, 0.001, false)]);
        assert_eq!(said[0].0, Severity::Info);
        assert!(said[0].1.starts_with("rows follow time (`time`), and `label` changes"), "{}", said[0].1);
    }
}
