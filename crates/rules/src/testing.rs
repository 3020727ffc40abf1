//! Small tables for the tests of rules, profiled the obvious way.

use std::borrow::Borrow;

use serde_json::Map;
use stetho_core::table::{
    Cell, Column, Distinct, Extreme, Kind, Measured, NumberProfile, Origin, Quantiles, RowId, SeenRow, Table,
    Target, Task, TextProfile, Values,
};
use stetho_core::{Finding, Outcome, Session};

/// What the table rule `id` finds, with its default options. Panics where the rule did not run.
pub(crate) fn judge(id: &str, table: &Table) -> Vec<Finding> {
    let mut session = Session::new(crate::table::RULES, |info| info.id == id, &Map::new()).unwrap();
    session.observe(table);
    let verdict = session.finish();
    assert_eq!(verdict.outcomes.len(), 1, "no rule `{id}`");
    assert_eq!(verdict.outcomes[0].outcome, Outcome::Ran);
    verdict.findings
}

/// A table of columns of equal length, without a target, in a file `data.csv` with the header on line 1.
pub(crate) fn table(columns: impl IntoIterator<Item = Column>) -> Table {
    let columns: Vec<Column> = columns.into_iter().collect();
    let n_rows = columns.first().map_or(0, |c| c.n_rows);
    let seen = (0..n_rows).map(|row| {
        let place = SeenRow { path: "data.csv".into(), row, line: Some(row + 2), values: Vec::new() };
        (id(row), place)
    });
    Table { n_rows, columns, seen: seen.collect(), target: Measured::Not("none".into()), ..Table::default() }
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

fn id(row: u64) -> RowId {
    RowId { row, ..RowId::default() }
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

/// The column of the given cells: numbers if more than half of the non-empty cells are numbers.
pub(crate) fn column<S: AsRef<str>>(name: &str, cells: impl IntoIterator<Item = S>) -> Column {
    let cells: Vec<String> = cells.into_iter().map(|c| c.as_ref().to_owned()).collect();
    let parsed: Vec<Option<f64>> = cells.iter().map(|c| c.parse().ok()).collect();
    let n_numbers = parsed.iter().flatten().count();
    let is_number = 2 * n_numbers > cells.iter().filter(|c| !c.is_empty()).count();
    let mut column = Column {
        name: name.into(),
        kind: if is_number { Kind::Number } else { Kind::Text },
        n_rows: cells.len() as u64,
        n_numbers: n_numbers as u64,
        ..Column::default()
    };
    let mut kept = Vec::new();
    for (row, cell) in cells.iter().enumerate() {
        let row = id(row as u64);
        if cell.is_empty() || is_number && matches!(cell.as_str(), "NA" | "?") {
            column.n_null += 1;
            column.null_rows.push(row);
            if !cell.is_empty() {
                count(&mut column.null_words, cell);
            }
            continue;
        }
        if parsed[row.row as usize].is_none() {
            column.n_texts += 1;
        }
        if parsed[row.row as usize].is_none() == is_number && column.strays.len() < 100 {
            column.strays.push(Cell { row, text: cell.clone() });
        }
        if !is_number || parsed[row.row as usize].is_some() {
            kept.push(cell.clone());
        }
    }
    let mut words = Vec::new();
    column.strays.iter().for_each(|s| count(&mut words, &s.text));
    column.n_stray_words = if is_number { words.len() as u64 } else { 0 };
    let mut counts = Vec::new();
    kept.iter().for_each(|c| count(&mut counts, c));
    counts.sort_by(|a, b| b.1.cmp(&a.1).then(a.0.cmp(&b.0)));
    column.distinct = Distinct { count: counts.len() as u64, exact: true };
    column.values = Values { counts, complete: true };
    if is_number {
        column.number = Some(profile(&parsed));
        let finite: Vec<f64> = parsed.iter().flatten().copied().collect();
        let runs = |up: bool| finite.windows(2).all(|w| if up { w[0] < w[1] } else { w[0] > w[1] });
        let complete = column.n_null == 0 && finite.len() > 2;
        column.strictly_monotone = [true, false].into_iter().find(|up| complete && runs(*up));
    } else {
        let lengths = || kept.iter().map(|c| c.len() as u64);
        column.text = Some(TextProfile {
            min_length: lengths().min().unwrap_or(0),
            max_length: lengths().max().unwrap_or(0),
            mean_length: lengths().sum::<u64>() as f64 / kept.len().max(1) as f64,
        });
    }
    column
}

/// A column of numbers.
pub(crate) fn numbers(name: &str, values: impl IntoIterator<Item = impl Borrow<f64>>) -> Column {
    column(name, values.into_iter().map(|v| v.borrow().to_string()))
}

/// Numbers spread over a bell shape with the given mean and standard deviation, in no particular order.
pub(crate) fn bell(name: &str, n: u32, mean: f64, std: f64) -> Column {
    let of = |i: u32| {
        let u = |k: u32| (f64::from(i) * f64::from(k).sqrt()).fract();
        let sum: f64 = [2, 3, 5, 7, 11, 13, 17, 19, 23, 29, 31, 37].into_iter().map(u).sum();
        mean + std * (sum - 6.0)
    };
    numbers(name, (1..=n).map(of))
}

fn count(counts: &mut Vec<(String, u64)>, value: &str) {
    match counts.iter_mut().find(|(v, _)| v == value) {
        Some((_, n)) => *n += 1,
        None => counts.push((value.to_owned(), 1)),
    }
}

fn profile(cells: &[Option<f64>]) -> NumberProfile {
    let all = || cells.iter().enumerate().filter_map(|(row, v)| Some(((*v)?, id(row as u64))));
    let mut sorted: Vec<Extreme> =
        all().filter(|(v, _)| v.is_finite()).map(|(value, row)| Extreme { value, row }).collect();
    sorted.sort_by(|a, b| a.value.total_cmp(&b.value));
    let values: Vec<f64> = sorted.iter().map(|e| e.value).collect();
    let n = values.len() as f64;
    let mean = values.iter().sum::<f64>() / n;
    let moment = |p: i32| values.iter().map(|v| (v - mean).powi(p)).sum::<f64>() / n;
    let how_many = |test: fn(f64) -> bool| all().filter(|(v, _)| test(*v)).count() as u64;
    let quantile = |i: usize| {
        let position = i as f64 / 1000.0 * (n - 1.0);
        let below = values[position.floor() as usize];
        below + (values[position.ceil() as usize] - below) * position.fract()
    };
    NumberProfile {
        n_finite: values.len() as u64,
        n_nan: how_many(f64::is_nan),
        n_positive_infinity: how_many(|v| v.is_infinite() && v > 0.0),
        n_negative_infinity: how_many(|v| v.is_infinite() && v < 0.0),
        non_finite_rows: all().filter(|(v, _)| !v.is_finite()).map(|(_, row)| row).collect(),
        n_zero: values.iter().filter(|v| v.abs() < f64::MIN_POSITIVE).count() as u64,
        n_negative: values.iter().filter(|v| **v < 0.0).count() as u64,
        n_fractional: values.iter().filter(|v| v.fract().abs() > 0.0).count() as u64,
        min: values[0],
        max: values[values.len() - 1],
        mean,
        std: (moment(2) * n / (n - 1.0)).sqrt(),
        skewness: if moment(2) > 0.0 { moment(3) / moment(2).powf(1.5) } else { 0.0 },
        kurtosis: if moment(2) > 0.0 { moment(4) / moment(2).powi(2) - 3.0 } else { 0.0 },
        quantiles: Quantiles((0..=1000).map(quantile).collect()),
        lowest: sorted.iter().take(20).copied().collect(),
        highest: sorted.iter().rev().take(20).copied().collect(),
        histogram: Vec::new(),
    }
}

/// Random numbers, the same in every run (xorshift64*, Vigna 2016).
pub(crate) struct Random(pub u64);

impl Random {
    /// Uniform in (0, 1).
    pub(crate) fn uniform(&mut self) -> f64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        ((self.0.wrapping_mul(0x2545_F491_4F6C_DD1D) >> 11) as f64 + 0.5) / (1u64 << 53) as f64
    }

    /// Standard normal (Box and Muller 1958).
    pub(crate) fn normal(&mut self) -> f64 {
        (-2.0 * self.uniform().ln()).sqrt() * (std::f64::consts::TAU * self.uniform()).cos()
    }
}
