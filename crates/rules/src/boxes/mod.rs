//! Rules on detection data: pictures with boxes.

use stetho_core::Entry;
use stetho_core::boxes::Boxes;

/// Every rule on boxes.
pub static RULES: &[Entry<Boxes>] = &[];
