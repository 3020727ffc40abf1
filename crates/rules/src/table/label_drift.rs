//! `label-drift`

use serde::{Deserialize, Serialize};
use stetho_core::table::{Split, Table, Target, Task};
use stetho_core::{Draft, Evidence, Human, Place, Remedy, Report, Rule, Severity, Signal, percent};

use crate::show::python;

/// A validation or test set whose labels are distributed otherwise than those of the training data.
///
/// ## Why it matters
/// A model learns how frequent each class is. Where the split holds other shares, its score and its thresholds speak of
/// another population, and early stopping picks the wrong step.
///
/// Classes that occur in the split alone are left to `unseen-labels`.
///
/// ## What to do
/// Split stratified by label. If the shares differ on purpose, weight the score or correct the predicted
/// probabilities by the ratio of the shares.
///
/// ## Fires on
/// ```recipe rows=400 target=label
/// x = normal(0, 1)
/// label = choice("no": 0.5, "yes": 0.5)
/// ```
/// ```recipe val rows=200 target=label
/// x = normal(0, 1)
/// label = choice("no": 0.85, "yes": 0.15)
/// ```
///
/// ## Stays quiet on
/// ```recipe rows=400 target=label
/// x = normal(0, 1)
/// label = choice("no": 0.5, "yes": 0.5)
/// ```
/// ```recipe val rows=200 target=label
/// x = normal(0, 1)
/// label = choice("no": 0.5, "yes": 0.5)
/// ```
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct LabelDrift {
    /// Distance above which labels drift: half the summed difference of shares (classes), or Wasserstein-1 in
    /// standard deviations (numbers).
    pub distance: f64,
    /// How many times the distance that sampling alone gives it must be.
    pub times_chance: f64,
    /// A split with fewer rows than this is not judged.
    pub min_rows: u64,
}

impl Default for LabelDrift {
    fn default() -> Self {
        Self { distance: 0.15, times_chance: 1.2, min_rows: 20 }
    }
}

impl Rule for LabelDrift {
    type Input = Table;
    const ID: &'static str = "label-drift";
    const SEVERITY: Severity = Severity::Warning;
    const SIGNALS: &'static [Signal] = &[Signal::Columns, Signal::Target, Signal::Splits, Signal::Drift];

    fn check(&mut self, table: &Table, report: &mut Report) {
        let Some((target, column)) = table.target_column() else { return };
        for drift in table.drift.get().into_iter().flatten() {
            let splits = table.splits.get().into_iter().flatten();
            let split = splits.into_iter().find(|s| s.part == drift.part && s.n_rows >= self.min_rows);
            let (Some(split), Some(measured)) = (split, &drift.target) else { continue };
            let distance = measured.distance - unseen_share(target, split);
            if distance <= self.distance || distance <= self.times_chance * measured.by_chance {
                continue;
            }
            let part = split.part.name();
            let message = format!(
                "`{}` is distributed otherwise in the {part} data: distance {} (limit {}, {} by chance)",
                column.name,
                Human(distance),
                Human(self.distance),
                Human(measured.by_chance),
            );
            let stratified = format!(
                "train, val = train_test_split(df, test_size=0.2, stratify=df[{}], random_state=0)",
                python(&column.name)
            );
            let remedy = match target.task {
                Task::Classification => Remedy::risky("split stratified by label").code(stratified),
                Task::Regression => {
                    Remedy::risky("split at random, or stratified by quantiles of the target").code(format!(
                        "bins = pd.qcut(df[{}], 10, labels=False, duplicates=\"drop\")\n\
                         train, val = train_test_split(df, test_size=0.2, stratify=bins, random_state=0)",
                        python(&column.name)
                    ))
                }
            };
            let measure = Evidence::at_most("distance of the label distributions", distance, self.distance);
            report.raise(
                Draft::new(Place::column(&column.name), message, measure, remedy)
                    .topic(part)
                    .severity(target.severity(Severity::Warning))
                    .certainty(target.certainty())
                    .evidence(comparison(table, target, split))
                    .remedy(Remedy::advice(
                        "if the split is like this on purpose, weight its rows by the ratio of the shares",
                    )),
            );
        }
    }
}

/// The share of the split's rows whose class the training data lacks, which its distance contains.
fn unseen_share(target: &Target, split: &Split) -> f64 {
    let known = |class: &str| target.classes.iter().any(|c| c.0 == class);
    let n: u64 = split.classes.iter().map(|c| c.1).sum();
    let unseen: u64 = split.classes.iter().filter(|c| !known(&c.0)).map(|c| c.1).sum();
    unseen as f64 / n.max(1) as f64
}

fn comparison(table: &Table, target: &Target, split: &Split) -> Evidence {
    let part = split.part.name();
    if target.task == Task::Regression {
        let column = |columns: &[stetho_core::table::Column]| {
            let number = columns.get(target.column).and_then(|c| c.number.clone()).unwrap_or_default();
            [
                number.mean,
                number.std,
                number.quantiles.at(0.05),
                number.quantiles.median(),
                number.quantiles.at(0.95),
            ]
        };
        let names = ["mean", "standard deviation", "5 % quantile", "median", "95 % quantile"];
        let values = column(&table.columns).into_iter().zip(column(&split.columns));
        let rows = names.into_iter().zip(values);
        return Evidence::table(
            "the target in both",
            ["", "train", part],
            rows.map(|(name, (a, b))| [name.to_owned(), Human(a).to_string(), Human(b).to_string()]),
        );
    }
    let share = |classes: &[(String, u64)], class: &str| {
        let n: u64 = classes.iter().map(|c| c.1).sum();
        classes.iter().find(|c| c.0 == class).map_or(0.0, |c| c.1 as f64 / n.max(1) as f64)
    };
    let mut rows: Vec<(&str, f64, f64)> = target
        .classes
        .iter()
        .map(|(class, _)| (class.as_str(), share(&target.classes, class), share(&split.classes, class)))
        .collect();
    rows.sort_by(|a, b| (b.1 - b.2).abs().total_cmp(&(a.1 - a.2).abs()));
    Evidence::table(
        "share of each class, largest difference first",
        ["class", "train", part],
        rows.into_iter().map(|(class, a, b)| [class.to_owned(), percent(a), percent(b)]),
    )
}

#[cfg(test)]
mod tests {
    use stetho_core::table::{ColumnDrift, Drift, Measured, Part};

    use super::*;
    use crate::testing::{categories, judge, table, with_target};

    fn found(distance: f64, by_chance: f64, classes: &[(&str, u64)]) -> usize {
        let mut table =
            with_target(table(vec![categories("label", &[("a", 50), ("b", 50)])]), Task::Classification);
        let classes: Vec<(String, u64)> = classes.iter().map(|(c, n)| ((*c).to_owned(), *n)).collect();
        let n_rows = classes.iter().map(|c| c.1).sum();
        table.splits =
            Measured::Is(vec![Split { part: Part::Validation, n_rows, classes, ..Default::default() }]);
        table.drift = Measured::Is(vec![Drift {
            part: Part::Validation,
            columns: Vec::new(),
            target: Some(ColumnDrift { column: 0, distance, by_chance }),
            classifier_auc: 0.5,
        }]);
        judge("label-drift", &table).len()
    }

    #[test]
    fn distance_must_exceed_limit_and_chance() {
        assert_eq!(found(0.3, 0.1, &[("a", 80), ("b", 20)]), 1);
        assert_eq!(found(0.14, 0.1, &[("a", 64), ("b", 36)]), 0);
        assert_eq!(found(0.3, 0.28, &[("a", 16), ("b", 4)]), 0);
    }

    #[test]
    fn unseen_classes_are_another_cause() {
        assert_eq!(found(0.2, 0.05, &[("a", 40), ("b", 40), ("c", 20)]), 0);
    }
}
