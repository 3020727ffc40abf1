//! Leaving out what rules find, by the audit that `stetho check` does.

use std::collections::{BTreeMap, HashSet};

use serde_json::{Map, Value};
use stetho_core::table::Part;
use stetho_core::{Finding, Outcome, Place, count_of};
use stetho_read::{Plan, Watch, read_table};
use stetho_rules::Judges;

use super::Work;
use super::sheet::{Book, Sheet};
use super::write::{file_name, to_csv};
use crate::receipt::Change;
use crate::remedies::OF_COLUMNS;
use crate::staging::Staging;
use crate::{PrepareError, Request};

/// Audits until nothing is found; each round drops what the one before laid bare.
const MOST_ROUNDS: usize = 6;

/// Audits the copy as it stands.
pub(super) struct Auditor<'a> {
    pub staging: &'a Staging,
    pub watch: &'a dyn Watch,
}

impl Auditor<'_> {
    /// What `rules` find in the copy, and which of them could not run.
    fn audit(
        &self,
        request: &Request,
        book: &Book,
        target: Option<&String>,
        rules: &[&str],
    ) -> Result<(Vec<Finding>, Vec<String>), PrepareError> {
        let judges = Judges::new(|rule| rules.contains(&rule.id), &Map::new())?;
        let mut plan = Plan { signals: judges.wanted(), ..request.plan() };
        plan.train.clear();
        plan.validation.clear();
        plan.test.clear();
        plan.target = target.cloned();
        for sheet in &book.sheets {
            let name = format!("audit/{}", file_name(sheet.part, false));
            self.staging.write(&name, to_csv(book, sheet))?;
            let path = self.staging.folder().join(name);
            match sheet.part {
                Part::Train => plan.train.push(path),
                Part::Validation => plan.validation.push(path),
                Part::Test => plan.test.push(path),
            }
        }
        let reading = read_table(&plan, self.watch);
        let folder = self.staging.folder().join("audit");
        std::fs::remove_dir_all(&folder).map_err(PrepareError::writing(&folder))?;
        let verdict = judges.judge_table(&reading?.table);
        let skipped = verdict.outcomes.iter().filter(|o| o.outcome != Outcome::Ran).map(|o| o.rule.clone());
        Ok((verdict.findings, skipped.collect()))
    }

    /// Columns that number or name the rows.
    pub(super) fn identifiers(&self, work: &Work<'_>) -> Result<Vec<String>, PrepareError> {
        let request = work.request;
        let is_needed = request.impute
            || request.center
            || request.scale
            || request.whiten.is_some()
            || request.split.is_some()
            || request.balance.is_some();
        if !is_needed {
            return Ok(Vec::new());
        }
        let (found, _) = self.audit(request, &work.book, work.target.as_ref(), &["id-like-column"])?;
        Ok(columns_of(&found))
    }
}

fn columns_of(findings: &[Finding]) -> Vec<String> {
    let places = findings.iter().flat_map(|finding| &finding.places);
    places
        .filter_map(|place| if let Place::Column { name } = place { Some(name.clone()) } else { None })
        .collect()
}

impl Work<'_> {
    /// Leaves out what `rules` find, and what they find then.
    pub(super) fn drop_culprits(
        &mut self,
        rules: &[&'static str],
        auditor: &Auditor<'_>,
    ) -> Result<(), PrepareError> {
        let mut dropped: BTreeMap<&str, u64> = rules.iter().map(|rule| (*rule, 0)).collect();
        let mut not_run: Vec<String> = Vec::new();
        for _ in 0..if rules.is_empty() { 0 } else { MOST_ROUNDS } {
            let (found, skipped) = auditor.audit(self.request, &self.book, self.target.as_ref(), rules)?;
            not_run = skipped;
            let mut n_now = 0;
            for (rule, count) in &mut dropped {
                let of_rule: Vec<Finding> = found.iter().filter(|f| f.rule == *rule).cloned().collect();
                let n = if OF_COLUMNS.contains(rule) {
                    self.drop_columns(rule, &columns_of(&of_rule))
                } else {
                    0
                };
                *count += n;
                n_now += n;
            }
            let by_row = rows_by_sheet(&found);
            for (rule, n) in self.drop_rows(&by_row) {
                *dropped.entry(rule_of(rules, &rule)).or_default() += n;
                n_now += n;
            }
            if n_now == 0 {
                break;
            }
        }
        for rule in rules {
            let n = dropped.get(rule).copied().unwrap_or(0);
            let noun = if OF_COLUMNS.contains(rule) { "column" } else { "row" };
            let words = match n {
                0 if not_run.iter().any(|r| r == rule) => "could not be judged: nothing dropped".to_owned(),
                0 => "found nothing to drop".to_owned(),
                n => format!("dropped {}", count_of(n, noun)),
            };
            self.receipt.tell(format!("drop {rule}"), words);
        }
        Ok(())
    }

    fn drop_columns(&mut self, rule: &str, names: &[String]) -> u64 {
        let mut n = 0;
        for name in names {
            let Some(at) = self.book.fields.iter().position(|f| f.name == *name) else { continue };
            if Some(name) == self.target.as_ref() || Some(name) == self.request.group.as_ref() {
                continue;
            }
            self.book.fields.remove(at);
            for sheet in &mut self.book.sheets {
                if at < sheet.columns.len() {
                    sheet.columns.remove(at);
                }
            }
            n += 1;
            self.receipt.changes.push(Change {
                file: self.book.files.first().cloned().unwrap_or_default(),
                column: Some(name.clone()),
                what: "column dropped".into(),
                by: rule.into(),
                ..Change::default()
            });
        }
        n
    }

    /// Drops rows, each for the first rule that names it; how many for which rule.
    fn drop_rows(&mut self, culprits: &BTreeMap<(String, usize), String>) -> BTreeMap<String, u64> {
        let mut counts = BTreeMap::new();
        let mut sheets = std::mem::take(&mut self.book.sheets);
        for sheet in &mut sheets {
            let file = file_name(sheet.part, false).to_owned();
            let mut keeps = vec![true; sheet.n_rows()];
            let of_sheet = culprits.range((file.clone(), 0)..=(file, usize::MAX));
            for ((_, row), rule) in of_sheet {
                let Some(keep) = keeps.get_mut(*row) else { continue };
                *keep = false;
                *counts.entry(rule.clone()).or_default() += 1;
                let change = Change {
                    what: "row dropped".into(),
                    by: rule.clone(),
                    before: self.values(sheet, *row),
                    ..self.change_of(sheet, *row)
                };
                self.receipt.changes.push(change);
            }
            if keeps.contains(&false) {
                sheet.retain(&keeps);
            }
        }
        self.book.sheets = sheets;
        counts
    }

    /// The cells of a row by name.
    fn values(&self, sheet: &Sheet, row: usize) -> Value {
        let cells = self.book.fields.iter().enumerate();
        cells.map(|(i, field)| (field.name.clone(), sheet.get(i, row).into())).collect::<Map<_, _>>().into()
    }
}

fn rule_of(rules: &[&'static str], name: &str) -> &'static str {
    rules.iter().copied().find(|rule| *rule == name).unwrap_or_default()
}

/// The rows that findings name, by file of the audited copy and row, with the rule. Of rows that conflict all are named;
/// of equal rows all but the first.
fn rows_by_sheet(findings: &[Finding]) -> BTreeMap<(String, usize), String> {
    let mut rows = BTreeMap::new();
    let mut seen: HashSet<(String, usize)> = HashSet::new();
    for finding in findings.iter().filter(|f| !OF_COLUMNS.contains(&f.rule.as_str())) {
        for place in &finding.places {
            let Place::Rows { path, rows: found, .. } = place else { continue };
            let file = path.rsplit(['/', '\\']).next().unwrap_or(path).to_owned();
            for row in found.iter().filter_map(|row| usize::try_from(*row).ok()) {
                if seen.insert((file.clone(), row)) {
                    rows.insert((file.clone(), row), finding.rule.clone());
                }
            }
        }
    }
    rows
}
