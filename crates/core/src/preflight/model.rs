//! The model before training: its parameters, layers and output.

use serde::{Deserialize, Serialize};

use crate::Number;

/// The model as a whole.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Model {
    /// Its class.
    pub name: String,
    /// Numbers in all parameters.
    pub n_parameters: u64,
    /// Modules in it.
    pub n_modules: u64,
}

/// One parameter tensor, after one backward pass of the user's step.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Parameter {
    /// Its name in the model.
    pub name: String,
    /// Its shape.
    pub shape: Vec<u64>,
    /// Whether it asks for a gradient.
    pub trainable: bool,
    /// Whether an optimizer holds it; `None` where no optimizer was seen.
    pub in_optimizer: Option<bool>,
    /// Norm of its gradient; `None` where no gradient came.
    pub gradient: Option<Number>,
    /// Norm of its values.
    pub norm: Option<Number>,
    /// Standard deviation of its values.
    pub std: Option<Number>,
    /// Why a gradient of 0 is as it should be.
    pub reads_zero_because: Option<String>,
    /// Whether an operation of the forward pass takes it; `None` where that was not looked at.
    pub is_run: Option<bool>,
    /// Whether it is of a model that measures both predictions and targets, and that no optimizer holds.
    pub is_measure: bool,
}

impl Parameter {
    /// How many numbers it holds.
    pub fn size(&self) -> u64 {
        self.shape.iter().fold(1, |n, side| n.saturating_mul(*side))
    }

    /// The module that it belongs to.
    pub fn module(&self) -> &str {
        self.name.rsplit_once('.').map_or("", |(module, _)| module)
    }
}

/// A layer with weights, in the order of the forward pass.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Layer {
    /// Its name in the model.
    pub name: String,
    /// Its class: `Linear`, `Conv2d`.
    pub kind: String,
    /// Units, or channels of its output.
    pub n_units: u64,
    /// How many of them differ in weight or bias.
    pub n_distinct: Option<u64>,
    /// Standard deviation of its weights.
    pub weight_std: Option<Number>,
    /// Norm of its bias.
    pub bias_norm: Option<Number>,
    /// Whether all weights are 0.
    pub is_zero: bool,
    /// Class of the normalisation layer that its output goes into directly.
    pub before: Option<String>,
    /// Whether it has a bias.
    pub has_bias: bool,
    /// Standard deviation of its input over the batch.
    pub in_std: Option<Number>,
    /// Standard deviation of its output over the batch.
    pub out_std: Option<Number>,
    /// Mean of its output over the batch.
    pub out_mean: Option<Number>,
    /// Class of the activation that its output goes into directly.
    pub activation: Option<String>,
    /// Whether dropout comes after it, which makes its units differ.
    pub is_dropped: bool,
    /// Share of the units that are 0 after the activation for every sample.
    pub zero_units: Option<Number>,
    /// Whether an activation that cuts off what is below 0 is given the negated output of another one: it is 0 whatever comes in.
    pub is_cut_twice: bool,
    /// How many layers lie before it.
    pub depth: u64,
    /// Whether it is the end of a branch that is added to what goes past it.
    pub is_residual_end: bool,
    /// How many layers come after it.
    pub n_after: Option<u64>,
}

impl Layer {
    /// Whether its output is normalised directly.
    pub fn is_normalised(&self) -> bool {
        self.before.as_deref().is_some_and(|kind| kind.contains("Norm"))
    }
}

/// A normalisation layer.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Norm {
    /// Its name in the model.
    pub name: String,
    /// Its class.
    pub kind: String,
    /// Samples that it sees at once, on each replica.
    pub n: u64,
    /// Values of a channel that a mean is taken over.
    pub n_values: Option<u64>,
    /// Whether it takes its statistics from the batch.
    pub training: bool,
}

/// The last layer, and what it is to predict.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Output {
    /// Name of the last layer.
    pub layer: String,
    /// Classes.
    pub n_classes: u64,
    /// Its bias, where it has one.
    pub bias: Option<Vec<Number>>,
    /// Share of each class among the labels seen.
    pub shares: Vec<Number>,
    /// Labels seen.
    pub n_labels: u64,
    /// Mean probability of each class before training.
    pub prediction: Option<Vec<Number>>,
}
