//! The gallery: faulty and healthy data sets, with the findings expected of each.
//!
//! A [`Recipe`] makes a table from formulas, the same on every machine. A [`GalleryFile`] holds the twins of one
//! rule: data sets in which it must speak, and data sets in which it must not. The examples in the rules' own
//! documentation are run the same way ([`DocCase`]), and so are real data sets shipped in packages ([`RealSet`]).

mod audit;
mod boxes;
mod error;
mod example;
mod pictures;
mod random;
mod real;
mod recipe;
mod runs;
mod twin;
mod verdicts;

pub use audit::{DataSet, audit, raised};
pub use boxes::BoxRecipe;
pub use error::GalleryError;
pub use example::{DocCase, check_docs, doc_cases};
pub use pictures::PictureRecipe;
pub use real::{RealSet, RealSets};
pub use recipe::{DEFAULT_ROWS, Frame, Recipe, RecipeError};
pub use runs::{RecordedRun, RunVerdict, judge_run, recorded_runs};
pub use twin::{GalleryFile, Twin, gallery_files};
pub use verdicts::{VerdictCase, verdict_cases};

use std::path::Path;

/// The gallery's folder in the source tree.
pub fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}
