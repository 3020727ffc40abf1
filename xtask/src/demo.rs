//! `cargo xtask demo`: the main job on real data.

use std::fs;
use std::path::PathBuf;

use anyhow::{Context, Result, ensure};
use stetho_gallery::RealSets;

use crate::shell;

/// The sets shown, with their targets.
const SETS: [(&str, &str); 2] = [("diabetes", "target"), ("winequality-red", "quality")];

/// Builds the command, audits both sets on the terminal, and leaves the report on wine in `report.html`.
pub(crate) fn run() -> Result<()> {
    shell::run(shell::cargo().args(["build", "--release", "--package", "stetho"]))?;
    let stetho = binary()?;
    let data = RealSets::load()?.folder("linfa-datasets");
    fs::create_dir_all(shell::root().join("target/demo")).context("cannot make target/demo")?;
    for (name, target) in SETS {
        let path = format!("target/demo/{name}.csv");
        fs::copy(data.join(format!("{name}.csv")), shell::root().join(&path))
            .with_context(|| format!("cannot write {path}"))?;
        check(&stetho, &[&path, "--target", target])?;
    }
    let [.., (name, target)] = SETS;
    let path = format!("target/demo/{name}.csv");
    check(&stetho, &[&path, "--target", target, "--format", "html", "--out", "report.html"])?;
    println!("\nthe report on {name} is in report.html");
    Ok(())
}

/// Runs `stetho check`; that it finds something (status 1) is what the demo is for.
fn check(stetho: &PathBuf, arguments: &[&str]) -> Result<()> {
    let status = shell::status(shell::command(stetho).arg("check").args(arguments))?;
    ensure!(matches!(status.code(), Some(0 | 1)), "stetho could not do its work ({status})");
    Ok(())
}

/// The release binary, wherever cargo has been told to put it.
fn binary() -> Result<PathBuf> {
    Ok(shell::target_folder()?.join("release").join(format!("stetho{}", std::env::consts::EXE_SUFFIX)))
}
