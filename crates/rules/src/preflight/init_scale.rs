//! `init-scale`

use serde::{Deserialize, Serialize};
use stetho_core::preflight::{Experiment, Layer, Preflight};
use stetho_core::{Draft, Evidence, Human, Place, Remedy, Report, Rule, Severity, Signal};

use crate::experiments::known;

/// What goes through the network grows, or fades, from layer to layer before training.
///
/// ## Why it matters
/// Gradients do the same on the way back: they explode or vanish, so that no learning rate suits all layers. It comes from weights whose
/// spread does not go with the number of inputs of a unit.
///
/// ## What to do
/// Use an initialisation that keeps the spread (`kaiming_normal_` for ReLU, `xavier_uniform_` for tanh), or normalise within the network.
///
/// ## Fires on
/// ```preflight
/// {"layers": [{"name": "fc1", "kind": "Linear", "n_units": 256, "weight_std": 1.0, "out_std": 20.0},
///   {"name": "fc2", "kind": "Linear", "n_units": 256, "weight_std": 1.0, "out_std": 230.0},
///   {"name": "fc3", "kind": "Linear", "n_units": 256, "weight_std": 1.0, "out_std": 2600.0},
///   {"name": "head", "kind": "Linear", "n_units": 10, "weight_std": 1.0, "out_std": 29000.0}]}
/// ```
/// ```preflight
/// {"batch": {"n": 32, "inputs": [{"name": "x", "shape": [32, 64], "dtype": "float32", "std": 1.0}]},
///  "layers": [{"name": "fc1", "kind": "Linear", "n_units": 256, "weight_std": 0.001, "out_std": 0.008},
///   {"name": "fc2", "kind": "Linear", "n_units": 256, "weight_std": 0.001, "out_std": 9e-5},
///   {"name": "head", "kind": "Linear", "n_units": 10, "weight_std": 0.001, "out_std": 1e-6}]}
/// ```
///
/// ## Stays quiet on
/// PyTorch's own initialisation, and a network that normalises:
/// ```preflight
/// {"batch": {"n": 32, "inputs": [{"name": "x", "shape": [32, 64], "dtype": "float32", "std": 1.0}]},
///  "layers": [{"name": "fc1", "kind": "Linear", "n_units": 256, "out_std": 0.58}, {"name": "fc2", "kind": "Linear", "n_units": 256,
///   "out_std": 0.24}, {"name": "fc3", "kind": "Linear", "n_units": 256, "out_std": 0.11}, {"name": "head", "kind": "Linear", "n_units": 10,
///   "out_std": 0.05}]}
/// ```
/// Inputs that the network scales itself:
/// ```preflight
/// {"batch": {"n": 32, "inputs": [{"name": "x", "shape": [32, 64], "dtype": "float32", "std": 200.0}]},
///  "layers": [{"name": "fc1", "kind": "Linear", "n_units": 256, "in_std": 1.0, "out_std": 0.58}, {"name": "fc2", "kind": "Linear", "n_units": 256,
///   "out_std": 0.24}, {"name": "head", "kind": "Linear", "n_units": 10, "out_std": 0.05}]}
/// ```
/// ```preflight
/// {"layers": [{"name": "c1", "kind": "Conv2d", "n_units": 16, "out_std": 20.0, "before": "BatchNorm2d"},
///   {"name": "c2", "kind": "Conv2d", "n_units": 16, "out_std": 0.04, "before": "BatchNorm2d"},
///   {"name": "c3", "kind": "Conv2d", "n_units": 16, "out_std": 0.04, "before": "BatchNorm2d"},
///   {"name": "head", "kind": "Linear", "n_units": 10, "out_std": 0.02}]}
/// ```
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct InitScale {
    /// How many times the spread may grow from the first to the last hidden layer.
    pub growth: f64,
    /// How many times it may fade; PyTorch's own initialisation lets it fade some thirty times in a deep network.
    pub fading: f64,
}

impl Default for InitScale {
    fn default() -> Self {
        Self { growth: 30.0, fading: 300.0 }
    }
}

impl Rule for InitScale {
    type Input = Preflight;
    const ID: &'static str = "init-scale";
    const SEVERITY: Severity = Severity::Warning;
    const SIGNALS: &'static [Signal] = &[Signal::Preflight(Experiment::Layers)];
    const ALSO: &'static [Signal] =
        &[Signal::Preflight(Experiment::Batch), Signal::Preflight(Experiment::Norms)];

    fn check(&mut self, preflight: &Preflight, report: &mut Report) {
        let all: Vec<&Layer> = preflight.layers.iter().flatten().filter(|l| is_weighing(l)).collect();
        let n_normalised = all.iter().filter(|l| l.is_normalised()).count();
        let has_norms = preflight.norms.as_ref().is_some_and(|n| 3 * n.len() >= all.len() && !n.is_empty());
        if 3 * n_normalised >= all.len() || has_norms {
            return;
        }
        let levels = levels(preflight, &all);
        let (Some((from, first)), Some((to, last))) = (levels.first(), levels.last()) else { return };
        let (ratio, word, limit) = if last >= first {
            (last / first, "grows", self.growth)
        } else {
            (first / last, "fades", self.fading)
        };
        if levels.len() < 3 || ratio <= limit || !ratio.is_finite() || !is_steady(&levels) {
            return;
        }
        let points = levels.iter().enumerate().map(|(i, (_, std))| [i as f64, std.log10()]).collect();
        report.raise(
            Draft::new(
                Place::layer(*to),
                format!(
                    "before training, the spread of what goes through the network {word} {} times, from {} ({from}) to {} ({to}), limit {}",
                    Human(ratio),
                    Human(*first),
                    Human(*last),
                    Human(limit)
                ),
                Evidence::at_most(format!("times that the spread {word}"), ratio, limit),
                Remedy::risky("initialise with a spread that goes with the number of inputs of a unit").code(
                    "for module in model.modules():\n    if isinstance(module, (nn.Linear, nn.Conv2d)):\n        \
                     nn.init.kaiming_normal_(module.weight, nonlinearity='relu')\n        \
                     if module.bias is not None:\n            nn.init.zeros_(module.bias)",
                ),
            )
            .evidence(Evidence::curves(
                "spread by depth, before training",
                "layer",
                [("log10 of the standard deviation".to_owned(), points)],
            ))
            .remedy(Remedy::risky("or normalise between the layers").code("nn.LayerNorm(n_hidden)")),
        );
    }
}

/// Whether a layer weighs its inputs by numbers that are learned.
fn is_weighing(layer: &Layer) -> bool {
    ["Linear", "Conv"].iter().any(|kind| layer.kind.contains(kind))
}

/// The spread of the input, where it is one, as the first layer gets it, and of each hidden layer. Zeros by design, ends of residual branches and the last layer,
/// which is often made small, tell nothing.
fn levels<'a>(preflight: &'a Preflight, layers: &[&'a Layer]) -> Vec<(&'a str, f64)> {
    let mut levels = Vec::new();
    let inputs = preflight.batch.as_ref().map_or(&[][..], |b| b.inputs.as_slice());
    if let [input] = inputs
        && let Some(std) = layers.first().and_then(|l| known(l.in_std)).or(known(input.std))
        && std > 0.0
        && input.is_real()
    {
        levels.push(("the input", std));
    }
    let hidden = layers.split_last().map_or(&[][..], |(_, hidden)| hidden);
    let told = hidden.iter().filter(|l| !l.is_zero && !l.is_residual_end && !l.is_normalised());
    levels.extend(told.filter_map(|l| Some((l.name.as_str(), known(l.out_std).filter(|s| *s > 0.0)?))));
    levels
}

/// Whether the spread goes one way all along, rather than up and down between branches.
fn is_steady(levels: &[(&str, f64)]) -> bool {
    let rises = levels.last().zip(levels.first()).is_some_and(|(last, first)| last.1 > first.1);
    let same = levels.windows(2).filter(|pair| (pair[1].1 > pair[0].1) == rises).count();
    5 * same >= 4 * (levels.len() - 1)
}
