//! What short trainings and other trials on the user's step gave.

use serde::{Deserialize, Serialize};

use crate::Number;
use crate::run::SourceLine;

/// The loss before training.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Init {
    /// Of the first batch.
    pub loss: Option<Number>,
    /// Of the first batch with inputs of 0.
    pub zero_input_loss: Option<Number>,
}

/// Losses of a short training with one optimizer.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct LossCurve {
    /// The optimizer in words: `SGD, as the script has it`, `Adam at 1e-3`.
    pub optimizer: String,
    /// Its learning rate at the start.
    pub rate: Option<Number>,
    /// Whether a schedule is still to raise that rate.
    #[serde(alias = "rate_rises")]
    pub is_warming_up: bool,
    /// The loss before each step.
    pub losses: Vec<Number>,
}

impl LossCurve {
    /// The optimizer in a few words, for a drawing: that of the script by its class alone.
    pub fn label(&self) -> String {
        match self.optimizer.split_once(", as the script has it") {
            Some((class, _)) => format!("the script's {class}"),
            None => self.optimizer.clone(),
        }
    }
}

/// A few samples, learned by heart with regularisation off.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Overfit {
    /// How many samples.
    pub n_samples: u64,
    /// What the loss cannot go below.
    pub floor: Option<Number>,
    /// Why that is the floor.
    pub floor_reason: String,
    /// The trainings; the first with the user's own optimizer.
    pub curves: Vec<LossCurve>,
    /// Pairs of identical inputs with different targets.
    pub conflicting: u64,
    /// Norm of the gradient of the loss by the output; 0 where the loss does not respond.
    pub output_gradient: Option<Number>,
    /// What was switched off.
    pub switched_off: Vec<String>,
    /// Trainable parameters that never had a gradient in all of it.
    pub gradients_missing: Vec<String>,
    /// Share of the samples that are classified right at the end.
    pub fitted: Option<Number>,
}

/// The same short training with the inputs as they are, and with inputs of 0.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Zeroed {
    /// Steps of each.
    pub steps: u64,
    /// Losses with the inputs as they are.
    pub real: Vec<Number>,
    /// Losses with inputs of 0.
    pub zero: Vec<Number>,
    /// Largest change of an output as the inputs become 0, after training, in standard deviations of the outputs.
    pub output_change: Option<Number>,
}

/// Gradients of outputs by inputs, normalisation by batch switched off.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Mixing {
    /// Samples.
    pub n: u64,
    /// The largest gradient of an output by the input of its own sample.
    pub own: Option<Number>,
    /// The largest by the input of another sample.
    pub other: Option<Number>,
    /// That output and that input.
    pub pair: Option<[u64; 2]>,
    /// The module in which samples first meet.
    pub module: Option<String>,
    /// Its class.
    pub module_kind: Option<String>,
    /// The operation after which they are no longer apart.
    pub function: Option<String>,
    /// The user's line of that operation.
    pub place: Option<SourceLine>,
    /// Why it cannot be told.
    pub why: Option<String>,
    /// Whether normalisation by batch was switched off.
    pub batch_norms_in_eval: bool,
    /// Largest difference of the same gradient taken twice.
    pub repeat_error: Option<Number>,
}

/// How outputs change when one input of a sequence does.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Causal {
    /// Length of the sequence.
    pub length: u64,
    /// Largest change of an output after an earlier input changed.
    pub past: Option<Number>,
    /// Largest change of an output after a later input changed.
    pub future: Option<Number>,
    /// That output and that input.
    pub position: Option<[u64; 2]>,
    /// Whether the model predicts the next input.
    pub predicts_next: bool,
    /// The module in which the future comes in.
    pub module: Option<String>,
    /// The operation by which it does.
    pub function: Option<String>,
    /// The user's line of that operation.
    pub place: Option<SourceLine>,
}

/// The loss as the learning rate rises from step to step.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Range {
    /// Learning rates, rising.
    pub rates: Vec<Number>,
    /// The loss before the step with each.
    pub losses: Vec<Number>,
    /// The rate of the script; that of its plateau where a schedule begins lower.
    pub used: Option<Number>,
    /// Class of the optimizer.
    pub optimizer: String,
}

/// An autograd function of the user's own against finite differences in double precision.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct GradientCheck {
    /// Its class.
    pub function: String,
    /// Where its backward pass is defined.
    pub place: Option<SourceLine>,
    /// Where it is used.
    pub called: Option<SourceLine>,
    /// Largest relative error.
    pub worst: Option<Number>,
    /// The input whose gradient it is.
    pub input: u64,
    /// The error that rounding explains.
    pub tolerance: Option<Number>,
    /// Why it could not be checked.
    pub why_not: Option<String>,
}

/// One channel, or column, of training and validation inputs.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct ValidationChannel {
    /// Mean in training.
    pub train_mean: Number,
    /// Standard deviation in training.
    pub train_std: Number,
    /// Mean in validation.
    pub valid_mean: Number,
    /// Standard deviation in validation.
    pub valid_std: Number,
    /// Standard deviation, over training samples, of the mean of a sample.
    pub train_spread: Option<Number>,
    /// The same over validation samples.
    pub valid_spread: Option<Number>,
}

/// Inputs of training and of validation, as the model gets them.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Validation {
    /// Training samples measured.
    pub n_train: u64,
    /// Validation samples measured.
    pub n_valid: u64,
    /// Statistics by channel.
    pub channels: Vec<ValidationChannel>,
    /// Standard deviation, over training samples, of the mean of a sample.
    pub spread_train: Option<Number>,
    /// The same over validation samples.
    pub spread_valid: Option<Number>,
}

/// The model with another size of its input.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct SizeTrial {
    /// `step with a batch of 7` for all of it with the loss, `batch of 7` for the model alone, `sequence of 13`, `pictures of 37x41`.
    pub what: String,
    /// `ok`, `raised` or `differs`.
    pub outcome: String,
    /// What was raised.
    pub message: String,
    /// The user's line where it was.
    pub place: Option<SourceLine>,
    /// By how much the output of a sample differs, relative to its size.
    pub difference: Option<Number>,
    /// Whether such a size comes in this training.
    pub will_come: bool,
    /// Distance from 1 to the next number in the coarsest type that the model works in.
    pub epsilon: Option<Number>,
}

/// The network and two simple models, trained on the same batches with the same loss.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Ladder {
    /// Steps of each.
    pub steps: u64,
    /// Losses of the user's network.
    pub network: Vec<Number>,
    /// Losses of a linear model.
    pub linear: Vec<Number>,
    /// Losses of a network with one hidden layer.
    pub mlp: Vec<Number>,
}

/// How many validation samples decide.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct MiniValidation {
    /// Validation samples measured.
    pub n: u64,
    /// Standard deviation of the loss over samples.
    pub per_sample_std: Option<Number>,
    /// Mean loss.
    pub per_sample_mean: Option<Number>,
    /// How many samples tell a difference of 5 % of the mean, at 95 %.
    pub smallest: Option<u64>,
}

/// Memory and time of a step by the size of the batch.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Memory {
    /// Samples in a batch, rising.
    pub sizes: Vec<u64>,
    /// Bytes at the peak of a step.
    pub bytes: Vec<Number>,
    /// Seconds of a step.
    pub seconds: Vec<Number>,
    /// Why no larger one was tried.
    pub stopped: String,
}
