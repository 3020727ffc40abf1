//! One cause is one finding: what a loss does because of something else that was found.

use stetho_core::{Finding, Place, Severity};

use crate::causes::seen_beside;

/// What a loss shows when something else is wrong.
const SYMPTOMS: [&str; 5] =
    ["loss-not-decreasing", "loss-at-chance", "loss-plateau", "underfitting-run", "loss-oscillating"];

/// What a cause does to the numbers of a run beside the common symptoms: faults of the training loop itself, above all.
const OWN_SYMPTOMS: [(&str, &[&str]); 10] = [
    (
        "gradient-accumulates",
        &[
            "loss-diverging",
            "loss-spike",
            "exploding-gradient",
            "update-ratio",
            "learning-rate-extreme",
            "clipping-always",
            "overfitting-run",
        ],
    ),
    ("eval-mode-training", &["overfitting-run"]),
    ("train-mode-eval", &["overfitting-run", "loss-oscillating"]),
    ("repeated-batches", &["overfitting-run", "loss-spike"]),
    (
        "not-shuffled",
        &["loss-spike", "overfitting-run", "class-collapse", "exploding-gradient", "loss-diverging"],
    ),
    ("dead-activations", &["class-collapse"]),
    ("learning-rate-extreme", &["class-collapse"]),
    ("unchanged-parameters", &["class-collapse"]),
    ("vanishing-gradient", &["class-collapse"]),
    ("scheduler-order", &["learning-rate-collapsed", "update-ratio", "learning-rate-extreme"]),
];

/// What makes a loss do so, from the surest.
const CAUSES: [&str; 20] = [
    "gradient-accumulates",
    "eval-mode-training",
    "repeated-batches",
    "not-shuffled",
    "scheduler-order",
    "train-mode-eval",
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
    "excessive-augmentation",
];

/// One cause is one finding: what the loss does because of it becomes a part of the finding of the cause.
pub(crate) fn join_symptoms(findings: &mut Vec<Finding>) {
    let is_cause = |f: &Finding| CAUSES.contains(&f.rule.as_str()) && f.severity >= Severity::Warning;
    let rank = |f: &Finding| CAUSES.iter().position(|c| *c == f.rule);
    let Some(cause) = findings.iter().filter(|f| is_cause(f)).min_by_key(|f| rank(f)).map(|f| f.rule.clone())
    else {
        return;
    };
    let is_broken = cause.starts_with("non-finite");
    let was_lost_long_before = is_broken && diverged_long_before(findings, &cause);
    let (mut seen, mut beside) = (Vec::new(), Vec::new());
    findings.retain(|finding| {
        let rises = is_broken
            && !was_lost_long_before
            && ["loss-diverging", "loss-spike"].contains(&finding.rule.as_str());
        let leaps = cause == "exploding-gradient" && finding.rule == "loss-spike";
        let is_its_own = OWN_SYMPTOMS
            .iter()
            .any(|(rule, symptoms)| *rule == cause && symptoms.contains(&finding.rule.as_str()));
        let is_symptom = rises || leaps || is_its_own || SYMPTOMS.contains(&finding.rule.as_str());
        if is_symptom && finding.severity >= Severity::Warning {
            seen.push(format!("{} ({})", finding.message, finding.rule));
        } else if is_symptom {
            beside.push(finding.clone());
        }
        !is_symptom
    });
    if let Some(cause) = findings.iter_mut().find(|f| f.rule == cause) {
        if !seen.is_empty() {
            let word = if is_broken { "; before it, " } else { "; so " };
            cause.message.push_str(word);
            cause.message.push_str(&seen.join(", and "));
        }
        if !beside.is_empty() {
            cause.evidence.push(seen_beside(&beside));
        }
    }
    if was_lost_long_before {
        findings.iter_mut().filter(|f| f.rule == cause).for_each(|f| f.certainty = f.certainty.min(0.9));
        findings.sort_by(|a, b| b.severity.cmp(&a.severity).then(b.certainty.total_cmp(&a.certainty)));
    }
}

/// Whether the loss had learned for a good while, and then risen for a good while, before it stopped being a number: then the rise
/// is the story, and its end comes second.
fn diverged_long_before(findings: &[Finding], cause: &str) -> bool {
    let first_step = |rule: &str| {
        let finding = findings.iter().find(|f| f.rule == rule)?;
        finding
            .places
            .iter()
            .find_map(|p| if let Place::Steps { first, .. } = p { Some(*first as f64) } else { None })
    };
    let (Some(best), Some(broken)) = (first_step("loss-diverging"), first_step(cause)) else { return false };
    best > 0.25 * broken && broken - best > 0.25 * broken
}
