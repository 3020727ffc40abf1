//! The record equals an obvious computation, whatever the format, the number of files and of threads.

use std::fmt::Write as _;
use std::path::PathBuf;
use std::sync::Arc;

use arrow_array::{ArrayRef, BooleanArray, Float64Array, RecordBatch, StringArray, TimestampSecondArray};
use parquet::arrow::ArrowWriter;
use parquet::file::properties::WriterProperties;
use stetho_core::table::{Kind, Part, Table};
use stetho_read::{Plan, Unwatched, read_table};

use crate::slow::{Random, SlowColumn, SlowTable, Value, assert_columns, assert_groups, assert_overlap};
use crate::support::{Folder, column, plan};

fn time(seconds: f64) -> String {
    let text = chrono::DateTime::from_timestamp(seconds as i64, 0).unwrap().naive_utc().to_string();
    text.replace(' ', "T")
}

fn csv(table: &SlowTable) -> Vec<u8> {
    let mut text = table.0.iter().map(|c| c.name.as_str()).collect::<Vec<_>>().join(",") + "\n";
    for row in 0..table.n_rows() {
        let cell = |c: &SlowColumn| match (&c.values[row], c.kind) {
            (Value::Null, _) => String::new(),
            (Value::Number(v), Kind::Boolean) => (*v > 0.5).to_string(),
            (Value::Number(v), Kind::Time) => time(*v),
            (Value::Number(v), _) => v.to_string(),
            (Value::Text(text), _) => format!("\"{}\"", text.replace('"', "\"\"")),
        };
        text += &table.0.iter().map(cell).collect::<Vec<_>>().join(",");
        text.push('\n');
    }
    text.into_bytes()
}

fn jsonl(table: &SlowTable) -> Vec<u8> {
    let mut text = String::new();
    for row in 0..table.n_rows() {
        let cell = |c: &SlowColumn| {
            let value = match (&c.values[row], c.kind) {
                (Value::Null, _) => "null".to_owned(),
                (Value::Number(v), Kind::Boolean) => (*v > 0.5).to_string(),
                (Value::Number(v), Kind::Time) => format!("{:?}", time(*v)),
                (Value::Number(v), _) if v.is_nan() => "NaN".to_owned(),
                (Value::Number(v), _) if v.is_infinite() => {
                    format!("{}Infinity", if *v < 0.0 { "-" } else { "" })
                }
                (Value::Number(v), _) => v.to_string(),
                (Value::Text(text), _) => serde_json::to_string(text).unwrap(),
            };
            format!("{:?}: {value}", c.name)
        };
        let cells: Vec<_> = table.0.iter().map(cell).collect();
        let _ = writeln!(text, "{{{}}}", cells.join(", "));
    }
    text.into_bytes()
}

pub(crate) fn parquet(table: &SlowTable) -> Vec<u8> {
    let column = |c: &SlowColumn| -> ArrayRef {
        let numbers = || c.values.iter().map(|v| if let Value::Number(n) = v { Some(*n) } else { None });
        match c.kind {
            Kind::Text => Arc::new(StringArray::from_iter(
                c.values.iter().map(|v| if let Value::Text(t) = v { Some(t) } else { None }),
            )),
            Kind::Boolean => Arc::new(BooleanArray::from_iter(numbers().map(|n| n.map(|n| n > 0.5)))),
            Kind::Time => Arc::new(TimestampSecondArray::from_iter(numbers().map(|n| n.map(|n| n as i64)))),
            _ => Arc::new(Float64Array::from_iter(numbers())),
        }
    };
    let batch = RecordBatch::try_from_iter(table.0.iter().map(|c| (&c.name, column(c)))).unwrap();
    let properties = WriterProperties::builder().set_max_row_group_row_count(Some(11)).build();
    let mut writer = ArrowWriter::try_new(Vec::new(), batch.schema(), Some(properties)).unwrap();
    writer.write(&batch).unwrap();
    writer.into_inner().unwrap()
}

/// JSON has no times: they are texts there.
fn has_form(format: &str, table: &SlowTable) -> bool {
    format != "jsonl" || table.0.iter().all(|c| c.kind != Kind::Time)
}

type Write = fn(&SlowTable) -> Vec<u8>;
const FORMATS: [(&str, Write); 3] = [("csv", csv), ("jsonl", jsonl), ("parquet", parquet)];

/// The table in `n_files` files of about equal size.
fn write_files(folder: &Folder, table: &SlowTable, format: (&str, Write), n_files: usize) -> Vec<PathBuf> {
    let rows: Vec<usize> = (0..table.n_rows()).collect();
    let chunks = rows.chunks(table.n_rows().div_ceil(n_files));
    let file = |(i, rows): (usize, &[usize])| {
        folder.write(&format!("part{i}.{}", format.0), format.1(&table.take(rows)))
    };
    chunks.enumerate().map(file).collect()
}

fn read(plan: &Plan) -> Table {
    let reading = read_table(plan, &Unwatched).unwrap();
    assert!(!reading.partial && reading.skipped.is_empty());
    assert_eq!(reading.table.malformed.count, 0, "{:?}", reading.table.malformed.rows);
    reading.table
}

#[test]
fn random_tables_are_measured_as_by_hand() {
    for seed in 0..150 {
        let mut random = Random(seed * 7919 + 1);
        let train = SlowTable::random(&mut random);
        let rows: Vec<usize> = (0..train.n_rows()).filter(|row| *row == 0 || random.below(2) == 0).collect();
        let mut held_out = train.take(&rows);
        for value in held_out.0.iter_mut().flat_map(|c| c.values.iter_mut().skip(1)) {
            if let (Value::Number(v), 0) = (value, random.below(9)) {
                *v = 1.0 - *v;
            }
        }
        held_out.0.iter_mut().filter(|c| c.kind == Kind::Boolean).for_each(|c| {
            c.values.iter_mut().for_each(|v| {
                if let Value::Number(v) = v {
                    *v = v.clamp(0.0, 1.0);
                }
            });
        });
        for format in FORMATS.into_iter().filter(|f| has_form(f.0, &train)) {
            let threads = [1, 2, 5][random.below(3) as usize];
            let folder = Folder::new();
            let validation = vec![folder.write(&format!("val.{}", format.0), format.1(&held_out))];
            let target = Some(train.0[train.0.len() - 1].name.clone());
            let files = vec![folder.write(&format!("train.{}", format.0), format.1(&train))];
            let table = read(&Plan { validation, target, threads, ..plan(files) });
            assert_eq!(table.n_rows, train.n_rows() as u64);
            assert_columns(&table.columns, &train, Part::Train);
            assert_columns(&table.splits.get().unwrap()[0].columns, &held_out, Part::Validation);
            assert_groups(&table, &train);
            assert_overlap(&table, &train, &held_out);
        }
    }
}

#[test]
fn files_and_threads_do_not_change_the_record() {
    let mut random = Random(5);
    let mut whole = SlowTable::random(&mut random);
    while whole.n_rows() < 100 || whole.0.len() < 5 {
        whole = SlowTable::random(&mut random);
    }
    // each file must show the kinds by itself, so every file starts with the first row
    for n_files in [1, 3, 6] {
        let size = whole.n_rows().div_ceil(n_files);
        let rows: Vec<usize> = (0..whole.n_rows()).map(|row| if row % size == 0 { 0 } else { row }).collect();
        let train = whole.take(&rows);
        for format in FORMATS.into_iter().filter(|f| has_form(f.0, &train)) {
            for threads in [1, 2, 5] {
                let folder = Folder::new();
                let files = write_files(&folder, &train, format, n_files);
                let target = Some(train.0[1].name.clone());
                let table = read(&Plan { threads, target, ..plan(files) });
                assert_eq!(table.files.len(), n_files);
                assert_columns(&table.columns, &train, Part::Train);
            }
        }
    }
}

#[test]
fn large_tables_keep_their_promises_with_any_number_of_threads() {
    let n = 300_000u64;
    let value = |i: u64| (i.wrapping_mul(0x9E37_79B9_7F4A_7C15) >> 12) as f64 / (1u64 << 52) as f64;
    let mut text = String::from("number,value,word\n");
    (0..n).for_each(|i| {
        let _ = writeln!(text, "{},{},w{}", i, value(i), i % 5_000);
    });
    let mut sorted: Vec<f64> = (0..n).map(value).collect();
    sorted.sort_by(f64::total_cmp);
    let folder = Folder::new();
    let files = vec![folder.write("table.csv", text)];
    for threads in [1, 2, 5] {
        let make = || read(&Plan { threads, ..plan(files.clone()) });
        let (table, again) = (make(), make());
        assert_eq!(format!("{:?}", table.columns), format!("{:?}", again.columns), "every run is the same");
        let profile = column(&table, "value");
        let number = profile.number.as_ref().unwrap();
        assert!((number.mean - sorted.iter().sum::<f64>() / n as f64).abs() < 1e-9);
        assert_eq!(number.lowest.iter().map(|e| e.value).collect::<Vec<_>>(), &sorted[..20]);
        assert!(number.lowest.iter().all(|e| value(e.row.row).total_cmp(&e.value).is_eq()));
        for (i, q) in number.quantiles.0.iter().enumerate() {
            let rank = sorted.partition_point(|v| v < q) as f64 / n as f64;
            assert!((rank - i as f64 / 1000.0).abs() < 0.01, "{rank} {i}");
        }
        let error = profile.distinct.count as f64 / n as f64 - 1.0;
        assert!(!profile.distinct.exact && error.abs() < 0.06, "{error}");
        assert_eq!(column(&table, "number").strictly_monotone, Some(true));
        assert_eq!(table.duplicates.get().unwrap().n_groups, 0);
        assert_eq!(table.n_rows, n);
    }
}

#[test]
fn long_integers_stay_apart() {
    let start = 9_007_199_254_740_993u64;
    let mut text = String::from("code,x\n");
    (0..40_000).for_each(|i| {
        let _ = writeln!(text, "{},{}", start + i, i % 7);
    });
    let folder = Folder::new();
    let table = read(&plan(vec![folder.write("table.csv", text)]));
    assert_eq!(column(&table, "code").strictly_monotone, Some(true));
    assert_eq!(table.duplicates.get().unwrap().n_groups, 0);
    assert_eq!(column(&table, "code").n_texts, 0);
}
