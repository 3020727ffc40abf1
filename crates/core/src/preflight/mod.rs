//! Record of a preflight: what short experiments on the user's own training step measured, before training.
//!
//! It is `preflight.json` in the folder of the run, written in Python. Every key is optional, so that a preflight that was cut short is
//! judged by what it has, and a section that cannot be read costs no other.

mod batch;
mod experiments;
mod losses;
mod model;

use serde::de::DeserializeOwned;
use serde_json::{Map, Value};

pub use batch::{Batch, Channel, FirstLayer, Histogram, Input, Picture, Target};
pub use experiments::{
    Causal, GradientCheck, Init, Ladder, LossCurve, Memory, MiniValidation, Mixing, Overfit, Range,
    SizeTrial, Validation, ValidationChannel, Zeroed,
};
pub use losses::{LossCall, Raised, Softmax, TargetKind};
pub use model::{Layer, Model, Norm, Output, Parameter};

use crate::{Record, Signal};

/// The file in the folder of a run.
pub const FILE: &str = "preflight.json";

/// One line of the checklist: an experiment, in the order in which they were made.
#[derive(Clone, Debug, Default, PartialEq, serde::Serialize, serde::Deserialize)]
#[serde(default)]
pub struct Made {
    /// Its key: that of the section of the record that it fills, or `facts`.
    pub name: String,
    /// What it does, for the checklist: `overfit one batch`.
    pub title: String,
    /// How long it took, in seconds.
    pub seconds: f64,
    /// Why it was not made, in a few words.
    pub skipped: Option<String>,
}

/// Sections of the record, each filled by one experiment.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Experiment {
    /// The parameters of the model.
    Parameters,
    /// The batch as the network sees it.
    Batch,
    /// Calls of loss functions.
    LossCalls,
    /// Calls of softmax functions.
    Softmaxes,
    /// Layers, with their weights and outputs.
    Layers,
    /// Normalisation layers.
    Norms,
    /// The loss before training.
    Init,
    /// A few samples learned by heart.
    Overfit,
    /// Training with inputs that are 0.
    Zeroed,
    /// Gradients of outputs by the inputs of other samples.
    Mixing,
    /// Dependence of outputs on later inputs.
    Causal,
    /// The final bias, and how frequent classes are.
    Output,
    /// The loss as the learning rate rises.
    Range,
    /// Own autograd functions against finite differences.
    GradientChecks,
    /// Statistics of training and validation inputs.
    Validation,
    /// Other sizes of batch, sequence and picture.
    Sizes,
    /// Simple models on the same batches.
    Ladder,
    /// The spread of the loss over validation samples.
    MiniValidation,
    /// Memory by the size of the batch.
    Memory,
}

impl Experiment {
    /// Every section.
    pub const ALL: [Self; 19] = [
        Self::Parameters,
        Self::Batch,
        Self::LossCalls,
        Self::Softmaxes,
        Self::Layers,
        Self::Norms,
        Self::Init,
        Self::Overfit,
        Self::Zeroed,
        Self::Mixing,
        Self::Causal,
        Self::Output,
        Self::Range,
        Self::GradientChecks,
        Self::Validation,
        Self::Sizes,
        Self::Ladder,
        Self::MiniValidation,
        Self::Memory,
    ];

    /// Its key in the record.
    pub fn key(self) -> &'static str {
        self.words().0
    }

    /// What it measures, in words.
    pub fn name(self) -> &'static str {
        self.words().1
    }

    fn words(self) -> (&'static str, &'static str) {
        match self {
            Self::Parameters => ("parameters", "parameters of the model"),
            Self::Batch => ("batch", "the first batch"),
            Self::LossCalls => ("loss_calls", "calls of loss functions"),
            Self::Softmaxes => ("softmaxes", "calls of softmax"),
            Self::Layers => ("layers", "layers of the model"),
            Self::Norms => ("norms", "normalisation layers"),
            Self::Init => ("init", "the loss before training"),
            Self::Overfit => ("overfit", "a batch learned by heart"),
            Self::Zeroed => ("zeroed", "training with inputs of 0"),
            Self::Mixing => ("mixing", "dependence on other samples of the batch"),
            Self::Causal => ("causal", "dependence on later inputs"),
            Self::Output => ("output", "the final bias and the shares of classes"),
            Self::Range => ("range", "the loss by the learning rate"),
            Self::GradientChecks => ("gradient_checks", "own autograd functions"),
            Self::Validation => ("validation", "training and validation inputs"),
            Self::Sizes => ("sizes", "other sizes of the input"),
            Self::Ladder => ("ladder", "simple models on the same batches"),
            Self::MiniValidation => ("mini_validation", "the loss over validation samples"),
            Self::Memory => ("memory", "memory by the size of the batch"),
        }
    }
}

/// What a preflight measured. Sections that are `None` were not measured; see [`Preflight::made`] for why.
#[derive(Clone, Debug, Default, PartialEq)]
#[expect(missing_docs, reason = "sections are documented by their types and by `Experiment`")]
pub struct Preflight {
    /// Seconds in all.
    pub seconds: f64,
    /// Seconds that were allowed.
    pub budget: f64,
    /// The script, as the user named it.
    pub script: String,
    /// The checklist.
    pub made: Vec<Made>,
    pub model: Option<Model>,
    pub parameters: Option<Vec<Parameter>>,
    pub batch: Option<Batch>,
    pub loss_calls: Option<Vec<LossCall>>,
    pub softmaxes: Option<Vec<Softmax>>,
    pub raised: Option<Raised>,
    pub init: Option<Init>,
    pub overfit: Option<Overfit>,
    pub zeroed: Option<Zeroed>,
    pub mixing: Option<Mixing>,
    pub causal: Option<Causal>,
    pub layers: Option<Vec<Layer>>,
    pub norms: Option<Vec<Norm>>,
    pub output: Option<Output>,
    pub range: Option<Range>,
    pub gradient_checks: Option<Vec<GradientCheck>>,
    pub validation: Option<Validation>,
    pub sizes: Option<Vec<SizeTrial>>,
    pub ladder: Option<Ladder>,
    pub mini_validation: Option<MiniValidation>,
    pub memory: Option<Memory>,
    /// Sections that could not be read, each with why.
    pub damaged: Vec<(String, String)>,
}

/// Takes sections out of the text of a record, one by one.
struct Sections {
    map: Map<String, Value>,
    damaged: Vec<(String, String)>,
}

impl Sections {
    fn take<T: DeserializeOwned>(&mut self, key: &str) -> Option<T> {
        let mut value = self.map.remove(key).filter(|value| !value.is_null())?;
        drop_nulls(&mut value);
        serde_json::from_value(value).map_err(|e| self.damaged.push((key.into(), e.to_string()))).ok()
    }
}

/// What is not known is as good as not there.
fn drop_nulls(value: &mut Value) {
    match value {
        Value::Object(map) => {
            map.retain(|_, inner| !inner.is_null());
            map.values_mut().for_each(drop_nulls);
        }
        Value::Array(list) => list.iter_mut().for_each(drop_nulls),
        _ => {}
    }
}

impl Preflight {
    /// Reads a record.
    ///
    /// # Errors
    /// When the text is no JSON object.
    pub fn parse(text: &str) -> Result<Self, serde_json::Error> {
        let mut of = Sections { map: serde_json::from_str(text)?, damaged: Vec::new() };
        let mut record = Self {
            seconds: of.take("seconds").unwrap_or_default(),
            budget: of.take("budget").unwrap_or_default(),
            script: of.take("script").unwrap_or_default(),
            made: of.take("experiments").unwrap_or_default(),
            model: of.take("model"),
            parameters: of.take("parameters"),
            batch: of.take("batch"),
            loss_calls: of.take("loss_calls"),
            softmaxes: of.take("softmaxes"),
            raised: of.take("raised"),
            init: of.take("init"),
            overfit: of.take("overfit"),
            zeroed: of.take("zeroed"),
            mixing: of.take("mixing"),
            causal: of.take("causal"),
            layers: of.take("layers"),
            norms: of.take("norms"),
            output: of.take("output"),
            range: of.take("range"),
            gradient_checks: of.take("gradient_checks"),
            validation: of.take("validation"),
            sizes: of.take("sizes"),
            ladder: of.take("ladder"),
            mini_validation: of.take("mini_validation"),
            memory: of.take("memory"),
            damaged: Vec::new(),
        };
        record.damaged = of.damaged;
        Ok(record)
    }

    /// The line of the checklist that an experiment belongs to: its own, or that of the facts that are looked at together.
    pub fn line_of(&self, experiment: Experiment) -> Option<&Made> {
        let named = |name: &str| self.made.iter().find(|made| made.name == name);
        named(experiment.key()).or_else(|| named("facts"))
    }

    /// Whether an experiment left its section.
    fn holds(&self, experiment: Experiment) -> bool {
        match experiment {
            Experiment::Parameters => self.parameters.is_some(),
            Experiment::Batch => self.batch.is_some(),
            // A step that failed may have done so before any loss was called, and says as much.
            Experiment::LossCalls => self.loss_calls.is_some() || self.raised.is_some(),
            Experiment::Softmaxes => self.softmaxes.is_some(),
            Experiment::Layers => self.layers.is_some(),
            Experiment::Norms => self.norms.is_some(),
            Experiment::Init => self.init.is_some(),
            Experiment::Overfit => self.overfit.is_some(),
            Experiment::Zeroed => self.zeroed.is_some(),
            Experiment::Mixing => self.mixing.is_some(),
            Experiment::Causal => self.causal.is_some(),
            Experiment::Output => self.output.is_some(),
            Experiment::Range => self.range.is_some(),
            Experiment::GradientChecks => self.gradient_checks.is_some(),
            Experiment::Validation => self.validation.is_some(),
            Experiment::Sizes => self.sizes.is_some(),
            Experiment::Ladder => self.ladder.is_some(),
            Experiment::MiniValidation => self.mini_validation.is_some(),
            Experiment::Memory => self.memory.is_some(),
        }
    }

    /// All calls of loss functions.
    pub fn losses(&self) -> &[LossCall] {
        self.loss_calls.as_deref().unwrap_or_default()
    }

    /// The one call that the loss of the step is, where there is but one and it is no term of several.
    pub fn only_loss(&self) -> Option<&LossCall> {
        match self.losses() {
            [call] if !call.is_part => Some(call),
            _ => None,
        }
    }

    /// The parameter called `name`.
    pub fn parameter(&self, name: &str) -> Option<&Parameter> {
        self.parameters.as_deref()?.iter().find(|p| p.name == name)
    }
}

impl Record for Preflight {
    fn missing(&self, signal: Signal) -> Option<String> {
        let Signal::Preflight(experiment) = signal else {
            return Some(format!("a preflight does not measure {}", signal.name()));
        };
        if self.holds(experiment) {
            return None;
        }
        if let Some((key, why)) = self.damaged.iter().find(|(key, _)| key == experiment.key()) {
            return Some(format!("`{key}` of {FILE} cannot be read: {why}"));
        }
        let why = self.line_of(experiment).and_then(|made| made.skipped.clone());
        let why = why.or_else(|| match experiment {
            Experiment::Ladder => Some("simple models are trained with `--ladder`".to_owned()),
            Experiment::Memory => Some("larger batches are tried with `--memory`".to_owned()),
            _ => None,
        });
        Some(why.unwrap_or_else(|| format!("the preflight did not measure {}", experiment.name())))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_record_is_read_from_few_keys_and_one_bad_section_costs_no_other() {
        let text = r#"{"schema": 1, "seconds": 3.5, "batch": {"n": "many"}, "mixing": null, "of_the_future": 1,
            "experiments": [{"name": "facts", "title": "facts"}, {"name": "causal", "skipped": "no token inputs"}],
            "init": {"loss": "NaN"}, "overfit": {"curves": [{"optimizer": "SGD", "losses": [2.3, "Infinity"]}]}}"#;
        let record = Preflight::parse(text).unwrap();
        assert!(record.init.as_ref().unwrap().loss.unwrap().0.is_nan());
        assert!(record.overfit.as_ref().unwrap().curves[0].losses[1].0.is_infinite());
        let missing = |e| record.missing(Signal::Preflight(e)).unwrap();
        assert!(
            missing(Experiment::Batch).starts_with("`batch` of preflight.json cannot be read: invalid type")
        );
        assert_eq!(missing(Experiment::Causal), "no token inputs");
        assert_eq!(
            missing(Experiment::Mixing),
            "the preflight did not measure dependence on other samples of the batch"
        );
        assert_eq!(record.missing(Signal::Preflight(Experiment::Init)), None);
        assert!(Preflight::parse("[1]").is_err());
    }

    #[test]
    fn every_experiment_has_a_key_of_its_own() {
        let keys: std::collections::BTreeSet<_> = Experiment::ALL.iter().map(|e| e.key()).collect();
        assert_eq!(keys.len(), Experiment::ALL.len());
        Experiment::ALL.iter().enumerate().for_each(|(i, e)| assert_eq!(*e as usize, i));
    }
}
