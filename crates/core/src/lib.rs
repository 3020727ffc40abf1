//! What Stetho knows, without knowing files, frameworks or screens.
//!
//! Measurers produce *records*, [`Rule`]s judge records and raise [`Finding`]s, a [`Session`] runs the rules and
//! keeps them apart. Nothing here does I/O.

mod docs;
mod document;
mod evidence;
mod finding;
mod number;
mod place;
mod remedy;
mod rule;
mod session;
mod signal;
pub mod table;

pub use docs::{Docs, Example, OptionDoc};
pub use document::{Document, SCHEMA, Subject};
pub use evidence::{Evidence, Limit};
pub use finding::{Draft, Finding, Severity};
pub use number::{Human, Number, count_of, percent, thousands};
pub use place::Place;
pub use remedy::{Remedy, Safety};
pub use rule::{Entry, OptionError, Report, Rule, RuleInfo};
pub use session::{MAX_PLACES, Outcome, RuleOutcome, Session, Verdict, judging};
pub use signal::{Record, Signal, Signals};
