//! `stale-optimizer`

use serde::{Deserialize, Serialize};
use stetho_core::code::{self, Code};
use stetho_core::run::SourceLine;
use stetho_core::{Draft, Evidence, Place, Remedy, Report, Rule, Severity, Signal, count_of};

use crate::show::listing;

/// An optimizer steps parameters of no model that is trained.
///
/// ## Why it matters
/// The optimizer was given its parameters before the model, or a part of it, was made anew. It moves the old ones, which nothing reads; the
/// new ones get gradients and never change, however long the training goes on.
///
/// ## What to do
/// Make the optimizer after the model is complete: after it was replaced, after its head was exchanged, after it was copied.
///
/// ## Fires on
/// ```code
/// {"stale_optimizers": [{"place": {"path": "train.py", "line": 20, "text": "optimizer = Adam(model.parameters())"},
///   "optimizer": "Adam", "n_parameters": 4, "n_in_model": 0, "orphans": ["fc1.weight", "fc1.bias"], "n_orphans": 4,
///   "model_place": {"path": "train.py", "line": 23, "text": "model = Net()"}}]}
/// ```
///
/// ## Stays quiet on
/// ```code
/// {"stale_optimizers": []}
/// ```
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct StaleOptimizer {}

impl Rule for StaleOptimizer {
    type Input = Code;
    const ID: &'static str = "stale-optimizer";
    const SEVERITY: Severity = Severity::Error;
    const SIGNALS: &'static [Signal] = &[Signal::OptimizerParameters];

    fn check(&mut self, code: &Code, report: &mut Report) {
        for stale in code.stale_optimizers.iter().flatten().filter(|s| s.n_in_model < s.n_parameters) {
            report.raise(draft(stale));
        }
    }
}

fn draft(stale: &code::StaleOptimizer) -> Draft {
    let lost = stale.n_parameters - stale.n_in_model;
    let how_many = if stale.n_in_model == 0 {
        format!("all {}", stale.n_parameters)
    } else {
        format!("{lost} of {}", stale.n_parameters)
    };
    let of = if stale.n_parameters == 1 { "parameter" } else { "parameters" };
    let made = stale.model_place.as_ref().map_or(String::new(), |p| format!(", made at {} after it", p.at()));
    let names: Vec<&str> = stale.orphans.iter().map(String::as_str).collect();
    let message = format!(
        "{how_many} {of} of the optimizer `{}` of {} belong to no model that is trained: {} of the model{made} get gradients and never change",
        stale.optimizer,
        stale.place.at(),
        if names.is_empty() { count_of(stale.n_orphans, "parameter") } else { listing(&names, 3) },
    );
    Draft::new(
        stale.place.to_place(),
        message,
        Evidence::at_most("parameters of the optimizer that no trained model has", lost as f64, 0.0),
        Remedy::safe("make the optimizer after the model is complete")
            .code(format!("model = ...\noptimizer = {}(model.parameters(), ...)", stale.optimizer)),
    )
    .places(stale.model_place.iter().map(SourceLine::to_place))
    .places(stale.orphans.iter().map(|name| Place::Parameter { name: name.clone() }))
    .count(lost)
    .topic(stale.place.at())
}
