//! Simple models, cross-validated: what they say about a data set. Judges nothing.

mod confident;
mod curve;
mod cv;
mod details;
mod encode;
mod folds;
mod hog;
mod load;
mod matrix;
mod models;

mod run;
mod samples;
mod score;
mod signal;
mod trials;

pub use folds::{Fold, Folds, divide};
pub use load::{Loaded, Roles, from_frame, from_pictures};
pub use matrix::Matrix;
pub use run::{FitError, Follow, Options, Unfollowed, fit, kinds};
pub use samples::{Feature, Features, Goal, RowPlace, Samples, Values};
