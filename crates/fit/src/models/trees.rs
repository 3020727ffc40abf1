//! Trees, forests and boosted trees, from the crates `rafor` and `forust`.

use forust_ml::GradientBooster;
use forust_ml::objective::ObjectiveType;
use rafor::prelude::*;
use rafor::{dt, rf};
use rayon::prelude::*;

use super::{Model, dummy::Dummy};
use crate::{Goal, Matrix};

/// Probabilities come for the classes that were seen, in the order of their codes.
struct Classifier<P> {
    proba: P,
    seen: Vec<usize>,
    n_classes: usize,
}

impl<P: Fn(&[f32]) -> Vec<f32> + Send + Sync> Model for Classifier<P> {
    fn predict(&self, rows: &Matrix) -> Matrix {
        let mut out = Matrix::zeros(rows.n_rows(), self.n_classes);
        let told = (self.proba)(&rows.values);
        let each = told.chunks_exact(self.seen.len().max(1));
        for (row, told) in out.values.chunks_exact_mut(self.n_classes.max(1)).zip(each) {
            self.seen.iter().zip(told).for_each(|(class, p)| row[*class] = *p);
        }
        out
    }
}

struct Regressor<P>(P);

impl<P: Fn(&[f32]) -> Vec<f32> + Send + Sync> Model for Regressor<P> {
    fn predict(&self, rows: &Matrix) -> Matrix {
        Matrix::new(1, (self.0)(&rows.values))
    }
}

fn seen(codes: &[usize]) -> (Vec<i64>, Vec<usize>) {
    let mut seen = codes.to_vec();
    seen.sort_unstable();
    seen.dedup();
    (codes.iter().map(|c| *c as i64).collect(), seen)
}

fn narrow(numbers: &[f64]) -> Vec<f32> {
    numbers.iter().map(|v| *v as f32).collect()
}

/// One tree of at most `depth` levels.
pub(crate) fn tree(rows: &Matrix, goal: &Goal, depth: usize) -> Box<dyn Model> {
    if rows.values.is_empty() {
        return Box::new(Dummy::fit(goal));
    }
    match goal {
        Goal::Classes { codes, names } => {
            let (labels, seen) = seen(codes);
            let model: dt::Classifier =
                dt::Classifier::trainer().with_max_depth(depth).train(&rows.values, &labels);
            let proba = move |rows: &[f32]| model.proba(rows);
            Box::new(Classifier { proba, seen, n_classes: names.len() })
        }
        Goal::Numbers(numbers) => {
            let model: dt::Regressor =
                dt::Regressor::trainer().with_max_depth(depth).train(&rows.values, &narrow(numbers));
            Box::new(Regressor(move |rows: &[f32]| model.predict_batch(rows)))
        }
    }
}

/// `n_trees` trees on bootstrapped rows; √columns are considered a split, or all of them for numbers, as in scikit-learn.
pub(crate) fn forest(
    rows: &Matrix,
    goal: &Goal,
    n_trees: usize,
    seed: u64,
    threads: usize,
) -> Box<dyn Model> {
    if rows.values.is_empty() {
        return Box::new(Dummy::fit(goal));
    }
    let threads = threads.max(1);
    match goal {
        Goal::Classes { codes, names } => {
            let (labels, seen) = seen(codes);
            let model: rf::Classifier = rf::Classifier::trainer()
                .with_trees(n_trees)
                .with_threads(threads)
                .with_seed(seed)
                .train(&rows.values, &labels);
            let proba = move |rows: &[f32]| model.proba(rows, threads);
            Box::new(Classifier { proba, seen, n_classes: names.len() })
        }
        Goal::Numbers(numbers) => {
            let model: rf::Regressor = rf::Regressor::trainer()
                .with_trees(n_trees)
                .with_threads(threads)
                .with_seed(seed)
                .with_max_features(MaxFeaturesPolicy::NUMBER(usize::MAX))
                .train(&rows.values, &narrow(numbers));
            Box::new(Regressor(move |rows: &[f32]| model.predict_batch(rows, threads)))
        }
    }
}

/// One booster a class (or one for numbers, or for two classes).
struct Boosted {
    boosters: Vec<GradientBooster>,
    n_outputs: usize,
    is_classifier: bool,
}

/// Gradient-boosted trees; each class against the rest.
pub(crate) fn boosting(rows: &Matrix, goal: &Goal, n_rounds: usize, depth: usize) -> Box<dyn Model> {
    let values = rows.by_column();
    let data = forust_ml::Matrix::new(&values, rows.n_rows(), rows.n_columns);
    let fit = |objective, targets: &[f64]| {
        let mut booster = GradientBooster::default()
            .set_objective_type(objective)
            .set_iterations(n_rounds)
            .set_max_depth(depth)
            .set_learning_rate(0.1)
            .set_parallel(false)
            .set_num_threads(Some(1));
        booster.fit_unweighted(&data, targets, None).is_ok().then_some(booster)
    };
    let boosters: Option<Vec<GradientBooster>> = match goal {
        _ if rows.values.is_empty() => None,
        Goal::Classes { codes, names } => {
            let classes = if names.len() == 2 { 1..2 } else { 0..names.len() };
            let of = |class: usize| -> Vec<f64> {
                codes.iter().map(|code| f64::from(u8::from(*code == class))).collect()
            };
            classes.into_par_iter().map(|class| fit(ObjectiveType::LogLoss, &of(class))).collect()
        }
        Goal::Numbers(numbers) => fit(ObjectiveType::SquaredLoss, numbers).map(|one| vec![one]),
    };
    match boosters {
        Some(boosters) => Box::new(Boosted {
            boosters,
            n_outputs: goal.n_outputs(),
            is_classifier: matches!(goal, Goal::Classes { .. }),
        }),
        None => Box::new(Dummy::fit(goal)),
    }
}

impl Model for Boosted {
    fn predict(&self, rows: &Matrix) -> Matrix {
        let values = rows.by_column();
        let data = forust_ml::Matrix::new(&values, rows.n_rows(), rows.n_columns);
        let told: Vec<Vec<f64>> = self.boosters.par_iter().map(|b| b.predict(&data, false)).collect();
        let chance = |score: f64| 1.0 / (1.0 + (-score).exp());
        let mut out = Matrix::zeros(rows.n_rows(), self.n_outputs);
        for (i, row) in out.values.chunks_exact_mut(self.n_outputs.max(1)).enumerate() {
            match (self.is_classifier, told.as_slice()) {
                (false, [one]) => row[0] = one[i] as f32,
                (true, [one]) => {
                    let p = chance(one[i]) as f32;
                    row[0] = 1.0 - p;
                    row[1] = p;
                }
                (_, many) => {
                    let all: f64 = many.iter().map(|one| chance(one[i])).sum();
                    row.iter_mut()
                        .zip(many)
                        .for_each(|(p, one)| *p = (chance(one[i]) / all.max(1e-12)) as f32);
                }
            }
        }
        out
    }
}
