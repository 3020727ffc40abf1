//! Logs of all kinds, as they are found, read whole and read while they grow.

#![allow(clippy::unwrap_used, clippy::panic)] // helpers of tests, outside test functions

mod events;
mod find;
mod foreign;
mod growing;
mod killed;
mod python;
mod support;
