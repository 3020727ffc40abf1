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

/// Columns that a tree may cut, at most; and over the trees of one round.
const COLUMNS: (usize, usize) = (100, 1_000);

/// The share of the columns that each tree draws: all of up to 100. On 784 pixels a seventh of them takes a tenth of the time,
/// and scores differ by half a point.
fn share(n_columns: usize, n_boosters: usize) -> f64 {
    let fair = (n_columns as f64).sqrt().max((COLUMNS.1 / n_boosters.max(1)) as f64);
    (fair.min(COLUMNS.0 as f64) / n_columns.max(1) as f64).min(1.0)
}

/// Gradient-boosted trees; each class against the rest.
pub(crate) fn boosting(rows: &Matrix, goal: &Goal, n_rounds: usize, depth: usize) -> Box<dyn Model> {
    let values = rows.by_column();
    let data = forust_ml::Matrix::new(&values, rows.n_rows(), rows.n_columns);
    let n_boosters = if goal.n_outputs() > 2 { goal.n_outputs() } else { 1 };
    let fit = |objective, targets: &[f64]| {
        let mut booster = GradientBooster::default()
            .set_objective_type(objective)
            .set_iterations(n_rounds)
            .set_max_depth(depth)
            .set_learning_rate(0.1)
            .set_colsample_bytree(share(rows.n_columns, n_boosters))
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

#[cfg(test)]
mod tests {
    use super::*;
    use stetho_core::Random;

    #[test]
    fn few_columns_are_all_drawn() {
        assert!((share(64, 10) - 1.0).abs() < 1e-9 && (share(16, 26) - 1.0).abs() < 1e-9);
        assert!((share(800, 10) * 800.0 - 100.0).abs() < 1e-6);
        assert!((share(900, 500) * 900.0 - 30.0).abs() < 1e-6);
    }

    #[test]
    fn it_learns_from_a_part_of_many_columns() {
        let mut random = Random::new(6);
        let (n, d) = (300, 250);
        let values: Vec<f32> = (0..n * d).map(|_| random.normal() as f32).collect();
        let codes: Vec<usize> =
            (0..n).map(|i| usize::from(values[i * d] + values[i * d + 7] > 0.0)).collect();
        let rows = Matrix::new(d, values);
        let goal = Goal::Classes { codes: codes.clone(), names: vec!["no".into(), "yes".into()] };
        let out = boosting(&rows, &goal, 100, 3).predict(&rows);
        let right = out.rows().zip(&codes).filter(|(p, code)| p[**code] > 0.5).count();
        assert!(right > 280, "{right}");
    }
}
