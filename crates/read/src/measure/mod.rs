//! Streaming profiles. Each is a monoid: `observe` a batch, `merge` another, `finish` into a record.

mod column;
mod counter;
mod extremes;
mod moments;
mod monotone;
mod partitions;
mod row_hash;
mod sampler;

pub(crate) use column::{ColumnProfile, Limits, show_number};
pub(crate) use counter::{hash_number, hash_text, mix};
pub(crate) use partitions::{OVERLAPS, Partitions};
pub(crate) use row_hash::{Identity, hash_rows};
pub(crate) use sampler::Sampler;
