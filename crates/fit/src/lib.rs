//! Simple models, cross-validated: what they say about a data set. Judges nothing.

mod encode;
mod folds;
mod matrix;
mod models;
mod random;
mod samples;

pub use folds::{Fold, Folds, divide};
pub use matrix::Matrix;
pub use samples::{Feature, Features, Goal, RowPlace, Samples, Values};
