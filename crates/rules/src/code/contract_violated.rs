//! `contract-violated`

use serde::{Deserialize, Serialize};
use stetho_core::code::{Code, Contract, Violation};
use stetho_core::{Draft, Evidence, Place, Remedy, Report, Rule, Severity, Signal, count_of, thousands};

/// A sample breaks the contract of its data loader.
///
/// ## Why it matters
/// A sample with a box without width, a label outside of the set or a value that is no number reaches the loss all the same. There it turns up
/// as NaN, or not at all: then the model learns from what is wrong.
///
/// ## What to do
/// Look at the sample by its index. Mend or leave out what is wrong where the data set is made; if the sample is right, say so in the contract.
/// Of a contract that was inferred from some samples (policy `warn`) the finding is a warning, since they may not have shown all that is right.
///
/// ## Fires on
/// ```code
/// {"contracts": [{"name": "loader", "n_samples": 5000, "policy": "raise", "rules": ["boxes: xmin < xmax"],
///   "violations": [{"field": "boxes", "rule": "xmin < xmax", "value": "[3, 4, 3, 9]", "index": 41}], "n_violations": 1}]}
/// ```
/// An inferred contract:
/// ```code
/// {"contracts": [{"name": "loader", "n_samples": 900, "policy": "warn", "rules": ["[0]: finite"],
///   "violations": [{"field": "[0]", "rule": "finite", "value": "nan at [0, 3]", "index": 7},
///                  {"field": "[0]", "rule": "finite", "value": "nan at [0, 0]", "index": 9}], "n_violations": 6}]}
/// ```
/// A contract of another set, which nearly every sample breaks, is told once:
/// ```code
/// {"contracts": [{"name": "test_loader", "n_samples": 640, "policy": "raise", "rules": ["[1]: present"],
///   "violations": [{"field": "[1]", "rule": "present", "value": "not there", "index": 0}], "n_violations": 640}]}
/// ```
///
/// ## Stays quiet on
/// ```code
/// {"contracts": [{"name": "loader", "n_samples": 5000, "policy": "raise", "rules": ["boxes: xmin < xmax"], "n_violations": 0}]}
/// ```
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct ContractViolated {}

/// Samples that are shown of one rule of a contract.
const MOST: usize = 20;

impl Rule for ContractViolated {
    type Input = Code;
    const ID: &'static str = "contract-violated";
    const SEVERITY: Severity = Severity::Error;
    const SIGNALS: &'static [Signal] = &[Signal::Contracts];

    fn check(&mut self, code: &Code, report: &mut Report) {
        for contract in code.contracts.iter().flatten() {
            if contract.n_violations >= contract.n_samples && contract.n_samples >= 8 {
                contract
                    .violations
                    .first()
                    .into_iter()
                    .for_each(|first| report.raise(whole(contract, first)));
                continue;
            }
            // One cause, once: what breaks one rule of one field.
            let mut told: Vec<(&str, &str)> = Vec::new();
            for first in &contract.violations {
                let key = (field_of(first), first.rule.as_str());
                if told.contains(&key) {
                    continue;
                }
                told.push(key);
                let of_rule = |v: &&Violation| (field_of(v), v.rule.as_str()) == key;
                report
                    .raise(draft(contract, &contract.violations.iter().filter(of_rule).collect::<Vec<_>>()));
            }
        }
    }
}

/// The field without the number of an item: `[1][3].bbox` is of all `[1]`.
fn field_of(violation: &Violation) -> &str {
    let field = violation.field.as_str();
    let head = field.strip_prefix('[').and_then(|rest| rest.find(']')).map_or(0, |end| end + 2);
    field.get(head..).and_then(|rest| rest.find('[')).map_or(field, |at| &field[..head + at])
}

/// Where nearly every sample breaks it, it is the contract that does not fit.
fn whole(contract: &Contract, first: &Violation) -> Draft {
    let message = format!(
        "the samples of `{}` are not those that the contract is about: {} violations in {} samples, the first in sample {}: `{}` is {}, the contract says `{}`",
        contract.name,
        thousands(contract.n_violations),
        thousands(contract.n_samples),
        word(first),
        first.field,
        first.value,
        first.rule
    );
    let draft = Draft::new(
        place(first),
        message,
        Evidence::at_most(
            "violations of the contract a sample",
            contract.n_violations as f64 / contract.n_samples as f64,
            0.0,
        ),
        Remedy::advice("have a contract inferred from this loader, and compare the two")
            .command("stetho run --contract infer SCRIPT"),
    )
    .remedy(Remedy::advice("name the loaders that it is about in it: `loaders = [...]`"))
    .count(contract.n_violations)
    .topic(contract.name.clone());
    if contract.policy == "warn" { draft.severity(Severity::Warning) } else { draft }
}

fn draft(contract: &Contract, broken: &[&Violation]) -> Draft {
    let first = broken[0];
    let indices: Vec<String> = broken.iter().map(|v| word(v)).collect();
    let names: Vec<&str> = indices.iter().map(String::as_str).collect();
    let who = if broken.len() == 1 {
        format!("sample {} of `{}` breaks", names[0], contract.name)
    } else {
        let these: Vec<String> = names.iter().take(3).map(|n| format!("`{n}`")).collect();
        let and = if names.len() > 3 { ", …" } else { "" };
        format!(
            "{} of `{}` ({}{and}) break",
            count_of(names.len() as u64, "sample"),
            contract.name,
            these.join(", ")
        )
    };
    let done = match contract.policy.as_str() {
        "skip" => "; left out",
        "warn" => "; let through",
        _ => "",
    };
    let message = format!(
        "{who} the contract: `{}` is {}, the contract says `{}`{done}",
        first.field, first.value, first.rule
    );
    let rows = broken.iter().take(MOST).map(|v| [word(v), v.field.clone(), v.value.clone()]);
    let mut draft = Draft::new(
        place(first),
        message,
        Evidence::at_most("samples that break it", broken.len() as f64, 0.0),
        Remedy::advice(format!(
            "look at sample {} of the data set, and mend or leave it out where the set is made",
            names[0]
        )),
    )
    .places(broken.iter().skip(1).map(|v| place(v)))
    .evidence(Evidence::table("what the samples hold", ["sample", "field", "value"], rows))
    .evidence(Evidence::at_most(
        format!("violations of the contract in {} samples drawn", thousands(contract.n_samples)),
        contract.n_violations as f64,
        0.0,
    ))
    .remedy(Remedy::advice("if such samples are right, say so in the contract"))
    .count(broken.len() as u64)
    .topic(format!("{} {} {}", contract.name, field_of(first), first.rule));
    if contract.policy == "warn" {
        draft = draft.severity(Severity::Warning);
    }
    draft
}

fn word(violation: &Violation) -> String {
    violation.index.as_str().map_or_else(|| violation.index.to_string(), str::to_owned)
}

fn place(violation: &Violation) -> Place {
    match violation.index.as_u64() {
        Some(index) => Place::Sample { index, rank: None, epoch: None },
        None => Place::Item { path: word(violation), index: None, line: None },
    }
}
