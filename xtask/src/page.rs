//! `cargo xtask page`: the script and style sheet of the page, and its tests in Chromium.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail, ensure};

use crate::shell;

/// Where the bundle is committed, from the root, so that `cargo install` needs no npm.
const FOLDER: &str = "crates/report/src/html";
const FILES: [&str; 3] = ["page.js", "page.css", "page.hash"];
const CHROMIUM: &str = "/usr/bin/chromium";

/// Builds the bundle into the report crate.
pub(crate) fn write() -> Result<()> {
    install()?;
    shell::run(npm().args(["run", "--silent", "types"]))?;
    build(&shell::root().join(FOLDER))
}

/// Types, freshness of the bundle, unit tests, and tests in Chromium on reports of the real command.
pub(crate) fn test() -> Result<()> {
    install()?;
    shell::run(npm().args(["run", "--silent", "types"]))?;
    check()?;
    shell::run(npm().args(["run", "--silent", "unit"]))?;
    chromium()?;
    shell::run(shell::cargo().args(["build", "--package", "stetho"]))?;
    shell::run(shell::cargo().args(["build", "--package", "stetho-report", "--example", "page"]))?;
    shell::run(shell::cargo().args(["build", "--package", "stetho-serve", "--example", "follow"]))?;
    let data = shell::root().join("target/page");
    write_pictures(&data.join("pets"))?;
    let built = shell::target_folder()?.join("debug");
    let mut browser = npm();
    browser.args(["run", "--silent", "browser"]);
    let program = |name: &str| built.join(format!("{name}{}", std::env::consts::EXE_SUFFIX));
    browser.env("STETHO", program("stetho"));
    browser.env("PAGE", program("examples/page"));
    browser.env("FOLLOW", program("examples/follow"));
    browser.env("PAGE_DATA", data);
    shell::run(&mut browser)
}

/// A set of pictures with copies and a class whose name wants to be markup.
fn write_pictures(folder: &Path) -> Result<()> {
    let recipe = "cat = 30 photos 96x96 jpeg\ndog = 30 photos 96x96 jpeg\n<script>alert(1) = 8 photos 96x96\n\
                  dog/copy.png = copy of dog/3\ndog/cut.jpg = truncated copy of dog/4\n";
    if folder.exists() {
        fs::remove_dir_all(folder).context("cannot remove target/page")?;
    }
    stetho_gallery::PictureRecipe::parse(recipe)?.write(folder)?;
    Ok(())
}

/// Fails if the committed bundle is not what the sources give.
fn check() -> Result<()> {
    let fresh = std::env::temp_dir().join(format!("stetho-page-{}", std::process::id()));
    fs::create_dir_all(&fresh).context("cannot make a temporary folder")?;
    let result = build(&fresh).and_then(|()| stale(&fresh));
    fs::remove_dir_all(&fresh).context("cannot remove a temporary folder")?;
    let stale = result?;
    ensure!(stale.is_empty(), "{FOLDER} is not fresh; run `cargo xtask page`: {}", stale.join(", "));
    println!("{FOLDER}/page.js and page.css are fresh");
    Ok(())
}

fn stale(fresh: &Path) -> Result<Vec<&'static str>> {
    let mut stale = Vec::new();
    for name in FILES {
        let wanted = fs::read(fresh.join(name)).with_context(|| format!("the build wrote no {name}"))?;
        if fs::read(shell::root().join(FOLDER).join(name)).ok() != Some(wanted) {
            stale.push(name);
        }
    }
    Ok(stale)
}

fn build(folder: &Path) -> Result<()> {
    shell::run(npm().args(["run", "--silent", "build", "--"]).arg(folder))
}

fn web() -> PathBuf {
    shell::root().join("web")
}

fn npm() -> Command {
    let mut npm = shell::command(if cfg!(windows) { "npm.cmd" } else { "npm" });
    npm.current_dir(web());
    npm
}

/// `npm ci`, unless what is installed is what the lock file names.
fn install() -> Result<()> {
    let wanted =
        fs::read_to_string(web().join("package-lock.json")).context("cannot read web/package-lock.json")?;
    let mark = web().join("node_modules/installed.json");
    if fs::read_to_string(&mark).is_ok_and(|installed| installed == wanted) {
        return Ok(());
    }
    shell::run(npm().args(["ci", "--no-audit", "--no-fund"]))?;
    fs::write(mark, wanted).context("cannot write to web/node_modules")
}

/// Installs Chromium from Debian's packages where it is missing.
fn chromium() -> Result<()> {
    if Path::new(CHROMIUM).exists() {
        return Ok(());
    }
    let install = "apt-get update -qq && apt-get install -y -qq chromium";
    let script = format!("if [ \"$(id -u)\" = 0 ]; then {install}; else sudo -n sh -c '{install}'; fi");
    if shell::run(shell::command("sh").args(["-c", &script])).is_err() || !Path::new(CHROMIUM).exists() {
        bail!(
            "the page is tested in {CHROMIUM}, which is missing and could not be installed; install Chromium"
        );
    }
    Ok(())
}
