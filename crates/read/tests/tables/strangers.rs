//! Kinds of columns in files of strangers.

use stetho_core::table::Kind;

use crate::support::{check, column};

/// The kind of a column of these cells, over enough rows to be sure.
fn kind(cells: &[&str]) -> Kind {
    kind_separated(cells, ',')
}

fn kind_separated(cells: &[&str], delimiter: char) -> Kind {
    let rows: String =
        (0..40).map(|i| format!("{i}{delimiter}\"{}\"{delimiter}end\n", cells[i % cells.len()])).collect();
    let table = check(format!("n{delimiter}cell{delimiter}z\n{rows}"));
    assert_eq!((table.n_rows, table.malformed.count), (40, 0));
    column(&table, "cell").kind
}

#[test]
fn numbers_are_numbers() {
    for cells in [
        &["1", "2", "", "4"][..],
        &["1e5", "2.5E-3", "-7e+2"],
        &["+1", "-2", ".5", "3."],
        &[" 1", "2 ", " 3 "],
        &["nan", "1.5", "inf", "-Infinity"],
        &["1", "2", "N/A", "3", "?"],
        &["0", "1"],
        &["007", "12", "3"],
        &["1.5", "9007199254740993", "2"],
        &["1", "2", "unknown", "3"],
    ] {
        assert_eq!(kind(cells), Kind::Number, "{cells:?}");
    }
    assert_eq!(kind_separated(&["1,5", "2,25", "3"], ';'), Kind::Number);
    assert_eq!(kind_separated(&["3,141", "2,718", "1,414"], ';'), Kind::Number);
    assert_eq!(kind_separated(&["3,1", "2,718", "1,414"], '\t'), Kind::Number);
}

#[test]
fn codes_and_written_amounts_are_texts() {
    assert_eq!(kind_separated(&["3,141", "2,718", "1,414"], '\t'), Kind::Text);
    assert_eq!(kind_separated(&["3,141,000", "2,718", "1,414"], ';'), Kind::Text);
    for cells in [
        &["01234", "94110", "10001"][..],
        &["yes", "no"],
        &["$1.50", "$2"],
        &["15%", "3.5%"],
        &["1,234", "12,345,678", "1,000"],
        &["31/12/2024", "01/02/2023"],
        &["12-31-2024", "01-02-2023"],
        &["Jan 5, 2024", "Feb 6, 2023"],
        &["10:30", "23:59"],
        &["192.168.0.1", "10.0.0.1"],
        &["1-2", "3-4"],
        &["0x1F", "0xA0"],
        &["A1", "1", "B2", "2", "C3", "D4"],
        &["NA", "?", ""],
    ] {
        assert_eq!(kind(cells), Kind::Text, "{cells:?}");
    }
}

#[test]
fn times_and_booleans_have_their_kinds() {
    for cells in [
        &["2024-01-31", "2023-02-28", ""][..],
        &["2024/01/31", "2023/02/28"],
        &["2024-01-31 10:30:00", "2024-01-31T10:30:00Z"],
        &["2024-01-31T10:30:00+02:00", "2024-01-31 10:30:00.123456"],
    ] {
        assert_eq!(kind(cells), Kind::Time, "{cells:?}");
    }
    for cells in [&["true", "false"][..], &["True", "False", ""], &["TRUE", "FALSE", "NA"]] {
        assert_eq!(kind(cells), Kind::Boolean, "{cells:?}");
    }
}

#[test]
fn words_among_numbers_are_told_with_their_rows() {
    let table = check("x,y\n1,a\nNA,b\ntwelve,c\n4,d\n,e\nnan,f\n7,g\n8,h\n");
    let x = column(&table, "x");
    assert_eq!((x.kind, x.n_null, x.n_numbers, x.n_texts), (Kind::Number, 2, 5, 1));
    assert_eq!(x.null_words, [("NA".to_owned(), 1)]);
    assert_eq!((x.strays.len(), x.strays[0].row.row, x.strays[0].text.as_str()), (1, 2, "twelve"));
    assert_eq!(x.null_rows.iter().map(|r| r.row).collect::<Vec<_>>(), [1, 4]);
    assert_eq!(x.number.as_ref().unwrap().n_nan, 1);
    assert_eq!(table.seen[&x.strays[0].row].line, Some(4));
}

#[test]
fn a_word_after_the_first_rows_is_a_stray() {
    let rows: String =
        (0..30_000).map(|i| if i == 25_000 { "oops,1\n".to_owned() } else { format!("{i},1\n") }).collect();
    let table = check(format!("x,y\n{rows}"));
    let x = column(&table, "x");
    assert_eq!((x.kind, x.n_texts), (Kind::Number, 1));
    assert_eq!((x.strays[0].row.row, table.seen[&x.strays[0].row].line), (25_000, Some(25_002)));
}

#[test]
fn a_column_that_begins_empty_is_read_by_what_follows() {
    let rows: String =
        (0..10_000).map(|i| if i < 5_000 { format!("{i},\n") } else { format!("{i},{i}.5\n") }).collect();
    let table = check(format!("n,late\n{rows}"));
    let late = column(&table, "late");
    assert_eq!((late.kind, late.n_null, late.n_numbers), (Kind::Number, 5_000, 5_000));
}

#[test]
fn booleans_have_the_rows_of_their_extremes() {
    let rows: String = (0..30).map(|i| format!("{i},{}\n", i == 17)).collect();
    let table = check(format!("n,flag\n{rows}"));
    let flag = column(&table, "flag").number.as_ref().unwrap();
    assert_eq!((flag.highest[0].row.row, flag.lowest[0].row.row), (17, 0));
    assert_eq!((flag.lowest.len(), flag.highest.len()), (20, 20));
}
