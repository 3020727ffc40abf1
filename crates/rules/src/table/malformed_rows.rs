//! `malformed-rows`

use serde::{Deserialize, Serialize};
use stetho_core::table::{Malformed, MalformedRow, Table};
use stetho_core::{Draft, Evidence, Place, Remedy, Report, Rule, Severity, Signal, count_of};

use crate::show::python;

/// Rows that cannot be read as they are: a wrong number of fields, a broken quote, bytes that are not text.
///
/// ## Why it matters
/// Readers treat such rows differently: some stop, some drop the row, some fill the missing fields or shift the values
/// into the wrong columns. Whatever they do, the model does not see what is in the file.
///
/// ## What to do
/// Look at the lines named here and repair whatever wrote them: a separator inside a field must be quoted, a quote
/// inside a quoted field doubled. Leaving the rows out is for when only a few are lost and they are like the others.
/// A field that only later JSON objects have is left out and told as a warning: no row is lost by it.
///
/// ## Fires on
/// ```csv
/// city,price,label
/// Bonn,3.1,a
/// Mainz, Rhein,2.7,b
/// Trier,2.9,a
/// ```
/// A record that was cut short:
/// ```csv
/// city,price,label
/// Bonn,3.1,a
/// Mainz,2.7
/// Trier,2.9,a
/// ```
///
/// ## Stays quiet on
/// ```csv
/// city,price,label
/// Bonn,3.1,a
/// "Mainz, Rhein",2.7,b
/// "the ""old"" town",2.9,a
/// ```
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct MalformedRows {
    /// How many such rows are tolerated.
    pub tolerated: u64,
}

impl Rule for MalformedRows {
    type Input = Table;
    const ID: &'static str = "malformed-rows";
    const SEVERITY: Severity = Severity::Error;
    const SIGNALS: &'static [Signal] = &[Signal::Malformed];

    fn check(&mut self, table: &Table, report: &mut Report) {
        let malformed = &table.malformed;
        let mut places = places(malformed).into_iter();
        let (Some(first), Some(place)) = (malformed.rows.first(), places.next()) else { return };
        if malformed.count <= self.tolerated {
            return;
        }
        let rows = count_of(malformed.count, "row");
        let only_fields = malformed.kinds.iter().all(|(kind, _)| kind == UNKNOWN_FIELD);
        let verb = match (only_fields, malformed.count) {
            (false, 1) => "is malformed",
            (false, _) => "are malformed",
            (true, 1) => "brings a field of its own",
            (true, _) => "bring fields of their own",
        };
        let which = if malformed.count == 1 { "" } else { ", the first" };
        let message = format!("{rows} {verb}{which} at {}: {}", location(first), first.problem);
        let measure = Evidence::at_most("malformed rows", malformed.count as f64, self.tolerated as f64);
        let mut draft = Draft::new(place, message, measure, look(malformed, first))
            .places(places)
            .count(malformed.count)
            .evidence(table_of(&malformed.rows));
        if malformed.kinds.len() > 1 {
            let bars = malformed.kinds.iter().map(|(kind, count)| (kind.clone(), *count as f64));
            draft = draft.evidence(Evidence::bars("rows by problem", bars));
        }
        if let Some(line) = first.line {
            let (path, text) = (first.path.clone(), first.text.clone());
            draft = draft.evidence(Evidence::Excerpt { path, line, text });
        }
        if only_fields {
            draft = draft.severity(Severity::Warning);
        }
        for (kind, _) in &malformed.kinds {
            draft = draft.remedy(remedy(kind, &first.path));
        }
        report.raise(draft);
    }
}

/// The kind of a row that was read, but for a field that only later rows have.
const UNKNOWN_FIELD: &str = "unknown field";

fn location(row: &MalformedRow) -> String {
    match row.line {
        Some(line) => format!("line {line} of `{}`", row.path),
        None => format!("row {} of `{}`", row.row, row.path),
    }
}

/// The rows as places, one a file.
fn places(malformed: &Malformed) -> Vec<Place> {
    let mut files: Vec<(&str, Vec<&MalformedRow>)> = Vec::new();
    for row in &malformed.rows {
        match files.iter_mut().find(|(path, _)| *path == row.path) {
            Some((_, rows)) => rows.push(row),
            None => files.push((&row.path, vec![row])),
        }
    }
    let place = |(path, rows): (&str, Vec<&MalformedRow>)| {
        let lines: Option<Vec<u64>> = rows.iter().map(|r| r.line).collect();
        Place::Rows {
            path: path.to_owned(),
            rows: rows.iter().map(|r| r.row).collect(),
            lines: lines.unwrap_or_default(),
        }
    };
    files.into_iter().map(place).collect()
}

fn table_of(rows: &[MalformedRow]) -> Evidence {
    let place = |r: &MalformedRow| r.line.map_or_else(|| format!("row {}", r.row), |l| l.to_string());
    let rows = rows.iter().map(|r| [r.path.clone(), place(r), r.problem.clone(), r.text.clone()]);
    Evidence::table("malformed rows", ["file", "line", "problem", "text"], rows)
}

/// How to see the first lines of the first file.
fn look(malformed: &Malformed, first: &MalformedRow) -> Remedy {
    let remedy = Remedy::safe("look at the lines, and repair what wrote them");
    let lines = malformed.rows.iter().filter(|r| r.path == first.path).take(5).filter_map(|r| r.line);
    let prints: Vec<String> = lines.map(|line| format!("{line}p")).collect();
    let is_packed = first.path.ends_with(".gz") || first.path.ends_with(".zst");
    if prints.is_empty() || is_packed {
        return remedy;
    }
    let path = first.path.replace('\'', "'\\''");
    remedy.command(format!("sed -n '{}' '{path}'", prints.join(";")))
}

fn remedy(kind: &str, path: &str) -> Remedy {
    let path = python(path);
    match kind {
        "wrong number of fields" => Remedy::risky("read the file without these rows, if they are few")
            .code(format!("df = pd.read_csv({path}, on_bad_lines=\"skip\")")),
        "unclosed quote" => Remedy::risky("double the quotes inside quoted fields; or read quotes as text")
            .code(format!("df = pd.read_csv({path}, quoting=csv.QUOTE_NONE)")),
        "not UTF-8" => Remedy::safe("name the encoding the file was written in")
            .code(format!("df = pd.read_csv({path}, encoding=\"cp1252\")")),
        "damaged file" => Remedy::safe("fetch or write the file again; the rest of it could not be read"),
        UNKNOWN_FIELD => {
            Remedy::safe("write the field in every row, as `null` where there is no value, or in none")
        }
        _ => Remedy::risky("leave the rows out, if they are few and like the others"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::judge;

    fn row(path: &str, line: u64, problem: &str) -> MalformedRow {
        MalformedRow {
            path: path.into(),
            row: line - 2,
            line: Some(line),
            problem: problem.into(),
            text: "x".into(),
        }
    }

    #[test]
    fn rows_are_grouped_by_file_and_counted_whole() {
        let rows = vec![
            row("a.csv", 4, "7 fields, expected 5"),
            row("b.csv", 2, "4 fields, expected 5"),
            row("a.csv", 9, "unclosed quote"),
        ];
        let kinds = vec![("wrong number of fields".into(), 200), ("unclosed quote".into(), 1)];
        let table = Table { malformed: Malformed { count: 201, rows, kinds }, ..Table::default() };
        let [finding] = judge("malformed-rows", &table).try_into().unwrap();
        assert_eq!(
            finding.message,
            "201 rows are malformed, the first at line 4 of `a.csv`: 7 fields, expected 5"
        );
        assert_eq!(finding.count, 201);
        assert_eq!(finding.places.len(), 2);
        assert_eq!(finding.remedies[0].command.as_deref(), Some("sed -n '4p;9p' 'a.csv'"));
        assert!(judge("malformed-rows", &Table::default()).is_empty());
    }

    #[test]
    fn a_field_of_later_rows_is_a_warning_and_a_lost_row_an_error() {
        let severity = |kinds: &[&str]| {
            let rows = kinds.iter().map(|kind| row("a.jsonl", 2000, kind)).collect();
            let kinds: Vec<_> = kinds.iter().map(|kind| ((*kind).to_owned(), 1)).collect();
            let malformed = Malformed { count: kinds.len() as u64, rows, kinds };
            judge("malformed-rows", &Table { malformed, ..Table::default() })[0].severity
        };
        assert_eq!(severity(&["unknown field"]), Severity::Warning);
        assert_eq!(severity(&["unknown field", "not a JSON object"]), Severity::Error);
    }
}
