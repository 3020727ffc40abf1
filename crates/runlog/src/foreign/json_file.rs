//! Logs that are one JSON value, written anew each time: transformers' `trainer_state.json`, histories of Keras, lists.

use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use flate2::read::MultiGzDecoder;
use serde_json::{Map, Value};

use super::json;
use super::jsonl::is_summary;
use super::rows::{Row, Rows};
use crate::{Account, Damage, LogError, Progress, Sink, Source};

/// Larger files are no logs.
const LARGEST: u64 = 1 << 30;

/// Reads a log that is one JSON value, and what is new in it when it was written anew.
pub(super) struct JsonFile {
    path: PathBuf,
    /// Length and time of the file that was read last.
    seen: Option<(u64, Option<SystemTime>)>,
    n_entries: usize,
    rows: Rows,
    /// Why it could not be read as it stands now.
    problem: Option<Damage>,
    has_settings: bool,
}

impl JsonFile {
    pub(super) fn new(path: PathBuf) -> Self {
        Self { path, seen: None, n_entries: 0, rows: Rows::default(), problem: None, has_settings: false }
    }

    fn take_in(&mut self, value: &Value, sink: &mut dyn Sink) -> Option<()> {
        let entries = entries(value)?;
        if entries.len() < self.n_entries {
            self.rows.begin_anew(sink);
            self.n_entries = 0;
        }
        if !std::mem::replace(&mut self.has_settings, true) {
            settings(value, sink);
        }
        for entry in &entries[self.n_entries..] {
            let mut row = Row::default();
            json::numbers(entry, &mut row, &mut |name| self.rows.account.not_numeric(name));
            if is_summary(&row) {
                self.rows.account.skip("summaries of the whole run");
            } else if !row.values.is_empty() {
                self.rows.push(&row, sink);
            }
        }
        self.n_entries = entries.len();
        Some(())
    }
}

/// The entries of a log, if the value is one: a list of objects, the list `log_history` of an object, or an object of
/// lists, one a series.
pub(super) fn entries(value: &Value) -> Option<Vec<Value>> {
    match value {
        Value::Array(list) if list.iter().any(Value::is_object) => {
            Some(list.iter().filter(|v| v.is_object()).cloned().collect())
        }
        Value::Object(fields) => match fields.get("log_history") {
            Some(Value::Array(list)) => Some(list.clone()),
            _ => columns(fields),
        },
        _ => None,
    }
}

/// An object of lists as a list of objects; a history may lie one object deeper.
fn columns(fields: &Map<String, Value>) -> Option<Vec<Value>> {
    let lists: Vec<(&String, &Vec<Value>)> =
        fields.iter().filter_map(|(name, value)| Some((name, value.as_array()?))).collect();
    let is_number = |value: &Value| value.is_number() || value.is_null() || value.is_string();
    let lists: Vec<_> = lists.into_iter().filter(|(_, l)| !l.is_empty() && l.iter().all(is_number)).collect();
    if lists.is_empty() {
        let inner = fields.get("history").or_else(|| fields.get("metrics"))?;
        return columns(inner.as_object()?);
    }
    let n = lists.iter().map(|(_, list)| list.len()).max()?;
    let entry = |i: usize| {
        let cells = lists.iter().filter_map(|(name, list)| Some(((*name).clone(), list.get(i)?.clone())));
        Value::Object(cells.collect())
    };
    Some((0..n).map(entry).collect())
}

/// The single numbers and words beside the entries.
fn settings(value: &Value, sink: &mut dyn Sink) {
    let Value::Object(fields) = value else { return };
    for (name, value) in fields {
        match value {
            Value::Number(number) => sink.setting(name, &number.to_string()),
            Value::String(text) => sink.setting(name, text),
            Value::Bool(truth) => sink.setting(name, &truth.to_string()),
            _ => {}
        }
    }
}

/// The text of a file that may be compressed.
pub(super) fn read_text(path: &Path) -> Result<String, LogError> {
    let refused = |e| LogError::read(path, e);
    let file = File::open(path).map_err(refused)?;
    let mut bytes = Vec::new();
    if path.extension().is_some_and(|e| e.eq_ignore_ascii_case("gz")) {
        MultiGzDecoder::new(file).take(LARGEST + 1).read_to_end(&mut bytes).map_err(refused)?;
    } else {
        file.take(LARGEST + 1).read_to_end(&mut bytes).map_err(refused)?;
    }
    if bytes.len() as u64 > LARGEST {
        return Err(LogError::malformed(path, "more than 1 GB of JSON; write the log as JSON lines"));
    }
    let text = String::from_utf8_lossy(&bytes);
    Ok(text.strip_prefix('\u{feff}').unwrap_or(&text).to_owned())
}

impl Source for JsonFile {
    fn poll(&mut self, sink: &mut dyn Sink) -> Result<Progress, LogError> {
        let facts = std::fs::metadata(&self.path).map_err(|e| LogError::read(&self.path, e))?;
        let now = (facts.len(), facts.modified().ok());
        if self.seen == Some(now) {
            return Ok(Progress::default());
        }
        let before = self.rows.account.points;
        let text = read_text(&self.path)?;
        let path = self.path.clone();
        let damage = |offset: usize, problem: String| Some(Damage { path, offset: offset as u64, problem });
        self.problem = match json::parse(&text) {
            Err(error) => {
                let line = error.line().saturating_sub(1);
                let offset: usize = text.split_inclusive('\n').take(line).map(str::len).sum();
                damage(offset + error.column(), format!("not whole JSON: {error}"))
            }
            Ok(value) => match self.take_in(&value, sink) {
                Some(()) => None,
                None => damage(0, "no `log_history`, no list of objects and no object of lists".to_owned()),
            },
        };
        self.seen = Some(now);
        Ok(Progress { points: self.rows.account.points - before, bytes: text.len() as u64 })
    }

    fn account(&self) -> Account {
        let mut account = self.rows.account.clone();
        account.kind = "a JSON file".to_owned();
        if let Some(problem) = &self.problem {
            account.damaged(problem.clone());
        }
        account
    }
}
