//! `split-overlap`

use serde::{Deserialize, Serialize};
use stetho_core::table::{Overlap, Part, RowId, Table};
use stetho_core::{Draft, Evidence, Remedy, Report, Rule, Severity, Signal, count_of, percent, thousands};

use crate::{chance, show};

/// Rows of a validation or test set that were also in the training data.
///
/// ## Why it matters
/// The model has seen these rows with their answers; a score on them measures memory. Overfitting looks like success.
///
/// Rows are compared by their features, numbers written alike and text trimmed. Where rows are made of a few
/// categories they agree by chance, and only several times as many as chance explains are reported.
///
/// ## What to do
/// Drop the shared rows from the training data or from the split, then find out how they came there: a split made after
/// rows were copied, a join, augmentation before splitting, or rows of one person or thing on both sides.
///
/// ## Fires on
/// ```recipe rows=300 target=y
/// x = normal(0, 1)
/// z = normal(4, 2)
/// y = x + normal(0, 1)
/// ```
/// ```recipe val rows=80 target=y
/// x = normal(0, 1)
/// z = normal(4, 2)
/// y = x + normal(0, 1)
/// take rows 0..10 from train
/// ```
///
/// ## Stays quiet on
/// ```recipe rows=300 target=y
/// colour = choice("red", "green", "blue")
/// size = choice("s", "m", "l")
/// y = normal(0, 1)
/// ```
/// ```recipe val rows=80 target=y
/// colour = choice("red", "green", "blue")
/// size = choice("s", "m", "l")
/// y = normal(0, 1)
/// ```
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct SplitOverlap {
    /// How many times as many shared rows as chance explains there must be.
    pub times_chance: f64,
    /// Share of the split's rows below which it is a warning only.
    pub serious: f64,
}

impl Default for SplitOverlap {
    fn default() -> Self {
        Self { times_chance: 3.0, serious: 0.001 }
    }
}

impl Rule for SplitOverlap {
    type Input = Table;
    const ID: &'static str = "split-overlap";
    const SEVERITY: Severity = Severity::Error;
    const SIGNALS: &'static [Signal] = &[Signal::Columns, Signal::Overlap];
    const ALSO: &'static [Signal] = &[Signal::Target, Signal::Splits];

    fn check(&mut self, table: &Table, report: &mut Report) {
        let equal = chance::of_equal_features(table);
        for overlap in table.overlap.get().into_iter().flatten().filter(|o| o.n_shared > 0 && o.n_rows > 0) {
            let n_with = match overlap.with {
                Part::Train => table.n_rows,
                with => {
                    table.splits.get().into_iter().flatten().find(|s| s.part == with).map_or(0, |s| s.n_rows)
                }
            };
            let n = overlap.n_rows as f64;
            let by_chance = (n * n_with as f64 * equal).max(overlap.by_chance).min(n);
            // near all of the split there is no room for several times as many
            let enough = (self.times_chance * by_chance).min((n + by_chance) / 2.0);
            if overlap.n_shared as f64 > enough {
                report.raise(self.draft(table, overlap, by_chance));
            }
        }
    }
}

impl SplitOverlap {
    fn draft(&self, table: &Table, overlap: &Overlap, by_chance: f64) -> Draft {
        let share = overlap.n_shared as f64 / overlap.n_rows as f64;
        let (part, with) = (overlap.part.name(), overlap.with.name());
        let conflicting = match overlap.n_conflicting {
            0 => String::new(),
            n => format!(", {} of them with a different label", thousands(n)),
        };
        let verb = if overlap.n_shared == 1 { "is" } else { "are" };
        let message = format!(
            "{} of {} in the {part} data ({}) {verb} in the {with} data too{conflicting}",
            count_of(overlap.n_shared, "row"),
            thousands(overlap.n_rows),
            percent(share),
        );
        let rows: Vec<RowId> = overlap.pairs.iter().map(|p| p.0).collect();
        let (first, rest) = show::first_place(table.places(&rows));
        let shown = overlap.pairs.iter().map(|(a, b)| {
            [show::location(table, *a), show::location(table, *b), show::cells(table, *a, None)]
        });
        let features = show::python_list(table.features().map(|(_, c)| c.name.as_str()));
        Draft::new(
            first,
            message,
            Evidence::at_most("shared rows, against chance", overlap.n_shared as f64, by_chance),
            Remedy::risky(format!("drop the shared rows from the {with} data")).code(format!(
                "features = {features}\n\
                 seen = pd.MultiIndex.from_frame({part}[features])\n\
                 {with} = {with}[~pd.MultiIndex.from_frame({with}[features]).isin(seen)]"
            )),
        )
        .places(rest)
        .count(overlap.n_shared)
        .topic(format!("{part} in {with}"))
        .severity(if share < self.serious { Severity::Warning } else { Severity::Error })
        .evidence(Evidence::table("shared rows", [part, with, "values"], shown))
        .remedy(
            Remedy::risky("or split anew, with equal rows on one side")
                .command("stetho prepare DATA --split 0.8/0.1/0.1 --out prepared")
                .code(format!(
                    "groups = df.groupby({features}, dropna=False).ngroup()\n\
                 split = GroupShuffleSplit(n_splits=1, test_size=0.2, random_state=0)\n\
                 train_rows, val_rows = next(split.split(df, groups=groups))"
                )),
        )
    }
}

#[cfg(test)]
mod tests {
    use stetho_core::table::Measured;

    use super::*;
    use crate::testing::{bell, categories, judge, table};

    fn found(mut table: Table, n_shared: u64, n_rows: u64) -> Vec<Severity> {
        table.overlap = Measured::Is(vec![Overlap {
            part: Part::Test,
            with: Part::Train,
            n_shared,
            n_conflicting: 0,
            n_rows,
            by_chance: 0.0,
            pairs: Vec::new(),
        }]);
        judge("split-overlap", &table).iter().map(|f| f.severity).collect()
    }

    fn fine() -> Table {
        table((0..4).map(|i| bell("x", 300, f64::from(i), 1.0)))
    }

    #[test]
    fn a_trace_of_overlap_is_a_warning() {
        assert_eq!(found(fine(), 1, 100), [Severity::Error]);
        assert_eq!(found(fine(), 1, 5000), [Severity::Warning]);
        assert_eq!(found(fine(), 0, 5000), []);
    }

    #[test]
    fn categories_are_shared_by_chance() {
        let answer = || categories("answer", &[("y", 50), ("n", 50)]);
        assert_eq!(found(table(vec![answer(), answer(), answer()]), 80, 80), []);
    }

    #[test]
    fn a_whole_copy_is_found_where_chance_explains_a_part() {
        let size = || categories("size", &[("1", 20), ("2", 20), ("3", 20), ("4", 20), ("5", 20)]);
        let coarse = || table((0..8).map(|_| size()));
        assert_eq!(found(coarse(), 80, 80), [Severity::Error]);
        assert_eq!(found(coarse(), 10, 80), []);
    }
}
