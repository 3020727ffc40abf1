//! `vanishing-gradient`

use serde::{Deserialize, Serialize};
use stetho_core::run::Run;
use stetho_core::{Draft, Evidence, Human, Remedy, Report, Rule, Severity, Signal};

use crate::layers::{Depths, names, places};
use crate::runs::curves;

/// Gradients shrink from layer to layer, so that the first layers hardly learn.
///
/// ## Why it matters
/// The gradient of an early layer is a product over all later ones. Where each factor is below one, the first layers get nothing:
/// they stay as they were initialised, and the network is as shallow as its last layers.
///
/// ## What to do
/// Use activations that do not saturate (ReLU, GELU in place of sigmoid, tanh), an initialisation made for them, normalisation, and
/// connections that skip layers. A larger learning rate does not help: it is the last layers that it moves.
///
/// ## Fires on
/// ```recipe rows=200
/// step = row()
/// loss = 2.3 + normal(0, 0.01)
/// `grad_norm/fc1` = 1e-8 * lognormal(0, 0.3)
/// `grad_norm/fc2` = 1e-6 * lognormal(0, 0.3)
/// `grad_norm/fc3` = 1e-5 * lognormal(0, 0.3)
/// `grad_norm/fc4` = 1e-3 * lognormal(0, 0.3)
/// `grad_norm/fc5` = 0.1 * lognormal(0, 0.3)
/// ```
///
/// ## Stays quiet on
/// A run that has converged, in which all gradients are small:
/// ```recipe rows=200
/// step = row()
/// loss = exp(-step / 10)
/// `grad_norm/fc1` = exp(-step / 12) * lognormal(0, 0.3)
/// `grad_norm/fc2` = exp(-step / 12) * lognormal(0.3, 0.3)
/// `grad_norm/fc3` = exp(-step / 12) * lognormal(0.6, 0.3)
/// `grad_norm/fc4` = exp(-step / 12) * lognormal(0.9, 0.3)
/// `grad_norm/fc5` = exp(-step / 12) * lognormal(1.2, 0.3)
/// ```
/// Offsets that a normalisation takes away:
/// ```recipe rows=200
/// step = row()
/// loss = exp(-step / 10)
/// `grad_norm/conv1.weight` = lognormal(0, 0.3)
/// `grad_norm/conv1.bias` = 1e-8 * lognormal(0, 0.3)
/// `grad_norm/conv2.weight` = lognormal(0, 0.3)
/// `grad_norm/conv2.bias` = 1e-7 * lognormal(0, 0.3)
/// `grad_norm/norm2.bias` = 0.01 * lognormal(0, 0.3)
/// `grad_norm/fc1.bias` = 0.1 * lognormal(0, 0.3)
/// `grad_norm/fc2.bias` = lognormal(0, 0.3)
/// ```
/// A frozen layer, and one whose gradients are small by themselves:
/// ```recipe rows=200
/// step = row()
/// loss = exp(-step / 10)
/// `grad_norm/embedding` = 1e-7 * lognormal(0, 0.3)
/// `grad_norm/fc1` = 0
/// `grad_norm/fc2` = lognormal(0, 0.3)
/// `grad_norm/fc3` = 1e-6 * lognormal(0, 0.3)
/// `grad_norm/fc4` = lognormal(0, 0.3)
/// `grad_norm/fc5` = lognormal(0, 0.3)
/// ```
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct VanishingGradient {
    /// Least size of the first layer's gradient against the last layer's.
    pub ratio: f64,
    /// Norms above this are not small, whatever the last layer's.
    pub tiny: f64,
}

impl Default for VanishingGradient {
    fn default() -> Self {
        Self { ratio: 1e-3, tiny: 1e-3 }
    }
}

impl Rule for VanishingGradient {
    type Input = Run;
    const ID: &'static str = "vanishing-gradient";
    const SEVERITY: Severity = Severity::Warning;
    const SIGNALS: &'static [Signal] = &[Signal::LayerGradients];

    fn check(&mut self, run: &Run, report: &mut Report) {
        let mut vanishing = Depths::of(run).filter(|d| d.vanishes(self.ratio, self.tiny));
        let Some(depths) = vanishing.next() else { return };
        let [first, .., last] = depths.layers.as_slice() else { return };
        let (low, high) = (Depths::size(&first.1), Depths::size(&last.1));
        let mut small: Vec<_> =
            depths.layers.iter().filter(|(_, q)| Depths::size(q) < self.ratio * high).collect();
        small.sort_by(|a, b| Depths::size(&a.1).total_cmp(&Depths::size(&b.1)));
        let small: Vec<_> = small.iter().map(|(layer, _)| *layer).collect();
        let (place, others) = places(small.iter().map(|s| s.name.as_str()));
        let shrinks = 1.0 / depths.step();
        report.raise(
            Draft::new(
                place,
                format!(
                    "the gradient of `{}` is {} in the median, that of `{}` is {}: hardly anything reaches {}",
                    last.0.name,
                    Human(high),
                    first.0.name,
                    Human(low),
                    names(&small)
                ),
                Evidence::at_least("gradient of the first layer against the last", low / high, self.ratio),
                Remedy::advice(format!(
                    "it shrinks {} times a layer: use ReLU or GELU with He initialisation, normalise between layers, or add residual \
                     connections",
                    Human(shrinks)
                )),
            )
            .places(others)
            .count(small.len() as u64)
            .evidence(depths.bars())
            .evidence(curves(run, "gradient norm", [first.0, last.0]))
            .remedy(Remedy::advice("train a shallower network first, and see what each further layer brings")),
        );
    }
}
