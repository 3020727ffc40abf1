//! The support vector machine of libsvm: one machine a pair of classes, fitted side by side.

use libsvm_rs::train::svm_train;
use libsvm_rs::{KernelType, SvmNode, SvmParameter, SvmProblem, SvmType};
use rayon::prelude::*;

use super::dummy::Dummy;
use super::kernel::{gaussian, squares};
use super::{Model, softmax};
use crate::{Goal, Matrix};

/// Beyond this many training rows the kernel is approximated.
pub(crate) const MOST_ROWS: usize = 5_000;
/// How much surer a decision twice as far from the margin is; the probabilities of this model are not calibrated.
const SLOPE: f32 = 2.0;

/// Σ weightᵢ K(xᵢ, x) − rho, one a pair of classes.
struct Pair {
    first: usize,
    second: usize,
    rho: f64,
}

/// Support vectors shared by all pairs.
struct Svm {
    vectors: Matrix,
    squares: Vec<f32>,
    /// Vectors × pairs.
    weights: Matrix,
    pairs: Vec<Pair>,
    gamma: f32,
    n_outputs: usize,
    /// Shift and scale of numbers.
    unit: Option<(f64, f64)>,
}

fn parameter(svm_type: SvmType, c: f64, gamma: f64) -> SvmParameter {
    SvmParameter {
        svm_type,
        kernel_type: KernelType::Rbf,
        c,
        gamma,
        p: 0.1,
        cache_size: 100.0,
        ..SvmParameter::default()
    }
}

fn nodes(row: &[f32]) -> Vec<SvmNode> {
    let node = |(j, value): (usize, &f32)| SvmNode { index: j as i32 + 1, value: f64::from(*value) };
    row.iter().enumerate().filter(|(_, v)| v.abs() > 0.0).map(node).collect()
}

/// The machine of some rows: (row, weight) of its support vectors, and rho.
fn machine(
    rows: &Matrix,
    members: &[usize],
    labels: Vec<f64>,
    parameter: &SvmParameter,
) -> (Vec<(usize, f64)>, f64) {
    let instances = members.iter().map(|i| nodes(rows.row(*i))).collect();
    let model = svm_train(&SvmProblem { labels, instances }, parameter);
    let coefficients = model.sv_coef.first().map(Vec::as_slice).unwrap_or_default();
    let weight = |(at, weight): (&usize, &f64)| Some((*members.get(at.checked_sub(1)?)?, *weight));
    let vectors = model.sv_indices.iter().zip(coefficients).filter_map(weight).collect();
    (vectors, model.rho.first().copied().unwrap_or(0.0))
}

pub(crate) fn fit(rows: &Matrix, goal: &Goal, c: f64, gamma: f64) -> Box<dyn Model> {
    libsvm_rs::set_quiet(true);
    let machines = match goal {
        Goal::Classes { codes, names } => {
            classifier(rows, codes, names.len(), &parameter(SvmType::CSvc, c, gamma))
        }
        Goal::Numbers(numbers) => {
            let (mean, std) = unit(numbers);
            let labels = numbers.iter().map(|y| (y - mean) / std).collect();
            let all: Vec<usize> = (0..rows.n_rows()).collect();
            let (vectors, rho) = machine(rows, &all, labels, &parameter(SvmType::EpsilonSvr, c, gamma));
            vec![(Pair { first: 0, second: 0, rho }, vectors)]
        }
    };
    if machines.is_empty() {
        return Box::new(Dummy::fit(goal)); // a single class was seen
    }
    let unit = if let Goal::Numbers(numbers) = goal { Some(unit(numbers)) } else { None };
    Box::new(merge(rows, machines, gamma, goal.n_outputs(), unit))
}

fn unit(numbers: &[f64]) -> (f64, f64) {
    let n = numbers.len().max(1) as f64;
    let mean = numbers.iter().sum::<f64>() / n;
    let std = (numbers.iter().map(|y| (y - mean).powi(2)).sum::<f64>() / n).sqrt();
    (mean, if std > 0.0 { std } else { 1.0 })
}

type Machine = (Pair, Vec<(usize, f64)>);

fn classifier(rows: &Matrix, codes: &[usize], n_classes: usize, parameter: &SvmParameter) -> Vec<Machine> {
    let mut members: Vec<Vec<usize>> = vec![Vec::new(); n_classes];
    codes.iter().enumerate().for_each(|(i, code)| members[*code].push(i));
    let pairs: Vec<(usize, usize)> = (0..n_classes)
        .flat_map(|a| (a + 1..n_classes).map(move |b| (a, b)))
        .filter(|(a, b)| !members[*a].is_empty() && !members[*b].is_empty())
        .collect();
    let fit = |(first, second): (usize, usize)| {
        let (a, b) = (&members[first], &members[second]);
        // libsvm takes the class it meets first for the positive one.
        let both: Vec<usize> = a.iter().chain(b).copied().collect();
        let labels = (0..both.len()).map(|i| if i < a.len() { 1.0 } else { -1.0 }).collect();
        let (vectors, rho) = machine(rows, &both, labels, parameter);
        (Pair { first, second, rho }, vectors)
    };
    pairs.into_par_iter().map(fit).collect()
}

/// All machines as one matrix of weights, so that each kernel value is computed once.
fn merge(
    rows: &Matrix,
    machines: Vec<Machine>,
    gamma: f64,
    n_outputs: usize,
    unit: Option<(f64, f64)>,
) -> Svm {
    let mut used: Vec<usize> = machines.iter().flat_map(|m| m.1.iter().map(|v| v.0)).collect();
    used.sort_unstable();
    used.dedup();
    let mut weights = Matrix::zeros(used.len(), machines.len());
    for (pair, (_, vectors)) in machines.iter().enumerate() {
        for (row, weight) in vectors {
            if let Ok(at) = used.binary_search(row) {
                weights.values[at * machines.len() + pair] = *weight as f32;
            }
        }
    }
    let vectors = rows.pick(&used);
    let pairs = machines.into_iter().map(|m| m.0).collect();
    Svm { squares: squares(&vectors), vectors, weights, pairs, gamma: gamma as f32, n_outputs, unit }
}

/// Rows whose kernel is held in memory at a time.
const BLOCK: usize = 1024;

impl Model for Svm {
    fn predict(&self, rows: &Matrix) -> Matrix {
        let mut out = Matrix::zeros(rows.n_rows(), self.n_outputs);
        for first in (0..rows.n_rows()).step_by(BLOCK) {
            let asked: Vec<usize> = (first..(first + BLOCK).min(rows.n_rows())).collect();
            let kernel = gaussian(&rows.pick(&asked), &self.vectors, &self.squares, self.gamma);
            let decisions = kernel.times(&self.weights);
            for (i, told) in decisions.rows().enumerate() {
                let row = first + i;
                self.answer(told, &mut out.values[row * self.n_outputs..(row + 1) * self.n_outputs]);
            }
        }
        if self.unit.is_none() && self.pairs.len() > 1 {
            softmax(&mut out);
        }
        out
    }
}

impl Svm {
    /// Votes of the pairs, ties broken by the sum of their decisions.
    fn answer(&self, told: &[f32], out: &mut [f32]) {
        let decisions = || self.pairs.iter().zip(told).map(|(p, t)| (p, t - p.rho as f32));
        if let (Some((mean, std)), Some((_, value))) = (self.unit, decisions().next()) {
            out[0] = (f64::from(value) * std + mean) as f32;
            return;
        }
        if let ([pair], Some((_, value))) = (self.pairs.as_slice(), decisions().next()) {
            let p = 1.0 / (1.0 + (-SLOPE * value).exp());
            out[pair.first] = p;
            out[pair.second] = 1.0 - p;
            return;
        }
        let mut sums = vec![0.0_f32; out.len()];
        for (pair, value) in decisions() {
            out[if value > 0.0 { pair.first } else { pair.second }] += 1.0;
            sums[pair.first] += value;
            sums[pair.second] -= value;
        }
        for (vote, sum) in out.iter_mut().zip(sums) {
            *vote = SLOPE * (*vote + sum / (3.0 * (sum.abs() + 1.0)));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use stetho_core::Random;

    #[test]
    fn rings_are_told_apart() {
        let mut random = Random::new(5);
        let (mut values, mut codes) = (Vec::new(), Vec::new());
        for i in 0..450_usize {
            let (class, angle) = (i % 3, random.unit() * std::f64::consts::TAU);
            let radius = 1.0 + 2.0 * class as f64 + 0.2 * random.normal();
            values.extend([(radius * angle.cos()) as f32, (radius * angle.sin()) as f32]);
            codes.push(class);
        }
        let rows = Matrix::new(2, values);
        let goal = Goal::Classes { codes: codes.clone(), names: vec!["a".into(), "b".into(), "c".into()] };
        let out = fit(&rows, &goal, 1.0, 0.5).predict(&rows);
        let right = out.rows().zip(&codes).filter(|(p, c)| p.iter().all(|v| *v <= p[**c])).count();
        assert!(right > 440, "{right}");
    }

    #[test]
    fn a_wave_is_followed_in_its_own_units() {
        let x: Vec<f32> = (0..200).map(|i| i as f32 / 20.0).collect();
        let y: Vec<f64> = x.iter().map(|x| 1000.0 + 50.0 * f64::from(x.sin())).collect();
        let rows = Matrix::new(1, x);
        let out = fit(&rows, &Goal::Numbers(y.clone()), 10.0, 1.0).predict(&rows);
        let worst = out.values.iter().zip(&y).map(|(a, b)| (f64::from(*a) - b).abs()).fold(0.0, f64::max);
        assert!(worst < 8.0, "{worst}");
    }
}
