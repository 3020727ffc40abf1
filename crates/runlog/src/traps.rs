//! What stopped a run: `traps.jsonl` in its folder, a trap a line, read as it grows.

use std::fs::File;
use std::io::{Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use stetho_core::run::Trap;

use crate::source::Damage;
use crate::{Account, LogError, Progress, Sink};

/// The file in the folder of a run.
pub(crate) const TRAPS: &str = "traps.jsonl";
/// A line longer than this is no trap.
const LONGEST: usize = 16 << 20;

/// The traps of a run, up to the last whole line.
pub(crate) struct TrapFile {
    path: PathBuf,
    /// Where the first line begins that was not handed over yet.
    offset: u64,
}

impl TrapFile {
    /// The file of the run in `folder`; there need be none.
    pub(crate) fn in_folder(folder: &Path) -> Self {
        Self { path: folder.join(TRAPS), offset: 0 }
    }

    /// Hands over the traps that came since. A line that is no trap is damage; a file that is not there holds none.
    pub(crate) fn poll(&mut self, account: &mut Account, sink: &mut dyn Sink) -> Progress {
        let mut progress = Progress::default();
        let Ok(mut file) = File::open(&self.path) else { return progress };
        if file.metadata().is_ok_and(|m| m.len() < self.offset) {
            // It was begun anew; what it holds now is told in addition.
            self.offset = 0;
        }
        let mut text = Vec::new();
        let read = file.seek(SeekFrom::Start(self.offset)).and_then(|_| file.read_to_end(&mut text));
        if read.is_err() {
            return progress;
        }
        for line in text.split_inclusive(|b| *b == b'\n').take_while(|line| line.ends_with(b"\n")) {
            self.take(line, account, sink, &mut progress);
        }
        progress
    }

    fn take(&mut self, line: &[u8], account: &mut Account, sink: &mut dyn Sink, progress: &mut Progress) {
        let offset = self.offset;
        self.offset += line.len() as u64;
        progress.bytes += line.len() as u64;
        let is_blank = line.iter().all(u8::is_ascii_whitespace);
        if is_blank {
            return;
        }
        match serde_json::from_slice(line) {
            Ok(trap) if line.len() <= LONGEST => {
                progress.points += 1;
                sink.trap(trap);
            }
            Ok(_) => {}
            Err(error) => {
                account.damaged(Damage {
                    path: self.path.clone(),
                    offset,
                    problem: format!("no trap: {error}"),
                });
            }
        }
    }
}

/// Appends a trap to those of the run in `folder`.
///
/// # Errors
/// When the system refuses.
pub(crate) fn append(folder: &Path, trap: &Trap) -> Result<(), LogError> {
    let path = folder.join(TRAPS);
    let mut line = serde_json::to_string(trap).map_err(|e| LogError::Request(e.to_string()))?;
    line.push('\n');
    let file = std::fs::OpenOptions::new().create(true).append(true).open(&path);
    file.and_then(|mut file| file.write_all(line.as_bytes())).map_err(|e| LogError::write(&path, e))
}

#[cfg(test)]
mod tests {
    use stetho_core::run::TrapKind;

    use super::*;
    use crate::{Names, Recorder};

    #[test]
    fn traps_are_read_line_by_line_as_they_come() {
        let folder = tempfile::tempdir().unwrap();
        let (mut file, mut account) = (TrapFile::in_folder(folder.path()), Account::default());
        let mut recorder = Recorder::new("run", Names::default());
        assert_eq!(file.poll(&mut account, &mut recorder), Progress::default());
        let write = |text: &str| {
            let file = std::fs::OpenOptions::new().create(true).append(true).open(folder.path().join(TRAPS));
            file.unwrap().write_all(text.as_bytes()).unwrap();
        };
        write("{\"kind\":\"loss\",\"step\":3,\"phase\":\"forward\"}\n\n{\"kind\":\"gra");
        assert_eq!(file.poll(&mut account, &mut recorder).points, 1);
        write("dient\",\"step\":4,\"phase\":\"backward\"}\nnonsense\n");
        assert_eq!(file.poll(&mut account, &mut recorder).points, 1);
        assert_eq!(file.poll(&mut account, &mut recorder).points, 0);
        let kinds: Vec<TrapKind> = recorder.run().traps.iter().map(|t| t.kind).collect();
        assert_eq!(kinds, [TrapKind::Loss, TrapKind::Gradient]);
        assert_eq!(account.n_damaged, 1);
    }
}
