//! Facts of a table for the head of a report: what the `facts` object of the JSON report holds.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use stetho_core::table::{Column, FileFacts, Measured, Origin, RowId, RowSamples, Table, Target, Task};
use stetho_core::{Document, Number};

/// Columns that the sampled rows show.
const SAMPLE_COLUMNS: usize = 30;

/// What was read, in numbers. Made from the [`Table`] record, kept in [`Document::facts`], drawn by the renderers.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "types", derive(ts_rs::TS))]
#[serde(default)]
pub struct TableFacts {
    /// Rows of the training part.
    pub rows: u64,
    /// Columns, the target counted.
    pub columns: u64,
    /// How many columns are of each kind, by the kind's name.
    pub kinds: BTreeMap<String, u64>,
    /// Files of the training part, in reading order.
    pub files: Vec<FileLine>,
    /// The target column, if there is one.
    pub target: Option<TargetFacts>,
    /// Why there is no target.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub target_reason: Option<String>,
    /// Validation and test sets.
    pub splits: Vec<SplitFacts>,
    /// One profile a column, in the order of the header.
    pub column_profiles: Vec<ColumnFacts>,
    /// Rows to look at, where the page asked for them.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub samples: Option<SampleFacts>,
    /// Files that were stepped over, each with the reason.
    pub skipped_files: Vec<String>,
    /// The command that made the report, quoted for a shell.
    pub command_line: String,
    /// Wall time from start to verdict, in seconds.
    pub seconds: f64,
}

/// A file of the data set.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "types", derive(ts_rs::TS))]
pub struct FileLine {
    /// As the user named it.
    pub path: String,
    /// What was detected, in words.
    pub format: String,
    /// Rows read from it.
    pub rows: u64,
}

/// The target column in words.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "types", derive(ts_rs::TS))]
pub struct TargetFacts {
    /// Its name.
    pub column: String,
    /// `classification` or `regression`.
    pub task: String,
    /// `given`, `found` (by its name) or `guessed`.
    pub origin: String,
    /// Why this column, where it was not given.
    pub reason: String,
    /// Other columns that could be the target, most likely first.
    pub alternatives: Vec<String>,
    /// Classes with their counts, most frequent first; empty for regression.
    pub classes: Vec<(String, u64)>,
}

/// Rows drawn at random, and a map of them.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "types", derive(ts_rs::TS))]
pub struct SampleFacts {
    /// Names of the columns that are shown, the target first.
    pub columns: Vec<String>,
    /// Shares of the variance that the two axes of the map explain.
    pub explained: [Number; 2],
    /// The rows.
    pub rows: Vec<SampleRow>,
}

/// A row to look at.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "types", derive(ts_rs::TS))]
pub struct SampleRow {
    /// File and line, or row number where the file has no lines.
    pub name: String,
    /// Its label, where there is a target.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub label: Option<String>,
    /// Its place on the map.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub at: Option<[Number; 2]>,
    /// Cells in the order of [`SampleFacts::columns`].
    pub values: Vec<String>,
}

/// A validation or test set.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "types", derive(ts_rs::TS))]
pub struct SplitFacts {
    /// `validation` or `test`.
    pub part: String,
    /// Its rows.
    pub rows: u64,
}

/// The profile of one column. The five numbers are there for columns that hold finite numbers.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "types", derive(ts_rs::TS))]
pub struct ColumnFacts {
    /// Its name.
    pub name: String,
    /// Its kind.
    pub kind: String,
    /// Rows without a value.
    pub nulls: u64,
    /// How many different values.
    pub distinct: u64,
    /// Whether `distinct` is exact rather than an estimate.
    pub distinct_exact: bool,
    /// Arithmetic mean.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mean: Option<Number>,
    /// Standard deviation of the sample.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub std: Option<Number>,
    /// Smallest value.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub min: Option<Number>,
    /// Median.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub median: Option<Number>,
    /// Largest value.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max: Option<Number>,
    /// Counts in equal bins from `min` to `max`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub histogram: Vec<u64>,
}

impl TableFacts {
    /// The facts of `table`. What the table does not know (skipped files, command line, time) is left empty.
    pub fn of(table: &Table) -> Self {
        let mut kinds = BTreeMap::new();
        for column in &table.columns {
            *kinds.entry(column.kind.name().to_owned()).or_default() += 1;
        }
        let splits = table.splits.get().map_or(&[][..], Vec::as_slice);
        Self {
            rows: table.n_rows,
            columns: table.columns.len() as u64,
            kinds,
            files: table.files.iter().map(FileLine::of).collect(),
            target: table.target_column().map(|(target, column)| TargetFacts::of(target, column)),
            // That no rule asked for it says nothing of the data.
            target_reason: match &table.target {
                Measured::Is(_) => None,
                not_asked if *not_asked == Measured::default() => None,
                Measured::Not(reason) => Some(reason.clone()),
            },
            splits: splits
                .iter()
                .map(|s| SplitFacts { part: s.part.name().to_owned(), rows: s.n_rows })
                .collect(),
            column_profiles: table.columns.iter().map(ColumnFacts::of).collect(),
            samples: table.samples.get().map(|samples| SampleFacts::of(table, samples)),
            ..Self::default()
        }
    }

    /// As the `facts` object of a document.
    pub fn to_map(&self) -> Map<String, Value> {
        match serde_json::to_value(self) {
            Ok(Value::Object(map)) => map,
            Ok(_) | Err(_) => Map::new(),
        }
    }

    /// The facts of a document on a table; `None` for other subjects and for facts of another shape.
    pub fn from_document(document: &Document) -> Option<Self> {
        if document.subject.kind != "table" {
            return None;
        }
        serde_json::from_value(Value::Object(document.facts.clone())).ok()
    }
}

impl FileLine {
    fn of(file: &FileFacts) -> Self {
        Self { path: file.path.clone(), format: file.format.clone(), rows: file.n_rows }
    }
}

impl SampleFacts {
    fn of(table: &Table, samples: &RowSamples) -> Self {
        let target = table.target.get().map(|t| t.column);
        let order = target.into_iter().chain(table.features().map(|(i, _)| i));
        let shown: Vec<usize> = order.take(SAMPLE_COLUMNS).collect();
        let row = |(id, at): &(RowId, Option<[f32; 2]>)| {
            let seen = table.seen.get(id)?;
            let place = match seen.line {
                Some(line) => format!("{} line {line}", seen.path),
                None => format!("{} row {}", seen.path, seen.row),
            };
            let value = |column: usize| seen.values.get(column).cloned().unwrap_or_default();
            Some(SampleRow {
                name: place,
                label: target.map(value).filter(|label| !label.is_empty()),
                at: at.map(|at| at.map(|v| Number(v.into()))),
                values: shown.iter().map(|&column| value(column)).collect(),
            })
        };
        Self {
            columns: shown.iter().filter_map(|&i| Some(table.columns.get(i)?.name.clone())).collect(),
            explained: samples.explained.map(|share| Number(share.into())),
            rows: samples.rows.iter().filter_map(row).collect(),
        }
    }
}

impl TargetFacts {
    /// Whether the column is only a guess.
    pub fn is_guessed(&self) -> bool {
        self.origin == "guessed"
    }

    fn of(target: &Target, column: &Column) -> Self {
        let task = match target.task {
            Task::Classification => "classification",
            Task::Regression => "regression",
        };
        let origin = match target.origin {
            Origin::Given => "given",
            Origin::Named => "found",
            Origin::Guessed => "guessed",
        };
        Self {
            column: column.name.clone(),
            task: task.into(),
            origin: origin.into(),
            reason: target.reason.clone(),
            alternatives: target.alternatives.clone(),
            classes: target.classes.clone(),
        }
    }
}

impl ColumnFacts {
    fn of(column: &Column) -> Self {
        let number = column.number.as_ref().filter(|n| n.n_finite > 0);
        let of = |value: Option<f64>| value.map(Number);
        Self {
            name: column.name.clone(),
            kind: column.kind.name().to_owned(),
            nulls: column.n_null,
            distinct: column.distinct.count,
            distinct_exact: column.distinct.exact,
            mean: of(number.map(|n| n.mean)),
            std: of(number.map(|n| n.std)),
            min: of(number.map(|n| n.min)),
            median: of(number.map(|n| n.quantiles.median())),
            max: of(number.map(|n| n.max)),
            histogram: number.map_or_else(Vec::new, |n| n.histogram.clone()),
        }
    }
}

#[cfg(test)]
mod tests {
    use stetho_core::table::{Distinct, Kind, NumberProfile, Quantiles, SeenRow};
    use stetho_core::{SCHEMA, Subject};

    use super::*;

    fn table() -> Table {
        let number = NumberProfile {
            n_finite: 3,
            mean: 2.0,
            min: 1.0,
            max: 3.0,
            quantiles: Quantiles(vec![1.0, 2.0, 3.0]),
            histogram: vec![1, 1, 1],
            ..NumberProfile::default()
        };
        let x = Column { name: "x".into(), kind: Kind::Number, number: Some(number), ..Column::default() };
        let y = Column {
            name: "y".into(),
            distinct: Distinct { count: 2, exact: true },
            n_null: 1,
            ..Column::default()
        };
        let target = Target {
            column: 1,
            task: Task::Classification,
            origin: Origin::Named,
            reason: "its name is one that targets have".into(),
            alternatives: vec!["x".into()],
            classes: vec![("a".into(), 2), ("b".into(), 1)],
        };
        Table { n_rows: 3, columns: vec![x, y], target: Measured::Is(target), ..Table::default() }
    }

    #[test]
    fn facts_come_from_the_table_and_survive_the_document() {
        let facts = TableFacts::of(&table());
        assert_eq!(facts.kinds, BTreeMap::from([("number".into(), 1), ("text".into(), 1)]));
        assert_eq!(facts.column_profiles[0].median, Some(Number(2.0)));
        assert_eq!(facts.column_profiles[1].median, None);
        assert_eq!(facts.target.as_ref().map(|t| t.origin.as_str()), Some("found"));
        let document = Document {
            schema: SCHEMA,
            stetho: "0".into(),
            command: "check".into(),
            subject: Subject { kind: "table".into(), ..Subject::default() },
            findings: Vec::new(),
            outcomes: Vec::new(),
            partial: false,
            facts: facts.to_map(),
        };
        assert_eq!(TableFacts::from_document(&document), Some(facts));
    }

    #[test]
    fn sampled_rows_show_the_target_first_and_thirty_columns() {
        let id = RowId { row: 4, ..RowId::default() };
        let values: Vec<String> = (0..40).map(|i| format!("v{i}")).collect();
        let seen = SeenRow { path: "a.csv".into(), row: 4, line: Some(6), values };
        let columns = (0..40).map(|i| Column { name: format!("c{i}"), ..Column::default() }).collect();
        let target = table().target.get().cloned().unwrap();
        let samples = RowSamples { rows: vec![(id, Some([0.5, -1.0]))], explained: [0.75, 0.25] };
        let table = Table {
            columns,
            target: Measured::Is(Target { column: 35, ..target }),
            seen: BTreeMap::from([(id, seen)]),
            samples: Measured::Is(samples),
            ..table()
        };
        let samples = TableFacts::of(&table).samples.unwrap();
        assert_eq!((samples.columns.len(), samples.columns[0].as_str()), (30, "c35"));
        assert_eq!((samples.columns[1].as_str(), samples.columns[29].as_str()), ("c0", "c28"));
        let row = &samples.rows[0];
        assert_eq!((row.name.as_str(), row.label.as_deref()), ("a.csv line 6", Some("v35")));
        assert_eq!((row.values.len(), row.values[0].as_str(), row.values[29].as_str()), (30, "v35", "v28"));
        assert_eq!(row.at, Some([Number(0.5), Number(-1.0)]));
        assert_eq!(samples.explained, [Number(0.75), Number(0.25)]);
    }

    #[test]
    fn a_missing_target_keeps_its_reason() {
        let table = Table { target: Measured::Not("no column looks like one".into()), ..table() };
        let facts = TableFacts::of(&table);
        assert_eq!(facts.target, None);
        assert_eq!(facts.target_reason.as_deref(), Some("no column looks like one"));
    }
}
