//! One JSON object a line.

use super::json;
use super::lines::{LineReader, Misread};
use super::rows::{Row, Rows};
use crate::Sink;

/// Reads lines of objects.
#[derive(Default)]
pub(super) struct JsonLines {
    not_numeric: Vec<String>,
}

impl LineReader for JsonLines {
    fn kind(&self) -> &'static str {
        "a file of JSON lines"
    }

    fn line(&mut self, line: &[u8], rows: &mut Rows, sink: &mut dyn Sink) -> Result<(), Misread> {
        let text = String::from_utf8_lossy(line);
        let text = text.trim_start_matches('\u{feff}').trim();
        if text.is_empty() {
            return Ok(());
        }
        let value = json::parse(text).map_err(|_| Misread::Damaged("the line is not JSON"))?;
        if !value.is_object() {
            return Err(Misread::Skipped("lines that are no JSON object"));
        }
        let mut row = Row::default();
        json::numbers(&value, &mut row, &mut |name| {
            if self.not_numeric.len() < 100 && !self.not_numeric.iter().any(|n| n == name) {
                self.not_numeric.push(name.to_owned());
            }
        });
        if row.values.is_empty() && row.step.is_none() {
            return Err(Misread::Skipped("objects without numbers"));
        }
        if is_summary(&row) {
            return Err(Misread::Skipped("summaries of the whole run"));
        }
        rows.push(&row, sink);
        Ok(())
    }

    fn begin_anew(&mut self, _has_new_head: bool) -> bool {
        false
    }

    fn is_whole(&self, line: &[u8]) -> bool {
        line.ends_with(b"}") && std::str::from_utf8(line).is_ok_and(|text| json::parse(text).is_ok())
    }

    fn not_numeric(&self) -> Vec<String> {
        self.not_numeric.clone()
    }
}

/// The last entry of transformers' logs tells the mean loss of the whole run, which is no point of a curve.
pub(super) fn is_summary(row: &Row) -> bool {
    row.values.iter().any(|(name, _)| name == "train_runtime")
}
