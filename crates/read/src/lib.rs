//! Reads data sets and measures them. Judges nothing.
//!
//! [`read_table`] streams every file of a [`Plan`] once, in batches, through mergeable profiles on all cores, and
//! returns the [`Table`](stetho_core::table::Table) record that the rules see. Memory is bounded: what grows with
//! the data is spilled to temporary files.

mod batch;
pub mod boxes;
mod data;
mod error;
mod frame;
mod image;
mod inputs;
mod measure;
mod plan;
mod principal;
mod relations;
mod roles;
mod sample;
mod seen;
pub mod source;
mod stream;
mod table;

pub use batch::{Batch, ColumnNotes, Decode, Field, Lines, Part, Source};
pub use data::{BoxReading, Data, DataKind, PictureReading, detect_kind, read_data};
pub use error::ReadError;
pub use frame::{Frame, FramePlace, read_frame, read_matrix};
pub use image::{SmallPicture, SmallPictures, fill_thumbnails, read_small};
pub use plan::{Plan, Reading, Unwatched, Watch};
pub use roles::is_identifier;
pub use sample::{Sample, SampleColumn};
pub use table::read_table;
