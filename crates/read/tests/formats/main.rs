//! Every reader on real files, on damaged ones and on noise.

#![allow(clippy::unwrap_used, clippy::panic)] // helpers of tests, outside test functions

mod broken;
mod columnar;
mod detection;
mod json;
mod numpy;
mod support;
