//! The models of the ladder. Boosted trees come from a kept crate.

mod boosting;
mod dummy;
mod forest;
mod kernel;
mod linear;
mod nearest;
mod network;
mod nystrom;
mod svm;

pub(crate) use network::{Network, NetworkSpec};

use stetho_core::fit::RungKind;

use crate::{Goal, Matrix};

/// A fitted model.
pub(crate) trait Model: Send + Sync {
    /// A row each: probabilities of the classes, or the predicted number.
    fn predict(&self, rows: &Matrix) -> Matrix;
}

/// A model to be fitted, with its settings.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Spec {
    /// The most frequent class, or the mean.
    Dummy,
    /// Minimises the sum of log losses (of squares) + `penalty`/2 × the sum of squared weights.
    Linear { penalty: f64 },
    /// One tree.
    Tree { depth: usize },
    /// The mean of the nearest rows.
    Neighbours { n: usize },
    /// Gaussian kernel exp(−γ‖a − b‖²); γ is 1 / (columns × variance) unless given.
    Svm { c: f64, gamma: Option<f64> },
    /// Bagged trees.
    Forest { n_trees: usize },
    /// Gradient-boosted trees.
    Boosting { n_rounds: usize, depth: usize },
    /// One hidden layer.
    Network(NetworkSpec),
}

impl Spec {
    pub(crate) fn kind(&self) -> RungKind {
        match self {
            Self::Dummy => RungKind::Dummy,
            Self::Linear { .. } => RungKind::Linear,
            Self::Tree { .. } => RungKind::ShallowTree,
            Self::Neighbours { .. } => RungKind::Neighbours,
            Self::Svm { .. } => RungKind::KernelSvm,
            Self::Forest { .. } => RungKind::Forest,
            Self::Boosting { .. } => RungKind::Boosting,
            Self::Network(spec) => RungKind::Network(spec.units),
        }
    }

    pub(crate) fn name(&self, goal: &Goal) -> String {
        let is_number = matches!(goal, Goal::Numbers(_));
        match self {
            Self::Dummy if is_number => "the mean".into(),
            Self::Dummy => "the most frequent class".into(),
            Self::Linear { .. } if is_number => "linear regression".into(),
            Self::Linear { .. } => "logistic regression".into(),
            Self::Tree { .. } => "shallow tree".into(),
            Self::Neighbours { .. } => "nearest neighbours".into(),
            Self::Svm { .. } => "kernel SVM".into(),
            Self::Forest { .. } => "random forest".into(),
            Self::Boosting { .. } => "boosted trees".into(),
            Self::Network(spec) => format!("network of {} units", spec.units),
        }
    }

    pub(crate) fn settings(&self, goal: &Goal, n_rows: usize) -> String {
        match self {
            Self::Dummy => String::new(),
            Self::Linear { penalty } => format!("L2 penalty {penalty}"),
            Self::Tree { depth } => format!("{depth} levels"),
            Self::Neighbours { n } => format!("{n} neighbours"),
            Self::Svm { c, gamma } => {
                let gamma = gamma.map_or("1 / (columns × variance)".to_owned(), |g| g.to_string());
                match goal {
                    Goal::Classes { .. } if n_rows > svm::FEW_ROWS => {
                        format!("C {c} or {}, γ {gamma} or twice that", 10.0 * c)
                    }
                    _ => format!("C {c}, γ {gamma}"),
                }
            }
            Self::Forest { n_trees } => format!("{n_trees} trees"),
            Self::Boosting { n_rounds, depth } => format!("{n_rounds} rounds of {depth} levels"),
            Self::Network(spec) => format!("one hidden layer, {} epochs", spec.epochs),
        }
    }

    /// How columns must be prepared for it: distances and gradients want one scale.
    pub(crate) fn wants_scaling(&self) -> bool {
        !matches!(self, Self::Dummy | Self::Tree { .. } | Self::Forest { .. } | Self::Boosting { .. })
    }

    /// Fits it to these rows.
    pub(crate) fn fit(&self, rows: &Matrix, goal: &Goal, seed: u64) -> Box<dyn Model> {
        match self {
            Self::Dummy => Box::new(dummy::Dummy::fit(goal)),
            Self::Linear { penalty } => linear::fit(rows, goal, *penalty),
            Self::Tree { depth } => forest::tree(rows, goal, *depth),
            Self::Neighbours { n } => Box::new(nearest::Nearest::fit(rows, goal, *n, seed)),
            Self::Svm { c, gamma } => {
                let gamma = gamma.unwrap_or_else(|| kernel::default_gamma(rows));
                svm::fit(rows, goal, *c, gamma, seed)
            }
            Self::Forest { n_trees } => forest::forest(rows, goal, *n_trees, seed),
            Self::Boosting { n_rounds, depth } => boosting::boosting(rows, goal, *n_rounds, *depth),
            Self::Network(spec) => Box::new(Network::fit(rows, goal, spec, seed).0),
        }
    }
}

/// Makes each row of scores add up to 1: exp(score) over the sum.
pub(crate) fn softmax(scores: &mut Matrix) {
    for row in scores.values.chunks_exact_mut(scores.n_columns.max(1)) {
        let most = row.iter().copied().fold(f32::MIN, f32::max);
        let mut sum = 0.0;
        for value in row.iter_mut() {
            *value = (*value - most).exp();
            sum += *value;
        }
        row.iter_mut().for_each(|v| *v /= sum);
    }
}

/// The targets as numbers, a column a class.
pub(crate) fn one_hot(goal: &Goal) -> Matrix {
    match goal {
        Goal::Classes { codes, names } => {
            let mut out = Matrix::zeros(codes.len(), names.len());
            for (code, row) in codes.iter().zip(out.values.chunks_exact_mut(names.len().max(1))) {
                row[*code] = 1.0;
            }
            out
        }
        Goal::Numbers(numbers) => Matrix::new(1, numbers.iter().map(|v| *v as f32).collect()),
    }
}
