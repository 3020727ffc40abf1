//! `stetho watch` as a user runs it.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a helper of tests that fails is a test that fails")]

mod common;

use std::fmt::Write as _;
use std::fs::OpenOptions;
use std::io::Write as _;
use std::process::Stdio;
use std::time::Duration;

use common::{Folder, command, run};

/// A loss that falls and, from step `leaves` on, rises without end.
fn csv(steps: u32, leaves: u32) -> String {
    let mut text = "step,loss,val_loss,lr\n".to_owned();
    for step in 0..steps {
        let _ = writeln!(text, "{}", row(step, leaves));
    }
    text
}

fn row(step: u32, leaves: u32) -> String {
    let x = f64::from(step);
    let wave = 0.02 * (x * 1.7).sin();
    let rise = if step > leaves { (f64::from(step - leaves) / 80.0).exp() - 1.0 } else { 0.0 };
    let loss = 0.4 + 2.0 * (-x / 40.0).exp() + rise + wave;
    let validation = if step.is_multiple_of(20) { format!("{:.4}", loss + 0.1) } else { String::new() };
    format!("{step},{loss:.5},{validation},0.01")
}

#[test]
fn a_finished_run_is_judged_and_fails_by_what_is_found() {
    let folder = Folder::new("a_finished_run_is_judged_and_fails_by_what_is_found");
    folder.write("metrics.csv", &csv(400, 200));
    let log = folder.path("metrics.csv").display().to_string();
    let found = run(&["watch", &log]);
    assert_eq!(found.code, 1, "{}", found.stderr);
    assert!(found.stdout.contains("error[loss-diverging]: `loss` rose from"), "{}", found.stdout);
    assert!(found.stdout.contains("lower the learning rate from 0.01 to 0.001"), "{}", found.stdout);
    folder.write("healthy.csv", &csv(400, 400));
    let healthy = folder.path("healthy.csv").display().to_string();
    let quiet = run(&["watch", &healthy, "--fail-on", "warning"]);
    assert_eq!(quiet.code, 0, "{}", quiet.stdout);
}

#[test]
fn settings_that_a_log_tells_stand_in_the_report() {
    let folder = Folder::new("settings_that_a_log_tells_stand_in_the_report");
    let history: Vec<String> =
        (1..30).map(|s| format!(r#"{{"step": {s}, "loss": {:.3}}}"#, 2.0 / f64::from(s))).collect();
    let state = format!(r#"{{"max_steps": 29, "log_history": [{}]}}"#, history.join(", "));
    folder.write("trainer_state.json", &state);
    let log = folder.path("trainer_state.json").display().to_string();
    let text = run(&["watch", &log, "--fail-on", "never"]).stdout;
    assert!(text.contains("settings") && text.contains("max_steps=29"), "{text}");
    let json = run(&["watch", &log, "--fail-on", "never", "--format", "json"]).stdout;
    let report: serde_json::Value = serde_json::from_str(&json).unwrap();
    assert_eq!(report["facts"]["runs"][0]["settings"][0], serde_json::json!(["max_steps", "29"]));
}

#[test]
fn runs_are_compared_in_every_format() {
    let folder = Folder::new("runs_are_compared_in_every_format");
    folder.write("a/metrics.csv", &csv(300, 400));
    folder.write("b/metrics.csv", &csv(300, 120));
    let whole = folder.path("").display().to_string();
    let second = folder.path("b").display().to_string();
    let found = run(&["watch", &whole, "--format", "json", "--fail-on", "never"]);
    assert_eq!(found.code, 0, "{}", found.stderr);
    let report: serde_json::Value = serde_json::from_str(&found.stdout).unwrap();
    assert_eq!(report["facts"]["runs"].as_array().unwrap().len(), 2);
    let diverging =
        report["findings"].as_array().unwrap().iter().find(|f| f["rule"] == "loss-diverging").unwrap();
    assert!(diverging["message"].as_str().unwrap().starts_with("b/metrics.csv: "), "{diverging}");
    assert_eq!(report["facts"]["runs"][1]["findings"].as_array().unwrap().len(), 1);
    let sarif = run(&["watch", &whole, "--format", "sarif"]);
    assert!(sarif.stdout.contains("loss-diverging") && sarif.code == 1);
    let page = folder.path("report.html").display().to_string();
    let html = run(&["watch", &second, "--out", &page]);
    assert_eq!(html.code, 1, "{}", html.stderr);
    assert!(std::fs::read_to_string(page).unwrap().contains("loss-diverging"));
}

#[test]
fn names_are_mapped_and_what_is_not_understood_is_told() {
    let folder = Folder::new("names_are_mapped_and_what_is_not_understood_is_told");
    let text =
        csv(400, 200).replacen("loss,val_loss", "objective function,held out", 1).replacen("lr", "eta", 1);
    folder.write("log.csv", &text);
    let log = folder.path("log.csv").display().to_string();
    let blind = run(&["watch", &log]);
    assert!(blind.stdout.contains("drawn, not judged: `held out`"), "{}", blind.stdout);
    let told = run(&["watch", &log, "--map", "val_loss=held out", "--map", "lr=eta"]);
    assert_eq!(told.code, 1, "{}", told.stdout);
    assert!(told.stdout.contains("from 0.01 to 0.001"), "{}", told.stdout);
}

#[test]
fn a_growing_run_is_followed_and_the_command_ends_at_the_first_error() {
    let folder = Folder::new("a_growing_run_is_followed_and_the_command_ends_at_the_first_error");
    folder.write("metrics.csv", &csv(1, 60));
    let log = folder.path("metrics.csv").display().to_string();
    let hooked = folder.path("hook.txt").display().to_string();
    let hook = format!("cat >> '{hooked}'");
    let mut command = command(&["watch", &log, "--follow", "--fail-on", "error", "--exec", &hook]);
    let child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let mut file = OpenOptions::new().append(true).open(&log).unwrap();
    // The writer goes on until the follower has ended, as a training would.
    let writer = std::thread::spawn(move || {
        for step in 1..4000 {
            writeln!(file, "{}", row(step, 60)).unwrap();
            std::thread::sleep(Duration::from_millis(5));
            if step > 600 {
                break;
            }
        }
    });
    let output = child.wait_with_output().unwrap();
    writer.join().unwrap();
    let stdout = String::from_utf8(output.stdout).unwrap();
    assert_eq!(output.status.code(), Some(1), "{stdout}");
    assert!(stdout.starts_with("error  loss-diverging: `loss` rose from"), "{stdout}");
    let given = std::fs::read_to_string(hooked).unwrap();
    let finding: serde_json::Value = serde_json::from_str(&given).unwrap();
    assert_eq!(
        (finding["rule"].as_str(), finding["severity"].as_str()),
        (Some("loss-diverging"), Some("error"))
    );
}

#[test]
fn following_ends_when_nothing_is_written_any_more() {
    let folder = Folder::new("following_ends_when_nothing_is_written_any_more");
    folder.write("metrics.csv", &csv(120, 400));
    let log = folder.path("metrics.csv").display().to_string();
    let ended = run(&["watch", &log, "--follow", "--idle", "1s"]);
    assert_eq!(ended.code, 0, "{}{}", ended.stdout, ended.stderr);
    assert!(ended.stdout.contains("step 0 to 119"), "{}", ended.stdout);
}

#[test]
fn bad_requests_are_one_clear_line() {
    let folder = Folder::new("bad_requests_are_one_clear_line");
    folder.write("metrics.csv", &csv(50, 60));
    let log = folder.path("metrics.csv").display().to_string();
    folder.write("x.bin", "\u{1}\u{2}\u{3}");
    let picture = folder.path("x.bin").display().to_string();
    folder.write("empty/readme.md", "nothing");
    let empty = folder.path("empty").display().to_string();
    let refusals: [(&[&str], &str); 12] = [
        (
            &["watch", &log, "--map", "val_loss=val_los"],
            "--map: no series is called `val_los`; did you mean `val_loss`?",
        ),
        (&["watch", &log, "--follow", "--select", "no-signal"], "no rule is left to run on training runs"),
        (&["watch", "no/such/log"], "cannot read `no/such/log`: there is no such file or folder"),
        (&["watch", &empty], "holds no log"),
        (&["watch", &picture], "holds no numbers"),
        (&["watch", &log, "--map", "loss"], "--map: `loss` is not of the form"),
        (&["watch", &log, "--map", "colour=loss"], "--map: `colour` means nothing"),
        (&["watch", &log, "--pattern", "(?<step"], "--pattern: "),
        (&["watch", &log, "--total", "100"], "--total goes with --follow"),
        (&["watch", &log, "--host", "0.0.0.0"], "--host goes with --serve"),
        (&["watch", &log, "--port", "0"], "--port goes with --serve"),
        (&["watch", &log, "--follow", "--token", "abcdefgh"], "--token goes with --serve"),
    ];
    for (words, message) in refusals {
        let refused = run(words);
        assert_eq!(refused.code, 2, "{words:?}: {}", refused.stdout);
        assert!(
            refused.stderr.contains(message) && refused.stderr.lines().count() == 1,
            "{words:?}: {}",
            refused.stderr
        );
    }
}
