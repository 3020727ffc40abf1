//! How surprising equal rows are: not at all where rows are made of a few categories or of coarse numbers.

use stetho_core::table::{Column, Kind, Table};

use crate::columns::is_identifier;

/// Text columns with a mean length of this many bytes or more hold sentences, which do not repeat by chance.
const SENTENCE: f64 = 20.0;

/// The probability that two rows agree in all of `columns`, if chance alone decided: a cautious upper estimate.
///
/// Were columns independent, it would be the product of the probabilities that they agree one by one. They are not:
/// in real tables one category says a lot about the next. So the coarser a column is, the less of its surprise is
/// counted: its square root where two values agree in one of twenty pairs or more, all of it below one in a thousand.
///
/// Identifiers are left out: they are not compared either.
pub(crate) fn of_equal_rows<'a>(columns: impl Iterator<Item = &'a Column>) -> f64 {
    columns.filter(|c| !is_identifier(c)).map(of_equal_cells).map(|p| p.powf(surprise(p))).product()
}

/// As [`of_equal_rows`], over the features of `table`.
pub(crate) fn of_equal_features(table: &Table) -> f64 {
    of_equal_rows(table.features().map(|(_, column)| column))
}

/// The number of pairs among `n` rows.
pub(crate) fn pairs(n: u64) -> f64 {
    let n = n as f64;
    n * (n - 1.0).max(0.0) / 2.0
}

/// How much of a column's surprise is counted.
fn surprise(probability: f64) -> f64 {
    match probability {
        p if p >= 0.05 => 0.5,
        p if p >= 0.001 => 0.75,
        _ => 1.0,
    }
}

/// The share of pairs of different rows that agree in `column`; nulls agree with each other.
fn of_equal_cells(column: &Column) -> f64 {
    if is_prose(column) {
        return 0.0;
    }
    let equal = |count: f64| count * (count - 1.0).max(0.0);
    let listed = &column.values.counts;
    let mut total = equal(column.n_null as f64);
    total += listed.iter().map(|(_, count)| equal(*count as f64)).sum::<f64>();
    if !column.values.complete {
        let n_listed: u64 = listed.iter().map(|(_, count)| count).sum();
        let rest = column.n_values().saturating_sub(n_listed) as f64;
        let distinct = column.distinct.count.saturating_sub(listed.len() as u64).max(1) as f64;
        total += rest * (rest / distinct - 1.0).max(0.0);
    }
    let n = column.n_rows as f64;
    (total / (n * (n - 1.0)).max(1.0)).min(1.0)
}

/// Whether the column holds sentences rather than categories.
fn is_prose(column: &Column) -> bool {
    column.kind == Kind::Text
        && column.distinct.count * 2 > column.n_values()
        && column.text.is_some_and(|t| t.mean_length >= SENTENCE)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::categories;

    #[test]
    fn a_category_column_agrees_as_often_as_its_counts_say() {
        let column = categories("c", &[("a", 2), ("b", 2)]);
        assert!((of_equal_cells(&column) - 4.0 / 12.0).abs() < 1e-12);
        let constant = categories("c", &[("a", 9)]);
        assert!((of_equal_rows([constant].iter()) - 1.0).abs() < 1e-12);
    }

    #[test]
    fn values_beyond_the_listed_ones_are_spread_evenly() {
        let mut column = categories("c", &[("a", 100)]);
        column.n_rows = 300;
        column.values.complete = false;
        column.distinct.count = 101;
        let expected = (100.0 * 99.0 + 200.0 * 1.0) / (300.0 * 299.0);
        assert!((of_equal_cells(&column) - expected).abs() < 1e-12);
    }

    #[test]
    fn distinct_columns_leave_nothing_to_chance() {
        let column = categories("c", &[("a", 1), ("b", 1), ("c", 1)]);
        assert!(of_equal_rows([column].iter()) < 1e-12);
    }

    #[test]
    fn identifiers_are_not_compared() {
        let id = categories("id", &[("a", 1), ("b", 1), ("c", 1), ("d", 1)]);
        let coin = categories("c", &[("a", 2), ("b", 2)]);
        let without = of_equal_rows([coin.clone()].iter());
        assert!(without > 0.1 && (of_equal_rows([id, coin].iter()) - without).abs() < 1e-12);
    }
}
