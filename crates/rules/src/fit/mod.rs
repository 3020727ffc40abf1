//! Rules about what simple models say.

mod label_noise;
mod mini_validation;
mod more_data_helps;
mod no_signal;
mod overfitting;
mod scale_sensitive;
mod simple_model_suffices;
mod suspiciously_perfect;
mod underfitting;
mod unstable_folds;
mod weak_group;

use stetho_core::fit::Fit;
use stetho_core::{Entry, Finding};

use crate::entry;

/// The rules, in the order in which they are reported.
pub static RULES: &[Entry<Fit>] = &[
    entry!("fit", no_signal::NoSignal),
    entry!("fit", suspiciously_perfect::SuspiciouslyPerfect),
    entry!("fit", label_noise::LabelNoise),
    entry!("fit", underfitting::Underfitting),
    entry!("fit", overfitting::Overfitting),
    entry!("fit", scale_sensitive::ScaleSensitive),
    entry!("fit", unstable_folds::UnstableFolds),
    entry!("fit", weak_group::WeakGroup),
    entry!("fit", more_data_helps::MoreDataHelps),
    entry!("fit", simple_model_suffices::SimpleModelSuffices),
    entry!("fit", mini_validation::MiniValidationRule),
];

/// Causes from the gravest: whoever has no signal need not hear of anything else.
const GRAVEST: [&str; 9] = [
    "no-signal",
    "suspiciously-perfect",
    "label-noise",
    "underfitting",
    "overfitting",
    "unstable-folds",
    "weak-group",
    "scale-sensitive",
    "more-data-helps",
];

/// The finding that the verdict rests on: the gravest cause that was found; `None` for healthy data.
pub fn gravest(findings: &[Finding]) -> Option<&Finding> {
    GRAVEST.iter().find_map(|rule| findings.iter().find(|f| f.rule == *rule))
}
