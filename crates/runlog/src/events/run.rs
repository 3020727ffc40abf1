//! A run: the event files of one folder.

use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use stetho_core::count_of;

use super::file::EventFile;
use super::is_event_file;
use super::series::Board;
use crate::traps::TrapFile;
use crate::{Account, LogError, Progress, Sink, Source, StepAxis};

/// Folders that changed so lately are listed again in any case: another change may carry the same time.
const CLOCK_GRAIN: Duration = Duration::from_secs(3);

/// Reads the event files of a folder as one run, in the order in which they were begun. Memory grows with the number of
/// series, never with that of points.
///
/// Where a later file has a step again that an earlier one had, and was written after it, the later one counts
/// ([`Sink::restart`] for that series); where both were written at the same time, they are series of two writers.
pub struct EventRun {
    folder: Option<PathBuf>,
    listed: Option<SystemTime>,
    files: Vec<EventFile>,
    /// What stopped the run; beside the events of a folder.
    traps: Option<TrapFile>,
    board: Board,
    account: Account,
}

impl EventRun {
    /// All event files of a folder, later ones too; not those of its subfolders.
    pub fn of_folder(folder: &Path) -> Self {
        Self {
            folder: Some(folder.to_owned()),
            traps: Some(TrapFile::in_folder(folder)),
            ..Self::of_files(&[])
        }
    }

    /// These files.
    pub fn of_files(paths: &[PathBuf]) -> Self {
        let files = paths.iter().enumerate().map(|(i, path)| EventFile::new(path.clone(), i)).collect();
        let account = Account { axis: StepAxis::Step("step".into()), ..Account::default() };
        Self { folder: None, listed: None, files, traps: None, board: Board::default(), account }
    }

    /// Looks for files that have come.
    fn list(&mut self) -> Result<(), LogError> {
        let Some(folder) = &self.folder else { return Ok(()) };
        let changed =
            std::fs::metadata(folder).and_then(|m| m.modified()).map_err(|e| LogError::read(folder, e))?;
        if self.listed == Some(changed) {
            return Ok(());
        }
        let mut paths = Vec::new();
        for entry in std::fs::read_dir(folder).map_err(|e| LogError::read(folder, e))? {
            let entry = entry.map_err(|e| LogError::read(folder, e))?;
            if entry.file_name().to_str().is_some_and(is_event_file) {
                paths.push(entry.path());
            }
        }
        paths.retain(|path| !self.files.iter().any(|file| file.path == *path) && path.is_file());
        paths.sort_by_cached_key(|path| begun(path));
        for path in paths {
            self.files.push(EventFile::new(path, self.files.len()));
        }
        let is_settled = SystemTime::now().duration_since(changed).is_ok_and(|age| age > CLOCK_GRAIN);
        self.listed = is_settled.then_some(changed);
        Ok(())
    }
}

/// When a file was begun, by its name: `events.out.tfevents.<seconds>.<host>.<process>.<number>`.
fn begun(path: &Path) -> (u64, Vec<u64>, String) {
    let name = path.file_name().map(|n| n.to_string_lossy().into_owned()).unwrap_or_default();
    let tail = name.split_once("tfevents.").map_or("", |(_, tail)| tail);
    let mut numbers = tail.split('.').map(|part| part.parse::<u64>().unwrap_or(0));
    (numbers.next().unwrap_or(0), numbers.collect(), name)
}

impl Source for EventRun {
    fn poll(&mut self, sink: &mut dyn Sink) -> Result<Progress, LogError> {
        self.list()?;
        let before = self.board.n_points;
        let mut progress = Progress::default();
        let mut refusal = None;
        for file in &mut self.files {
            match file.poll(&mut self.board, &mut self.account, sink) {
                Ok(bytes) => progress.bytes += bytes,
                Err(error) => refusal = Some(error),
            }
        }
        // A file that was taken away does not keep the others from being read.
        if let Some(error) = refusal.filter(|_| self.files.iter().all(EventFile::is_refused)) {
            return Err(error);
        }
        progress.points = self.board.n_points - before;
        if let Some(traps) = &mut self.traps {
            progress += traps.poll(&mut self.account, sink);
        }
        Ok(progress)
    }

    fn account(&self) -> Account {
        let mut account = self.account.clone();
        account.kind = count_of(self.files.len() as u64, "event file");
        account.points = self.board.n_points;
        account.restarts = self.board.n_restarts;
        account.n_waiting = self.files.iter().map(|f| f.n_waiting() as u64).sum();
        for file in self.files.iter().filter(|f| f.is_lost()) {
            account.skip(&format!("the rest of `{}` after the damage", file.path.display()));
        }
        account
    }
}
