//! `input-scale`

use serde::{Deserialize, Serialize};
use stetho_core::preflight::{Channel, Experiment, Input, Layer, Preflight};
use stetho_core::{Draft, Evidence, Human, Number, Place, Remedy, Report, Rule, Severity, Signal};

use crate::experiments::known;
use crate::runs::round2;

/// Inputs are far from zero mean and unit spread.
///
/// ## Why it matters
/// Initial weights are made for inputs around 0 with a spread of 1. Larger ones saturate activations and call for a tiny learning rate; an
/// offset that is large against the spread makes all samples look alike to the first layer, and columns of very different size are learned
/// one after the other.
///
/// ## What to do
/// Subtract the mean and divide by the standard deviation of each channel or column, measured on training data only.
///
/// ## Fires on
/// Bytes of pictures:
/// ```preflight
/// {"batch": {"n": 32, "inputs": [{"name": "x", "shape": [32, 3, 32, 32], "dtype": "float32", "mean": 118.0, "std": 64.0, "min": 0,
///   "max": 255}]}, "layers": [{"name": "conv1", "kind": "Conv2d", "n_units": 16, "out_std": 60.0}]}
/// ```
/// Large numbers given to an LSTM, behind which a head gives small ones:
/// ```preflight
/// {"batch": {"n": 32, "inputs": [{"name": "x", "shape": [32, 9, 4], "dtype": "float32", "mean": 118.0, "std": 64.0, "min": 0,
///   "max": 255}], "first_layer": {"kind": "LSTM", "in_mean": 118.0, "in_std": 64.0}},
///  "layers": [{"name": "head", "kind": "Linear", "n_units": 2, "out_std": 0.2}]}
/// ```
/// A column with a large offset:
/// ```preflight
/// {"batch": {"n": 64, "inputs": [{"name": "x", "shape": [64, 2], "dtype": "float32", "mean": 12.0, "std": 20.0, "min": -2,
///   "max": 34.0, "channels": [{"mean": 0.0, "std": 1.0}, {"mean": 30.0, "std": 1.5}]}]}}
/// ```
///
/// Nothing at all:
/// ```preflight
/// {"batch": {"n": 30, "inputs": [{"name": "x", "shape": [30, 64], "dtype": "float32", "mean": 0.0, "std": 0.0, "min": 0, "max": 0}]}}
/// ```
///
/// ## Stays quiet on
/// Pictures from 0 to 1, tokens, and a model that begins with a normalisation:
/// ```preflight
/// {"batch": {"n": 32, "inputs": [{"name": "x", "shape": [32, 3, 32, 32], "dtype": "float32", "mean": 0.47, "std": 0.2, "min": 0,
///   "max": 1}, {"name": "ids", "shape": [32, 20], "dtype": "int64", "mean": 5000, "std": 3000, "min": 0, "max": 30000}]}}
/// ```
/// ```preflight
/// {"batch": {"n": 32, "inputs": [{"name": "x", "shape": [32, 5], "dtype": "float32", "mean": 118.0, "std": 64.0, "min": 0,
///   "max": 255}]}, "layers": [{"name": "norm", "kind": "BatchNorm1d", "n_units": 5}]}
/// ```
/// Inputs that are scaled before an LSTM gets them:
/// ```preflight
/// {"batch": {"n": 32, "inputs": [{"name": "x", "shape": [32, 9, 4], "dtype": "float32", "mean": 118.0, "std": 64.0, "min": 0,
///   "max": 255}], "first_layer": {"kind": "LSTM", "in_mean": 0.1, "in_std": 0.9}}}
/// ```
/// A model that divides by 255 itself:
/// ```preflight
/// {"batch": {"n": 32, "inputs": [{"name": "x", "shape": [32, 3, 32, 32], "dtype": "float32", "mean": 118.0, "std": 64.0, "min": 0,
///   "max": 255}]}, "layers": [{"name": "conv1", "kind": "Conv2d", "n_units": 16, "out_std": 0.3}]}
/// ```
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct InputScale {
    /// How far from 0 an input may be.
    pub reach: f64,
    /// How many spreads a mean may be away from 0.
    pub offset: f64,
    /// Means nearer to 0 than this do no harm.
    pub mean: f64,
    /// Spread and mean of what the first layer gives, up to which the model scales its input itself.
    pub answer: f64,
    /// Spread, as a share of the mean, below which an input is one number throughout.
    pub constant: f64,
}

impl Default for InputScale {
    fn default() -> Self {
        Self { reach: 50.0, offset: 4.0, mean: 3.0, answer: 5.0, constant: 1e-6 }
    }
}

/// Parts of names of inputs that are no measurements: times, positions, lengths, masks.
const NO_FEATURES: [&str; 9] = ["mask", "len", "pos", "time", "index", "idx", "size", "box", "step"];

impl Rule for InputScale {
    type Input = Preflight;
    const ID: &'static str = "input-scale";
    const SEVERITY: Severity = Severity::Warning;
    const SIGNALS: &'static [Signal] = &[Signal::Preflight(Experiment::Batch)];
    const ALSO: &'static [Signal] = &[Signal::Preflight(Experiment::Layers)];

    fn check(&mut self, preflight: &Preflight, report: &mut Report) {
        let Some(batch) = &preflight.batch else { return };
        let is_feature = |i: &&Input| {
            let name = i.name.to_lowercase();
            i.is_real() && i.shape.len() > 1 && !NO_FEATURES.iter().any(|part| name.contains(part))
        };
        let features: Vec<&Input> = batch.inputs.iter().filter(is_feature).collect();
        if let [only] = features.as_slice()
            && let Some(draft) = self.constant(only)
        {
            report.raise(draft);
            return;
        }
        // What a recurrent layer gives lies within 1 whatever it is given.
        let recurrent = batch.first_layer.as_ref().filter(|l| is_recurrent(&l.kind));
        let first = preflight.layers.iter().flatten().next();
        let is_scaled = match recurrent {
            Some(layer) => self.is_usual(layer.in_mean, layer.in_std),
            None => first.is_some_and(|layer| self.is_scaled_within(layer)),
        };
        if is_scaled {
            return;
        }
        for input in features {
            if let Some((what, measure)) = self.fault(input) {
                report.raise(draft(input, &what, measure));
            }
        }
    }
}

impl InputScale {
    /// Whether the model scales its input itself: it begins with a normalisation, or what its first layer gives is of usual size.
    fn is_scaled_within(&self, first: &Layer) -> bool {
        let is_norm = first.kind.contains("Norm") || first.is_normalised();
        is_norm || self.is_usual(first.out_mean, first.out_std) && first.kind != "Embedding"
    }

    /// Whether numbers lie around 0 with a spread near 1.
    fn is_usual(&self, mean: Option<Number>, std: Option<Number>) -> bool {
        known(std)
            .zip(known(mean).or(Some(0.0)))
            .is_some_and(|(std, mean)| std < self.answer && mean.abs() < self.answer && std > 0.0)
    }

    fn fault(&self, input: &Input) -> Option<(String, Evidence)> {
        let reach = input.reach().filter(|r| r.is_finite())?;
        // A single value far out is a matter of the data; here it is about most of them.
        let spreads = input.channels.iter().map(|c| c.std.0).chain(known(input.std));
        let is_wide = spreads.chain(known(input.mean).map(f64::abs)).any(|s| s > self.reach / 10.0);
        if reach > self.reach && is_wide {
            let what = format!("reach {}", Human(reach));
            return Some((what, Evidence::at_most("distance from 0", reach, self.reach)));
        }
        let is_off = |c: &Channel| {
            c.mean.0.abs() > self.mean && c.mean.0.abs() > self.offset * c.std.0 && c.std.0 > 0.0
        };
        let whole = Channel { mean: input.mean?, std: input.std? };
        if is_off(&whole) {
            let ratio = whole.mean.0.abs() / whole.std.0;
            let what =
                format!("have a mean of {} and a spread of {}", Human(whole.mean.0), Human(whole.std.0));
            return Some((
                what,
                Evidence::at_most("distance of the mean from 0, in spreads", ratio, self.offset),
            ));
        }
        let off: Vec<(usize, &Channel)> =
            input.channels.iter().enumerate().filter(|(_, c)| is_off(c)).collect();
        let (worst, channel) = off
            .iter()
            .copied()
            .max_by(|a, b| (a.1.mean.0.abs() / a.1.std.0).total_cmp(&(b.1.mean.0.abs() / b.1.std.0)))?;
        let ratio = channel.mean.0.abs() / channel.std.0;
        let what = format!(
            "are off in {} of {} columns: column {worst} has a mean of {} and a spread of {}",
            off.len(),
            input.channels.len(),
            Human(channel.mean.0),
            Human(channel.std.0)
        );
        Some((what, Evidence::at_most("distance of a mean from 0, in spreads", ratio, self.offset)))
    }

    /// The only input, where it is one number throughout.
    fn constant(&self, input: &Input) -> Option<Draft> {
        let (mean, std) = (known(input.mean)?, known(input.std)?);
        let name = input.name.to_lowercase();
        // States that a recurrent network begins with, and noise that is still to be drawn, may be 0.
        let is_state = ["h0", "c0", "state", "hidden", "hx", "latent"].iter().any(|part| name.contains(part));
        let share = if mean.abs() > 0.0 { std / mean.abs() } else { std };
        (share < self.constant && input.shape.iter().product::<u64>() > 64 && !is_state).then(|| {
            Draft::new(
                Place::Whole,
                format!("the inputs `{}` are {} throughout the first batch", input.name, Human(mean)),
                Evidence::at_least("spread of the inputs, as a share of their mean", share, self.constant),
                Remedy::advice(
                    "look where their values are lost: an integer division, a cast to integers, an empty buffer",
                )
                .code("x = x.float() / 255   # not x // 255"),
            )
            .severity(Severity::Error)
        })
    }
}

/// Whether a layer is a recurrent one, by its class.
fn is_recurrent(kind: &str) -> bool {
    ["LSTM", "GRU", "RNN"].iter().any(|part| kind.contains(part))
}

fn draft(input: &Input, what: &str, measure: Evidence) -> Draft {
    let (mean, std) = (known(input.mean).unwrap_or(0.0), known(input.std).unwrap_or(1.0));
    let is_picture = input.shape.len() == 4;
    let code = if is_picture {
        let list = |of: fn(&Channel) -> f64| {
            let values: Vec<String> = input.channels.iter().map(|c| round2(of(c))).collect();
            if values.is_empty() { None } else { Some(format!("[{}]", values.join(", "))) }
        };
        let mean = list(|c| c.mean.0).unwrap_or_else(|| format!("[{}]", round2(mean)));
        let std = list(|c| c.std.0).unwrap_or_else(|| format!("[{}]", round2(std)));
        format!(
            "transforms.Normalize(mean={mean}, std={std})   # as measured on this batch; better on all training data"
        )
    } else {
        "mean, std = x_train.mean(0), x_train.std(0)\nx = (x - mean) / (std + 1e-8)".to_owned()
    };
    let name = if input.name.is_empty() { "inputs".to_owned() } else { format!("inputs `{}`", input.name) };
    let draft = Draft::new(
        Place::Whole,
        format!("the {name} {what} (from {} to {})", number(input.min), number(input.max)),
        measure,
        Remedy::risky("centre and scale the inputs, with what is measured on training data").code(code),
    )
    .topic(input.name.clone());
    match &input.histogram {
        Some(h) if !h.counts.is_empty() => draft.evidence(Evidence::Histogram {
            name: format!("values of the {name}"),
            edges: h.edges.clone(),
            counts: h.counts.clone(),
        }),
        _ => draft,
    }
}

fn number(value: Option<Number>) -> String {
    value.map_or_else(|| "?".to_owned(), |n| Human(n.0).to_string())
}
