//! The first batch, as the network sees it.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::{Number, SamplePicture};

/// The first batch.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Batch {
    /// Samples in it.
    pub n: u64,
    /// Tensors that go into the model.
    pub inputs: Vec<Input>,
    /// Tensors that the loss compares with.
    pub targets: Vec<Target>,
    /// Samples as pictures, where an input looks like pictures.
    pub pictures: Vec<Picture>,
    /// The first layer with weights that takes numbers, as far as that is no lookup in a table.
    pub first_layer: Option<FirstLayer>,
}

/// The layer that the inputs reach first.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct FirstLayer {
    /// Its name in the model.
    pub name: String,
    /// Its class: `LSTM`.
    pub kind: String,
    /// Mean of what it is given.
    pub in_mean: Option<Number>,
    /// Standard deviation of what it is given.
    pub in_std: Option<Number>,
}

/// One tensor of the batch.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Input {
    /// What the user calls it.
    pub name: String,
    /// Its shape.
    pub shape: Vec<u64>,
    /// Type of its numbers: `float32`, `int64`.
    pub dtype: String,
    /// Mean over all numbers.
    pub mean: Option<Number>,
    /// Standard deviation over all numbers.
    pub std: Option<Number>,
    /// Least number.
    pub min: Option<Number>,
    /// Greatest number.
    pub max: Option<Number>,
    /// How many are NaN or infinite.
    pub n_non_finite: u64,
    /// The first samples with such a number.
    pub non_finite_samples: Vec<u64>,
    /// Mean and spread of each channel, or column.
    pub channels: Vec<Channel>,
    /// How its numbers are distributed.
    pub histogram: Option<Histogram>,
}

impl Input {
    /// Whether it holds floats, rather than tokens, indices or masks.
    pub fn is_real(&self) -> bool {
        self.dtype.contains("float") || self.dtype.contains("double") || self.dtype.contains("half")
    }

    /// The largest distance from 0.
    pub fn reach(&self) -> Option<f64> {
        Some(self.min?.0.abs().max(self.max?.0.abs()))
    }
}

/// Mean and spread of a channel.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Channel {
    /// Mean.
    pub mean: Number,
    /// Standard deviation.
    pub std: Number,
}

/// A distribution.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Histogram {
    /// Bin edges, one more than `counts`, ascending.
    pub edges: Vec<Number>,
    /// How many values lie in each bin.
    pub counts: Vec<u64>,
}

/// A tensor that the loss compares with.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Target {
    /// As of an input.
    #[serde(flatten)]
    pub input: Input,
    /// Labels with how often they come, where they are integers with few values.
    pub classes: Vec<(Value, u64)>,
}

/// A sample as a picture, with its label.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Picture {
    /// What it looks like.
    #[serde(flatten)]
    pub sample: SamplePicture,
    /// Its label.
    pub label: Option<String>,
}
