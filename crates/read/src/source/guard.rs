//! Third-party decoders on damaged input: whatever they do, the caller gets an error.

use std::any::Any;
use std::panic::{AssertUnwindSafe, catch_unwind};

/// Runs a decoder; a panic in it becomes an error text, as every other failure of it does.
///
/// Decoders of compact binary formats index by lengths they read from the file. Fuzzing has made panics rare in
/// them, not impossible; a damaged file must not take the audit down.
pub(crate) fn guarded<T, E: ToString>(work: impl FnOnce() -> Result<T, E>) -> Result<T, String> {
    match catch_unwind(AssertUnwindSafe(work)) {
        Ok(result) => result.map_err(|error| one_line(&error.to_string())),
        Err(payload) => Err(format!("the decoder gave up: {}", one_line(&panic_text(&payload)))),
    }
}

fn panic_text(payload: &Box<dyn Any + Send>) -> String {
    let text = payload.downcast_ref::<&str>().map(|s| (*s).to_owned());
    text.or_else(|| payload.downcast_ref::<String>().cloned()).unwrap_or_else(|| "no reason given".to_owned())
}

/// The first line of a message, at most 200 characters of it.
pub(crate) fn one_line(text: &str) -> String {
    text.lines().next().unwrap_or_default().chars().take(200).collect()
}
