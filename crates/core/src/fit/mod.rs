//! The record of simple models: what they score on data they have not seen, and what was tried to make them score better.

mod curve;
mod labels;
mod scores;

pub use curve::{CurvePoint, LearningCurve};
pub use labels::{LabelIssue, LabelIssues};
pub use scores::{Estimate, FoldScore, difference};

use crate::table::Task;
use crate::{Measured, Record, Signal};

/// How predictions are scored: the higher, the better.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Score {
    /// Share of rows whose class was told right.
    #[default]
    Accuracy,
    /// Mean over the classes of the share told right; used where one class holds most rows.
    BalancedAccuracy,
    /// R², the share of the target's variance that is explained.
    R2,
}

impl Score {
    /// In words.
    pub fn name(self) -> &'static str {
        match self {
            Self::Accuracy => "accuracy",
            Self::BalancedAccuracy => "balanced accuracy",
            Self::R2 => "R²",
        }
    }
}

/// How flexible a model is. Models of one kind are ordered by what they can express.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum RungKind {
    /// The most frequent class, or the mean.
    Dummy,
    /// Logistic regression, or ridge regression.
    Linear,
    /// One decision tree of a few levels.
    ShallowTree,
    /// The mean of the nearest rows.
    Neighbours,
    /// A support vector machine with a Gaussian kernel, or its approximation.
    KernelSvm,
    /// Bagged trees.
    Forest,
    /// Gradient-boosted trees.
    Boosting,
    /// A network with one hidden layer of this many units.
    Network(usize),
}

/// One model of the ladder, with its scores.
#[derive(Clone, Debug, PartialEq)]
pub struct Rung {
    /// What it is.
    pub kind: RungKind,
    /// Its name: `random forest`.
    pub name: String,
    /// What it was set to: `100 trees`.
    pub settings: String,
    /// Scores of each fold.
    pub folds: Vec<FoldScore>,
    /// Standard error of the validation score by its rows alone, where there is a single fold.
    pub row_error: Option<f64>,
    /// Seconds to fit and score all folds, one after the other.
    pub seconds: f64,
}

impl Rung {
    /// The score on the rows that it was trained on.
    pub fn train(&self) -> Estimate {
        Estimate::of(self.folds.iter().map(|f| f.train), None)
    }

    /// The score on the rows that it has not seen.
    pub fn validation(&self) -> Estimate {
        Estimate::of(self.folds.iter().map(|f| f.validation), self.row_error)
    }

    /// By how much it scores better on training rows than on unseen ones.
    pub fn gap(&self) -> Estimate {
        Estimate::of(self.folds.iter().map(|f| f.train - f.validation), self.row_error)
    }

    /// By how much it scores better than another on the same folds.
    pub fn gain_over(&self, other: &Self) -> Estimate {
        difference(&self.folds, &other.folds, self.row_error.or(other.row_error))
    }
}

/// Whether predictions of unseen rows have anything to do with the target.
#[derive(Clone, Debug, PartialEq)]
pub struct SignalTest {
    /// The model whose predictions were tested, as an index into [`Fit::rungs`].
    pub rung: usize,
    /// What was compared: `area under the curve`, `correlation with the target`.
    pub statistic: &'static str,
    /// Its value.
    pub value: f64,
    /// The chance of such a value if the target were shuffled, corrected for the number of models tried.
    pub p: f64,
    /// How often the target was shuffled.
    pub n_shuffles: u64,
}

/// One way to prepare the columns, and what a model scores with it.
#[derive(Clone, Debug, PartialEq)]
pub struct ScalingTrial {
    /// `kernel SVM` or `linear model`.
    pub model: String,
    /// `as it is`, `centred`, `scaled`, `whitened`.
    pub preparation: &'static str,
    /// Scores of each fold.
    pub folds: Vec<FoldScore>,
}

/// What a remedy is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RemedyKind {
    /// A penalty on large weights.
    Penalty,
    /// Fewer units or levels.
    Smaller,
    /// More units.
    Larger,
    /// Units left out at random in training.
    Dropout,
    /// Batch normalisation.
    BatchNorm,
    /// Stopping when the validation loss rises.
    EarlyStopping,
    /// The mean of several models.
    Ensemble,
}

/// A remedy that was tried here, with what it brought.
#[derive(Clone, Debug, PartialEq)]
pub struct Trial {
    /// What it is for.
    pub kind: RemedyKind,
    /// What was done, as an instruction: `stop after 12 epochs`.
    pub action: String,
    /// The model it was done to.
    pub model: String,
    /// How much better the validation score became.
    pub gain: Estimate,
}

/// How sure the predicted probabilities are and how often they are right.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Calibration {
    /// Mean probability of the predicted class, share right, rows: bins of equal width from 0 to 1, empty ones left out.
    pub bins: Vec<(f64, f64, u64)>,
    /// Expected calibration error (Naeini, Cooper & Hauskrecht 2015): mean distance of the two, by rows.
    pub error: f64,
}

/// The score within one group of rows.
#[derive(Clone, Debug, PartialEq)]
pub struct GroupScore {
    /// `site = B`.
    pub name: String,
    /// Rows of the group.
    pub n: u64,
    /// Share told right within, or R² with the mean of all rows as the base.
    pub score: f64,
    /// The same of all other rows.
    pub rest: f64,
    /// Standard error of the difference.
    pub error: f64,
}

/// The smallest validation set that decides as the whole does.
#[derive(Clone, Debug, PartialEq)]
pub struct MiniValidation {
    /// Rows needed so that the score is within `width` of that of all rows, in 95 of 100 draws.
    pub n: u64,
    /// Rows there are.
    pub of: u64,
    /// Half the width of the interval.
    pub width: f64,
}

/// How much the score of the best model falls when one column is shuffled.
#[derive(Clone, Debug, PartialEq)]
pub struct Importance {
    /// The column.
    pub column: String,
    /// Mean fall of the score.
    pub fall: f64,
    /// Standard deviation over folds.
    pub std: f64,
}

/// What simple models say about a data set.
#[derive(Clone, Debug, Default)]
pub struct Fit {
    /// What is predicted; classification where `classes` is not empty.
    pub target: String,
    /// How predictions are scored.
    pub score: Score,
    /// Classes with their rows, in the order of `confusion`; empty for regression.
    pub classes: Vec<(String, u64)>,
    /// Rows used.
    pub n_rows: u64,
    /// Columns used.
    pub n_columns: u64,
    /// How rows were divided: `5 stratified folds`.
    pub folds: String,
    /// The models that ran, simple to complex.
    pub rungs: Vec<Rung>,
    /// Models and trials that did not run, with the reason.
    pub left_out: Vec<(String, String)>,
    /// Whether there is any signal.
    pub signal: Measured<SignalTest>,
    /// Score against the number of training rows.
    pub curve: Measured<LearningCurve>,
    /// Labels that the models do not believe.
    pub labels: Measured<LabelIssues>,
    /// Whether columns must be prepared.
    pub scaling: Measured<Vec<ScalingTrial>>,
    /// Remedies that were tried.
    pub trials: Measured<Vec<Trial>>,
    /// Columns by importance to the best model, most important first.
    pub importances: Measured<Vec<Importance>>,
    /// Rows by given class and predicted class, of the best model on unseen rows.
    pub confusion: Measured<Vec<Vec<u64>>>,
    /// Calibration of the best model on unseen rows.
    pub calibration: Measured<Calibration>,
    /// Scores within groups.
    pub groups: Measured<Vec<GroupScore>>,
    /// How few rows would decide.
    pub mini_validation: Measured<MiniValidation>,
}

impl Fit {
    /// What is predicted.
    pub fn task(&self) -> Task {
        if self.classes.is_empty() { Task::Regression } else { Task::Classification }
    }

    /// The model without any knowledge of the features.
    pub fn dummy(&self) -> Option<&Rung> {
        self.rung(RungKind::Dummy)
    }

    /// The model of this kind.
    pub fn rung(&self, kind: RungKind) -> Option<&Rung> {
        self.rungs.iter().find(|r| r.kind == kind)
    }

    /// The model that scores best on unseen rows.
    pub fn best(&self) -> Option<&Rung> {
        let score = |r: &&Rung| r.validation().mean;
        self.rungs.iter().filter(|r| score(r).is_finite()).max_by(|a, b| score(a).total_cmp(&score(b)))
    }

    /// Which share of the way from the dummy's score to that of the best model a score has gone.
    pub fn progress(&self, score: f64) -> Option<f64> {
        let dummy = self.dummy()?.validation().mean;
        let best = self.best()?.validation().mean;
        (best > dummy).then(|| (score - dummy) / (best - dummy))
    }
}

impl Record for Fit {
    fn missing(&self, signal: Signal) -> Option<String> {
        let reason = match signal {
            Signal::Scores => self.rungs.is_empty().then_some("no model could be fitted"),
            Signal::SignalTest => self.signal.reason(),
            Signal::LearningCurve => self.curve.reason(),
            Signal::LabelErrors => self.labels.reason(),
            Signal::ScalingTrials => self.scaling.reason(),
            Signal::Trials => self.trials.reason(),
            Signal::GroupScores => self.groups.reason(),
            Signal::MiniValidation => self.mini_validation.reason(),
            other => return Some(format!("{other} are measured by `stetho check`")),
        };
        reason.map(str::to_owned)
    }
}
