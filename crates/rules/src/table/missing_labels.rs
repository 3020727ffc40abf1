//! `missing-labels`

use serde::{Deserialize, Serialize};
use stetho_core::table::{Column, Kind, Origin, Table, Target, Task};
use stetho_core::{Draft, Evidence, Place, Remedy, Report, Rule, Severity, Signal, count_of, percent};

use crate::absent;
use crate::show::python;

/// Rows without a label: the target is empty, or holds a placeholder such as `?` or `NA`.
///
/// ## Why it matters
/// A row without a label cannot teach anything. A loss over a missing number is NaN and spoils the whole batch; a
/// placeholder among classes becomes a class of its own, which the model then learns to predict.
///
/// ## What to do
/// Label the rows, or leave them out of training and evaluation. If many are missing, they may be the test part of a
/// file that holds both.
///
/// ## Fires on
/// ```csv target=label
/// height,label
/// 1.71,a
/// 1.64,b
/// 1.82,
/// 1.77,a
/// 1.69,b
/// ```
/// A placeholder among the classes:
/// ```csv target=label
/// height,label
/// 1.71,yes
/// 1.64,no
/// 1.82,?
/// 1.77,yes
/// 1.69,no
/// ```
///
/// ## Stays quiet on
/// Signs as classes, and a class that is called `none`:
/// ```csv target=label
/// height,label
/// 1.71,+
/// 1.64,-
/// 1.82,none
/// 1.77,+
/// 1.69,-
/// ```
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct MissingLabels {
    /// Share of rows without a label that is tolerated.
    pub tolerated: f64,
    /// Least share of a number such as -999 in a target of numbers to count as a placeholder.
    pub placeholder: f64,
}

impl Default for MissingLabels {
    fn default() -> Self {
        Self { tolerated: 0.0, placeholder: 0.002 }
    }
}

impl Rule for MissingLabels {
    type Input = Table;
    const ID: &'static str = "missing-labels";
    const SEVERITY: Severity = Severity::Error;
    const SIGNALS: &'static [Signal] = &[Signal::Columns, Signal::Target];

    fn check(&mut self, table: &Table, report: &mut Report) {
        let Some((target, column)) = table.target_column() else { return };
        let causes = self.causes(target, column);
        let missing: u64 = causes.iter().map(|(_, count)| count).sum();
        let share = missing as f64 / column.n_rows.max(1) as f64;
        if missing == 0 || share <= self.tolerated {
            return;
        }
        let guess = if target.origin == Origin::Guessed { ", taken as the target," } else { "" };
        let message = format!(
            "`{}`{guess} has no label in {} of {} ({})",
            column.name,
            stetho_core::thousands(missing),
            count_of(column.n_rows, "row"),
            percent(share)
        );
        // A number such as -999 may be a measurement after all.
        let is_sure = causes.iter().any(|(what, _)| !what.starts_with('-') && !what.starts_with('9'));
        let rows = causes.iter().map(|(what, count)| [what.clone(), count.to_string()]);
        let name = python(&column.name);
        let test_part = Remedy::advice("the rows may be the test part of the file: give them with `--test`");
        let mut draft = Draft::new(
            Place::column(&column.name),
            message,
            Evidence::at_most("share of rows without a label", share, self.tolerated),
            drop_rows(&name, &causes),
        )
        .places(table.places(&column.null_rows))
        .count(missing)
        .evidence(Evidence::table("what stands in place of a label", ["cell", "rows"], rows))
        .severity(target.severity(if is_sure { Severity::Error } else { Severity::Warning }))
        .certainty(target.certainty() * if is_sure { 1.0 } else { 0.8 });
        if share >= 0.1 {
            draft = draft.remedy(test_part);
        }
        report.raise(draft);
    }
}

impl MissingLabels {
    /// What stands where a label should be, with counts.
    fn causes(&self, target: &Target, column: &Column) -> Vec<(String, u64)> {
        let known: u64 = column.null_words.iter().map(|(_, count)| count).sum();
        let mut causes = vec![("empty".to_owned(), column.n_null.saturating_sub(known))];
        causes.extend(column.null_words.iter().cloned());
        let is_class = target.task == Task::Classification;
        let words = match column.kind {
            Kind::Text if is_class => {
                let words = absent::texts(column, 0.0);
                words.into_iter().filter(|d| !matches!(d.value.trim(), "-" | "--")).collect()
            }
            // A word among numbered classes may be a class.
            _ if is_class => Vec::new(),
            Kind::Text => absent::words(column, 0.0),
            _ => {
                let mut words = absent::stray_words(column);
                words.extend(absent::sentinel(column, self.placeholder));
                words
            }
        };
        causes.extend(words.into_iter().map(|d| (d.value, d.count)));
        causes.retain(|(_, count)| *count > 0);
        causes
    }
}

fn drop_rows(name: &str, causes: &[(String, u64)]) -> Remedy {
    let value = |what: &String| match what.parse::<f64>() {
        Ok(number) if number.is_finite() => what.clone(),
        _ => python(what),
    };
    let words: Vec<String> = causes.iter().map(|(w, _)| w).filter(|w| *w != "empty").map(value).collect();
    let drop = format!("df = df.dropna(subset=[{name}])");
    let code = if words.is_empty() {
        drop
    } else {
        format!("df[{name}] = df[{name}].replace([{}], np.nan)\n{drop}", words.join(", "))
    };
    Remedy::risky("label the rows, or leave them out")
        .command("stetho prepare DATA --drop unlabelled --out prepared")
        .code(code)
}

#[cfg(test)]
mod tests {
    use stetho_core::Finding;

    use super::*;
    use crate::testing::{column, judge, table, with_target};

    fn findings(cells: &[&str], task: Task) -> Vec<Finding> {
        judge("missing-labels", &with_target(table([column("y", cells)]), task))
    }

    #[test]
    fn empty_labels_are_errors_with_their_rows() {
        let [finding] = findings(&["a", "", "b", "a", ""], Task::Classification).try_into().unwrap();
        assert_eq!(finding.message, "`y` has no label in 2 of 5 rows (40 %)");
        assert_eq!((finding.severity, finding.count), (Severity::Error, 2));
        let rows = Place::Rows { path: "data.csv".into(), rows: vec![1, 4], lines: vec![3, 6] };
        assert_eq!(finding.places, [Place::column("y"), rows]);
    }

    #[test]
    fn placeholders_count_and_classes_do_not() {
        assert_eq!(findings(&["yes", "no", "NA", "yes"], Task::Classification).len(), 1);
        assert_eq!(findings(&["0", "1", "?", "1", "0"], Task::Classification).len(), 1);
        assert_eq!(findings(&["1.5", "2.5", "unknown", "3"], Task::Regression).len(), 1);
        assert!(findings(&["+", "-", "-"], Task::Classification).is_empty());
        assert!(findings(&["-", "spam", "-"], Task::Classification).is_empty());
        assert!(findings(&["0", "1", "2", "other", "1"], Task::Classification).is_empty());
        assert!(findings(&["none", "unknown", "a"], Task::Classification).is_empty());
    }

    #[test]
    fn a_guessed_target_warns_at_most() {
        let mut table = with_target(table([column("y", ["1", "", "2"])]), Task::Regression);
        if let stetho_core::table::Measured::Is(target) = &mut table.target {
            target.origin = Origin::Guessed;
        }
        let [finding] = judge("missing-labels", &table).try_into().unwrap();
        assert_eq!(finding.severity, Severity::Warning);
        assert!(finding.message.starts_with("`y`, taken as the target, has no label"));
    }
}
