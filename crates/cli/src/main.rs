//! The `stetho` command.

mod args;
mod check;
mod config;
mod delivery;
mod fit;
mod names;
mod onlooker;
mod output;
mod prepare;
mod prepare_args;
mod serve;
mod watch;

use std::panic::catch_unwind;
use std::path::Path;
use std::process::ExitCode;

use anyhow::{Result, anyhow, bail};
use clap::error::ErrorKind;
use clap::{CommandFactory, Parser};

use crate::args::{Args, Command, ListFormat};

/// The status of a command that could not do its work.
const FAILED: u8 = 2;

fn main() -> ExitCode {
    onlooker::own_up();
    let result = catch_unwind(|| run(&parse()));
    match result {
        Ok(Ok(code)) => code,
        Ok(Err(error)) => {
            output::note(&format!("error: {}", one_line(&error)));
            ExitCode::from(FAILED)
        }
        // The panic hook has said what is to be said.
        Err(_) => ExitCode::from(FAILED),
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

/// Reads the command line; ends the program for `--help`, `--version` and bad usage.
fn parse() -> Args {
    Args::try_parse().unwrap_or_else(|error| {
        let first = std::env::args_os().nth(1).unwrap_or_default();
        if error.kind() == ErrorKind::InvalidSubcommand && Path::new(&first).exists() {
            let data = stetho_report::quoted(&first.to_string_lossy());
            output::note(&format!("error: `{data}` is not a command; did you mean `stetho check {data}`?"));
            std::process::exit(i32::from(FAILED));
        }
        error.exit()
    })
}

fn run(args: &Args) -> Result<ExitCode> {
    match &args.command {
        Command::Check(args) => return check::run(args),
        Command::Fit(args) => return fit::run(args),
        Command::Prepare(args) => return prepare::run(args),
        Command::Watch(args) => return watch::run(args),
        Command::Serve(args) => return serve::run(args),
        Command::Rules { format: ListFormat::Text } => {
            output::print(&stetho_report::rules_text(stetho_rules::all(), output::screen(true)))?;
        }
        Command::Rules { format: ListFormat::Json } => {
            output::print(&stetho_report::rules_json(stetho_rules::all())?)?;
        }
        Command::Explain { rule } => {
            let Some(info) = stetho_rules::find(rule) else {
                bail!("there is no rule `{rule}`{}", names::rule_hint(rule));
            };
            output::print(&stetho_report::explain(info, output::screen(true)))?;
        }
        Command::Completions { shell } => {
            let mut script = Vec::new();
            clap_complete::generate(*shell, &mut Args::command(), "stetho", &mut script);
            output::print(&String::from_utf8(script)?)?;
        }
        Command::Man { command } => output::print(&manual(command.as_deref())?)?,
    }
    Ok(ExitCode::SUCCESS)
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
