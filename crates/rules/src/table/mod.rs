//! Rules on tables: rows and columns.

mod class_imbalance;
mod conflicting_labels;
mod constant_column;
mod correlated_columns;
mod duplicate_rows;
mod feature_scales;
mod group_bias;
mod id_like_column;
mod ill_conditioned_features;
mod label_drift;
mod malformed_rows;
mod missing_labels;
mod missing_values;
mod mixed_types;
mod non_finite_values;
mod ordered_rows;
mod outlier_values;
mod rare_categories;
mod skewed_column;
mod split_drift;
mod split_overlap;
mod target_leakage;
mod unseen_labels;

use stetho_core::Entry;
use stetho_core::table::Table;

use crate::entry;

/// Every rule on tables.
pub static RULES: &[Entry<Table>] = &[
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
    entry!("table", duplicate_rows::DuplicateRows),
    entry!("table", conflicting_labels::ConflictingLabels),
    entry!("table", class_imbalance::ClassImbalance),
    entry!("table", feature_scales::FeatureScales),
    entry!("table", correlated_columns::CorrelatedColumns),
    entry!("table", ill_conditioned_features::IllConditionedFeatures),
    entry!("table", target_leakage::TargetLeakage),
    entry!("table", ordered_rows::OrderedRows),
    entry!("table", split_overlap::SplitOverlap),
    entry!("table", split_drift::SplitDrift),
    entry!("table", label_drift::LabelDrift),
    entry!("table", unseen_labels::UnseenLabels),
    entry!("table", group_bias::GroupBias),
];
