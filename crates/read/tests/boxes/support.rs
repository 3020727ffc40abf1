//! Sets for tests, and the record of them.

use std::path::{Path, PathBuf};

use stetho_core::boxes::{Annotation, BoxFormat, Boxes};
use stetho_core::{Signal, Signals};
use stetho_gallery::BoxRecipe;
use stetho_read::{BoxReading, Data, DataKind, Plan, ReadError, Unwatched, detect_kind, read_data};

pub(crate) const FORMATS: [BoxFormat; 3] = [BoxFormat::Coco, BoxFormat::Voc, BoxFormat::Yolo];

/// A folder that goes with the test.
pub(crate) struct Folder(tempfile::TempDir);

impl Folder {
    pub(crate) fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    /// The set that a recipe describes.
    pub(crate) fn made(recipe: &str, format: BoxFormat) -> Self {
        let folder = Self::new();
        BoxRecipe::parse(recipe).unwrap().write(folder.path(), format).unwrap();
        folder
    }

    pub(crate) fn write(&self, name: &str, bytes: impl AsRef<[u8]>) -> PathBuf {
        let path = self.0.path().join(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(&path, bytes).unwrap();
        path
    }

    /// Writes pictures of 40 by 20 pixels.
    pub(crate) fn pictures(&self, names: &[&str]) {
        for name in names {
            self.write(name, bitmap(40, 20));
        }
    }

    pub(crate) fn path(&self) -> &Path {
        self.0.path()
    }
}

/// A black BMP: the smallest picture that is quickly written by hand.
pub(crate) fn bitmap(width: u32, height: u32) -> Vec<u8> {
    let size = ((width * 3).div_ceil(4) * 4 * height) as usize;
    let mut bytes = b"BM".to_vec();
    bytes.extend((54 + size as u32).to_le_bytes());
    bytes.extend([0; 4]);
    bytes.extend(54_u32.to_le_bytes());
    for n in [40, width, height] {
        bytes.extend(n.to_le_bytes());
    }
    bytes.extend([1, 0, 24, 0]);
    bytes.extend([0; 24]);
    bytes.resize(54 + size, 0);
    bytes
}

pub(crate) fn plan(path: &Path) -> Plan {
    Plan { train: vec![path.to_path_buf()], threads: 2, listed: 100, ..Plan::default() }
}

pub(crate) fn read(plan: &Plan, kind: Option<DataKind>) -> Result<BoxReading, ReadError> {
    match read_data(plan, kind, &Unwatched)? {
        Data::Boxes(reading) => Ok(reading),
        other => panic!("not boxes: {other:?}"),
    }
}

/// The reading of what was recognised as boxes; sizes by headers.
pub(crate) fn check(path: &Path) -> BoxReading {
    read(&plan(path), None).unwrap()
}

/// As [`check`], with every picture decoded.
pub(crate) fn check_pictures(path: &Path) -> BoxReading {
    let signals: Signals = [Signal::Pictures].into_iter().collect();
    read(&Plan { signals, ..plan(path) }, None).unwrap()
}

/// The message of a set that cannot be read: one line.
pub(crate) fn refusal(path: &Path, format: BoxFormat) -> String {
    let message = read(&plan(path), Some(DataKind::Boxes(Some(format)))).unwrap_err().to_string();
    assert!(!message.contains('\n'), "{message}");
    message
}

pub(crate) fn is_boxes(path: &Path) -> bool {
    matches!(detect_kind(&[path.to_path_buf()]), DataKind::Boxes(_))
}

/// `part picture boxes` of each annotation, the picture by its file name; `-` for a picture without annotation.
pub(crate) fn told(boxes: &Boxes) -> Vec<String> {
    let line = |a: &Annotation| {
        let name = Path::new(&a.picture).file_name().unwrap().to_string_lossy().into_owned();
        let n = if a.is_annotated { a.boxes.len().to_string() } else { "-".to_owned() };
        format!("{} {name} {n}", a.part.name())
    };
    boxes.annotations.iter().map(line).collect()
}

/// Line and problem of each malformed entry.
pub(crate) fn malformed(boxes: &Boxes) -> Vec<(Option<u64>, &str)> {
    boxes.malformed.iter().map(|m| (m.line, m.problem.as_str())).collect()
}
