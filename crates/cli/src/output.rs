//! Where reports go: standard output or a file.

use std::fs::OpenOptions;
use std::io::{self, IsTerminal, Write};
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, anyhow, bail};
use stetho_report::{Screen, clean};

/// Lines longer than this are hard to read, however wide the terminal is.
const WIDEST: usize = 110;

/// The screen that standard output is shown on.
pub(crate) fn screen(all: bool) -> Screen {
    screen_of(&io::stdout(), all)
}

/// The screen that standard error is shown on.
pub(crate) fn screen_aside(all: bool) -> Screen {
    screen_of(&io::stderr(), all)
}

fn screen_of(stream: &impl anstream::stream::RawStream, all: bool) -> Screen {
    let width = terminal_size::terminal_size().map_or(80, |(width, _)| usize::from(width.0));
    let choice = anstream::AutoStream::choice(stream);
    Screen { width: width.min(WIDEST), color: choice != anstream::ColorChoice::Never, all }
}

/// The page of a text report in a file.
pub(crate) fn paper(all: bool) -> Screen {
    Screen { width: 100, color: false, all }
}

/// Writes `text` to standard output. That its reader has gone away is no error.
pub(crate) fn print(text: &str) -> Result<()> {
    let mut out = io::stdout().lock();
    match out.write_all(text.as_bytes()).and_then(|()| out.flush()) {
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => {
            Err(error).context("cannot write to standard output")
        }
        _ => Ok(()),
    }
}

/// Writes `text` to standard error. That nobody can read it is no error.
pub(crate) fn print_aside(text: &str) {
    let _ = io::stderr().write_all(text.as_bytes());
}

/// Writes one line to standard error, made harmless.
pub(crate) fn note(line: &str) {
    let _ = writeln!(io::stderr(), "{}", clean(line));
}

/// Whether a person is likely to see standard error.
pub(crate) fn is_watched() -> bool {
    io::stderr().is_terminal()
}

/// Fails early where `path` cannot be written, before the data is read.
pub(crate) fn check_target(path: &Path) -> Result<()> {
    if path.is_dir() {
        bail!("cannot write `{}`: it is a folder; name a file in it", path.display());
    }
    let folder = folder_of(path);
    if !folder.is_dir() {
        bail!("cannot write `{}`: there is no folder `{}`", path.display(), folder.display());
    }
    Ok(())
}

/// Writes `text` to `path` in one go: whoever looks at the file sees the old text or the new, never a part. A link is
/// followed, and a device is written to as it is.
pub(crate) fn write_file(path: &Path, text: &str) -> Result<()> {
    let followed = path.canonicalize().unwrap_or_else(|_| path.to_owned());
    let path = followed.as_path();
    if path.metadata().is_ok_and(|found| !found.is_file()) {
        return std::fs::write(path, text).with_context(|| format!("cannot write `{}`", path.display()));
    }
    let name =
        path.file_name().ok_or_else(|| anyhow!("cannot write `{}`: it names no file", path.display()))?;
    let mut part = std::ffi::OsString::from(".");
    part.push(name);
    part.push(format!(".{}.part", std::process::id()));
    let part = folder_of(path).join(part);
    let result = write_new(&part, text).and_then(|()| std::fs::rename(&part, path));
    if result.is_err() {
        let _ = std::fs::remove_file(&part);
    }
    result.with_context(|| format!("cannot write `{}`", path.display()))
}

fn write_new(path: &Path, text: &str) -> io::Result<()> {
    let mut file = OpenOptions::new().write(true).create_new(true).open(path)?;
    file.write_all(text.as_bytes())?;
    file.sync_all()
}

fn folder_of(path: &Path) -> PathBuf {
    match path.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder.to_owned(),
        _ => PathBuf::from("."),
    }
}
