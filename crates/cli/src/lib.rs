//! The `stetho` command as a library: the program and the Python package are thin doors to it.

mod args;
mod check;
mod config;
mod delivery;
mod finish;
mod fit;
mod names;
mod onlooker;
mod output;
mod preflight;
mod prepare;
mod prepare_args;
mod python_args;
mod request;
mod serve;
mod watch;

use std::ffi::OsString;
use std::panic::catch_unwind;
use std::path::Path;

use anyhow::{Result, anyhow, bail};
use clap::error::ErrorKind;
use clap::{CommandFactory, Parser};

use crate::args::{Args, Command, ListFormat};

pub use finish::finish;
pub use request::Request;

/// The status of a command that could not do its work.
const FAILED: u8 = 2;

/// What became of a command.
#[derive(Clone, Debug, PartialEq)]
pub enum Outcome {
    /// It is done; its exit status: 0 nothing found, 1 something found, 2 the work could not be done, 130 interrupted.
    Done(u8),
    /// It was understood, and has to be done in Python.
    Python(Request),
}

/// Carries out the command that `words`, which do not hold the program's name, ask for. Reports go to standard output, all else to
/// standard error.
pub fn command(words: impl IntoIterator<Item = OsString>) -> Outcome {
    onlooker::own_up();
    let words: Vec<OsString> = words.into_iter().collect();
    delivery::remember(&words);
    let result = catch_unwind(|| match parse(&words) {
        Ok(args) => run(args),
        Err(status) => Ok(Outcome::Done(status)),
    });
    match result {
        Ok(Ok(outcome)) => outcome,
        Ok(Err(error)) => {
            output::note(&format!("error: {}", one_line(&error)));
            Outcome::Done(FAILED)
        }
        // The panic hook has said what is to be said.
        Err(_) => Outcome::Done(FAILED),
    }
}

/// The chain of causes on one line. A cause that an error already tells itself is not told again.
fn one_line(error: &anyhow::Error) -> String {
    let mut line = String::new();
    for cause in error.chain().map(ToString::to_string) {
        if !line.ends_with(&cause) {
            line.push_str(if line.is_empty() { "" } else { ": " });
            line.push_str(&cause);
        }
    }
    line
}

/// Reads the command line; answers `--help`, `--version` and bad usage, with the status that goes with it.
fn parse(words: &[OsString]) -> Result<Args, u8> {
    let program = OsString::from("stetho");
    Args::try_parse_from(std::iter::once(&program).chain(words)).map_err(|error| {
        let first = words.first().map(OsString::as_os_str).unwrap_or_default();
        if error.kind() == ErrorKind::InvalidSubcommand && Path::new(first).exists() {
            let data = stetho_report::quoted(&first.to_string_lossy());
            output::note(&format!("error: `{data}` is not a command; did you mean `stetho check {data}`?"));
            return FAILED;
        }
        // That nobody reads it is no error.
        let _ = error.print();
        u8::try_from(error.exit_code()).unwrap_or(FAILED)
    })
}

fn run(args: Args) -> Result<Outcome> {
    let status = match args.command {
        Command::Check(args) => check::run(&args)?,
        Command::Fit(args) => fit::run(&args)?,
        Command::Prepare(args) => prepare::run(&args)?,
        Command::Watch(args) => watch::run(&args)?,
        Command::Serve(args) => serve::run(&args)?,
        Command::Run(args) => return Ok(Outcome::Python(args.request()?)),
        Command::Preflight(args) => return Ok(Outcome::Python(args.request()?)),
        Command::Replay(args) => return Ok(Outcome::Python(args.request()?)),
        Command::Rules { format } => tell(&rules(format)?)?,
        Command::Explain { rule } => tell(&explain(&rule)?)?,
        Command::Completions { shell } => {
            let mut script = Vec::new();
            clap_complete::generate(shell, &mut Args::command(), "stetho", &mut script);
            tell(&String::from_utf8(script)?)?
        }
        Command::Man { command } => tell(&manual(command.as_deref())?)?,
    };
    Ok(Outcome::Done(status))
}

/// Prints what a command that judges nothing was asked for.
fn tell(text: &str) -> Result<u8> {
    output::print(text)?;
    Ok(0)
}

fn rules(format: ListFormat) -> Result<String> {
    match format {
        ListFormat::Text => Ok(stetho_report::rules_text(stetho_rules::all(), output::screen(true))),
        ListFormat::Json => Ok(stetho_report::rules_json(stetho_rules::all())?),
    }
}

fn explain(rule: &str) -> Result<String> {
    let Some(info) = stetho_rules::find(rule) else {
        bail!("there is no rule `{rule}`{}", names::rule_hint(rule));
    };
    Ok(stetho_report::explain(info, output::screen(true)))
}

/// The manual page of the whole, or of one command.
fn manual(command: Option<&str>) -> Result<String> {
    let mut whole = Args::command();
    whole.build();
    let page = match command {
        None => whole,
        Some(name) => {
            let known: Vec<&str> = whole.get_subcommands().map(clap::Command::get_name).collect();
            let hint = names::hint(name, known, "`stetho --help` lists them");
            let found = whole.find_subcommand(name).cloned();
            found.ok_or_else(|| anyhow!("there is no command `{name}`{hint}"))?
        }
    };
    let mut text = Vec::new();
    clap_mangen::Man::new(page).render(&mut text)?;
    Ok(String::from_utf8(text)?)
}
