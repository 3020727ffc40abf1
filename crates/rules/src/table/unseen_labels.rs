//! `unseen-labels`

use serde::{Deserialize, Serialize};
use stetho_core::table::{Column, Kind, Split, Table, Task};
use stetho_core::{
    Draft, Evidence, Place, Remedy, Report, Rule, Severity, Signal, count_of, percent, thousands,
};

use crate::columns::is_identifier;
use crate::show;

/// A label, or a category of a feature, that occurs in a validation or test set alone.
///
/// ## Why it matters
/// A class that was never seen cannot be predicted: every such row is an error, or the loss stops with an index out of
/// range. An unknown category makes an encoder fail, or is silently taken for nothing. Often it is a spelling: `Yes`
/// and `yes`.
///
/// ## What to do
/// Correct spellings. Split stratified, so that every class is in the training data, or leave the class out of both.
/// For features, tell the encoder what to do with unknown categories.
///
/// Features with many rare categories are not judged: there, new ones are to be expected.
///
/// ## Fires on
/// ```recipe rows=300 target=kind
/// x = normal(0, 1)
/// kind = choice("a", "b")
/// ```
/// ```recipe val rows=100 target=kind
/// x = normal(0, 1)
/// kind = choice("a", "b", "c")
/// ```
///
/// ## Stays quiet on
/// ```recipe rows=300 target=kind
/// name = text("n", integer(1, 5000))
/// x = normal(0, 1)
/// kind = choice("a", "b", "c")
/// ```
/// ```recipe val rows=100 target=kind
/// name = text("n", integer(1, 5000))
/// x = normal(0, 1)
/// kind = choice("a", "b", "c")
/// ```
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct UnseenLabels {
    /// Columns with fewer training rows a category than this, on average, are not judged.
    pub min_rows_per_category: f64,
    /// How many times as many rows with unseen categories as chance explains a feature must have.
    pub times_chance: f64,
}

impl Default for UnseenLabels {
    fn default() -> Self {
        Self { min_rows_per_category: 5.0, times_chance: 3.0 }
    }
}

impl Rule for UnseenLabels {
    type Input = Table;
    const ID: &'static str = "unseen-labels";
    const SEVERITY: Severity = Severity::Error;
    const SIGNALS: &'static [Signal] = &[Signal::Columns, Signal::Splits];
    const ALSO: &'static [Signal] = &[Signal::Target, Signal::Groups];

    fn check(&mut self, table: &Table, report: &mut Report) {
        let target = table.target.get();
        let group = table.groups.get().map(|g| g.column);
        for split in table.splits.get().into_iter().flatten() {
            let mut features = Vec::new();
            for (i, column) in table.columns.iter().enumerate().filter(|(i, _)| Some(*i) != group) {
                let Some(unseen) = split.columns.get(i).and_then(|other| self.unseen(column, other)) else {
                    continue;
                };
                match target.filter(|t| t.column == i) {
                    Some(target) if target.task == Task::Classification => report.raise(
                        draft(split, &[unseen], true)
                            .severity(target.severity(Severity::Error))
                            .certainty(target.certainty())
                            .remedy(
                                Remedy::risky(
                                    "split stratified, so that every class is in the training data",
                                )
                                .code(format!(
                                    "train, val = train_test_split(df, test_size=0.2, stratify=df[{}])",
                                    show::python(&column.name)
                                )),
                            ),
                    ),
                    Some(_) => {}
                    None if column.kind == Kind::Text && unseen.beyond_chance(self.times_chance) => {
                        features.push(unseen);
                    }
                    None => {}
                }
            }
            features.sort_by_key(|u| std::cmp::Reverse(u.n_rows));
            if !features.is_empty() {
                report.raise(draft(split, &features, false).severity(Severity::Warning).remedy(
                    Remedy::safe("tell the encoder what to do with unknown categories").code(
                        "encoder = OneHotEncoder(handle_unknown=\"ignore\")\n\
                         encoder = OrdinalEncoder(handle_unknown=\"use_encoded_value\", unknown_value=-1)",
                    ),
                ));
            }
        }
    }
}

/// Values of a column that only a split has.
struct Unseen<'a> {
    train: &'a Column,
    /// Value, rows, and the training value that differs only in case or spaces.
    values: Vec<(&'a str, u64, Option<&'a str>)>,
    n_rows: u64,
    n_split: u64,
}

impl UnseenLabels {
    fn unseen<'a>(&self, train: &'a Column, split: &'a Column) -> Option<Unseen<'a>> {
        let (known, other) = (&train.values, &split.values);
        let n_known = known.counts.len() as f64;
        let judged = known.complete
            && other.complete
            && !known.counts.is_empty()
            && train.n_values() as f64 >= n_known * self.min_rows_per_category
            && !is_identifier(train);
        if !judged {
            return None;
        }
        let plain = |text: &str| text.trim().to_lowercase();
        let values: Vec<_> = other
            .counts
            .iter()
            .filter(|(value, _)| !known.counts.iter().any(|(k, _)| k == value))
            .map(|(value, n)| {
                let like = known.counts.iter().find(|(k, _)| plain(k) == plain(value));
                (value.as_str(), *n, like.map(|(k, _)| k.as_str()))
            })
            .collect();
        let n_rows = values.iter().map(|v| v.1).sum();
        (n_rows > 0).then_some(Unseen { train, values, n_rows, n_split: split.n_values() })
    }
}

impl Unseen<'_> {
    /// Whether there are more than a long tail explains. The probability that the next row has a new category is about
    /// the share of categories seen once (Good 1953).
    fn beyond_chance(&self, times: f64) -> bool {
        let once = self.train.values.counts.iter().filter(|c| c.1 == 1).count() as f64;
        let expected = self.n_split as f64 * once / self.train.n_values().max(1) as f64;
        self.n_rows as f64 > times * expected
    }
}

fn draft(split: &Split, unseen: &[Unseen<'_>], is_label: bool) -> Draft {
    let part = split.part.name();
    let names: Vec<_> = unseen.iter().map(|u| u.train.name.as_str()).collect();
    let n_values: u64 = unseen.iter().map(|u| u.values.len() as u64).sum();
    let n_rows: u64 = unseen.iter().map(|u| u.n_rows).sum();
    let values: Vec<&str> = unseen.iter().flat_map(|u| u.values.iter().map(|v| v.0)).collect();
    let what = count_of(n_values, if is_label { "label" } else { "category" });
    let message = format!(
        "{what} of {} ({}) in the {part} data, in {}, {} never in the training data",
        show::listing(&names, 3),
        show::listing(&values, 3),
        count_of(n_rows, "row"),
        if n_values == 1 { "is" } else { "are" },
    );
    let like = |v: &Option<&str>| v.map_or("–".to_owned(), |k| format!("`{k}`"));
    let shown = unseen.iter().flat_map(|u| {
        u.values.iter().map(move |(value, n, known)| {
            let share = percent(*n as f64 / u.n_split.max(1) as f64);
            [u.train.name.clone(), (*value).to_owned(), thousands(*n), share, like(known)]
        })
    });
    let table = Evidence::table(
        format!("only in the {part} data"),
        ["column", "value", "rows", "share", "differs in case or spaces from"],
        shown,
    );
    let (first, rest) = show::first_place(names.iter().map(|n| Place::column(*n)).collect());
    let measure = Evidence::at_most("rows with unseen values", n_rows as f64, 0.0);
    let spelling = unseen.iter().any(|u| u.values.iter().any(|v| v.2.is_some()));
    let remedy = match (spelling, names.first()) {
        (true, Some(name)) => Remedy::risky("make the spelling one").code(format!(
            "for df in (train, {part}):\n    df[{0}] = df[{0}].str.strip().str.lower()",
            show::python(name)
        )),
        _ => Remedy::advice(
            "see whether these are mistakes, or were left out of the training data by the split",
        ),
    };
    Draft::new(first, message, measure, remedy)
        .places(rest)
        .count(n_rows)
        .topic(format!("{part} {}", if is_label { "labels" } else { "features" }))
        .evidence(table)
}

#[cfg(test)]
mod tests {
    use stetho_core::table::{Measured, Part};

    use super::*;
    use crate::testing::{categories, judge, table, with_target};

    fn found(feature: [&[(&str, u64)]; 2], label: [&[(&str, u64)]; 2]) -> Vec<Severity> {
        let columns = |i: usize| vec![categories("city", feature[i]), categories("label", label[i])];
        let mut table = with_target(table(columns(0)), Task::Classification);
        table.splits = Measured::Is(vec![Split {
            part: Part::Test,
            n_rows: 50,
            columns: columns(1),
            ..Default::default()
        }]);
        judge("unseen-labels", &table).iter().map(|f| f.severity).collect()
    }

    const AB: &[(&str, u64)] = &[("a", 50), ("b", 50)];

    #[test]
    fn labels_are_errors_and_categories_warnings() {
        assert_eq!(found([AB, AB], [AB, &[("a", 20), ("c", 5)]]), [Severity::Error]);
        assert_eq!(found([AB, &[("a", 20), ("c", 5)]], [AB, AB]), [Severity::Warning]);
        assert_eq!(found([AB, AB], [AB, &[("a", 20)]]), []);
    }

    #[test]
    fn a_long_tail_brings_new_categories_by_chance() {
        let tail: &[(&str, u64)] = &[("a", 60), ("b", 36), ("c", 1), ("d", 1), ("e", 1), ("f", 1)];
        assert_eq!(found([tail, &[("a", 40), ("g", 2)]], [AB, AB]), []);
        assert_eq!(found([tail, &[("a", 20), ("g", 20)]], [AB, AB]), [Severity::Warning]);
    }
}
