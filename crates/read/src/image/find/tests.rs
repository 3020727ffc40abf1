use std::path::{Path, PathBuf};

use stetho_core::table::Part;

use super::{find, recognise};
use crate::image::{FoundSet, Store};
use crate::{Plan, ReadError};

fn write(dir: &Path, files: &[(&str, &[u8])]) {
    for (name, bytes) in files {
        let path = dir.join(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, bytes).unwrap();
    }
}

fn pictures(dir: &Path, names: &[&str]) {
    names.iter().for_each(|name| write(dir, &[(name, b"\x89PNG")]));
}

fn found(path: &Path) -> Result<FoundSet, ReadError> {
    find(&Plan { train: vec![path.to_path_buf()], ..Plan::default() })
}

/// `part path class` of each picture.
fn told(set: &FoundSet, dir: &Path) -> Vec<String> {
    let line = |p: &crate::image::Found| {
        let class = p.label.and_then(|l| set.classes.get(l as usize)).map_or("-", String::as_str);
        format!("{} {} {class}", p.part.name(), p.path.strip_prefix(dir).unwrap().display())
    };
    set.pictures.iter().map(line).collect()
}

fn idx(shape: &[u32], values: &[u8]) -> Vec<u8> {
    let mut bytes = vec![0, 0, 8, shape.len() as u8];
    shape.iter().for_each(|d| bytes.extend(d.to_be_bytes()));
    bytes.extend(values);
    bytes
}

fn npy(dtype: &str, shape: &str, values: &[u8]) -> Vec<u8> {
    let header = format!("{{'descr': '{dtype}', 'fortran_order': False, 'shape': {shape}, }}\n");
    let mut bytes = b"\x93NUMPY\x01\x00".to_vec();
    bytes.extend((header.len() as u16).to_le_bytes());
    bytes.extend(header.bytes());
    bytes.extend(values);
    bytes
}

#[test]
fn folders_are_classes_and_parts() {
    let dir = tempfile::tempdir().unwrap();
    pictures(dir.path(), &["cat/10.png", "cat/in/2.PNG", "dog/a b\nü.jpg", "dog/.hidden.png"]);
    let set = found(dir.path()).unwrap();
    assert_eq!(
        told(&set, dir.path()),
        ["train cat/10.png cat", "train cat/in/2.PNG cat", "train dog/a b\nü.jpg dog"]
    );
    assert_eq!(set.layout, "one folder a class");
    let dir = tempfile::tempdir().unwrap();
    pictures(dir.path(), &["Train/10/a.png", "Train/9/a.png", "val/9/a.png", "TEST/x.png"]);
    let set = found(dir.path()).unwrap();
    assert_eq!(set.classes, ["9", "10"]);
    let expected =
        ["train Train/9/a.png 9", "train Train/10/a.png 10", "validation val/9/a.png 9", "test TEST/x.png -"];
    assert_eq!(told(&set, dir.path()), expected);
}

#[test]
fn a_class_may_be_called_train() {
    let dir = tempfile::tempdir().unwrap();
    pictures(dir.path(), &["train/1.png", "bus/1.png", "car/1.png"]);
    assert_eq!(found(dir.path()).unwrap().classes, ["bus", "car", "train"]);
}

#[test]
fn one_folder_has_no_labels() {
    let dir = tempfile::tempdir().unwrap();
    pictures(dir.path(), &["10.png", "9.png"]);
    write(dir.path(), &[("a.txt", b""), ("b.txt", b""), ("c.md", b"")]);
    let set = found(dir.path()).unwrap();
    assert_eq!(told(&set, dir.path()), ["train 9.png -", "train 10.png -"]);
    assert!(set.labels.get().is_none());
    assert_eq!(set.skipped, ["3 other files: .txt 2, .md 1"]);
}

#[test]
fn lists_label_pictures() {
    let dir = tempfile::tempdir().unwrap();
    pictures(dir.path(), &["images/a.png", "images/b,1.png", "images/c.png"]);
    let list = b"\xef\xbb\xbffile,label,split\n\"b,1.png\",dog,test\na.png,cat,train\ngone.png,cat,train\n";
    write(dir.path(), &[("labels.csv", list)]);
    let expected = [
        "train images/a.png cat",
        "train images/c.png -",
        "train images/gone.png cat",
        "test images/b,1.png dog",
    ];
    let set = found(dir.path()).unwrap();
    assert_eq!(told(&set, dir.path()), expected);
    assert!(matches!(set.pictures[2].store, Store::Missing));
    assert!(set.skipped[0].starts_with("1 picture is in no list: `"), "{:?}", set.skipped);
    let direct = found(&dir.path().join("labels.csv")).unwrap();
    assert_eq!(direct.pictures.len(), 3);
    assert_eq!(direct.classes, ["cat", "dog"]);
    assert!(recognise(&[dir.path().join("labels.csv")]) && recognise(&[dir.path().to_path_buf()]));
}

#[test]
fn ids_without_extension_and_json_lines() {
    let dir = tempfile::tempdir().unwrap();
    pictures(dir.path(), &["pics/0.png", "pics/1.png"]);
    write(dir.path(), &[("l.jsonl", b"{\"id\":\"0\",\"y\":1}\n{\"id\":\"1\",\"y\":0}\n")]);
    let set = found(dir.path()).unwrap();
    assert_eq!(told(&set, dir.path()), ["train pics/0.png 1", "train pics/1.png 0"]);
}

#[test]
fn idx_files_have_labels_and_parts() {
    let dir = tempfile::tempdir().unwrap();
    let mut gz = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    std::io::Write::write_all(&mut gz, &idx(&[1, 8, 8], &[7; 64])).unwrap();
    let gz = gz.finish().unwrap();
    write(
        dir.path(),
        &[
            ("train-images-idx3-ubyte", &idx(&[2, 8, 8], &[1; 100])),
            ("train-labels-idx1-ubyte", &idx(&[2], &[3, 10])),
            ("t10k-images-idx3-ubyte.gz", &gz),
            ("t10k-labels-idx1-ubyte", &idx(&[1], &[10])),
        ],
    );
    assert!(recognise(&[dir.path().to_path_buf()]));
    let set = found(dir.path()).unwrap();
    let parts: Vec<_> = set.pictures.iter().map(|p| (p.part, p.label, p.index)).collect();
    assert_eq!(
        parts,
        [(Part::Train, Some(0), Some(0)), (Part::Train, Some(1), Some(1)), (Part::Test, Some(1), Some(0))]
    );
    let read = |at: usize| match &set.pictures[at].store {
        Store::Array(raster) => raster.read(set.pictures[at].index.unwrap()),
        _ => panic!("not an array"),
    };
    assert_eq!(read(0), Some(vec![1; 64]));
    assert_eq!(read(1), None); // the file ends before it
    assert_eq!(read(2), Some(vec![7; 64]));
    write(dir.path(), &[("train-labels-idx1-ubyte", &idx(&[1], &[3]))]);
    let error = found(&dir.path().join("train-images-idx3-ubyte")).err().unwrap().to_string();
    assert!(error.contains("has 1 label for 2 pictures"), "{error}");
}

#[test]
fn numpy_arrays_are_pictures_or_tables() {
    let dir = tempfile::tempdir().unwrap();
    write(
        dir.path(),
        &[
            ("x_train.npy", &npy("|u1", "(1, 3, 8, 8)", &(0..192).collect::<Vec<u8>>())),
            ("y_train.npy", &npy("<i8", "(1,)", &(-1i64).to_le_bytes())),
        ],
    );
    let set = found(dir.path()).unwrap();
    assert_eq!(set.classes, ["-1"]);
    let raster = crate::image::array::open_raster(&dir.path().join("x_train.npy")).unwrap();
    assert_eq!(raster.shape(), (8, 8, 3));
    assert_eq!(raster.read(0).unwrap()[..4], [0, 64, 128, 1]);
    let table = tempfile::tempdir().unwrap();
    write(table.path(), &[("t.npy", &npy("|u1", "(2, 9)", &[0; 18])), ("a.csv", b"x,y\n1,2\n")]);
    assert!(!recognise(&[table.path().to_path_buf()]));
    assert!(!recognise(&[table.path().join("a.csv")]));
}

#[cfg(unix)]
#[test]
fn links_in_a_circle_end() {
    let dir = tempfile::tempdir().unwrap();
    pictures(dir.path(), &["cat/1.png", "dog/1.png"]);
    std::os::unix::fs::symlink(dir.path(), dir.path().join("dog/up")).unwrap();
    assert_eq!(found(dir.path()).unwrap().pictures.len(), 2);
}

#[test]
fn nothing_is_one_clear_error() {
    let dir = tempfile::tempdir().unwrap();
    assert!(found(dir.path()).err().unwrap().to_string().contains("no picture in it"));
    let missing: PathBuf = dir.path().join("gone");
    assert!(found(&missing).is_err() && !recognise(&[missing]));
}
