//! Draws reports: one renderer a file over the same [`Document`](stetho_core::Document).
//!
//! [`text()`] is for a person at a terminal, [`json()`] for programs, [`sarif()`] for code-scanning services and
//! [`html()`] for a browser. A new kind of evidence or place does not compile until all of them draw it.

mod box_facts;
mod catalogue;
mod explain;
mod facts;
mod fit_facts;
mod html;
mod json;
mod picture_facts;
mod preflight_facts;
mod run_facts;
mod sarif;
mod text;
mod words;

pub use box_facts::{BoxFacts, Grid};
pub use catalogue::{rules_json, rules_text};
pub use explain::explain;
pub use facts::{ColumnFacts, FileLine, SampleFacts, SampleRow, SplitFacts, TableFacts, TargetFacts};
pub use fit_facts::{FitFacts, ModelFacts};
pub use html::{LivePage, PageData, html, report_of};
pub use json::json;
pub use picture_facts::{Bins, PictureFacts, PictureMap};
pub use preflight_facts::{CheckFacts, CheckState, PreflightFacts};
pub use run_facts::{BrokenFacts, HeatFacts, HeatScale, RunFacts, SeriesFacts, SeriesGroup};
pub use sarif::sarif;
pub use text::layout::clean;
pub use text::{Screen, text};
pub use words::{quoted, summary};
