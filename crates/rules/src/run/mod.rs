//! Rules about training runs.

mod loss_at_chance;
mod loss_diverging;
mod loss_not_decreasing;
mod loss_oscillating;
mod loss_plateau;
mod loss_spike;
mod loss_terms_unbalanced;
mod no_validation;
mod non_finite_loss;
mod overfitting_run;
mod underfitting_run;

use stetho_core::Entry;
use stetho_core::run::Run;

use crate::entry;

/// The rules, in the order in which they are reported.
pub static RULES: &[Entry<Run>] = &[
    entry!("run", non_finite_loss::NonFiniteLoss),
    entry!("run", loss_diverging::LossDiverging),
    entry!("run", loss_at_chance::LossAtChance),
    entry!("run", loss_not_decreasing::LossNotDecreasing),
    entry!("run", loss_terms_unbalanced::LossTermsUnbalanced),
    entry!("run", overfitting_run::OverfittingRun),
    entry!("run", underfitting_run::UnderfittingRun),
    entry!("run", loss_oscillating::LossOscillating),
    entry!("run", loss_spike::LossSpike),
    entry!("run", loss_plateau::LossPlateau),
    entry!("run", no_validation::NoValidation),
];
