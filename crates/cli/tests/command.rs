//! The binary as a user meets it: exit status, what goes to which stream, messages.

mod common;

use std::process::Stdio;

use common::{Folder, command, run};

#[test]
fn help_and_version_go_to_stdout() {
    let help = run(&["--help"]);
    assert_eq!(help.code, 0);
    assert!(help.stdout.contains("explain") && help.stdout.contains("Exit status"), "{}", help.stdout);
    assert_eq!(help.stderr, "");
    let version = run(&["--version"]);
    assert_eq!(version.stdout, format!("stetho {}\n", env!("CARGO_PKG_VERSION")));
}

#[test]
fn bad_usage_is_status_2_with_nothing_on_stdout() {
    for words in
        [&[][..], &["check"], &["chek", "a.csv"], &["check", "a.csv", "--format", "yaml"], &["explain"]]
    {
        let result = run(words);
        assert_eq!(result.code, 2, "{words:?}: {}", result.stderr);
        assert_eq!(result.stdout, "", "{words:?}");
        assert!(!result.stderr.is_empty(), "{words:?}");
    }
}

#[test]
fn standard_input_is_refused_with_the_way_out() {
    for words in [&["check", "-"][..], &["check", "a.csv", "--val", "-"]] {
        let result = run(words);
        let error = result.one_line_error();
        assert!(error.starts_with("error: cannot read standard input"), "{error}");
    }
}

#[test]
fn a_file_in_place_of_a_command_is_understood() {
    let folder = Folder::new("file_as_command");
    folder.write("my data.csv", "x\n1\n");
    let result = folder.run(&["my data.csv"]);
    let error = result.one_line_error();
    assert!(error.ends_with("did you mean `stetho check 'my data.csv'`?"), "{error}");
}

#[test]
fn unknown_rules_are_refused_with_near_names() {
    let wrong = "constant-colum";
    for words in [
        &["check", "a.csv", "--select", wrong][..],
        &["check", "a.csv", "--ignore", wrong],
        &["explain", wrong],
    ] {
        let result = run(words);
        let error = result.one_line_error();
        assert!(error.contains("there is no rule `constant-colum`"), "{error}");
        assert!(error.contains("`constant-column`") && error.contains("did you mean"), "{error}");
    }
    let result = run(&["explain", "zzzzzz"]);
    let error = result.one_line_error();
    assert!(error.contains("`stetho rules` lists them"), "{error}");
}

#[test]
fn rules_are_listed_for_people_and_programs() {
    let text = run(&["rules"]);
    let json = run(&["rules", "--format", "json"]);
    assert_eq!((text.code, json.code), (0, 0));
    let listed: serde_json::Value = serde_json::from_str(&json.stdout).unwrap();
    let listed = listed.as_array().unwrap();
    assert_eq!(listed.len(), stetho_rules::all().count());
    for rule in listed {
        assert!(text.stdout.contains(rule["id"].as_str().unwrap()), "{}", text.stdout);
        assert!(!rule["summary"].as_str().unwrap().is_empty());
    }
}

#[test]
fn every_rule_can_be_explained() {
    for rule in stetho_rules::all() {
        let result = run(&["explain", rule.id]);
        assert_eq!((result.code, result.stderr.as_str()), (0, ""), "{}", rule.id);
        let docs = rule.docs();
        assert!(result.stdout.starts_with(rule.id), "{}", result.stdout);
        for heading in ["Why it matters", "What to do", "Fires on"] {
            assert!(result.stdout.contains(heading), "{}: {}", rule.id, result.stdout);
        }
        for option in docs.options {
            assert!(result.stdout.contains(&format!("{} = ", option.name)), "{}: {}", rule.id, option.name);
        }
        let widest =
            result.stdout.lines().filter(|l| !l.starts_with("    ")).map(|l| l.chars().count()).max();
        assert!(widest <= Some(80), "{}: {widest:?}", rule.id);
    }
}

#[test]
fn completions_know_the_options_of_check() {
    for shell in ["bash", "zsh", "fish", "elvish", "powershell"] {
        let script = run(&["completions", shell]);
        assert_eq!(script.code, 0);
        assert!(script.stdout.contains("fail-on") && script.stdout.contains("explain"), "{shell}");
    }
    assert_eq!(run(&["completions", "dos"]).code, 2);
}

#[test]
fn the_manual_has_a_page_for_the_whole_and_for_each_command() {
    assert!(run(&["man"]).stdout.contains(".TH stetho 1"));
    let check = run(&["man", "check"]).stdout;
    assert!(check.contains(".TH stetho-check 1") && check.contains("fail\\-on"), "{check}");
    assert!(run(&["man", "chek"]).one_line_error().ends_with("did you mean `check`?"));
}

#[test]
fn colour_is_for_terminals_unless_forced() {
    assert!(!run(&["rules"]).stdout.contains('\u{1b}'));
    let forced = command(&["rules"]).env("CLICOLOR_FORCE", "1").output().unwrap();
    assert!(forced.stdout.contains(&0x1b));
}

#[test]
fn a_reader_that_goes_away_is_no_error() {
    let mut child = command(&["rules"]).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    drop(child.stdout.take());
    let output = child.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(0));
    assert_eq!(String::from_utf8_lossy(&output.stderr), "");
}

#[test]
fn configuration_mistakes_name_the_file_and_the_way_out() {
    let folder = Folder::new("configuration_mistakes");
    for (text, problem) in [
        ("selct = []", "there is no key `selct`; did you mean `select`?"),
        (
            "ignore = [\"constant-colum\"]",
            "there is no rule `constant-colum`; did you mean `constant-column`",
        ),
        ("[rules.constant-column]\nneraly = 1", "there is no option `neraly`; it has"),
        ("[rules.constant-column]\nnearly = \"x\"", "options of rule `constant-column`"),
        ("fail-on = ", "line 1"),
    ] {
        folder.write("stetho.toml", text);
        let result = folder.run(&["check", "a.csv"]);
        let error = result.one_line_error();
        assert!(error.contains("stetho.toml`") && error.contains(problem), "{text}: {error}");
    }
    let result = folder.run(&["check", "a.csv", "--config", "none.toml"]);
    let error = result.one_line_error();
    assert!(error.contains("cannot read the configuration `none.toml`"), "{error}");
}

#[test]
fn a_report_that_cannot_be_written_is_refused_before_the_work() {
    let folder = Folder::new("unwritable_report");
    let result = folder.run(&["check", "absent.csv", "--out", "no/report.html"]);
    let error = result.one_line_error();
    assert_eq!(error, "error: cannot write `no/report.html`: there is no folder `no`");
    let result = folder.run(&["check", "absent.csv", "--out", "."]);
    let error = result.one_line_error();
    assert!(error.contains("it is a folder"), "{error}");
}

#[test]
fn no_rule_left_is_a_mistake() {
    let words = ["check", "a.csv", "--select", "constant-column", "--ignore", "constant-column"];
    assert!(run(&words).one_line_error().contains("no rule is left to run"));
}
