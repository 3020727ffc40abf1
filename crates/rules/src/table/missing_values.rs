//! `missing-values`

use serde::{Deserialize, Serialize};
use stetho_core::table::{Column, Kind, Table};
use stetho_core::{Draft, Evidence, Place, Remedy, Report, Rule, Severity, Signal, percent, thousands};

use crate::absent::{self, Disguise};
use crate::placeholders::{self, Disguised};
use crate::show::{list, python_list};

/// Feature columns in which many cells are empty, or hold a placeholder that stands for an empty cell.
///
/// ## Why it matters
/// Most models cannot take an empty cell: the row is dropped, or the loss becomes NaN. A placeholder is worse: `?` turns
/// a column of numbers into text, and -999 is learned as if someone had measured it. Where a value is missing for a
/// reason that also decides the target, filling it in hides the best feature.
///
/// ## What to do
/// Find out why the cells are empty. Read placeholders as missing, fill numbers with the median of the training part
/// and keep a column that says where that was done, or take a model that handles missing values by itself.
///
/// Found are empty cells, words such as `?` and `NA`, one repeated word among numbers (`unknown`), and numbers such as
/// -999 that are frequent, extreme and far from all others. `None` and `unknown` among texts may be categories and are
/// left alone. Zeros far below all other values, as in a column of blood pressures, are a note. Missing values of the target are told by `missing-labels`.
///
/// ## Fires on
/// Empty cells:
/// ```csv target=label
/// age,city,label
/// 34,Bonn,a
/// ,Mainz,b
/// 41,Bonn,a
/// ,Mainz,b
/// 25,Bonn,a
/// 40,Mainz,b
/// ```
/// Placeholders:
/// ```recipe rows=400 target=label
/// age    = round(normal(40, 12), 0)
/// age    = missing(age, 0.03, "?")
/// rain   = round(uniform(0, 80), 1)
/// rain   = pick(uniform(0, 1) < 0.05, -999, rain)
/// label  = choice("yes", "no")
/// ```
///
/// ## Stays quiet on
/// ```recipe rows=400 target=label
/// age      = round(normal(40, 12), 0)
/// children = integer(0, 4)
/// income   = missing(lognormal(10, 0.5), 0.002)
/// pet      = choice("cat", "dog", "None", "unknown")
/// label    = choice("yes", "no")
/// ```
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct MissingValues {
    /// Share of empty cells above which a column is a warning.
    pub warn: f64,
    /// Share of empty cells above which a column is worth a note.
    pub note: f64,
    /// Share of empty cells at or above which a column counts as nearly empty.
    pub nearly_empty: f64,
    /// Least share of a placeholder among the values, where such a value may occur by itself.
    pub placeholder: f64,
}

impl Default for MissingValues {
    fn default() -> Self {
        Self { warn: 0.05, note: 0.01, nearly_empty: 0.95, placeholder: 0.002 }
    }
}

impl Rule for MissingValues {
    type Input = Table;
    const ID: &'static str = "missing-values";
    const SEVERITY: Severity = Severity::Warning;
    const SIGNALS: &'static [Signal] = &[Signal::Columns];
    const ALSO: &'static [Signal] = &[Signal::Target];

    fn check(&mut self, table: &Table, report: &mut Report) {
        let mut judged: Vec<Empty<'_>> =
            table.features().map(|(_, c)| Empty::of(c, self.placeholder)).collect();
        judged.sort_by(|a, b| b.share.total_cmp(&a.share));
        let (nearly, others): (Vec<&Empty<'_>>, Vec<_>) =
            judged.iter().partition(|e| e.share >= self.nearly_empty && e.n_empty > 1);
        if !nearly.is_empty() {
            report.raise(self.nearly_empty(&nearly));
        }
        let partly: Vec<_> = others.into_iter().filter(|e| e.share > self.note && e.n_empty > 1).collect();
        if !partly.is_empty() {
            report.raise(self.partly_empty(&partly));
        }
        let zeros: Vec<(&Column, Disguise)> =
            table.features().filter_map(|(_, c)| Some((c, absent::zeros(c, self.placeholder)?))).collect();
        if !zeros.is_empty() {
            report.raise(placeholders::zeros(&zeros));
        }
        let disguised: Vec<Disguised<'_>> = judged
            .iter()
            .filter(|e| !e.disguises.is_empty())
            .map(|e| Disguised { column: e.column, disguises: &e.disguises })
            .collect();
        if !disguised.is_empty() {
            report.raise(placeholders::disguised(&disguised));
        }
    }
}

/// What is missing in a column.
struct Empty<'a> {
    column: &'a Column,
    /// Cells that every reader takes as empty.
    n_empty: u64,
    /// Their share of the rows.
    share: f64,
    /// Placeholders.
    disguises: Vec<Disguise>,
}

impl<'a> Empty<'a> {
    fn of(column: &'a Column, placeholder: f64) -> Self {
        let mut disguises = absent::words(column, placeholder);
        // Words that the reader knows are among the cells it took as empty; they are told as placeholders.
        let is_known = |d: &&Disguise| column.null_words.iter().any(|(w, _)| *w == d.value);
        let told: u64 = disguises.iter().filter(is_known).map(|d| d.count).sum();
        disguises.extend(absent::sentinel(column, placeholder));
        let n_empty = column.n_null.saturating_sub(told);
        Self { column, n_empty, share: n_empty as f64 / column.n_rows.max(1) as f64, disguises }
    }

    fn name(&self) -> &'a str {
        &self.column.name
    }
}

impl MissingValues {
    fn nearly_empty(&self, columns: &[&Empty<'_>]) -> Draft {
        let names = names(columns);
        let share = columns.iter().map(|e| e.share).fold(f64::INFINITY, f64::min);
        let (noun, verb, at_least) =
            if names.len() == 1 { ("column", "has", "") } else { ("columns", "have", " or more") };
        let message =
            format!("{noun} {} {verb} no value in {} of rows{at_least}", list(&names), percent(share));
        let measure = Evidence::at_most("share of empty cells", share, self.nearly_empty);
        let by_design = Remedy::advice(
            "find out whether empty means `no` (then say so in a column of 0 and 1) or the column was lost in a join",
        );
        let names = python_list(&names);
        draft(columns, message, measure, by_design)
            .remedy(
                Remedy::safe("where empty means `no`, keep only whether there is a value")
                    .code(format!("df[{names}] = df[{names}].notna().astype(int)")),
            )
            .remedy(
                Remedy::risky("leave it out: too few values to learn from")
                    .code(format!("df = df.drop(columns={names})")),
            )
            .topic("nearly empty")
    }

    fn partly_empty(&self, columns: &[&Empty<'_>]) -> Draft {
        let names = names(columns);
        let worst = columns.first().map_or(0.0, |e| e.share);
        let above = columns.iter().filter(|e| e.share > self.warn).count();
        let limit = if above > 0 { self.warn } else { self.note };
        let message = match (names.as_slice(), above) {
            ([name], _) => format!(
                "column `{name}` has no value in {} of rows (limit {})",
                percent(worst),
                percent(limit)
            ),
            ([name, ..], _) => format!(
                "{} columns have no value in more than {} of rows, `{name}` the most: {}",
                if above > 1 { above } else { names.len() },
                percent(if above > 1 { self.warn } else { self.note }),
                percent(worst)
            ),
            ([], _) => String::new(),
        };
        let measure = Evidence::at_most("share of empty cells", worst, limit);
        draft(columns, message, measure, Remedy::advice("find out why: it may depend on what is predicted"))
            .severity(if above > 0 { Severity::Warning } else { Severity::Info })
            .remedy(Remedy::safe("take a model that handles missing values by itself").code(
                "from sklearn.ensemble import HistGradientBoostingClassifier  # or …Regressor\n\
                 model = HistGradientBoostingClassifier()",
            ))
            .remedy(fill(columns))
            .topic("empty")
    }
}

fn names<'a>(columns: &[&Empty<'a>]) -> Vec<&'a str> {
    columns.iter().map(|e| e.name()).collect()
}

fn draft(columns: &[&Empty<'_>], message: String, measure: Evidence, remedy: Remedy) -> Draft {
    let bars = columns.iter().map(|e| (e.name().to_owned(), e.share));
    let rows = columns.iter().map(|e| [e.name().to_owned(), thousands(e.n_empty), percent(e.share)]);
    let table = Evidence::table("empty cells", ["column", "cells", "share of rows"], rows);
    let draft = Draft::new(Place::column(columns.first().map_or("", |e| e.name())), message, measure, remedy)
        .places(columns.iter().skip(1).map(|e| Place::column(e.name())));
    if columns.len() > 1 {
        draft.evidence(Evidence::bars("share of empty cells", bars)).evidence(table)
    } else {
        draft.evidence(table)
    }
}

/// Python that fills numbers with the median and texts with a word.
fn fill(columns: &[&Empty<'_>]) -> Remedy {
    let of = |is_number: bool| {
        let chosen = columns.iter().filter(|e| (e.column.kind == Kind::Number) == is_number);
        python_list(chosen.map(|e| e.name()))
    };
    let (numbers, others) = (of(true), of(false));
    let mut lines = Vec::new();
    if numbers != "[]" {
        lines.push("from sklearn.impute import SimpleImputer".to_owned());
        lines.push(format!(
            "fill = SimpleImputer(strategy=\"median\", add_indicator=True).fit(train[{numbers}])"
        ));
    }
    if others != "[]" {
        lines.push(format!("df[{others}] = df[{others}].fillna(\"missing\")"));
    }
    Remedy::risky("fill in: numbers with the median of the training part, texts with a word; and keep where")
        .command("stetho prepare DATA --impute --out prepared")
        .code(lines.join("\n"))
}

#[cfg(test)]
mod tests {
    use stetho_core::Finding;

    use super::*;
    use crate::testing::{Random, column, judge, numbers, table};

    fn findings(column: Column) -> Vec<Finding> {
        judge("missing-values", &table([column]))
    }

    fn empty(n_empty: usize, n_rows: usize) -> Column {
        column("x", (0..n_rows).map(|i| if i < n_empty { String::new() } else { i.to_string() }))
    }

    fn with(value: f64, count: usize, others: impl Fn(&mut Random) -> f64) -> Column {
        let mut random = Random(7);
        numbers("x", (0..400).map(|i| if i < count { value } else { others(&mut random) }))
    }

    #[test]
    fn the_share_decides_the_severity() {
        assert!(findings(empty(4, 400)).is_empty());
        assert_eq!(findings(empty(5, 400))[0].severity, Severity::Info);
        assert_eq!(findings(empty(20, 400))[0].severity, Severity::Info);
        assert_eq!(findings(empty(21, 400))[0].severity, Severity::Warning);
        assert_eq!(
            findings(empty(21, 400))[0].message,
            "column `x` has no value in 5.2 % of rows (limit 5 %)"
        );
        assert_eq!(findings(empty(390, 400))[0].message, "column `x` has no value in 97.5 % of rows");
        assert_eq!(findings(empty(400, 400)).len(), 1);
    }

    #[test]
    fn words_among_numbers_are_told_once() {
        let cells = |word: &'static str, n: usize| {
            column("x", (0..200).map(move |i| if i < n { word.to_owned() } else { i.to_string() }))
        };
        assert!(findings(cells("NA", 2)).is_empty(), "every reader takes NA among numbers as empty");
        assert_eq!(findings(cells("NA", 40)).len(), 1);
        let [finding] = findings(cells("?", 40)).try_into().unwrap();
        assert_eq!(finding.message, "column `x` holds `?` in 20 % of rows, which stands for a missing value");
        assert_eq!(
            finding.remedies[0].code.as_deref(),
            Some("df = pd.read_csv(path, na_values={\"x\": [\"?\"]})")
        );
        assert_eq!(findings(cells("unknown", 3)).len(), 1);
        assert!(findings(cells("<5", 3)).is_empty());
    }

    #[test]
    fn categories_that_look_like_placeholders_are_quiet() {
        let cells = |words: &'static [&str]| column("x", (0..200).map(|i| words[i % words.len()]));
        assert!(findings(cells(&["yes", "no", "None", "unknown"])).is_empty());
        assert!(findings(cells(&["+", "-"])).is_empty());
        assert!(findings(cells(&["EU", "AS", "NA", "SA", "AF"])).is_empty());
        assert_eq!(findings(cells(&["Gd", "TA", "Ex", "NA"])).len(), 1);
        assert_eq!(findings(cells(&["tcp", "udp", "-"])).len(), 1);
        assert_eq!(findings(cells(&["Private", " ?"])).len(), 1);
    }

    #[test]
    fn sentinels_are_frequent_extreme_and_far() {
        let age = |r: &mut Random| (40.0 + 10.0 * r.normal()).round();
        assert_eq!(findings(with(-999.0, 20, age)).len(), 1);
        assert_eq!(findings(with(999.0, 3, age)).len(), 1);
        assert!(findings(with(999.0, 1, age)).is_empty(), "a single one is an outlier");
        assert!(findings(with(99.0, 20, |r| (r.uniform() * 98.0).round())).is_empty());
        assert!(findings(with(-1.0, 20, |r| (r.uniform() * 3.0).floor())).is_empty());
        assert_eq!(findings(with(-1.0, 300, |r| (r.uniform() * 800.0).ceil())).len(), 1, "days since a call");
        assert!(findings(with(-1.0, 200, |_| 1.0)).is_empty(), "two classes");
        assert!(findings(with(-99.0, 9, |r| (r.normal() * 60.0).round())).is_empty());
    }

    #[test]
    fn zeros_far_below_all_else_are_suspected() {
        let pressure = |r: &mut Random| (128.0 + 17.0 * r.normal()).round();
        let [finding] = findings(with(0.0, 60, pressure)).try_into().unwrap();
        assert_eq!(finding.severity, Severity::Info);
        assert!(finding.message.starts_with("`x` is 0 in 15 % of rows"), "{}", finding.message);
        assert!(
            findings(with(0.0, 60, |r| (5.0 + r.normal()).exp().round())).is_empty(),
            "a purchase or none"
        );
        assert!(
            findings(with(0.0, 60, |r| (480.0 + 180.0 * r.normal()).abs().round())).is_empty(),
            "a garage"
        );
        assert!(findings(with(0.0, 300, pressure)).is_empty(), "most are none");
    }

    #[test]
    fn columns_are_one_finding_with_the_worst_first() {
        let named = |name: &str, n| Column { name: name.into(), ..empty(n, 400) };
        let table = table([named("a", 8), named("b", 100), named("c", 40), named("d", 0)]);
        let [finding] = judge("missing-values", &table).try_into().unwrap();
        assert_eq!(finding.message, "2 columns have no value in more than 5 % of rows, `b` the most: 25 %");
        assert_eq!(finding.count, 3);
        assert_eq!(finding.places[0], Place::column("b"));
    }
}
