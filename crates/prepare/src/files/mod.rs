//! Remedies of pictures, with and without boxes: files are copied, never moved or linked.

mod annotations;
mod boxes;
mod pictures;
mod tree;
mod verify;

pub(crate) use boxes::prepare as boxes;
pub(crate) use pictures::prepare as pictures;
