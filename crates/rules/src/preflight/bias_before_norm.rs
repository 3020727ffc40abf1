//! `bias-before-norm`

use serde::{Deserialize, Serialize};
use stetho_core::preflight::{Experiment, Layer, Preflight};
use stetho_core::{Draft, Evidence, Place, Remedy, Report, Rule, Severity, Signal, count_of};

use crate::show::list;

/// A layer adds a bias that the normalisation after it takes away again.
///
/// ## Why it matters
/// Normalisation by batch or by channel subtracts the mean, and with it the bias, which is memory, time and a parameter whose gradient is
/// 0. Nothing is learned wrongly.
///
/// ## What to do
/// Leave the bias of the layer out; the normalisation has its own.
///
/// ## Fires on
/// ```preflight
/// {"layers": [{"name": "conv1", "kind": "Conv2d", "n_units": 16, "has_bias": true, "before": "BatchNorm2d"}]}
/// ```
///
/// ## Stays quiet on
/// ```preflight
/// {"layers": [{"name": "conv1", "kind": "Conv2d", "n_units": 16, "has_bias": false, "before": "BatchNorm2d"},
///   {"name": "fc", "kind": "Linear", "n_units": 16, "has_bias": true, "before": "LayerNorm"},
///   {"name": "head", "kind": "Linear", "n_units": 16, "has_bias": true, "before": null}]}
/// ```
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct BiasBeforeNorm {}

impl Rule for BiasBeforeNorm {
    type Input = Preflight;
    const ID: &'static str = "bias-before-norm";
    const SEVERITY: Severity = Severity::Info;
    const SIGNALS: &'static [Signal] = &[Signal::Preflight(Experiment::Layers)];

    fn check(&mut self, preflight: &Preflight, report: &mut Report) {
        let is_idle = |layer: &&Layer| {
            let before = layer.before.as_deref().unwrap_or_default();
            layer.has_bias && (before.contains("BatchNorm") || before.contains("InstanceNorm"))
        };
        let idle: Vec<&Layer> = preflight.layers.iter().flatten().filter(is_idle).collect();
        let Some(first) = idle.first() else { return };
        let names: Vec<&str> = idle.iter().map(|l| l.name.as_str()).collect();
        let numbers: u64 = idle.iter().map(|l| l.n_units).sum();
        report.raise(
            Draft::new(
                Place::layer(&first.name),
                format!(
                    "{}: the normalisation right after takes {} away: {}",
                    if idle.len() == 1 {
                        format!("1 bias ({}) is without effect", count_of(numbers, "number"))
                    } else {
                        format!("{} biases ({}) are without effect", idle.len(), count_of(numbers, "number"))
                    },
                    if idle.len() == 1 { "it" } else { "them" },
                    list(&names)
                ),
                Evidence::at_most("biases before a normalisation", idle.len() as f64, 0.0),
                Remedy::safe("leave the bias out").code(format!(
                    "nn.{}(..., bias=False)",
                    if first.kind.is_empty() { "Conv2d" } else { &first.kind }
                )),
            )
            .places(idle.iter().skip(1).map(|l| Place::layer(&l.name)))
            .count(idle.len() as u64),
        );
    }
}
