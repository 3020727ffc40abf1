//! What a logged series measures.

use super::Fact;

/// The part of the data that a series is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Part {
    /// What the model is trained on.
    Train,
    /// What is looked at while training.
    Validation,
    /// What is looked at in the end.
    Test,
}

impl Part {
    /// In words.
    pub fn name(self) -> &'static str {
        match self {
            Self::Train => "training",
            Self::Validation => "validation",
            Self::Test => "test",
        }
    }
}

/// Which values of a metric are good.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Better {
    /// Accuracy, F1, R², reward.
    Higher,
    /// Error, perplexity, distance.
    Lower,
}

/// What is measured of each layer, or of each parameter.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum LayerQuantity {
    /// Euclidean norm of the gradient.
    GradientNorm,
    /// Euclidean norm of the parameters.
    WeightNorm,
    /// Euclidean norm of what a step adds to the parameters.
    UpdateNorm,
    /// ‖Δw‖ / ‖w‖, plain, not its logarithm.
    UpdateRatio,
    /// Share of units whose output is zero for every sample, 0 to 1.
    DeadShare,
    /// Share of all outputs that are zero, 0 to 1.
    ZeroShare,
    /// Share of outputs in the flat part of the activation function, 0 to 1.
    SaturatedShare,
    /// Mean of the outputs.
    ActivationMean,
    /// Standard deviation of the outputs.
    ActivationStd,
    /// How many values of the parameters or gradients are NaN or infinite.
    NonFinite,
}

impl LayerQuantity {
    /// Every quantity; the index of one is its number in the run log.
    pub const ALL: [Self; 10] = [
        Self::GradientNorm,
        Self::WeightNorm,
        Self::UpdateNorm,
        Self::UpdateRatio,
        Self::DeadShare,
        Self::ZeroShare,
        Self::SaturatedShare,
        Self::ActivationMean,
        Self::ActivationStd,
        Self::NonFinite,
    ];

    /// The word for it in the run log: the tag of a packed vector is `layers/<word>`.
    pub fn word(self) -> &'static str {
        match self {
            Self::GradientNorm => "gradient_norm",
            Self::WeightNorm => "weight_norm",
            Self::UpdateNorm => "update_norm",
            Self::UpdateRatio => "update_ratio",
            Self::DeadShare => "dead_share",
            Self::ZeroShare => "zero_share",
            Self::SaturatedShare => "saturated_share",
            Self::ActivationMean => "activation_mean",
            Self::ActivationStd => "activation_std",
            Self::NonFinite => "non_finite",
        }
    }

    /// In words.
    pub fn name(self) -> &'static str {
        match self {
            Self::GradientNorm => "gradient norm",
            Self::WeightNorm => "weight norm",
            Self::UpdateNorm => "update norm",
            Self::UpdateRatio => "update ratio",
            Self::DeadShare => "share of dead units",
            Self::ZeroShare => "share of zeros",
            Self::SaturatedShare => "share of saturated units",
            Self::ActivationMean => "mean activation",
            Self::ActivationStd => "activation spread",
            Self::NonFinite => "non-finite values",
        }
    }
}

/// What a logged series measures.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Quantity {
    /// The whole loss.
    Loss(Part),
    /// One of the terms that the loss is a sum of, or one of several losses.
    LossTerm(Part),
    /// A metric.
    Metric(Part, Better),
    /// The learning rate of a parameter group.
    LearningRate,
    /// Norm of the gradient of all parameters, before clipping where both are logged.
    GradientNorm,
    /// The norm to which gradients are clipped.
    ClipLimit,
    /// The factor of the loss in half precision.
    LossScale,
    /// Seconds of a step.
    StepTime,
    /// Seconds of a step spent waiting for data.
    DataTime,
    /// Memory in use, in the unit of the log.
    Memory,
    /// Share of predictions that are of one class, 0 to 1.
    ClassShare,
    /// The epoch, as a number.
    Epoch,
    /// The score or loss of a constant prediction or of a simple model, to be held against.
    Baseline(Part),
    /// Something of a layer or a parameter.
    Layer(LayerQuantity),
    /// A fact of the training loop.
    Live(Fact),
    /// Nothing that a rule knows: drawn, not judged.
    Other,
}
