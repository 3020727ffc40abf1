//! Small records for the tests of rules, and a rule's findings on them.

use std::collections::BTreeMap;

use serde_json::Map;
use stetho_core::table::{
    Column, Distinct, Kind, Measured, NumberProfile, Origin, Quantiles, Table, Target, Task, Values,
};
use stetho_core::{Finding, Outcome, Session};

/// What the table rule `id` finds, with its default options. Panics where the rule did not run.
pub(crate) fn findings(id: &str, table: &Table) -> Vec<Finding> {
    let mut session = Session::new(crate::table::RULES, |info| info.id == id, &Map::new()).unwrap();
    session.observe(table);
    let verdict = session.finish();
    assert_eq!(verdict.outcomes.len(), 1, "no rule `{id}`");
    assert_eq!(verdict.outcomes[0].outcome, Outcome::Ran);
    verdict.findings
}

/// A text column with the given values and counts.
pub(crate) fn categories(name: &str, counts: &[(&str, u64)]) -> Column {
    let n_rows = counts.iter().map(|(_, n)| n).sum();
    Column {
        name: name.into(),
        kind: Kind::Text,
        n_rows,
        n_texts: n_rows,
        distinct: Distinct { count: counts.len() as u64, exact: true },
        values: Values {
            counts: counts.iter().map(|(v, n)| ((*v).to_owned(), *n)).collect(),
            complete: true,
        },
        ..Default::default()
    }
}

/// A number column with the given finite values.
pub(crate) fn numbers(name: &str, values: &[f64]) -> Column {
    let n = values.len() as f64;
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    let mut counts = BTreeMap::new();
    for value in values {
        *counts.entry(value.to_string()).or_insert(0) += 1;
    }
    let mean = values.iter().sum::<f64>() / n;
    let squares: f64 = values.iter().map(|v| (v - mean).powi(2)).sum();
    let at = |rank: usize| sorted[rank * (sorted.len() - 1) / 1000];
    let monotone = |up: bool| values.windows(2).all(|w| if up { w[1] > w[0] } else { w[1] < w[0] });
    Column {
        name: name.into(),
        kind: Kind::Number,
        n_rows: values.len() as u64,
        n_numbers: values.len() as u64,
        distinct: Distinct { count: counts.len() as u64, exact: true },
        values: Values { counts: counts.into_iter().collect(), complete: true },
        strictly_monotone: [true, false].into_iter().find(|up| monotone(*up)),
        number: Some(NumberProfile {
            n_finite: values.len() as u64,
            n_fractional: values.iter().filter(|v| v.fract() != 0.0).count() as u64,
            min: sorted[0],
            max: sorted[sorted.len() - 1],
            mean,
            std: (squares / (n - 1.0)).sqrt(),
            quantiles: Quantiles((0..Quantiles::RANKS).map(at).collect()),
            ..Default::default()
        }),
        ..Default::default()
    }
}

/// Numbers spread over a bell shape with the given mean and standard deviation, in no particular order.
pub(crate) fn bell(name: &str, n: u32, mean: f64, std: f64) -> Column {
    let of = |i: u32| {
        let u = |k: u32| (f64::from(i) * f64::from(k).sqrt()).fract();
        let sum: f64 = [2, 3, 5, 7, 11, 13, 17, 19, 23, 29, 31, 37].into_iter().map(u).sum();
        mean + std * (sum - 6.0)
    };
    numbers(name, &(1..=n).map(of).collect::<Vec<_>>())
}

/// A table of columns of equal length.
pub(crate) fn table(columns: Vec<Column>) -> Table {
    Table { n_rows: columns.first().map_or(0, |c| c.n_rows), columns, ..Default::default() }
}

/// Makes the last column the target, given by the user.
pub(crate) fn with_target(mut table: Table, task: Task) -> Table {
    let column = table.columns.len() - 1;
    let mut classes = table.columns[column].values.counts.clone();
    classes.sort_by_key(|(_, n)| std::cmp::Reverse(*n));
    table.target = Measured::Is(Target {
        column,
        task,
        origin: Origin::Given,
        reason: String::new(),
        alternatives: Vec::new(),
        classes: if task == Task::Classification { classes } else { Vec::new() },
    });
    table
}
