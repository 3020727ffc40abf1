//! `cargo xtask test`

use std::time::Instant;

use anyhow::{Result, bail};

use crate::{docs, licences, page, python, shell, types};

/// A part of the tests, with the words for the summary.
type Step = (&'static str, fn() -> Result<()>);

const STEPS: [Step; 10] = [
    ("format", || shell::run(shell::cargo().args(["fmt", "--all", "--check"]))),
    ("lints", || {
        let arguments = ["clippy", "--workspace", "--all-targets", "--quiet", "--", "--deny", "warnings"];
        shell::run(shell::cargo().args(arguments))
    }),
    ("Python", python::set_up),
    ("real data sets", python::export_data_sets),
    ("tests", || shell::run(shell::cargo().args(["test", "--workspace", "--no-fail-fast"]))),
    ("tests with Python", || {
        let arguments = ["test", "--workspace", "--test", "logs", "--", "--ignored"];
        shell::run(shell::cargo().args(arguments))
    }),
    ("Python package", python::test),
    ("generated files", || docs::check().and(types::check())),
    ("page", page::test),
    ("licences", licences::run),
];

/// Runs every step, also after one has failed, and sums up.
pub(crate) fn run() -> Result<()> {
    let start = Instant::now();
    let mut failed = Vec::new();
    for (name, step) in STEPS {
        println!("\n── {name}");
        if let Err(error) = step() {
            eprintln!("error: {error:#}");
            failed.push(name);
        }
    }
    let seconds = start.elapsed().as_secs();
    if failed.is_empty() {
        println!("\nall {} steps passed in {seconds} s", STEPS.len());
        return Ok(());
    }
    bail!("{} of {} steps failed in {seconds} s: {}", failed.len(), STEPS.len(), failed.join(", "))
}
