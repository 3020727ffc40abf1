//! Remedies of tables.

mod balance;
mod cells;
mod drop;
mod fill;
mod labels;
mod sheet;
mod smote;
mod snippets;
mod split;
mod transform;
mod whiten;
mod write;

use std::collections::BTreeMap;

use stetho_core::table::{Origin, Part, Table, Target, Task};
use stetho_core::{Signals, count_of, thousands};
use stetho_read::{DataKind, Plan, Watch, read_table};

pub(crate) use cells::push_field;
pub(crate) use labels::read as read_corrections;
pub(crate) use split::{divide, join, root};

use self::drop::Auditor;
use self::sheet::{Book, Cell, Sheet};
use crate::receipt::{Change, Done, Receipt};
use crate::remedies;
use crate::staging::Staging;
use crate::{PrepareError, Request};

/// What left out rows that cannot be read.
const READING: &str = "reading";

/// A table under treatment.
pub(crate) struct Work<'a> {
    request: &'a Request,
    book: Book,
    /// What is predicted, by name: columns may be dropped.
    target: Option<String>,
    task: Option<Task>,
    /// Columns that number or name the rows.
    identifiers: Vec<String>,
    /// Values that stand for a missing one, by column.
    placeholders: BTreeMap<String, Vec<String>>,
    receipt: Receipt,
}

/// Applies the remedies to a table.
pub(crate) fn prepare(request: &Request, staging: &Staging, watch: &dyn Watch) -> Result<Done, PrepareError> {
    let rules = remedies::resolve(&request.drop, DataKind::Table)?;
    let reading = read_table(&Plan { signals: Signals::default(), listed: 1, ..request.plan() }, watch)?;
    let parts = [
        (Part::Train, request.data.as_slice()),
        (Part::Validation, request.val.as_slice()),
        (Part::Test, request.test.as_slice()),
    ];
    let mut work = Work {
        request,
        book: Book::read(parts, watch)?,
        target: None,
        task: None,
        identifiers: Vec::new(),
        placeholders: BTreeMap::new(),
        receipt: Receipt {
            schema: 1,
            stetho: env!("CARGO_PKG_VERSION").into(),
            asked: request.asked(),
            seed: request.seed,
            ..Receipt::default()
        },
    };
    work.receipt.notes.extend(reading.skipped.iter().map(|line| format!("stepped over: {line}")));
    work.learn_roles(&reading.table);
    work.note_unreadable();
    work.apply(&rules, staging, watch)?;
    work.finish(staging)
}

impl Work<'_> {
    /// Learns what is predicted, and says so where nobody told.
    fn learn_roles(&mut self, table: &Table) {
        let Some(Target { column, task, origin, reason, .. }) = table.target.get() else {
            let moves = self.request.center || self.request.scale || self.request.whiten.is_some();
            if moves || self.request.impute {
                let words = "no target column is known, so every number column is taken for a feature; name it with \
                             --target";
                self.receipt.notes.push(words.into());
            }
            return;
        };
        let Some(column) = table.columns.get(*column) else { return };
        self.target = Some(column.name.clone());
        self.task = Some(*task);
        if *origin == Origin::Guessed {
            self.receipt.notes.push(format!(
                "`{}` was taken for the target, since {reason}; name it with --target if it is another",
                column.name
            ));
        }
    }

    fn apply(
        &mut self,
        rules: &[&'static str],
        staging: &Staging,
        watch: &dyn Watch,
    ) -> Result<(), PrepareError> {
        let request = self.request;
        self.check_columns()?;
        if let Some(file) = &request.fix_labels {
            self.fix_labels(file, watch)?;
        }
        let auditor = Auditor { staging, watch };
        self.drop_culprits(rules, &auditor)?;
        let learnt = auditor.learn(self)?;
        (self.identifiers, self.placeholders) = (learnt.identifiers, learnt.placeholders);
        if let Some(ratios) = &request.split {
            self.split(ratios)?;
        }
        self.transform(staging)?;
        if let Some(balance) = request.balance {
            self.balance(balance, staging)?;
        }
        self.verify(rules, &auditor)
    }

    /// Columns that were named must be there before anything is done.
    fn check_columns(&self) -> Result<(), PrepareError> {
        for name in &self.request.log {
            self.book.column(name, "--log")?;
        }
        if let Some(name) = &self.request.group {
            self.book.column(name, "--group")?;
        }
        Ok(())
    }

    /// Index of the target column.
    fn target_column(&self, what: &str) -> Result<usize, PrepareError> {
        match &self.target {
            Some(name) => self.book.column(name, what),
            None => {
                PrepareError::request(format!("{what}: no target column is known; name it with --target"))
            }
        }
    }

    /// Columns that models may use: neither target nor group, nor those that name rows.
    fn features(&self) -> Vec<usize> {
        let is_feature = |name: &String| {
            Some(name) != self.target.as_ref()
                && Some(name) != self.request.group.as_ref()
                && !self.identifiers.contains(name)
        };
        let fields = self.book.fields.iter().enumerate();
        fields.filter(|(_, field)| is_feature(&field.name)).map(|(i, _)| i).collect()
    }

    fn train(&self) -> Option<&Sheet> {
        self.book.sheets.iter().find(|sheet| sheet.part == Part::Train)
    }

    fn note_unreadable(&mut self) {
        let rows = std::mem::take(&mut self.book.unreadable);
        if rows.is_empty() {
            return;
        }
        let words = format!(
            "{} could not be read as they are: left out, or repaired",
            count_of(rows.len() as u64, "row")
        );
        self.receipt.tell(READING, words);
        self.receipt.changes.extend(rows.into_iter().map(|row| Change {
            file: row.path,
            row: Some(row.row),
            line: row.line,
            what: "left out or repaired".into(),
            by: READING.into(),
            before: row.text.into(),
            after: row.problem.into(),
            ..Change::default()
        }));
    }

    /// A change of the row `row` of `sheet`.
    fn change_of(&self, sheet: &Sheet, row: usize) -> Change {
        let Some(Some(origin)) = sheet.origins.get(row) else { return Change::default() };
        Change {
            file: self.book.files.get(origin.file as usize).cloned().unwrap_or_default(),
            row: Some(origin.row),
            line: origin.line,
            ..Change::default()
        }
    }

    fn finish(mut self, staging: &Staging) -> Result<Done, PrepareError> {
        let is_only = self.book.sheets.len() == 1;
        let mut next = vec!["stetho".to_owned(), "check".to_owned()];
        let mut sizes = Vec::new();
        for sheet in &self.book.sheets {
            if sheet.n_rows() == 0 {
                return PrepareError::request(format!("no row is left for the {} data", sheet.part.name()));
            }
            let file = write::file_name(sheet.part, is_only);
            staging.write(file, write::to_csv(&self.book, sheet))?;
            self.receipt.rows.push(write::rows_of(sheet, file));
            sizes.push(format!("`{file}` {}", count_of(sheet.n_rows() as u64, "row")));
            match sheet.part {
                Part::Train => {}
                Part::Validation => next.push("--val".into()),
                Part::Test => next.push("--test".into()),
            }
            next.push(staging.named(file));
        }
        for (option, name) in [("--target", &self.target), ("--group", &self.request.group)] {
            let is_there = |name: &&String| self.book.fields.iter().any(|f| f.name == **name);
            if let Some(name) = name.as_ref().filter(is_there) {
                next.extend([option.to_owned(), name.clone()]);
            }
        }
        self.receipt.tell("written", sizes.join(", "));
        self.receipt.sources = std::mem::take(&mut self.book.files);
        self.receipt.write(staging, next)
    }
}

/// `120 of 400 rows`.
fn share(n: usize, of: usize) -> String {
    format!("{} of {}", thousands(n as u64), count_of(of as u64, "row"))
}
