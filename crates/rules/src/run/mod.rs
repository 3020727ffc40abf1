//! Rules about training runs.

mod amp_overflow;
mod class_collapse;
mod clipping_always;
mod data_starved;
mod dead_activations;
mod exploding_gradient;
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
mod overfitting_run;
mod saturated_activations;
#[cfg(test)]
mod testing;
mod unchanged_parameters;
mod underfitting_run;
mod update_ratio;
mod vanishing_gradient;

use stetho_core::run::Run;
use stetho_core::{Entry, Finding, Severity};

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
];

/// What a loss shows when something else is wrong.
const SYMPTOMS: [&str; 5] =
    ["loss-not-decreasing", "loss-at-chance", "loss-plateau", "underfitting-run", "loss-oscillating"];

/// What makes a loss do so, from the surest.
const CAUSES: [&str; 13] = [
    "non-finite-loss",
    "non-finite-gradient",
    "non-finite-parameter",
    "unchanged-parameters",
    "vanishing-gradient",
    "amp-overflow",
    "dead-activations",
    "saturated-activations",
    "learning-rate-extreme",
    "learning-rate-collapsed",
    "clipping-always",
    "update-ratio",
    "exploding-gradient",
];

/// One cause is one finding: what the loss does because of it becomes a part of the finding of the cause.
pub(crate) fn join_symptoms(findings: &mut Vec<Finding>) {
    let is_cause = |f: &Finding| CAUSES.contains(&f.rule.as_str()) && f.severity >= Severity::Warning;
    let rank = |f: &Finding| CAUSES.iter().position(|c| *c == f.rule);
    let Some(cause) = findings.iter().filter(|f| is_cause(f)).min_by_key(|f| rank(f)).map(|f| f.rule.clone())
    else {
        return;
    };
    let mut seen = Vec::new();
    findings.retain(|finding| {
        let is_symptom = SYMPTOMS.contains(&finding.rule.as_str());
        if is_symptom {
            seen.push(format!("{} ({})", finding.message, finding.rule));
        }
        !is_symptom
    });
    if let Some(cause) = findings.iter_mut().find(|f| f.rule == cause)
        && !seen.is_empty()
    {
        cause.message.push_str("; so ");
        cause.message.push_str(&seen.join(", and "));
    }
}
