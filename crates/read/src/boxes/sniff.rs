//! What annotation files are, by their first bytes.

use std::path::{Path, PathBuf};

use super::coco::CocoFile;
use super::yolo;
use crate::image::names;
use crate::source::compressed::open_bytes;

/// Bytes of a JSON file that are looked at.
const LOOKED_AT: usize = 256 << 10;

/// What a JSON file is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Json {
    Coco,
    /// JSON about something else.
    Other,
    /// No JSON at all.
    Broken,
}

/// The first bytes of a file.
fn head(path: &Path, n: usize) -> Vec<u8> {
    let mut bytes = vec![0; n];
    let Ok(mut file) = open_bytes(path) else { return Vec::new() };
    let (filled, _) = file.fill(&mut bytes);
    bytes.truncate(filled);
    bytes
}

/// Looks at the start of a JSON file: COCO begins with some of its three lists, whose entries have COCO's fields.
pub(super) fn json(path: &Path) -> Json {
    let head = head(path, LOOKED_AT);
    let text = head.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(&head).trim_ascii_start();
    let is_wide = head.starts_with(b"\xff\xfe") || head.starts_with(b"\xfe\xff");
    if !is_wide && !matches!(text.first(), Some(b'{' | b'[' | b'"' | b'-' | b'0'..=b'9' | b't' | b'f' | b'n'))
    {
        return Json::Broken;
    }
    let file = CocoFile::from_bytes("", &head);
    let has = |key: &[u8]| memchr::memmem::find(text, key).is_some();
    let is_coco = match file.seen {
        [true, true, _] | [true, _, true] | [_, true, true] => true,
        [true, ..] => !file.images.is_empty() && has(b"\"file_name\""),
        [_, true, _] => has(b"\"image_id\"") && (has(b"\"bbox\"") || has(b"\"category_id\"")),
        _ => false,
    };
    if is_coco { Json::Coco } else { Json::Other }
}

/// Whether the file begins as an XML annotation does.
pub(super) fn is_voc(path: &Path) -> bool {
    let head = head(path, 4_096);
    memchr::memmem::find(&head, b"<annotation").is_some()
}

/// Whether the file holds labels: lines of numbers, and at least one.
pub(super) fn is_yolo(path: &Path) -> bool {
    let head = head(path, 4_096);
    let is_whole = head.len() < 4_096;
    let Ok(text) = std::str::from_utf8(&head) else { return false };
    let text = if is_whole { text } else { text.rsplit_once('\n').map_or("", |(lines, _)| lines) };
    let (boxes, log) = yolo::parse_labels("", text, false);
    !boxes.is_empty() && boxes.len() as u64 > log.count
}

/// The YAML file of a folder that describes a YOLO set.
pub(super) fn data_yaml(folder: &Path) -> Option<PathBuf> {
    let entries = std::fs::read_dir(folder).ok()?.flatten();
    let is_yaml = |p: &PathBuf| matches!(names::extension(p).as_str(), "yaml" | "yml");
    let mut files: Vec<PathBuf> =
        entries.map(|e| folder.join(e.file_name())).filter(is_yaml).take(50).collect();
    files.sort_by_key(|p| {
        let stem = p.file_stem().map(|s| s.to_string_lossy().to_lowercase()).unwrap_or_default();
        (stem != "data", stem != "dataset", p.clone())
    });
    files.into_iter().find(|p| describes(p))
}

/// Whether the YAML file names classes and a part.
pub(super) fn describes(path: &Path) -> bool {
    yolo::read_yaml(path)
        .is_ok_and(|data| !(data.names.is_empty() || data.train.is_empty() && data.validation.is_empty()))
}
