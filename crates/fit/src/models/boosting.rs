//! Boosted trees, from the crate `forust`.

use forust_ml::GradientBooster;
use forust_ml::objective::ObjectiveType;
use rayon::prelude::*;

use super::{Model, dummy::Dummy};
use crate::{Goal, Matrix};

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
