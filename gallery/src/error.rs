//! What can go wrong with the gallery itself.

use std::path::{Path, PathBuf};

use crate::RecipeError;

/// Why a data set of the gallery could not be made or audited.
#[derive(Debug, thiserror::Error)]
pub enum GalleryError {
    /// The operating system refused.
    #[error("cannot use `{path}`: {source}")]
    Io {
        /// The file or folder.
        path: PathBuf,
        /// The refusal.
        source: std::io::Error,
    },
    /// A gallery file is not what it should be.
    #[error("`{path}`: {problem}")]
    Malformed {
        /// The gallery file.
        path: PathBuf,
        /// What is wrong with it.
        problem: String,
    },
    /// A recipe cannot be read or followed.
    #[error("recipe of `{part}`, {source}")]
    Recipe {
        /// `train`, `val` or `test`.
        part: &'static str,
        /// The line and what is wrong with it.
        source: RecipeError,
    },
    /// The data set could not be read.
    #[error(transparent)]
    Read(#[from] stetho_read::ReadError),
    /// No model could be fitted to it.
    #[error(transparent)]
    Fit(#[from] stetho_fit::FitError),
    /// The log of a run could not be read.
    #[error(transparent)]
    Log(#[from] stetho_runlog::LogError),
    /// A rule refused its own default options: a bug of ours.
    #[error(transparent)]
    Options(#[from] stetho_core::OptionError),
    /// A block of a rule's documentation cannot be run.
    #[error("{0}")]
    Example(String),
    /// `cargo` could not say where a package with data is.
    #[error("cannot find the data of package `{package}`: {problem}")]
    Package {
        /// The package.
        package: String,
        /// What went wrong.
        problem: String,
    },
}

impl GalleryError {
    pub(crate) fn io(path: &Path) -> impl FnOnce(std::io::Error) -> Self {
        let path = path.to_owned();
        move |source| Self::Io { path, source }
    }

    pub(crate) fn malformed(path: &Path, problem: impl Into<String>) -> Self {
        Self::Malformed { path: path.to_owned(), problem: problem.into() }
    }

    pub(crate) fn recipe(part: &'static str) -> impl FnOnce(RecipeError) -> Self {
        move |source| Self::Recipe { part, source }
    }
}
