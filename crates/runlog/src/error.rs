//! What can keep a log from being read or written.

use std::path::{Path, PathBuf};

/// Why a log could not be read or written: what, where and what to do.
#[derive(Debug, thiserror::Error)]
pub enum LogError {
    /// The operating system refused to read.
    #[error("cannot read `{path}`: {}", stetho_core::refusal(.reason))]
    Read {
        /// The file or folder.
        path: PathBuf,
        /// The refusal.
        reason: std::io::Error,
    },
    /// The operating system refused to write.
    #[error("cannot write `{path}`: {}", stetho_core::refusal(.reason))]
    Write {
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
    /// What was asked for does not make sense.
    #[error("{0}")]
    Request(String),
}

impl LogError {
    /// A refusal to read `path`.
    pub fn read(path: &Path, reason: std::io::Error) -> Self {
        Self::Read { path: path.to_owned(), reason }
    }

    /// A refusal to write `path`.
    pub fn write(path: &Path, reason: std::io::Error) -> Self {
        Self::Write { path: path.to_owned(), reason }
    }

    /// A file that is not what it should be.
    pub fn malformed(path: &Path, problem: impl Into<String>) -> Self {
        Self::Malformed { path: path.to_owned(), problem: problem.into() }
    }
}
