//! Support vector machines with a Gaussian kernel: one machine a pair of classes, or one of numbers.

mod blocks;
mod pairs;
mod smo;

use super::dummy::Dummy;
use super::kernel::{gaussian, squares};
use super::nystrom::Nystrom;
use super::{Model, softmax};
use crate::{Goal, Matrix};
use pairs::Classes;
use smo::Limits;

/// Beyond this many training rows C and γ are chosen among a few.
pub(crate) const FEW_ROWS: usize = 5_000;
/// What the kernels of all machines may cost: values × (columns + [`BESIDE`]); some 20 seconds on 2 cores.
const MOST_WORK: f64 = 1e12;
/// What a value of a kernel costs beside the product that it is made of, in columns.
const BESIDE: f64 = 100.0;
/// How often a value is computed where the kernel is too large to be held.
const AGAIN: f64 = 4.0;
/// Values of the kernel that are held in memory when predicting: 64 MB.
const HELD: usize = 16 << 20;
/// ε, in standard deviations of the target.
const TUBE: f32 = 0.1;
/// How much surer a decision twice as far from the margin is; the probabilities of this model are not calibrated.
const SLOPE: f32 = 2.0;

/// Σ weightᵢ K(vectorᵢ, x) + shift, one a pair of classes; support vectors are shared by all pairs.
struct Svm {
    vectors: Matrix,
    squares: Vec<f32>,
    /// Vectors × pairs.
    weights: Matrix,
    pairs: Vec<(usize, usize)>,
    shifts: Vec<f32>,
    gamma: f32,
    n_outputs: usize,
    /// Shift and scale of numbers.
    unit: Option<(f64, f64)>,
}

/// The exact machine; of classes with many rows the nearly exact one of [`pairs`]; where that would take too long, the
/// approximation by landmarks.
pub(crate) fn fit(rows: &Matrix, goal: &Goal, c: f64, gamma: f64, seed: u64) -> Box<dyn Model> {
    let machine = match goal {
        Goal::Classes { codes, names } => {
            let classes = Classes::new(rows, codes, names.len(), seed);
            if classes.pairs.is_empty() {
                return Box::new(Dummy::fit(goal)); // a single class was seen
            }
            classes.fit(c as f32, gamma as f32)
        }
        Goal::Numbers(numbers) if work(rows.n_rows(), rows.n_columns) <= MOST_WORK => {
            Some(of_numbers(rows, numbers, c as f32, gamma as f32))
        }
        Goal::Numbers(_) => None,
    };
    match machine {
        Some(machine) => Box::new(machine),
        None => Box::new(Nystrom::fit(rows, goal, c, gamma, seed)),
    }
}

/// What the kernel of so many rows costs.
fn work(n_rows: usize, n_columns: usize) -> f64 {
    let again = if n_rows > blocks::MOST_ROWS { AGAIN } else { 1.0 };
    again * (n_rows as f64).powi(2) * (n_columns as f64 + BESIDE)
}

fn of_numbers(rows: &Matrix, numbers: &[f64], c: f32, gamma: f32) -> Svm {
    let (mean, std) = unit(numbers);
    let targets: Vec<f32> = numbers.iter().map(|y| ((y - mean) / std) as f32).collect();
    let (weights, shift) = blocks::solve(rows, &targets, gamma, Limits { c, tube: Some(TUBE) });
    let used: Vec<usize> = (0..weights.len()).filter(|i| weights[*i].abs() > 0.0).collect();
    let vectors = rows.pick(&used);
    Svm {
        squares: squares(&vectors),
        vectors,
        weights: Matrix::new(1, used.iter().map(|i| weights[*i]).collect()),
        pairs: vec![(0, 0)],
        shifts: vec![shift],
        gamma,
        n_outputs: 1,
        unit: Some((mean, std)),
    }
}

fn unit(numbers: &[f64]) -> (f64, f64) {
    let n = numbers.len().max(1) as f64;
    let mean = numbers.iter().sum::<f64>() / n;
    let std = (numbers.iter().map(|y| (y - mean).powi(2)).sum::<f64>() / n).sqrt();
    (mean, if std > 0.0 { std } else { 1.0 })
}

impl Svm {
    /// What each machine says: rows × pairs.
    fn decisions(&self, rows: &Matrix) -> Matrix {
        let n = self.pairs.len();
        let mut out = Matrix::new(n, Vec::with_capacity(rows.n_rows() * n));
        let height = (HELD / self.squares.len().max(1)).max(1);
        for first in (0..rows.n_rows()).step_by(height) {
            let asked: Vec<usize> = (first..(first + height).min(rows.n_rows())).collect();
            if self.squares.is_empty() {
                out.values.resize(out.values.len() + asked.len() * n, 0.0);
                continue;
            }
            let kernel = gaussian(&rows.pick(&asked), &self.vectors, &self.squares, self.gamma);
            out.values.extend(kernel.times(&self.weights).values);
        }
        for row in out.values.chunks_exact_mut(n.max(1)) {
            row.iter_mut().zip(&self.shifts).for_each(|(value, shift)| *value += shift);
        }
        out
    }

    /// What the machines say together: a number, probabilities of two classes, or votes of the pairs with ties broken by
    /// the sum of their decisions.
    fn answer(&self, told: &[f32], out: &mut [f32]) {
        if let (Some((mean, std)), [value]) = (self.unit, told) {
            out[0] = (f64::from(*value) * std + mean) as f32;
            return;
        }
        if let ([(first, second)], [value]) = (self.pairs.as_slice(), told) {
            let p = 1.0 / (1.0 + (-SLOPE * value).exp());
            out[*first] = p;
            out[*second] = 1.0 - p;
            return;
        }
        let mut sums = vec![0.0_f32; out.len()];
        for ((first, second), value) in self.pairs.iter().zip(told) {
            out[if *value > 0.0 { *first } else { *second }] += 1.0;
            sums[*first] += value;
            sums[*second] -= value;
        }
        for (vote, sum) in out.iter_mut().zip(sums) {
            *vote = SLOPE * (*vote + sum / (3.0 * (sum.abs() + 1.0)));
        }
    }
}

impl Model for Svm {
    fn predict(&self, rows: &Matrix) -> Matrix {
        let mut out = Matrix::zeros(rows.n_rows(), self.n_outputs);
        let told = self.decisions(rows);
        for (out, told) in out.values.chunks_exact_mut(self.n_outputs.max(1)).zip(told.rows()) {
            self.answer(told, out);
        }
        if self.unit.is_none() && self.pairs.len() > 1 {
            softmax(&mut out);
        }
        out
    }
}

#[cfg(test)]
mod tests;
