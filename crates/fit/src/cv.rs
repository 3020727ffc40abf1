//! One model over all folds.

use std::time::{Duration, Instant};

use rayon::prelude::*;
use stetho_core::fit::{FoldScore, Rung, Score};

use crate::encode::{Preparation, prepared};
use crate::models::Spec;
use crate::score::{row_scores, score, shares};
use crate::{Fold, Folds, Goal, Matrix, Samples};

/// Values of a data set from which folds are worked on one after the other, each on all cores.
const LARGE: usize = 4_000_000;
/// Rows from which on it is so, however few the columns.
const MANY_ROWS: usize = 20_000;

/// Training rows that are scored, at most.
const SCORED: usize = 10_000;

/// What is the same for all models.
#[derive(Clone, Copy)]
pub(crate) struct Setting<'a> {
    pub samples: &'a Samples,
    pub folds: &'a Folds,
    pub score: Score,
    pub seed: u64,
}

/// A model that was fitted and scored.
#[derive(Clone, Debug)]
pub(crate) struct Evaluated {
    pub rung: Rung,
    pub spec: Spec,
    /// Predictions of rows while they were left out; rows that never were are NaN.
    pub out: Matrix,
}

impl Evaluated {
    /// Rows that were left out once, with their predictions.
    pub(crate) fn unseen(&self) -> (Vec<usize>, Matrix) {
        let rows: Vec<usize> = (0..self.out.n_rows()).filter(|i| !self.out.row(*i)[0].is_nan()).collect();
        let out = self.out.pick(&rows);
        (rows, out)
    }
}

/// Scores of one fold, and predictions of its validation rows.
pub(crate) struct OneFold {
    pub score: FoldScore,
    pub out: Matrix,
}

impl Setting<'_> {
    pub(crate) fn is_large(&self) -> bool {
        self.n_rows() >= MANY_ROWS || self.n_rows() * self.samples.features.n_columns() >= LARGE
    }

    pub(crate) fn n_rows(&self) -> usize {
        self.samples.n_rows()
    }

    /// Fits and scores one fold.
    pub(crate) fn one(&self, spec: &Spec, how: Preparation, fold: &Fold) -> OneFold {
        let goal = &self.samples.goal;
        let (train_goal, validation_goal) = (goal.pick(&fold.train), goal.pick(&fold.validation));
        let (train, validation) = prepared(&self.samples.features, &fold.train, &fold.validation, how);
        let model = spec.fit(&train, &train_goal, self.seed);
        let shares = shares(&train_goal);
        let out = model.predict(&validation);
        let (train, train_goal) = thinned(train, train_goal);
        let scores = FoldScore {
            train: score(&train_goal, &model.predict(&train), self.score, &shares),
            validation: score(&validation_goal, &out, self.score, &shares),
        };
        OneFold { score: scores, out }
    }

    /// Fits and scores every fold, on small data side by side. On large data it stops after the fold with which `most` time
    /// is spent. Rows of the first fold's predictions that follow are NaN.
    pub(crate) fn every(&self, spec: &Spec, how: Preparation, most: Duration) -> Evaluated {
        let start = Instant::now();
        let done: Vec<OneFold> = if self.is_large() {
            let mut done = Vec::new();
            for fold in &self.folds.folds {
                done.push(self.one(spec, how, fold));
                if start.elapsed() > most {
                    break;
                }
            }
            done
        } else {
            self.folds.folds.par_iter().map(|fold| self.one(spec, how, fold)).collect()
        };
        let mut out = Matrix::zeros(self.n_rows(), self.samples.goal.n_outputs());
        out.values.fill(f32::NAN);
        for (fold, one) in self.folds.folds.iter().zip(&done) {
            let k = out.n_columns;
            for (row, told) in fold.validation.iter().zip(one.out.rows()) {
                out.values[row * k..(row + 1) * k].copy_from_slice(told);
            }
        }
        let row_error = match (self.folds.folds.first(), done.as_slice()) {
            (Some(fold), [one]) => Some(self.row_error(fold, one)),
            _ => None,
        };
        let rung = Rung {
            kind: spec.kind(),
            name: spec.name(&self.samples.goal),
            settings: spec
                .settings(&self.samples.goal, self.folds.folds.first().map_or(0, |f| f.train.len())),
            folds: done.into_iter().map(|one| one.score).collect(),
            row_error,
            seconds: start.elapsed().as_secs_f64(),
        };
        Evaluated { rung, spec: spec.clone(), out }
    }

    /// Standard error of the score of one fold by its rows.
    fn row_error(&self, fold: &Fold, one: &OneFold) -> f64 {
        let goal = &self.samples.goal;
        let scores =
            row_scores(&goal.pick(&fold.validation), &one.out, self.score, &shares(&goal.pick(&fold.train)));
        spread(&scores) / (scores.len().max(1) as f64).sqrt()
    }

    /// The goal of these rows.
    pub(crate) fn goal(&self, rows: &[usize]) -> Goal {
        self.samples.goal.pick(rows)
    }
}

/// Every n-th of many training rows: enough to score them.
fn thinned(rows: Matrix, goal: Goal) -> (Matrix, Goal) {
    if rows.n_rows() <= SCORED {
        return (rows, goal);
    }
    let kept: Vec<usize> = (0..rows.n_rows()).step_by(rows.n_rows().div_ceil(SCORED)).collect();
    (rows.pick(&kept), goal.pick(&kept))
}

/// Standard deviation.
pub(crate) fn spread(values: &[f64]) -> f64 {
    let n = values.len().max(1) as f64;
    let mean = values.iter().sum::<f64>() / n;
    (values.iter().map(|v| (v - mean).powi(2)).sum::<f64>() / n).sqrt()
}
