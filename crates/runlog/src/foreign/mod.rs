//! Logs of other kinds than event files, told apart by name and content.

mod csv;
mod growing;
mod json;
mod json_file;
mod jsonl;
mod lines;
mod number;
mod rows;
mod scan;
mod text;
mod timestamp;
mod words;

use std::fs::File;
use std::io::Read;
use std::path::Path;

use flate2::read::MultiGzDecoder;

use self::csv::CsvReader;
use self::growing::Growing;
use self::json_file::JsonFile;
use self::jsonl::JsonLines;
use self::lines::LineSource;
use self::number::Cell;
use self::rows::{Role, role};
use self::text::TextReader;
use crate::{LogError, Source};

pub use self::text::Pattern;

/// So much of a file is looked at.
const LOOK: u64 = 64 << 10;

/// A kind of log that is no event file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Foreign {
    /// A table of text with names in its first line.
    Csv,
    /// One JSON object a line.
    JsonLines,
    /// One JSON value: `trainer_state.json`, a history.
    Json,
    /// Printed lines.
    Text,
}

/// What a file is, by its content and name; None if it is no log. With `is_named` the user named this very file, so that a
/// table or lines are taken for a log in any case.
pub(crate) fn recognise(path: &Path, is_named: bool) -> Result<Option<Foreign>, LogError> {
    let start = look(path).map_err(|e| LogError::read(path, e))?;
    let is_binary = start.contains(&0);
    let text = String::from_utf8_lossy(&start);
    let text = text.trim_start_matches('\u{feff}');
    let extension = extension(path);
    if is_binary {
        return Ok(None);
    }
    let found = match extension.as_str() {
        "jsonl" | "ndjson" => Some(Foreign::JsonLines),
        "json" => Some(if is_lines(text) { Foreign::JsonLines } else { Foreign::Json }),
        "csv" | "tsv" => Some(Foreign::Csv),
        _ if text.trim_start().starts_with(['{', '[']) && is_lines(text) => Some(Foreign::JsonLines),
        _ if text.trim_start().starts_with('{') && text.contains("\"log_history\"") => Some(Foreign::Json),
        _ if text::is_log(text) && !is_table(text) => Some(Foreign::Text),
        _ if is_table(text) => Some(Foreign::Csv),
        _ => is_named.then_some(Foreign::Text),
    };
    Ok(found.filter(|kind| is_named || tells_of_training(*kind, text)))
}

/// The start of a file, unpacked.
pub(crate) fn look(path: &Path) -> std::io::Result<Vec<u8>> {
    let mut start = Vec::new();
    let file = File::open(path)?;
    if path.extension().is_some_and(|e| e.eq_ignore_ascii_case("gz")) {
        let mut unpacked = MultiGzDecoder::new(file).take(LOOK);
        // What is damaged further on is told when it is read.
        match unpacked.read_to_end(&mut start) {
            Err(e) if start.is_empty() && e.kind() != std::io::ErrorKind::UnexpectedEof => return Err(e),
            _ => {}
        }
    } else {
        file.take(LOOK).read_to_end(&mut start)?;
    }
    Ok(start)
}

/// The extension in lower case, that before `.gz`.
pub(crate) fn extension(path: &Path) -> String {
    let name = path.file_name().map(|n| n.to_string_lossy().to_ascii_lowercase()).unwrap_or_default();
    let name = name.strip_suffix(".gz").unwrap_or(&name);
    name.rsplit_once('.').map_or(String::new(), |(_, extension)| extension.to_owned())
}

/// Whether the first line is a JSON object of its own.
fn is_lines(text: &str) -> bool {
    let line = text.trim_start().lines().next().unwrap_or("");
    line.starts_with('{')
        && json::parse(line).is_ok_and(|v| v.is_object() && json_file::entries(&v).is_none())
}

/// Whether the first two lines are names and numbers under them.
fn is_table(text: &str) -> bool {
    let mut lines = text.lines().filter(|line| !line.trim().is_empty() && !csv::is_rule(line));
    let (Some(first), Some(second)) = (lines.next(), lines.next()) else { return false };
    let delimiter = csv::delimiter(first);
    let (mut names, mut cells) = (Vec::new(), Vec::new());
    csv::split(first, delimiter, &mut names);
    csv::split(second, delimiter, &mut cells);
    let n_numbers = cells.iter().filter(|c| matches!(number::cell(c), Cell::Number(_))).count();
    names.len() > 1
        && names.len() == cells.len()
        && names.iter().all(|name| number::cell(name) == Cell::Text)
        && n_numbers > 0
        && cells.iter().all(|cell| number::cell(cell) != Cell::Text || is_duration(cell))
}

/// Whether a cell is a time as clocks show it, `01:23:45`, as fastai's table has at the end of its rows.
fn is_duration(cell: &str) -> bool {
    let mut parts = cell.split(':');
    let n_parts = parts.clone().count();
    (2..=3).contains(&n_parts)
        && parts.all(|part| !part.is_empty() && part.bytes().all(|b| b.is_ascii_digit()))
}

/// Whether a file that nobody named is a log and no data set or settings: it has a step or an epoch, and a loss or the like.
fn tells_of_training(kind: Foreign, text: &str) -> bool {
    match kind {
        Foreign::Text => true,
        Foreign::Json => {
            text.contains("\"log_history\"")
                || (text.contains("\"loss\"") && json_list_follows(text, "\"loss\""))
        }
        Foreign::Csv => {
            let line = text.lines().find(|line| !line.trim().is_empty()).unwrap_or("");
            let mut names = Vec::new();
            csv::split(line, csv::delimiter(line), &mut names);
            is_placed(names.iter().map(String::as_str)) && names.iter().any(|n| role(n) == Role::Series)
        }
        Foreign::JsonLines => {
            let line = text.trim_start().lines().next().unwrap_or("");
            json::parse(line).is_ok_and(|value| {
                let names = value.as_object().into_iter().flatten();
                let names: Vec<&str> = names.map(|(name, _)| name.as_str()).collect();
                is_placed(names.iter().copied()) || names.iter().any(|name| words::is_telling(name))
            })
        }
    }
}

fn json_list_follows(text: &str, name: &str) -> bool {
    let after = text.split_once(name).map_or("", |(_, after)| after);
    after.trim_start().strip_prefix(':').is_some_and(|a| a.trim_start().starts_with('['))
}

fn is_placed<'a>(mut names: impl Iterator<Item = &'a str>) -> bool {
    names.any(|name| matches!(role(name), Role::Step(_) | Role::Epoch))
}

/// Opens a log of this kind.
pub(crate) fn open(path: &Path, kind: Foreign, pattern: Option<Pattern>) -> Box<dyn Source> {
    let lines = |returns| Growing::new(path.to_owned(), returns);
    match kind {
        Foreign::Csv => Box::new(LineSource::new(lines(false), CsvReader::default())),
        Foreign::JsonLines => Box::new(LineSource::new(lines(false), JsonLines::default())),
        Foreign::Json => Box::new(JsonFile::new(path.to_owned())),
        Foreign::Text => Box::new(LineSource::new(lines(true), TextReader::new(pattern))),
    }
}
