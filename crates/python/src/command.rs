//! The command, and the end of a run.

use std::ffi::OsString;
use std::path::PathBuf;
use std::sync::OnceLock;
use std::time::Instant;

use pyo3::prelude::*;
use stetho_cli::Outcome;

/// When the command began, for how long the run took.
static START: OnceLock<Instant> = OnceLock::new();

/// What a command gives Python: its exit status, or what is to be done.
#[derive(IntoPyObject)]
pub(crate) enum Answer {
    Status(u8),
    Request(String),
}

/// Carries out a command of `stetho`.
#[pyfunction]
pub(crate) fn command(py: Python<'_>, args: Vec<OsString>) -> Answer {
    START.get_or_init(Instant::now);
    match py.detach(|| stetho_cli::command(args)) {
        Outcome::Done(status) => Answer::Status(status),
        Outcome::Python(request) => Answer::Request(request.json().to_owned()),
    }
}

/// Judges the run logged into `folder` and delivers its report.
#[pyfunction]
#[allow(clippy::needless_pass_by_value, reason = "what Python hands over is made anew")]
pub(crate) fn finish(py: Python<'_>, folder: PathBuf, request: String) -> u8 {
    let start = *START.get_or_init(Instant::now);
    py.detach(|| stetho_cli::finish(&folder, &request, start))
}
