//! `batch-mixing`

use serde::{Deserialize, Serialize};
use stetho_core::preflight::{Experiment, Mixing, Preflight};
use stetho_core::{Draft, Evidence, Human, Place, Remedy, Report, Rule, Severity, Signal};

use crate::experiments::{at_line, at_words, known, quote};

/// The output for one sample depends on the other samples of its batch.
///
/// ## Why it matters
/// Somewhere the axis of the batch is taken for another one: a `view` where a `transpose` was meant, a recurrent layer that expects time
/// first, attention or a softmax across samples. Training runs, the loss even falls, and predictions depend on what else is in the batch.
/// Normalisation by batch does so by design, and is left out.
///
/// ## What to do
/// Look at each `view`, `reshape`, `permute` and `transpose` before the module that is named; give recurrent layers and attention
/// `batch_first=True`.
///
/// ## Fires on
/// ```preflight
/// {"batch": {"n": 8, "inputs": [{"name": "x", "shape": [8, 20, 16], "dtype": "float32"}]},
///  "mixing": {"n": 8, "own": 1.2, "other": 0.4, "pair": [0, 3], "module": "lstm", "batch_norms_in_eval": true, "repeat_error": 0.0}}
/// ```
///
/// ## Stays quiet on
/// ```preflight
/// {"mixing": {"n": 8, "own": 1.2, "other": 0.0, "batch_norms_in_eval": true, "repeat_error": 0.0}}
/// ```
/// Nodes of a graph, whose edges are an input:
/// ```preflight
/// {"batch": {"n": 40, "inputs": [{"name": "x", "shape": [40, 7], "dtype": "float32"},
///   {"name": "edge_index", "shape": [2, 110], "dtype": "int64"}]},
///  "mixing": {"n": 40, "own": 1.2, "other": 0.3, "pair": [0, 3], "batch_norms_in_eval": true}}
/// ```
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct BatchMixing {
    /// Largest gradient by another sample, as a share of that by the own one.
    pub share: f64,
    /// How many times the noise of the measurement it must be.
    pub noise: f64,
}

impl Default for BatchMixing {
    fn default() -> Self {
        Self { share: 1e-5, noise: 10.0 }
    }
}

/// Parts of names of modules that compare samples by design.
const BY_DESIGN: [&str; 5] = ["batchnorm", "minibatch", "batch_std", "stddev", "graph"];

impl Rule for BatchMixing {
    type Input = Preflight;
    const ID: &'static str = "batch-mixing";
    const SEVERITY: Severity = Severity::Error;
    const SIGNALS: &'static [Signal] = &[Signal::Preflight(Experiment::Mixing)];
    const ALSO: &'static [Signal] =
        &[Signal::Preflight(Experiment::Batch), Signal::Preflight(Experiment::Norms)];

    fn check(&mut self, preflight: &Preflight, report: &mut Report) {
        let Some(mixing) = preflight.mixing.as_ref().filter(|m| m.why.is_none() && m.n > 1) else { return };
        let Some(other) = known(mixing.other).filter(|other| *other > 0.0) else { return };
        let own = known(mixing.own).unwrap_or(0.0).max(other * f64::EPSILON);
        let noise = known(mixing.repeat_error).unwrap_or(0.0);
        if other <= self.share * own || other <= self.noise * noise || is_meant(preflight, mixing) {
            return;
        }
        let module = mixing.module.as_deref().filter(|m| !m.is_empty());
        let line = mixing.place.as_ref();
        let layer = module.map(Place::layer);
        let place = if line.is_some() { at_line(line) } else { layer.clone().unwrap_or(Place::Whole) };
        let also = layer.filter(|_| line.is_some());
        let [i, j] = mixing.pair.unwrap_or([0, 1]);
        let by = mixing.function.as_deref().map_or_else(String::new, |f| format!(" by `{f}`"));
        let within = module.map_or_else(String::new, |m| format!(" in `{m}`"));
        let where_words = format!("{within}{by}{}", at_words(line));
        let within =
            if where_words.is_empty() { String::new() } else { format!("; they first meet{where_words}") };
        report.raise(
            quote(line).into_iter().fold(Draft::new(
                place,
                format!(
                    "the output of sample {i} of the batch depends on the input of sample {j}: its gradient by that is {}, by its own \
                     input {}{within}",
                    Human(other),
                    Human(own)
                ),
                Evidence::at_most("gradient by another sample, as a share of that by the own", other / own, self.share),
                Remedy::risky("keep the batch on an axis of its own").code(
                    "x = x.transpose(1, 2)                  # exchanges two axes; `view` would mix samples\n\
                     nn.LSTM(n_in, n_hidden, batch_first=True)   # for (batch, time, features)",
                ),
            ), Draft::evidence)
            .places(also)
            .remedy(Remedy::advice("see that softmax, mean and normalisation do not go along axis 0")),
        );
    }
}

/// Whether samples are meant to meet: nodes of a graph, normalisation by batch, modules named so.
fn is_meant(preflight: &Preflight, mixing: &Mixing) -> bool {
    let inputs = preflight.batch.iter().flat_map(|b| &b.inputs);
    let has_edges = inputs.into_iter().any(|i| {
        let is_pairs = matches!(i.shape.as_slice(), [2, n] if *n > 2);
        let name = i.name.to_lowercase();
        !i.is_real() && is_pairs || name.contains("edge") || name.starts_with("adj")
    });
    let module = mixing.module.as_deref().unwrap_or_default();
    let name = format!("{module} {}", mixing.module_kind.as_deref().unwrap_or_default()).to_lowercase();
    let is_norm = preflight.norms.iter().flatten().any(|n| n.name == module && n.kind.contains("BatchNorm"));
    has_edges || is_norm || BY_DESIGN.iter().any(|part| name.contains(part))
}
