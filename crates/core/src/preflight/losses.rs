//! Calls of loss and softmax functions in the user's step.

use serde::{Deserialize, Serialize};

use crate::Number;
use crate::run::SourceLine;

/// What the targets of a loss are.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TargetKind {
    /// Numbers of classes.
    Class,
    /// A distribution over classes.
    Probabilities,
    /// Real numbers.
    Real,
    /// 0 or 1, or a number between.
    Binary,
    /// It cannot be told.
    #[default]
    #[serde(other)]
    Unknown,
}

/// A call of a loss function.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct LossCall {
    /// The function, as in `torch.nn.functional`: `cross_entropy`.
    pub function: String,
    /// The user's line.
    pub place: Option<SourceLine>,
    /// Shape of the prediction.
    pub input_shape: Vec<u64>,
    /// Shape of the target.
    pub target_shape: Vec<u64>,
    /// Type of the target's numbers.
    pub target_dtype: String,
    /// Classes, by the prediction's shape.
    pub n_classes: Option<u64>,
    /// Least target, those to be ignored left out.
    pub target_min: Option<Number>,
    /// Greatest target, those to be ignored left out.
    pub target_max: Option<Number>,
    /// Targets to be ignored.
    pub n_ignored: u64,
    /// Targets.
    pub n_targets: u64,
    /// `mean`, `sum` or `none`.
    pub reduction: Option<String>,
    /// Whether classes or samples are weighted.
    pub weighted: bool,
    /// Least prediction.
    pub input_min: Option<Number>,
    /// Greatest prediction.
    pub input_max: Option<Number>,
    /// Share of the rows along the class axis that sum to 1 and hold nothing below 0.
    pub rows_sum_to_one: Option<Number>,
    /// Share of the rows whose exponentials sum to 1.
    pub log_rows: Option<Number>,
    /// The operation that made the prediction: `softmax`, `log_softmax`, `sigmoid`.
    pub input_from: Option<String>,
    /// The line of that operation.
    pub input_place: Option<SourceLine>,
    /// The loss before training.
    pub value: Option<Number>,
    /// What the targets are.
    pub target_kind: TargetKind,
    /// Entropy of the shares of classes in the batch, in nats.
    pub entropy: Option<Number>,
    /// Variance of the targets.
    pub target_variance: Option<Number>,
    /// Mean of the squared targets.
    pub target_mean_square: Option<Number>,
    /// Mean distance of the targets from their median.
    pub target_mean_abs_deviation: Option<Number>,
    /// Whether it is one term of several.
    pub is_part: bool,
    /// Shape of the model's output where the prediction is its numbers in the same order under another shape.
    pub view_of: Vec<u64>,
    /// Share of the targets below 0 or above 1.
    pub beyond_unit: Option<Number>,
    /// Whether the step normalises weights, so that scores are cosines with a factor.
    pub is_of_cosines: bool,
}

impl LossCall {
    /// Whether it is a mean over samples without weights, so that its value has a scale.
    pub fn is_plain_mean(&self) -> bool {
        !self.weighted && self.reduction.as_deref().is_none_or(|r| r == "mean")
    }
}

/// A call of a softmax function.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Softmax {
    /// The user's line.
    pub place: Option<SourceLine>,
    /// `softmax` or `log_softmax`.
    pub function: String,
    /// The axis along which it sums to 1; may count from the end.
    pub dim: Option<i64>,
    /// Shape of its input.
    pub shape: Vec<u64>,
    /// The axis that the loss, or an argmax, takes for the classes.
    pub class_dim: Option<i64>,
    /// Whether it weighs values rather than classes.
    pub is_attention: bool,
    /// Largest distance of a sum over `class_dim` from 1.
    pub sum_error: Option<Number>,
}

/// What the user's own step raised.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Raised {
    /// Class of the exception.
    #[serde(rename = "type")]
    pub kind: String,
    /// Its message.
    pub message: String,
    /// The user's line.
    pub place: Option<SourceLine>,
}
