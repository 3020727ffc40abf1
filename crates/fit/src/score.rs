//! Scoring predictions.

use stetho_core::fit::Score;

use crate::{Goal, Matrix};

/// A class with more than this share of the rows makes accuracy blind to the others.
const BLINDING: f64 = 0.7;

/// The score that suits a goal.
pub(crate) fn suitable(goal: &Goal) -> Score {
    let Goal::Classes { codes, .. } = goal else { return Score::R2 };
    let most = shares(goal).into_iter().fold(0.0, f64::max);
    if most > BLINDING && !codes.is_empty() { Score::BalancedAccuracy } else { Score::Accuracy }
}

/// Share of each class; empty for numbers.
pub(crate) fn shares(goal: &Goal) -> Vec<f64> {
    let Goal::Classes { codes, names } = goal else { return Vec::new() };
    let mut counts = vec![0.0; names.len()];
    codes.iter().for_each(|code| counts[*code] += 1.0 / codes.len().max(1) as f64);
    counts
}

/// The class that a row of probabilities speaks for. Where all classes count alike, what counts is how much more probable
/// than in the training rows a class is.
pub(crate) fn told(row: &[f32], score: Score, training_shares: &[f64]) -> usize {
    let weigh = |(class, p): (usize, &f32)| {
        let share = training_shares.get(class).copied().unwrap_or(1.0);
        match score {
            Score::BalancedAccuracy if share > 0.0 => f64::from(*p) / share,
            _ => f64::from(*p),
        }
    };
    let mut best = (0, f64::MIN);
    for (class, value) in row.iter().enumerate().map(|(class, p)| (class, weigh((class, p)))) {
        if value > best.1 {
            best = (class, value);
        }
    }
    best.0
}

/// The class told for each row; empty for numbers.
pub(crate) fn classes_told(out: &Matrix, score: Score, training_shares: &[f64]) -> Vec<usize> {
    out.rows().map(|row| told(row, score, training_shares)).collect()
}

/// The score of predictions; NaN where there is nothing to score.
pub(crate) fn score(goal: &Goal, out: &Matrix, score: Score, training_shares: &[f64]) -> f64 {
    match goal {
        Goal::Classes { codes, names } => {
            let told = classes_told(out, score, training_shares);
            let is_right = |(a, b): (&usize, &usize)| f64::from(u8::from(a == b));
            if score != Score::BalancedAccuracy {
                return told.iter().zip(codes).map(is_right).sum::<f64>() / codes.len() as f64;
            }
            let (mut right, mut all) = (vec![0.0; names.len()], vec![0.0; names.len()]);
            for pair in told.iter().zip(codes) {
                right[*pair.1] += is_right(pair);
                all[*pair.1] += 1.0;
            }
            let rates: Vec<f64> =
                right.iter().zip(&all).filter(|(_, n)| **n > 0.0).map(|(r, n)| r / n).collect();
            rates.iter().sum::<f64>() / rates.len() as f64
        }
        Goal::Numbers(numbers) => {
            let n = numbers.len() as f64;
            let mean = numbers.iter().sum::<f64>() / n;
            let spread: f64 = numbers.iter().map(|y| (y - mean).powi(2)).sum();
            let wrong: f64 = numbers.iter().zip(&out.values).map(|(y, p)| (y - f64::from(*p)).powi(2)).sum();
            if spread > 0.0 { 1.0 - wrong / spread } else { f64::NAN }
        }
    }
}

/// How much each row adds to the score, so that their mean is the score: 0 or 1, weighed by class; for numbers 1 less the
/// squared error over the variance.
pub(crate) fn row_scores(goal: &Goal, out: &Matrix, how: Score, training_shares: &[f64]) -> Vec<f64> {
    match goal {
        Goal::Classes { codes, .. } => {
            let own = shares(goal);
            let present = own.iter().filter(|s| **s > 0.0).count() as f64;
            let weight = |class: usize| match how {
                Score::BalancedAccuracy => 1.0 / (own[class] * present),
                _ => 1.0,
            };
            let told = classes_told(out, how, training_shares);
            told.iter().zip(codes).map(|(t, c)| if t == c { weight(*c) } else { 0.0 }).collect()
        }
        Goal::Numbers(numbers) => {
            let n = numbers.len().max(1) as f64;
            let mean = numbers.iter().sum::<f64>() / n;
            let variance = numbers.iter().map(|y| (y - mean).powi(2)).sum::<f64>() / n;
            numbers
                .iter()
                .zip(&out.values)
                .map(|(y, p)| 1.0 - (y - f64::from(*p)).powi(2) / variance.max(1e-300))
                .collect()
        }
    }
}

/// Mean of −ln p of the given class, or the mean squared error.
pub(crate) fn log_loss(goal: &Goal, out: &Matrix) -> f64 {
    let n = goal.n_rows().max(1) as f64;
    match goal {
        Goal::Classes { codes, .. } => {
            out.rows().zip(codes).map(|(p, c)| -f64::from(p[*c].clamp(1e-4, 1.0)).ln()).sum::<f64>() / n
        }
        Goal::Numbers(numbers) => {
            numbers.iter().zip(&out.values).map(|(y, p)| (y - f64::from(*p)).powi(2)).sum::<f64>() / n
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn goal(codes: &[usize]) -> Goal {
        Goal::Classes { codes: codes.to_vec(), names: vec!["a".into(), "b".into()] }
    }

    #[test]
    fn always_the_frequent_class_is_worth_one_half_where_classes_count_alike() {
        let goal = goal(&[0, 0, 0, 0, 1]);
        assert_eq!(suitable(&goal), Score::BalancedAccuracy);
        let out = Matrix::new(2, [0.9, 0.1].repeat(5));
        assert!((score(&goal, &out, Score::BalancedAccuracy, &[0.9, 0.1]) - 0.5).abs() < 1e-9);
        assert!((score(&goal, &out, Score::Accuracy, &[]) - 0.8).abs() < 1e-9);
    }

    #[test]
    fn row_scores_add_up_to_the_score() {
        let goal_of_classes = goal(&[0, 0, 0, 0, 1]);
        let out = Matrix::new(2, vec![0.9, 0.1, 0.2, 0.8, 0.9, 0.1, 0.7, 0.3, 0.1, 0.9]);
        for how in [Score::Accuracy, Score::BalancedAccuracy] {
            let rows = row_scores(&goal_of_classes, &out, how, &[0.5, 0.5]);
            let mean = rows.iter().sum::<f64>() / 5.0;
            assert!((mean - score(&goal_of_classes, &out, how, &[0.5, 0.5])).abs() < 1e-9);
        }
        let numbers = Goal::Numbers(vec![1.0, 2.0, 4.0]);
        let out = Matrix::new(1, vec![1.5, 2.0, 3.0]);
        let mean = row_scores(&numbers, &out, Score::R2, &[]).iter().sum::<f64>() / 3.0;
        assert!((mean - score(&numbers, &out, Score::R2, &[])).abs() < 1e-9);
    }
}
