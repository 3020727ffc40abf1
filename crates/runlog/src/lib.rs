//! Run logs: what a training run left behind, or is writing now.
//!
//! A log is read through [`Source`], by polling, and handed over point by point to a [`Sink`]; [`Recorder`] is the one that fills the
//! record which rules judge. TensorBoard event files are written by [`Writer`].

mod contest;
mod error;
mod events;
mod find;
mod foreign;
mod live;
mod names;
mod recorder;
mod source;
mod tags;
mod traps;

pub use error::LogError;
pub use events::{EventRun, LONGEST, Outcome, PLUGIN, Problem, Tail, Writer, put_frame};
pub use find::{Found, FoundRun, RunKind, find};
pub use foreign::{Foreign, Pattern};
pub use live::{LayerSignals, Run, Step, Vector};
pub use names::{Meaning, Names};
pub use recorder::Recorder;
pub use source::{Account, Damage, Progress, Sink, Source, StepAxis, Tag, TagId, When};
