//! The record of a training script: which way its conditions went, which errors it dropped, what it loaded. `code.json` in the
//! folder of a run is this record.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::run::SourceLine;
use crate::{Place, Record, Signal};

/// A condition of the user's, with how often it held.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Branch {
    /// Where it stands.
    pub place: SourceLine,
    /// `if`, `elif`, `ternary`, `while`, `filter`.
    pub kind: String,
    /// As written: `x > 0`.
    pub condition: String,
    /// Times that it held.
    pub taken: u64,
    /// Times that it did not.
    pub not_taken: u64,
    /// What it tested, each in its shortest form: `x = 3 … 17`.
    pub values: Vec<String>,
    /// Whether what hangs on it only raises, returns an error or ends the script.
    pub is_guard: bool,
    /// What it is for, as far as its text tells: `option`, `periodic`, `best`, `device`, `kind of value` …; empty where nothing is known.
    pub role: String,
    /// Why it cannot vary, where the values tell: `an int is compared with a str`.
    pub why: String,
    /// Whether it is reached from a training step or from the reading of a sample.
    pub in_step: bool,
}

/// What a dropped error was about.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ErrorKind {
    /// A checkpoint was being loaded.
    Loading,
    /// Data were being read.
    Reading,
    /// A training step was being made.
    Stepping,
    /// Something else.
    #[default]
    #[serde(other)]
    Other,
}

/// Errors that one `except` caught and dropped.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Swallowed {
    /// The line of the `except`.
    pub place: SourceLine,
    /// The user's line that raised it.
    pub raised: SourceLine,
    /// `KeyError`.
    #[serde(rename = "type")]
    pub error: String,
    /// Its message, the first line.
    pub message: String,
    /// Times that it was dropped.
    pub count: u64,
    /// Times that the `try` was entered; 0 where that was not counted.
    pub n_tried: u64,
    /// What was being done.
    pub kind: ErrorKind,
    /// Whether everything is caught, not errors of a kind.
    pub is_broad: bool,
    /// What is done instead: `pass`, `continue`, `return`, `print`.
    pub statement: String,
}

/// A file that the script asked for and that was not there.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct MissingFile {
    /// As the script named it.
    pub path: String,
    /// Where it was asked for.
    pub place: SourceLine,
    /// By what: `os.path.exists`, `open`, `torch.load`, `glob`.
    pub how: String,
    /// Times.
    pub count: u64,
    /// `checkpoint`, `data`, `config` or `other`, by its name.
    pub looks_like: String,
    /// Whether it was there when the run ended.
    pub was_created_later: bool,
    /// Whether the script would write it, in a longer run.
    pub is_saved_in_code: bool,
    /// Whether an optimizer made its first step afterwards.
    pub before_training: bool,
    /// Checkpoints that the run itself wrote, elsewhere.
    pub saved_instead: Vec<String>,
}

/// A state that was put into a model.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Load {
    /// Where.
    pub place: SourceLine,
    /// Class of the model.
    pub model: String,
    /// The file that the state came from, where it came from one.
    pub path: Option<String>,
    /// Parameters and buffers of the model.
    pub n_parameters: u64,
    /// Of these, those that the state held.
    pub n_loaded: u64,
    /// Of these, those whose values became others.
    pub n_changed: u64,
    /// Entries of the state.
    pub n_in_file: u64,
    /// Names that the model has and the state lacks.
    pub missing: Vec<String>,
    /// Names that the state has and the model lacks.
    pub unexpected: Vec<String>,
    /// Pairs of a missing and an unexpected name that are of one shape and end alike.
    pub renamed: Vec<(String, String)>,
    /// Whether such names were to be an error.
    pub strict: bool,
    /// Whether the state is the model's own memory, so that loading it does nothing.
    pub is_own_memory: bool,
    /// What undid it before the first step.
    pub after_load: Option<String>,
    /// Where it was undone, if that is known.
    pub undone_at: Option<SourceLine>,
    /// Of the loaded ones, those that were still in a trained model at the first step.
    pub n_kept: Option<u64>,
    /// Whether an optimizer made its first step afterwards.
    pub before_training: bool,
    /// Whether the run wrote this file itself.
    pub written_by_run: bool,
}

/// A file of parameters that was read.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct FileRead {
    /// As the script named it.
    pub path: String,
    /// Where.
    pub place: SourceLine,
    /// Parameters that it holds.
    pub n_parameters: u64,
    /// Share of them that have the shape of a parameter of the trained model.
    pub fits: f64,
    /// Into how many modules it was loaded.
    pub loaded_into: u64,
    /// Of its parameters, those that a module had at the first step.
    pub n_in_use: u64,
    /// Whether an optimizer made its first step afterwards.
    pub before_training: bool,
    /// Whether the run wrote this file itself.
    pub written_by_run: bool,
}

/// A source of random numbers.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Randomness {
    /// `torch`, `numpy`, `python random`.
    pub source: String,
    /// Whether it was given a seed.
    pub seeded: bool,
    /// Whether it was drawn from.
    pub used: bool,
    /// Where it was made or first used, if known.
    pub place: Option<SourceLine>,
}

/// An optimizer whose parameters are of no model that is trained.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct StaleOptimizer {
    /// Where the optimizer was made.
    pub place: SourceLine,
    /// Its class.
    pub optimizer: String,
    /// Parameters that it has.
    pub n_parameters: u64,
    /// Of these, those that belong to a model.
    pub n_in_model: u64,
    /// Parameters of models that get gradients and are in no optimizer, by name.
    pub orphans: Vec<String>,
    /// How many there are.
    pub n_orphans: u64,
    /// Where the model, or its new part, was made.
    pub model_place: Option<SourceLine>,
}

/// What the samples of a data loader must satisfy, and which did not.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Contract {
    /// The loader, as the script names it.
    pub name: String,
    /// Samples that were looked at, each as often as it was drawn.
    pub n_samples: u64,
    /// What is done with a sample that breaks it: `raise`, `skip`, `warn`.
    pub policy: String,
    /// What it says: `[1].boxes: xmin < xmax`.
    pub rules: Vec<String>,
    /// The first violations, one a sample, field and rule, by index.
    pub violations: Vec<Violation>,
    /// Violations of all rules, each as often as it was met.
    pub n_violations: u64,
}

/// A sample that breaks a contract.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Violation {
    /// The field: `[1].boxes`.
    pub field: String,
    /// The rule: `xmin < xmax`.
    pub rule: String,
    /// What it holds, in a few words.
    pub value: String,
    /// Its index in the data set, or its position in a stream; a word where the data set's indices are words.
    pub index: Value,
    /// Whether it was left out.
    pub quarantined: bool,
}

/// What is known of a training script.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Code {
    /// The script, as the user would name it.
    pub script: String,
    /// Steps of optimizers.
    pub n_steps: u64,
    /// Whether the script came to its own end, without an error.
    pub ended: bool,
    /// Conditions.
    pub branches: Option<Vec<Branch>>,
    /// Errors that were dropped.
    pub swallowed: Option<Vec<Swallowed>>,
    /// Files that were not there.
    pub missing_files: Option<Vec<MissingFile>>,
    /// States that were put into models.
    pub loads: Option<Vec<Load>>,
    /// Files of parameters that were read.
    pub files_read: Vec<FileRead>,
    /// Sources of random numbers.
    pub randomness: Option<Vec<Randomness>>,
    /// Optimizers without a model.
    pub stale_optimizers: Option<Vec<StaleOptimizer>>,
    /// Contracts of data loaders.
    pub contracts: Option<Vec<Contract>>,
}

impl Record for Code {
    fn missing(&self, signal: Signal) -> Option<String> {
        let is_there = match signal {
            Signal::Branches => self.branches.is_some(),
            Signal::DroppedErrors => self.swallowed.is_some(),
            Signal::Checkpoints => self.loads.is_some() || self.missing_files.is_some(),
            Signal::Seeds => self.randomness.is_some(),
            Signal::OptimizerParameters => self.stale_optimizers.is_some(),
            Signal::Contracts => self.contracts.is_some(),
            _ => false,
        };
        // Contracts are kept where they are asked for alone.
        let why = match signal {
            Signal::Contracts => "no contract was given (`--contract`, `stetho.contract`)".into(),
            _ => format!("{} not recorded", signal.name()),
        };
        (!is_there).then_some(why)
    }
}

impl SourceLine {
    /// The line as a place.
    pub fn to_place(&self) -> Place {
        Place::source(self.path.clone(), self.line, &self.text)
    }

    /// `train.py:37`
    pub fn at(&self) -> String {
        format!("{}:{}", self.path, self.line)
    }
}
