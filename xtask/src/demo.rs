//! `cargo xtask demo`: the whole story on a detector whose loss becomes infinite.

use std::fs;
use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result, ensure};

use crate::{python, shell};

/// Where all of it is made.
const FOLDER: &str = "target/demo";
/// The training script and the maker of its data.
const SOURCES: [&str; 2] = ["gallery/demo/train.py", "gallery/demo/make_shapes.py"];

/// Makes the data, audits it, asks simple models, trains under the debugger, and leaves the report of the run in `report.html`.
pub(crate) fn run() -> Result<()> {
    let python = python::package()?;
    let folder = shell::root().join(FOLDER);
    if folder.exists() {
        fs::remove_dir_all(&folder).context("cannot empty target/demo")?;
    }
    fs::create_dir_all(&folder).context("cannot make target/demo")?;
    for source in SOURCES {
        let name = Path::new(source).file_name().unwrap_or_default();
        fs::copy(shell::root().join(source), folder.join(name))
            .with_context(|| format!("cannot copy {source}"))?;
    }
    shell::run(Command::new(&python).args(["make_shapes.py", "shapes"]).current_dir(&folder))?;
    let stetho = |arguments: &[&str]| -> Result<()> {
        println!("\n$ stetho {}", arguments.join(" "));
        let mut command = Command::new(&python);
        command.args(["-m", "stetho"]).args(arguments).current_dir(&folder);
        let status = shell::status(&mut command)?;
        // That something is found (status 1) is what the demo is for.
        ensure!(matches!(status.code(), Some(0 | 1)), "stetho could not do its work ({status})");
        Ok(())
    };
    stetho(&["check", "shapes/annotations.json"])?;
    stetho(&["fit", "shapes/labels.csv", "--budget", "20s"])?;
    println!("\n$ python train.py shapes   # nothing is seen: the loss it prints is fine");
    shell::run(Command::new(&python).args(["train.py", "shapes"]).current_dir(&folder))?;
    stetho(&["run", "--dir", "run", "train.py", "shapes"])?;
    fs::copy(folder.join("run/report.html"), shell::root().join("report.html"))
        .context("no report was left")?;
    println!(
        "\nthe report of the run is in report.html; its step can be run again: stetho replay {FOLDER}/run/bundles/…"
    );
    Ok(())
}
