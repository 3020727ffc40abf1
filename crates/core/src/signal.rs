//! Named measured quantities: rules declare which they need, measurers measure the union.

use std::collections::BTreeSet;
use std::fmt;

use crate::preflight::Experiment;
use crate::run::Fact;

/// A named measured quantity.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Signal {
    /// Per-column profiles: types, nulls, moments, quantiles, frequent values.
    Columns,
    /// Which column is the target, and how its values are distributed.
    Target,
    /// Rows that could not be read.
    Malformed,
    /// Groups of identical rows.
    Duplicates,
    /// Groups of rows with identical features and different labels.
    Conflicts,
    /// Pairwise association of columns.
    Associations,
    /// Eigenvalues of the standardised covariance.
    Spectrum,
    /// Distance of rows to their nearest neighbours.
    Isolation,
    /// How well each column alone predicts the target.
    SingleColumnScores,
    /// Dependence of columns on the order of rows.
    RowOrder,
    /// Profiles of validation and test sets.
    Splits,
    /// Rows shared between splits.
    Overlap,
    /// Shift of columns between splits.
    Drift,
    /// Label rates and sizes of named groups.
    Groups,
    /// What each picture looks like.
    Pictures,
    /// Classes of pictures.
    PictureLabels,
    /// Pictures that are copies of each other.
    PictureCopies,
    /// Boxes around objects.
    Boxes,
    /// Scores of simple models on unseen rows.
    Scores,
    /// Whether predictions of unseen rows have anything to do with the target.
    SignalTest,
    /// Score against the number of training rows.
    LearningCurve,
    /// Labels that models do not believe.
    LabelErrors,
    /// Scores with columns prepared in several ways.
    ScalingTrials,
    /// Remedies that were tried.
    Trials,
    /// Scores within groups of rows.
    GroupScores,
    /// How few validation rows decide.
    MiniValidation,
    /// The training loss of a run.
    TrainLoss,
    /// A loss of a run, or a term of one.
    AnyLoss,
    /// The terms that the training loss is a sum of.
    LossTerms,
    /// The validation loss of a run.
    ValidationLoss,
    /// Metrics of a run.
    Metrics,
    /// The learning rate of a run.
    LearningRate,
    /// The norm of the gradient of all parameters.
    GradientNorm,
    /// Gradient norms, of all parameters or of layers.
    AnyGradient,
    /// The factor of the loss in half precision.
    LossScale,
    /// Seconds of a step, and of its wait for data.
    StepTimes,
    /// Memory in use by a run.
    Memory,
    /// Memory in use by a run, or the graphs that it keeps alive.
    MemoryOrGraphs,
    /// Shares of predictions by class.
    ClassShares,
    /// Gradient norms of layers.
    LayerGradients,
    /// Norms of the weights of layers, or counts of their non-finite values.
    LayerWeights,
    /// Sizes of updates against weights, by layer.
    LayerUpdates,
    /// Sizes of updates against weights, by layer, or the learning rate.
    StepSizes,
    /// Norms of the weights of layers, or of their updates: what tells whether they change.
    LayerChanges,
    /// Shares of dead units of layers, or of zeros.
    DeadUnits,
    /// Shares of saturated units of layers.
    SaturatedUnits,
    /// Anything logged of a run.
    AnySeries,
    /// A fact of the training loop.
    Live(Fact),
    /// What an experiment before training measures.
    Preflight(Experiment),
    /// Which way the conditions of a script went.
    Branches,
    /// Errors that a script caught and dropped.
    DroppedErrors,
    /// What a script loaded, and what it asked for in vain.
    Checkpoints,
    /// Whether sources of random numbers were seeded.
    Seeds,
    /// Whose parameters an optimizer has.
    OptimizerParameters,
    /// Contracts of data loaders.
    Contracts,
}

impl Signal {
    /// The signal in words, for *skipped: why*.
    pub fn name(self) -> &'static str {
        match self {
            Self::Columns => "column profiles",
            Self::Target => "the target column",
            Self::Malformed => "the reader's log",
            Self::Duplicates => "duplicate rows",
            Self::Conflicts => "conflicting labels",
            Self::Associations => "associations of columns",
            Self::Spectrum => "covariance eigenvalues",
            Self::Isolation => "nearest neighbours",
            Self::SingleColumnScores => "single-column predictions",
            Self::RowOrder => "row-order statistics",
            Self::Splits => "validation or test data",
            Self::Overlap => "rows shared between splits",
            Self::Drift => "shift between splits",
            Self::Groups => "group statistics",
            Self::Pictures => "pictures",
            Self::PictureLabels => "labels of pictures",
            Self::PictureCopies => "copies of pictures",
            Self::Boxes => "boxes",
            Self::Scores => "scores of models",
            Self::SignalTest => "a test for signal",
            Self::LearningCurve => "the learning curve",
            Self::LabelErrors => "out-of-fold probabilities",
            Self::ScalingTrials => "trials of scaling",
            Self::Trials => "trials of remedies",
            Self::GroupScores => "scores within groups",
            Self::MiniValidation => "the spread of scores over rows",
            Self::TrainLoss => "training loss",
            Self::AnyLoss => "loss",
            Self::LossTerms => "terms of the training loss",
            Self::ValidationLoss => "validation loss",
            Self::Metrics => "metric",
            Self::LearningRate => "learning rate",
            Self::GradientNorm => "gradient norm",
            Self::AnyGradient => "gradient norm, whole or by layer",
            Self::LossScale => "loss scale",
            Self::StepTimes => "times of steps and of waiting for data",
            Self::Memory | Self::MemoryOrGraphs => "memory in use",
            Self::ClassShares => "shares of predictions by class, or recall",
            Self::LayerGradients => "gradient norms of layers",
            Self::LayerWeights => "weight norms of layers",
            Self::StepSizes => "update sizes of layers and no learning rate",
            Self::LayerChanges => "weight or update norms of layers",
            Self::LayerUpdates => "update sizes of layers",
            Self::DeadUnits => "shares of dead units",
            Self::SaturatedUnits => "shares of saturated units",
            Self::AnySeries => "series",
            Self::Live(fact) => fact.name(),
            Self::Preflight(experiment) => experiment.name(),
            Self::Branches => "conditions of the script",
            Self::DroppedErrors => "errors that the script dropped",
            Self::Checkpoints => "checkpoints that the script asked for",
            Self::Seeds => "sources of random numbers",
            Self::OptimizerParameters => "parameters of the optimizers",
            Self::Contracts => "contracts of data loaders",
        }
    }
}

impl fmt::Display for Signal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// A set of signals.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Signals(BTreeSet<Signal>);

impl Signals {
    /// Whether `signal` is wanted.
    pub fn contains(&self, signal: Signal) -> bool {
        self.0.contains(&signal)
    }

    /// What is in either set.
    #[must_use]
    pub fn union(mut self, other: Self) -> Self {
        self.0.extend(other.0);
        self
    }
}

impl FromIterator<Signal> for Signals {
    fn from_iter<I: IntoIterator<Item = Signal>>(signals: I) -> Self {
        Self(signals.into_iter().collect())
    }
}

/// What a measurer saw, and which of the signals it could not measure.
pub trait Record {
    /// Why `signal` is not in this record; `None` when it is.
    fn missing(&self, signal: Signal) -> Option<String>;
}
