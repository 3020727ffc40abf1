//! Every faulty twin of every rule that `--drop` takes: the copy has the finding no more, and the source is as it was.

#![allow(clippy::unwrap_used, reason = "a test that fails is a test that fails")]

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use stetho_gallery::{DataSet, audit, gallery_files, raised};
use stetho_prepare::{Request, Whiten, droppable, prepare};
use stetho_read::Unwatched;

/// Every file below a folder with its content.
fn files(folder: &Path) -> BTreeMap<PathBuf, Vec<u8>> {
    let mut found = BTreeMap::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(files(&path));
        } else {
            found.insert(path.clone(), std::fs::read(&path).unwrap());
        }
    }
    found
}

/// The copy in `out` as a data set.
fn copy_of(data: &DataSet, out: &Path) -> DataSet {
    let held_out = |name: &str| Some(out.join(name)).filter(|path| path.exists());
    let train =
        ["data.csv", "train.csv", "data"].iter().map(|name| out.join(name)).find(|path| path.exists());
    DataSet {
        train: train.unwrap(),
        val: held_out("validation.csv"),
        test: held_out("test.csv"),
        ..data.clone()
    }
}

/// What is wrong with the copy of one data set.
fn problem(rule: &str, remedy: &Request, data: &DataSet, folder: &Path) -> Option<String> {
    let out = folder.join("out");
    let before = files(&folder.join("source"));
    let request = Request {
        data: vec![data.train.clone()],
        val: data.val.iter().cloned().collect(),
        test: data.test.iter().cloned().collect(),
        target: data.target.clone(),
        group: data.group.clone(),
        out: out.clone(),
        ..remedy.clone()
    };
    if let Err(error) = prepare(&request, &Unwatched) {
        return Some(error.to_string());
    }
    if files(&folder.join("source")) != before {
        return Some("the source was changed".into());
    }
    let verdict = audit(&copy_of(data, &out)).unwrap();
    let still = verdict.findings.iter().any(|finding| finding.rule == rule);
    still.then(|| format!("still raised: {}", raised(&verdict).join("; ")))
}

/// Tries the remedy of each rule on its faulty twins; how many data sets there were, and what went wrong.
fn try_all(name: &str, remedy: impl Fn(&str) -> Option<Request>) -> (usize, Vec<String>) {
    let root = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
    let _ = std::fs::remove_dir_all(&root);
    let (mut n, mut problems) = (0, Vec::new());
    for file in gallery_files(stetho_gallery::root()).unwrap() {
        let Some(remedy) = remedy(&file.rule) else { continue };
        for (at, twin) in file.twins.iter().enumerate().filter(|(_, twin)| twin.is_faulty(&file.rule)) {
            let folder = root.join(format!("{}-{at}", file.rule));
            std::fs::create_dir_all(folder.join("source")).unwrap();
            for data in twin.write(&folder.join("source")).unwrap() {
                n += 1;
                let _ = std::fs::remove_dir_all(folder.join("out"));
                if let Some(words) = problem(&file.rule, &remedy, &data, &folder) {
                    problems.push(format!("{}, twin `{}`: {words}", file.rule, twin.name));
                }
            }
        }
    }
    (n, problems)
}

#[test]
fn what_a_rule_finds_is_gone_after_dropping_it() {
    let (n, problems) = try_all("twins_dropped", |rule| {
        let drop = droppable().any(|word| word == rule).then(|| vec![rule.to_owned()])?;
        Some(Request { drop, ..Request::default() })
    });
    assert!(problems.is_empty(), "{}", problems.join("\n"));
    assert!(n >= 60, "only {n} data sets were tried");
}

#[test]
fn what_a_transform_is_for_is_gone_after_it() {
    let (n, problems) = try_all("twins_transformed", |rule| {
        let none = Request::default();
        match rule {
            "missing-values" => Some(Request { impute: true, ..none }),
            "feature-scales" => Some(Request { center: true, scale: true, ..none }),
            "ill-conditioned-features" => Some(Request { whiten: Some(Whiten::Pca), ..none }),
            _ => None,
        }
    });
    assert!(problems.is_empty(), "{}", problems.join("\n"));
    assert!(n >= 5, "only {n} data sets were tried");
}
