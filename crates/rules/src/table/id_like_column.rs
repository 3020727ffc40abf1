//! `id-like-column`

use serde::{Deserialize, Serialize};
use stetho_core::table::{Column, Kind, Table};
use stetho_core::{Draft, Evidence, Place, Remedy, Report, Rule, Severity, Signal, percent, thousands};

use crate::columns::{self, Id};
use crate::show::{list, python_list};

/// A feature that names the row instead of describing it: a row number, a key, a name.
///
/// ## Why it matters
/// Every row has its own value, so a model can only memorise it: training looks perfect and nothing carries over to
/// new rows. If rows are ordered by label or time, a row number even leaks the answer.
///
/// ## What to do
/// Leave the column out of the features and keep it to trace rows. If the same person, device or document may occur
/// under several ids, split by that instead of by row.
///
/// Measurements may be all different too: numbers with fractions, and whole numbers that are neither dense nor ordered
/// nor named as an id, are left alone as long as chance explains that none repeats, and so are times, free text and
/// tables of fewer than 50 rows.
///
/// ## Fires on
/// ```recipe rows=120 target=label
/// id    = row()
/// key   = text("u", 7 * row() + 13)
/// speed = normal(10, 2)
/// label = choice("yes", "no")
/// ```
///
/// ## Stays quiet on
/// ```recipe rows=120 target=label
/// salary = 30000 + 137 * shuffled(row())
/// speed  = normal(10, 2)
/// city   = text("city ", integer(1, 20))
/// label  = choice("yes", "no")
/// ```
/// ```csv target=label
/// id,speed,label
/// 1,9.2,yes
/// 2,10.5,no
/// 3,8.8,yes
/// ```
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct IdLikeColumn {
    /// Least share of different values.
    pub unique: f64,
    /// A column with fewer values than this is not judged.
    pub min_rows: u64,
}

impl Default for IdLikeColumn {
    fn default() -> Self {
        Self { unique: 0.98, min_rows: 50 }
    }
}

impl Rule for IdLikeColumn {
    type Input = Table;
    const ID: &'static str = "id-like-column";
    const SEVERITY: Severity = Severity::Warning;
    const SIGNALS: &'static [Signal] = &[Signal::Columns];
    const ALSO: &'static [Signal] = &[Signal::Target];

    fn check(&mut self, table: &Table, report: &mut Report) {
        // A text that is the only feature is what the model reads.
        let is_only = table.features().count() == 1;
        let ids: Vec<(&Column, Id)> = table
            .features()
            .filter(|(_, column)| !(is_only && column.kind == Kind::Text))
            .filter_map(|(_, column)| Some((column, columns::id(column, self.min_rows, self.unique)?)))
            .collect();
        let Some((first, reason)) = ids.first() else { return };
        let names: Vec<&str> = ids.iter().map(|(column, _)| column.name.as_str()).collect();
        let share = distinct_share(first);
        let message = match ids.len() {
            1 => format!(
                "column `{}` looks like an id: {}, {} different in {} rows",
                first.name,
                reason.reason(),
                thousands(first.distinct.count.min(first.n_values())),
                thousands(first.n_values())
            ),
            n => format!(
                "{n} columns look like ids: {} have a different value in at least {} of rows",
                list(&names),
                percent(self.unique)
            ),
        };
        let rows = ids.iter().map(|(column, reason)| {
            let example = column.values.counts.first().map_or(String::new(), |(value, _)| value.clone());
            [column.name.clone(), percent(distinct_share(column)), reason.reason().to_owned(), example]
        });
        let table = Evidence::table("ids", ["column", "different", "why", "example"], rows);
        let surest = ids.iter().any(|(_, reason)| *reason != Id::Texts);
        report.raise(
            Draft::new(
                Place::column(&first.name),
                message,
                Evidence::at_most("share of different values", share, self.unique),
                Remedy::safe("leave it out of the features; keep it to trace rows")
                    .code(format!("X = df.drop(columns={})", python_list(&names))),
            )
            .places(names.iter().skip(1).map(|name| Place::column(*name)))
            .evidence(table)
            .certainty(if surest { 0.95 } else { 0.8 })
            .remedy(Remedy::advice(
                "if one person, device or document has several rows, split by it instead of by row",
            )),
        );
    }
}

fn distinct_share(column: &Column) -> f64 {
    (column.distinct.count as f64 / column.n_values().max(1) as f64).min(1.0)
}

#[cfg(test)]
mod tests {
    use stetho_core::table::Distinct;

    use super::*;
    use crate::testing::{Random, column, judge, numbers, table};

    fn fires(column: Column) -> bool {
        let other = numbers("other", (0..column.n_rows).map(|i| (i % 7) as f64));
        !judge("id-like-column", &table([column, other])).is_empty()
    }

    fn integers(name: &str, value: impl Fn(u64) -> u64) -> Column {
        numbers(name, (0..100).map(|i| value(i) as f64))
    }

    #[test]
    fn counters_and_named_integers_fire() {
        assert!(fires(integers("n", |i| i)));
        assert!(fires(integers("n", |i| i * 37 % 101)), "dense, in any order");
        assert!(fires(integers("n", |i| 1000 + 5 * i + i % 3)), "rising");
        assert!(fires(integers("houseId", |i| i * 7919 % 99_991)));
        assert!(fires(integers("Unnamed: 0", |i| i * 7919 % 99_991)));
    }

    #[test]
    fn numbers_that_never_repeat_against_chance_fire() {
        // 2,000 numbers below 100,003: drawn at random, 20 pairs of them would be equal.
        let account = |n: u64, step: u64| numbers("account", (0..n).map(|i| (i * step % 100_003) as f64));
        assert!(fires(account(2400, 7919)));
        assert!(!fires(account(500, 7919)), "one pair is expected, and its absence says nothing");
        let estimated = Column { distinct: Distinct { count: 2350, exact: false }, ..account(2400, 7919) };
        assert!(!fires(estimated), "an estimate may hide 70 repeats");
    }

    #[test]
    fn measurements_and_times_are_quiet() {
        assert!(!fires(integers("area", |i| i * 7919 % 99_991)));
        assert!(!fires(integers("population", |i| 9000 + i * i * i)), "the file is sorted by it");
        assert!(!fires(integers("year", |i| 1900 + i)));
        assert!(!fires(integers("start", |i| 1_600_000_000 + 60 * i)));
        assert!(!fires(numbers("x", (0..100).map(|i| f64::from(i) + 0.5))));
        assert!(!fires(numbers("n", (0..30).map(f64::from))), "too few rows");
        assert!(!fires(integers("user_id", |i| i % 40)), "a group");
    }

    #[test]
    fn short_texts_fire_and_free_text_is_quiet() {
        let texts = |make: &dyn Fn(u64) -> String| column("t", (0..100).map(make));
        assert!(fires(texts(&|i| format!("user-{:04x}", i * 7919 % 65_536))));
        assert!(fires(texts(&|i| format!("{i:08x}-4c1f-4d8e-9a3b-7c0e51f2{i:04x}"))));
        assert!(!fires(texts(&|i| format!("the room {i} was clean and the staff were kind to us"))));
        let mut random = Random(3);
        let ragged =
            column("t", (0..100).map(|i| format!("{i}{}", "x".repeat((random.uniform() * 200.0) as usize))));
        assert!(!fires(ragged));
        let only = table([texts(&|i| format!("t{i}"))]);
        assert!(judge("id-like-column", &only).is_empty());
    }
}
