//! `duplicate-rows`

use serde::{Deserialize, Serialize};
use stetho_core::table::{Duplicates, RowId, Table};
use stetho_core::{Draft, Evidence, Remedy, Report, Rule, Severity, Signal, count_of, percent, thousands};

use crate::{chance, show};

/// Rows that occur more than once, label included.
///
/// ## Why it matters
/// A row that stands in the data twice counts twice in training, and when its copies fall into different folds or
/// splits, the model is tested on what it has already seen: the score is too good.
///
/// Where rows are made of a few categories or of coarse numbers, equal rows are no surprise. They are reported as a
/// warning only where there are several times as many as chance explains, even if the columns depend on each other,
/// and as information where they are more than independent columns would give.
///
/// ## What to do
/// Find out whether the copies are the same observation, as after a join or a second export; if so, drop them
/// before splitting. If they are different observations that happen to agree, keep them in one fold.
///
/// ## Fires on
/// ```csv
/// height,width,weight,kind
/// 10.41,2.35,7.71,a
/// 11.02,2.11,8.05,b
/// 9.87,2.64,7.12,a
/// 11.02,2.11,8.05,b
/// 10.96,2.27,8.48,b
/// 9.42,2.93,6.98,a
/// 10.13,2.48,7.44,a
/// ```
/// ```recipe rows=300 target=label
/// x = normal(0, 1)
/// y = normal(5, 2)
/// label = pick(x + normal(0, 1) > 0, "yes", "no")
/// repeat rows 40..60
/// ```
///
/// ## Stays quiet on
/// Rows of a few categories that agree as often as chance has it.
/// ```recipe rows=400
/// colour = choice("red", "green", "blue")
/// size = choice("s", "m", "l")
/// sold = choice("yes", "no")
/// ```
/// ```csv
/// height,width,kind
/// 10.4,2.3,a
/// 11.0,2.1,b
/// 9.8,2.6,a
/// 11.0,2.2,b
/// ```
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct DuplicateRows {
    /// How many times as many pairs of equal rows as chance explains there must be.
    pub times_chance: f64,
}

impl Default for DuplicateRows {
    fn default() -> Self {
        Self { times_chance: 3.0 }
    }
}

impl Rule for DuplicateRows {
    type Input = Table;
    const ID: &'static str = "duplicate-rows";
    const SEVERITY: Severity = Severity::Warning;
    const SIGNALS: &'static [Signal] = &[Signal::Columns, Signal::Duplicates];

    fn check(&mut self, table: &Table, report: &mut Report) {
        let Some(found) = table.duplicates.get() else { return };
        let redundant = found.n_rows.saturating_sub(found.n_groups);
        if redundant == 0 {
            return;
        }
        let cautious = chance::pairs(found.n_compared) * chance::of_equal_rows(table.columns.iter());
        let limit = self.times_chance * cautious;
        let least = self.times_chance * found.pairs_by_chance;
        if found.n_pairs > limit {
            report.raise(draft(table, found, redundant, limit));
        } else if found.n_pairs > least && table.columns.len() > 2 {
            report.raise(draft(table, found, redundant, least).severity(Severity::Info).certainty(0.5));
        }
    }
}

fn draft(table: &Table, found: &Duplicates, redundant: u64, limit: f64) -> Draft {
    let repeats: Vec<RowId> = found.groups.iter().flat_map(|g| g.rows.iter().skip(1).copied()).collect();
    let (first, rest) = show::first_place(table.places(&repeats));
    let verb = if redundant == 1 { "repeats an earlier one" } else { "repeat earlier ones" };
    let message = format!(
        "{} of {} {verb} ({})",
        count_of(redundant, "row"),
        thousands(found.n_compared),
        percent(redundant as f64 / found.n_compared.max(1) as f64),
    );
    let mut groups: Vec<_> = found.groups.iter().collect();
    groups.sort_by_key(|g| std::cmp::Reverse(g.count));
    let shown = groups.into_iter().map(|g| {
        let values = g.rows.first().map(|row| show::cells(table, *row, None)).unwrap_or_default();
        [thousands(g.count), show::positions(table, &g.rows, g.count), values]
    });
    Draft::new(
        first,
        message,
        measure(found.n_pairs, redundant, limit),
        Remedy::risky("drop the copies before splitting, if they are one observation").command("stetho prepare DATA --drop duplicates --out prepared").code(
            "duplicated = df.duplicated()\nprint(df[df.duplicated(keep=False)].sort_values(list(df.columns)))\n\
             df = df[~duplicated].reset_index(drop=True)",
        ),
    )
    .places(rest)
    .count(redundant)
    .evidence(Evidence::table("equal rows, largest groups first", ["rows", "where", "values"], shown))
    .remedy(
        Remedy::advice("if they are different observations, keep equal rows in one fold").code(
            "from sklearn.model_selection import GroupKFold\n\
             groups = df.groupby(list(df.columns), dropna=False).ngroup()\n\
             folds = GroupKFold(5).split(df, groups=groups)",
        ),
    )
}

/// The rows that repeat, where chance explains none; else the pairs of equal rows, against those it explains.
fn measure(n_pairs: f64, redundant: u64, limit: f64) -> Evidence {
    if limit < 1.0 {
        return Evidence::at_most("rows that repeat an earlier one", redundant as f64, 0.0);
    }
    Evidence::at_most("pairs of equal rows, against what chance explains", n_pairs, limit.floor())
}

#[cfg(test)]
mod tests {
    use stetho_core::table::{Measured, RowGroup};

    use super::*;
    use crate::testing::{bell, categories, judge, table};

    fn of(mut table: Table, n_pairs: u64, pairs_by_chance: f64) -> Table {
        let group = RowGroup { count: 2, rows: vec![RowId::default(); 2] };
        table.duplicates = Measured::Is(Duplicates {
            n_compared: table.n_rows,
            n_groups: n_pairs,
            n_rows: 2 * n_pairs,
            groups: vec![group; n_pairs as usize],
            pairs_by_chance,
            n_pairs: n_pairs as f64,
        });
        table
    }

    fn coarse() -> Table {
        table((0..8).map(|_| categories("vote", &[("y", 100), ("n", 100)])))
    }

    #[test]
    fn coarse_rows_agree_by_chance() {
        // 19,900 pairs of rows; independent columns give 78 equal ones, dependent ones up to 1,244
        assert!(judge("duplicate-rows", &of(coarse(), 90, 78.0)).is_empty());
        let told = judge("duplicate-rows", &of(coarse(), 400, 78.0));
        assert_eq!(told[0].severity, Severity::Info);
    }

    #[test]
    fn fine_rows_do_not() {
        let fine = table((0..3).map(|i| bell("x", 200, f64::from(i), 1.0)));
        let told = judge("duplicate-rows", &of(fine, 2, 0.0));
        assert_eq!(told[0].severity, Severity::Warning);
        assert_eq!(told[0].message, "2 rows of 200 repeat earlier ones (1 %)");
        assert_eq!(told[0].count, 2);
        assert_eq!(told[0].evidence[0], Evidence::at_most("rows that repeat an earlier one", 2.0, 0.0));
    }

    #[test]
    fn one_column_repeats_by_nature() {
        let values: Vec<_> = ["a", "b", "c", "d"].map(|v| (v, 2)).into();
        assert!(judge("duplicate-rows", &of(table(vec![categories("x", &values)]), 4, 4.0)).is_empty());
    }
}
