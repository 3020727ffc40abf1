//! One machine a pair of classes. Where there are many rows, a first machine of a part of them tells which rows matter: those
//! within its margin or on the wrong side, and half as many that come next. The support vectors of the whole are nearly all
//! among them (a cascade of two steps: Graf, Cosatto, Bottou, Dourdanovic & Vapnik 2005), so that the machine of these rows
//! is nearly the exact one.

use rayon::prelude::*;
use stetho_core::Random;

use super::blocks::solve;
use super::smo::Limits;
use super::{FEW_ROWS, MOST_WORK, Svm, work};
use crate::Matrix;
use crate::models::Model;
use crate::models::kernel::squares;

/// Values of kernels that are held in memory at a time, 256 MB, unless one machine alone needs more.
const HELD: usize = 64 << 20;
/// Values of the kernels of the first machines, and of those by which C and γ are chosen.
const FIRST_VALUES: usize = 40_000_000;
const TRIED_VALUES: usize = 10_000_000;
/// Rows that are asked for when C and γ are chosen.
const ASKED: usize = 3_000;
/// Rows taken for each row within the margin: the more the nearer to the exact machine, as far as the work allows.
const SPARE: [f64; 3] = [1.5, 1.2, 1.0];
/// Rows of a class in each pair, at least.
const FEWEST: usize = 200;
/// More pairs than these are not fitted to many rows.
const MOST_PAIRS: usize = 200;

/// Rows of a training set by class.
pub(crate) struct Classes<'a> {
    rows: &'a Matrix,
    codes: &'a [usize],
    /// Rows of each class, in random order.
    members: Vec<Vec<usize>>,
    /// Classes that have rows, two by two.
    pub pairs: Vec<(usize, usize)>,
}

impl<'a> Classes<'a> {
    pub(crate) fn new(rows: &'a Matrix, codes: &'a [usize], n_classes: usize, seed: u64) -> Self {
        let mut members: Vec<Vec<usize>> = vec![Vec::new(); n_classes];
        codes.iter().enumerate().for_each(|(i, code)| members[*code].push(i));
        members.iter_mut().for_each(|m| Random::of_purpose(seed, "svm").shuffle(m));
        let is_there = |class: &usize| !members[*class].is_empty();
        let pairs = (0..n_classes)
            .filter(is_there)
            .flat_map(|a| (a + 1..n_classes).filter(is_there).map(move |b| (a, b)))
            .collect();
        Self { rows, codes, members, pairs }
    }

    /// The machines of all rows or of those that matter; of many rows with C or ten times that and γ or twice that, whichever
    /// does better on rows held out of a part. `None` where so many rows matter, or there are so many classes, that this would
    /// take too long.
    pub(crate) fn fit(&self, c: f32, gamma: f32) -> Option<Svm> {
        if self.rows.n_rows() <= FEW_ROWS {
            return Some(self.exact(c, gamma));
        }
        if self.pairs.len() > MOST_PAIRS {
            return None;
        }
        let (c, gamma) = self.better(c, gamma);
        if self.is_affordable(&self.all()) {
            Some(self.exact(c, gamma))
        } else {
            self.nearly(c, gamma, FIRST_VALUES)
        }
    }

    /// The machines of all rows.
    pub(crate) fn exact(&self, c: f32, gamma: f32) -> Svm {
        self.with(&self.all(), c, gamma)
    }

    fn all(&self) -> Vec<Vec<usize>> {
        self.pairs.iter().map(|(a, b)| [&*self.members[*a], &*self.members[*b]].concat()).collect()
    }

    /// The machines of the rows that matter, by first machines whose kernels have so many values.
    pub(crate) fn nearly(&self, c: f32, gamma: f32, n_first: usize) -> Option<Svm> {
        let told = self.first(c, gamma, n_first).decisions(self.rows);
        let chosen =
            SPARE.iter().map(|spare| self.near(&told, *spare)).find(|chosen| self.is_affordable(chosen))?;
        Some(self.with(&chosen, c, gamma))
    }

    /// Machines of the first rows of each class, whose kernels have this many values.
    fn first(&self, c: f32, gamma: f32, n_values: usize) -> Svm {
        let n = self.n_first(n_values);
        let part = |class: usize| self.members[class].iter().take(n).copied();
        let parts: Vec<Vec<usize>> =
            self.pairs.iter().map(|(a, b)| part(*a).chain(part(*b)).collect()).collect();
        self.with(&parts, c, gamma)
    }

    fn n_first(&self, n_values: usize) -> usize {
        ((n_values / self.pairs.len().max(1)) as f64).sqrt() as usize / 2
    }

    /// C and γ.
    fn better(&self, c: f32, gamma: f32) -> (f32, f32) {
        let n = self.n_first(TRIED_VALUES);
        let share = ASKED as f64 / self.rows.n_rows().max(1) as f64;
        let part = |m: &'_ Vec<usize>| {
            let asked = (m.len() as f64 * share).ceil() as usize;
            m.iter().skip(n).take(asked).copied().collect::<Vec<usize>>()
        };
        let asked: Vec<usize> = self.members.iter().flat_map(part).collect();
        let rows = self.rows.pick(&asked);
        let n_wrong = |(c, gamma): (f32, f32)| {
            let told = self.first(c, gamma, TRIED_VALUES).predict(&rows);
            let is_wrong = |(row, told): &(&usize, &[f32])| told.iter().any(|p| *p > told[self.codes[**row]]);
            asked.iter().zip(told.rows()).filter(is_wrong).count()
        };
        let tried = [(c, gamma), (c, 2.0 * gamma), (10.0 * c, gamma), (10.0 * c, 2.0 * gamma)];
        tried.into_iter().min_by_key(|t| n_wrong(*t)).unwrap_or((c, gamma))
    }

    /// Of each pair, the rows with the least margins.
    fn near(&self, told: &Matrix, spare: f64) -> Vec<Vec<usize>> {
        let lowest = |pair: usize, sign: f32, class: usize| {
            let margin = |row: &usize| sign * told.row(*row)[pair];
            let mut rows = self.members[class].clone();
            let n = rows.iter().filter(|row| margin(row) < 1.0).count();
            rows.sort_by(|a, b| margin(a).total_cmp(&margin(b)));
            rows.truncate(FEWEST.max((n as f64 * spare) as usize));
            rows
        };
        let near = |(pair, (a, b)): (usize, &(usize, usize))| {
            [lowest(pair, 1.0, *a), lowest(pair, -1.0, *b)].concat()
        };
        self.pairs.iter().enumerate().map(near).collect()
    }

    fn is_affordable(&self, chosen: &[Vec<usize>]) -> bool {
        chosen.iter().map(|rows| work(rows.len(), self.rows.n_columns)).sum::<f64>() <= MOST_WORK
    }

    /// The machines of these rows, as one model.
    fn with(&self, chosen: &[Vec<usize>], c: f32, gamma: f32) -> Svm {
        let fit = |((first, _), rows): (&(usize, usize), &Vec<usize>)| {
            let sign = |row: &usize| if self.codes[*row] == *first { 1.0 } else { -1.0 };
            let targets: Vec<f32> = rows.iter().map(sign).collect();
            solve(&self.rows.pick(rows), &targets, gamma, Limits { c, tube: None })
        };
        let mut machines = Vec::with_capacity(chosen.len());
        let mut tasks: Vec<_> = self.pairs.iter().zip(chosen).collect();
        while !tasks.is_empty() {
            let mut held = 0;
            let is_held = |task: &&(&_, &Vec<usize>)| {
                held += task.1.len().pow(2);
                held <= HELD
            };
            let n = tasks.iter().take_while(is_held).count().max(1);
            machines.par_extend(tasks.drain(..n).collect::<Vec<_>>().into_par_iter().map(fit));
        }
        self.merged(chosen, &machines, gamma)
    }

    /// All machines as one matrix of weights, so that each kernel value is computed once.
    fn merged(&self, chosen: &[Vec<usize>], machines: &[(Vec<f32>, f32)], gamma: f32) -> Svm {
        let used = |(rows, (weights, _)): (&Vec<usize>, &(Vec<f32>, f32))| {
            let used = rows.iter().zip(weights).filter(|(_, w)| w.abs() > 0.0);
            used.map(|(row, w)| (*row, *w)).collect::<Vec<(usize, f32)>>()
        };
        let used: Vec<Vec<(usize, f32)>> = chosen.iter().zip(machines).map(used).collect();
        let mut vectors: Vec<usize> = used.iter().flatten().map(|u| u.0).collect();
        vectors.sort_unstable();
        vectors.dedup();
        let mut weights = Matrix::zeros(vectors.len(), self.pairs.len());
        for (pair, used) in used.iter().enumerate() {
            for (row, weight) in used {
                if let Ok(at) = vectors.binary_search(row) {
                    weights.values[at * self.pairs.len() + pair] = *weight;
                }
            }
        }
        let vectors = self.rows.pick(&vectors);
        Svm {
            squares: squares(&vectors),
            vectors,
            weights,
            pairs: self.pairs.clone(),
            shifts: machines.iter().map(|m| m.1).collect(),
            gamma,
            n_outputs: self.members.len(),
            unit: None,
        }
    }
}
