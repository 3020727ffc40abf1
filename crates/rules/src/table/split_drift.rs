//! `split-drift`

use serde::{Deserialize, Serialize};
use stetho_core::table::{Column, ColumnDrift, Drift, Split, Table};
use stetho_core::{Draft, Evidence, Human, Place, Remedy, Report, Rule, Severity, Signal, percent};

use crate::columns::{is_clock, is_identifier};
use crate::show;

/// A validation or test set whose features differ from those of the training data.
///
/// ## Why it matters
/// A score on other data than the model was trained on says little about either. The difference may be a mistake, such
/// as another unit, another scaling or a file split without shuffling; or it is real, and will be met again in use.
///
/// It is reported where single columns shift by more than sampling explains *and* a classifier can tell the two sets
/// apart. Identifiers and times shift by nature and are not counted.
///
/// ## What to do
/// Compare the worst columns. Apply one and the same preparation to both; split at random (or by time or group, if that
/// is how the model will be used). If the shift is real, train on data like that.
///
/// ## Fires on
/// ```recipe rows=400 target=y
/// heat = normal(20, 4)
/// wind = normal(5, 2)
/// y = heat + normal(0, 1)
/// ```
/// ```recipe val rows=200 target=y
/// heat = normal(26, 4)
/// wind = normal(5, 2)
/// y = heat + normal(0, 1)
/// ```
///
/// ## Stays quiet on
/// ```recipe rows=400 target=y
/// id = row()
/// heat = normal(20, 4)
/// wind = normal(5, 2)
/// y = heat + normal(0, 1)
/// ```
/// ```recipe val rows=200 target=y
/// id = 400 + row()
/// heat = normal(20, 4)
/// wind = normal(5, 2)
/// y = heat + normal(0, 1)
/// ```
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct SplitDrift {
    /// Distance above which a column shifts: Wasserstein-1 in standard deviations, or Jensen–Shannon.
    pub distance: f64,
    /// How many times the distance that sampling alone gives it must be.
    pub times_chance: f64,
    /// Area under the ROC curve, of a classifier that tells the two sets apart, that must be exceeded.
    pub auc: f64,
    /// A split with fewer rows than this is not judged.
    pub min_rows: u64,
}

impl Default for SplitDrift {
    fn default() -> Self {
        Self { distance: 0.1, times_chance: 1.5, auc: 0.7, min_rows: 20 }
    }
}

impl Rule for SplitDrift {
    type Input = Table;
    const ID: &'static str = "split-drift";
    const SEVERITY: Severity = Severity::Warning;
    const SIGNALS: &'static [Signal] = &[Signal::Columns, Signal::Splits, Signal::Drift];
    const ALSO: &'static [Signal] = &[Signal::Target];

    fn check(&mut self, table: &Table, report: &mut Report) {
        let splits = || table.splits.get().into_iter().flatten();
        for drift in table.drift.get().into_iter().flatten().filter(|d| d.classifier_auc > self.auc) {
            let Some(split) = splits().find(|s| s.part == drift.part && s.n_rows >= self.min_rows) else {
                continue;
            };
            let exceeds =
                |c: &ColumnDrift| c.distance > self.distance && c.distance > self.times_chance * c.by_chance;
            let mut shifted: Vec<Shifted<'_>> = drift
                .columns
                .iter()
                .filter(|c| exceeds(c))
                .filter_map(|c| Shifted::of(table, split, c))
                .collect();
            let n_before = shifted.len();
            shifted.retain(|s| !is_identifier(s.train) && !is_clock(s.train));
            // where an identifier or the time shifts, the classifier has seen that too, and proves less
            let limit = if shifted.len() < n_before { 2.0 * self.distance } else { self.distance };
            shifted.retain(|s| s.drift.distance > limit);
            shifted.sort_by(|a, b| b.drift.distance.total_cmp(&a.drift.distance));
            if let Some(worst) = shifted.first() {
                report.raise(self.draft(drift, worst, &shifted, limit));
            }
        }
    }
}

/// A column with its two profiles.
struct Shifted<'a> {
    drift: &'a ColumnDrift,
    train: &'a Column,
    split: &'a Column,
}

impl<'a> Shifted<'a> {
    fn of(table: &'a Table, split: &'a Split, drift: &'a ColumnDrift) -> Option<Self> {
        let column = |columns: &'a [Column]| columns.get(drift.column).filter(|c| c.n_rows > 0);
        Some(Self { drift, train: column(&table.columns)?, split: column(&split.columns)? })
    }
}

/// A column in short: mean and spread, or its most frequent value.
fn summary(column: &Column, value: Option<&str>) -> String {
    if let Some(number) = column.number.as_ref().filter(|n| n.n_finite > 0) {
        return format!("{} ± {}", Human(number.mean), Human(number.std));
    }
    let value = value.unwrap_or_default();
    let count = column.values.counts.iter().find(|c| c.0 == value).map_or(0, |c| c.1);
    format!("`{value}` {}", percent(count as f64 / column.n_values().max(1) as f64))
}

impl SplitDrift {
    fn draft(&self, drift: &Drift, worst: &Shifted<'_>, shifted: &[Shifted<'_>], limit: f64) -> Draft {
        let part = drift.part.name();
        let names: Vec<_> = shifted.iter().map(|s| s.train.name.as_str()).collect();
        let message = format!(
            "the {part} data differs from the training data in {}: distance {} (limit {}), told apart with AUC {} \
             (limit {})",
            show::listing(&names, 3),
            Human(worst.drift.distance),
            Human(limit),
            Human(drift.classifier_auc),
            Human(self.auc),
        );
        let shown = shifted.iter().map(|s| {
            let value = s.train.values.counts.first().map(|c| c.0.as_str());
            [
                s.train.name.clone(),
                Human(s.drift.distance).to_string(),
                Human(s.drift.by_chance).to_string(),
                summary(s.train, value),
                summary(s.split, value),
            ]
        });
        let (first, rest) = show::first_place(names.iter().map(|n| Place::column(*n)).collect());
        Draft::new(
            first,
            message,
            Evidence::at_most(
                "area under the ROC curve of train against split",
                drift.classifier_auc,
                self.auc,
            ),
            Remedy::advice("see whether both were prepared alike: units, scaling, filters").code(format!(
                "columns = {}\n\
                 print(pd.concat([train[columns].describe(), {part}[columns].describe()], axis=1))",
                show::python_list(names.iter().copied())
            )),
        )
        .places(rest)
        .topic(part)
        .evidence(Evidence::table(
            "columns that shift",
            ["column", "distance", "by chance", "train", part],
            shown,
        ))
        .remedy(
            Remedy::risky("split anew at random, unless the model will be used on such other data").code(
                "train, val = train_test_split(pd.concat([train, val]), test_size=0.2, random_state=0)",
            ),
        )
        .remedy(Remedy::advice(
            "if the shift is real, collect training data like it, or weight the rows that are",
        ))
    }
}

#[cfg(test)]
mod tests {
    use stetho_core::table::{Measured, Part};

    use super::*;
    use crate::testing::{bell, judge, numbers, table};

    fn found(columns: Vec<Column>, distances: &[(f64, f64)], auc: f64, n_rows: u64) -> usize {
        let mut table = table(columns.clone());
        table.splits = Measured::Is(vec![Split { part: Part::Test, n_rows, columns, ..Default::default() }]);
        let of = |(column, (distance, by_chance)): (usize, &(f64, f64))| ColumnDrift {
            column,
            distance: *distance,
            by_chance: *by_chance,
        };
        table.drift = Measured::Is(vec![Drift {
            part: Part::Test,
            columns: distances.iter().enumerate().map(of).collect(),
            target: None,
            classifier_auc: auc,
        }]);
        judge("split-drift", &table).len()
    }

    #[test]
    fn column_and_classifier_must_agree() {
        let x = || vec![bell("x", 100, 0.0, 1.0)];
        assert_eq!(found(x(), &[(0.5, 0.1)], 0.8, 100), 1);
        assert_eq!(found(x(), &[(0.5, 0.1)], 0.65, 100), 0);
        assert_eq!(found(x(), &[(0.5, 0.4)], 0.8, 100), 0);
        assert_eq!(found(x(), &[(0.5, 0.1)], 0.8, 10), 0);
    }

    #[test]
    fn identifiers_shift_by_nature() {
        let columns = || vec![numbers("row", (0..100).map(f64::from)), bell("x", 100, 0.0, 1.0)];
        assert_eq!(found(columns(), &[(3.0, 0.1), (0.15, 0.05)], 1.0, 100), 0);
        assert_eq!(found(columns(), &[(3.0, 0.1), (0.5, 0.05)], 1.0, 100), 1);
    }
}
