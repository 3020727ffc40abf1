//! From files to the record: text tables as they are found in the wild, and the record against plain computations.

#![allow(clippy::unwrap_used, clippy::panic)] // helpers of tests, outside test functions

mod damage;
mod requests;
mod slow;
mod strangers;
mod support;
mod text;
mod twins;
