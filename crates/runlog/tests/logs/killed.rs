//! A writing process is killed at any moment: the log reads, and nothing that was flushed is lost.

use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::time::Duration;

use stetho_core::Random;
use stetho_runlog::Writer;

use crate::support::{open, read};

const FOLDER: &str = "STETHO_TEST_WRITES_TO";
const FLUSHED: &str = "flushed ";

/// What the killed process does: it writes until it dies. Does nothing in an ordinary run of the tests.
#[test]
fn child() {
    let Some(folder) = std::env::var_os(FOLDER) else { return };
    let mut log = Writer::create(Path::new(&folder)).unwrap();
    let layers: Arc<[String]> = (0..200).map(|i| format!("layer{i}")).collect();
    for step in 0.. {
        log.scalar("loss", step, step as f64, step as f64).unwrap();
        log.vector("stetho/grad_norm", &layers, step, step as f64, &[step as f32; 200]).unwrap();
        if step % 7 == 0 {
            log.flush().unwrap();
            println!("\n{FLUSHED}{step}");
            std::io::stdout().flush().unwrap();
        }
    }
}

#[test]
fn nothing_flushed_is_lost() {
    let mut random = Random::new(5);
    for round in 0..200 {
        let folder = tempfile::tempdir().unwrap();
        let mut child = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "killed::child", "--nocapture", "--test-threads=1"])
            .env(FOLDER, folder.path())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines().map_while(Result::ok);
        let step_of = |line: String| line.strip_prefix(FLUSHED).and_then(|step| step.parse::<i64>().ok());
        let mut flushed = lines.by_ref().find_map(step_of).unwrap();
        std::thread::sleep(Duration::from_micros(random.below(10_000) as u64));
        child.kill().unwrap();
        child.wait().unwrap();
        flushed = lines.filter_map(step_of).last().unwrap_or(flushed);

        let (kept, account) = read(&mut *open(folder.path()));
        assert_eq!(account.n_damaged, 0, "round {round}");
        let steps = kept.n_scalars() as i64;
        assert!(steps > flushed, "round {round}: {steps} steps, {flushed} were flushed");
        let vectors = &kept.vectors["stetho/grad_norm"];
        assert!(vectors.len() as i64 > flushed);
        assert!(vectors.iter().enumerate().all(|(i, (step, ..))| *step == i as i64));
    }
}
