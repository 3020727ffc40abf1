//! Detects how a text table is written: delimiter, header, column types.

use std::collections::HashMap;

use stetho_core::table::Kind;

use super::canonical::unique_names;
use super::cells::{CellType, TypeVotes};
use crate::Field;

/// How a text table is written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Dialect {
    /// Byte between fields.
    pub delimiter: u8,
    /// Records before the header or the first row: comments, a title.
    pub n_preamble: u64,
    /// Whether the first row names the columns.
    pub has_header: bool,
    /// Whether rows end in a delimiter that separates nothing.
    pub trailing_delimiter: bool,
    /// Columns.
    pub fields: Vec<Field>,
    /// How each column's cells are read.
    pub types: Vec<CellType>,
    /// What was changed of the header, in words, for the description of the format.
    pub remarks: Vec<String>,
}

const DELIMITERS: [u8; 4] = [b',', b'\t', b';', b'|'];
const MAX_ROWS: usize = 2_000;
/// Columns named otherwise than in the header that are told.
const REMARKED: usize = 3;

/// A record as fields.
type Record = Vec<Vec<u8>>;

/// Detects the dialect from the first bytes of a file, which must end at a record boundary where the file is longer.
/// `None` if there is no record at all.
pub(crate) fn detect(head: &[u8]) -> Option<Dialect> {
    let (delimiter, rows) = DELIMITERS
        .iter()
        .map(|&delimiter| (delimiter, parse(head, delimiter, MAX_ROWS)))
        .max_by(|a, b| consistency(&a.1).total_cmp(&consistency(&b.1)).then(b.0.cmp(&a.0)))?;
    let n_preamble = preamble(&rows);
    let rows = &rows[n_preamble..];
    let first = rows.first()?;
    let width = usual_width(&rows[1.min(rows.len() - 1)..]);
    let trailing_delimiter =
        width == first.len() + 1 && rows[1..].iter().all(|r| r.last().is_none_or(Vec::is_empty));
    let names_missing_first = !trailing_delimiter && width == first.len() + 1 && first.len() > 1;
    let n_columns = if names_missing_first { width } else { first.len() };
    let body_votes = votes(&rows[1..], n_columns);
    let has_header = is_header(first, &body_votes, rows) || names_missing_first;
    let mut remarks = Vec::new();
    if n_preamble > 0 {
        remarks.push(format!("{} before the table", stetho_core::count_of(n_preamble as u64, "line")));
    }
    let names = if has_header {
        header_names(first, names_missing_first, &mut remarks)
    } else {
        remarks.push("no header".to_owned());
        (0..first.len()).map(|i| format!("column_{i}")).collect()
    };
    let n_before = n_preamble + usize::from(has_header);
    let mut votes = if has_header { body_votes } else { votes(rows, n_columns) };
    if rows.len() + n_preamble == MAX_ROWS && votes.iter().any(TypeVotes::is_undecided) {
        // empty so far: all that was read of the file may tell more
        let all = self::votes(parse(head, delimiter, usize::MAX).get(n_before..)?, n_columns);
        votes = votes.into_iter().zip(all).map(|(v, all)| if v.is_undecided() { all } else { v }).collect();
    }
    let types: Vec<_> = votes.iter().map(|v| v.decide(delimiter)).collect();
    let fields = names.into_iter().zip(&types).map(|(name, t)| Field { name, kind: t.kind() }).collect();
    Some(Dialect {
        delimiter,
        n_preamble: n_preamble as u64,
        has_header,
        trailing_delimiter,
        fields,
        types,
        remarks,
    })
}

impl Dialect {
    /// Reads the columns that `expected` names as `expected` types them.
    pub(crate) fn adopt(&mut self, expected: &[Field]) {
        let kinds: HashMap<&str, Kind> = expected.iter().map(|e| (e.name.as_str(), e.kind)).collect();
        for (field, cell_type) in self.fields.iter_mut().zip(&mut self.types) {
            let Some(&kind) = kinds.get(field.name.as_str()).filter(|kind| **kind != Kind::Nested) else {
                continue;
            };
            if kind != field.kind {
                *cell_type = CellType::of(kind, self.delimiter != b',');
                field.kind = kind;
            }
        }
    }

    /// The delimiter in words.
    pub(crate) fn delimiter_name(&self) -> String {
        match self.delimiter {
            b'\t' => "tab-separated".into(),
            other => format!("`{}`-separated", char::from(other)),
        }
    }
}

/// Splits the first `most` rows of `head`.
pub(crate) fn parse(head: &[u8], delimiter: u8, most: usize) -> Vec<Record> {
    let mut reader = csv_core::ReaderBuilder::new().delimiter(delimiter).build();
    let mut rows = Vec::new();
    let most_fields = memchr::memchr_iter(delimiter, head).count() + 2;
    let (mut input, mut fields, mut ends) = (head, vec![0; head.len().max(1)], vec![0; most_fields]);
    while rows.len() < most {
        let (mut n_out, mut n_ends) = (0, 0);
        loop {
            let (result, n_in, out, end) =
                reader.read_record(input, &mut fields[n_out..], &mut ends[n_ends..]);
            input = &input[n_in..];
            n_out += out;
            n_ends += end;
            match result {
                csv_core::ReadRecordResult::InputEmpty => {} // the next call, with no input left, ends the record
                csv_core::ReadRecordResult::OutputFull | csv_core::ReadRecordResult::End => return rows,
                csv_core::ReadRecordResult::OutputEndsFull => return rows,
                csv_core::ReadRecordResult::Record => break,
            }
        }
        let mut start = 0;
        let record =
            ends[..n_ends].iter().map(|&end| fields[std::mem::replace(&mut start, end)..end].to_vec());
        rows.push(record.collect());
    }
    rows
}

/// How many records stand before the table: comments (`# …`), Excel's `sep=;`, a title. They have another number of
/// fields than the rows that follow; a title is told from a ragged row by nearly all rows having the same number.
fn preamble(rows: &[Record]) -> usize {
    let width = usual_width(rows);
    let n_usual = rows.iter().filter(|row| row.len() == width).count();
    let is_comment =
        |row: &Record| row.first().is_some_and(|c| c.starts_with(b"#") || c.starts_with(b"sep="));
    let n_preamble =
        rows.iter().take_while(|row| row.len() != width && (row.len() == 1 || is_comment(row))).count();
    let n_left = rows.len() - n_preamble;
    let is_trailing = width == 2 && rows[n_preamble..].iter().all(|r| r.last().is_none_or(Vec::is_empty));
    let is_table = n_usual * 10 >= n_left * 9 && n_left > 1 && !is_trailing;
    if width > 1 && (is_table || rows[..n_preamble].iter().all(is_comment)) { n_preamble } else { 0 }
}

/// How well a delimiter explains the rows: share of rows with the usual number of fields, more for more fields.
fn consistency(rows: &[Record]) -> f64 {
    let width = usual_width(rows);
    if width < 2 {
        return 0.0;
    }
    let same = rows.iter().filter(|r| r.len() == width).count();
    let share = same as f64 / rows.len() as f64;
    share * share + 0.1 * (1.0 - 1.0 / width as f64)
}

/// The most frequent number of fields.
fn usual_width(rows: &[Record]) -> usize {
    let mut counts = std::collections::BTreeMap::<usize, usize>::new();
    for row in rows {
        *counts.entry(row.len()).or_default() += 1;
    }
    counts.into_iter().max_by_key(|&(width, count)| (count, width)).map_or(0, |(width, _)| width)
}

fn votes(rows: &[Record], n_columns: usize) -> Vec<TypeVotes> {
    let mut votes = vec![TypeVotes::default(); n_columns];
    for row in rows {
        for (vote, cell) in votes.iter_mut().zip(row) {
            vote.vote(cell);
        }
    }
    votes
}

/// Whether the first row names columns: no number in it (or a run of numbers 0, 1, 2 …), and it is unlike what follows.
fn is_header(first: &Record, body: &[TypeVotes], rows: &[Record]) -> bool {
    let numeric = |cell: &Vec<u8>| super::cells::parse_float(cell.trim_ascii(), false).is_some();
    let n_numeric = first.iter().filter(|cell| numeric(cell)).count();
    if n_numeric > 0 {
        return counts_up(first)
            || counts_years(first)
            || (n_numeric * 2 < first.len() && over_numbers(first, body) > 0);
    }
    if first.iter().all(|cell| cell.is_empty()) {
        return false;
    }
    if rows.len() == 1 {
        return true;
    }
    let unique = first.iter().collect::<std::collections::BTreeSet<_>>().len();
    let repeats = |i: usize| rows[1..].iter().any(|row| row.get(i) == first.get(i));
    let n_repeated = (0..first.len()).filter(|&i| !first[i].is_empty() && repeats(i)).count();
    over_numbers(first, body) > 0 || (unique == first.len() && n_repeated == 0)
}

/// Columns whose first cell is a word while all others are numbers.
fn over_numbers(first: &Record, body: &[TypeVotes]) -> usize {
    let word = |cell: &Vec<u8>| {
        let cell = cell.trim_ascii();
        super::cells::parse_float(cell, false).is_none()
            && !super::cells::is_null_word(cell)
            && !cell.is_empty()
    };
    first.iter().zip(body).filter(|(cell, votes)| votes.is_numeric() && word(cell)).count()
}

/// Whether the row reads 0, 1, 2 … or 1, 2, 3 …, as in wide tables written without names.
fn counts_up(first: &Record) -> bool {
    let number = |cell: &Vec<u8>| std::str::from_utf8(cell).ok().and_then(|s| s.trim().parse::<i64>().ok());
    let offset = usize::from(first[0].is_empty()); // an index column has no name
    let numbers: Vec<_> = first[offset..].iter().map_while(number).collect();
    numbers.len() + offset == first.len()
        && numbers.len() >= 3
        && numbers[0].abs() <= 1
        && numbers.windows(2).all(|pair| pair[1] == pair[0] + 1)
}

/// Whether the numbers in the row are three or more years at equal distances, as in tables with a column a year.
fn counts_years(first: &Record) -> bool {
    let number = |cell: &Vec<u8>| std::str::from_utf8(cell).ok().and_then(|s| s.trim().parse::<f64>().ok());
    let years: Vec<f64> = first.iter().filter_map(number).collect();
    let is_year = |year: &f64| (1500.0..=2200.0).contains(year) && year.fract().abs() < f64::EPSILON;
    let step = years.get(1).map_or(0.0, |second| second - years[0]);
    years.len() >= 3
        && years.iter().all(is_year)
        && step > 0.5
        && years.windows(2).all(|pair| (pair[1] - pair[0] - step).abs() < 0.5)
}

fn header_names(first: &Record, missing_first: bool, remarks: &mut Vec<String>) -> Vec<String> {
    let mut names: Vec<String> = Vec::with_capacity(first.len() + 1);
    if missing_first {
        names.push("row_name".to_owned());
        remarks.push("first column without a name".to_owned());
    }
    names.extend(first.iter().map(|cell| String::from_utf8_lossy(cell).trim().to_owned()));
    for (i, name) in names.iter_mut().enumerate().filter(|(_, name)| name.is_empty()) {
        *name = format!("column_{i}");
    }
    let mut renamed = Vec::new();
    let names = unique_names(names.into_iter(), &mut renamed);
    let told =
        renamed.iter().take(REMARKED).map(|(old, new)| format!("second column `{old}` read as `{new}`"));
    remarks.extend(told);
    if renamed.len() > REMARKED {
        remarks.push(format!("and {} more", renamed.len() - REMARKED));
    }
    names
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(head: &str) -> Vec<String> {
        detect(head.as_bytes()).unwrap().fields.into_iter().map(|f| f.name).collect()
    }

    #[test]
    fn delimiters_are_told_apart() {
        for (delimiter, text) in
            [(b',', "a,b\n1,2\n"), (b';', "a;b\n1,5;2\n"), (b'\t', "a\tb\n1\t2\n"), (b'|', "a|b\n1|2\n")]
        {
            assert_eq!(detect(text.as_bytes()).unwrap().delimiter, delimiter, "{text}");
        }
    }

    #[test]
    fn headers_are_told_from_data() {
        assert_eq!(names("5.1,3.5,setosa\n4.9,3.0,setosa\n"), ["column_0", "column_1", "column_2"]);
        assert_eq!(names("length,width,kind\n5.1,3.5,setosa\n"), ["length", "width", "kind"]);
        assert_eq!(names("city,land\nRome,Italy\nParis,France\n"), ["city", "land"]);
        assert_eq!(names("0,1,2\n5,5,5\n"), ["0", "1", "2"]);
        assert_eq!(names("a,a,\n1,2,3\n"), ["a", "a_2", "column_2"]);
        assert_eq!(names("x,y\n"), ["x", "y"]);
        assert_eq!(names("x\n1,\n2,\n"), ["x"]);
        assert_eq!(names("Sales of 2024\nx,y\n1,2\n3,4\n"), ["x", "y"]);
        assert_eq!(names("land,2019,2020,2021\nItaly,1.5,2,3\n"), ["land", "2019", "2020", "2021"]);
        assert_eq!(names("a,1990,1991\nb,1980,1995\n"), ["column_0", "column_1", "column_2"]);
        assert_eq!(names("p,q\nr1,1,2\nr2,3,4\n"), ["row_name", "p", "q"]);
    }

    #[test]
    fn quoted_delimiters_do_not_count() {
        let dialect = detect(b"name,note\n\"a;b;c\",\"x,y\"\n\"d;e;f\",\"z\"\n").unwrap();
        assert_eq!((dialect.delimiter, dialect.fields.len()), (b',', 2));
    }

    #[test]
    fn nothing_is_no_dialect() {
        assert!(detect(b"").is_none());
        assert!(detect(b"\n\n").is_none());
    }
}
