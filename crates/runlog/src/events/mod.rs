//! TensorBoard event files: written, and read while they grow.

mod event;
mod file;
mod frame;
mod run;
mod series;
mod tail;
mod tensor;
mod wire;
mod writer;

pub use frame::{LONGEST, put as put_frame};
pub use run::EventRun;
pub use tail::{Outcome, Problem, Tail};
pub use writer::{PLUGIN, Writer};

/// Whether a file is an event file by its name.
pub(crate) fn is_event_file(name: &str) -> bool {
    name.contains("tfevents")
}

/// Whether a file that begins with these bytes can be an event file.
pub(crate) fn begins_like_events(bytes: &[u8]) -> bool {
    matches!(frame::header(bytes), frame::Header::Length(_))
}
