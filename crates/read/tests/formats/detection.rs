//! What a file is, whatever it is called; compression; folders.

use std::io::Write;

use flate2::Compression;
use flate2::write::GzEncoder;
use stetho_read::source::{FileKind, detect, expand};

use crate::columnar::{every_type, parquet};
use crate::support::{Folder, failure, read};

pub fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

pub fn zstd(bytes: &[u8]) -> Vec<u8> {
    zstd::encode_all(bytes, 1).unwrap()
}

#[test]
fn content_wins_over_the_name() {
    let folder = Folder::new();
    for (name, bytes, kind) in [
        ("a.csv", parquet(&every_type(), 10), FileKind::Parquet),
        ("b.parquet", b"a,b\n1,2\n".to_vec(), FileKind::Csv),
        ("c.csv", b"{\"a\": 1}\n{\"a\": 2}\n".to_vec(), FileKind::Json),
        ("d.txt", gzip(b"a,b\n1,2\n"), FileKind::Csv),
        ("e", zstd(b"[{\"a\": 1}]"), FileKind::Json),
        ("f.json", b"\xef\xbb\xbf [\n {\"a\": 1}]".to_vec(), FileKind::Json),
        ("g.csv", b"{x},{y}\n1,2\n".to_vec(), FileKind::Csv),
        ("h.csv", b"[x],y\n1,2\n".to_vec(), FileKind::Csv),
        ("i.csv", "é;è\n1;2\n".encode_utf16().flat_map(u16::to_le_bytes).collect(), FileKind::Csv),
        ("j.jsonl", b"broken\n{\"a\": 1}\n".to_vec(), FileKind::Json),
    ] {
        assert_eq!(detect(&folder.write(name, &bytes)).unwrap(), kind, "{name}");
    }
}

#[test]
fn what_is_no_data_is_named() {
    let folder = Folder::new();
    for (name, bytes, words) in [
        ("a.csv", b"".to_vec(), "the file is empty"),
        ("b.csv", b" \n\n".to_vec(), "empty but for white space"),
        ("c.csv", gzip(b""), "empty once decompressed"),
        ("d.pkl", b"\x80\x04\x95rest".to_vec(), "Python pickle"),
        ("e.xlsx", b"\x89PNG\r\n\x1a\n".to_vec(), "a picture"),
        ("f.bin", (0..=255u8).cycle().take(4_000).collect(), "binary data of unknown format"),
        ("g.csv.gz", gzip(&parquet(&every_type(), 10)), "decompress it first"),
        ("h.json", b"{\n  \"a\": 1\n}\n".to_vec(), "one JSON document over several lines"),
        ("i.json", b"{\"a\": {\"0\": 1}, \"b\": {\"0\": 2}}".to_vec(), "orient"),
        ("j.csv", b"\x1f\x8b\x08\x00".to_vec(), "gzip data ends early"),
        ("k.npz", b"PK\x03\x04rest".to_vec(), "zip archive"),
    ] {
        let message = failure(&folder.write(name, &bytes));
        assert!(message.contains(words), "{name}: {message}");
    }
    let message =
        stetho_read::source::open(&folder.0.path().join("none.csv"), None).err().unwrap().to_string();
    assert!(message.contains("none.csv"), "{message}");
    let message = detect(folder.0.path()).unwrap_err().to_string();
    assert!(message.contains("it is a folder"), "{message}");
}

#[test]
fn several_members_and_frames_are_one_text() {
    let folder = Folder::new();
    let (first, second) = (b"{\"a\": 1}\n{\"a\": 2}\n", b"{\"a\": 3}\n");
    for (name, bytes) in [
        ("a.jsonl.gz", [gzip(first), gzip(second)].concat()),
        ("a.jsonl.zst", [zstd(first), zstd(second)].concat()),
    ] {
        let data = read(&folder.write(name, &bytes));
        assert_eq!(data.numbers("a"), [Some(1.0), Some(2.0), Some(3.0)], "{name}");
        assert_eq!(data.part_bytes, bytes.len() as u64, "progress is in bytes of the file");
    }
}

#[test]
fn rows_before_the_damage_are_read() {
    let folder = Folder::new();
    let text: String =
        (0..200_000).map(|i| format!("{{\"row\": {i}, \"noise\": {}}}\n", i * 7_919 % 10_007)).collect();
    for (name, bytes) in [("a.jsonl.gz", gzip(text.as_bytes())), ("a.jsonl.zst", zstd(text.as_bytes()))] {
        let data = read(&folder.write(name, &bytes[..bytes.len() / 2]));
        assert!(data.n_rows() > 10_000 && data.n_rows() < 200_000, "{name}: {}", data.n_rows());
        let rows = data.numbers("row");
        assert!(rows.iter().enumerate().all(|(at, v)| *v == Some(at as f64)));
        let problems: Vec<&str> = data.malformed().iter().map(|m| m.problem.as_str()).collect();
        assert!(problems.iter().any(|p| p.starts_with("damaged file: the ")), "{name}: {problems:?}");
    }
}

#[test]
fn folders_are_walked_for_data() {
    let folder = Folder::new();
    let data = parquet(&every_type(), 10);
    let kept = ["a/1.parquet", "b.csv", "part-0000"].map(|name| {
        let bytes: &[u8] = if name.ends_with("csv") { b"x,y\n1,2\n" } else { &data };
        folder.write(name, bytes)
    });
    for (name, bytes) in [
        (".hidden.csv", &b"x\n1\n"[..]),
        (".git/data.csv", b"x\n1\n"),
        ("README.md", b"# Data\n"),
        ("notes.txt", b"some words\n"),
        ("_SUCCESS", b""),
        ("empty.csv", b""),
        ("picture.png", b"\x89PNG\r\n\x1a\n"),
    ] {
        folder.write(name, bytes);
    }
    let (files, skipped) = expand(&[folder.0.path().to_owned()]).unwrap();
    assert_eq!(files, kept);
    assert_eq!(skipped.len(), 5, "{skipped:?}");
    assert!(skipped.iter().all(|line| !line.contains("hidden") && !line.contains('\n')));
    let only_text = Folder::new();
    let file = only_text.write("data.txt", b"1 2\n3 4\n");
    assert_eq!(expand(&[only_text.0.path().to_owned()]).unwrap().0, [file]);
    let nothing = Folder::new();
    let message = expand(&[nothing.0.path().to_owned()]).unwrap_err().to_string();
    assert!(message.contains("no data file"), "{message}");
    assert!(expand(&[nothing.0.path().join("absent")]).is_err());
}
