//! One cause is one finding: what experiments before training show because of something else that was found.

use stetho_core::{Finding, Severity};

/// Causes from the surest, each with what it makes other experiments show.
const CAUSES: [(&str, &[&str]); 16] = [
    // Where the step itself fails, nothing else was measured as it should be.
    (
        "target-range",
        &["cannot-overfit-batch", "loss-at-init", "ignores-input", "no-gradient", "hidden-size-assumption"],
    ),
    (
        "loss-broadcast",
        &["cannot-overfit-batch", "loss-at-init", "ignores-input", "batch-mixing", "hidden-size-assumption"],
    ),
    ("double-softmax", &["cannot-overfit-batch", "loss-at-init", "learning-rate-range"]),
    (
        "softmax-axis",
        &[
            "batch-mixing",
            "cannot-overfit-batch",
            "loss-at-init",
            "hidden-size-assumption",
            "ignores-input",
            "double-softmax",
        ],
    ),
    ("batch-mixing", &["hidden-size-assumption", "causal-leak", "cannot-overfit-batch"]),
    (
        "symmetric-init",
        &[
            "cannot-overfit-batch",
            "no-gradient",
            "init-scale",
            "dead-at-init",
            "loss-at-init",
            "ignores-input",
            "learning-rate-range",
        ],
    ),
    (
        "dead-at-init",
        &["no-gradient", "cannot-overfit-batch", "ignores-input", "init-scale", "learning-rate-range"],
    ),
    ("no-gradient", &["cannot-overfit-batch", "learning-rate-range", "beaten-by-simple-model"]),
    ("not-in-optimizer", &["cannot-overfit-batch", "learning-rate-range", "beaten-by-simple-model"]),
    ("gradient-check", &["cannot-overfit-batch", "learning-rate-range", "beaten-by-simple-model"]),
    ("ignores-input", &["cannot-overfit-batch", "learning-rate-range", "beaten-by-simple-model"]),
    (
        "init-scale",
        &["loss-at-init", "cannot-overfit-batch", "learning-rate-range", "beaten-by-simple-model"],
    ),
    (
        "input-scale",
        &["loss-at-init", "init-scale", "dead-at-init", "learning-rate-range", "beaten-by-simple-model"],
    ),
    ("cannot-overfit-batch", &["learning-rate-range", "beaten-by-simple-model", "loss-at-init"]),
    ("loss-at-init", &["learning-rate-range", "beaten-by-simple-model"]),
    ("hidden-size-assumption", &[]),
];

/// What is seen because of something else becomes a part of the finding of its cause; each symptom of its surest one.
pub(crate) fn join_causes(findings: &mut Vec<Finding>) {
    for (cause, symptoms) in CAUSES {
        let is_cause = |f: &Finding| f.rule == cause && f.severity >= Severity::Warning;
        let Some(at) = findings.iter().position(is_cause) else { continue };
        let worst = findings[at].severity;
        let mut told = Vec::new();
        let mut evidence = Vec::new();
        findings.retain(|finding| {
            // A warning does not take an error away.
            let is_symptom =
                symptoms.contains(&finding.rule.as_str()) && finding.severity <= worst.max(Severity::Warning);
            if is_symptom {
                told.push(format!("{} ({})", finding.message, finding.rule));
                evidence.extend(finding.evidence.clone());
            }
            !is_symptom
        });
        if let Some(finding) = findings.iter_mut().find(|f| is_cause(f)).filter(|_| !told.is_empty()) {
            finding.message.push_str("; so ");
            finding.message.push_str(&told.join(", and "));
            finding.evidence.extend(evidence);
        }
    }
}
