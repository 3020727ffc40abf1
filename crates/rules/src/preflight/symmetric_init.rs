//! `symmetric-init`

use serde::{Deserialize, Serialize};
use stetho_core::preflight::{Experiment, Layer, Parameter, Preflight};
use stetho_core::{Draft, Evidence, Place, Remedy, Report, Rule, Severity, Signal, count_of};

use crate::show::list;

/// All units of a hidden layer start the same.
///
/// ## Why it matters
/// Units with equal weights give equal outputs, get equal gradients, and stay equal: a layer of 256 such units can do no more than a layer
/// of one.
///
/// ## What to do
/// Initialise weights at random; PyTorch does so by itself. Constants are for biases, for the scale of normalisations, and zeros for the
/// last layer of a branch that is added to what goes past it.
///
/// ## Fires on
/// ```preflight
/// {"layers": [{"name": "fc1", "kind": "Linear", "n_units": 64, "n_distinct": 1, "weight_std": 0.0, "activation": "ReLU", "depth": 0},
///   {"name": "fc2", "kind": "Linear", "n_units": 10, "n_distinct": 1, "weight_std": 0.0, "depth": 1}]}
/// ```
///
/// Tables of factors that start as one number:
/// ```preflight
/// {"layers": [], "parameters": [{"name": "user", "shape": [60, 16], "trainable": true, "gradient": 0.5, "norm": 7.7, "std": 0.0},
///   {"name": "film", "shape": [40, 16], "trainable": true, "gradient": 0.5, "norm": 6.3, "std": 0.0}]}
/// ```
///
/// ## Stays quiet on
/// Units that differ by the weights drawn for the layer after them:
/// ```preflight
/// {"layers": [{"name": "fc1", "kind": "Linear", "n_units": 64, "n_distinct": 1, "weight_std": 0.0, "activation": "ReLU", "depth": 0},
///   {"name": "fc2", "kind": "Linear", "n_units": 10, "n_distinct": 10, "weight_std": 0.1, "depth": 1}]}
/// ```
/// A head that starts at 0, and gates of residual branches that do:
/// ```preflight
/// {"layers": [{"name": "fc1", "kind": "Linear", "n_units": 64, "n_distinct": 64, "activation": "ReLU", "depth": 0},
///   {"name": "adaln", "kind": "Linear", "n_units": 128, "n_distinct": 1, "is_zero": true, "depth": 1},
///   {"name": "out", "kind": "Conv2d", "n_units": 64, "n_distinct": 1, "is_zero": true, "is_residual_end": true, "depth": 2},
///   {"name": "head", "kind": "Linear", "n_units": 10, "n_distinct": 1, "is_zero": true, "depth": 3}]}
/// ```
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct SymmetricInit {
    /// Share of the units that must differ.
    pub distinct: f64,
}

impl Default for SymmetricInit {
    fn default() -> Self {
        Self { distinct: 0.1 }
    }
}

impl Rule for SymmetricInit {
    type Input = Preflight;
    const ID: &'static str = "symmetric-init";
    const SEVERITY: Severity = Severity::Error;
    const SIGNALS: &'static [Signal] = &[Signal::Preflight(Experiment::Layers)];
    const ALSO: &'static [Signal] = &[Signal::Preflight(Experiment::Parameters)];

    fn check(&mut self, preflight: &Preflight, report: &mut Report) {
        let layers: Vec<&Layer> = preflight.layers.iter().flatten().filter(|l| is_of_units(l)).collect();
        // The outputs of the last layer differ by their labels.
        let hidden = layers.split_last().map_or(&[][..], |(_, hidden)| hidden);
        let is_alike = |l: &&&Layer| self.is_alike(l) && is_trained(preflight, l);
        let alike: Vec<&Layer> = hidden.iter().filter(is_alike).copied().collect();
        let n_zero = layers.iter().filter(|l| l.is_zero).count();
        let faulty: Vec<&Layer> = alike
            .into_iter()
            .filter(|l| !l.is_zero || is_cut_off(l) && !l.is_residual_end || n_zero == layers.len())
            .filter(|l| l.is_zero || !is_broken_behind(&layers, l))
            .collect();
        let Some(first) = faulty.first() else {
            constant_factors(preflight, report);
            return;
        };
        let names: Vec<&str> = faulty.iter().map(|l| l.name.as_str()).collect();
        let how = if faulty.iter().all(|l| l.is_zero) { ": all weights are 0" } else { "" };
        let distinct = first.n_distinct.unwrap_or(1);
        let rows = faulty.iter().map(|l| {
            [l.name.clone(), l.kind.clone(), l.n_units.to_string(), l.n_distinct.unwrap_or(1).to_string()]
        });
        report.raise(
            Draft::new(
                Place::layer(&first.name),
                if let [only] = faulty.as_slice() {
                    format!(
                        "the {} of `{}` start as {distinct}{how}",
                        count_of(only.n_units, "unit"),
                        only.name
                    )
                } else {
                    format!("units start alike in {} of {} layers{how}: {}", faulty.len(), layers.len(), list(&names))
                },
                Evidence::at_least(
                    format!("share of the units of `{}` that differ", first.name),
                    distinct as f64 / first.n_units.max(1) as f64,
                    self.distinct,
                ),
                Remedy::risky("initialise weights at random, by leaving PyTorch's own initialisation alone or with one of `nn.init`")
                    .code("nn.init.kaiming_normal_(layer.weight, nonlinearity='relu')\nnn.init.zeros_(layer.bias)"),
            )
            .places(faulty.iter().skip(1).map(|l| Place::layer(&l.name)))
            .count(faulty.len() as u64)
            .evidence(Evidence::table("layers whose units start alike", ["layer", "kind", "units", "different"], rows)),
        );
    }
}

impl SymmetricInit {
    fn is_alike(&self, layer: &Layer) -> bool {
        let Some(distinct) = layer.n_distinct else { return false };
        layer.n_units > 1 && (distinct <= 1 || (distinct as f64) < self.distinct * layer.n_units as f64)
    }
}

/// Tables of vectors, as of users and films, whose numbers are all one constant: all columns of such a table stay the same.
fn constant_factors(preflight: &Preflight, report: &mut Report) {
    let is_constant = |p: &&Parameter| {
        let is_table = matches!(p.shape.as_slice(), [n, m] if *n > 1 && *m > 1);
        let is_one_number = p.std.is_some_and(|s| s.0.abs() < 1e-9) && p.norm.is_some_and(|n| n.0 > 0.0);
        is_table && is_one_number && p.trainable && p.gradient.is_some()
    };
    let constant: Vec<&Parameter> = preflight.parameters.iter().flatten().filter(is_constant).collect();
    // One constant table beside random ones takes their differences with the first step.
    let is_table = |p: &&Parameter| p.trainable && p.shape.len() == 2;
    let n_tables = preflight.parameters.iter().flatten().filter(is_table).count();
    let Some(first) = constant.first().filter(|_| constant.len() > 1 && 2 * constant.len() > n_tables) else {
        return;
    };
    let names: Vec<&str> = constant.iter().map(|p| p.name.as_str()).collect();
    report.raise(
        Draft::new(
            Place::Parameter { name: first.name.clone() },
            format!("all numbers of {} start equal, so that their columns stay equal for ever", list(&names)),
            Evidence::at_most("tables whose numbers are all equal", constant.len() as f64, 0.0),
            Remedy::risky("initialise at random")
                .code(format!("nn.init.normal_(model.{}, std=0.1)", first.name)),
        )
        .places(constant.iter().skip(1).map(|p| Place::Parameter { name: p.name.clone() }))
        .count(constant.len() as u64),
    );
}

/// Whether what comes after a layer makes its units differ from the first step on: dropout, or weights that were drawn.
fn is_broken_behind(layers: &[&Layer], layer: &Layer) -> bool {
    let next = layers.iter().skip_while(|l| l.name != layer.name).nth(1);
    layer.is_dropped || next.and_then(|l| l.weight_std).is_some_and(|s| s.0 > 1e-6)
}

/// Whether zeros stay zeros after what follows. A sigmoid or tanh of 0 has a slope: a gate or a shift that starts neutral, on purpose.
fn is_cut_off(layer: &Layer) -> bool {
    layer
        .activation
        .as_deref()
        .is_some_and(|a| !["sigmoid", "tanh"].iter().any(|name| a.to_lowercase().contains(name)))
}

/// Whether it is a layer whose units are rows of a weight.
fn is_of_units(layer: &Layer) -> bool {
    ["Linear", "Conv", "RNN", "LSTM", "GRU", "Bilinear"].iter().any(|kind| layer.kind.contains(kind))
        || layer.kind.is_empty()
}

/// A filter that is fixed may well be constant.
fn is_trained(preflight: &Preflight, layer: &Layer) -> bool {
    preflight.parameter(&format!("{}.weight", layer.name)).is_none_or(|p| p.trainable)
}
