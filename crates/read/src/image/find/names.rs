//! Names of files, folders and columns, and what they promise.

use std::cmp::Ordering;
use std::path::Path;

use stetho_core::table::Part;

/// Extensions of pictures, lower case.
pub(crate) const PICTURES: &[&str] =
    &["jpg", "jpeg", "jpe", "jfif", "png", "webp", "gif", "bmp", "dib", "tif", "tiff"];

/// The extension in lower case; empty where there is none.
pub(crate) fn extension(path: &Path) -> String {
    path.extension().map(|e| e.to_string_lossy().to_lowercase()).unwrap_or_default()
}

/// Whether the name promises a picture.
pub(crate) fn is_picture(path: &Path) -> bool {
    PICTURES.contains(&extension(path).as_str())
}

/// Whether the name promises a list.
pub(super) fn is_list(path: &Path) -> bool {
    matches!(extension(path).as_str(), "csv" | "tsv" | "jsonl" | "ndjson")
}

/// Whether the name promises an array file.
pub(super) fn is_array(path: &Path) -> bool {
    let name = path.file_name().map(|n| n.to_string_lossy().to_lowercase()).unwrap_or_default();
    matches!(extension(path).as_str(), "npz" | "npy")
        || name.contains("-ubyte")
        || name.contains(".idx")
        || name.contains("-idx")
}

/// Whether the name promises annotations of pictures.
pub(crate) fn is_note(path: &Path) -> bool {
    matches!(extension(path).as_str(), "json" | "xml" | "txt" | "yaml" | "yml" | "names")
}

/// Files and folders that systems leave behind.
pub(crate) fn is_hidden(name: &str) -> bool {
    name.starts_with('.') || matches!(name, "__MACOSX" | "Thumbs.db" | "desktop.ini")
}

/// The part that a folder of this name holds.
pub(crate) fn part_of(name: &str) -> Option<Part> {
    Some(match name.trim().to_lowercase().as_str() {
        "train" | "training" => Part::Train,
        "val" | "valid" | "validation" | "eval" | "dev" => Part::Validation,
        "test" | "testing" | "t10k" => Part::Test,
        _ => return None,
    })
}

/// The part that a word of this name tells: `x_train`, `train_labels`, `t10k-images`.
pub(crate) fn part_in(name: &str) -> Option<Part> {
    name.split(|c: char| !c.is_alphanumeric()).find_map(part_of)
}

/// Whether a column of this name holds labels.
pub(crate) fn is_label(name: &str) -> bool {
    let name = name.trim().to_lowercase();
    let words = ["label", "labels", "class", "classes", "target", "targets", "category", "y"];
    words.contains(&name.as_str())
        || name.split(|c: char| !c.is_alphanumeric()).any(|word| words.contains(&word))
        || ["class_name", "classname", "categories", "breed", "species"].contains(&name.as_str())
}

/// Whether a folder of this name holds pictures of all classes.
pub(super) fn is_plain_folder(name: &str) -> bool {
    let words =
        ["images", "image", "imgs", "img", "pictures", "photos", "jpg", "jpeg", "jpegs", "png", "data"];
    words.contains(&name.to_lowercase().as_str()) || name.eq_ignore_ascii_case("JPEGImages")
}

/// Order of names as people count: runs of digits by value, the rest by bytes.
pub(crate) fn natural(a: &str, b: &str) -> Ordering {
    let (mut x, mut y) = (a.as_bytes(), b.as_bytes());
    loop {
        match (x.first(), y.first()) {
            (Some(p), Some(q)) if p.is_ascii_digit() && q.is_ascii_digit() => {
                let ((m, after_x), (n, after_y)) = (digits(x), digits(y));
                let order = m.len().cmp(&n.len()).then_with(|| m.cmp(n));
                if order != Ordering::Equal {
                    return order;
                }
                (x, y) = (after_x, after_y);
            }
            (Some(p), Some(q)) if p == q => {
                (x, y) = (x.get(1..).unwrap_or_default(), y.get(1..).unwrap_or_default());
            }
            (p, q) => return p.cmp(&q).then_with(|| a.cmp(b)),
        }
    }
}

/// Leading digits without leading zeros, and what follows them.
fn digits(bytes: &[u8]) -> (&[u8], &[u8]) {
    let end = bytes.iter().position(|b| !b.is_ascii_digit()).unwrap_or(bytes.len());
    let (run, rest) = bytes.split_at(end);
    let zeros = run.iter().position(|b| *b != b'0').unwrap_or(run.len());
    (run.get(zeros..).unwrap_or_default(), rest)
}

/// Order of class names: numbers first and by value, then texts.
pub(crate) fn class_order(a: &str, b: &str) -> Ordering {
    let number = |s: &str| s.trim().parse::<f64>().ok().filter(|n| n.is_finite());
    match (number(a), number(b)) {
        (Some(x), Some(y)) => x.total_cmp(&y).then_with(|| a.cmp(b)),
        (Some(_), None) => Ordering::Less,
        (None, Some(_)) => Ordering::Greater,
        (None, None) => a.cmp(b),
    }
}

/// Whether these are the first bytes of a picture.
pub(super) fn is_picture_start(start: &[u8]) -> bool {
    matches!(
        start,
        [0x89, b'P', b'N', b'G', ..]
            | [0xff, 0xd8, 0xff, ..]
            | [b'G', b'I', b'F', b'8', ..]
            | [b'I', b'I', 42, 0, ..]
            | [b'M', b'M', 0, 42, ..]
            | [b'R', b'I', b'F', b'F', _, _, _, _, b'W', b'E', b'B', b'P', ..]
            | [b'B', b'M', _, _, _, _, 0, 0, 0, 0, ..]
    )
}
