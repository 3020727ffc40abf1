//! Logs of all kinds, as they are found, read whole and read while they grow.

mod events;
mod find;
mod foreign;
mod growing;
mod support;
