//! Rules on tables: rows and columns.

mod constant_column;
mod id_like_column;
mod malformed_rows;
mod missing_labels;
mod missing_values;
mod mixed_types;
mod non_finite_values;
mod outlier_values;
mod rare_categories;
mod skewed_column;
#[cfg(test)]
mod testing;

use stetho_core::Entry;
use stetho_core::table::Table;

use crate::entry;

/// Every rule on tables.
pub static RULES: [Entry<Table>; 10] = [
    entry!("table", malformed_rows::MalformedRows),
    entry!("table", mixed_types::MixedTypes),
    entry!("table", missing_values::MissingValues),
    entry!("table", missing_labels::MissingLabels),
    entry!("table", non_finite_values::NonFiniteValues),
    entry!("table", constant_column::ConstantColumn),
    entry!("table", id_like_column::IdLikeColumn),
    entry!("table", rare_categories::RareCategories),
    entry!("table", outlier_values::OutlierValues),
    entry!("table", skewed_column::SkewedColumn),
];
