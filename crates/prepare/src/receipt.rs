//! The receipt: what was changed, row by row, and how to undo it.

use std::fmt::Write as _;

use serde::Serialize;

use crate::{PrepareError, staging::Staging};

/// What was done, for the terminal.
#[derive(Clone, Debug, Default)]
pub struct Done {
    /// Remedy and what it did, in order.
    pub summary: Vec<(String, String)>,
    /// What to know of the result.
    pub notes: Vec<String>,
    /// The command that checks the result.
    pub next: Vec<String>,
}

/// One change.
#[derive(Clone, Debug, Default, Serialize)]
pub(crate) struct Change {
    /// The source file, as the user named it.
    pub file: String,
    /// 0-based row, or box, within the file.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub row: Option<u64>,
    /// 1-based line of the file.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub line: Option<u64>,
    /// The column, for changes of one cell.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub column: Option<String>,
    /// What was done: `dropped`, `relabelled`, `filled in`.
    pub what: String,
    /// The remedy or rule that did it.
    pub by: String,
    /// What was there.
    #[serde(skip_serializing_if = "serde_json::Value::is_null")]
    pub before: serde_json::Value,
    /// What is there now.
    #[serde(skip_serializing_if = "serde_json::Value::is_null")]
    pub after: serde_json::Value,
}

/// Where the rows of a file of the copy come from.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct RowsOf {
    /// The file of the copy.
    pub file: String,
    /// For each of its rows the source file (index into `sources`) and the row in it; `null` for a row that was made.
    pub rows: Vec<Option<(u32, u64)>>,
}

/// Everything that was done.
#[derive(Clone, Debug, Default, Serialize)]
pub(crate) struct Receipt {
    /// Version of this form.
    pub schema: u32,
    /// Version of the program.
    pub stetho: String,
    /// The options that were asked for, in words.
    pub asked: Vec<String>,
    /// Fixes what was random.
    pub seed: u64,
    /// Source files, which were only read.
    pub sources: Vec<String>,
    /// How the training part was resampled, if it was.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub resampled: Option<String>,
    /// Remedy and what it did.
    pub summary: Vec<(String, String)>,
    /// What to know of the result.
    pub notes: Vec<String>,
    /// Every change of a row, cell, file or box.
    pub changes: Vec<Change>,
    /// Where each row of the copy comes from.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub rows: Vec<RowsOf>,
    /// Python to copy, with what it is for.
    #[serde(skip)]
    pub snippets: Vec<(String, String)>,
}

/// Changes listed in the receipt for people.
const LISTED: usize = 40;

impl Receipt {
    /// A step that was taken.
    pub(crate) fn tell(&mut self, remedy: impl Into<String>, words: impl Into<String>) {
        self.summary.push((remedy.into(), words.into()));
    }

    /// Writes both receipts.
    pub(crate) fn write(self, staging: &Staging, next: Vec<String>) -> Result<Done, PrepareError> {
        let json = serde_json::to_string(&self)
            .map_err(|e| PrepareError::Request(format!("cannot write the receipt: {e}")))?;
        staging.write("receipt.json", json + "\n")?;
        staging.write("receipt.md", self.to_markdown(&next))?;
        Ok(Done { summary: self.summary, notes: self.notes, next })
    }

    fn to_markdown(&self, next: &[String]) -> String {
        let mut out = String::from("# Receipt\n\nWhat `stetho prepare` changed in this copy. ");
        out.push_str("`receipt.json` lists every change.\n\n| remedy | what it did |\n|---|---|\n");
        for (remedy, words) in &self.summary {
            let _ = writeln!(out, "| {} | {} |", cell(remedy), cell(words));
        }
        let _ = writeln!(out, "\nSeed: {}. Sources, which were only read:\n", self.seed);
        for source in &self.sources {
            let _ = writeln!(out, "- `{}`", source.replace('`', "'"));
        }
        for note in &self.notes {
            let _ = writeln!(out, "\n> {note}");
        }
        self.push_changes(&mut out);
        out.push_str(
            "\n## How to undo\n\nDelete this folder: the sources are as they were. To undo one change, take ",
        );
        out.push_str(
            "its `before` from `receipt.json`; `rows` there names the source row of each row here.\n",
        );
        for (title, code) in &self.snippets {
            let _ = writeln!(out, "\n## {title}\n\n```python\n{code}\n```");
        }
        let _ = writeln!(
            out,
            "\n## Next\n\n```sh\n{}\n```",
            next.iter().map(|word| quoted(word)).collect::<Vec<_>>().join(" ")
        );
        out
    }

    fn push_changes(&self, out: &mut String) {
        if self.changes.is_empty() {
            return;
        }
        out.push_str("\n## Changes\n\n| where | what | by | before | after |\n|---|---|---|---|---|\n");
        for change in self.changes.iter().take(LISTED) {
            let at = match (change.line, change.row) {
                (Some(line), _) => format!(" line {line}"),
                (None, Some(row)) => format!(" row {row}"),
                (None, None) => String::new(),
            };
            let column = change.column.as_ref().map_or_else(String::new, |c| format!(", `{c}`"));
            let words = [
                format!("{}{at}{column}", change.file),
                change.what.clone(),
                change.by.clone(),
                value(&change.before),
                value(&change.after),
            ];
            let _ = writeln!(out, "| {} |", words.map(|w| cell(&w)).join(" | "));
        }
        if self.changes.len() > LISTED {
            let _ = writeln!(out, "\nand {} more", self.changes.len() - LISTED);
        }
    }
}

fn value(value: &serde_json::Value) -> String {
    match value {
        serde_json::Value::Null => String::new(),
        serde_json::Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}

/// Text that stays within its cell of a Markdown table.
fn cell(text: &str) -> String {
    let text: String = text.chars().take(120).map(|c| if c.is_control() { ' ' } else { c }).collect();
    text.replace('|', "\\|")
}

/// A word as a shell reads it.
fn quoted(word: &str) -> String {
    let is_plain = |c: char| c.is_alphanumeric() || "-_./=,+:@%".contains(c);
    if !word.is_empty() && word.chars().all(is_plain) {
        return word.to_owned();
    }
    format!("'{}'", word.replace('\'', "'\\''"))
}
