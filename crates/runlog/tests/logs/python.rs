//! With the real TensorBoard and the writer of PyTorch, from the environment in `.venv`. `cargo xtask test` makes it and runs these
//! tests; `cargo test` alone counts them as ignored.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;

use serde_json::{Value, json};
use stetho_runlog::{Writer, find};

use crate::support::{open, read};

/// The output of a script.
fn run(script: &str, folder: &Path) -> String {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    let python: PathBuf = here.join("../../.venv/bin/python");
    assert!(python.exists(), "there is no {}: `cargo xtask test` makes it", python.display());
    let output =
        Command::new(python).arg(here.join("tests/python").join(script)).arg(folder).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

#[test]
#[ignore = "needs .venv, which `cargo xtask test` makes"]
fn tensorboard_reads_what_is_written() {
    let folder = tempfile::tempdir().unwrap();
    let mut log = Writer::create(folder.path()).unwrap();
    let layers: Arc<[String]> = vec!["fc1".to_owned(), "fc2".to_owned()].into();
    let numbers = [2.5, f64::NAN, f64::INFINITY, f64::NEG_INFINITY, -0.0, 0.1, 1e300];
    let mut expected = Vec::new();
    for (step, number) in (0i64..).zip(numbers) {
        let at = 1.7e9 + step as f64 / 8.0;
        log.scalar("train/loss", step, at, number).unwrap();
        log.vector("stetho/grad_norm", &layers, step, at, &[0.5, f32::INFINITY]).unwrap();
        if number.is_nan() || number.is_infinite() || number.abs() < 1e30 {
            expected.push(json!([step, at, f64::from(number as f32).to_bits()]));
        }
    }
    log.flush().unwrap();
    let seen: Value = serde_json::from_str(&run("read.py", folder.path())).unwrap();
    assert_eq!(seen["scalars"]["train/loss"], Value::Array(expected));
    // What single precision cannot hold is a tensor of the plugin `scalars`, which TensorBoard draws with the others.
    assert_eq!(seen["tensors"]["train/loss"]["values"], json!([[6, [1e300f64.to_bits()]]]));
    let packed = &seen["tensors"]["stetho/grad_norm"];
    assert_eq!(packed["plugin"], "stetho");
    assert_eq!(packed["values"][6], json!([6, [0.5f64.to_bits(), f64::INFINITY.to_bits()]]));
}

#[test]
#[ignore = "needs .venv, which `cargo xtask test` makes"]
fn what_others_write_is_read() {
    let folder = tempfile::tempdir().unwrap();
    run("write.py", folder.path());
    let found = find(folder.path()).unwrap();
    let names: Vec<&str> = found.runs.iter().map(|run| run.name.as_str()).collect();
    let expected = [
        "everything",
        "everything/losses_train",
        "everything/losses_val",
        "hparams",
        "hparams/trial",
        "resumed",
        "tensors",
    ];
    assert_eq!(names, expected);

    let (kept, account) = read(&mut *found.runs[0].open(None));
    assert_eq!(kept.names(), ["double", "new", "odd", "old"]);
    assert_eq!(kept.series("old"), "0:0.5 1:1.5 2:2.5 3:3.5 4:4.5");
    assert_eq!(kept.times["old"][4], Some(1e9 + 4.0));
    assert_eq!(kept.series("new"), "0:0 1:0.25 2:0.5 3:0.75 4:1");
    assert_eq!(kept.series("odd"), format!("0:NaN 1:inf 2:-inf 3:{} 4:-0", f64::from(0.1f32)));
    assert!(kept.series("double").starts_with(&format!("0:{}", 1e300)));
    assert_eq!((account.n_damaged, account.n_waiting, account.restarts), (0, 0, 0));
    let skipped: Vec<(&str, u64)> = account.skipped.iter().map(|(what, n)| (what.as_str(), *n)).collect();
    let expected = [
        ("histograms", 5),
        ("images", 1),
        ("precision-recall curves", 1),
        ("tensors of other plugins", 5),
        ("texts", 1),
    ];
    assert_eq!(skipped, expected);

    let (kept, _) = read(&mut *open(&folder.path().join("everything/losses_val")));
    assert_eq!(kept.series("losses"), "0:0 1:2 2:4 3:6 4:8");
    let (kept, _) = read(&mut *found.runs[4].open(None));
    assert_eq!(kept.series("hparam/accuracy"), "0:0.5");
    let settings: Vec<String> = kept.settings.iter().map(|(name, value)| format!("{name}={value}")).collect();
    assert_eq!(settings, ["amp=1", "batch=32", "lr=0.1", "optimizer=adam"]);
    let (kept, account) = read(&mut *found.runs[5].open(None));
    assert_eq!(
        (kept.series("loss").as_str(), kept.series("accuracy").as_str()),
        ("0:1 1:1 2:1 3:2 4:2", "0:1 1:1 2:1")
    );
    assert_eq!(account.restarts, 1);
    let (kept, _) = read(&mut *found.runs[6].open(None));
    for tag in ["float", "double", "half"] {
        assert_eq!(kept.series(tag), "0:0 1:1.5 2:3", "{tag}");
    }
    assert_eq!(kept.series("int"), "0:0 1:1 2:3");
}
