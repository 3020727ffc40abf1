//! Rules about the training script itself.

mod branch_always_taken;
mod branch_never_taken;
mod checkpoint_not_loaded;
mod contract_violated;
mod stale_optimizer;
mod swallowed_error;
mod unseeded_run;

use stetho_core::Entry;
use stetho_core::code::Code;

use crate::entry;

/// The rules, in the order in which they are reported.
pub static RULES: &[Entry<Code>] = &[
    entry!("code", contract_violated::ContractViolated),
    entry!("code", stale_optimizer::StaleOptimizer),
    entry!("code", checkpoint_not_loaded::CheckpointNotLoaded),
    entry!("code", swallowed_error::SwallowedError),
    entry!("code", branch_never_taken::BranchNeverTaken),
    entry!("code", branch_always_taken::BranchAlwaysTaken),
    entry!("code", unseeded_run::UnseededRun),
];
