//! Rules on detection sets: pictures with boxes around objects.

use stetho_core::Entry;
use stetho_core::boxes::Boxes;

/// Every rule on detection sets.
pub static RULES: &[Entry<Boxes>] = &[];
