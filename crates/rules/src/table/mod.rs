//! Rules on tables: rows and columns.

mod constant_column;

use stetho_core::Entry;
use stetho_core::table::Table;

use crate::entry;

/// Every rule on tables.
pub static RULES: [Entry<Table>; 1] = [entry!("table", constant_column::ConstantColumn)];
