//! Noise and damage: no reader panics, and none reads less than everything without saying so.

use std::path::Path;

use arrow_ipc::writer::IpcWriteOptions;
use proptest::prelude::*;
use zip::CompressionMethod;

use crate::columnar::{every_type, ipc_file, ipc_stream, parquet};
use crate::detection::{gzip, zstd};
use crate::numpy::{doubles, npy, npz};
use crate::support::{Folder, try_read};

const JSON: &[u8] = b"{\"a\": 1, \"b\": \"x\", \"c\": [1, {\"d\": null}]}\n{\"a\": 2.5, \"b\": \"\\u00e9\"}\n{\"b\": \"z\"}\n";

/// A small valid file of each format.
fn samples() -> Vec<(&'static str, Vec<u8>)> {
    // A number, a text, a dictionary and a list: each offset of the files is tried.
    let every_type = || every_type().project(&[0, 7, 10, 16]).unwrap();
    let lz4 =
        IpcWriteOptions::default().try_with_compression(Some(arrow_ipc::CompressionType::LZ4_FRAME)).unwrap();
    let arrays = [
        ("X.npy", npy("'<f8'", false, "(6, 2)", &doubles(12))),
        ("y.npy", npy("'<f8'", false, "(6,)", &doubles(6))),
    ];
    let json = [b"[", JSON.trim_ascii().replace_newlines().as_slice(), b"]"].concat();
    vec![
        ("parquet", parquet(&every_type(), 2)),
        ("arrow", ipc_file(&[every_type()], IpcWriteOptions::default())),
        ("feather", ipc_file(&[every_type()], lz4)),
        ("arrows", ipc_stream(&[every_type(), every_type()])),
        ("npy", npy("[('a', '<i4'), ('b', '|S3')]", false, "(5,)", &[65; 35])),
        ("fortran.npy", npy("'>f4'", true, "(5, 2)", &[65; 40])),
        ("npz", npz(&arrays, CompressionMethod::Stored)),
        ("deflated.npz", npz(&arrays, CompressionMethod::Deflated)),
        ("jsonl", JSON.to_vec()),
        ("json", json),
        ("jsonl.gz", gzip(JSON)),
        ("jsonl.zst", zstd(JSON)),
    ]
}

trait Commas {
    fn replace_newlines(&self) -> Vec<u8>;
}

impl Commas for [u8] {
    fn replace_newlines(&self) -> Vec<u8> {
        self.iter().map(|b| if *b == b'\n' { b',' } else { *b }).collect()
    }
}

/// Rows read and entries of the malformed log; `None` for an error.
fn outcome(path: &Path) -> Option<(usize, usize)> {
    let data = try_read(path, None).ok()?;
    Some((data.n_rows(), data.malformed().len()))
}

#[test]
fn the_samples_are_whole() {
    let folder = Folder::new();
    for (name, bytes) in samples() {
        let (rows, entries) = outcome(&folder.write(&format!("a.{name}"), &bytes)).unwrap();
        assert!(rows >= 3 && entries == 0, "{name}: {rows} rows, {entries} entries");
    }
}

#[test]
fn truncations_at_every_offset_are_told() {
    let folder = Folder::new();
    for (name, bytes) in samples() {
        let path = folder.write(&format!("a.{name}"), &bytes);
        let (whole, _) = outcome(&path).unwrap();
        for length in 0..bytes.len() {
            std::fs::write(&path, &bytes[..length]).unwrap();
            let Some((rows, entries)) = outcome(&path) else { continue };
            // JSON lines cut between lines are whole files, and so is a stream without its end mark.
            let at_newline = bytes[..length].ends_with(b"\n") || bytes[length] == b'\n';
            // So is the start of a magic number: a text of a few letters, with a header and no rows.
            let boundary = name == "arrows" || (name == "jsonl" && at_newline) || length < 8;
            assert!(
                entries > 0 || rows == whole || boundary,
                "{name} cut to {length}: {rows} rows and no word"
            );
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 256, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn noise_behind_any_magic_does_not_panic(
        magic in prop::sample::select(vec![
            &b""[..], b"PAR1", b"ARROW1\0\0", b"\xff\xff\xff\xff", b"\xff\xff\xff\xff\x10\0\0\0", b"\x93NUMPY\x01\x00",
            b"\x93NUMPY\x02\x00", b"PK\x03\x04", b"PK\x05\x06", b"\x1f\x8b\x08", b"\x28\xb5\x2f\xfd", b"{\"", b"[{", b"[",
        ]),
        end in prop::sample::select(vec![&b""[..], b"PAR1", b"\x08\0\0\0PAR1", b"\x08\0\0\0ARROW1", b"ARROW1"]),
        noise in prop::collection::vec(any::<u8>(), 0..400),
    ) {
        let folder = Folder::new();
        outcome(&folder.write("a.data", &[magic, &noise, end].concat()));
    }

    #[test]
    fn text_noise_does_not_panic(text in "[\\[\\]{}\":,0-9a-eNI\\\\ \n\u{0}é.-]{0,200}") {
        let folder = Folder::new();
        for start in ["{\"a\": 1}\n", "[{\"a\": 1},", ""] {
            outcome(&folder.write("a.jsonl", format!("{start}{text}").as_bytes()));
        }
    }

    #[test]
    fn header_noise_does_not_panic(
        text in "[\\[\\](){}',:<>|a-fO-VxL0-9 TrueFals]{0,120}",
        data in prop::collection::vec(any::<u8>(), 0..64),
    ) {
        let folder = Folder::new();
        outcome(&folder.write("a.npy", &npy(&text, false, "(2,)", &data)));
        outcome(&folder.write("a.npy", &npy("'<f8'", true, &text, &data)));
    }

    #[test]
    fn damaged_files_do_not_panic(
        which in 0usize..12,
        places in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..6),
    ) {
        let folder = Folder::new();
        let (name, mut bytes) = samples().swap_remove(which);
        for (place, value) in places {
            let at = place.index(bytes.len());
            bytes[at] = value;
        }
        outcome(&folder.write(&format!("a.{name}"), &bytes));
    }
}
