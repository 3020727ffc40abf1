//! Rules about training runs.

mod loss_diverging;
mod non_finite_loss;
#[cfg(test)]
mod testing;

use stetho_core::Entry;
use stetho_core::run::Run;

use crate::entry;

/// The rules, in the order in which they are reported.
pub static RULES: &[Entry<Run>] =
    &[entry!("run", non_finite_loss::NonFiniteLoss), entry!("run", loss_diverging::LossDiverging)];
