//! `dead-at-init`

use serde::{Deserialize, Serialize};
use stetho_core::preflight::{Experiment, Layer, Preflight};
use stetho_core::{Draft, Evidence, Place, Remedy, Report, Rule, Severity, Signal, percent};

use crate::experiments::known;
use crate::show::list;

/// Most units of a layer give 0 for every sample before training.
///
/// ## Why it matters
/// A ReLU that is 0 for all samples has no gradient, so nothing will wake it: the layer is smaller than it looks, and where all are dead
/// nothing before it can learn. It comes from large negative biases, or from inputs that are all of one sign and large.
///
/// ## What to do
/// Start biases at 0, centre the inputs, and use an initialisation made for ReLU.
///
/// ## Fires on
/// ```preflight
/// {"batch": {"n": 32}, "layers": [{"name": "fc1", "kind": "Linear", "n_units": 64, "activation": "ReLU", "zero_units": 0.97,
///   "out_mean": -9.8, "out_std": 0.6}]}
/// ```
///
/// A ReLU of what a ReLU left, negated:
/// ```preflight
/// {"batch": {"n": 32}, "layers": [{"name": "stem", "kind": "Linear", "n_units": 24, "activation": "relu", "is_cut_twice": true}]}
/// ```
///
/// ## Stays quiet on
/// ```preflight
/// {"batch": {"n": 32}, "layers": [{"name": "fc1", "kind": "Linear", "n_units": 64, "activation": "ReLU", "zero_units": 0.2},
///   {"name": "fc2", "kind": "Linear", "n_units": 1, "activation": "ReLU", "zero_units": 1.0}]}
/// ```
/// Too few samples to tell:
/// ```preflight
/// {"batch": {"n": 2}, "layers": [{"name": "fc1", "kind": "Linear", "n_units": 64, "activation": "ReLU", "zero_units": 0.8}]}
/// ```
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct DeadAtInit {
    /// Share of the units of a layer that may be 0 for all samples. Where inputs are of one sign, half of the units of a deep layer are.
    pub share: f64,
    /// Samples that must have been seen.
    pub samples: u64,
    /// Units that a layer must have.
    pub units: u64,
}

impl Default for DeadAtInit {
    fn default() -> Self {
        Self { share: 0.75, samples: 8, units: 4 }
    }
}

impl Rule for DeadAtInit {
    type Input = Preflight;
    const ID: &'static str = "dead-at-init";
    const SEVERITY: Severity = Severity::Warning;
    const SIGNALS: &'static [Signal] = &[Signal::Preflight(Experiment::Layers)];
    const ALSO: &'static [Signal] = &[Signal::Preflight(Experiment::Batch)];

    fn check(&mut self, preflight: &Preflight, report: &mut Report) {
        if preflight.batch.as_ref().is_some_and(|b| b.n > 0 && b.n < self.samples) {
            return;
        }
        preflight.layers.iter().flatten().filter(|l| l.is_cut_twice).for_each(|l| report.raise(cut_twice(l)));
        let share = |l: &Layer| known(l.zero_units).unwrap_or(0.0);
        let is_dead = |l: &&Layer| l.n_units >= self.units && share(l) > self.share && !l.is_zero;
        let dead: Vec<&Layer> = preflight.layers.iter().flatten().filter(is_dead).collect();
        let Some(first) = dead.first() else { return };
        let names: Vec<&str> = dead.iter().map(|l| l.name.as_str()).collect();
        let others =
            if dead.len() > 1 { format!("; the same in {}", list(&names[1..])) } else { String::new() };
        let rows = dead.iter().map(|l| {
            let number = |n: Option<stetho_core::Number>| n.map_or_else(String::new, |n| n.to_string());
            [l.name.clone(), percent(share(l)), number(l.out_mean), number(l.out_std)]
        });
        report.raise(
            Draft::new(
                Place::layer(&first.name),
                format!(
                    "{} of the {} units of `{}` give 0 for every sample before training, limit {}{others}",
                    percent(share(first)),
                    first.n_units,
                    first.name,
                    percent(self.share)
                ),
                Evidence::at_most(
                    format!("share of the units of `{}` that are 0 for all samples", first.name),
                    share(first),
                    self.share,
                ),
                Remedy::risky("start biases at 0, and weights with an initialisation made for ReLU").code(
                    "nn.init.kaiming_normal_(layer.weight, nonlinearity='relu')\nnn.init.zeros_(layer.bias)",
                ),
            )
            .places(dead.iter().skip(1).map(|l| Place::layer(&l.name)))
            .count(dead.len() as u64)
            .evidence(Evidence::table(
                "layers before their activation",
                ["layer", "0 for all samples", "mean", "spread"],
                rows,
            ))
            .remedy(Remedy::risky("centre the inputs"))
            .remedy(Remedy::risky("or use an activation that keeps a slope").code("nn.LeakyReLU(0.01)")),
        );
    }
}

/// A branch that is 0 for every input.
fn cut_twice(layer: &Layer) -> Draft {
    Draft::new(
        Place::layer(&layer.name),
        format!(
            "after `{}` an activation is given the negated output of another one, which has nothing below 0 left: it is 0 for every \
             input",
            layer.name
        ),
        Evidence::at_most("share of the zeros that such an activation gives", 1.0, 0.0),
        Remedy::safe("negate what comes in, not what the first activation made of it")
            .code("torch.cat([torch.relu(x), torch.relu(-x)], dim=1)   # without x = torch.relu(x) before"),
    )
    .topic("cut twice")
}
