//! NumPy arrays and archives.

use std::io::{Cursor, Write};

use stetho_core::table::Kind;
use zip::write::SimpleFileOptions;
use zip::{CompressionMethod, ZipWriter};

use crate::support::{Folder, failure, read};

/// A `.npy` file of version 1.
pub fn npy(descr: &str, fortran: bool, shape: &str, data: &[u8]) -> Vec<u8> {
    let order = if fortran { "True" } else { "False" };
    let mut header = format!("{{'descr': {descr}, 'fortran_order': {order}, 'shape': {shape}, }}");
    while (10 + header.len() + 1) % 64 != 0 {
        header.push(' ');
    }
    header.push('\n');
    let length = (header.len() as u16).to_le_bytes();
    [b"\x93NUMPY\x01\x00", &length[..], header.as_bytes(), data].concat()
}

pub fn npz(members: &[(&str, Vec<u8>)], method: CompressionMethod) -> Vec<u8> {
    let mut writer = ZipWriter::new(Cursor::new(Vec::new()));
    for (name, bytes) in members {
        writer.start_file(*name, SimpleFileOptions::default().compression_method(method)).unwrap();
        writer.write_all(bytes).unwrap();
    }
    writer.finish().unwrap().into_inner()
}

pub fn doubles(n: usize) -> Vec<u8> {
    (0..n).flat_map(|i| (i as f64).to_le_bytes()).collect()
}

fn column(descr: &str, data: &[u8], n: usize) -> crate::support::Read {
    let folder = Folder::new();
    read(&folder.write("col.npy", &npy(&format!("'{descr}'"), false, &format!("({n},)"), data)))
}

#[test]
fn every_plain_type() {
    for (descr, bytes, expected) in [
        ("|i1", vec![0xff, 1], [-1.0, 1.0]),
        ("|u1", vec![0xff, 1], [255.0, 1.0]),
        ("<i2", vec![0xfe, 0xff, 0, 1], [-2.0, 256.0]),
        (">i2", vec![0xff, 0xfe, 0, 1], [-2.0, 1.0]),
        ("<u4", vec![0xff, 0xff, 0xff, 0xff, 1, 0, 0, 0], [4_294_967_295.0, 1.0]),
        (">u8", [u64::MAX.to_be_bytes(), 3u64.to_be_bytes()].concat(), [u64::MAX as f64, 3.0]),
        (
            "<f2",
            [half::f16::from_f32(0.5).to_le_bytes(), half::f16::from_f32(-3.0).to_le_bytes()].concat(),
            [0.5, -3.0],
        ),
        (">f4", [1.5f32.to_be_bytes(), (-2.0f32).to_be_bytes()].concat(), [1.5, -2.0]),
        ("<f8", [0.1f64.to_le_bytes(), f64::INFINITY.to_le_bytes()].concat(), [0.1, f64::INFINITY]),
        ("<m8[ms]", [1_500i64.to_le_bytes(), (-1i64).to_le_bytes()].concat(), [1.5, -0.001]),
    ] {
        let data = column(descr, &bytes, 2);
        assert_eq!((data.names(), data.kinds()), (vec!["col"], vec![Kind::Number]), "{descr}");
        assert_eq!(data.numbers("col"), expected.map(Some), "{descr}");
    }
    assert_eq!(column("|b1", &[0, 1, 1], 3).booleans("col"), [Some(false), Some(true), Some(true)]);
    let unicode: Vec<u8> = "aé\0\u{1f600}\0\0".chars().flat_map(|c| (c as u32).to_le_bytes()).collect();
    assert_eq!(column("<U3", &unicode, 2).texts("col"), ["aé", "\u{1f600}"].map(|t| Some(t.to_owned())));
    assert_eq!(
        column("|S3", b"ab\0\0\0\0xyz", 3).texts("col"),
        ["ab", "", "xyz"].map(|t| Some(t.to_owned()))
    );
    let times = [86_400_000_000_000i64, i64::MIN, -1_500_000_000].map(i64::to_le_bytes).concat();
    let data = column("<M8[ns]", &times, 3);
    assert_eq!(
        (data.kinds(), data.numbers("col")),
        (vec![Kind::Time], vec![Some(86_400.0), None, Some(-1.5)])
    );
    assert_eq!(column("<M8[M]", &13i64.to_le_bytes(), 1).numbers("col"), [Some(396.0 * 86_400.0)]);
}

#[test]
fn orders_of_the_same_array_agree() {
    let folder = Folder::new();
    // 2 × 3 × 2, value 100·i + 10·j + k.
    let at = |i: usize, j: usize, k: usize| (100 * i + 10 * j + k) as f64;
    let (mut c, mut fortran) = (Vec::new(), Vec::new());
    for n in 0..12 {
        c.extend(at(n / 6, n / 2 % 3, n % 2).to_le_bytes());
        fortran.extend(at(n % 2, n / 2 % 3, n / 6).to_le_bytes());
    }
    for (name, order, data) in [("c.npy", false, c), ("f.npy", true, fortran)] {
        let data = read(&folder.write(name, &npy("'<f8'", order, "(2, 3, 2)", &data)));
        assert_eq!(data.names(), (0..6).map(|i| format!("column_{i}")).collect::<Vec<_>>());
        for i in 0..6 {
            let expected = [at(0, i / 2, i % 2), at(1, i / 2, i % 2)].map(Some);
            assert_eq!(data.numbers(&format!("column_{i}")), expected, "{name} {i}");
        }
    }
}

#[test]
fn structured_arrays_have_a_column_a_field() {
    let folder = Folder::new();
    let descr =
        "[('id', '<i4'), ('', '|V2'), ('pos', '<f4', (2,)), ('in', [('ok', '|b1'), ('name', '|S2')])]";
    let row = |id: i32, name: &[u8; 2]| {
        [&id.to_le_bytes()[..], &[0; 2], &1.5f32.to_le_bytes(), &(id as f32).to_le_bytes(), &[1], name]
            .concat()
    };
    let data =
        read(&folder.write("s.npy", &npy(descr, false, "(2,)", &[row(7, b"ab"), row(-8, b"c\0")].concat())));
    assert_eq!(data.names(), ["id", "pos_0", "pos_1", "in.ok", "in.name"]);
    assert_eq!(data.numbers("id"), [Some(7.0), Some(-8.0)]);
    assert_eq!(data.numbers("pos_1"), [Some(7.0), Some(-8.0)]);
    assert_eq!(data.texts("in.name"), [Some("ab".to_owned()), Some("c".to_owned())]);
    assert_eq!(data.booleans("in.ok"), [Some(true), Some(true)]);
}

#[test]
fn long_and_wide_arrays_come_in_parts() {
    let folder = Folder::new();
    let data = read(&folder.write("a.npy", &npy("'<f8'", false, "(300000, 2)", &doubles(600_000))));
    assert!(data.n_parts >= 2);
    assert!(data.numbers("column_1").iter().enumerate().all(|(i, v)| *v == Some(2.0 * i as f64 + 1.0)));
    let wide = npy("'<f8'", true, "(250, 10000)", &doubles(2_500_000));
    let data = read(&folder.write("b.npy", &wide));
    assert_eq!((data.fields.len(), data.n_rows()), (10_000, 250));
    assert_eq!(data.numbers("column_9999")[249], Some(2_499_999.0));
    assert_eq!(data.part_bytes, wide.len() as u64);
}

#[test]
fn empty_arrays() {
    let folder = Folder::new();
    let data = read(&folder.write("a.npy", &npy("'<f8'", false, "(0, 3)", &[])));
    assert_eq!((data.n_rows(), data.fields.len()), (0, 3));
    assert!(failure(&folder.write("b.npy", &npy("'<f8'", false, "(5, 0)", &[]))).contains("no columns"));
    assert!(
        failure(&folder.write("c.npy", &npy("'<f8'", false, "()", &doubles(1)))).contains("single value")
    );
}

#[test]
fn what_is_no_table_is_refused() {
    let folder = Folder::new();
    for (descr, shape, words) in [
        ("'|O'", "(2,)", "pickle, which is never loaded"),
        ("'<c16'", "(2,)", "complex"),
        ("'<f16'", "(2,)", "128-bit floats"),
        ("'|V8'", "(2,)", "raw bytes"),
        ("'<f8'", "(2, 200, 200)", "40000 columns"),
        ("'<f8'", "(9223372036854775807, 20000)", "impossible shape"),
        ("[('a', '<f8', (9999999999,))]", "(2,)", "20000 fields"),
        ("'<f8'", &format!("{}{}", "(".repeat(3_000), ")".repeat(3_000)), "nests structures too deeply"),
        ("'<q9'", "(2,)", "header is damaged"),
    ] {
        let message = failure(&folder.write("a.npy", &npy(descr, false, shape, &doubles(4))));
        assert!(message.contains(words), "{descr} {shape}: {message}");
    }
}

#[test]
fn rows_of_a_truncated_array_are_read() {
    let folder = Folder::new();
    let whole = npy("'<f8'", false, "(10, 2)", &doubles(20));
    let data = read(&folder.write("a.npy", &whole[..whole.len() - 20]));
    assert_eq!(data.n_rows(), 8);
    assert_eq!(data.malformed()[0].problem, "damaged file: truncated: 8 of 10 rows are there");
    let fortran = npy("'<f8'", true, "(10, 2)", &doubles(20));
    assert!(failure(&folder.write("b.npy", &fortran[..fortran.len() - 1])).contains("truncated"));
}

#[test]
fn arrays_of_one_length_are_one_table() {
    let folder = Folder::new();
    let labels: Vec<u8> = (0..50u8).collect();
    let members = [
        ("X.npy", npy("'<f8'", true, "(50, 2)", &doubles(100))),
        ("y.npy", npy("'|u1'", false, "(50,)", &labels)),
        ("classes.npy", npy("'<U1'", false, "(3,)", &[0; 12])),
        ("scale.npy", npy("'<f8'", false, "()", &doubles(1))),
        ("objects.npy", npy("'|O'", false, "(50,)", b"\x80\x04.")),
        ("readme.txt", b"words".to_vec()),
    ];
    for method in [CompressionMethod::Stored, CompressionMethod::Deflated] {
        let data = read(&folder.write("a.npz", &npz(&members, method)));
        assert_eq!(data.names(), ["X_0", "X_1", "y"]);
        assert_eq!(data.n_rows(), 50);
        assert_eq!((data.numbers("X_1")[3], data.numbers("y")[49]), (Some(53.0), Some(49.0)));
        assert!(data.format.starts_with("NumPy archive of `X`, `y`; left out: "), "{}", data.format);
        for words in [
            "`classes` (3 rows, not 50)",
            "`scale` (a single value",
            "`objects` (its values are Python objects",
        ] {
            assert!(data.format.contains(words), "{}", data.format);
        }
    }
}

#[test]
fn the_training_part_of_an_archive() {
    let folder = Folder::new();
    let members = [
        ("x_test.npy", npy("'<f8'", false, "(90, 2)", &doubles(180))),
        ("y_test.npy", npy("'<f8'", false, "(90,)", &doubles(90))),
        ("x_train.npy", npy("'<f8'", false, "(40, 2)", &doubles(80))),
        ("y_train.npy", npy("'<f8'", false, "(40,)", &doubles(40))),
    ];
    let data = read(&folder.write("mnist.npz", &npz(&members, CompressionMethod::Deflated)));
    assert_eq!((data.names(), data.n_rows()), (vec!["x_train_0", "x_train_1", "y_train"], 40));
    assert!(data.format.contains("`x_test` (not of the training part)"), "{}", data.format);
}

#[test]
fn archives_without_a_table() {
    let folder = Folder::new();
    let objects = [("a.npy", npy("'|O'", false, "(5,)", b"\x80\x04."))];
    let message = failure(&folder.write("a.npz", &npz(&objects, CompressionMethod::Stored)));
    assert!(message.contains("no array in it is a table: `a` (its values are Python objects"), "{message}");
    let empty = folder.write("b.npz", &npz(&[], CompressionMethod::Stored));
    assert!(failure(&empty).contains("empty"));
    let sparse =
        ["data", "indices", "indptr"].map(|n| (format!("{n}.npy"), npy("'<i4'", false, "(1,)", &[0; 4])));
    let sparse: Vec<_> = sparse.iter().map(|(n, b)| (n.as_str(), b.clone())).collect();
    assert!(failure(&folder.write("c.npz", &npz(&sparse, CompressionMethod::Stored))).contains("sparse"));
}

#[test]
fn a_large_compressed_array_goes_through_a_temporary_file() {
    let folder = Folder::new();
    let members = [("a.npy", npy("'<f8'", true, "(1500000, 2)", &doubles(3_000_000)))];
    let data = read(&folder.write("a.npz", &npz(&members, CompressionMethod::Deflated)));
    assert!(data.numbers("a_1").iter().enumerate().all(|(i, v)| *v == Some(1_500_000.0 + i as f64)));
    assert_eq!(data.n_rows(), 1_500_000);
}
