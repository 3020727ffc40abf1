//! `unseeded-run`

use serde::{Deserialize, Serialize};
use stetho_core::code::Code;
use stetho_core::{Draft, Evidence, Place, Remedy, Report, Rule, Severity, Signal};

use crate::show::list;

/// Random numbers were drawn from a source that was not given a seed.
///
/// ## Why it matters
/// The run cannot be made again: a change of the score may be the change of the code or another draw of the weights and the order of the
/// data. A failure that depends on the draw comes and goes.
///
/// ## What to do
/// Seed each source once, before the model and the data are made, and take several seeds where scores are compared.
///
/// ## Fires on
/// ```code
/// {"randomness": [{"source": "torch", "used": true, "seeded": false}, {"source": "numpy", "used": false}]}
/// ```
///
/// ## Stays quiet on
/// ```code
/// {"randomness": [{"source": "torch", "used": true, "seeded": true}, {"source": "numpy", "used": false, "seeded": false}]}
/// ```
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct UnseededRun {}

impl Rule for UnseededRun {
    type Input = Code;
    const ID: &'static str = "unseeded-run";
    const SEVERITY: Severity = Severity::Info;
    const SIGNALS: &'static [Signal] = &[Signal::Seeds];

    fn check(&mut self, code: &Code, report: &mut Report) {
        let drawn = code.randomness.iter().flatten().filter(|source| source.used && !source.seeded);
        let drawn: Vec<_> = drawn.collect();
        let names: Vec<&str> = drawn.iter().map(|source| source.source.as_str()).collect();
        if names.is_empty() {
            return;
        }
        let mut places = drawn.iter().filter_map(|source| source.place.as_ref().map(|p| p.to_place()));
        let seeds: Vec<&str> = names.iter().filter_map(|name| seed(name)).collect();
        let is_one = if names.len() == 1 { "it was not" } else { "they were not" };
        report.raise(
            Draft::new(
                places.next().unwrap_or(Place::Whole),
                format!(
                    "random numbers were drawn from {}, and {is_one} seeded: this run cannot be made again",
                    list(&names)
                ),
                Evidence::at_most("sources drawn from without a seed", names.len() as f64, 0.0),
                Remedy::safe("seed each source before anything random is made").code(seeds.join("\n")),
            )
            .places(places)
            .count(names.len() as u64),
        );
    }
}

/// The line that seeds a source.
fn seed(source: &str) -> Option<&'static str> {
    match source {
        "torch" => Some("torch.manual_seed(0)"),
        "numpy" => Some("np.random.seed(0)"),
        "python random" => Some("random.seed(0)"),
        "numpy generator" => Some("rng = np.random.default_rng(0)"),
        _ => None,
    }
}
