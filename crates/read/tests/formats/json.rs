//! JSON lines and arrays.

use stetho_core::table::Kind;
use stetho_read::{Field, Lines};

use crate::support::{Folder, failure, read, try_read};

fn lines(text: &str) -> crate::support::Read {
    let folder = Folder::new();
    read(&folder.write("a.jsonl", text.as_bytes()))
}

#[test]
fn columns_come_in_the_order_of_the_fields() {
    let data = lines(
        "{\"z\": 1, \"a\": \"x\", \"ok\": true, \"deep\": {\"b\": [1, 2], \"a\": null}}\n\
         {\"a\": null, \"z\": 2.5, \"late\": \"y\"}\n",
    );
    assert_eq!(data.names(), ["z", "a", "ok", "deep", "late"]);
    assert_eq!(data.kinds(), [Kind::Number, Kind::Text, Kind::Boolean, Kind::Nested, Kind::Text]);
    assert_eq!(data.numbers("z"), [Some(1.0), Some(2.5)]);
    assert_eq!(data.texts("a"), [Some("x".to_owned()), None]);
    assert_eq!(data.booleans("ok"), [Some(true), None]);
    assert_eq!(data.texts("deep"), [Some("{\"a\":null,\"b\":[1,2]}".to_owned()), None]);
    assert_eq!(data.format, "JSON lines");
}

#[test]
fn broken_lines_are_stepped_over_and_told() {
    let data =
        lines("{\"a\": 1}\n\n[1]\r\n{\"a\": 2\n   \n{\"a\": 3}\n\"text\"\n{\"a\": 4} {\"a\": 5}\n{\"a\": 6}");
    assert_eq!(data.numbers("a"), [Some(1.0), Some(3.0), Some(6.0)]);
    let batch = &data.batches[0];
    assert_eq!((0..3).map(|i| batch.row_number(i)).collect::<Vec<_>>(), [0, 3, 6]);
    assert_eq!(batch.lines, Lines::Each(vec![1, 6, 9]));
    let malformed: Vec<_> =
        data.malformed().iter().map(|m| (m.row, m.line.unwrap(), m.text.as_str())).collect();
    assert_eq!(
        malformed,
        [(1, 3, "[1]"), (2, 4, "{\"a\": 2"), (4, 7, "\"text\""), (5, 8, "{\"a\": 4} {\"a\": 5}")]
    );
    assert!(data.malformed().iter().all(|m| m.problem.starts_with("not a JSON object: ")));
}

#[test]
fn texts_among_numbers_are_strays_or_null_words() {
    let data = lines(
        "{\"n\": 1}\n{\"n\": \"NA\"}\n{\"n\": 2}\n{\"n\": \"many\"}\n{\"n\": 3}\n{\"n\": true}\n{\"n\": \"NA\"}\n{\"n\": 9}",
    );
    assert_eq!(data.kinds(), [Kind::Number]);
    assert_eq!(data.numbers("n"), [Some(1.0), None, Some(2.0), None, Some(3.0), None, None, Some(9.0)]);
    let notes = &data.batches[0].notes[0];
    assert_eq!(notes.null_words, [("NA".to_owned(), 2)]);
    assert_eq!(notes.strays, [(3, "many".to_owned()), (5, "true".to_owned())]);
    let data = lines("{\"n\": \"a\"}\n{\"n\": \"b\"}\n{\"n\": 1}\n{\"n\": 2.50}\n{\"n\": false}");
    assert_eq!(data.kinds(), [Kind::Text]);
    let texts: Vec<String> = data.texts("n").into_iter().flatten().collect();
    assert_eq!(texts, ["a", "b", "1", "2.5", "false"]);
}

#[test]
fn numbers_keep_every_bit() {
    let data = lines(
        "{\"i\": 9007199254740993, \"f\": 0.1, \"u\": 18446744073709551615}\n{\"i\": -1, \"f\": 5e-324, \"u\": 1}",
    );
    let column = data.batches[0].rows.column(0);
    assert_eq!(
        arrow_array::cast::AsArray::as_primitive::<arrow_array::types::Int64Type>(column).value(0),
        9007199254740993
    );
    assert_eq!(data.numbers("f"), [Some(0.1), Some(5e-324)]);
    assert_eq!(data.numbers("u"), [Some(u64::MAX as f64), Some(1.0)]);
}

#[test]
fn bare_nan_and_infinity_are_numbers() {
    let data = lines(
        "{\"n\": NaN, \"t\": \"NaN \\\" Infinity\"}\n{\"n\": -Infinity, \"t\": \"b\"}\n{\"n\": Infinity, \"t\": \"\"}\n{\"n\": 1.5}",
    );
    let numbers = data.numbers("n");
    assert!(numbers[0].unwrap().is_nan());
    assert_eq!(numbers[1..], [Some(f64::NEG_INFINITY), Some(f64::INFINITY), Some(1.5)]);
    assert_eq!(data.texts("t")[0].as_deref(), Some("NaN \" Infinity"));
    assert!(data.malformed().is_empty());
}

#[test]
fn text_that_is_not_utf8_is_repaired() {
    let folder = Folder::new();
    let data = read(&folder.write("a.jsonl", b"{\"a\": \"good\"}\n{\"a\": \"caf\xe9\"}\n"));
    assert_eq!(data.texts("a")[1].as_deref(), Some("caf\u{fffd}"));
    assert_eq!(data.malformed().len(), 1);
    assert!(data.malformed()[0].problem.starts_with("not UTF-8"));
}

#[test]
fn arrays_of_objects() {
    let folder = Folder::new();
    let text = b" [\n  {\"a\": 1, \"b\": \"x]}\\\"\"},\n  {\n    \"a\": 2,\n    \"b\": \"[\"\n  }\n, 7, {\"a\": 3} ]\n";
    let data = read(&folder.write("a.json", text));
    assert_eq!(data.numbers("a"), [Some(1.0), Some(2.0), Some(3.0)]);
    assert_eq!(data.batches[0].lines, Lines::Each(vec![2, 3, 7]));
    assert_eq!(data.texts("b")[0].as_deref(), Some("x]}\""));
    assert_eq!(data.malformed().iter().map(|m| (m.row, m.line)).collect::<Vec<_>>(), [(2, Some(7))]);
    assert!(failure(&folder.write("b.json", b"[]")).contains("empty"));
    let cut = read(&folder.write("c.json", b"[{\"a\": 1}, {\"a\": 2}"));
    assert_eq!((cut.n_rows(), cut.malformed().len()), (2, 1));
}

#[test]
fn large_files_are_cut_into_blocks_of_whole_lines() {
    let folder = Folder::new();
    let text: String =
        (0..300_000).map(|i| format!("{{\"row\": {i}, \"text\": \"some words {}\"}}\n", i % 977)).collect();
    let array = format!("[{}]", text.trim_end().replace('\n', ",\n"));
    for (name, text) in [("a.jsonl", &text), ("a.json", &array)] {
        let data = read(&folder.write(name, text.as_bytes()));
        assert!(data.n_parts >= 3, "{name}: {}", data.n_parts);
        assert_eq!(data.n_rows(), 300_000);
        assert!(data.numbers("row").iter().enumerate().all(|(at, v)| *v == Some(at as f64)), "{name}");
        assert_eq!(data.part_bytes, text.len() as u64);
        let last = data.batches.last().unwrap();
        assert_eq!(last.lines.of(last.rows.num_rows() - 1), Some(300_000));
        assert!(data.malformed().is_empty());
    }
}

#[test]
fn a_line_longer_than_a_block() {
    let long = "x".repeat(9 << 20);
    let data = lines(&format!("{{\"a\": 1}}\n{{\"a\": 2, \"t\": \"{long}\"}}\n{{\"a\": 3}}\n"));
    assert_eq!(data.numbers("a"), [Some(1.0), Some(2.0), Some(3.0)]);
    if let Ok(at) = data.names().binary_search(&"t") {
        assert_eq!(at, 1);
    }
}

#[test]
fn fields_that_come_late_are_told_once_a_part() {
    let mut text: String = (0..5_000).map(|i| format!("{{\"a\": {i}}}\n")).collect();
    text.push_str("{\"a\": 1, \"late\": 2}\n{\"a\": 2, \"late\": 2}\n");
    let data = lines(&text);
    assert_eq!((data.names(), data.n_rows()), (vec!["a"], 5_002));
    let malformed = data.malformed();
    assert_eq!(malformed.len(), 1);
    assert_eq!(malformed[0].row, 5_000);
    assert!(malformed[0].problem.starts_with("unknown field: `late`"));
}

#[test]
fn a_validation_file_is_typed_like_the_training_file() {
    let folder = Folder::new();
    let field = |name: &str, kind| Field { name: name.to_owned(), kind };
    let expected = [field("code", Kind::Text), field("n", Kind::Number), field("none", Kind::Number)];
    let path = folder.write(
        "a.jsonl",
        b"{\"code\": 7, \"n\": \"x\", \"none\": null}\n{\"code\": 8, \"n\": \"y\"}\n{\"n\": 3}\n",
    );
    let data = try_read(&path, Some(&expected)).unwrap();
    assert_eq!(data.kinds(), [Kind::Text, Kind::Number, Kind::Number]);
    assert_eq!(data.texts("code")[0].as_deref(), Some("7"));
    assert_eq!(read(&path).kinds(), [Kind::Number, Kind::Text, Kind::Text]);
}

#[test]
fn deep_nesting_is_an_entry_not_a_crash() {
    let deep = "[".repeat(100_000);
    let data = lines(&format!("{{\"a\": 1}}\n{{\"a\": {deep}}}\n"));
    assert_eq!((data.n_rows(), data.malformed().len()), (1, 1));
}
