//! Running the binary in a folder of its own.

#![allow(dead_code, reason = "each test file uses a part")]
#![allow(clippy::unwrap_used, reason = "a helper of tests that fails is a test that fails")]

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// What a run left behind.
pub(crate) struct Outcome {
    pub(crate) code: i32,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

impl Outcome {
    /// The message of a run that could not do its work: status 2, nothing on stdout, one line on stderr.
    #[track_caller]
    pub(crate) fn one_line_error(&self) -> &str {
        assert_eq!(self.code, 2, "{}{}", self.stdout, self.stderr);
        assert_eq!(self.stdout, "");
        let line = self.stderr.strip_suffix('\n').unwrap_or("");
        assert!(line.starts_with("error: ") && !line.contains('\n'), "{}", self.stderr);
        line
    }
}

/// The binary with arguments, away from any terminal and from the settings of whoever runs the tests.
pub(crate) fn command(words: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_stetho"));
    command.args(words).stdin(Stdio::null());
    for name in ["NO_COLOR", "CLICOLOR", "CLICOLOR_FORCE"] {
        command.env_remove(name);
    }
    command
}

/// Runs the binary.
pub(crate) fn run(words: &[&str]) -> Outcome {
    finish(&mut command(words))
}

fn finish(command: &mut Command) -> Outcome {
    let output = command.output().unwrap();
    Outcome {
        code: output.status.code().unwrap_or(-1),
        stdout: String::from_utf8(output.stdout).unwrap(),
        stderr: String::from_utf8(output.stderr).unwrap(),
    }
}

/// A folder of one test.
pub(crate) struct Folder(PathBuf);

impl Folder {
    /// An empty folder; `name` must be that of the test.
    pub(crate) fn new(name: &str) -> Self {
        let path = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
        let _ = std::fs::remove_dir_all(&path);
        std::fs::create_dir_all(&path).unwrap();
        Self(path)
    }

    /// A path in the folder.
    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.0.join(name)
    }

    /// Writes a file, with the folders it needs.
    pub(crate) fn write(&self, name: &str, text: &str) {
        let path = self.path(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    }

    /// Runs the binary in this folder.
    pub(crate) fn run(&self, words: &[&str]) -> Outcome {
        self.run_in(".", words)
    }

    /// Runs the binary in a folder below this one.
    pub(crate) fn run_in(&self, below: &str, words: &[&str]) -> Outcome {
        finish(command(words).current_dir(self.path(below)))
    }
}
