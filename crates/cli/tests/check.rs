//! `stetho check` on small files, from the command line to the report.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a helper of tests that fails is a test that fails")]

mod common;

use common::{Folder, Outcome};
use serde_json::Value;

/// Two features that vary, and a column that does not.
fn constant() -> String {
    let rows = (0..40).map(|i| format!("3,{}.{},{}\n", 9 + i * 7 % 5, i * 13 % 89, ["a", "b"][i % 2]));
    format!("version,speed,label\n{}", rows.collect::<String>())
}

const ONLY: [&str; 2] = ["--select", "constant-column"];

fn json(result: &Outcome) -> Value {
    serde_json::from_str(&result.stdout).unwrap_or_else(|e| panic!("{e}: {}{}", result.stdout, result.stderr))
}

fn rules_found(report: &Value) -> Vec<&str> {
    report["findings"].as_array().unwrap().iter().map(|f| f["rule"].as_str().unwrap()).collect()
}

#[test]
fn the_text_report_goes_to_stdout_and_nothing_to_stderr() {
    let folder = Folder::new("text_report");
    folder.write("data.csv", &constant());
    let result = folder.run(&[&["check", "data.csv"][..], &ONLY].concat());
    assert_eq!((result.code, result.stderr.as_str()), (0, ""));
    assert!(result.stdout.starts_with("stetho check data.csv\n"), "{}", result.stdout);
    assert!(result.stdout.contains("40 rows × 3 columns"), "{}", result.stdout);
    assert!(result.stdout.contains("warning[constant-column]: column `version` is `3`"), "{}", result.stdout);
    assert!(result.stdout.contains("stetho explain constant-column"), "{}", result.stdout);
}

#[test]
fn fail_on_decides_the_status() {
    let folder = Folder::new("fail_on");
    folder.write("data.csv", &constant());
    let check = |words: &[&str]| folder.run(&[&["check", "data.csv"][..], &ONLY, words].concat()).code;
    assert_eq!(check(&[]), 0);
    assert_eq!(check(&["--fail-on", "warning"]), 1);
    assert_eq!(check(&["--fail-on", "never"]), 0);
    folder.write("stetho.toml", "fail-on = \"warning\"");
    assert_eq!(check(&[]), 1);
    assert_eq!(check(&["--fail-on", "error"]), 0, "the command line beats the file");
}

#[test]
fn every_format_carries_the_finding() {
    let folder = Folder::new("formats");
    folder.write("data.csv", &constant());
    let check = |format: &str| folder.run(&[&["check", "data.csv", "--format", format][..], &ONLY].concat());
    let report = json(&check("json"));
    assert_eq!(report["schema"], 1);
    assert_eq!(report["subject"]["items"], 40);
    assert_eq!(rules_found(&report), ["constant-column"]);
    assert_eq!(report["facts"]["kinds"]["number"], 2);
    let log = json(&check("sarif"));
    assert_eq!(log["version"], "2.1.0");
    let run = &log["runs"][0];
    let result = &run["results"][0];
    let index = usize::try_from(result["ruleIndex"].as_u64().unwrap()).unwrap();
    assert_eq!(run["tool"]["driver"]["rules"][index]["id"], "constant-column");
    assert_eq!(result["locations"][0]["physicalLocation"]["artifactLocation"]["uri"], "data.csv");
    let page = check("html").stdout;
    assert!(page.starts_with("<!doctype html>") && page.contains("constant-column"), "{page}");
}

#[test]
fn out_writes_a_file_whose_name_tells_the_format() {
    let folder = Folder::new("out");
    folder.write("data.csv", &constant());
    folder.write("report.html", "old");
    for name in ["report.html", "report.json", "report.txt"] {
        let result = folder.run(&[&["check", "data.csv", "--out", name][..], &ONLY].concat());
        assert_eq!((result.code, result.stdout.as_str()), (0, ""));
        assert_eq!(result.stderr, format!("wrote `{name}`: 1 warning\n"));
    }
    let read = |name: &str| std::fs::read_to_string(folder.path(name)).unwrap();
    assert!(read("report.html").starts_with("<!doctype html>"));
    assert_eq!(serde_json::from_str::<Value>(&read("report.json")).unwrap()["schema"], 1);
    assert!(read("report.txt").contains("warning[constant-column]"));
    let left: Vec<_> = std::fs::read_dir(folder.path(".")).unwrap().map(|f| f.unwrap().file_name()).collect();
    assert_eq!(left.len(), 4, "no partial file is left: {left:?}");
}

#[test]
fn select_and_ignore_choose_the_rules() {
    let folder = Folder::new("select");
    folder.write("data.csv", &constant());
    let one = json(&folder.run(&[&["check", "data.csv", "--format", "json"][..], &ONLY].concat()));
    assert_eq!(one["outcomes"].as_array().unwrap().len(), 1);
    let rest = json(&folder.run(&["check", "data.csv", "--format", "json", "--ignore", "constant-column"]));
    let n_rules = stetho_rules::table::RULES.len();
    assert_eq!(rest["outcomes"].as_array().unwrap().len(), n_rules - 1);
    assert!(!rules_found(&rest).contains(&"constant-column"));
}

#[test]
fn the_nearest_configuration_above_holds() {
    let folder = Folder::new("configuration");
    folder.write("project/pyproject.toml", "[tool.stetho]\nignore = [\"constant-column\"]\n");
    folder.write("project/data/train.csv", &constant());
    let found = |below: &str, words: &[&str]| {
        let all = [&["check", "train.csv", "--format", "json"][..], words].concat();
        let report = json(&folder.run_in(below, &all));
        rules_found(&report).contains(&"constant-column")
    };
    assert!(!found("project/data", &[]));
    assert!(found("project/data", &ONLY), "the command line beats the file");
    folder.write("project/data/stetho.toml", "[rules.constant-column]\nmin_rows = 1000\n");
    assert!(!found("project/data", &ONLY), "the option of the nearer file holds");
    folder.write("other.toml", "");
    assert!(found("project/data", &["--config", "../../other.toml"]));
}

#[test]
fn what_cannot_be_read_is_one_line_that_names_it() {
    let folder = Folder::new("unreadable");
    folder.write("data.csv", &constant());
    folder.write("empty.csv", "");
    let absent = folder.run(&["check", "absent.csv"]);
    assert!(absent.one_line_error().contains("absent.csv"), "{}", absent.stderr);
    assert_eq!(absent.stderr.matches("no such file").count(), 1, "the cause is told once: {}", absent.stderr);
    let empty = folder.run(&["check", "empty.csv"]);
    assert!(empty.one_line_error().contains("empty.csv"), "{}", empty.stderr);
    let column = folder.run(&["check", "data.csv", "--target", "labl"]);
    assert!(column.one_line_error().contains("`label`"), "near names are suggested: {}", column.stderr);
}

#[test]
fn data_cannot_command_the_terminal() {
    let folder = Folder::new("hostile_data");
    let name = "\u{1b}]0;owned\u{7}";
    let rows: String = (0..40).map(|i| format!("\u{1b}[2J,{}\n", i * 13 % 89)).collect();
    folder.write("data.csv", &format!("{name},x\n{rows}"));
    let result = folder.run(&[&["check", "data.csv"][..], &ONLY].concat());
    assert_eq!(result.code, 0, "{}", result.stderr);
    assert!(result.stdout.contains("[constant-column]"), "{}", result.stdout);
    assert!(result.stdout.chars().all(|c| c == '\n' || !c.is_control()), "{:?}", result.stdout);
}

#[test]
fn a_guessed_target_asks_to_be_named() {
    let folder = Folder::new("guessed_target");
    folder.write("my data.csv", &constant().replace("label", "kind_of_thing"));
    let report = json(&folder.run(&["check", "my data.csv", "--format", "json"]));
    let text = folder.run(&["check", "my data.csv"]).stdout;
    if report["facts"]["target"]["origin"] == "guessed" {
        assert!(text.contains("stetho check 'my data.csv' --target "), "{text}");
    } else {
        assert!(!text.contains(" --target "), "{text}");
    }
}
