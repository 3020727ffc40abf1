//! `cargo xtask`: set-up, tests, demo and generated files. Needs nothing but Rust, Python 3, Node and the registries.
#![allow(clippy::print_stdout, clippy::print_stderr, reason = "this program talks to the person who runs it")]

mod demo;
mod docs;
mod gallery;
mod licences;
mod new_rule;
mod page;
mod python;
mod runs;
mod shell;
mod test;
mod types;
mod verdicts;

use std::process::ExitCode;

use anyhow::{Result, bail};

const USAGE: &str = "\
usage: cargo xtask COMMAND

  test                  all tests: format, lints, Rust, examples, gallery, the Python package, generated files, the page in a browser, licences
  oldest                the tests of the debugger with the oldest PyTorch that is supported, in an environment of its own
  docs [--check]        writes docs/rules from the rules' documentation, or checks that it is fresh
  types [--check]       writes the page's TypeScript types from the report's, or checks that they are fresh
  page [--test]         builds the page's script and style sheet into crates/report, or tests the page in Chromium
  gallery [--write DIR] what each rule finds in its twins, in real data sets and in recorded runs, or the twins as files
  runs [--all|NAME…]    what each rule finds in the recorded training runs, in all of them or in those of these names
  scripts [NAME…]       what `stetho run` says of the training scripts of the gallery, of all or of those with these names
  verdicts [N|--write]  how often `stetho fit` says what it must, over N seeds of each case; or into docs/benchmarks.md
  new-rule FAMILY/ID    a new rule: its file, its line in the list, its gallery file
  demo                  a detector whose loss becomes infinite: check, fit, run; leaves report.html
  licences              checks the licence of every dependency";

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = arguments.iter().map(String::as_str).collect();
    match run(&words) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn run(words: &[&str]) -> Result<()> {
    match words {
        ["test"] => test::run(),
        ["oldest"] => python::test_oldest(),
        ["docs"] => docs::write(),
        ["docs", "--check"] => docs::check(),
        ["gallery"] => gallery::show(),
        ["gallery", "--write", folder] => gallery::write(folder.as_ref()),
        ["runs"] => runs::show(false, &[]),
        ["runs", "--all"] => runs::show(true, &[]),
        ["runs", names @ ..] => runs::show(true, names),
        ["scripts", names @ ..] => python::judge_scripts(names),
        ["verdicts"] => verdicts::show(verdicts::SEEDS, false),
        ["verdicts", "--write"] => verdicts::show(verdicts::SEEDS, true),
        ["verdicts", seeds] => match seeds.parse() {
            Ok(seeds) => verdicts::show(seeds, false),
            Err(_) => bail!("`verdicts {seeds}`: a number of seeds is wanted"),
        },
        ["new-rule", path] => new_rule::run(path),
        ["demo"] => demo::run(),
        ["types"] => types::write(),
        ["types", "--check"] => types::check(),
        ["page"] => page::write(),
        ["page", "--test"] => page::test(),
        ["licences"] => licences::run(),
        [] | ["help" | "--help" | "-h"] => {
            println!("{USAGE}");
            Ok(())
        }
        _ => bail!("`{}` is not a command\n\n{USAGE}", words.join(" ")),
    }
}
