//! Lists as rows of text: CSV, TSV, JSONL.

use std::path::Path;

use crate::ReadError;
use crate::source::compressed::open_bytes;
use crate::source::dialect;
use crate::source::encoding::Decoder;

use super::names;

/// A list of pictures: names of the columns, and cells as written.
#[derive(Default)]
pub(super) struct Rows {
    pub columns: Vec<String>,
    pub rows: Vec<Vec<String>>,
}

/// Bytes that the delimiter is found from.
const HEAD: usize = 256 << 10;

/// Reads up to `most` bytes of a list.
///
/// # Errors
/// When it cannot be read, or holds no row.
pub(super) fn read(path: &Path, most: usize) -> Result<Rows, ReadError> {
    let mut decoder = Decoder::new(open_bytes(path)?).map_err(|e| ReadError::io(path, e))?;
    let mut text = Vec::new();
    while text.len() < most && decoder.read_into(&mut text).map_err(|e| ReadError::io(path, e))? > 0 {}
    if matches!(names::extension(path).as_str(), "jsonl" | "ndjson") {
        return Ok(json(&text));
    }
    let cut = text.len().min(HEAD);
    let head = text.get(..cut).unwrap_or_default();
    let head = if cut < text.len() {
        head.get(..memchr::memrchr(b'\n', head).map_or(cut, |at| at + 1)).unwrap_or(head)
    } else {
        head
    };
    let dialect =
        dialect::detect(head).ok_or_else(|| ReadError::malformed(path, "no row was found in it"))?;
    let cells = |row: Vec<Vec<u8>>| -> Vec<String> {
        row.into_iter().map(|cell| String::from_utf8_lossy(cell.trim_ascii()).into_owned()).collect()
    };
    let mut rows: Vec<Vec<String>> =
        dialect::parse(&text, dialect.delimiter, usize::MAX).into_iter().map(cells).collect();
    rows.drain(..rows.len().min(dialect.n_preamble as usize));
    let first = rows.first().cloned().unwrap_or_default();
    // A header names columns, never pictures.
    let is_header = !first.iter().any(|cell| names::is_picture(Path::new(cell)));
    if is_header && !rows.is_empty() {
        rows.remove(0);
        return Ok(Rows { columns: first, rows });
    }
    Ok(Rows { columns: (0..first.len()).map(|i| format!("column_{i}")).collect(), rows })
}

/// Objects a line; values that are no text are kept as JSON writes them.
fn json(text: &[u8]) -> Rows {
    let mut list = Rows::default();
    for line in text.split(|b| *b == b'\n') {
        let Ok(serde_json::Value::Object(object)) = serde_json::from_slice(line) else { continue };
        let mut row = vec![String::new(); list.columns.len()];
        for (key, value) in object {
            let text = match value {
                serde_json::Value::String(text) => text,
                serde_json::Value::Null => String::new(),
                other => other.to_string(),
            };
            match list.columns.iter().position(|c| *c == key) {
                Some(at) => row.get_mut(at).into_iter().for_each(|cell| cell.clone_from(&text)),
                None => {
                    list.columns.push(key);
                    row.push(text);
                }
            }
        }
        list.rows.push(row);
    }
    list
}
