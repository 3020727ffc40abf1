//! One cause is one finding: what experiments before training show because of something else that was found.

use std::fmt::Write as _;

use stetho_core::{Evidence, Finding, Place, Severity};

/// Causes from the surest, each with what it makes other experiments show.
const CAUSES: [(&str, &[&str]); 16] = [
    (
        "non-finite-input",
        &[
            "cannot-overfit-batch",
            "loss-at-init",
            "ignores-input",
            "no-gradient",
            "learning-rate-range",
            "hidden-size-assumption",
            "batch-mixing",
        ],
    ),
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
        if !findings.iter().any(is_cause) {
            continue;
        }
        let (seen, mut rest): (Vec<_>, Vec<_>) =
            std::mem::take(findings).into_iter().partition(|f| symptoms.contains(&f.rule.as_str()));
        if let Some(finding) = rest.iter_mut().find(|f| is_cause(f)) {
            seen.into_iter().for_each(|symptom| tell(finding, symptom));
        }
        *findings = rest;
    }
    sort(findings);
}

/// Makes a symptom a part of the finding of its cause, which is as bad as the worst of them.
fn tell(cause: &mut Finding, symptom: Finding) {
    if symptom.severity >= Severity::Warning {
        let word = if cause.message.contains("; so ") { ", and " } else { "; so " };
        let _ = write!(cause.message, "{word}{} ({})", symptom.message, symptom.rule);
    }
    cause.severity = cause.severity.max(symptom.severity);
    if symptom.severity < Severity::Warning {
        cause.evidence.push(seen_beside([&symptom]));
    }
    cause.evidence.extend(symptom.evidence);
}

/// What is worth knowing and no alarm, as a list beside the finding of its cause.
pub(crate) fn seen_beside<'a>(symptoms: impl IntoIterator<Item = &'a Finding>) -> Evidence {
    let rows = symptoms.into_iter().map(|s| [s.rule.clone(), s.message.clone()]);
    Evidence::table("seen because of it", ["rule", "what"], rows)
}

/// A warning may have become an error; equals keep their order.
fn sort(findings: &mut [Finding]) {
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
const EXPLAINING: [&str; 13] = [
    "non-finite-input",
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
/// of its cause, which is as bad as the worst of them.
pub fn join_families(findings: &mut Vec<Finding>) {
    let causes: Vec<String> =
        findings.iter().filter(|f| f.severity >= Severity::Warning).map(|f| f.rule.clone()).collect();
    let cause_of = |rule: &str| {
        let explained = OF_RUNS.iter().find(|(symptom, _)| *symptom == rule).map_or(&[][..], |(_, by)| by);
        let stale = if OF_STALE.contains(&rule) { &["stale-optimizer"][..] } else { &[] };
        let is_there = |cause: &&&str| **cause != rule && causes.iter().any(|c| c == **cause);
        explained.iter().chain(stale).find(is_there).map(|cause| (*cause).to_owned())
    };
    let (symptoms, rest): (Vec<_>, Vec<_>) = std::mem::take(findings)
        .into_iter()
        .map(|finding| (cause_of(&finding.rule), finding))
        .partition(|(cause, _)| cause.is_some());
    *findings = rest.into_iter().map(|(_, finding)| finding).collect();
    let mut is_worse = false;
    for (cause, symptom) in symptoms {
        match findings.iter_mut().find(|f| Some(&f.rule) == cause.as_ref()) {
            Some(finding) => {
                is_worse |= symptom.severity > finding.severity;
                tell(finding, symptom);
            }
            // Its cause became a part of another finding.
            None => findings.push(symptom),
        }
    }
    is_worse |= join_thrown_off(findings);
    if is_worse {
        sort(findings);
    }
}

/// Steps between the last low of a loss and the jump from which it does not come back.
const BETWEEN: u64 = 3;

/// A loss that leaves with the jump of a sample, and swings from there on, was thrown off by that sample. Whether something was joined.
fn join_thrown_off(findings: &mut Vec<Finding>) -> bool {
    let steps = |f: &Finding| {
        f.places.iter().find_map(|p| if let Place::Steps { first, .. } = p { Some(*first) } else { None })
    };
    let is_of_sample = |f: &Finding| f.places.iter().any(|p| matches!(p, Place::Sample { .. }));
    let leaves = findings.iter().find(|f| f.rule == "loss-diverging").and_then(steps);
    let threw = |f: &Finding| {
        let jump = steps(f).filter(|_| f.rule == "loss-spike" && is_of_sample(f));
        jump.zip(leaves).is_some_and(|(jump, low)| (low..=low + BETWEEN).contains(&jump))
    };
    let Some(at) = findings.iter().position(threw) else { return false };
    let mut cause = findings.remove(at);
    let is_symptom =
        |f: &Finding| f.rule == "loss-diverging" || f.rule == "loss-oscillating" && steps(f) >= steps(&cause);
    let (symptoms, rest): (Vec<_>, Vec<_>) = std::mem::take(findings).into_iter().partition(is_symptom);
    symptoms.into_iter().for_each(|symptom| tell(&mut cause, symptom));
    *findings = rest;
    findings.insert(0, cause);
    true
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
    fn what_is_only_worth_knowing_is_listed_with_its_cause() {
        let mut findings =
            vec![found("init-scale", Severity::Warning), found("learning-rate-range", Severity::Info)];
        join_causes(&mut findings);
        assert_eq!((findings.len(), findings[0].severity), (1, Severity::Warning));
        assert!(!findings[0].message.contains("learning-rate-range"));
        let text = format!("{:?}", findings[0].evidence);
        assert!(text.contains("learning-rate-range is seen"), "{text}");
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
    fn a_run_makes_a_warning_before_it_an_error_and_its_proof_is_kept() {
        let mut findings =
            vec![found("data-starved", Severity::Warning), found("dead-at-init", Severity::Warning)];
        let proof = findings[1].evidence.len();
        findings.push(found("unchanged-parameters", Severity::Error));
        join_families(&mut findings);
        assert_eq!((findings.len(), findings[0].rule.as_str()), (2, "dead-at-init"));
        assert_eq!(findings[0].severity, Severity::Error);
        assert!(findings[0].evidence.len() > proof);
    }

    #[test]
    fn a_loss_that_a_sample_threw_off_is_told_with_the_sample() {
        let at = |rule: &str, severity, first, last| {
            let mut finding = found(rule, severity);
            finding.places = vec![Place::steps(first, last)];
            finding
        };
        let of_sample = |step| {
            let mut spike = at("loss-spike", Severity::Warning, step, step);
            spike.places.insert(0, Place::Sample { index: 777, rank: None, epoch: None });
            spike
        };
        let left = || at("loss-diverging", Severity::Error, 24, 179);
        let swings = || at("loss-oscillating", Severity::Warning, 90, 179);
        let mut findings = vec![left(), of_sample(25), swings(), found("no-validation", Severity::Info)];
        join_families(&mut findings);
        let rules: Vec<&str> = findings.iter().map(|f| f.rule.as_str()).collect();
        assert_eq!(rules, ["loss-spike", "no-validation"]);
        assert_eq!(findings[0].severity, Severity::Error);
        assert!(findings[0].message.contains("; so loss-diverging is seen (loss-diverging), and loss-osc"));
        // Another time, or no sample: two causes.
        for other in [of_sample(12), at("loss-spike", Severity::Warning, 25, 25)] {
            let mut findings = vec![left(), other, swings()];
            join_families(&mut findings);
            assert_eq!(findings.len(), 3);
        }
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
