//! Rules on sets of pictures.

use stetho_core::Entry;
use stetho_core::image::Pictures;

/// Every rule on sets of pictures.
pub static RULES: &[Entry<Pictures>] = &[];
