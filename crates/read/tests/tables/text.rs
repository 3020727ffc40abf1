//! Text tables as people write them.

use std::io::Write;

use stetho_core::table::Kind;

use crate::support::{check, column, kinds, malformed, names, refusal, try_check, values};

/// File lines of the rows with the smallest values of column `x`, by value.
fn lines_of_x(text: &str) -> Vec<(f64, u64, Option<u64>)> {
    let table = check(text);
    let lowest = &column(&table, "x").number.as_ref().unwrap().lowest;
    lowest.iter().map(|e| (e.value, e.row.row, table.seen[&e.row].line)).collect()
}

#[test]
fn ragged_rows_have_their_row_and_line() {
    let table = check("x,y\n1,2\n3\n\n4,5\n6,7,8\n9,10\n");
    assert_eq!(table.n_rows, 3);
    assert_eq!(
        malformed(&table),
        [
            (1, Some(3), "wrong number of fields: 1, expected 2"),
            (3, Some(6), "wrong number of fields: 3, expected 2"),
        ]
    );
    assert_eq!(table.malformed.kinds, [("wrong number of fields".to_owned(), 2)]);
    assert_eq!(table.malformed.rows[1].text, "6,7,8");
    let lowest = &column(&table, "x").number.as_ref().unwrap().lowest;
    assert_eq!(
        lowest.iter().map(|e| (e.value, e.row.row)).collect::<Vec<_>>(),
        [(1.0, 0), (4.0, 2), (9.0, 4)]
    );
}

#[test]
fn lines_are_right_after_blank_lines_quotes_and_any_line_end() {
    let expected = [(1.0, 0, Some(2)), (2.0, 1, Some(4)), (3.0, 2, Some(7)), (4.0, 3, Some(8))];
    let text = "x,note\n1,a\n\n2,\"b\nc\nd\"\n3,e\n4,f\n";
    assert_eq!(lines_of_x(text), expected);
    assert_eq!(lines_of_x(&text.replace('\n', "\r\n")), expected);
    assert_eq!(lines_of_x(&text.replace('\n', "\r")), expected);
    let plain = "x,note\n1,a\n\n2,b\n3,e\n\n\n4,f";
    let expected = [(1.0, 0, Some(2)), (2.0, 1, Some(4)), (3.0, 2, Some(5)), (4.0, 3, Some(8))];
    assert_eq!(lines_of_x(plain), expected);
    assert_eq!(lines_of_x(&plain.replace('\n', "\r\n")), expected);
    assert_eq!(lines_of_x(&plain.replace('\n', "\r")), expected);
    let mixed = "x,note\r\n1,a\n\n2,b\r3,\"e\"\r\n\r\n\r\n4,f\r\n";
    assert_eq!(lines_of_x(mixed), expected);
}

#[test]
fn an_unclosed_quote_costs_one_row() {
    for (row, text) in [
        (0, "x,y\n\"1,2\n3,4\n5,6\n"),
        (1, "x,y\n1,2\n\"3,4\n5,6\n"),
        (2, "x,y\n1,2\n3,4\n5,\"6\n"),
        (2, "x,y\n1,2\n3,4\n5,\"6"),
    ] {
        let table = check(text);
        assert_eq!(table.n_rows, 2, "{text}");
        let problem = "unclosed quote: a quoted field that starts here does not end";
        assert_eq!(malformed(&table), [(row, Some(row + 2), problem)], "{text}");
        let total: f64 =
            column(&table, "x").values.counts.iter().map(|(v, _)| v.parse::<f64>().unwrap()).sum();
        let expected = [8.0, 6.0, 4.0][row as usize];
        assert!((total - expected).abs() < 1e-9, "{text}: {total}");
    }
}

#[test]
fn quotes_inside_unquoted_fields_are_text() {
    for end in ["\n", "", "\r\n"] {
        let table = check(format!("size,x\n5\" pipe,1\n7\" pipe,2\n3\" pipe,3{end}"));
        assert_eq!((table.n_rows, table.malformed.count), (3, 0), "{end:?}");
        assert_eq!(values(column(&table, "size"))[0], ("3\" pipe", 1));
    }
}

#[test]
fn quoted_fields_hold_delimiters_quotes_and_line_ends() {
    let table = check("name,x\n\"a, \"\"b\"\"\",1\n\"c\nd\",2\n\"\",3\n");
    let name = column(&table, "name");
    assert_eq!(values(name), [("a, \"b\"", 1), ("c\nd", 1)]);
    assert_eq!(name.null_rows[0].row, 2);
}

#[test]
fn what_stands_before_the_header_is_stepped_over() {
    for preamble in
        ["\n", "\n\n\n", "# made by a tool\n", "# made by a tool\n# in 2024\n\n", "sep=,\n", "\r\n"]
    {
        let table = check(format!("{preamble}x,y,kind\n1,2,a\n3,4,b\n"));
        assert_eq!(names(&table), ["x", "y", "kind"], "{preamble:?}");
        assert_eq!((table.n_rows, table.malformed.count), (2, 0), "{preamble:?}");
        let line = preamble.matches('\n').count() as u64 + 2;
        let first = column(&table, "x").number.as_ref().unwrap().lowest[0].row;
        assert_eq!(table.seen[&first].line, Some(line), "{preamble:?}");
    }
    assert_eq!(names(&check("#id,x\n1,2\n2,3\n")), ["#id", "x"], "a header may start with a hash");
    assert_eq!(names(&check("#tags\n#a\n#b\n")), ["#tags"]);
}

#[test]
fn the_last_row_needs_no_line_end() {
    for text in ["x,y\n1,2\n3,4", "x,y\r\n1,2\r\n3,4", "x,y\r1,2\r3,4", "x,y\n1,\"2\"\n3,\"4\""] {
        let table = check(text);
        assert_eq!((table.n_rows, table.malformed.count), (2, 0), "{text:?}");
        assert_eq!(kinds(&table), [Kind::Number, Kind::Number], "{text:?}");
    }
}

#[test]
fn decimal_commas_go_with_semicolons() {
    let table = check("x;y\n1,5;2\n2,5;3\n-0,25;4\n");
    let x = column(&table, "x").number.as_ref().unwrap();
    assert!((x.mean - 1.25).abs() < 1e-12 && x.n_finite == 3);
}

#[test]
fn one_column_is_a_table() {
    let table = check("x\n1\n2\n\n4\n");
    assert_eq!((table.n_rows, names(&table)), (3, vec!["x"]));
    let table = check("name\nAnna\nBen\n");
    assert_eq!((table.n_rows, names(&table)), (2, vec!["name"]));
}

#[test]
fn encodings_are_told_apart() {
    let text = "ort,x\nKöln,1\nZürich,2\nMünchen,3\n";
    let utf16 = |f: fn(u16) -> [u8; 2]| text.encode_utf16().flat_map(f).collect::<Vec<u8>>();
    let (le, be) = (utf16(u16::to_le_bytes), utf16(u16::to_be_bytes));
    let latin = text.chars().map(|c| c as u8).collect::<Vec<u8>>();
    for bytes in [
        text.as_bytes().to_vec(),
        [b"\xEF\xBB\xBF", text.as_bytes()].concat(),
        [b"\xFF\xFE", &le[..]].concat(),
        [b"\xFE\xFF", &be[..]].concat(),
        le,
        be,
        latin,
    ] {
        let table = check(&bytes);
        assert_eq!(names(&table), ["ort", "x"], "{:?}", table.files);
        assert_eq!(values(column(&table, "ort")), [("Köln", 1), ("München", 1), ("Zürich", 1)]);
    }
}

#[test]
fn damaged_characters_are_repaired_and_told() {
    let mut bytes = b"name,x\n".to_vec();
    for i in 0..50 {
        bytes.extend_from_slice(format!("Zoë{i},{i}\n").as_bytes());
    }
    bytes.extend_from_slice(b"Zo\xFF,50\n");
    let table = check(&bytes);
    assert_eq!(table.n_rows, 51);
    assert_eq!(malformed(&table), [(50, Some(52), "not UTF-8: byte 0xff, read as `\u{fffd}`")]);
    assert!(values(column(&table, "name")).contains(&("Zo\u{fffd}", 1)));
}

#[test]
fn a_truncated_gzip_gives_its_whole_rows_and_says_so() {
    let text: String =
        (0..20_000u64).map(|i| format!("{i},{}\n", i.wrapping_mul(0x9E37_79B9_7F4A_7C15))).collect();
    let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    gzip.write_all(format!("x,y\n{text}").as_bytes()).unwrap();
    let bytes = gzip.finish().unwrap();
    let table = try_check("table.csv.gz", &bytes).unwrap().table;
    assert_eq!((table.n_rows, table.malformed.count), (20_000, 0));
    let table = try_check("table.csv.gz", &bytes[..bytes.len() / 2]).unwrap().table;
    assert!(table.n_rows > 5_000 && table.n_rows < 15_000, "{}", table.n_rows);
    let damage: Vec<_> = malformed(&table).into_iter().filter(|m| m.2.starts_with("damaged file")).collect();
    assert_eq!(damage.len(), 1, "{:?}", malformed(&table));
    assert!(damage[0].2.contains("ends early"));
    assert!(damage[0].0 >= table.n_rows, "the damage is after the rows");
    assert!(table.malformed.count <= 2, "the cut row and the damage");
}

#[test]
fn nothing_to_measure_is_an_error() {
    assert!(refusal("").contains("the file is empty"));
    assert!(refusal("\n \n\n").contains("empty"));
    assert!(refusal("x,y\n").contains("no rows"));
    assert!(refusal("x,y").contains("no rows"));
    assert!(refusal("x,y\n\n\n").contains("no rows"));
}

#[test]
fn content_decides_and_not_the_extension() {
    let table = try_check("table.parquet", b"x,y\n1,2\n3,4\n").unwrap().table;
    assert_eq!((table.n_rows, names(&table)), (2, vec!["x", "y"]));
    let table = try_check("table.csv", b"{\"x\": 1}\n{\"x\": 2}\n").unwrap().table;
    assert_eq!((table.n_rows, names(&table)), (2, vec!["x"]));
}

#[test]
fn columns_of_one_name_are_told_apart() {
    let table = check("a,a,b,a\n1,2,3,4\n5,6,7,8\n");
    assert_eq!(names(&table), ["a", "a_2", "b", "a_3"]);
    assert!(table.files[0].format.contains("a_2"), "{}", table.files[0].format);
    let many = format!("{}\n{}\n", vec!["same"; 3_000].join(","), vec!["1"; 3_000].join(","));
    let table = check(many);
    assert_eq!(table.columns.len(), 3_000);
    assert!(table.files[0].format.len() < 500, "{}", table.files[0].format.len());
}

#[test]
fn wide_tables_keep_every_column() {
    let n = 25_000;
    let header: Vec<String> = (0..n).map(|i| format!("measurement_{i:030}")).collect();
    let row = |r: usize| (0..n).map(|i| (i * 7 + r).to_string()).collect::<Vec<_>>().join(",");
    let text = format!("{}\n{}\n{}\n", header.join(","), row(0), row(1));
    let table = check(text);
    assert_eq!((table.columns.len(), table.n_rows, table.malformed.count), (n, 2, 0));
    assert_eq!(table.columns[n - 1].name, header[n - 1]);
    assert_eq!(values(&table.columns[3]), [("21", 1), ("22", 1)]);
}

#[test]
fn long_cells_are_read_whole() {
    let long = "z".repeat(1 << 20);
    let longer = format!("{}\n", "y".repeat(3 << 20));
    let table = check(format!("text,x\n{long},1\n\"{longer}\",2\nshort,3\n"));
    assert_eq!((table.n_rows, table.malformed.count), (3, 0));
    let profile = column(&table, "text").text.unwrap();
    assert_eq!((profile.min_length, profile.max_length), (5, longer.len() as u64));
}

/// Rows of a file of several blocks: cell texts with quotes, delimiters and line ends, so that block borders fall
/// anywhere.
fn large_rows() -> Vec<(u64, String)> {
    let mut state = 7u64;
    let mut next = |n: u64| {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 33) % n
    };
    let pieces = ["\"", ",", "\n", "\r\n", "a few words", "ü", " ", "\"\"", ";"];
    (0..160_000)
        .map(|i| {
            let n_pieces = next(12) * next(3);
            (i, (0..n_pieces).map(|_| pieces[next(9) as usize]).collect())
        })
        .collect()
}

#[test]
fn blocks_end_between_records() {
    let rows = large_rows();
    for (end, quote_all) in [("\n", true), ("\r\n", true), ("\n", false)] {
        let mut text = format!("x,note{end}");
        let (mut lines, mut line) = (Vec::new(), 2);
        for (i, cell) in &rows {
            lines.push(line);
            let quoted = quote_all || cell.contains(['"', ',', '\n', '\r']);
            let cell = if quoted { format!("\"{}\"", cell.replace('"', "\"\"")) } else { cell.clone() };
            let record = format!("{i},{cell}{end}");
            line += record.matches('\n').count() as u64;
            text.push_str(&record);
        }
        assert!(text.len() > 3 << 20, "{}", text.len());
        let table = check(&text);
        assert_eq!((table.n_rows, table.malformed.count), (rows.len() as u64, 0));
        assert_eq!(column(&table, "x").strictly_monotone, Some(true));
        let note = column(&table, "note");
        let empty = rows.iter().filter(|(_, cell)| cell.is_empty()).count() as u64;
        assert_eq!(note.n_null, empty);
        let lengths: u64 = rows.iter().map(|(_, cell)| cell.len() as u64).sum();
        let mean = lengths as f64 / (rows.len() as u64 - empty) as f64;
        assert!((note.text.unwrap().mean_length - mean).abs() < 1e-9);
        for extreme in &column(&table, "x").number.as_ref().unwrap().highest {
            let row = extreme.row.row;
            assert!((extreme.value - row as f64).abs() < 1e-9);
            assert_eq!(table.seen[&extreme.row].line, Some(lines[row as usize]));
        }
    }
}
