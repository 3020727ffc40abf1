//! What can keep a data set from being read.

use std::path::{Path, PathBuf};

/// Why a data set could not be read: what, where and what to do. Always the input's fault, never a bug of ours.
#[derive(Debug, thiserror::Error)]
pub enum ReadError {
    /// The operating system refused.
    #[error("cannot read `{path}`: {}", stetho_core::refusal(.reason))]
    Io {
        /// The file or folder.
        path: PathBuf,
        /// The refusal.
        reason: std::io::Error,
    },
    /// The file is not what it should be.
    #[error("cannot read `{path}`: {problem}")]
    Malformed {
        /// The file.
        path: PathBuf,
        /// What is wrong and what to do, lower case, no full stop.
        problem: String,
    },
    /// The files or columns that were asked for do not fit together.
    #[error("{0}")]
    Request(String),
}

impl ReadError {
    /// An operating-system error at `path`.
    pub fn io(path: &Path, reason: std::io::Error) -> Self {
        Self::Io { path: path.to_owned(), reason }
    }

    /// A file that is not what it should be.
    pub fn malformed(path: &Path, problem: impl Into<String>) -> Self {
        Self::Malformed { path: path.to_owned(), problem: problem.into() }
    }
}
