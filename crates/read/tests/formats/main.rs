//! Every reader on real files, on damaged ones and on noise.

mod broken;
mod columnar;
mod detection;
mod json;
mod numpy;
mod support;
