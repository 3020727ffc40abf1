//! Readers: one file a format.

mod cells;
mod csv;
mod csv_block;
mod dialect;
mod encoding;
