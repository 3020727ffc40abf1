//! `target-leakage`

use serde::{Deserialize, Serialize};
use stetho_core::table::{Column, Kind, SingleColumnScore, SingleColumnScores, Table, Target, Task};
use stetho_core::{Draft, Evidence, Human, Place, Remedy, Report, Rule, Severity, Signal, count_of};

use crate::show;

/// A column that predicts the target all by itself, while the others do not come near it.
///
/// ## Why it matters
/// Such a column is nearly always the target in other words: filled in after the outcome was known, computed from it,
/// or a copy under another name. The model learns to read it off and fails where it is not known yet.
///
/// ## What to do
/// Ask when the value of this column becomes known. If that is after the moment of prediction, leave it out.
///
/// A problem that is merely easy, where several independent columns predict well, is not reported; nor is a column
/// that counts the rows of a file sorted by label, which `ordered-rows` tells.
///
/// ## Fires on
/// ```recipe rows=400 target=label
/// x = normal(0, 1)
/// y = normal(0, 1)
/// label = pick(x + normal(0, 1) > 0.5, "yes", "no")
/// outcome = pick(label == "yes", 1, 0) + 0.01 * normal(0, 1)
/// ```
/// The target under another name.
/// ```recipe rows=300 target=survived
/// age = normal(40, 12)
/// survived = integer(0, 1)
/// alive = pick(survived == 1, "yes", "no")
/// ```
///
/// ## Stays quiet on
/// ```recipe rows=400 target=label
/// x = normal(0, 1)
/// y = normal(0, 1)
/// label = pick(x + y + normal(0, 1) > 0.5, "yes", "no")
/// ```
/// An easy problem: two independent measurements, either of which is enough.
/// ```recipe rows=400 target=kind
/// kind = choice("a", "b")
/// _b = pick(kind == "b", 1, 0)
/// length = 8 * _b + normal(0, 1)
/// width = 7 * _b + normal(0, 1)
/// depth = 6 * _b + normal(0, 1)
/// ```
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct TargetLeakage {
    /// Cross-validated AUC (classes) or R² (numbers) of a column alone from which it is suspected.
    pub score: f64,
    /// The same score at or above which it is an error; below, a warning.
    pub certain: f64,
    /// Balanced accuracy, rescaled so that chance is 0 (classes), or R² that it must reach as well.
    pub adjusted: f64,
    /// Balanced accuracy or R² of the best other column above which the problem is merely easy.
    pub easy: f64,
    /// How many times as large as the column's own shortfall from perfect that of the best other column must be.
    pub gap: f64,
    /// Scores that rest on fewer rows than this are not judged.
    pub min_rows: u64,
}

impl Default for TargetLeakage {
    fn default() -> Self {
        Self { score: 0.98, certain: 0.995, adjusted: 0.9, easy: 0.85, gap: 3.0, min_rows: 30 }
    }
}

impl Rule for TargetLeakage {
    type Input = Table;
    const ID: &'static str = "target-leakage";
    const SEVERITY: Severity = Severity::Error;
    const SIGNALS: &'static [Signal] = &[Signal::Columns, Signal::Target, Signal::SingleColumnScores];

    fn check(&mut self, table: &Table, report: &mut Report) {
        let (Some(target), Some(found)) = (table.target.get(), table.single_column_scores.get()) else {
            return;
        };
        let mut judged: Vec<Candidate<'_>> = found
            .scores
            .iter()
            .filter(|s| s.n >= self.min_rows)
            .filter_map(|score| Candidate::of(table, target, score))
            .collect();
        let strong = |c: &Candidate<'_>| c.score.score >= self.score && c.score.adjusted >= self.adjusted;
        let certain = |c: &Candidate<'_>| strong(c) && c.score.score >= self.certain;
        judged.sort_by_key(|c| (!certain(c), !strong(c))); // stable: the best of each stay first
        // Several copies of the target are told together; several columns that are merely good are an easy problem.
        let n_suspects = judged.iter().filter(|c| certain(c)).count().max(1);
        let (suspects, others) = judged.split_at(n_suspects.min(judged.len()));
        let next = others.iter().map(|c| c.score.adjusted).fold(0.0, f64::max);
        let room = !others.is_empty() && next <= self.easy && suspects.len() <= others.len();
        let stands_out = |c: &Candidate<'_>| room && 1.0 - next >= self.gap * (1.0 - c.score.adjusted);
        let leaks: Vec<_> = suspects.iter().filter(|c| c.recodes || strong(c) && stands_out(c)).collect();
        if !leaks.is_empty() {
            report.raise(self.draft(table, target, found, &leaks));
        }
    }
}

/// A column whose score counts.
struct Candidate<'a> {
    column: &'a Column,
    score: &'a SingleColumnScore,
    /// Whether it is the target under other names: as many values, each as frequent as a class.
    recodes: bool,
}

impl<'a> Candidate<'a> {
    /// Columns that only count the rows, and times, are no candidates.
    fn of(table: &'a Table, target: &Target, score: &'a SingleColumnScore) -> Option<Self> {
        let column = table.columns.get(score.column)?;
        let follows_the_file = column.strictly_monotone.is_some() || column.kind == Kind::Time;
        let recodes = target.task == Task::Classification && score.adjusted >= 0.999 && {
            let mut counts: Vec<u64> = column.values.counts.iter().map(|c| c.1).collect();
            counts.sort_unstable_by(|a, b| b.cmp(a));
            column.values.complete && counts.iter().eq(target.classes.iter().map(|c| &c.1))
        };
        (!follows_the_file).then_some(Self { column, score, recodes })
    }
}

impl TargetLeakage {
    fn draft(
        &self,
        table: &Table,
        target: &Target,
        found: &SingleColumnScores,
        leaks: &[&Candidate<'_>],
    ) -> Draft {
        let names: Vec<_> = leaks.iter().map(|c| c.column.name.as_str()).collect();
        let name = |i: usize| table.columns.get(i).map_or("", |c| c.name.as_str());
        let predicted = name(target.column);
        let best = leaks.iter().map(|c| c.score.score).fold(0.0, f64::max);
        let is_leak = |s: &SingleColumnScore| leaks.iter().any(|c| c.score.column == s.column);
        let next = found.scores.iter().find(|s| !is_leak(s)).map_or(String::new(), |s| {
            format!("; the next best, `{}`, reaches {}", name(s.column), Human(s.score))
        });
        let message = match names.as_slice() {
            [one] if leaks.iter().all(|c| c.recodes) => {
                format!(
                    "`{one}` is `{predicted}` under another name: its values match the classes one to one"
                )
            }
            [one] => format!(
                "`{one}` alone predicts `{predicted}` with {} {} (limit {}){next}",
                found.metric,
                Human(best),
                Human(self.score)
            ),
            _ => format!(
                "{} ({}) each predict `{predicted}` alone with {} of {} or more{next}",
                count_of(names.len() as u64, "column"),
                show::listing(&names, 4),
                found.metric,
                Human(self.score),
            ),
        };
        let certain = leaks.iter().any(|c| c.score.score >= self.certain);
        let severity = if certain { Severity::Error } else { Severity::Warning };
        let (first, rest) = show::first_place(names.iter().map(|n| Place::column(*n)).collect());
        let list = show::python_list(names.iter().copied());
        let bars = found.scores.iter().take(10).map(|s| (name(s.column).to_owned(), s.score));
        Draft::new(
            first,
            message,
            Evidence::at_most(format!("{} of one column alone", found.metric), best, self.score),
            Remedy::risky("leave it out, unless its value is known at the moment of prediction")
                .code(format!("df = df.drop(columns={list})")),
        )
        .places(rest)
        .severity(target.severity(severity))
        .certainty(target.certainty() * if certain { 1.0 } else { 0.7 })
        .evidence(Evidence::bars(format!("{} of each column alone", found.metric), bars))
        .remedy(
            Remedy::advice("see how it goes with the target, and ask when it becomes known")
                .code(format!("print(df.groupby({})[{list}].describe().T)", show::python(predicted))),
        )
    }
}

#[cfg(test)]
mod tests {
    use stetho_core::table::Measured;

    use super::*;
    use crate::testing::{bell, categories, judge, numbers, table, with_target};

    fn found(first: Column, scores: &[(f64, f64)]) -> Vec<Severity> {
        let mut columns = vec![first];
        columns.extend((1..scores.len()).map(|i| bell(&format!("x{i}"), 90, 0.0, 1.0)));
        columns.push(categories("label", &[("a", 50), ("b", 40)]));
        let mut table = with_target(table(columns), Task::Classification);
        let of = |(column, (score, adjusted)): (usize, &(f64, f64))| SingleColumnScore {
            column,
            score: *score,
            adjusted: *adjusted,
            n: 90,
        };
        let scores = scores.iter().enumerate().map(of).collect();
        table.single_column_scores = Measured::Is(SingleColumnScores { scores, metric: "AUC".into() });
        judge("target-leakage", &table).iter().map(|f| f.severity).collect()
    }

    #[test]
    fn a_column_that_stands_out_leaks() {
        let x = || bell("x", 90, 0.0, 1.0);
        assert_eq!(found(x(), &[(1.0, 1.0), (0.7, 0.3)]), [Severity::Error]);
        assert_eq!(found(x(), &[(0.99, 0.96), (0.7, 0.3)]), [Severity::Warning]);
        assert_eq!(found(x(), &[(0.99, 0.88), (0.7, 0.3)]), []);
    }

    #[test]
    fn an_easy_problem_does_not() {
        let x = || bell("x", 90, 0.0, 1.0);
        assert_eq!(found(x(), &[(1.0, 1.0), (0.97, 0.9)]), []);
        assert_eq!(found(x(), &[(0.99, 0.92), (0.95, 0.8)]), []);
        assert_eq!(found(x(), &[(0.985, 0.9), (0.981, 0.9), (0.84, 0.5), (0.7, 0.3)]), []);
        assert_eq!(found(x(), &[(1.0, 1.0), (1.0, 1.0), (0.6, 0.1)]), []);
    }

    #[test]
    fn a_recoded_target_leaks_even_among_good_columns() {
        let code = categories("code", &[("1", 50), ("2", 40)]);
        assert_eq!(found(code, &[(1.0, 1.0), (0.97, 0.9)]), [Severity::Error]);
    }

    #[test]
    fn a_row_counter_does_not() {
        let counter = numbers("row", (0..90).map(f64::from));
        assert_eq!(found(counter, &[(1.0, 1.0), (0.6, 0.1)]), []);
    }
}
