//! Samples and targets for tests.

use stetho_core::table::{Origin, Part, RowId, Target, Task};

use super::random::Random;
use crate::{Sample, SampleColumn};

/// A sample that is the whole part.
pub(super) fn sample(columns: Vec<SampleColumn>) -> Sample {
    let n = columns
        .iter()
        .map(|c| match c {
            SampleColumn::Numbers(values) => values.len(),
            SampleColumn::Categories { codes, .. } => codes.len(),
            SampleColumn::Absent => 0,
        })
        .max()
        .unwrap_or(0);
    let rows = (0..n as u64).map(|row| RowId { part: Part::Train, row }).collect();
    Sample { rows, n_total: n as u64, columns }
}

/// A number column.
pub(super) fn numbers(values: impl IntoIterator<Item = f64>) -> SampleColumn {
    SampleColumn::Numbers(values.into_iter().collect())
}

/// A category column; empty texts are null.
pub(super) fn texts<T: AsRef<str>>(values: impl IntoIterator<Item = T>) -> SampleColumn {
    let mut names: Vec<String> = Vec::new();
    let mut index = std::collections::HashMap::new();
    let codes = values
        .into_iter()
        .map(|value| {
            let text = value.as_ref();
            (!text.is_empty()).then(|| {
                *index.entry(text.to_owned()).or_insert_with(|| {
                    names.push(text.to_owned());
                    names.len() as u32 - 1
                })
            })
        })
        .collect();
    SampleColumn::Categories { codes, names }
}

/// Classes with these names.
pub(super) fn classes(column: usize, names: &[&str]) -> Target {
    let classes = names.iter().map(|n| ((*n).to_owned(), 1)).collect();
    Target { classes, task: Task::Classification, ..regression(column) }
}

/// A number to predict.
pub(super) fn regression(column: usize) -> Target {
    Target {
        column,
        task: Task::Regression,
        origin: Origin::Given,
        reason: String::new(),
        alternatives: Vec::new(),
        classes: Vec::new(),
    }
}

/// A number in [0, 1).
pub(super) fn uniform(random: &mut Random) -> f64 {
    (random.next() >> 11) as f64 / (1_u64 << 53) as f64
}

/// A normal number (Box–Muller).
pub(super) fn normal(random: &mut Random) -> f64 {
    let radius = (-2.0 * (1.0 - uniform(random)).ln()).sqrt();
    radius * (std::f64::consts::TAU * uniform(random)).cos()
}

/// `n` normal numbers.
pub(super) fn normals(n: usize, seed: u64) -> Vec<f64> {
    let mut random = Random::new(seed);
    (0..n).map(|_| normal(&mut random)).collect()
}
