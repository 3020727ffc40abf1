//! Lines that a training loop printed.

use super::jsonl::is_summary;
use super::lines::{LineReader, Misread};
use super::number;
use super::rows::{Role, Row, Rows, role};
use super::scan::scan;
use super::timestamp::timestamp;
use super::words;
use crate::{LogError, Sink};

/// Reads lines by the forms that loops commonly print, or by a pattern.
#[derive(Default)]
pub(super) struct TextReader {
    pattern: Option<Pattern>,
    /// The epoch that a line of its own told.
    epoch: Option<f64>,
    /// Batches of an epoch of training.
    n_batches: Option<f64>,
}

impl TextReader {
    pub(super) fn new(pattern: Option<Pattern>) -> Self {
        Self { pattern, ..Self::default() }
    }
}

impl LineReader for TextReader {
    fn kind(&self) -> &'static str {
        "lines of text"
    }

    fn line(&mut self, line: &[u8], rows: &mut Rows, sink: &mut dyn Sink) -> Result<(), Misread> {
        let text = plain(&String::from_utf8_lossy(line));
        // Lines of dashes are as good as blank ones.
        if !text.contains(|c: char| c.is_alphanumeric()) {
            return Ok(());
        }
        let row = match &self.pattern {
            Some(pattern) => {
                pattern.row(&text).ok_or(Misread::Skipped("lines that do not fit the pattern"))?
            }
            None => self.row(&text).ok_or(Misread::Skipped("lines that tell no step and no loss"))?,
        };
        if is_summary(&row) {
            return Err(Misread::Skipped("summaries of the whole run"));
        }
        rows.push(&row, sink);
        Ok(())
    }

    fn begin_anew(&mut self, _has_new_head: bool) -> bool {
        (self.epoch, self.n_batches) = (None, None);
        false
    }
}

impl TextReader {
    fn row(&mut self, text: &str) -> Option<Row> {
        let (mut row, part) = row(text);
        match part {
            // Batches of a validation are no steps of the training.
            Some("val" | "test") if self.n_batches.is_some() && row.n_batches != self.n_batches => {
                row.batch = None;
            }
            _ => self.n_batches = row.n_batches.or(self.n_batches),
        }
        if let Some((epoch, _)) = &row.epoch {
            self.epoch = Some(*epoch);
        }
        let is_placed = row.step.is_some() || row.batch.is_some() || row.epoch.is_some();
        let is_telling = row.values.iter().any(|(name, _)| words::is_telling(name));
        if row.is_bare() || !(is_placed || is_telling) {
            return None;
        }
        let epoch = row.epoch.clone().or(self.epoch.map(|epoch| (epoch, "epoch".to_owned())));
        Some(Row { epoch, ..row })
    }
}

/// What a line says, if it is read by the common forms, and the part of the data that it speaks of.
fn row(text: &str) -> (Row, Option<&'static str>) {
    let scanned = scan(text);
    let mut row = Row { wall_time: timestamp(text), ..Row::default() };
    for pair in scanned.pairs {
        match role(&pair.name) {
            Role::Step(_) => row.n_batches = pair.total,
            Role::Batch => row.n_batches = pair.total.or(row.n_batches),
            _ => {}
        }
        row.add(&pair.name, pair.value);
    }
    if let Some((place, total)) = scanned.place {
        row.batch = Some(place);
        row.n_batches = total;
    }
    (row, scanned.part)
}

/// Whether a text is a training log: a line in ten, or two lines, give a place and a number.
pub(super) fn is_log(text: &str) -> bool {
    let lines = text.split(['\n', '\r']).filter(|line| !line.trim().is_empty()).take(400);
    let (mut n_lines, mut n_rows) = (0, 0);
    for line in lines {
        let (row, _) = row(&plain(line));
        let is_telling = row.values.iter().any(|(name, _)| words::is_telling(name));
        n_lines += 1;
        n_rows += usize::from(is_telling);
    }
    n_rows >= 2 || n_rows * 10 > n_lines
}

/// Without colours and other commands to a terminal.
fn plain(line: &str) -> String {
    let mut out = String::with_capacity(line.len());
    let mut chars = line.chars();
    while let Some(c) = chars.next() {
        match c {
            '\u{1b}' => {
                if chars.next() == Some('[') {
                    chars.by_ref().find(char::is_ascii_alphabetic);
                }
            }
            '\u{8}' => {}
            _ => out.push(c),
        }
    }
    out
}

/// A pattern for the lines of a log: a regular expression whose named groups are the step and the numbers.
#[derive(Clone, Debug)]
pub struct Pattern {
    expression: regex_lite::Regex,
}

impl Pattern {
    /// A pattern such as `it (?<step>\d+): total (?<loss>\S+)`.
    ///
    /// # Errors
    /// When it is no regular expression, or names no group.
    pub fn new(text: &str) -> Result<Self, LogError> {
        let expression = regex_lite::Regex::new(text)
            .map_err(|e| LogError::Request(format!("the pattern `{text}` is no regular expression: {e}")))?;
        if expression.capture_names().flatten().next().is_none() {
            let hint = r"name groups, as in `(?<step>\d+) (?<loss>\S+)`";
            return Err(LogError::Request(format!("the pattern `{text}` names no group; {hint}")));
        }
        Ok(Self { expression })
    }

    fn row(&self, line: &str) -> Option<Row> {
        let captures = self.expression.captures(line)?;
        let mut row = Row { wall_time: timestamp(line), ..Row::default() };
        for name in self.expression.capture_names().flatten() {
            let value = captures.name(name).map(|m| number::cell(m.as_str()));
            if let Some(number::Cell::Number(value)) = value {
                row.add(name, value);
            }
        }
        (!row.values.is_empty()).then_some(row)
    }
}
