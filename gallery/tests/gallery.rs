//! Every rule has a data set in which it speaks and one in which it is silent, and both are as expected.
#![allow(clippy::unwrap_used, reason = "helpers of tests")]

use std::collections::BTreeSet;

use stetho_gallery::{GalleryFile, RealSets, Twin, audit, gallery_files, raised, root};

fn files() -> Vec<GalleryFile> {
    gallery_files(root()).unwrap()
}

fn assert_none(failures: &[String]) {
    assert!(failures.is_empty(), "\n{}\n", failures.join("\n"));
}

#[test]
fn every_rule_has_a_faulty_and_a_healthy_twin() {
    let files = files();
    let mut failures = Vec::new();
    for info in stetho_rules::all() {
        let path = format!("gallery/{}/{}.toml", info.family, info.id);
        let Some(file) = files.iter().find(|f| f.rule == info.id && f.family == info.family) else {
            failures.push(format!("{path} is missing"));
            continue;
        };
        if !file.twins.iter().any(|t| t.is_faulty(info.id)) {
            failures.push(format!("{path} has no twin that expects `{}`", info.id));
        }
        if file.twins.iter().all(|t| t.is_faulty(info.id)) {
            failures.push(format!("{path} has no twin in which `{}` is silent", info.id));
        }
    }
    assert_none(&failures);
}

#[test]
fn gallery_files_name_rules_that_exist_and_twins_once() {
    let mut failures = Vec::new();
    for file in files() {
        let path = format!("gallery/{}/{}.toml", file.family, file.rule);
        let named = file.twins.iter().flat_map(|t| t.expect.iter().chain(&t.may));
        for id in named.chain([&file.rule]).filter(|id| stetho_rules::find(id).is_none()) {
            failures.push(format!("{path}: there is no rule `{id}`"));
        }
        let names: BTreeSet<_> = file.twins.iter().map(|t| &t.name).collect();
        if names.len() < file.twins.len() {
            failures.push(format!("{path}: two twins have the same name"));
        }
        if file.about.trim().is_empty() || file.about.contains('\n') {
            failures.push(format!("{path}: `about` should be one line"));
        }
    }
    assert_none(&failures);
}

#[test]
fn twins_are_as_expected() {
    let mut failures = Vec::new();
    for file in files() {
        for twin in &file.twins {
            for problem in problems(&file, twin) {
                failures
                    .push(format!("gallery/{}/{}.toml, `{}`: {problem}", file.family, file.rule, twin.name));
            }
        }
    }
    assert_none(&failures);
}

fn problems(file: &GalleryFile, twin: &Twin) -> Vec<String> {
    let folder = tempfile::tempdir().unwrap();
    let sets = match twin.write(folder.path()) {
        Ok(sets) => sets,
        Err(error) => return vec![error.to_string()],
    };
    let mut problems = Vec::new();
    for data in &sets {
        let found = match audit(data) {
            Ok(verdict) => twin.problems(&file.rule, &verdict),
            Err(error) => vec![error.to_string()],
        };
        let name = data.train.file_name().unwrap_or_default().to_string_lossy().into_owned();
        problems.extend(found.into_iter().map(|p| if sets.len() > 1 { format!("{name}: {p}") } else { p }));
    }
    problems
}

#[test]
fn real_data_sets_are_reported_as_an_expert_would() {
    let real = RealSets::load().unwrap();
    let mut failures = Vec::new();
    for set in &real.sets {
        let Some(data) = real.data(set) else {
            println!("{} of {} is not set up; `cargo xtask test` does it", set.name, set.package);
            continue;
        };
        let verdict = audit(&data).unwrap();
        println!("{} of {}: {:#?}", set.name, set.package, raised(&verdict));
        let problems = set.problems(&verdict);
        failures.extend(problems.iter().map(|p| format!("{} of {}: {p}", set.name, set.package)));
    }
    assert_none(&failures);
}
