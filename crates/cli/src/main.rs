//! The `stetho` program: the library does the work, and what needs Python is handed to the interpreter that is active.

mod interpreter;

use std::process::ExitCode;

use stetho_cli::Outcome;

fn main() -> ExitCode {
    match stetho_cli::command(std::env::args_os().skip(1)) {
        Outcome::Done(status) => ExitCode::from(status),
        Outcome::Python(_) => interpreter::hand_over(),
    }
}
