//! What Stetho knows, without knowing files, frameworks or screens.
//!
//! Measurers produce *records*, [`Rule`]s judge records and raise [`Finding`]s, a [`Session`] runs the rules and
//! keeps them apart. Nothing here does I/O.

pub mod boxes;
pub mod code;
mod docs;
mod document;
mod evidence;
mod finding;
pub mod fit;
pub mod image;
mod measured;
mod median;
mod number;
mod place;
pub mod preflight;
mod random;
mod refusal;
mod remedy;
mod rule;
pub mod run;
mod sample_picture;
mod session;
mod signal;
pub mod table;

pub use docs::{Docs, Example, OptionDoc};
pub use document::{Document, SCHEMA, Subject};
pub use evidence::{Drawn, Evidence, Limit, Line, Pictured};
pub use finding::{Draft, Finding, Severity};
pub use measured::Measured;
pub use median::median;
pub use number::{Human, Number, count_of, percent, thousands};
pub use place::Place;
pub use random::Random;
pub use refusal::refusal;
pub use remedy::{Remedy, Safety};
pub use rule::{Entry, OptionError, Report, Rule, RuleInfo};
pub use sample_picture::SamplePicture;
pub use session::{MAX_PLACES, Outcome, RuleOutcome, Session, Verdict, judging};
pub use signal::{Record, Signal, Signals};
