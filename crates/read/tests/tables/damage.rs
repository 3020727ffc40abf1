//! Bytes that are no table, half a table, or a table with holes: never a panic, never a hang.

use std::time::{Duration, Instant};

use stetho_core::table::{Kind, Table};

use crate::slow::{Random, SlowTable};
use crate::support::{Folder, check, malformed, plan, try_check};
use crate::twins::parquet;

/// What every record promises, however odd the file.
fn assert_sound(table: &Table) {
    for column in &table.columns {
        assert_eq!(column.n_rows, table.n_rows, "{}", column.name);
        assert!(column.n_null <= column.n_rows);
        let n_profiled = if column.kind == Kind::Nested { 0 } else { column.n_values() };
        assert_eq!(column.n_numbers + column.n_texts, n_profiled, "{column:?}");
        assert!(column.distinct.count <= column.n_rows);
        for row in column.null_rows.iter().chain(column.strays.iter().map(|s| &s.row)) {
            assert!(table.seen.contains_key(row), "{row:?} has no place");
        }
    }
    assert_eq!(table.malformed.count, table.malformed.kinds.iter().map(|k| k.1).sum::<u64>());
}

fn read(name: &str, bytes: &[u8]) {
    match try_check(name, bytes) {
        Ok(reading) => assert_sound(&reading.table),
        Err(error) => assert!(!error.to_string().contains("bug"), "{error}"),
    }
}

const SAMPLE: &str = "x,name,when,flag\r\n1,\"a, b\",2024-01-01,true\r\n2.5,\"line\nbreak\",2024-01-02,false\r\n\
                      \r\nNA,\"say \"\"hi\"\"\",2024-01-03,true\r\n4,Zoë,2024-01-04,\r\n5,z,2024-01-05,false";

#[test]
fn every_truncation_is_read_or_refused() {
    let utf16: Vec<u8> = SAMPLE.encode_utf16().flat_map(u16::to_le_bytes).collect();
    for bytes in [SAMPLE.as_bytes(), &utf16] {
        for end in 0..=bytes.len() {
            read("table.csv", &bytes[..end]);
        }
    }
}

#[test]
fn a_truncation_costs_the_last_row_only() {
    let bytes = SAMPLE.as_bytes();
    let first_row = SAMPLE.find("\r\n").unwrap() + 2;
    for end in first_row + 30..bytes.len() {
        let table = check(&bytes[..end]);
        let whole = ["true\r\n", "false\r\n", "03,true\r\n", "04,\r\n"]
            .iter()
            .scan(first_row, |from, row| {
                *from += SAMPLE[*from..].find(row)? + row.len() - 2;
                Some(*from)
            })
            .filter(|at| *at <= end)
            .count() as u64;
        assert!((whole..=whole + 1).contains(&table.n_rows), "{end}: {} of {whole}", table.n_rows);
        assert!(table.malformed.count <= 2, "{end}: {:?}", malformed(&table));
    }
}

/// Changes `bytes` in a few places: bits, bytes that mean something, pieces cut out, doubled or moved.
fn mutate(bytes: &mut Vec<u8>, random: &mut Random) {
    const PIECES: [&[u8]; 14] = [
        b"\"", b",", b"\n", b"\r", b"\r\n", b"\0", b"\xff", b";", b"nan", b"1e999", b"{", b"[", b"\"\"", b"#",
    ];
    for _ in 0..=random.below(4) {
        let at = random.below(bytes.len() as u64 + 1) as usize;
        let to = (at + random.below(20) as usize).min(bytes.len());
        match random.below(5) {
            0 if at < bytes.len() => bytes[at] ^= 1 << random.below(8),
            1 => drop(bytes.drain(at..to)),
            2 => {
                let piece = bytes[at..to].to_vec();
                bytes.splice(at..at, piece);
            }
            _ => {
                bytes.splice(at..at, PIECES[random.below(14) as usize].iter().copied());
            }
        }
    }
}

fn noise(random: &mut Random) -> Vec<u8> {
    const ALPHABET: &[u8] = b"\"\",,;\n\n\r\t|a1.-#\xc3\xa9\xff ";
    let any = random.below(4) == 0;
    (0..random.below(200))
        .map(|_| {
            let byte = random.below(256) as u8;
            if any { byte } else { ALPHABET[usize::from(byte) % ALPHABET.len()] }
        })
        .collect()
}

#[test]
fn noise_and_damaged_files_never_panic() {
    let mut random = Random(11);
    for _ in 0..400 {
        read("table.csv", &noise(&mut random));
        let mut bytes = SAMPLE.as_bytes().to_vec();
        mutate(&mut bytes, &mut random);
        read("table.csv", &bytes);
    }
}

/// A NumPy array of three rows and two columns.
fn npy() -> Vec<u8> {
    let header = format!("{:<117}\n", "{'descr': '<f8', 'fortran_order': False, 'shape': (3, 2), }");
    let cells = (0..6).flat_map(|i| f64::from(i).to_le_bytes());
    [&b"\x93NUMPY\x01\x00\x76\x00"[..], header.as_bytes()].concat().into_iter().chain(cells).collect()
}

#[test]
fn the_array_is_one_before_it_is_damaged() {
    assert_eq!(try_check("t.npy", &npy()).unwrap().table.n_rows, 3);
}

/// As above for half a minute, on every format: `cargo test -p stetho-read --test tables -- --ignored`.
#[test]
#[ignore = "takes half a minute"]
fn half_a_minute_of_damage() {
    let lines = "{\"a\": 1, \"b\": [1, {\"c\": null}], \"d\": \"x\\u00e9\"}\n{\"a\": 2.5, \"d\": true}\n\n{\"b\": {}}\n";
    let array = format!("[{}]", lines.trim().replace("\n\n", "\n").replace('\n', ",\n"));
    let mut random = Random(std::process::id().into());
    let table = SlowTable::random(&mut random);
    let files = [
        ("t.csv", SAMPLE.as_bytes().to_vec()),
        ("t.jsonl", lines.as_bytes().to_vec()),
        ("t.json", array.into_bytes()),
        ("t.parquet", parquet(&table)),
        ("t.npy", npy()),
    ];
    let (start, mut n) = (Instant::now(), 0);
    while start.elapsed() < Duration::from_secs(30) {
        for (name, whole) in &files {
            let mut bytes = if n % 17 == 0 { noise(&mut random) } else { whole.clone() };
            mutate(&mut bytes, &mut random);
            let copy = bytes.clone();
            let result = std::panic::catch_unwind(|| read(name, &bytes));
            assert!(result.is_ok(), "{name}: {:?}", String::from_utf8_lossy(&copy));
            n += 1;
        }
    }
}

#[test]
fn many_open_quotes_do_not_take_forever() {
    let rows: String = (0..40_000).map(|i| format!("{i},\"a\"b\n\"{i},x\n")).collect();
    let start = Instant::now();
    let table = check(format!("x,y\n1,2\n{rows}"));
    assert!(table.malformed.count > 0);
    let quoted: String = (0..40_000).map(|i| format!("\"\"\"{i},x\n")).collect();
    read("table.csv", format!("x,y\n1,2\n{quoted}").as_bytes());
    assert!(start.elapsed() < Duration::from_secs(60), "quadratic in the number of rows");
}

#[test]
fn one_quote_in_a_large_file_costs_one_row() {
    let row = |i: usize| if i == 70_000 { format!("{i},\"open\n") } else { format!("{i},some words here\n") };
    let text: String = (0..150_000).map(row).collect();
    let table = check(format!("x,y\n{text}"));
    assert_eq!((table.n_rows, table.malformed.count), (149_999, 1));
    assert_eq!(malformed(&table)[0].1, Some(70_002));
    let last = table.columns[0].number.as_ref().unwrap().highest[0].row;
    assert_eq!((last.row, table.seen[&last].line), (149_999, Some(150_001)));
}

#[test]
fn a_line_without_end_is_a_table_or_refused() {
    read("table.csv", &vec![b'a'; 3 << 20]);
    read("table.csv", &[&b"x,y\n1,2\n"[..], &vec![b'7'; 3 << 20]].concat());
    read("table.csv", &vec![b'\n'; 3 << 20]);
    let blank = [&b"x,y\n1,2\n"[..], &vec![b'\n'; 3 << 20], b"3,4\n"].concat();
    let table = check(&blank);
    let last = table.columns[0].number.as_ref().unwrap().highest[0].row;
    assert_eq!((table.n_rows, table.seen[&last].line), (2, Some((3 << 20) + 3)));
}

#[test]
fn damage_in_one_file_of_many_is_told_with_its_name() {
    let folder = Folder::new();
    let good = folder.write("a.csv", "x,y\n1,2\n3,4\n");
    let bad = folder.write("b.csv", "x,y\n1,2\n3\n5,\"6\n");
    let table =
        stetho_read::read_table(&plan(vec![good, bad.clone()]), &stetho_read::Unwatched).unwrap().table;
    assert_eq!((table.n_rows, table.malformed.count), (3, 2));
    assert!(table.malformed.rows.iter().all(|row| row.path == bad.display().to_string()));
    assert_sound(&table);
}
