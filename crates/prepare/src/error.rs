//! What can keep a copy from being made.

use std::path::{Path, PathBuf};

use stetho_core::OptionError;
use stetho_read::ReadError;

/// Why a copy was not made: one line that says what, where and what to do.
#[derive(Debug, thiserror::Error)]
pub enum PrepareError {
    /// The request does not fit the data.
    #[error("{0}")]
    Request(String),
    /// The data cannot be read.
    #[error(transparent)]
    Read(#[from] ReadError),
    /// A rule cannot be set up.
    #[error(transparent)]
    Rules(#[from] OptionError),
    /// The copy cannot be written.
    #[error("cannot write `{path}`: {}", words(.reason))]
    Write {
        /// The file or folder.
        path: PathBuf,
        /// The refusal of the operating system.
        reason: std::io::Error,
    },
}

impl PrepareError {
    /// A request that does not fit.
    pub(crate) fn request<T>(words: impl Into<String>) -> Result<T, Self> {
        Err(Self::Request(words.into()))
    }

    /// Makes an error of writing to `path`.
    pub(crate) fn writing(path: &Path) -> impl FnOnce(std::io::Error) -> Self + '_ {
        |reason| Self::Write { path: path.to_owned(), reason }
    }

    /// Makes an error of reading from `path`.
    pub(crate) fn reading(path: &Path) -> impl FnOnce(std::io::Error) -> Self + '_ {
        |reason| Self::Read(ReadError::io(path, reason))
    }
}

/// The refusal as people say it.
fn words(error: &std::io::Error) -> String {
    match error.kind() {
        std::io::ErrorKind::NotFound => "the folder above it cannot hold it".into(),
        std::io::ErrorKind::PermissionDenied => {
            "permission denied; name a folder that you may write to".into()
        }
        std::io::ErrorKind::StorageFull => "the disk is full".into(),
        std::io::ErrorKind::NotADirectory => "a part of its path is a file".into(),
        _ => error.to_string(),
    }
}
