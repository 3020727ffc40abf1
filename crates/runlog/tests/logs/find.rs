use std::fs;
use std::path::Path;

use stetho_runlog::{Foreign, RunKind, Writer, find};

fn events(folder: &Path) {
    Writer::create(folder).unwrap().scalar("loss", 0, 1.7e9, 1.0).unwrap();
}

fn names(path: &Path) -> Vec<String> {
    find(path).unwrap().runs.into_iter().map(|run| run.name).collect()
}

#[test]
fn every_folder_with_event_files_is_a_run() {
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path();
    for name in ["version_2", "version_10", "version_10/loss_train", ".hidden"] {
        events(&root.join(name));
        events(&root.join(name));
    }
    fs::write(root.join("version_2/metrics.csv"), "step,loss\n1,2\n").unwrap();
    assert_eq!(names(root), ["version_2", "version_10", "version_10/loss_train"]);
    assert_eq!(find(root).unwrap().left_aside.len(), 1);
    events(root);
    assert_eq!(names(root)[0], root.file_name().unwrap().to_str().unwrap());
}

#[test]
fn other_logs_are_known_by_what_they_hold() {
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path();
    fs::create_dir_all(root.join("a")).unwrap();
    for (name, text) in [
        ("a/metrics.csv", "step,loss\n1,2\n"),
        ("a/iris.csv", "sepal,petal\n1,2\n"),
        ("a/table.log", "| epoch | loss |\n|---|---|\n| 0 | 0.5 |\n| 1 | 0.4 |\n"),
        ("a/log.jsonl", "{\"loss\": 1}\n"),
        ("a/people.jsonl", "{\"name\": \"x\"}\n"),
        ("a/config.json", "{\"lr\": 1}"),
        ("a/requirements.txt", "torch==2.0\nnumpy\n"),
        ("a/notes.txt", ""),
        ("a/fit.txt", "epoch     train_loss  valid_loss  time    \n0         0.5    0.4    00:07\n"),
        ("a/out.log", "hello\nstep 1 loss 2\nstep 2 loss 1\n"),
        ("trainer_state.json", "{\"log_history\": [{\"step\": 1, \"loss\": 2}]}"),
    ] {
        fs::write(root.join(name), text).unwrap();
    }
    for checkpoint in ["checkpoint-5", "checkpoint-10"] {
        for parent in ["", "b"] {
            let inner = root.join(parent).join(checkpoint);
            fs::create_dir_all(&inner).unwrap();
            fs::copy(root.join("trainer_state.json"), inner.join("trainer_state.json")).unwrap();
        }
    }
    let expected = [
        "a/fit.txt",
        "a/log.jsonl",
        "a/metrics.csv",
        "a/out.log",
        "a/table.log",
        "b/checkpoint-10/trainer_state.json",
        "trainer_state.json",
    ];
    assert_eq!(names(root), expected);
    let run = find(&root.join("a/notes.txt")).unwrap().runs.remove(0);
    assert_eq!(
        run.kind,
        RunKind::Foreign(Foreign::Text),
        "a file that is named is read, even while it is empty"
    );
}

#[test]
fn folders_without_runs_and_paths_that_are_not_there() {
    let folder = tempfile::tempdir().unwrap();
    assert!(names(folder.path()).is_empty());
    let error = find(&folder.path().join("nope")).unwrap_err().to_string();
    assert!(error.contains("there is no such file or folder"), "{error}");
}

#[cfg(unix)]
#[test]
fn links_in_a_circle_end() {
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path();
    events(&root.join("a"));
    std::os::unix::fs::symlink(root, root.join("a/again")).unwrap();
    std::os::unix::fs::symlink(root.join("a"), root.join("b")).unwrap();
    assert_eq!(names(root), ["a"]);
}

#[test]
fn files_that_are_no_logs_cost_nothing() {
    let folder = tempfile::tempdir().unwrap();
    for i in 0..3000 {
        fs::write(folder.path().join(format!("{i}.png")), "").unwrap();
    }
    events(folder.path());
    assert_eq!(names(folder.path()).len(), 1);
}
