//! Parquet and Arrow IPC.

use std::sync::Arc;

use arrow_array::builder::{Int32Builder, ListBuilder};
use arrow_array::cast::AsArray;
use arrow_array::types::{Int32Type, Int64Type};
use arrow_array::{
    ArrayRef, BinaryArray, BooleanArray, Date32Array, Decimal128Array, DictionaryArray,
    DurationMillisecondArray, Float16Array, Float32Array, Int8Array, Int64Array, LargeStringArray, NullArray,
    RecordBatch, StringArray, StringViewArray, StructArray, Time32SecondArray, TimestampNanosecondArray,
    UInt64Array,
};
use arrow_ipc::writer::{FileWriter, IpcWriteOptions, StreamWriter};
use arrow_schema::{DataType, Field, Schema};
use parquet::arrow::ArrowWriter;
use parquet::data_type::{ByteArray, ByteArrayType};
use parquet::file::properties::WriterProperties;
use parquet::file::writer::SerializedFileWriter;
use parquet::schema::parser::parse_message_type;
use stetho_core::table::Kind;

use crate::support::{Folder, failure, read};

pub(crate) fn parquet(batch: &RecordBatch, group_rows: usize) -> Vec<u8> {
    let properties = WriterProperties::builder().set_max_row_group_row_count(Some(group_rows)).build();
    let mut writer = ArrowWriter::try_new(Vec::new(), batch.schema(), Some(properties)).unwrap();
    writer.write(batch).unwrap();
    writer.into_inner().unwrap()
}

pub(crate) fn ipc_file(batches: &[RecordBatch], options: IpcWriteOptions) -> Vec<u8> {
    let mut writer = FileWriter::try_new_with_options(Vec::new(), &batches[0].schema(), options).unwrap();
    batches.iter().for_each(|batch| writer.write(batch).unwrap());
    writer.into_inner().unwrap()
}

pub(crate) fn ipc_stream(batches: &[RecordBatch]) -> Vec<u8> {
    let mut writer = StreamWriter::try_new(Vec::new(), &batches[0].schema()).unwrap();
    batches.iter().for_each(|batch| writer.write(batch).unwrap());
    writer.into_inner().unwrap()
}

fn list() -> ArrayRef {
    let mut builder = ListBuilder::new(Int32Builder::new());
    builder.append_value([Some(1), None, Some(3)]);
    builder.append_null();
    builder.append_value([]);
    Arc::new(builder.finish())
}

/// Three rows of every type that both formats know.
pub(crate) fn every_type() -> RecordBatch {
    let half = |v: f32| half::f16::from_f32(v);
    let structure = StructArray::from(vec![(
        Arc::new(Field::new("x", DataType::Utf8, true)),
        Arc::new(StringArray::from(vec!["a", "b", "c"])) as ArrayRef,
    )]);
    let decimal =
        Decimal128Array::from(vec![Some(12_345), None, Some(-1)]).with_precision_and_scale(10, 2).unwrap();
    let stamps = vec![Some(1_700_000_000_123_456_789), None, Some(-1_500_000_000)];
    let columns: Vec<(&str, ArrayRef)> = vec![
        ("tiny", Arc::new(Int8Array::from(vec![Some(-128), None, Some(127)]))),
        ("long", Arc::new(Int64Array::from(vec![i64::MIN, 0, i64::MAX]))),
        ("unsigned", Arc::new(UInt64Array::from(vec![1, 2, u64::MAX]))),
        ("half", Arc::new(Float16Array::from(vec![half(0.5), half(-2.0), half(f32::INFINITY)]))),
        ("single", Arc::new(Float32Array::from(vec![Some(1.5), None, Some(f32::NAN)]))),
        ("decimal", Arc::new(decimal)),
        ("flag", Arc::new(BooleanArray::from(vec![Some(true), None, Some(false)]))),
        ("text", Arc::new(StringArray::from(vec![Some("é"), None, Some("")]))),
        ("large", Arc::new(LargeStringArray::from(vec!["x", "y", "z"]))),
        ("view", Arc::new(StringViewArray::from(vec!["longer than twelve bytes", "b", "c"]))),
        (
            "word",
            Arc::new(
                vec![Some("red"), None, Some("red")].into_iter().collect::<DictionaryArray<Int32Type>>(),
            ),
        ),
        ("day", Arc::new(Date32Array::from(vec![Some(1), None, Some(-1)]))),
        ("stamp", Arc::new(TimestampNanosecondArray::from(stamps).with_timezone("Europe/Zurich"))),
        ("clock", Arc::new(Time32SecondArray::from(vec![0, 3_600, 86_399]))),
        ("took", Arc::new(DurationMillisecondArray::from(vec![1, 1_500, -2]))),
        ("bytes", Arc::new(BinaryArray::from(vec![Some(&b"\xff\x00"[..]), None, Some(b"ab")]))),
        ("list", list()),
        ("structure", Arc::new(structure)),
        ("nothing", Arc::new(NullArray::new(3))),
    ];
    RecordBatch::try_from_iter_with_nullable(columns.into_iter().map(|(n, c)| (n, c, true))).unwrap()
}

fn check_every_type(name: &str, bytes: &[u8]) {
    let folder = Folder::new();
    let data = read(&folder.write(name, bytes));
    assert_eq!(data.n_rows(), 3, "{name}");
    assert_eq!(data.malformed(), Vec::<&_>::new());
    assert_eq!(data.numbers("tiny"), [Some(-128.0), None, Some(127.0)]);
    assert_eq!(data.batches[0].rows.column(data.at("long")).data_type(), &DataType::Int64);
    assert_eq!(data.batches[0].rows.column(data.at("long")).as_primitive::<Int64Type>().value(0), i64::MIN);
    assert_eq!(data.numbers("unsigned"), [Some(1.0), Some(2.0), Some(u64::MAX as f64)]);
    assert_eq!(data.numbers("half"), [Some(0.5), Some(-2.0), Some(f64::INFINITY)]);
    let single = data.numbers("single");
    assert_eq!(single[..2], [Some(1.5), None]);
    assert!(single[2].unwrap().is_nan(), "NaN is a value, not missing");
    assert_eq!(data.numbers("decimal"), [Some(123.45), None, Some(-0.01)]);
    assert_eq!(data.booleans("flag"), [Some(true), None, Some(false)]);
    let texts =
        |name: &str| data.texts(name).into_iter().map(|t| t.unwrap_or("NULL".into())).collect::<Vec<_>>();
    assert_eq!(texts("text"), ["é", "NULL", ""]);
    assert_eq!(texts("large"), ["x", "y", "z"]);
    assert_eq!(texts("view"), ["longer than twelve bytes", "b", "c"]);
    assert_eq!(texts("word"), ["red", "NULL", "red"]);
    assert_eq!(data.numbers("day"), [Some(86_400.0), None, Some(-86_400.0)]);
    let stamp = data.numbers("stamp");
    assert!((stamp[0].unwrap() - 1_700_000_000.123_456_8).abs() < 1e-6);
    assert_eq!(stamp[1..], [None, Some(-1.5)]);
    assert_eq!(data.numbers("clock"), [Some(0.0), Some(3_600.0), Some(86_399.0)]);
    assert_eq!(data.numbers("took"), [Some(0.001), Some(1.5), Some(-0.002)]);
    assert_eq!(texts("bytes"), ["ff00", "NULL", "6162"]);
    assert_eq!(texts("list"), ["[1, null, 3]", "NULL", "[]"]);
    assert_eq!(texts("structure"), ["{x: \"a\"}", "{x: \"b\"}", "{x: \"c\"}"]);
    assert_eq!(texts("nothing"), ["NULL", "NULL", "NULL"]);
    let kind = |name: &str| data.fields[data.at(name)].kind;
    let of = |names: &[&str]| names.iter().map(|n| kind(n)).collect::<Vec<_>>();
    assert!(of(&["tiny", "unsigned", "half", "decimal", "clock", "took"]).iter().all(|k| *k == Kind::Number));
    assert!(of(&["text", "large", "view", "word", "nothing"]).iter().all(|k| *k == Kind::Text));
    assert!(of(&["day", "stamp"]).iter().all(|k| *k == Kind::Time));
    assert!(of(&["bytes", "list", "structure"]).iter().all(|k| *k == Kind::Nested));
}

#[test]
fn parquet_types_become_canonical() {
    check_every_type("a.parquet", &parquet(&every_type(), 1_000));
    check_every_type("a.parquet", &parquet(&every_type(), 2));
}

#[test]
fn arrow_types_become_canonical() {
    check_every_type("a.arrow", &ipc_file(&[every_type()], IpcWriteOptions::default()));
    check_every_type("a.arrows", &ipc_stream(&[every_type()]));
    for codec in [arrow_ipc::CompressionType::LZ4_FRAME, arrow_ipc::CompressionType::ZSTD] {
        let options = IpcWriteOptions::default().try_with_compression(Some(codec)).unwrap();
        check_every_type("a.feather", &ipc_file(&[every_type()], options));
    }
}

fn counting(n: usize) -> RecordBatch {
    let row: ArrayRef = Arc::new(Int64Array::from_iter_values(0..n as i64));
    let text: ArrayRef = Arc::new(StringArray::from_iter_values((0..n).map(|i| format!("t{}", i % 977))));
    RecordBatch::try_from_iter([("row", row), ("text", text)]).unwrap()
}

fn check_counting(data: &crate::support::Read, n: usize) {
    assert_eq!(data.n_rows(), n);
    let rows = data.numbers("row");
    assert!(rows.iter().enumerate().all(|(at, v)| *v == Some(at as f64)), "all rows, in order");
    let texts = data.texts("text");
    assert!(texts.iter().enumerate().all(|(at, t)| t.as_deref() == Some(&format!("t{}", at % 977))));
    for batch in &data.batches {
        let first = crate::support::numbers(batch.rows.column(0))[0].unwrap();
        assert_eq!(batch.first_row, first as u64);
    }
}

#[test]
fn large_row_groups_are_cut_into_parts() {
    let folder = Folder::new();
    let n = 300_001;
    let bytes = parquet(&counting(n), n);
    let data = read(&folder.write("a.parquet", &bytes));
    assert_eq!(data.n_parts, 2, "one row group of more rows than a part");
    check_counting(&data, n);
    assert!(data.part_bytes > bytes.len() as u64 / 2 && data.part_bytes <= bytes.len() as u64);
    let data = read(&folder.write("b.parquet", &parquet(&counting(10_000), 999)));
    assert_eq!(data.n_parts, 11);
    check_counting(&data, 10_000);
}

#[test]
fn arrow_batches_are_parts_and_sliced() {
    let folder = Folder::new();
    let whole = counting(50_000);
    let pieces = [whole.slice(0, 40_000), whole.slice(40_000, 0), whole.slice(40_000, 10_000)];
    let data = read(&folder.write("a.arrow", &ipc_file(&pieces, IpcWriteOptions::default())));
    assert_eq!(data.n_parts, 3);
    check_counting(&data, 50_000);
    check_counting(&read(&folder.write("a.arrows", &ipc_stream(&pieces))), 50_000);
}

#[test]
fn dictionaries_that_change_along_a_stream() {
    let folder = Folder::new();
    let words = |list: &[&str]| {
        let array: ArrayRef = Arc::new(list.iter().map(|w| Some(*w)).collect::<DictionaryArray<Int32Type>>());
        RecordBatch::try_from_iter([("word", array)]).unwrap()
    };
    let batches = [words(&["a", "b", "a"]), words(&["c", "a"]), words(&["d"])];
    let data = read(&folder.write("a.arrows", &ipc_stream(&batches)));
    let texts: Vec<String> = data.texts("word").into_iter().flatten().collect();
    assert_eq!(texts, ["a", "b", "a", "c", "a", "d"]);
}

#[test]
fn zero_rows_keep_their_columns() {
    let folder = Folder::new();
    let empty = counting(0);
    for (name, bytes) in [
        ("a.parquet", parquet(&empty, 10)),
        ("a.arrow", ipc_file(std::slice::from_ref(&empty), IpcWriteOptions::default())),
        ("a.arrows", ipc_stream(std::slice::from_ref(&empty))),
    ] {
        let data = read(&folder.write(name, &bytes));
        assert_eq!((data.n_rows(), data.names()), (0, vec!["row", "text"]), "{name}");
    }
}

#[test]
fn ten_thousand_columns() {
    let column: ArrayRef = Arc::new(Int64Array::from_iter_values(0..300));
    let columns = (0..10_000).map(|c| (format!("c{c}"), Arc::clone(&column)));
    let batch = RecordBatch::try_from_iter(columns).unwrap();
    let folder = Folder::new();
    for (name, bytes) in
        [("a.parquet", parquet(&batch, 1_000)), ("a.arrow", ipc_file(&[batch], IpcWriteOptions::default()))]
    {
        let data = read(&folder.write(name, &bytes));
        assert_eq!((data.fields.len(), data.n_rows()), (10_000, 300));
        assert!((100..=200).contains(&data.batches[0].rows.num_rows()), "two million cells a batch");
        assert_eq!(data.numbers("c9999")[299], Some(299.0));
    }
}

#[test]
fn texts_of_a_megabyte() {
    let long = |c: &str| c.repeat(1 << 20);
    let text: ArrayRef =
        Arc::new(StringArray::from_iter_values((0..40).map(|i| long(&(i % 10).to_string()))));
    let batch = RecordBatch::try_from_iter([("text", text)]).unwrap();
    let folder = Folder::new();
    let plain = WriterProperties::builder().set_dictionary_enabled(false).build();
    let mut writer = ArrowWriter::try_new(Vec::new(), batch.schema(), Some(plain)).unwrap();
    writer.write(&batch).unwrap();
    for (name, bytes) in [
        ("a.parquet", writer.into_inner().unwrap()),
        ("a.arrow", ipc_file(&[batch], IpcWriteOptions::default())),
    ] {
        let data = read(&folder.write(name, &bytes));
        let texts = data.texts("text");
        assert!(texts.iter().enumerate().all(|(i, t)| t.as_deref() == Some(&long(&(i % 10).to_string()))));
        assert!(data.batches.iter().all(|b| b.rows.num_rows() <= 17), "16 MiB a batch");
    }
}

#[test]
fn repeated_column_names_are_told_apart() {
    let column: ArrayRef = Arc::new(Int64Array::from(vec![1]));
    let fields: Vec<Field> = ["a", "a", "a_2", "a"].map(|n| Field::new(n, DataType::Int64, true)).into();
    let batch = RecordBatch::try_new(Arc::new(Schema::new(fields)), vec![column; 4]).unwrap();
    let folder = Folder::new();
    for (name, bytes) in
        [("a.parquet", parquet(&batch, 10)), ("a.arrow", ipc_file(&[batch], IpcWriteOptions::default()))]
    {
        let data = read(&folder.write(name, &bytes));
        assert_eq!(data.names(), ["a", "a_3", "a_2", "a_4"]);
        assert!(data.format.contains("`a` read as `a_3`"), "{}", data.format);
    }
}

/// A Parquet file whose text column holds these bytes, as writers that do not check leave behind.
fn unchecked_text(cells: &[&[u8]]) -> Vec<u8> {
    let schema = "message m { required binary word (UTF8); optional binary note (UTF8); }";
    let schema = Arc::new(parse_message_type(schema).unwrap());
    let mut writer = SerializedFileWriter::new(Vec::new(), schema, Arc::default()).unwrap();
    let mut group = writer.next_row_group().unwrap();
    let values: Vec<ByteArray> = cells.iter().map(|c| ByteArray::from(c.to_vec())).collect();
    for levels in [None, Some(vec![1i16; cells.len()])] {
        let mut column = group.next_column().unwrap().unwrap();
        column.typed::<ByteArrayType>().write_batch(&values, levels.as_deref(), None).unwrap();
        column.close().unwrap();
    }
    group.close().unwrap();
    writer.into_inner().unwrap()
}

#[test]
fn text_that_is_not_utf8_is_repaired_cell_by_cell() {
    let folder = Folder::new();
    let mut cells: Vec<&[u8]> = vec![b"good"; 40_000];
    cells[30_000] = b"caf\xe9";
    let data = read(&folder.write("a.parquet", &unchecked_text(&cells)));
    assert_eq!(data.kinds(), [Kind::Text, Kind::Text]);
    assert_eq!(data.n_rows(), 40_000);
    for name in ["word", "note"] {
        let texts = data.texts(name);
        assert_eq!(texts[30_000].as_deref(), Some("caf\u{fffd}"));
        assert_eq!(texts.iter().flatten().filter(|t| *t == "good").count(), 39_999);
    }
    let malformed = data.malformed();
    assert_eq!(malformed.len(), 1, "one entry a row");
    assert_eq!((malformed[0].row, malformed[0].text.as_str()), (30_000, "caf\u{fffd}"));
    assert!(malformed[0].problem.starts_with("not UTF-8"));
}

#[test]
fn a_broken_page_costs_its_part_only() {
    let folder = Folder::new();
    let column: ArrayRef = Arc::new(Int64Array::from_iter_values((0..30_000).map(|i| i * 7_919 % 30_011)));
    let batch = RecordBatch::try_from_iter([("row", column)]).unwrap();
    let properties = WriterProperties::builder()
        .set_max_row_group_row_count(Some(10_000))
        .set_compression(parquet::basic::Compression::SNAPPY)
        .build();
    let mut writer = ArrowWriter::try_new(Vec::new(), batch.schema(), Some(properties)).unwrap();
    writer.write(&batch).unwrap();
    let mut bytes = writer.into_inner().unwrap();
    let middle = bytes.len() / 2;
    bytes[middle - 5_000..middle].fill(0xff);
    let data = read(&folder.write("a.parquet", &bytes));
    let malformed = data.malformed();
    assert!(!malformed.is_empty() && malformed.iter().all(|m| m.problem.starts_with("damaged file: rows")));
    assert!(data.n_rows() >= 10_000 && data.n_rows() < 30_000, "{}", data.n_rows());
}

#[test]
fn what_is_wrong_with_a_file_is_told() {
    let folder = Folder::new();
    let good = parquet(&every_type(), 10);
    let message = failure(&folder.write("cut.parquet", &good[..good.len() - 5]));
    assert!(message.contains("truncated: its footer is missing"), "{message}");
    let mut encrypted = good.clone();
    let n = encrypted.len();
    encrypted[n - 1] = b'E';
    encrypted[3] = b'E';
    assert!(failure(&folder.write("secret.parquet", &encrypted)).contains("encrypted"));
    let mut broken = good;
    broken[n - 40..n - 8].fill(0xff);
    assert!(
        failure(&folder.write("broken.parquet", &broken)).contains("footer of the Parquet file is damaged")
    );
    let arrow = ipc_file(&[every_type()], IpcWriteOptions::default());
    let message = failure(&folder.write("cut.arrow", &arrow[..arrow.len() - 1]));
    assert!(message.contains("the Arrow file is truncated"), "{message}");
}
