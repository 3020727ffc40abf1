//! The active Python, for the commands that need it.

use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};

/// The status of a command that could not do its work.
const FAILED: u8 = 2;

/// Runs the command again in the Python package. The folder that Python puts first into its search path is the present one, whose files
/// could stand in the way of the standard library's; it becomes that of the script later.
const START: &str = "\
import sys
if sys.path[:1] == ['']:
    sys.path[0] = sys.prefix
try:
    from stetho.__main__ import main
except ModuleNotFoundError as error:
    if error.name != 'stetho':
        raise
    print(f'error: {sys.executable} has no package `stetho`, which this command needs: install it there (in a clone of Stetho: '
        f'`{sys.executable} -m pip install .`)', file=sys.stderr)
    sys.exit(2)
sys.exit(main())
";

/// Gives this process, or where that cannot be a child of it, to Python, with the same arguments.
pub(crate) fn hand_over() -> ExitCode {
    let candidates = candidates();
    for python in &candidates {
        let mut command = Command::new(python);
        command.arg("-c").arg(START).args(std::env::args_os().skip(1));
        match run(&mut command) {
            Ok(status) => return ExitCode::from(status),
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => return fail(&format!("cannot start `{}`: {error}", python.display())),
        }
    }
    fail("no Python was found, which this command needs: activate the environment that the script runs in")
}

/// Interpreters in the order in which they are tried.
fn candidates() -> Vec<PathBuf> {
    let in_environment = Path::new(if cfg!(windows) { "Scripts/python.exe" } else { "bin/python" });
    let folder = std::env::var_os("VIRTUAL_ENV").filter(|folder| !folder.is_empty());
    let active = folder.map(|folder| Path::new(&folder).join(in_environment));
    active.into_iter().chain(["python3".into(), "python".into()]).collect()
}

/// Becomes the program. Returns only where that failed.
#[cfg(unix)]
fn run(command: &mut Command) -> io::Result<u8> {
    Err(std::os::unix::process::CommandExt::exec(command))
}

/// Runs the program to its end; its exit status.
#[cfg(not(unix))]
fn run(command: &mut Command) -> io::Result<u8> {
    let status = command.status()?;
    Ok(status.code().and_then(|code| u8::try_from(code).ok()).unwrap_or(FAILED))
}

fn fail(message: &str) -> ExitCode {
    let _ = writeln!(io::stderr(), "error: {message}");
    ExitCode::from(FAILED)
}
