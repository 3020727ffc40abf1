//! Rules about training runs.

mod amp_overflow;
mod class_collapse;
mod clipping_always;
mod data_starved;
mod dead_activations;
mod eval_mode_training;
mod excessive_augmentation;
mod exploding_gradient;
mod gradient_accumulates;
mod learning_rate_collapsed;
mod learning_rate_extreme;
mod loss_at_chance;
mod loss_diverging;
mod loss_not_decreasing;
mod loss_oscillating;
mod loss_plateau;
mod loss_spike;
mod loss_terms_unbalanced;
mod memory_growth;
mod no_validation;
mod non_finite_gradient;
mod non_finite_loss;
mod non_finite_parameter;
mod not_shuffled;
mod overfitting_run;
mod rank_divergence;
mod rank_duplicate_data;
mod rank_straggler;
mod repeated_batches;
mod resume_repeats_data;
mod saturated_activations;
mod scheduler_order;
#[cfg(test)]
mod testing;
mod train_mode_eval;
mod unchanged_parameters;
mod underfitting_run;
mod update_ratio;
mod validation_leak;
mod vanishing_gradient;

use stetho_core::Entry;
use stetho_core::run::Run;

use crate::entry;

/// The rules, in the order in which they are reported.
pub static RULES: &[Entry<Run>] = &[
    entry!("run", gradient_accumulates::GradientAccumulates),
    entry!("run", eval_mode_training::EvalModeTraining),
    entry!("run", train_mode_eval::TrainModeEval),
    entry!("run", repeated_batches::RepeatedBatches),
    entry!("run", validation_leak::ValidationLeak),
    entry!("run", rank_divergence::RankDivergence),
    entry!("run", rank_duplicate_data::RankDuplicateData),
    entry!("run", non_finite_loss::NonFiniteLoss),
    entry!("run", not_shuffled::NotShuffled),
    entry!("run", scheduler_order::SchedulerOrder),
    entry!("run", loss_diverging::LossDiverging),
    entry!("run", loss_at_chance::LossAtChance),
    entry!("run", loss_not_decreasing::LossNotDecreasing),
    entry!("run", loss_terms_unbalanced::LossTermsUnbalanced),
    entry!("run", excessive_augmentation::ExcessiveAugmentation),
    entry!("run", overfitting_run::OverfittingRun),
    entry!("run", underfitting_run::UnderfittingRun),
    entry!("run", loss_oscillating::LossOscillating),
    entry!("run", loss_spike::LossSpike),
    entry!("run", loss_plateau::LossPlateau),
    entry!("run", no_validation::NoValidation),
    entry!("run", non_finite_gradient::NonFiniteGradient),
    entry!("run", non_finite_parameter::NonFiniteParameter),
    entry!("run", vanishing_gradient::VanishingGradient),
    entry!("run", exploding_gradient::ExplodingGradient),
    entry!("run", clipping_always::ClippingAlways),
    entry!("run", dead_activations::DeadActivations),
    entry!("run", saturated_activations::SaturatedActivations),
    entry!("run", update_ratio::UpdateRatio),
    entry!("run", learning_rate_extreme::LearningRateExtreme),
    entry!("run", unchanged_parameters::UnchangedParameters),
    entry!("run", learning_rate_collapsed::LearningRateCollapsed),
    entry!("run", amp_overflow::AmpOverflow),
    entry!("run", data_starved::DataStarved),
    entry!("run", memory_growth::MemoryGrowth),
    entry!("run", class_collapse::ClassCollapse),
    entry!("run", resume_repeats_data::ResumeRepeatsData),
    entry!("run", rank_straggler::RankStraggler),
];
