//! Lists of pictures with their labels: CSV, TSV or JSON lines beside the pictures.

use std::collections::HashSet;
use std::path::{Path, PathBuf};

use stetho_core::count_of;
use stetho_core::table::{FileFacts, Part};

use super::{Gathered, Item, part_named, says_nothing, walk};
use crate::ReadError;
use crate::image::Store;

/// Lists beyond this many bytes are not read whole.
const MOST: u64 = 1 << 30;
const LABELS: [&str; 9] =
    ["label", "labels", "class", "target", "category", "y", "class_name", "label_name", "id_code"];
const SPLITS: [&str; 5] = ["split", "part", "set", "subset", "fold"];

/// A list: headings and rows of text.
struct List {
    columns: Vec<String>,
    rows: Vec<Vec<String>>,
}

/// Whether the file is a list whose first rows name pictures that are there.
pub(super) fn names_pictures(path: &Path) -> bool {
    let Some(folder) = path.parent() else { return false };
    read(path, 50).is_ok_and(|list| picture_column(&list, &[folder.to_owned()]).is_some())
}

/// Folders in which the names of a list may be meant.
fn roots(list: &Path, folder: &Path) -> Vec<PathBuf> {
    let mut roots = vec![folder.to_owned()];
    roots.extend(list.parent().map(Path::to_owned));
    for root in roots.clone() {
        let Ok(entries) = std::fs::read_dir(&root) else { continue };
        let below = entries.flatten().map(|e| e.path()).filter(|p| p.is_dir());
        roots.extend(below.filter(|p| p.file_name().is_some_and(|n| says_nothing(&n.to_string_lossy()))));
    }
    roots
}

/// Where a picture of that name is.
fn resolve(name: &str, roots: &[PathBuf]) -> Option<PathBuf> {
    let name = name.trim();
    if name.is_empty() {
        return None;
    }
    let endings = ["", ".jpg", ".png", ".jpeg"];
    let at = |root: &PathBuf| {
        endings.iter().map(|e| root.join(format!("{name}{e}"))).find(|p| walk::is_picture(p) && p.is_file())
    };
    roots.iter().find_map(at)
}

/// The column whose values name pictures.
fn picture_column(list: &List, roots: &[PathBuf]) -> Option<usize> {
    let roots: Vec<PathBuf> = roots.iter().flat_map(|r| self::roots(&r.join("x"), r)).collect();
    let hits = |column: usize| {
        let names = list.rows.iter().take(50).filter_map(|row| row.get(column));
        names.filter(|name| resolve(name, &roots).is_some()).count()
    };
    (0..list.columns.len())
        .map(|c| (hits(c), c))
        .filter(|(n, _)| *n > 0)
        .max_by_key(|(n, c)| (*n, usize::MAX - c))
        .map(|(_, c)| c)
}

/// Takes the pictures that a list names.
///
/// # Errors
/// When it cannot be read or names no picture.
pub(super) fn gather(
    path: &Path,
    folder: &Path,
    part: Part,
    gathered: &mut Gathered,
) -> Result<(), ReadError> {
    let list = read(path, usize::MAX)?;
    let column = picture_column(&list, &[folder.to_owned(), path.parent().unwrap_or(folder).to_owned()]);
    let column =
        column.ok_or_else(|| ReadError::malformed(path, "no column names pictures that are there"))?;
    let called =
        |names: &[&str]| list.columns.iter().position(|c| names.contains(&c.to_lowercase().as_str()));
    let split = called(&SPLITS).filter(|s| *s != column);
    let others: Vec<usize> = (0..list.columns.len()).filter(|c| *c != column && Some(*c) != split).collect();
    let label = called(&LABELS).filter(|l| *l != column).or(match others.as_slice() {
        [one] => Some(*one),
        _ => None,
    });
    let roots = roots(path, folder);
    for row in &list.rows {
        let Some(name) = row.get(column).filter(|name| !name.trim().is_empty()) else { continue };
        let found = resolve(name, &roots);
        let named = split.and_then(|s| part_named(row.get(s)?.trim()));
        gathered.items.push(Item {
            store: if found.is_some() { Store::File } else { Store::Missing },
            path: found.unwrap_or_else(|| folder.join(name.trim())),
            index: None,
            part: if part == Part::Train { named.unwrap_or(part) } else { part },
            class: label.and_then(|l| row.get(l)).map(|l| l.trim().to_owned()).filter(|l| !l.is_empty()),
        });
    }
    gathered.layouts.insert("a list of pictures");
    let format = match label {
        Some(label) => format!("list, labels in `{}`", list.columns[label]),
        None => "list without labels".into(),
    };
    let n_rows = list.rows.len() as u64;
    gathered.files.push(FileFacts { path: path.display().to_string(), format, n_rows });
    Ok(())
}

/// One line on pictures that no list names.
pub(super) fn unlisted(pictures: &[PathBuf], items: &[Item]) -> Option<String> {
    let listed: HashSet<&Path> = items.iter().map(|i| i.path.as_path()).collect();
    let rest: Vec<&PathBuf> = pictures.iter().filter(|p| !listed.contains(p.as_path())).collect();
    let first = rest.first()?;
    let n = count_of(rest.len() as u64, "picture");
    let are = if rest.len() == 1 { "is" } else { "are" };
    Some(format!("{n} {are} in no list, among them `{}`", first.display()))
}

/// Reads the first `most` rows of a list.
fn read(path: &Path, most: usize) -> Result<List, ReadError> {
    let facts = std::fs::metadata(path).map_err(|e| ReadError::io(path, e))?;
    if facts.len() > MOST {
        return Err(ReadError::malformed(path, "a list of pictures beyond 1 GiB is not read"));
    }
    let name = path.to_string_lossy().to_lowercase();
    let ends = |endings: &[&str]| endings.iter().any(|e| name.ends_with(e));
    if !ends(&[".csv", ".tsv", ".jsonl", ".ndjson", ".txt"]) {
        return Err(ReadError::malformed(path, "not a list by its name"));
    }
    let bytes = std::fs::read(path).map_err(|e| ReadError::io(path, e))?;
    let text = String::from_utf8_lossy(bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(&bytes)).into_owned();
    if ends(&[".jsonl", ".ndjson"]) { Ok(json_lines(&text, most)) } else { Ok(separated(&text, most)) }
}

fn json_lines(text: &str, most: usize) -> List {
    let mut columns: Vec<String> = Vec::new();
    let mut rows = Vec::new();
    for line in text.lines().take(most) {
        let Ok(serde_json::Value::Object(object)) = serde_json::from_str(line) else { continue };
        let mut row = vec![String::new(); columns.len()];
        for (key, value) in object {
            let at = columns.iter().position(|c| *c == key).unwrap_or_else(|| {
                columns.push(key.clone());
                row.push(String::new());
                columns.len() - 1
            });
            row[at] = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
        }
        rows.push(row);
    }
    List { columns, rows }
}

/// Text with separators: the state machine of `csv-core`, so that quotes hold.
fn separated(text: &str, most: usize) -> List {
    let head = text.lines().next().unwrap_or_default();
    let count = |c: char| head.matches(c).count();
    let separator = [',', '\t', ';', ' '].into_iter().max_by_key(|c| (count(*c), *c != ' ')).unwrap_or(',');
    let mut reader = csv_core::ReaderBuilder::new().delimiter(separator as u8).build();
    let (mut field, mut ends) = (vec![0; 1 << 16], vec![0; 4096]);
    let mut input = text.as_bytes();
    let mut rows: Vec<Vec<String>> = Vec::new();
    while rows.len() <= most {
        let (result, read, _, n_ends) = reader.read_record(input, &mut field, &mut ends);
        input = input.get(read..).unwrap_or_default();
        match result {
            csv_core::ReadRecordResult::Record => {
                let mut start = 0;
                let mut row = Vec::with_capacity(n_ends);
                for &end in ends.iter().take(n_ends) {
                    row.push(String::from_utf8_lossy(field.get(start..end).unwrap_or_default()).into_owned());
                    start = end;
                }
                rows.push(row);
            }
            csv_core::ReadRecordResult::InputEmpty => {}
            _ => break, // the end, or a record that no list has
        }
    }
    let columns = if rows.is_empty() { Vec::new() } else { rows.remove(0) };
    List { columns, rows }
}
