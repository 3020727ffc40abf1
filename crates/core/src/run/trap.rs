//! What stopped a run at the moment it went wrong, and what its replay showed.

use serde::{Deserialize, Serialize};

use crate::{Number, SamplePicture};

/// What went wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TrapKind {
    /// The loss is no number.
    Loss,
    /// A gradient is no number.
    Gradient,
    /// A parameter is no number.
    Parameter,
    /// The loss is a number, far above all before it.
    Spike,
}

/// Where the first bad value arose.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Phase {
    /// In the batch, before the model saw it.
    Input,
    /// In the forward pass.
    #[default]
    Forward,
    /// In the backward pass.
    Backward,
    /// In the step of the optimizer.
    Optimizer,
}

/// Why an operation gives no number. Those `…AtZero`, [`Cause::AcosAtOne`] and [`Cause::WhereGradient`] are of the backward pass.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[expect(missing_docs, reason = "each is its own explanation, and `Cause::words` says it in words")]
pub enum Cause {
    LogOfZero,
    LogOfNegative,
    ZeroOverZero,
    DivisionByZero,
    SqrtOfNegative,
    SqrtAtZero,
    NormAtZero,
    PowAtZero,
    PowOfNegative,
    AcosAtOne,
    AcosOutOfRange,
    #[serde(rename = "atan2_at_zero")]
    Atan2AtZero,
    WhereGradient,
    ExpOverflow,
    HalfOverflow,
    Overflow,
    ZeroStd,
    MaskedSoftmax,
    InfiniteLogits,
    InfinityMinusInfinity,
    ZeroTimesInfinity,
    SingularMatrix,
    NanInInput,
    InfinityInInput,
    NanInTarget,
    EmptyReduction,
    UpdateOverflow,
    ZeroEpsilon,
    LearningRate,
    CustomFunction,
    OutlierInput,
    OutlierTarget,
    #[default]
    #[serde(other)]
    Unknown,
}

impl Cause {
    /// The cause in words; empty where it is not known.
    pub fn words(self) -> &'static str {
        match self {
            Self::LogOfZero => "the log of 0",
            Self::LogOfNegative => "the log of a negative number",
            Self::ZeroOverZero => "0 divided by 0",
            Self::DivisionByZero => "a division by 0",
            Self::SqrtOfNegative => "the square root of a negative number",
            Self::SqrtAtZero => "the square root has no slope at 0",
            Self::NormAtZero => "the norm has no slope at a zero vector",
            Self::PowAtZero => "a power below 1 has no slope at 0",
            Self::PowOfNegative => "a broken power of a negative number",
            Self::AcosAtOne => "acos and asin have no slope at 1 and -1",
            Self::AcosOutOfRange => "acos or asin of a number beyond 1",
            Self::Atan2AtZero => "atan2 has no slope where both of its arguments are 0",
            Self::WhereGradient => {
                "the branch that `where` does not choose has no slope there, and 0 times that is NaN"
            }
            Self::ExpOverflow => "exp overflows",
            Self::HalfOverflow => "the result does not fit into 16 bits",
            Self::Overflow => "the result overflows",
            Self::ZeroStd => "a division by a standard deviation of 0",
            Self::MaskedSoftmax => "a softmax over a row that is masked as a whole",
            Self::InfiniteLogits => "infinite scores go into the loss",
            Self::InfinityMinusInfinity => "infinity minus infinity",
            Self::ZeroTimesInfinity => "0 times infinity",
            Self::SingularMatrix => "a matrix that has no inverse",
            Self::NanInInput => "the batch itself holds NaN",
            Self::InfinityInInput => "the batch itself holds infinity",
            Self::NanInTarget => "the target itself is no number",
            Self::EmptyReduction => "a mean over nothing",
            Self::UpdateOverflow => "the update overflows",
            Self::ZeroEpsilon => "the optimizer divides by a second moment of 0 without an epsilon",
            Self::LearningRate => "the learning rate",
            Self::CustomFunction => "a function with a backward pass of its own",
            Self::OutlierInput => "an input far out of scale",
            Self::OutlierTarget => "a target far out of scale",
            Self::Unknown => "",
        }
    }
}

/// A number with a name.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Named {
    /// What the user's variable is called.
    pub name: String,
    /// Its value.
    pub value: Number,
}

/// Lines quoted from the script.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Quote {
    /// 1-based number of the first line.
    pub line: u64,
    /// The lines.
    pub text: String,
}

/// The user's line at which an operation ran; of one in the backward pass, the line of its forward pass.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct SourceLine {
    /// The file, as the user would name it.
    pub path: String,
    /// 1-based.
    pub line: u64,
    /// The line itself.
    pub text: String,
    /// The function that it stands in.
    pub function: String,
    /// The operation alone, as written: `torch.log(w / 20)`.
    pub expression: String,
    /// What it works on, as written: `w / 20`.
    pub argument: String,
    /// The lines around it.
    pub excerpt: Option<Quote>,
}

/// A sample of the batch that did it.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct TrapSample {
    /// Its row in the batch.
    pub row: u64,
    /// Its index in the data set.
    pub index: Option<u64>,
    /// The rank of the process that had it.
    pub rank: Option<u64>,
    /// The epoch in which it was drawn.
    pub epoch: Option<u64>,
    /// Its class or target, in words.
    pub label: Option<String>,
    /// The loss of it alone.
    pub loss: Option<Number>,
    /// Its fields, each with its value in words.
    pub values: Vec<(String, String)>,
    /// What it looks like.
    pub picture: Option<SamplePicture>,
}

/// How the samples were found.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FoundBy {
    /// By the rows of the operation's output.
    Rows,
    /// By halving the batch until the smallest part that fails was left.
    Halving,
    /// By the rows of a gradient.
    Gradient,
}

/// An operand in one line.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Operand {
    /// As written in the script, or its number.
    pub name: String,
    /// `f32[32] cpu, 0 … 3.1, 1 zero (row 21)`.
    pub text: String,
}

/// Whether running the step again gave the same.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ReplayOutcome {
    /// The same loss, bit for bit.
    Exact,
    /// Another one.
    Different,
    /// It could not be run again.
    Failed,
    /// It was not run again.
    #[default]
    None,
}

/// The step run again.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Replay {
    /// Whether it gave the same.
    pub outcome: ReplayOutcome,
    /// Why it did not.
    pub why: String,
}

/// A finding of the audit of the data that explains a sample.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Explained {
    /// Id of the rule.
    pub rule: String,
    /// What it says of the sample.
    pub message: String,
    /// The sample, by its index in the data set.
    pub index: Option<u64>,
}

/// What was done about it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Action {
    /// The run ended.
    #[default]
    Stopped,
    /// The batch was dropped, and the run went on.
    Skipped,
    /// The user was given the debugger.
    Debugger,
    /// The run went on as if nothing had been.
    Continued,
}

/// A run stopped at the moment it went wrong. Written as a line of JSON in the folder of the run.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Trap {
    /// What went wrong.
    pub kind: TrapKind,
    /// The optimizer step that was about to be made, 0-based.
    pub step: u64,
    /// Where the first bad value arose.
    pub phase: Phase,
    /// What is known beside.
    #[serde(flatten)]
    pub details: TrapDetails,
}

/// What is known of a trap; each part may be missing.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct TrapDetails {
    /// The epoch, 0-based.
    pub epoch: Option<u64>,
    /// The loss, by the name of the user's variable.
    pub loss: Option<Named>,
    /// The terms that it is the sum of, in the order of the script.
    pub terms: Vec<Named>,
    /// The term that broke.
    pub term: String,
    /// Of a spike: the level of the loss before.
    pub level: Option<Number>,
    /// Of a spike: the usual distance from that level.
    pub swing: Option<Number>,
    /// The loss of the batch without the samples.
    pub without: Option<Number>,
    /// The operation: `log`, or the node of the autograd graph, `SqrtBackward0`.
    pub op: String,
    /// The module that ran it, by its path in the model; empty outside of all.
    pub module: String,
    /// Parameters that are no numbers, or their gradients, the first to break first.
    pub parameters: Vec<String>,
    /// The line of the script.
    pub source: Option<SourceLine>,
    /// The samples that did it, worst first.
    pub samples: Vec<TrapSample>,
    /// How many samples did it, in all.
    pub n_samples: Option<u64>,
    /// Samples in the batch.
    pub batch_size: Option<u64>,
    /// How the samples were found.
    pub found_by: Option<FoundBy>,
    /// What the operation worked on.
    pub inputs: Vec<Operand>,
    /// What it gave, in one line.
    pub output: String,
    /// Why.
    pub cause: Cause,
    /// What makes the cause exact: `row 21 of w is 0`.
    pub detail: String,
    /// Type of the output: `f16`, `bf16`, `f32`, `f64`.
    pub dtype: String,
    /// The step run again.
    pub replay: Replay,
    /// Whether the step is compiled, and was run again without that.
    pub compiled: bool,
    /// Where the step is kept, relative to the folder of the run.
    pub bundle: String,
    /// Findings of the audit of the data that explain samples.
    pub explained_by: Vec<Explained>,
    /// What was done about it.
    pub action: Action,
    /// Batches that were dropped so far.
    pub n_skipped: u64,
    /// The losses of the last steps, each with its step.
    pub recent: Vec<(u64, Number)>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_trap_is_read_from_few_fields_and_from_many() {
        let trap: Trap = serde_json::from_str(r#"{"kind":"loss","step":3,"phase":"forward"}"#).unwrap();
        assert_eq!((trap.kind, trap.step, trap.phase), (TrapKind::Loss, 3, Phase::Forward));
        assert_eq!(trap.details, TrapDetails::default());
        let text = r#"{"kind":"gradient","step":12,"phase":"backward","loss":{"name":"loss","value":"NaN"},
            "samples":[{"row":3,"index":77,"values":[["xmin","12"]]}],"found_by":"halving","cause":"atan2_at_zero",
            "replay":{"outcome":"exact"},"recent":[[11,0.5],[12,"Infinity"]],"of_the_future":1}"#;
        let trap: Trap = serde_json::from_str(text).unwrap();
        assert_eq!(
            (trap.details.cause, trap.details.replay.outcome),
            (Cause::Atan2AtZero, ReplayOutcome::Exact)
        );
        let again: Trap = serde_json::from_str(&serde_json::to_string(&trap).unwrap()).unwrap();
        assert_eq!((again.details.samples, again.details.recent[1].0), (trap.details.samples, 12));
    }

    #[test]
    fn a_cause_of_the_future_is_unknown() {
        let cause: Cause = serde_json::from_str("\"moon_phase\"").unwrap();
        assert_eq!(cause, Cause::Unknown);
    }
}
