//! One cause is one finding: what experiments before training show because of something else that was found.

use stetho_core::{Finding, Severity};

/// Causes from the surest, each with what it makes other experiments show.
const CAUSES: [(&str, &[&str]); 15] = [
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
    ("batch-mixing", &["hidden-size-assumption", "causal-leak", "cannot-overfit-batch", "ignores-input"]),
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
        "input-scale",
        &[
            "loss-at-init",
            "init-scale",
            "dead-at-init",
            "cannot-overfit-batch",
            "learning-rate-range",
            "beaten-by-simple-model",
        ],
    ),
    (
        "dead-at-init",
        &["no-gradient", "cannot-overfit-batch", "ignores-input", "init-scale", "learning-rate-range"],
    ),
    (
        "init-scale",
        &[
            "loss-at-init",
            "cannot-overfit-batch",
            "ignores-input",
            "no-gradient",
            "learning-rate-range",
            "beaten-by-simple-model",
        ],
    ),
    // What does not depend on the input gives its layers no gradient.
    (
        "ignores-input",
        &["no-gradient", "cannot-overfit-batch", "learning-rate-range", "beaten-by-simple-model"],
    ),
    ("no-gradient", &["cannot-overfit-batch", "learning-rate-range", "beaten-by-simple-model"]),
    ("not-in-optimizer", &["cannot-overfit-batch", "learning-rate-range", "beaten-by-simple-model"]),
    ("gradient-check", &["cannot-overfit-batch", "learning-rate-range", "beaten-by-simple-model"]),
    ("cannot-overfit-batch", &["learning-rate-range", "beaten-by-simple-model", "loss-at-init"]),
    ("loss-at-init", &["learning-rate-range", "beaten-by-simple-model"]),
];

/// What is seen because of something else becomes a part of the finding of its cause, which is as bad as the worst of them; each symptom
/// of its surest cause.
pub(crate) fn join_causes(findings: &mut Vec<Finding>) {
    for (cause, symptoms) in CAUSES {
        let is_cause = |f: &Finding| f.rule == cause && f.severity >= Severity::Warning;
        let Some(mut whole) = findings.iter().find(|f| is_cause(f)).cloned() else { continue };
        let mut told = Vec::new();
        findings.retain(|finding| {
            let is_symptom = symptoms.contains(&finding.rule.as_str());
            if is_symptom {
                if finding.severity >= Severity::Warning {
                    told.push(format!("{} ({})", finding.message, finding.rule));
                }
                whole.severity = whole.severity.max(finding.severity);
                whole.evidence.extend(finding.evidence.clone());
            }
            !is_symptom
        });
        if !told.is_empty() {
            whole.message.push_str("; so ");
            whole.message.push_str(&told.join(", and "));
        }
        if let Some(finding) = findings.iter_mut().find(|f| is_cause(f)) {
            *finding = whole;
        }
    }
    // A warning may have become an error; equals keep their order.
    findings.sort_by(|a, b| b.severity.cmp(&a.severity).then(b.certainty.total_cmp(&a.certainty)));
}

/// What a run shows because of what was found before training or in the script, each with the rules that explain it.
const OF_RUNS: [(&str, &[&str]); 10] = [
    ("loss-not-decreasing", &EXPLAINING),
    ("loss-at-chance", &EXPLAINING),
    ("loss-plateau", &EXPLAINING),
    ("underfitting-run", &EXPLAINING),
    ("class-collapse", &EXPLAINING),
    ("unchanged-parameters", &["stale-optimizer", "no-gradient", "not-in-optimizer", "dead-at-init"]),
    (
        "vanishing-gradient",
        &["no-gradient", "dead-at-init", "init-scale", "symmetric-init", "double-softmax"],
    ),
    ("dead-activations", &["dead-at-init"]),
    ("exploding-gradient", &["init-scale", "input-scale"]),
    ("overfitting-run", &["normalisation-mismatch"]),
];

/// Errors after which a loss does not fall as it should.
const EXPLAINING: [&str; 12] = [
    "stale-optimizer",
    "target-range",
    "loss-broadcast",
    "double-softmax",
    "softmax-axis",
    "symmetric-init",
    "no-gradient",
    "not-in-optimizer",
    "gradient-check",
    "ignores-input",
    "cannot-overfit-batch",
    "dead-at-init",
];

/// What experiments show because an optimizer holds no model.
const OF_STALE: [&str; 3] = ["not-in-optimizer", "cannot-overfit-batch", "learning-rate-range"];

/// One cause is one finding across what is found before training, in the script and in the run: a symptom becomes a part of the finding
/// of its cause. Findings that remain keep their order.
pub fn join_families(findings: &mut Vec<Finding>) {
    let causes: Vec<String> =
        findings.iter().filter(|f| f.severity >= Severity::Warning).map(|f| f.rule.clone()).collect();
    let cause_of = |rule: &str| {
        let explained = OF_RUNS.iter().find(|(symptom, _)| *symptom == rule).map_or(&[][..], |(_, by)| by);
        let stale = if OF_STALE.contains(&rule) { &["stale-optimizer"][..] } else { &[] };
        let is_there = |cause: &&&str| **cause != rule && causes.iter().any(|c| c == **cause);
        explained.iter().chain(stale).find(is_there).map(|cause| (*cause).to_owned())
    };
    let mut told: Vec<(String, String)> = Vec::new();
    findings.retain(|finding| {
        let Some(cause) = cause_of(&finding.rule) else { return true };
        if finding.severity >= Severity::Warning {
            told.push((cause, format!("{} ({})", finding.message, finding.rule)));
        }
        false
    });
    for (cause, words) in told {
        if let Some(finding) = findings.iter_mut().find(|f| f.rule == cause) {
            let word = if finding.message.contains("; so ") { ", and " } else { "; so " };
            finding.message.push_str(word);
            finding.message.push_str(&words);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::preflight::testing::judge;

    fn found(rule: &str, severity: Severity) -> Finding {
        let record = r#"{"parameters": [{"name": "a.weight", "shape": [2], "trainable": false}]}"#;
        let mut finding = judge("frozen-parameters", record).remove(0);
        finding.rule = rule.to_owned();
        finding.severity = severity;
        finding.message = format!("{rule} is seen");
        finding
    }

    #[test]
    fn a_symptom_becomes_a_part_of_its_surest_cause() {
        let mut findings = vec![
            found("double-softmax", Severity::Error),
            found("cannot-overfit-batch", Severity::Error),
            found("loss-at-init", Severity::Warning),
            found("input-scale", Severity::Warning),
        ];
        join_causes(&mut findings);
        let rules: Vec<&str> = findings.iter().map(|f| f.rule.as_str()).collect();
        assert_eq!(rules, ["double-softmax", "input-scale"]);
        assert!(findings[0].message.contains("(cannot-overfit-batch)"), "{}", findings[0].message);
        assert!(findings[0].evidence.len() > 2, "the proof of the symptom is kept");
    }

    #[test]
    fn a_cause_is_as_bad_as_what_it_does_and_an_info_is_no_cause() {
        let mut findings =
            vec![found("cannot-overfit-batch", Severity::Error), found("init-scale", Severity::Warning)];
        join_causes(&mut findings);
        assert_eq!((findings.len(), findings[0].severity), (1, Severity::Error));
        let mut findings =
            vec![found("double-softmax", Severity::Info), found("loss-at-init", Severity::Warning)];
        join_causes(&mut findings);
        assert_eq!(findings.len(), 2);
    }

    #[test]
    fn what_a_run_shows_is_told_with_what_was_found_before_it() {
        let mut findings = vec![
            found("no-gradient", Severity::Error),
            found("unchanged-parameters", Severity::Error),
            found("loss-at-chance", Severity::Warning),
            found("data-starved", Severity::Warning),
        ];
        join_families(&mut findings);
        let rules: Vec<&str> = findings.iter().map(|f| f.rule.as_str()).collect();
        assert_eq!(rules, ["no-gradient", "data-starved"]);
        assert!(findings[0].message.ends_with(
            "; so unchanged-parameters is seen (unchanged-parameters), and loss-at-chance is seen (loss-at-chance)"
        ));
    }
}
