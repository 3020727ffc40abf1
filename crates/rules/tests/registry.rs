//! Tests of the rule list itself: nothing forgotten, nothing twice, nothing undocumented.
#![allow(clippy::unwrap_used, reason = "helpers of tests")]

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use serde_json::{Map, Value, json};
use stetho_core::{Entry, Example, RuleInfo, Session};

/// A rule in the median has no more lines than this, tests left out …
const MEDIAN_LINES: usize = 180;
/// … and none has more than this.
const MOST_LINES: usize = 400;

/// A file below `src` that holds a rule.
struct RuleFile {
    family: String,
    id: String,
    path: PathBuf,
    text: String,
}

/// Every file with an `impl Rule for`, in every folder of `src`.
fn rule_files() -> Vec<RuleFile> {
    let src = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut files = Vec::new();
    for family in fs::read_dir(src).unwrap().map(|e| e.unwrap().path()).filter(|p| p.is_dir()) {
        for path in fs::read_dir(&family).unwrap().map(|e| e.unwrap().path()) {
            let text = fs::read_to_string(&path).unwrap();
            if text.contains("impl Rule for") {
                let family = family.file_name().unwrap().to_string_lossy().into_owned();
                let id = path.file_stem().unwrap().to_string_lossy().replace('_', "-");
                files.push(RuleFile { family, id, path, text });
            }
        }
    }
    assert!(!files.is_empty(), "no rule file found");
    files
}

fn assert_none(failures: &[String]) {
    assert!(failures.is_empty(), "\n{}\n", failures.join("\n"));
}

/// What is wrong with each rule, as `id: problem`.
fn assert_of_each(problems: impl Fn(&RuleInfo) -> Vec<String>) {
    let failures: Vec<String> = stetho_rules::all()
        .flat_map(|info| problems(info).into_iter().map(|p| format!("{}: {p}", info.id)).collect::<Vec<_>>())
        .collect();
    assert_none(&failures);
}

#[test]
fn every_rule_file_is_listed_in_its_family() {
    let listed: BTreeSet<_> = stetho_rules::all().map(|info| (info.family, info.id)).collect();
    let unlisted = rule_files().into_iter().filter(|f| !listed.contains(&(&*f.family, &*f.id)));
    let failures: Vec<_> = unlisted
        .map(|f| {
            let path = f.path.display();
            format!("{path} is not in the list of `{}/mod.rs`, or its ID is not `{}`", f.family, f.id)
        })
        .collect();
    assert_none(&failures);
}

#[test]
fn every_listed_rule_has_a_file_of_its_name_and_a_unique_id() {
    let files = rule_files();
    let mut seen = BTreeSet::new();
    assert_of_each(|info| {
        let has_file = files.iter().any(|f| f.id == info.id && f.family == info.family);
        if has_file { vec![] } else { vec![format!("its file is not src/{}/{}.rs", info.family, info.id)] }
    });
    let twice: Vec<_> = stetho_rules::all().filter(|i| !seen.insert(i.id)).map(|i| i.id.to_owned()).collect();
    assert_none(&twice);
}

#[test]
fn documentation_is_complete() {
    assert_of_each(|info| {
        let docs = info.docs();
        let mut problems = Vec::new();
        let mut demand = |holds: bool, problem: &str| {
            if !holds {
                problems.push(problem.to_owned());
            }
        };
        demand(docs.summary.ends_with('.'), "the first line of its documentation is not a sentence");
        demand(!docs.why.is_empty(), "nothing under *Why it matters*");
        demand(!docs.remedy.is_empty(), "nothing under *What to do*");
        demand(!docs.fires_on.is_empty(), "no example under *Fires on*");
        demand(!docs.quiet_on.is_empty(), "no example under *Stays quiet on*");
        let is_empty = |e: &Example| e.text.trim().is_empty();
        demand(!docs.fires_on.iter().chain(&docs.quiet_on).any(is_empty), "an example is empty");
        demand(!docs.body.contains("TODO") && !docs.summary.contains("TODO"), "a TODO is left");
        problems
    });
}

#[test]
fn every_option_is_documented() {
    assert_of_each(|info| {
        let docs = info.docs();
        let defaults = info.defaults();
        let known: BTreeSet<&str> = defaults.as_object().unwrap().keys().map(String::as_str).collect();
        let named: BTreeSet<&str> = docs.options.iter().map(|o| o.name.as_str()).collect();
        let mut problems: Vec<_> = docs
            .options
            .iter()
            .filter(|o| o.doc.is_empty())
            .map(|o| format!("no doc of `{}`", o.name))
            .collect();
        if known != named {
            problems.push(format!("options are {known:?}, documented are {named:?}"));
        }
        problems
    });
}

#[test]
fn defaults_round_trip() {
    check_defaults(stetho_rules::table::RULES);
    check_defaults(stetho_rules::image::RULES);
    check_defaults(stetho_rules::boxes::RULES);
    check_defaults(stetho_rules::fit::RULES);
    check_defaults(stetho_rules::preflight::RULES);
    check_defaults(stetho_rules::run::RULES);
    check_defaults(stetho_rules::code::RULES);
}

/// The defaults of each rule can be given back as options; an option that does not exist cannot.
fn check_defaults<R: stetho_core::Record>(rules: &'static [Entry<R>]) {
    for entry in rules {
        let id = entry.info.id;
        let with = |options: Value| {
            let options = Map::from_iter([(id.to_owned(), options)]);
            Session::new(rules, |info| info.id == id, &options).map(|_| ())
        };
        assert!(entry.info.defaults().is_object(), "{id} has no defaults");
        with(entry.info.defaults()).unwrap();
        assert!(with(json!({ "no_such_option": 1 })).is_err(), "{id} takes options that do not exist");
    }
}

#[test]
fn every_rule_says_what_it_needs_measured() {
    assert_of_each(|info| if info.signals.is_empty() { vec!["no SIGNALS".into()] } else { vec![] });
}

#[test]
fn rules_are_short() {
    let lines = |file: &RuleFile| file.text.lines().take_while(|l| *l != "#[cfg(test)]").count();
    let mut sizes: Vec<_> = rule_files().iter().map(|f| (lines(f), f.id.clone())).collect();
    sizes.sort();
    let (median, _) = &sizes[sizes.len() / 2];
    let (most, longest) = sizes.last().unwrap();
    assert!(*median <= MEDIAN_LINES, "the median rule has {median} lines, limit {MEDIAN_LINES}");
    assert!(*most <= MOST_LINES, "{longest} has {most} lines, limit {MOST_LINES}");
}
