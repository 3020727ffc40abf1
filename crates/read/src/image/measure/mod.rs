//! Looking at every picture once.

use stetho_core::Measured;
use stetho_core::image::{Copies, Damage, Look};

use super::Found;
use crate::Watch;

/// What was seen, in the order of the pictures.
pub(crate) struct Measurement {
    pub looks: Vec<Result<Look, Damage>>,
    /// Size of each file (of an array: of this picture) in bytes.
    pub n_bytes: Vec<u64>,
    pub copies: Measured<Copies>,
    /// Whether the watcher stopped it early; pictures not looked at are left out at the end of `looks`.
    pub is_partial: bool,
}

/// Looks at every picture on `threads` threads (0: one a core); finds copies where `wants_copies`.
pub(crate) fn measure(_: &[Found], _wants_copies: bool, _threads: usize, _: &dyn Watch) -> Measurement {
    Measurement { looks: Vec::new(), n_bytes: Vec::new(), copies: Measured::default(), is_partial: false }
}
