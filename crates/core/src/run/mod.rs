//! The record of a training run: what was logged of it, each series in a bounded digest.
//!
//! A [`Run`] grows with the run. Rules judge it as it stands, so they say the same of a run that is followed and of one
//! that is read from its log: whoever follows judges again and again, and tells what is new.

mod digest;
mod fact;
mod quantity;
mod trap;

pub use digest::{Block, Digest, Jump, NonFinite, Point};
pub use fact::{Call, Fact, Site};
pub use quantity::{Better, LayerQuantity, Part, Quantity};
pub use trap::{
    Action, Cause, Explained, FoundBy, Named, Operand, Phase, Quote, Replay, ReplayOutcome, SourceLine, Trap,
    TrapDetails, TrapKind, TrapSample,
};

use crate::{Record, Signal};

/// One series of a run.
#[derive(Clone, Debug)]
pub struct Series {
    /// Its name in the log.
    pub tag: String,
    /// What it measures.
    pub quantity: Quantity,
    /// What it measures it of: the name of a loss term, a metric, a layer, a parameter group, a class. Empty for the whole.
    pub name: String,
    /// What was logged.
    pub digest: Digest,
}

impl Series {
    /// Whether it is a metric that is 0 where nothing is told to be positive.
    pub fn is_of_positives(&self) -> bool {
        let tag = self.tag.to_lowercase();
        let mut words = tag.split(|c: char| !c.is_alphanumeric());
        matches!(self.quantity, Quantity::Metric(_, Better::Higher))
            && words.any(|w| ["recall", "sensitivity", "tpr", "f1"].contains(&w))
    }
}

/// What was logged of a training run.
#[derive(Clone, Debug, Default)]
pub struct Run {
    /// Its name: the path of its log, as the user named it.
    pub name: String,
    /// Its series, in the order in which they first appeared; those of layers thus from the input to the output, as
    /// frameworks list them.
    pub series: Vec<Series>,
    /// What the numbers on the step axis count: `step`, `epoch`, `line`.
    pub unit: &'static str,
    /// Why the training loss is not meant to fall, where it is not: the losses of a game, or of reinforcement learning.
    pub contest: Option<&'static str>,
    /// Where a restart stepped back: the step at which it began anew.
    pub restarts: Vec<u64>,
    /// What stopped it, or would have, in the order of time.
    pub traps: Vec<Trap>,
    /// Whether the run is over, as far as one can know: nobody follows it.
    pub is_over: bool,
}

impl Run {
    /// The series of one quantity.
    pub fn of(&self, quantity: Quantity) -> impl Iterator<Item = &Series> {
        self.series.iter().filter(move |s| s.quantity == quantity && s.digest.n() > 0)
    }

    /// The series that holds most points of a quantity of the whole.
    fn fullest(&self, quantity: Quantity) -> Option<&Series> {
        self.of(quantity).max_by_key(|s| s.digest.n())
    }

    /// The training loss: the series with the most points where several are logged, by step and by epoch; the only term where no whole is
    /// logged; an error that is to fall where no loss is.
    pub fn train_loss(&self) -> Option<&Series> {
        self.fullest(Quantity::Loss(Part::Train))
            .or_else(|| self.only_term(Part::Train))
            .or_else(|| self.of(Quantity::Metric(Part::Train, Better::Lower)).next())
    }

    /// The term of a loss that is the whole, since it is the only one.
    fn only_term(&self, part: Part) -> Option<&Series> {
        let mut terms = self.of(Quantity::LossTerm(part));
        terms.next().filter(|_| terms.next().is_none())
    }

    /// The validation loss; the test loss where nothing else is logged.
    pub fn validation_loss(&self) -> Option<&Series> {
        self.fullest(Quantity::Loss(Part::Validation))
            .or_else(|| self.only_term(Part::Validation))
            .or_else(|| self.of(Quantity::Metric(Part::Validation, Better::Lower)).next())
            .or_else(|| self.fullest(Quantity::Loss(Part::Test)))
            .or_else(|| self.of(Quantity::Metric(Part::Test, Better::Lower)).next())
    }

    /// The learning rate of the first parameter group.
    pub fn learning_rate(&self) -> Option<&Series> {
        self.of(Quantity::LearningRate).next()
    }

    /// The norm of the gradient of all parameters.
    pub fn gradient_norm(&self) -> Option<&Series> {
        self.of(Quantity::GradientNorm)
            .find(|s| s.name.is_empty())
            .or_else(|| self.fullest(Quantity::GradientNorm))
    }

    /// Metrics of a part, with what is better.
    pub fn metrics(&self, part: Part) -> impl Iterator<Item = (&Series, Better)> {
        self.series.iter().filter_map(move |s| match s.quantity {
            Quantity::Metric(p, better) if p == part && s.digest.n() > 0 => Some((s, better)),
            _ => None,
        })
    }

    /// Series of the layers, from the input to the output: in the order of the log, or where that is the order of the alphabet (as keys of JSON
    /// are often sorted), by the numbers in their names.
    pub fn layers(&self, quantity: LayerQuantity) -> impl Iterator<Item = &Series> {
        let mut series: Vec<&Series> = self.of(Quantity::Layer(quantity)).collect();
        if series.windows(2).all(|w| w[0].name <= w[1].name) {
            series.sort_by_cached_key(|s| numbers_apart(&s.name));
        }
        series.into_iter()
    }

    /// Series of a fact of the training loop, one for each thing that it is measured of.
    pub fn facts(&self, fact: Fact) -> impl Iterator<Item = &Series> {
        self.of(Quantity::Live(fact))
    }

    /// The newest value of a fact of the whole.
    pub fn fact(&self, fact: Fact) -> Option<f64> {
        self.facts(fact).next().and_then(|s| s.digest.last()).map(|p| p.value)
    }

    /// The newest value of a fact of the thing called `name`.
    pub fn fact_of(&self, fact: Fact, name: &str) -> Option<f64> {
        self.facts(fact).find(|s| s.name == name).and_then(|s| s.digest.last()).map(|p| p.value)
    }

    /// The lines of the script that make a call, the first seen first.
    pub fn sites(&self, call: Call) -> impl Iterator<Item = Site<'_>> {
        self.facts(Fact::Site).filter_map(|s| Site::parse(&s.name)).filter(move |site| site.call == call)
    }

    /// The last step of any series.
    pub fn last_step(&self) -> Option<u64> {
        self.series.iter().filter_map(|s| s.digest.last()).map(|p| p.step).max()
    }
}

/// A name in pieces that sort numbers by size: `layers.10` after `layers.2`.
fn numbers_apart(name: &str) -> Vec<(String, u64)> {
    let mut pieces = vec![(String::new(), 0u64)];
    let mut in_number = false;
    for c in name.chars() {
        if let (Some(digit), Some(last)) = (c.to_digit(10), pieces.last_mut()) {
            last.1 = last.1.saturating_mul(10).saturating_add(digit.into());
            in_number = true;
            continue;
        }
        if in_number {
            pieces.push((String::new(), 0));
            in_number = false;
        }
        if let Some(last) = pieces.last_mut() {
            last.0.push(c);
        }
    }
    pieces
}

impl Record for Run {
    fn missing(&self, signal: Signal) -> Option<String> {
        let any = |test: &dyn Fn(Quantity) -> bool| {
            self.series.iter().any(|s| test(s.quantity) && s.digest.n_logged() > 0)
        };
        let is_trapped = |kind: TrapKind| self.traps.iter().any(|trap| trap.kind == kind);
        let is_there = match signal {
            Signal::TrainLoss => self.train_loss().is_some(),
            Signal::AnyLoss => {
                any(&|q| matches!(q, Quantity::Loss(_) | Quantity::LossTerm(_)))
                    || self.train_loss().is_some()
                    || is_trapped(TrapKind::Loss)
            }
            Signal::LossTerms => any(&|q| q == Quantity::LossTerm(Part::Train)),
            Signal::ValidationLoss => self.validation_loss().is_some(),
            Signal::Metrics => any(&|q| matches!(q, Quantity::Metric(..))),
            Signal::LearningRate => any(&|q| q == Quantity::LearningRate),
            Signal::GradientNorm => any(&|q| q == Quantity::GradientNorm),
            Signal::AnyGradient => {
                any(&|q| matches!(q, Quantity::GradientNorm | Quantity::Layer(LayerQuantity::GradientNorm)))
                    || is_trapped(TrapKind::Gradient)
            }
            Signal::LossScale => any(&|q| q == Quantity::LossScale),
            Signal::StepTimes => any(&|q| q == Quantity::DataTime) && any(&|q| q == Quantity::StepTime),
            Signal::Memory => any(&|q| q == Quantity::Memory),
            Signal::MemoryOrGraphs => {
                any(&|q| matches!(q, Quantity::Memory | Quantity::Live(Fact::KeptGraphs)))
            }
            Signal::ClassShares => {
                any(&|q| q == Quantity::ClassShare)
                    || self.series.iter().any(|s| s.is_of_positives() && s.digest.n_logged() > 0)
            }
            Signal::LayerGradients => any(&|q| q == Quantity::Layer(LayerQuantity::GradientNorm)),
            Signal::LayerWeights => {
                any(&|q| matches!(q, Quantity::Layer(LayerQuantity::WeightNorm | LayerQuantity::NonFinite)))
                    || is_trapped(TrapKind::Parameter)
            }
            Signal::LayerUpdates => {
                any(&|q| q == Quantity::Layer(LayerQuantity::UpdateRatio))
                    || (any(&|q| q == Quantity::Layer(LayerQuantity::UpdateNorm))
                        && any(&|q| q == Quantity::Layer(LayerQuantity::WeightNorm)))
            }
            Signal::StepSizes => {
                self.missing(Signal::LayerUpdates).is_none() || any(&|q| q == Quantity::LearningRate)
            }
            Signal::LayerChanges => any(&|q| {
                use LayerQuantity as Of;
                matches!(q, Quantity::Layer(Of::WeightNorm | Of::UpdateNorm | Of::UpdateRatio))
            }),
            Signal::DeadUnits => {
                any(&|q| matches!(q, Quantity::Layer(LayerQuantity::DeadShare | LayerQuantity::ZeroShare)))
            }
            Signal::SaturatedUnits => any(&|q| q == Quantity::Layer(LayerQuantity::SaturatedShare)),
            Signal::AnySeries => any(&|_| true),
            Signal::Live(fact) => any(&|q| q == Quantity::Live(fact)),
            _ => false,
        };
        (!is_there).then(|| format!("the log holds no {}", signal.name()))
    }
}
