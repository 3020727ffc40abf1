//! Leaving out what rules find, by the audit that `stetho check` does.

use std::collections::{BTreeMap, BTreeSet, HashSet};

use serde_json::{Map, Value};
use stetho_core::table::Part;
use stetho_core::{Evidence, Finding, Outcome, Place, RuleOutcome, count_of};
use stetho_read::{Plan, Watch, read_table};
use stetho_rules::Judges;

use super::READING;
use super::Work;
use super::cells::normal;
use super::sheet::{Book, Sheet};
use super::write::{file_name, to_csv};
use crate::receipt::Change;
use crate::remedies::OF_COLUMNS;
use crate::staging::Staging;
use crate::{Balance, PrepareError, Request};

/// Audits until nothing is found; each round drops what the one before laid bare.
const MOST_ROUNDS: usize = 6;

/// Audits the copy as it stands.
pub(super) struct Auditor<'a> {
    pub staging: &'a Staging,
    pub watch: &'a dyn Watch,
}

impl Auditor<'_> {
    /// What `rules` find in the copy, and why those that did not run did not.
    fn audit(
        &self,
        request: &Request,
        book: &Book,
        target: Option<&String>,
        rules: &[&str],
    ) -> Result<(Vec<Finding>, BTreeMap<String, String>), PrepareError> {
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
        let not_run =
            verdict.outcomes.into_iter().filter_map(|RuleOutcome { rule, outcome }| match outcome {
                Outcome::Ran => None,
                Outcome::Skipped { reason } | Outcome::Failed { reason } => Some((rule, reason)),
            });
        Ok((verdict.findings, not_run.collect()))
    }

    /// Columns that number or name the rows, and values that stand for a missing one by column.
    pub(super) fn learn(&self, work: &Work<'_>) -> Result<Learnt, PrepareError> {
        let request = work.request;
        let is_needed = request.impute
            || request.center
            || request.scale
            || request.whiten.is_some()
            || request.split.is_some()
            || request.balance.is_some();
        if !is_needed {
            return Ok(Learnt::default());
        }
        let rules = ["id-like-column", "missing-values"];
        let (found, _) = self.audit(request, &work.book, work.target.as_ref(), &rules)?;
        let (ids, missing): (Vec<Finding>, Vec<Finding>) =
            found.into_iter().partition(|finding| finding.rule == "id-like-column");
        Ok(Learnt { identifiers: columns_of(&ids), placeholders: placeholders_of(&missing) })
    }
}

/// What rules say of columns.
#[derive(Default)]
pub(super) struct Learnt {
    pub identifiers: Vec<String>,
    pub placeholders: BTreeMap<String, Vec<String>>,
}

/// The table of `missing-labels` that names words in place of a label.
const NO_LABEL: &str = "what stands in place of a label";

/// The first cells of the tables called `name`.
fn first_cells<'a>(findings: &[&'a Finding], name: &'static str) -> impl Iterator<Item = &'a str> {
    let evidence: Vec<&'a Evidence> = findings.iter().flat_map(|finding| &finding.evidence).collect();
    let rows = evidence.into_iter().filter_map(move |evidence| match evidence {
        Evidence::Table { name: own, rows, .. } if own == name => Some(rows),
        _ => None,
    });
    rows.flatten().filter_map(|row| row.first().map(String::as_str))
}

/// The table of `missing-values` that names placeholders, by column and value.
const PLACEHOLDERS: &str = "placeholders";

/// Values that stand for a missing one, by column, as `missing-values` names them.
fn placeholders_of(findings: &[Finding]) -> BTreeMap<String, Vec<String>> {
    let mut found: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for evidence in findings.iter().flat_map(|finding| &finding.evidence) {
        let Evidence::Table { name, rows, .. } = evidence else { continue };
        for row in rows.iter().filter(|_| name == PLACEHOLDERS) {
            if let [column, value, ..] = row.as_slice() {
                found.entry(column.clone()).or_default().push(normal(Some(value)));
            }
        }
    }
    found
}

fn columns_of(findings: &[Finding]) -> Vec<String> {
    let places = findings.iter().flat_map(|finding| &finding.places);
    places
        .filter_map(|place| if let Place::Column { name } = place { Some(name.clone()) } else { None })
        .collect()
}

impl Work<'_> {
    /// Audits the result with the rules that the remedies were for, and tells what they still find.
    pub(super) fn verify(
        &mut self,
        dropped: &[&'static str],
        auditor: &Auditor<'_>,
    ) -> Result<(), PrepareError> {
        let request = self.request;
        let is_up = request.balance == Some(Balance::Up);
        let moved = request.center || request.scale || request.whiten.is_some();
        let also = [
            ("missing-values", request.impute),
            ("skewed-column", !request.log.is_empty()),
            ("feature-scales", request.scale || request.whiten.is_some()),
            ("ill-conditioned-features", request.whiten.is_some()),
            ("class-imbalance", request.balance.is_some() && request.balance != Some(Balance::Weights)),
            ("split-overlap", request.split.is_some()),
            ("non-finite-values", moved),
        ];
        let also = also.iter().filter(|(_, is_wanted)| *is_wanted).map(|(rule, _)| *rule);
        // rows that were drawn again are equal on purpose
        let dropped = dropped.iter().copied().filter(|rule| !(is_up && *rule == "duplicate-rows"));
        let rules: Vec<&str> = dropped.chain(also).collect();
        if rules.is_empty() {
            return Ok(());
        }
        let target = self.target.clone().filter(|name| self.book.fields.iter().any(|f| f.name == *name));
        let (found, not_run) = auditor.audit(request, &self.book, target.as_ref(), &rules)?;
        for finding in &found {
            self.receipt.notes.push(format!("`check` still says {}: {}", finding.rule, finding.message));
        }
        let is_gone = |rule: &&&str| !not_run.contains_key(**rule) && !found.iter().any(|f| f.rule == **rule);
        let gone: Vec<String> = rules.iter().filter(is_gone).map(|rule| format!("`{rule}`")).collect();
        if !gone.is_empty() {
            self.receipt.tell("checked", format!("nothing found by {}", gone.join(", ")));
        }
        Ok(())
    }

    /// Leaves out what `rules` find, and what they find then.
    pub(super) fn drop_culprits(
        &mut self,
        rules: &[&'static str],
        auditor: &Auditor<'_>,
    ) -> Result<(), PrepareError> {
        let mut dropped: BTreeMap<&str, u64> = rules.iter().map(|rule| (*rule, 0)).collect();
        let mut not_run = BTreeMap::new();
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
            let mut by_row = rows_by_sheet(&found);
            self.add_unlabelled(&found, &mut by_row);
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
            let n_unreadable = self.receipt.changes.iter().filter(|c| c.by == READING).count();
            let words = match (n, not_run.get(*rule)) {
                _ if *rule == "malformed-rows" && n_unreadable > 0 => "done while reading".to_owned(),
                (0, Some(reason)) => format!("nothing dropped: {reason}"),
                (0, None) => "found nothing to drop".to_owned(),
                (n, _) => format!("dropped {}", count_of(n, noun)),
            };
            self.receipt.tell(format!("drop {rule}"), words);
        }
        Ok(())
    }

    /// Adds training rows with a word in place of a label; empty ones are places of the finding.
    fn add_unlabelled(&self, findings: &[Finding], rows: &mut BTreeMap<(String, usize), String>) {
        let of_rule: Vec<&Finding> = findings.iter().filter(|f| f.rule == "missing-labels").collect();
        let words: BTreeSet<String> = first_cells(&of_rule, NO_LABEL)
            .filter(|cell| *cell != "empty")
            .map(|cell| normal(Some(cell)))
            .collect();
        let target =
            self.target.as_ref().and_then(|name| self.book.fields.iter().position(|f| f.name == *name));
        let (Some(sheet), Some(target)) = (self.train(), target) else { return };
        let file = file_name(sheet.part, false);
        for row in 0..sheet.n_rows() {
            if sheet.get(target, row).is_some_and(|cell| words.contains(&normal(Some(cell)))) {
                rows.entry((file.to_owned(), row)).or_insert_with(|| "missing-labels".into());
            }
        }
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
