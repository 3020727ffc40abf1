//! Logs of one line a record, followed as they grow.

use super::growing::{Change, Growing};
use super::rows::Rows;
use crate::{Account, Damage, LogError, Progress, Sink, Source};

/// What the lines of a log mean.
pub(super) trait LineReader: Send {
    /// What kind of log it is, in words.
    fn kind(&self) -> &'static str;

    /// Takes in a line. An error says why it was not understood.
    fn line(&mut self, line: &[u8], rows: &mut Rows, sink: &mut dyn Sink) -> Result<(), Misread>;

    /// The file was written anew. Whether it only has a new first line, above rows that were read before.
    fn begin_anew(&mut self, has_new_head: bool) -> bool;

    /// Whether a line that nothing ended is whole all the same.
    fn is_whole(&self, _line: &[u8]) -> bool {
        false
    }

    /// Names whose values were never numbers.
    fn not_numeric(&self) -> Vec<String> {
        Vec::new()
    }
}

/// Why a line was not understood.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Misread {
    /// It is of no use, as lines of text may be.
    Skipped(&'static str),
    /// It should have been understood.
    Damaged(&'static str),
}

/// A log of lines.
pub(super) struct LineSource<R> {
    file: Growing,
    reader: R,
    rows: Rows,
}

impl<R: LineReader> LineSource<R> {
    pub(super) fn new(file: Growing, reader: R) -> Self {
        Self { file, reader, rows: Rows::default() }
    }

    fn read(&mut self, sink: &mut dyn Sink, is_over: bool) -> Result<Progress, LogError> {
        let Self { file, reader, rows, .. } = self;
        let before = rows.account.points;
        let path = file.path.clone();
        let mut each = |offset: u64, line: &[u8]| match reader.line(line, rows, sink) {
            Ok(()) => {}
            Err(Misread::Skipped(reason)) => rows.account.skip(reason),
            Err(Misread::Damaged(problem)) => {
                rows.account.damaged(Damage { path: path.clone(), offset, problem: problem.to_owned() });
            }
        };
        let bytes = file.lines(&mut each)?;
        if is_over {
            file.finish(&mut each);
        }
        Ok(Progress { points: rows.account.points - before, bytes })
    }
}

impl<R: LineReader> Source for LineSource<R> {
    fn poll(&mut self, sink: &mut dyn Sink) -> Result<Progress, LogError> {
        match self.file.change()? {
            Change::Grown => {}
            Change::Rewritten if self.reader.begin_anew(true) => {}
            Change::Rewritten | Change::Cut => {
                self.reader.begin_anew(false);
                self.rows.begin_anew(sink);
            }
        }
        let mut progress = self.read(sink, false)?;
        if self.reader.is_whole(self.file.pending()) {
            progress += self.read(sink, true)?;
        }
        Ok(progress)
    }

    fn finish(&mut self, sink: &mut dyn Sink) -> Result<Progress, LogError> {
        let mut progress = self.poll(sink)?;
        progress += self.read(sink, true)?;
        Ok(progress)
    }

    fn account(&self) -> Account {
        let mut account = self.rows.account.clone();
        account.kind = self.reader.kind().to_owned();
        account.n_waiting = self.file.n_waiting() as u64;
        account.not_numeric = self.reader.not_numeric();
        if let Some(problem) = &self.file.problem {
            let path = self.file.path.clone();
            account.damaged(Damage { path, offset: self.file.position(), problem: problem.clone() });
        }
        if self.file.n_too_long > 0 {
            account.skipped.insert("lines longer than 16 MB".to_owned(), self.file.n_too_long);
        }
        account
    }
}
