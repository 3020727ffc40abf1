//! `frozen-parameters`

use serde::{Deserialize, Serialize};
use stetho_core::preflight::{Experiment, Parameter, Preflight};
use stetho_core::{Draft, Evidence, Place, Remedy, Report, Rule, Severity, Signal, percent, thousands};

use crate::show::list;

/// A part of the model does not ask for gradients.
///
/// ## Why it matters
/// Freezing is a common remedy, and easily left over: the share that is trained tells at a glance whether it is what was meant.
///
/// ## What to do
/// Nothing if it is meant. Else let the part be trained, and give it to the optimizer.
///
/// ## Fires on
/// ```preflight
/// {"parameters": [{"name": "body.0.weight", "shape": [64, 20], "trainable": false}, {"name": "body.1.weight", "shape": [64, 64],
///   "trainable": false}, {"name": "head.weight", "shape": [10, 64], "trainable": true}]}
/// ```
///
/// ## Stays quiet on
/// ```preflight
/// {"parameters": [{"name": "body.0.weight", "shape": [64, 20], "trainable": true}]}
/// ```
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct FrozenParameters {}

impl Rule for FrozenParameters {
    type Input = Preflight;
    const ID: &'static str = "frozen-parameters";
    const SEVERITY: Severity = Severity::Info;
    const SIGNALS: &'static [Signal] = &[Signal::Preflight(Experiment::Parameters)];

    fn check(&mut self, preflight: &Preflight, report: &mut Report) {
        let all: Vec<&Parameter> = preflight.parameters.iter().flatten().collect();
        let frozen: Vec<&Parameter> = all.iter().copied().filter(|p| !p.trainable).collect();
        if frozen.is_empty() {
            return;
        }
        let size = |of: &[&Parameter]| of.iter().map(|p| p.size()).sum::<u64>();
        let share = size(&frozen) as f64 / size(&all).max(1) as f64;
        let parts = parts(&frozen);
        let names: Vec<&str> = parts.iter().map(|(name, _)| *name).collect();
        let mut places = names.iter().map(|name| Place::layer(*name));
        report.raise(
            Draft::new(
                places.next().unwrap_or(Place::Whole),
                format!(
                    "{} of the model ({} of {} numbers) is frozen: {}",
                    percent(share),
                    thousands(size(&frozen)),
                    thousands(size(&all)),
                    list(&names)
                ),
                Evidence::at_most("share of the numbers that are frozen", share, 0.0),
                Remedy::advice("if it is not meant, let them be trained before the optimizer is made")
                    .code(format!("model.{}.requires_grad_(True)", names.first().unwrap_or(&"body"))),
            )
            .places(places)
            .count(frozen.len() as u64)
            .evidence(Evidence::table(
                "frozen parts",
                ["part", "numbers"],
                parts.iter().map(|(name, n)| [(*name).to_owned(), thousands(*n)]),
            )),
        );
    }
}

/// Frozen numbers by the first part of the model that they belong to, in the order of the model.
fn parts<'a>(frozen: &[&'a Parameter]) -> Vec<(&'a str, u64)> {
    let mut parts: Vec<(&str, u64)> = Vec::new();
    for parameter in frozen {
        let head = parameter.name.split('.').next().unwrap_or_default();
        match parts.iter_mut().find(|(name, _)| *name == head) {
            Some((_, n)) => *n += parameter.size(),
            None => parts.push((head, parameter.size())),
        }
    }
    parts
}
