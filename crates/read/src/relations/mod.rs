//! Measurements on the sample of rows: one file a signal.
#![allow(dead_code, reason = "the reader of tables will call `measure`")]

mod associations;
mod bins;
mod correlation;
#[cfg(test)]
mod fixtures;
mod labels;
mod random;
mod single_column_scores;
mod spectrum;
mod statistics;
