//! Rules about the model before training, judged from short experiments on the user's own step.

mod batch_mixing;
mod beaten_by_simple_model;
mod bias_before_norm;
mod cannot_overfit_batch;
mod causal_leak;
mod dead_at_init;
mod double_softmax;
mod frozen_parameters;
mod gradient_check;
mod hidden_size_assumption;
mod ignores_input;
mod init_scale;
mod input_scale;
mod learning_rate_range;
mod loss_at_init;
mod loss_broadcast;
mod no_gradient;
mod non_finite_input;
mod normalisation_mismatch;
mod not_in_optimizer;
mod output_bias_prior;
mod small_batch_norm;
mod softmax_axis;
mod symmetric_init;
mod target_range;
#[cfg(test)]
pub(crate) mod testing;

use stetho_core::Entry;
use stetho_core::preflight::Preflight;

use crate::entry;

/// The rules, in the order in which they are reported.
pub static RULES: &[Entry<Preflight>] = &[
    entry!("preflight", non_finite_input::NonFiniteInput),
    entry!("preflight", target_range::TargetRange),
    entry!("preflight", loss_broadcast::LossBroadcast),
    entry!("preflight", double_softmax::DoubleSoftmax),
    entry!("preflight", softmax_axis::SoftmaxAxis),
    entry!("preflight", causal_leak::CausalLeak),
    entry!("preflight", batch_mixing::BatchMixing),
    entry!("preflight", no_gradient::NoGradient),
    entry!("preflight", not_in_optimizer::NotInOptimizer),
    entry!("preflight", gradient_check::GradientCheckRule),
    entry!("preflight", symmetric_init::SymmetricInit),
    entry!("preflight", ignores_input::IgnoresInput),
    entry!("preflight", cannot_overfit_batch::CannotOverfitBatch),
    entry!("preflight", normalisation_mismatch::NormalisationMismatch),
    entry!("preflight", input_scale::InputScale),
    entry!("preflight", init_scale::InitScale),
    entry!("preflight", dead_at_init::DeadAtInit),
    entry!("preflight", loss_at_init::LossAtInit),
    entry!("preflight", small_batch_norm::SmallBatchNorm),
    entry!("preflight", hidden_size_assumption::HiddenSizeAssumption),
    entry!("preflight", beaten_by_simple_model::BeatenBySimpleModel),
    entry!("preflight", learning_rate_range::LearningRateRange),
    entry!("preflight", output_bias_prior::OutputBiasPrior),
    entry!("preflight", frozen_parameters::FrozenParameters),
    entry!("preflight", bias_before_norm::BiasBeforeNorm),
];
