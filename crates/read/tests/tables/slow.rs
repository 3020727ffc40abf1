//! Small random tables, and their record computed in the most obvious way.

use std::collections::{BTreeMap, BTreeSet};

use stetho_core::table::{Column, Kind, NumberProfile, Part, RowId, Table};

/// A source of numbers that is the same in every run.
pub(crate) struct Random(pub(crate) u64);

impl Random {
    pub(crate) fn below(&mut self, n: u64) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % n
    }
}

/// A cell; times are in seconds, booleans 0 or 1.
#[derive(Clone, Debug)]
pub(crate) enum Value {
    Null,
    Number(f64),
    Text(String),
}

/// A column of values that are all of its kind or null.
#[derive(Clone, Debug)]
pub(crate) struct SlowColumn {
    pub(crate) name: String,
    pub(crate) kind: Kind,
    pub(crate) values: Vec<Value>,
}

/// A table of at least one row; its first row has no nulls and no NaN, so that every format gives the same kinds.
#[derive(Clone, Debug)]
pub(crate) struct SlowTable(pub(crate) Vec<SlowColumn>);

impl SlowTable {
    pub(crate) fn random(random: &mut Random) -> Self {
        let n_rows = [1, 2, 3, 7, 40, 150][random.below(6) as usize];
        let n_columns = 1 + random.below(5);
        let columns = (0..=n_columns).map(|i| {
            let style = if i == 0 { 0 } else { 1 + random.below(8) };
            let values = (0..n_rows).map(|row| value(style, row, random)).collect();
            let kind = match style {
                6 => Kind::Text,
                7 => Kind::Boolean,
                8 => Kind::Time,
                _ => Kind::Number,
            };
            SlowColumn { name: format!("c{i}"), kind, values }
        });
        Self(columns.collect())
    }

    pub(crate) fn n_rows(&self) -> usize {
        self.0[0].values.len()
    }

    /// The rows of these numbers.
    pub(crate) fn take(&self, rows: &[usize]) -> Self {
        let pick = |c: &SlowColumn| SlowColumn {
            values: rows.iter().map(|&row| c.values[row].clone()).collect(),
            ..c.clone()
        };
        Self(self.0.iter().map(pick).collect())
    }

    /// What two rows must have in common to be equal in these columns.
    fn key(&self, row: usize, columns: std::ops::Range<usize>) -> Vec<String> {
        self.0[columns].iter().map(|c| format!("{:?}", c.values[row])).collect()
    }
}

fn value(style: u64, row: u64, random: &mut Random) -> Value {
    let whole = |n: u64| Value::Number(n as f64 - 3.0);
    if row > 0 && style > 0 && random.below(6) == 0 {
        return Value::Null;
    }
    match (style, random.below(12)) {
        (3, 0) if row > 0 => Value::Number(f64::NAN),
        (3, 1) if row > 0 => Value::Number(f64::INFINITY),
        (3, 2) if row > 0 => Value::Number(f64::NEG_INFINITY),
        (0, n) => whole(n % 4),
        (1 | 3, n) => whole(n * n),
        (2, n) => Value::Number(n as f64 / 8.0 - 0.25),
        (4, _) => Value::Number(2.5),
        (5, _) => Value::Number(1e6 + row as f64 * 0.5),
        (6, n) => Value::Text(["red", "green", "blue", "a, \"b\"\nc", "ü"][n as usize % 5].to_owned()),
        (7, n) => Value::Number((n % 2) as f64),
        (_, n) => Value::Number(1_700_000_000.0 + n as f64 * 3600.0),
    }
}

/// Whether two computations of one number agree but for rounding.
fn close(a: f64, b: f64) -> bool {
    (a - b).abs() <= 1e-7 * a.abs().max(b.abs()).max(1.0)
}

fn exactly(a: f64, b: f64) -> bool {
    a.total_cmp(&b).is_eq()
}

/// Checks every column of one part of the record.
pub(crate) fn assert_columns(columns: &[Column], slow: &SlowTable, part: Part) {
    assert_eq!(columns.len(), slow.0.len());
    for (column, slow) in columns.iter().zip(&slow.0) {
        assert_eq!((&column.name, column.kind), (&slow.name, slow.kind));
        assert_column(column, slow, part);
    }
}

fn assert_column(column: &Column, slow: &SlowColumn, part: Part) {
    let rows_where = |wanted: &dyn Fn(&Value) -> bool| -> Vec<RowId> {
        let all = slow.values.iter().enumerate().filter(|(_, v)| wanted(v));
        all.map(|(row, _)| RowId { part, row: row as u64 }).collect()
    };
    let nulls = rows_where(&|v| matches!(v, Value::Null));
    assert_eq!((column.n_rows, column.n_null), (slow.values.len() as u64, nulls.len() as u64), "{slow:?}");
    assert_eq!(column.null_rows, &nulls[..nulls.len().min(100)]);
    assert!(column.strays.is_empty() && column.null_words.is_empty());
    assert_eq!(column.strictly_monotone, monotone(slow), "{slow:?}");
    let texts: Vec<&str> = slow
        .values
        .iter()
        .filter_map(|v| if let Value::Text(t) = v { Some(t.as_str()) } else { None })
        .collect();
    if slow.kind == Kind::Text {
        let mut counts = BTreeMap::<&str, u64>::new();
        texts.iter().for_each(|t| *counts.entry(t).or_default() += 1);
        let mut counts: Vec<_> = counts.into_iter().map(|(t, n)| (t.to_owned(), n)).collect();
        counts.sort_by_key(|(_, n)| std::cmp::Reverse(*n));
        assert_eq!((&column.values.counts, column.values.complete), (&counts, true));
        assert_eq!((column.distinct.count, column.distinct.exact), (counts.len() as u64, true));
        let profile = column.text.unwrap();
        assert_eq!(profile.min_length, texts.iter().map(|t| t.len()).min().unwrap() as u64);
        assert_eq!(profile.max_length, texts.iter().map(|t| t.len()).max().unwrap() as u64);
        let total: usize = texts.iter().map(|t| t.len()).sum();
        assert!(close(profile.mean_length, total as f64 / texts.len() as f64));
        assert_eq!((column.n_texts, column.n_numbers), (texts.len() as u64, 0));
    } else {
        let non_finite = rows_where(&|v| matches!(v, Value::Number(n) if !n.is_finite()));
        let number = column.number.as_ref().unwrap();
        assert_eq!(number.non_finite_rows, non_finite, "{slow:?}");
        assert_eq!((column.n_numbers, column.n_texts), (column.n_rows - column.n_null, 0));
        assert_number(column, number, slow, part);
    }
}

fn assert_number(column: &Column, number: &NumberProfile, slow: &SlowColumn, part: Part) {
    let numbers: Vec<(f64, u64)> = (0..)
        .zip(&slow.values)
        .filter_map(|(row, v)| if let Value::Number(n) = v { Some((*n, row)) } else { None })
        .collect();
    let count = |wanted: fn(f64) -> bool| numbers.iter().filter(|(n, _)| wanted(*n)).count() as u64;
    assert_eq!(number.n_nan, count(f64::is_nan));
    assert_eq!(number.n_positive_infinity, count(|n| exactly(n, f64::INFINITY)));
    assert_eq!(number.n_negative_infinity, count(|n| exactly(n, f64::NEG_INFINITY)));
    assert_eq!(number.n_finite, count(f64::is_finite));
    assert_eq!(number.n_zero, count(|n| exactly(n.abs(), 0.0)));
    assert_eq!(number.n_negative, count(|n| n < 0.0 && n.is_finite()));
    assert_eq!(number.n_fractional, count(|n| n.is_finite() && !exactly(n, n.trunc())));

    let mut finite: Vec<(f64, u64)> = numbers.into_iter().filter(|(n, _)| n.is_finite()).collect();
    let mean = finite.iter().map(|(n, _)| n).sum::<f64>() / finite.len() as f64;
    let moment = |p: i32| finite.iter().map(|(n, _)| (n - mean).powi(p)).sum::<f64>() / finite.len() as f64;
    let n = finite.len() as f64;
    let std = if finite.len() < 2 { 0.0 } else { (moment(2) * n / (n - 1.0)).sqrt() };
    let constant = finite.iter().all(|(v, _)| exactly(*v, finite[0].0));
    let skewness = if constant { 0.0 } else { moment(3) / moment(2).powf(1.5) };
    let kurtosis = if constant { 0.0 } else { moment(4) / moment(2).powi(2) - 3.0 };
    for (seen, expected) in
        [(number.mean, mean), (number.std, std), (number.skewness, skewness), (number.kurtosis, kurtosis)]
    {
        assert!(close(seen, expected), "{seen} {expected} {slow:?}");
    }

    let extremes = |list: &[stetho_core::table::Extreme]| -> Vec<(f64, u64)> {
        assert!(list.iter().all(|e| e.row.part == part));
        list.iter().map(|e| (e.value, e.row.row)).collect()
    };
    finite.sort_by(|a, b| a.0.total_cmp(&b.0).then(a.1.cmp(&b.1)));
    assert_eq!(extremes(&number.lowest), &finite[..finite.len().min(20)]);
    for (i, q) in number.quantiles.0.iter().enumerate() {
        let position = i as f64 / 1000.0 * (n - 1.0);
        let (low, high) = (finite[position.floor() as usize].0, finite[position.ceil() as usize].0);
        assert!(close(*q, low + (high - low) * position.fract()));
    }
    assert!(exactly(number.min, finite[0].0) && exactly(number.max, finite[finite.len() - 1].0));
    finite.sort_by(|a, b| b.0.total_cmp(&a.0).then(a.1.cmp(&b.1)));
    assert_eq!(extremes(&number.highest), &finite[..finite.len().min(20)]);

    let mut counts: Vec<(f64, u64)> = Vec::new();
    for (value, _) in finite.iter().rev() {
        match counts.last_mut() {
            Some((last, count)) if exactly(*last, *value) => *count += 1,
            _ => counts.push((*value, 1)),
        }
    }
    counts.sort_by_key(|(_, n)| std::cmp::Reverse(*n));
    assert_eq!((column.distinct.count, column.distinct.exact), (counts.len() as u64, true));
    let seen: Vec<u64> = column.values.counts.iter().map(|(_, n)| *n).collect();
    assert_eq!(seen, counts.iter().map(|(_, n)| *n).collect::<Vec<_>>());
    if slow.kind == Kind::Number {
        let seen: Vec<f64> = column.values.counts.iter().map(|(v, _)| v.parse().unwrap()).collect();
        assert_eq!(seen, counts.iter().map(|(v, _)| *v).collect::<Vec<_>>());
    }
}

fn monotone(slow: &SlowColumn) -> Option<bool> {
    if slow.values.len() < 3 || slow.kind == Kind::Boolean {
        return None;
    }
    let all = |follows: fn(&Value, &Value) -> bool| slow.values.windows(2).all(|w| follows(&w[0], &w[1]));
    let rises = |a: &Value, b: &Value| match (a, b) {
        (Value::Number(a), Value::Number(b)) => a < b,
        (Value::Text(a), Value::Text(b)) => a < b,
        _ => false,
    };
    let falls = |a: &Value, b: &Value| match (a, b) {
        (Value::Number(a), Value::Number(b)) => a > b,
        (Value::Text(a), Value::Text(b)) => a > b,
        _ => false,
    };
    if all(rises) {
        Some(true)
    } else if all(falls) {
        Some(false)
    } else {
        None
    }
}

/// Checks the groups of equal and of contradicting rows; the last column is the label.
pub(crate) fn assert_groups(table: &Table, slow: &SlowTable) {
    let label = slow.0.len() - 1;
    let group = |rows: &mut dyn Iterator<Item = usize>, columns: std::ops::Range<usize>| {
        let mut groups = BTreeMap::<Vec<String>, Vec<u64>>::new();
        rows.for_each(|row| groups.entry(slow.key(row, columns.clone())).or_default().push(row as u64));
        let mut groups: Vec<_> = groups.into_values().filter(|rows| rows.len() > 1).collect();
        groups.sort();
        groups
    };
    let seen = |groups: &stetho_core::table::Duplicates| -> Vec<Vec<u64>> {
        groups.groups.iter().map(|g| g.rows.iter().map(|r| r.row).collect()).collect()
    };
    let shortened = |groups: &[Vec<u64>]| -> Vec<Vec<u64>> {
        groups.iter().take(100).map(|g| g.iter().copied().take(100).collect()).collect()
    };

    let duplicates = table.duplicates.get().unwrap();
    let expected = group(&mut (0..slow.n_rows()), 0..label + 1);
    assert_eq!(seen(duplicates), shortened(&expected));
    let n_rows = expected.iter().map(Vec::len).sum::<usize>() as u64;
    assert_eq!((duplicates.n_groups, duplicates.n_rows), (expected.len() as u64, n_rows));
    let n_pairs: usize = expected.iter().map(|g| g.len() * (g.len() - 1) / 2).sum();
    assert!(close(duplicates.n_pairs, n_pairs as f64));

    let labelled = |row: &usize| !matches!(slow.0[label].values[*row], Value::Null);
    let mut expected = group(&mut (0..slow.n_rows()).filter(labelled), 0..label);
    expected.retain(|rows| {
        rows.iter().map(|row| slow.key(*row as usize, label..label + 1)).collect::<BTreeSet<_>>().len() > 1
    });
    assert_eq!(seen(table.conflicts.get().unwrap()), shortened(&expected));
}

/// Checks the rows that `held_out` shares with `train`.
pub(crate) fn assert_overlap(table: &Table, train: &SlowTable, held_out: &SlowTable) {
    let label = train.0.len() - 1;
    let null = format!("[{:?}]", format!("{:?}", Value::Null));
    let (mut pairs, mut n_conflicting) = (Vec::new(), 0);
    for row in 0..held_out.n_rows() {
        let is_twin = |t: &usize| train.key(*t, 0..label) == held_out.key(row, 0..label);
        let twins: Vec<usize> = (0..train.n_rows()).filter(is_twin).collect();
        let Some(first) = twins.first() else { continue };
        let ids = [(Part::Validation, row), (Part::Train, *first)];
        pairs.push(ids.map(|(part, row)| RowId { part, row: row as u64 }));
        let labels: Vec<_> = twins.iter().map(|t| format!("{:?}", train.key(*t, label..label + 1))).collect();
        let own = format!("{:?}", held_out.key(row, label..label + 1));
        let known = labels.iter().any(|l| *l != null);
        n_conflicting += u64::from(known && own != null && !labels.contains(&own));
    }
    let overlap = &table.overlap.get().unwrap()[0];
    assert_eq!((overlap.n_shared, overlap.n_rows), (pairs.len() as u64, held_out.n_rows() as u64));
    assert_eq!(overlap.n_conflicting, n_conflicting);
    let seen: Vec<_> = overlap.pairs.iter().map(|(a, b)| [*a, *b]).collect();
    assert_eq!(seen, &pairs[..pairs.len().min(100)]);
}
