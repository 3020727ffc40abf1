//! The operating system's refusals, in words.

use std::io::{Error, ErrorKind};

/// The refusal to read or write a file, as people say it.
///
/// ```
/// let missing = std::io::ErrorKind::NotFound.into();
/// assert_eq!(stetho_core::refusal(&missing), "there is no such file or folder");
/// ```
pub fn refusal(error: &Error) -> String {
    match error.kind() {
        ErrorKind::NotFound => "there is no such file or folder".into(),
        ErrorKind::PermissionDenied => "permission denied; check who may use it".into(),
        _ => error.to_string(),
    }
}
