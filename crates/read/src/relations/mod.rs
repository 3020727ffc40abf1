//! Measurements on the sample of rows: one file a signal.
//!
//! All are pure functions, and the same in every run.

mod associations;
mod bins;
mod classifier;
mod correlation;
mod drift;
#[cfg(test)]
mod fixtures;
mod groups;
mod isolation;
mod labels;
mod random;
mod row_order;
mod row_samples;
mod single_column_scores;
mod spectrum;
mod statistics;

use rayon::prelude::*;
use stetho_core::table::{
    Associations, Column, Drift, Groups, Isolation, Kind, Measured, Part, RowOrder, SingleColumnScores,
    Spectrum, Table, Target,
};
use stetho_core::{Signal, Signals};

use crate::Sample;

/// Fills those fields of `table` that are measured on samples and that `signals` asks for; the others keep what they
/// have. The target and the profiles of the columns must be in the table already.
pub(crate) fn measure(
    table: &mut Table,
    train: &Sample,
    splits: &[(Part, Sample)],
    group: Option<usize>,
    signals: &Signals,
) {
    let measuring = Measuring {
        train,
        splits,
        group,
        target: &table.target,
        columns: &table.columns,
        kinds: table.columns.iter().map(|c| c.kind).collect(),
        counters: table.columns.iter().map(|c| c.strictly_monotone.is_some()).collect(),
    };
    // The longest first, so that no core waits for it at the end.
    let wanted: Vec<Signal> = [
        Signal::Isolation,
        Signal::Drift,
        Signal::SingleColumnScores,
        Signal::Associations,
        Signal::Spectrum,
        Signal::RowOrder,
        Signal::Groups,
    ]
    .into_iter()
    .filter(|signal| signals.contains(*signal))
    .collect();
    let found: Vec<Found> =
        wanted.into_par_iter().with_max_len(1).filter_map(|signal| measuring.of(signal)).collect();
    for found in found {
        match found {
            Found::Associations(is) => table.associations = is,
            Found::Spectrum(is) => table.spectrum = is,
            Found::Isolation(is) => table.isolation = is,
            Found::SingleColumnScores(is) => table.single_column_scores = is,
            Found::RowOrder(is) => table.row_order = is,
            Found::Drift(is) => table.drift = is,
            Found::Groups(is) => table.groups = is,
        }
    }
}

/// Fills [`Table::samples`]; the target and the profiles of the columns must be in the table already.
pub(crate) fn draw_samples(table: &mut Table, train: &Sample) {
    let target = table.target.get().map(|t| t.column);
    let kinds: Vec<Kind> = table.columns.iter().map(|c| c.kind).collect();
    let counters: Vec<bool> = table.columns.iter().map(|c| c.strictly_monotone.is_some()).collect();
    table.samples = row_samples::row_samples(train, target, &kinds, &counters);
}

/// One measurement.
enum Found {
    Associations(Measured<Associations>),
    Spectrum(Measured<Spectrum>),
    Isolation(Measured<Isolation>),
    SingleColumnScores(Measured<SingleColumnScores>),
    RowOrder(Measured<RowOrder>),
    Drift(Measured<Vec<Drift>>),
    Groups(Measured<Groups>),
}

/// What measurements rest on.
struct Measuring<'a> {
    train: &'a Sample,
    splits: &'a [(Part, Sample)],
    group: Option<usize>,
    target: &'a Measured<Target>,
    columns: &'a [Column],
    kinds: Vec<Kind>,
    /// Columns that count rows.
    counters: Vec<bool>,
}

impl Measuring<'_> {
    /// `None` for signals that are not measured on samples.
    fn of(&self, signal: Signal) -> Option<Found> {
        let target = self.target.get();
        let column = target.map(|t| t.column);
        Some(match signal {
            Signal::Associations => Found::Associations(associations::associations(self.train, column)),
            Signal::Spectrum => Found::Spectrum(spectrum::spectrum(self.train, column, &self.kinds)),
            Signal::Isolation => Found::Isolation(isolation::isolation(self.train, column)),
            Signal::SingleColumnScores => Found::SingleColumnScores(match self.target {
                Measured::Is(target) => single_column_scores::single_column_scores(self.train, target),
                Measured::Not(reason) => Measured::Not(reason.clone()),
            }),
            Signal::RowOrder => Found::RowOrder(row_order::row_order(self.train, target, &self.counters)),
            Signal::Drift => Found::Drift(self.drift(target)),
            Signal::Groups => Found::Groups(self.groups(target)),
            _ => return None,
        })
    }

    /// Of all splits that have enough rows.
    fn drift(&self, target: Option<&Target>) -> Measured<Vec<Drift>> {
        let left_out: Vec<bool> = self
            .kinds
            .iter()
            .zip(&self.counters)
            .map(|(kind, is_counter)| *is_counter || *kind == Kind::Time)
            .collect();
        let mut found = Vec::new();
        let mut why_not = "no --val or --test given".to_owned();
        for (part, split) in self.splits {
            match drift::drift(self.train, split, *part, target, &left_out) {
                Measured::Is(drift) => found.push(drift),
                Measured::Not(reason) => why_not = reason,
            }
        }
        if found.is_empty() { Measured::Not(why_not) } else { Measured::Is(found) }
    }

    /// With exact sizes where the column's profile has them, and booleans by word.
    fn groups(&self, target: Option<&Target>) -> Measured<Groups> {
        let Some(group) = self.group else { return Measured::Not("no --group given".into()) };
        let mut measured = groups::groups(self.train, group, target);
        let (Measured::Is(found), Some(column)) = (&mut measured, self.columns.get(group)) else {
            return measured;
        };
        for group in &mut found.groups {
            if column.kind == Kind::Boolean {
                group.name = if group.name == "1" { "true" } else { "false" }.to_owned();
            }
            if let Some((_, count)) =
                column.values.counts.iter().find(|(name, _)| column.values.complete && *name == group.name)
            {
                group.n_rows = *count;
            }
        }
        found.groups.sort_by(|a, b| b.n_rows.cmp(&a.n_rows).then_with(|| a.name.cmp(&b.name)));
        measured
    }
}

#[cfg(test)]
mod tests {
    use super::fixtures::{classes, normals, numbers, sample, texts};
    use super::*;
    use crate::SampleColumn;

    /// Half numbers, half texts of few names, and a class at the end.
    fn mixed(n_rows: usize, n_columns: usize, seed: u64) -> Sample {
        let mut columns: Vec<SampleColumn> = Vec::new();
        for column in 0..n_columns as u64 - 1 {
            let values = normals(n_rows, seed * 1000 + column);
            columns.push(if column % 2 == 0 {
                numbers(values)
            } else {
                texts(values.iter().map(|v| format!("name {}", (v * 3.0).round())))
            });
        }
        columns.push(texts(normals(n_rows, seed).iter().map(|v| if *v > 0.0 { "yes" } else { "no" })));
        sample(columns)
    }

    fn table(of: &Sample) -> Table {
        let kind = |column: &SampleColumn| {
            if matches!(column, SampleColumn::Numbers(_)) { Kind::Number } else { Kind::Text }
        };
        let columns = of.columns.iter().map(|c| Column { kind: kind(c), ..Column::default() }).collect();
        let target = classes(of.columns.len() - 1, &["yes", "no"]);
        Table { columns, target: Measured::Is(target), ..Table::default() }
    }

    fn all() -> Signals {
        let signals = [Signal::Associations, Signal::Spectrum, Signal::Isolation, Signal::SingleColumnScores];
        signals.into_iter().chain([Signal::RowOrder, Signal::Drift, Signal::Groups]).collect()
    }

    #[test]
    fn fills_what_is_asked_for_and_says_why_not() {
        let (train, test) = (mixed(200, 6, 1), mixed(60, 6, 2));
        let mut found = table(&train);
        measure(&mut found, &train, &[(Part::Test, test)], Some(1), &all());
        let reasons = [
            found.associations.reason(),
            found.spectrum.reason(),
            found.isolation.reason(),
            found.single_column_scores.reason(),
            found.row_order.reason(),
            found.drift.reason(),
            found.groups.reason(),
        ];
        assert_eq!(reasons, [None; 7]);

        let mut found = table(&train);
        found.target = Measured::Not("no target column".into());
        measure(&mut found, &train, &[], None, &all());
        assert_eq!(found.single_column_scores.reason(), Some("no target column"));
        assert_eq!(found.drift.reason(), Some("no --val or --test given"));
        assert_eq!(found.groups.reason(), Some("no --group given"));

        let mut found = table(&train);
        measure(&mut found, &train, &[], None, &[Signal::Spectrum].into_iter().collect());
        assert!(found.spectrum.get().is_some());
        assert_eq!(found.associations, Measured::default());
    }

    #[test]
    fn two_runs_agree() {
        let (train, test) = (mixed(500, 8, 1), mixed(100, 8, 2));
        let run = || {
            let mut found = table(&train);
            measure(&mut found, &train, &[(Part::Test, test.clone())], Some(1), &all());
            found
        };
        assert_eq!(format!("{:?}", run()), format!("{:?}", run()));
    }

    #[test]
    fn empty_tables_have_reasons() {
        let mut found = table(&mixed(0, 3, 1));
        measure(&mut found, &mixed(0, 3, 1), &[(Part::Test, mixed(0, 3, 2))], Some(0), &all());
        assert_eq!(found.drift.reason(), Some("fewer than 10 rows in the train part"));
        assert!(found.row_order.reason().is_some() && found.isolation.reason().is_some());
    }

    /// Prints how long each takes: `cargo test --release -p stetho-read -- --ignored --nocapture times`.
    #[test]
    #[ignore = "measures time and asserts nothing"]
    fn times() {
        for (n_rows, n_columns) in [(1000, 12), (20_000, 20), (2000, 1000), (200, 10_000)] {
            let (train, test) = (mixed(n_rows, n_columns, 1), mixed(n_rows / 4, n_columns, 2));
            for signal in [None, Some(Signal::Associations), Some(Signal::Spectrum), Some(Signal::Isolation)]
                .into_iter()
                .chain([Some(Signal::SingleColumnScores), Some(Signal::RowOrder), Some(Signal::Drift)])
                .chain([Some(Signal::Groups)])
            {
                let signals = signal.map_or_else(all, |s| [s].into_iter().collect());
                let splits = [(Part::Test, test.clone())];
                let mut found = table(&train);
                let start = std::time::Instant::now();
                measure(&mut found, &train, &splits, Some(1), &signals);
                println!("{n_rows} × {n_columns} {signal:?}: {:?}", start.elapsed());
            }
        }
    }
}
