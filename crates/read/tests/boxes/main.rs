//! Detection sets, from files to the record.

#![allow(clippy::unwrap_used, clippy::panic)] // helpers of tests, outside test functions

mod damage;
mod formats;
mod slow;
mod strangers;
mod support;
