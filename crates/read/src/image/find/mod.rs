//! Finding the pictures of a set.

mod folders;
mod gather;
mod list;
pub(crate) mod names;
mod recognise;
mod resolve;
mod rows;
#[cfg(test)]
mod tests;
pub(crate) mod walk;

pub(crate) use gather::find;
pub(crate) use names::{is_label, part_in};
pub(crate) use recognise::recognise;
