//! `rare-categories`

use serde::{Deserialize, Serialize};
use stetho_core::table::{Column, Table};
use stetho_core::{
    Draft, Evidence, Place, Remedy, Report, Rule, Severity, Signal, count_of, percent, thousands,
};

use crate::absent;
use crate::columns;
use crate::show::{list, python};

/// Categories with so few rows that nothing can be learned about them.
///
/// ## Why it matters
/// One-hot encoding gives each of them a column of its own that is nearly always zero, target encoding takes one or two
/// labels for the truth, and a random split may leave a category in the test part only.
///
/// ## What to do
/// Merge rare categories into one, or into the one above them in their hierarchy (city, region, country). Misspelt
/// twins (`Holand`, `Holland`) are often among them. The classes of the target are judged by `class-imbalance`.
///
/// A category is rare when it has fewer than 0.5 % of the rows and fewer than 100 rows. Ids and free text are no
/// categories.
///
/// ## Fires on
/// ```recipe rows=1000 target=label
/// color = choice("red": 50, "green": 30, "blue": 20)
/// color = at(color, 17, "gren")
/// color = at(color, 418, "turquoise")
/// label = choice("yes", "no")
/// ```
///
/// ## Stays quiet on
/// ```recipe rows=1000 target=label
/// color = choice("red": 50, "green": 30, "blue": 20)
/// state = text("state ", integer(1, 40))
/// name  = text("n", row())
/// label = choice("yes", "no")
/// ```
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct RareCategories {
    /// Share of the rows under which a category is rare.
    pub share: f64,
    /// A category with at least this many rows is not rare, whatever its share.
    pub enough: u64,
}

impl Default for RareCategories {
    fn default() -> Self {
        Self { share: 0.005, enough: 100 }
    }
}

impl Rule for RareCategories {
    type Input = Table;
    const ID: &'static str = "rare-categories";
    const SEVERITY: Severity = Severity::Info;
    const SIGNALS: &'static [Signal] = &[Signal::Columns];
    const ALSO: &'static [Signal] = &[Signal::Target];

    fn check(&mut self, table: &Table, report: &mut Report) {
        let mut found: Vec<Rare<'_>> = table.features().filter_map(|(_, c)| self.rare(c)).collect();
        found.sort_by_key(|r| std::cmp::Reverse(r.n_categories));
        let Some(worst) = found.first() else { return };
        let limit = format!("fewer than {}", self.limit(worst.column));
        let example = match worst.rarest.first() {
            Some((value, count)) => format!(", such as `{value}` with {count}"),
            None => String::new(),
        };
        let rare = match worst.n_categories {
            1 => "1 category has".to_owned(),
            n => format!("{} have", count_of(n, "category")),
        };
        let message = match found.len() {
            1 => format!("in column `{}`, {rare} {limit}{example}", worst.column.name),
            n => {
                let names: Vec<&str> = found.iter().map(|r| r.column.name.as_str()).collect();
                format!(
                    "{n} columns have rare categories: {}; in `{}`, {rare} {limit}{example}",
                    list(&names),
                    worst.column.name
                )
            }
        };
        let bars = worst.rarest.iter().take(20).map(|(value, count)| (value.clone(), *count as f64));
        let measure = Evidence::at_least(
            "rows of the rarest category",
            worst.rarest.first().map_or(0.0, |(_, count)| *count as f64),
            self.limit_rows(worst.column),
        );
        let mut draft = Draft::new(Place::column(&worst.column.name), message, measure, merge(worst, self))
            .places(found.iter().skip(1).map(|r| Place::column(&r.column.name)))
            .evidence(columns(&found));
        if !worst.rarest.is_empty() {
            draft = draft
                .evidence(Evidence::bars(format!("rows of rare categories of {}", worst.column.name), bars));
        }
        report.raise(draft.remedy(encode(self)));
    }
}

/// The rare categories of a column.
struct Rare<'a> {
    column: &'a Column,
    n_categories: u64,
    /// Rows in all of them.
    n_rows: u64,
    /// Those that were counted, fewest rows first.
    rarest: Vec<(String, u64)>,
}

impl RareCategories {
    /// Rows under which a category of `column` is rare.
    fn limit_rows(&self, column: &Column) -> f64 {
        (self.share * column.n_values() as f64).min(self.enough as f64)
    }

    fn limit(&self, column: &Column) -> String {
        if self.share * column.n_values() as f64 <= self.enough as f64 {
            format!("{} of rows", percent(self.share))
        } else {
            count_of(self.enough, "row")
        }
    }

    fn rare<'a>(&self, column: &'a Column) -> Option<Rare<'a>> {
        if !columns::is_category(column) {
            return None;
        }
        let limit = self.limit_rows(column);
        let absent = absent::words(column, 0.0);
        let values = &column.values;
        let listed = values.counts.iter().filter(|(value, _)| absent.iter().all(|d| d.value != *value));
        let mut rarest: Vec<(String, u64)> =
            listed.filter(|(_, count)| (*count as f64) < limit).cloned().collect();
        rarest.reverse();
        let mut n_categories = rarest.len() as u64;
        let mut n_rows: u64 = rarest.iter().map(|(_, count)| count).sum();
        if !values.complete {
            // Of the tail only its size is known, and counts of the listed values may be low: none of those is shown.
            let in_head: u64 = values.counts.iter().map(|(_, count)| count).sum();
            n_categories = column.distinct.count.saturating_sub(values.counts.len() as u64);
            n_rows = column.n_values().saturating_sub(in_head);
            rarest.clear();
            if n_rows as f64 >= limit * n_categories as f64 {
                return None;
            }
        }
        (n_categories > 0).then_some(Rare { column, n_categories, n_rows, rarest })
    }
}

fn columns(found: &[Rare<'_>]) -> Evidence {
    let rows = found.iter().map(|r| {
        [
            r.column.name.clone(),
            thousands(r.column.distinct.count),
            thousands(r.n_categories),
            percent(r.n_rows as f64 / r.column.n_values().max(1) as f64),
        ]
    });
    Evidence::table("columns with rare categories", ["column", "categories", "rare", "rows in them"], rows)
}

fn merge(worst: &Rare<'_>, rule: &RareCategories) -> Remedy {
    let name = python(&worst.column.name);
    let limit = rule.limit_rows(worst.column).ceil();
    Remedy::risky("merge them into one category").code(format!(
        "counts = train[{name}].value_counts()\n\
         df[{name}] = df[{name}].where(df[{name}].map(counts) >= {limit}, \"other\")"
    ))
}

fn encode(rule: &RareCategories) -> Remedy {
    Remedy::risky("or let the encoder merge them, which also takes categories it has not seen").code(format!(
        "from sklearn.preprocessing import OneHotEncoder\n\
         encoder = OneHotEncoder(min_frequency={}, handle_unknown=\"infrequent_if_exist\")",
        rule.share
    ))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{column, judge, table};

    fn colors(rare: &[(&str, usize)], n: usize) -> Column {
        let common = (0..n).map(|i| ["red", "green", "blue"][i % 3].to_owned());
        let rare = rare.iter().flat_map(|(value, count)| std::iter::repeat_n((*value).to_owned(), *count));
        column("color", common.chain(rare))
    }

    #[test]
    fn a_category_under_the_share_is_rare() {
        let [finding] =
            judge("rare-categories", &table([colors(&[("gren", 1), ("teal", 4)], 995)])).try_into().unwrap();
        assert_eq!(
            finding.message,
            "in column `color`, 2 categories have fewer than 0.5 % of rows, such as `gren` with 1"
        );
        assert!(judge("rare-categories", &table([colors(&[("gren", 5)], 995)])).is_empty());
        assert!(judge("rare-categories", &table([colors(&[("gren", 1)], 150)])).is_empty());
        assert!(judge("rare-categories", &table([colors(&[("?", 1)], 995)])).is_empty());
    }

    #[test]
    fn enough_rows_are_enough() {
        let rare = |count| judge("rare-categories", &table([colors(&[("teal", count)], 30_000)]));
        assert!(rare(100).is_empty());
        assert!(rare(99)[0].message.contains("fewer than 100 rows"));
    }

    #[test]
    fn a_long_tail_is_counted_where_it_is_not_listed() {
        let mut cities = colors(&[], 10_000);
        cities.distinct.count = 2_000;
        cities.values.complete = false;
        cities.values.counts = vec![("Bonn".into(), 6_000), ("Mainz".into(), 200)];
        let [finding] = judge("rare-categories", &table([cities])).try_into().unwrap();
        assert_eq!(finding.message, "in column `color`, 1,998 categories have fewer than 0.5 % of rows");
    }
}
