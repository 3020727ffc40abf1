//! What every log speaks: points of named series, in the order in which they were written.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;

use stetho_core::run::Trap;

use crate::LogError;

/// A series of one source: numbered from 0 in the order in which its tags were first seen.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TagId(pub u32);

impl TagId {
    /// The number as an index.
    pub fn index(self) -> usize {
        self.0 as usize
    }
}

/// A series, said once before its first point.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Tag<'a> {
    /// Its name as logged, like `train/loss`.
    pub name: &'a str,
    /// 0, but for files of one run that were written at the same time (ranks, for example) under the same names: those
    /// that cannot be one series are told apart by this number.
    pub writer: u32,
    /// Whether the log names layers for it: its points come as [`Sink::vector`].
    pub is_vector: bool,
}

/// When a point was taken.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct When {
    /// The step as logged, or what stands for it ([`StepAxis`]).
    pub step: i64,
    /// Seconds since 1970, where the log has them.
    pub wall_time: Option<f64>,
}

/// Takes what a source reads.
pub trait Sink {
    /// A series is about to have its first point.
    fn tag(&mut self, id: TagId, tag: Tag<'_>);

    /// One number. It may be NaN or infinite.
    fn scalar(&mut self, id: TagId, when: When, value: f64);

    /// One number a layer, in the order of `layers`; both have the same length.
    fn vector(&mut self, id: TagId, layers: &Arc<[String]>, when: When, values: &[f32]);

    /// The run was taken up again at `step`: what was said of this step and later ones is void, for one series, or for all
    /// where none is named.
    fn restart(&mut self, id: Option<TagId>, step: i64);

    /// The run was stopped at the moment it went wrong, or would have been.
    fn trap(&mut self, trap: Trap) {
        let _ = trap;
    }

    /// A named setting of the run, such as a hyperparameter.
    fn setting(&mut self, name: &str, value: &str) {
        let _ = (name, value);
    }
}

/// A log that is read as it grows.
pub trait Source: Send {
    /// Reads all that is new and returns. Call again to follow.
    ///
    /// # Errors
    /// When the log cannot be read; damage inside it is no error, it is told in [`Source::account`].
    fn poll(&mut self, sink: &mut dyn Sink) -> Result<Progress, LogError>;

    /// Reads all that is new of a log that nobody writes to any more: its last line counts though nothing ended it.
    ///
    /// # Errors
    /// As for [`Source::poll`].
    fn finish(&mut self, sink: &mut dyn Sink) -> Result<Progress, LogError> {
        self.poll(sink)
    }

    /// What was taken in and what was not, so far.
    fn account(&self) -> Account;
}

/// What one poll read.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Progress {
    /// Scalars and vectors handed over.
    pub points: u64,
    /// Bytes read.
    pub bytes: u64,
}

impl std::ops::AddAssign for Progress {
    fn add_assign(&mut self, other: Self) {
        self.points += other.points;
        self.bytes += other.bytes;
    }
}

/// What stands for the step.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum StepAxis {
    /// Nothing was read yet.
    #[default]
    Unknown,
    /// The step that the log gives, under this name.
    Step(String),
    /// The epoch, under this name: the log gives no step.
    Epoch(String),
    /// Epoch and batch together, made one number by the batches of an epoch.
    EpochAndBatch,
    /// Neither is given: rows are numbered from 0.
    Order,
}

impl std::fmt::Display for StepAxis {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Unknown => f.write_str("no points yet"),
            Self::Step(name) => write!(f, "steps are `{name}`"),
            Self::Epoch(name) => write!(f, "steps are epochs (`{name}`)"),
            Self::EpochAndBatch => f.write_str("steps are counted from epochs and batches"),
            Self::Order => f.write_str("no step is given: rows are numbered"),
        }
    }
}

/// What a source took in and what it did not.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Account {
    /// What kind of log it is, in words: `2 event files`.
    pub kind: String,
    /// What stands for the step.
    pub axis: StepAxis,
    /// Scalars and vectors handed over.
    pub points: u64,
    /// Times that the run was taken up again.
    pub restarts: u64,
    /// Places that could not be read, the first 20.
    pub damage: Vec<Damage>,
    /// All places that could not be read.
    pub n_damaged: u64,
    /// Bytes at the end of the log that are no whole record or line yet.
    pub n_waiting: u64,
    /// What was stepped over, by reason (`histograms`, `lines without numbers`), and how often.
    pub skipped: BTreeMap<String, u64>,
    /// Names of columns, keys and series whose values are no numbers, the first 100.
    pub not_numeric: Vec<String>,
}

/// How many damaged places are told one by one.
const MOST_DAMAGE: usize = 20;
/// How many names are told one by one.
const MOST_NAMES: usize = 100;

impl Account {
    /// Notes a place that could not be read.
    pub(crate) fn damaged(&mut self, damage: Damage) {
        self.n_damaged += 1;
        if self.damage.len() < MOST_DAMAGE {
            self.damage.push(damage);
        }
    }

    /// Counts something that was stepped over.
    pub(crate) fn skip(&mut self, reason: &str) {
        match self.skipped.get_mut(reason) {
            Some(count) => *count += 1,
            None => {
                self.skipped.insert(reason.to_owned(), 1);
            }
        }
    }

    /// Notes a name whose values are no numbers.
    pub(crate) fn not_numeric(&mut self, name: &str) {
        if self.not_numeric.len() < MOST_NAMES && !self.not_numeric.iter().any(|n| n == name) {
            self.not_numeric.push(name.to_owned());
        }
    }
}

/// A place that could not be read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Damage {
    /// The file.
    pub path: PathBuf,
    /// Bytes from its start.
    pub offset: u64,
    /// What is wrong there.
    pub problem: String,
}

impl std::fmt::Display for Damage {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "`{}`, byte {}: {}", self.path.display(), self.offset, self.problem)
    }
}
