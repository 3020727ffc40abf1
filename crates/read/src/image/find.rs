//! Finding the pictures of a set.

use std::path::PathBuf;

use super::FoundSet;
use crate::{Plan, ReadError};

/// Whether `paths` are a set of pictures.
pub(crate) fn recognise(_paths: &[PathBuf]) -> bool {
    false
}

/// Finds the pictures of `plan`.
///
/// # Errors
/// When there are none, or a path cannot be read.
pub(crate) fn find(_plan: &Plan) -> Result<FoundSet, ReadError> {
    Err(ReadError::Request("no picture was found".into()))
}
