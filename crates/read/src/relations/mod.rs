//! Measurements on the sample of rows: one file a signal.
#![allow(dead_code, reason = "the reader of tables will call `measure`")]

mod associations;
mod correlation;
#[cfg(test)]
mod fixtures;
mod random;
mod spectrum;
mod statistics;
