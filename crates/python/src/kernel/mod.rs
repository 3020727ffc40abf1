//! Measuring memory that others own: one pass, all the speed of the processor. No Python here, so that tests need none.

mod element;
mod extremes;
mod histogram;
mod layout;
mod level;
mod memory;
mod moments;
mod rows;
mod square_sum;
mod statistics;
mod threads;
mod within;

pub(crate) use element::Dtype;
pub(crate) use layout::{Layout, LayoutError};
#[cfg(all(test, target_arch = "x86_64"))]
#[allow(unused_imports, reason = "the tests of the kernels, which are a crate of their own, set it")]
pub(crate) use level::{LIMIT, Level};
pub(crate) use memory::{Copies, Integer, Region};
pub(crate) use rows::non_finite_rows;
pub(crate) use square_sum::{SquareSum, square_sum};
pub(crate) use statistics::{Counted, Statistics, statistics};
#[allow(unused_imports, reason = "the benchmark reads by the same threads")]
pub(crate) use threads::in_threads;
pub(crate) use within::{within, within_integers};

/// Below this many bytes a measurement is over before others would gain from being let run meanwhile.
pub(crate) const LARGE: usize = 1 << 20;
