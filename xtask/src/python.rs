//! The Python environment in `.venv`: the package of this project in it and its tests, and the data sets that scikit-learn ships.

use std::fs;
use std::path::PathBuf;

use anyhow::{Context, Result};

use crate::shell;

/// What is installed into the environment, each with a mark of its own, so that what needs scikit-learn alone does not
/// wait for PyTorch.
#[derive(Clone, Copy)]
enum Packages {
    /// Data sets for the gallery.
    DataSets,
    /// What the tests that run Python need, PyTorch among it.
    Tests,
    /// The oldest PyTorch that is supported, in an environment of its own.
    Oldest,
    /// Frameworks whose trainings are watched; they bring PyTorch with them, and so come after it.
    Adapters,
}

impl Packages {
    /// The list of packages with their versions.
    fn requirements(self) -> &'static str {
        match self {
            Self::DataSets => "gallery/requirements.txt",
            Self::Tests => "gallery/requirements-tests.txt",
            Self::Adapters => "gallery/requirements-adapters.txt",
            Self::Oldest => "gallery/requirements-oldest.txt",
        }
    }

    /// The environment that they are installed into.
    fn folder(self) -> &'static str {
        match self {
            Self::Oldest => ".venv-oldest",
            Self::DataSets | Self::Tests | Self::Adapters => ".venv",
        }
    }

    /// The file in the environment that says what was installed.
    fn mark(self) -> &'static str {
        match self {
            Self::DataSets => "installed.txt",
            Self::Tests | Self::Oldest => "installed-tests.txt",
            Self::Adapters => "installed-adapters.txt",
        }
    }
}

/// Makes the environment, for the tests that run Python.
pub(crate) fn set_up() -> Result<()> {
    environment(Packages::DataSets)?;
    environment(Packages::Tests).map(drop)
}

/// Builds the Python package into the environment, from the sources as they stand, and runs its tests.
pub(crate) fn test() -> Result<()> {
    let python = package()?;
    environment(Packages::Adapters)?;
    // Two at a time, each of one thread: threads that wait for each other's processors are slower than one alone.
    let arguments = ["-m", "pytest", "--quiet", "--numprocesses", "2", "python/tests"];
    shell::run(
        shell::command(python).args(arguments).env("OMP_NUM_THREADS", "1").env("STETHO_ALL_ADAPTERS", "1"),
    )
}

/// Runs the tests of the debugger with the oldest PyTorch that is supported.
pub(crate) fn test_oldest() -> Result<()> {
    package()?;
    let python = environment(Packages::Oldest)?;
    let files = ["core", "state", "run", "trap", "styles", "guards", "code", "instrument"];
    let files = files.map(|name| format!("python/tests/test_{name}.py"));
    shell::run(
        shell::command(python)
            .args(["-m", "pytest", "--quiet", "--numprocesses", "2"])
            .args(files)
            .env("OMP_NUM_THREADS", "1")
            .env("PYTHONPATH", shell::root().join("python")),
    )
}

/// The interpreter of `.venv`, with the package `stetho` built into it. Its Python sources are those of the tree; what is compiled is
/// compiled as for the other tests, so that hardly anything is built twice.
pub(crate) fn package() -> Result<PathBuf> {
    environment(Packages::DataSets)?;
    let python = environment(Packages::Tests)?;
    let folder = shell::root().join(".venv");
    let arguments = ["-m", "maturin", "develop", "--quiet", "--features", "types"];
    shell::run(shell::command(&python).args(arguments).env("VIRTUAL_ENV", folder))?;
    Ok(python)
}

/// Runs the scripts of the gallery under `stetho run`, all or those with one of `names` in theirs, and compares what is said of them
/// with what is expected.
pub(crate) fn judge_scripts(names: &[&str]) -> Result<()> {
    let python = package()?;
    let mut command = shell::command(python);
    command.arg("gallery/scripts/judge.py");
    if !names.is_empty() {
        command.args(["--only", &names.join(",")]);
    }
    shell::run(&mut command)
}

/// Writes scikit-learn's data sets as CSV files into `target/gallery/scikit-learn`, unless they are there.
pub(crate) fn export_data_sets() -> Result<()> {
    let folder = shell::root().join("target/gallery/scikit-learn");
    let script = "gallery/export_scikit_learn.py";
    let source = read(script)? + &read(Packages::DataSets.requirements())?;
    let mark = folder.join("exported-by.txt");
    if fs::read_to_string(&mark).is_ok_and(|earlier| earlier == source) {
        println!("scikit-learn's data sets are in target/gallery");
        return Ok(());
    }
    let python = environment(Packages::DataSets)?;
    fs::create_dir_all(&folder).context("cannot make target/gallery")?;
    shell::run(shell::command(python).args([script, "target/gallery/scikit-learn"]))?;
    fs::write(mark, source).context("cannot write to target/gallery")
}

/// The interpreter of the environment of `packages`, which is made if it is missing; they are installed if their list has changed.
fn environment(packages: Packages) -> Result<PathBuf> {
    let folder = shell::root().join(packages.folder());
    let python = folder.join(if cfg!(windows) { "Scripts/python.exe" } else { "bin/python" });
    let wanted = read(packages.requirements())?;
    let mark = folder.join(packages.mark());
    if python.exists() && fs::read_to_string(&mark).is_ok_and(|installed| installed == wanted) {
        return Ok(python);
    }
    if !python.exists() {
        let system = if cfg!(windows) { "python" } else { "python3" };
        shell::run(shell::command(system).args(["-m", "venv", packages.folder()]))?;
    }
    let list = ["-m", "pip", "install", "--quiet", "--requirement", packages.requirements()];
    shell::run(shell::command(&python).args(list))?;
    fs::write(mark, wanted).with_context(|| format!("cannot write to {}", packages.folder()))?;
    Ok(python)
}

fn read(path: &str) -> Result<String> {
    fs::read_to_string(shell::root().join(path)).with_context(|| format!("cannot read {path}"))
}
