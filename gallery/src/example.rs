//! The examples in the rules' documentation, run as tests.

use std::path::Path;

use serde_json::Map;
use stetho_core::code::Code;
use stetho_core::preflight::Preflight;
use stetho_core::run::Fact;
use stetho_core::{Example, Outcome, RuleInfo, Session, Verdict};
use stetho_rules::Judges;

use crate::twin::{parse, put, write_boxes, write_pictures};
use crate::{BoxRecipe, DEFAULT_ROWS, DataSet, Frame, GalleryError, PictureRecipe, audit, raised};

/// Words and keys that may stand behind the format of a block.
const KEYS: [&str; 4] = ["rows=", "target=", "group=", "format="];

/// One data set of an example: a block, and the blocks marked `val` and `test` that follow it.
#[derive(Clone, Copy, Debug)]
pub struct DocCase<'a> {
    /// The training part.
    pub train: &'a Example,
    /// The validation part.
    pub val: Option<&'a Example>,
    /// The test part.
    pub test: Option<&'a Example>,
}

/// Joins the blocks under one heading to data sets.
///
/// # Errors
/// When a held-out block follows no training block, or a block has an argument that means nothing.
pub fn doc_cases(examples: &[Example]) -> Result<Vec<DocCase<'_>>, GalleryError> {
    let mut cases: Vec<DocCase<'_>> = Vec::new();
    for example in examples {
        let is_known =
            |a: &&String| ["val", "test"].contains(&a.as_str()) || KEYS.iter().any(|key| a.starts_with(key));
        if let Some(unknown) = example.arguments.iter().find(|a| !is_known(a)) {
            return Err(at(example, format!("`{unknown}` means nothing behind a fence")));
        }
        let (is_val, is_test) = (example.has("val"), example.has("test"));
        match cases.last_mut() {
            Some(case) if is_val => case.val = Some(example),
            Some(case) if is_test => case.test = Some(example),
            None if is_val || is_test => {
                return Err(at(example, "a held-out block needs a training block before it"));
            }
            _ => cases.push(DocCase { train: example, val: None, test: None }),
        }
    }
    Ok(cases)
}

fn at(example: &Example, problem: impl std::fmt::Display) -> GalleryError {
    GalleryError::Example(format!("line {}: {problem}", example.line))
}

impl DocCase<'_> {
    /// Writes the data set into `folder`, which must exist.
    ///
    /// # Errors
    /// When a recipe is wrong, a format is unknown, or the folder cannot be written.
    pub fn write(&self, folder: &Path) -> Result<DataSet, GalleryError> {
        match self.train.format.as_str() {
            "pictures" => {
                let recipe = PictureRecipe::parse(&self.train.text).map_err(|e| at(self.train, e))?;
                return write_pictures(&recipe, folder);
            }
            "boxes" => {
                let recipe = BoxRecipe::parse(&self.train.text).map_err(|e| at(self.train, e))?;
                return write_boxes(&recipe, self.train.argument("format").unwrap_or("coco"), folder);
            }
            _ => {}
        }
        let (frame, name, content) = make("train", self.train, None)?;
        let held_out = |part, example: Option<&Example>| {
            let Some(example) = example else { return Ok(None) };
            let (_, name, content) = make(part, example, Some(&frame))?;
            put(folder, &name, &content).map(Some)
        };
        Ok(DataSet {
            train: put(folder, &name, &content)?,
            val: held_out("val", self.val)?,
            test: held_out("test", self.test)?,
            target: self.train.argument("target").map(str::to_owned),
            group: self.train.argument("group").map(str::to_owned),
            ..DataSet::default()
        })
    }

    fn audit(&self, family: &str) -> Result<Verdict, GalleryError> {
        if self.train.format == "preflight" {
            return judge_record(self.train);
        }
        if self.train.format == "code" {
            let code: Code = serde_json::from_str(&self.train.text).map_err(|e| at(self.train, e))?;
            return Ok(Judges::new(|_| true, &Map::new())?.judge_code(&code));
        }
        let folder = tempfile::tempdir().map_err(GalleryError::io(Path::new("a temporary folder")))?;
        let data = self.write(folder.path())?;
        if family == "run" {
            name_facts(&data.train)?;
        }
        audit(&DataSet { fits: family == "fit", is_run: family == "run", ..data })
    }
}

/// The verdict on a record that is written out as JSON.
fn judge_record(example: &Example) -> Result<Verdict, GalleryError> {
    let mut session =
        Session::new(stetho_rules::preflight::RULES, |_| true, &Map::new()).map_err(|e| at(example, e))?;
    let record = Preflight::parse(&example.text).map_err(|e| at(example, e))?;
    if let Some((key, why)) = record.damaged.first() {
        return Err(at(example, format!("`{key}`: {why}")));
    }
    session.observe(&record);
    Ok(session.finish())
}

/// Facts of the training loop stand in the log as `stetho/<word>`; the examples leave the `stetho/` out.
fn name_facts(path: &Path) -> Result<(), GalleryError> {
    let text = std::fs::read_to_string(path).map_err(GalleryError::io(path))?;
    let Some((head, rows)) = text.split_once('\n').filter(|(head, _)| !head.starts_with('{')) else {
        return Ok(());
    };
    let is_fact = |name: &str| Fact::of_word(name.split('/').next().unwrap_or(name)).is_some();
    let names = head.split(',').map(|n| if is_fact(n) { format!("stetho/{n}") } else { n.to_owned() });
    let head = names.collect::<Vec<_>>().join(",");
    std::fs::write(path, format!("{head}\n{rows}")).map_err(GalleryError::io(path))
}

/// The table if a recipe made it, the file's name and its content.
fn make(
    part: &'static str,
    example: &Example,
    train: Option<&Frame>,
) -> Result<(Frame, String, String), GalleryError> {
    match example.format.as_str() {
        format @ ("csv" | "tsv" | "jsonl") => {
            Ok((Frame::default(), format!("{part}.{format}"), example.text.clone()))
        }
        "recipe" => {
            let rows = example.argument("rows").map(str::parse).transpose();
            let rows = rows.map_err(|_| at(example, "`rows=` needs a number"))?.unwrap_or(DEFAULT_ROWS);
            let recipe = parse(part, &example.text).map_err(|e| at(example, e))?;
            let frame = match train {
                Some(train) => recipe.make_held_out(part, rows, train),
                None => recipe.make(rows),
            };
            let frame = frame.map_err(|e| at(example, e))?;
            let csv = frame.to_csv();
            Ok((frame, format!("{part}.csv"), csv))
        }
        other => Err(at(
            example,
            format!(
                "no test runs blocks of `{other}`; there are csv, tsv, jsonl, recipe, pictures and boxes"
            ),
        )),
    }
}

/// Runs every example of a rule. Each line returned is a failure: file, line, what should have been, what was raised.
pub fn check_docs(info: &RuleInfo) -> Vec<String> {
    let file = format!("crates/rules/src/{}/{}.rs", info.family, info.id.replace('-', "_"));
    let docs = info.docs();
    let mut failures = Vec::new();
    for (examples, must_fire) in [(&docs.fires_on, true), (&docs.quiet_on, false)] {
        match doc_cases(examples) {
            Err(error) => failures.push(format!("{file}: {error}")),
            Ok(cases) => {
                let failed = cases.iter().filter_map(|case| {
                    let problem = match case.audit(info.family) {
                        Ok(verdict) => judge(info.id, must_fire, &verdict)?,
                        Err(error) => error.to_string(),
                    };
                    Some(format!("{file}:{}: {problem}", case.train.line))
                });
                failures.extend(failed);
            }
        }
    }
    failures
}

/// What is wrong with the verdict on an example of `rule`; `None` when it is as it should be.
fn judge(rule: &str, must_fire: bool, verdict: &Verdict) -> Option<String> {
    match verdict.outcomes.iter().find(|o| o.rule == rule).map(|o| &o.outcome) {
        Some(Outcome::Skipped { reason }) => {
            return Some(format!("`{rule}` was skipped, so the example shows nothing: {reason}"));
        }
        Some(Outcome::Failed { reason }) => return Some(format!("`{rule}` panicked: {reason}")),
        Some(Outcome::Ran) => {}
        None => return Some(format!("`{rule}` is not in the list of its family")),
    }
    let fires = verdict.findings.iter().any(|f| f.rule == rule);
    if fires == must_fire {
        return None;
    }
    let should = if must_fire { "fire" } else { "stay quiet" };
    let raised = match raised(verdict) {
        raised if raised.is_empty() => "nothing".into(),
        raised => raised.join("; "),
    };
    Some(format!("`{rule}` should {should} here; raised: {raised}"))
}

#[cfg(test)]
mod tests {
    use stetho_core::RuleOutcome;

    use super::*;

    fn example(header: &str, line: usize) -> Example {
        let mut words = header.split(' ').map(str::to_owned);
        let format = words.next().unwrap();
        Example { format, arguments: words.collect(), text: "a = row()\n".into(), line }
    }

    #[test]
    fn held_out_blocks_join_the_block_before_them() {
        let blocks = ["recipe target=a", "recipe rows=5 val", "recipe test", "csv"].map(|h| example(h, 1));
        let cases = doc_cases(&blocks).unwrap();
        assert_eq!(cases.len(), 2);
        assert!(cases[0].val.is_some() && cases[0].test.is_some() && cases[1].val.is_none());
        let folder = tempfile::tempdir().unwrap();
        let data = cases[0].write(folder.path()).unwrap();
        assert_eq!(data.target.as_deref(), Some("a"));
        assert_eq!(std::fs::read_to_string(data.val.unwrap()).unwrap().lines().count(), 6);
    }

    #[test]
    fn examples_that_do_not_do_what_they_say_are_told() {
        let verdict = |outcome: Outcome| Verdict {
            findings: Vec::new(),
            outcomes: vec![RuleOutcome { rule: "a".into(), outcome }],
        };
        let ran = verdict(Outcome::Ran);
        assert_eq!(judge("a", false, &ran), None);
        assert_eq!(judge("a", true, &ran).unwrap(), "`a` should fire here; raised: nothing");
        assert_eq!(judge("b", false, &ran).unwrap(), "`b` is not in the list of its family");
        let skipped = verdict(Outcome::Skipped { reason: "no target".into() });
        let told = "`a` was skipped, so the example shows nothing: no target";
        assert_eq!(judge("a", false, &skipped).unwrap(), told);
    }

    #[test]
    fn blocks_that_cannot_be_run_are_refused_with_their_line() {
        let refused = |header| {
            let blocks = [example(header, 7)];
            let run = || doc_cases(&blocks)?[0].write(Path::new("/nonexistent")).map(|_| ());
            run().unwrap_err().to_string()
        };
        assert_eq!(refused("csv val"), "line 7: a held-out block needs a training block before it");
        assert_eq!(refused("csv traget=a"), "line 7: `traget=a` means nothing behind a fence");
        assert_eq!(refused("recipe rows=x"), "line 7: `rows=` needs a number");
        assert!(refused("yaml").starts_with("line 7: no test runs blocks of `yaml`"));
    }
}
