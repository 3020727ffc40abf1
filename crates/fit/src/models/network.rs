//! A network with one hidden layer, trained as people train theirs: Adam on mini-batches.

use super::{Model, one_hot, softmax};
use crate::encode::moments;
use crate::matrix::gemm;
use crate::{Goal, Matrix};
use stetho_core::Random;

/// Rows of a mini-batch, at most.
const BATCH: usize = 64;
/// Steps that a small data set gets at least.
const FEWEST_STEPS: usize = 400;
/// Added where variances are divided by (batch normalisation).
const EPSILON: f32 = 1e-5;

/// How a network is built and trained.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct NetworkSpec {
    /// Units of the hidden layer.
    pub units: usize,
    /// Passes over the rows.
    pub epochs: usize,
    /// Adam's step (Kingma & Ba 2015).
    pub learning_rate: f32,
    /// Share of hidden units left out at random in training (Srivastava et al. 2014).
    pub dropout: f32,
    /// Decoupled weight decay (Loshchilov & Hutter 2019).
    pub weight_decay: f32,
    /// Normalises the hidden layer by batch (Ioffe & Szegedy 2015).
    pub batch_norm: bool,
}

impl NetworkSpec {
    /// A plain network for this many training rows.
    pub(crate) fn plain(units: usize, n_rows: usize) -> Self {
        let steps = n_rows.div_ceil(BATCH).max(1);
        let epochs = (60_000 / n_rows.max(1)).clamp(12, 60).max(FEWEST_STEPS.div_ceil(steps));
        Self { units, epochs, learning_rate: 0.01, dropout: 0.0, weight_decay: 0.0, batch_norm: false }
    }
}

/// Mean loss on the validation rows after each epoch.
#[derive(Clone, Debug, Default)]
pub(crate) struct History {
    pub losses: Vec<f64>,
}

/// A weight matrix or a shift with Adam's moments.
#[derive(Clone)]
struct Parameter {
    values: Vec<f32>,
    slopes: Vec<f32>,
    mean: Vec<f32>,
    square: Vec<f32>,
}

impl Parameter {
    fn new(values: Vec<f32>) -> Self {
        let n = values.len();
        Self { values, slopes: vec![0.0; n], mean: vec![0.0; n], square: vec![0.0; n] }
    }

    fn random(n_in: usize, n: usize, random: &mut Random) -> Self {
        let scale = (2.0 / n_in.max(1) as f64).sqrt();
        Self::new((0..n).map(|_| (random.normal() * scale) as f32).collect())
    }

    fn step(&mut self, rate: f32, decay: f32, step: i32) {
        let (a, b) = (0.9_f32, 0.999_f32);
        let rate_now = rate * (1.0 - b.powi(step)).sqrt() / (1.0 - a.powi(step));
        let moments = self.mean.iter_mut().zip(&mut self.square);
        for ((value, slope), (mean, square)) in self.values.iter_mut().zip(&self.slopes).zip(moments) {
            *mean = a * *mean + (1.0 - a) * slope;
            *square = b * *square + (1.0 - b) * slope * slope;
            *value -= rate_now * *mean / (square.sqrt() + 1e-8) + rate * decay * *value;
        }
    }
}

/// A fitted network.
pub(crate) struct Network {
    n_columns: usize,
    units: usize,
    n_outputs: usize,
    /// Columns × units, and a shift each.
    first: Parameter,
    first_shift: Parameter,
    /// Units × outputs, and a shift each.
    second: Parameter,
    second_shift: Parameter,
    /// Running mean and variance of the hidden layer, where it is normalised.
    running: Option<(Vec<f32>, Vec<f32>)>,
    /// Shift and scale of numbers.
    unit: Option<(f64, f64)>,
}

/// What one batch leaves behind.
#[derive(Default)]
struct Pass {
    hidden: Vec<f32>,
    /// 1 / the standard deviation of each unit in this batch.
    inverse: Vec<f32>,
    normal: Vec<f32>,
    kept: Vec<f32>,
    out: Vec<f32>,
}

impl Network {
    /// Trains on the rows.
    pub(crate) fn fit(rows: &Matrix, goal: &Goal, spec: &NetworkSpec, seed: u64) -> (Self, History) {
        Self::watched(rows, goal, spec, seed, None)
    }

    /// Trains as [`Network::fit`] does and stops after some epochs.
    pub(crate) fn until(rows: &Matrix, goal: &Goal, spec: &NetworkSpec, seed: u64, epochs: usize) -> Self {
        Self::train(rows, goal, spec, seed, None, epochs).0
    }

    /// Trains and looks at validation rows after each epoch.
    pub(crate) fn watched(
        rows: &Matrix,
        goal: &Goal,
        spec: &NetworkSpec,
        seed: u64,
        validation: Option<(&Matrix, &Goal)>,
    ) -> (Self, History) {
        Self::train(rows, goal, spec, seed, validation, spec.epochs)
    }

    fn train(
        rows: &Matrix,
        goal: &Goal,
        spec: &NetworkSpec,
        seed: u64,
        validation: Option<(&Matrix, &Goal)>,
        epochs: usize,
    ) -> (Self, History) {
        let mut random = Random::new(seed);
        let mut targets = one_hot(goal);
        let unit = match goal {
            Goal::Numbers(_) => {
                let (mean, std) = moments(&targets);
                let std = if std[0] > 0.0 { std[0] } else { 1.0 };
                targets.values.iter_mut().for_each(|v| *v = ((f64::from(*v) - mean[0]) / std) as f32);
                Some((mean[0], std))
            }
            Goal::Classes { .. } => None,
        };
        let mut net = Self::new(rows.n_columns, spec, targets.n_columns, unit, &mut random);
        let mut history = History::default();
        let mut order: Vec<usize> = (0..rows.n_rows()).collect();
        let batch = BATCH.min(rows.n_rows().div_ceil(4)).max(1);
        let total = spec.epochs * rows.n_rows().div_ceil(batch);
        let mut step = 0_i32;
        for _ in 0..epochs.min(spec.epochs) {
            random.shuffle(&mut order);
            for chunk in order.chunks(batch) {
                // Down to a tenth in the course of training, so that the end is calm.
                let rate = spec.learning_rate * (1.0 - 0.9 * step as f32 / total as f32);
                step += 1;
                let (x, y) = (rows.pick(chunk), targets.pick(chunk));
                let pass = net.forward(&x, Some((spec.dropout, &mut random)));
                net.backward(&x, &y, &pass, spec.dropout);
                net.step(rate, spec.weight_decay, step);
            }
            if let Some((rows, goal)) = validation {
                history.add(&net.predict(rows), goal, unit);
            }
        }
        (net, history)
    }

    fn new(
        n_columns: usize,
        spec: &NetworkSpec,
        n_outputs: usize,
        unit: Option<(f64, f64)>,
        random: &mut Random,
    ) -> Self {
        let units = spec.units;
        Self {
            n_columns,
            units,
            n_outputs,
            first: Parameter::random(n_columns, n_columns * units, random),
            first_shift: Parameter::new(vec![0.0; units]),
            second: Parameter::random(units, units * n_outputs, random),
            second_shift: Parameter::new(vec![0.0; n_outputs]),
            running: spec.batch_norm.then(|| (vec![0.0; units], vec![1.0; units])),
            unit,
        }
    }

    /// Outputs before the softmax; in training units are dropped and batches normalised by themselves.
    fn forward(&mut self, x: &Matrix, training: Option<(f32, &mut Random)>) -> Pass {
        let (n, units) = (x.n_rows(), self.units);
        let mut pass = Pass { hidden: self.first_shift.values.repeat(n), ..Pass::default() };
        let d = self.n_columns;
        gemm(&mut pass.hidden, (&x.values, d, 1), (&self.first.values, units, 1), [n, d, units], 1.0);
        if self.running.is_some() {
            self.normalise(&mut pass, n);
        }
        pass.hidden.iter_mut().for_each(|v| *v = v.max(0.0));
        if let Some((share, random)) = training
            && share > 0.0
        {
            let keep = 1.0 / (1.0 - share);
            pass.kept = pass
                .hidden
                .iter()
                .map(|_| if random.unit() < f64::from(share) { 0.0 } else { keep })
                .collect();
            pass.hidden.iter_mut().zip(&pass.kept).for_each(|(v, k)| *v *= k);
        }
        pass.out = self.output(&pass.hidden, n);
        pass
    }

    fn output(&self, hidden: &[f32], n: usize) -> Vec<f32> {
        let (units, k) = (self.units, self.n_outputs);
        let mut out = self.second_shift.values.repeat(n);
        gemm(&mut out, (hidden, units, 1), (&self.second.values, k, 1), [n, units, k], 1.0);
        out
    }

    /// Batch normalisation without learned scale and shift: the second layer and its bias have both.
    fn normalise(&mut self, pass: &mut Pass, n: usize) {
        let hidden = Matrix::new(self.units, std::mem::take(&mut pass.hidden));
        let (mean, std) = moments(&hidden);
        pass.hidden = hidden.values;
        pass.inverse = std.iter().map(|s| 1.0 / ((s * s) as f32 + EPSILON).sqrt()).collect();
        for row in pass.hidden.chunks_exact_mut(self.units) {
            for ((value, mean), inverse) in row.iter_mut().zip(&mean).zip(&pass.inverse) {
                *value = (*value - *mean as f32) * inverse;
            }
        }
        pass.normal.clone_from(&pass.hidden);
        if let Some((running_mean, running_square)) = &mut self.running
            && n > 1
        {
            running_mean.iter_mut().zip(&mean).for_each(|(r, m)| *r += 0.1 * (*m as f32 - *r));
            running_square.iter_mut().zip(&std).for_each(|(r, s)| *r += 0.1 * ((s * s) as f32 - *r));
        }
    }

    /// Slopes of all parameters for the mean loss of a batch.
    fn backward(&mut self, x: &Matrix, y: &Matrix, pass: &Pass, dropout: f32) {
        let (n, units, k, d) = (x.n_rows(), self.units, self.n_outputs, self.n_columns);
        let mut wrong = Matrix::new(k, pass.out.clone());
        if self.unit.is_none() {
            softmax(&mut wrong);
        }
        wrong.values.iter_mut().zip(&y.values).for_each(|(p, t)| *p = (*p - t) / n as f32);
        gemm(&mut self.second.slopes, (&pass.hidden, 1, units), (&wrong.values, k, 1), [units, n, k], 0.0);
        column_sums(&wrong.values, &mut self.second_shift.slopes);
        let mut back = vec![0.0; n * units];
        gemm(&mut back, (&wrong.values, k, 1), (&self.second.values, 1, k), [n, k, units], 0.0);
        for (at, (slope, value)) in back.iter_mut().zip(&pass.hidden).enumerate() {
            let kept = if dropout > 0.0 { pass.kept[at] } else { 1.0 };
            *slope = if *value > 0.0 { *slope * kept } else { 0.0 };
        }
        if self.running.is_some() {
            through_normalisation(&mut back, pass, units);
        }
        gemm(&mut self.first.slopes, (&x.values, 1, d), (&back, units, 1), [d, n, units], 0.0);
        column_sums(&back, &mut self.first_shift.slopes);
    }

    fn step(&mut self, rate: f32, decay: f32, step: i32) {
        self.first.step(rate, decay, step);
        self.second.step(rate, decay, step);
        self.first_shift.step(rate, 0.0, step);
        self.second_shift.step(rate, 0.0, step);
    }
}

fn column_sums(values: &[f32], out: &mut [f32]) {
    out.fill(0.0);
    for row in values.chunks_exact(out.len().max(1)) {
        out.iter_mut().zip(row).for_each(|(o, v)| *o += v);
    }
}

/// The slope of a normalised unit handed on to what was normalised.
fn through_normalisation(back: &mut [f32], pass: &Pass, units: usize) {
    let n = (back.len() / units.max(1)) as f32;
    let (mut sums, mut products) = (vec![0.0; units], vec![0.0; units]);
    for (row, normal) in back.chunks_exact(units).zip(pass.normal.chunks_exact(units)) {
        for (j, (slope, value)) in row.iter().zip(normal).enumerate() {
            sums[j] += slope / n;
            products[j] += slope * value / n;
        }
    }
    for (row, normal) in back.chunks_exact_mut(units).zip(pass.normal.chunks_exact(units)) {
        for (j, (slope, value)) in row.iter_mut().zip(normal).enumerate() {
            *slope = pass.inverse[j] * (*slope - sums[j] - value * products[j]);
        }
    }
}

impl History {
    fn add(&mut self, told: &Matrix, goal: &Goal, unit: Option<(f64, f64)>) {
        let loss = match goal {
            Goal::Classes { codes, .. } => {
                told.rows().zip(codes).map(|(p, c)| -f64::from(p[*c].max(1e-7)).ln()).sum::<f64>()
            }
            Goal::Numbers(numbers) => {
                let std = unit.map_or(1.0, |u| u.1);
                told.values.iter().zip(numbers).map(|(a, b)| ((f64::from(*a) - b) / std).powi(2)).sum()
            }
        };
        let loss = loss / goal.n_rows().max(1) as f64;
        self.losses.push(loss);
    }
}

impl Model for Network {
    fn predict(&self, rows: &Matrix) -> Matrix {
        let (n, units, d) = (rows.n_rows(), self.units, self.n_columns);
        let mut hidden = self.first_shift.values.repeat(n);
        gemm(&mut hidden, (&rows.values, d, 1), (&self.first.values, units, 1), [n, d, units], 1.0);
        if let Some((mean, square)) = &self.running {
            for row in hidden.chunks_exact_mut(units) {
                for ((value, mean), square) in row.iter_mut().zip(mean).zip(square) {
                    *value = (*value - mean) / (square + EPSILON).sqrt();
                }
            }
        }
        hidden.iter_mut().for_each(|v| *v = v.max(0.0));
        let mut out = Matrix::new(self.n_outputs, self.output(&hidden, n));
        match self.unit {
            Some((mean, std)) => out.values.iter_mut().for_each(|v| *v = (f64::from(*v) * std + mean) as f32),
            None => softmax(&mut out),
        }
        out
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn spec(batch_norm: bool) -> NetworkSpec {
        NetworkSpec { batch_norm, ..NetworkSpec::plain(5, 12) }
    }

    #[test]
    fn slopes_are_those_of_the_loss() {
        for batch_norm in [false, true] {
            let mut random = Random::new(4);
            let x = Matrix::new(3, (0..36).map(|_| random.normal() as f32).collect());
            let y = Matrix::new(1, (0..12).map(|_| random.normal() as f32).collect());
            let mut net = Network::new(3, &spec(batch_norm), 1, Some((0.0, 1.0)), &mut random);
            let loss = |net: &mut Network| {
                let pass = net.forward(&x, Some((0.0, &mut Random::new(0))));
                pass.out.iter().zip(&y.values).map(|(a, b)| f64::from((a - b) * (a - b))).sum::<f64>() / 24.0
            };
            let pass = net.forward(&x, None);
            net.backward(&x, &y, &pass, 0.0);
            let slopes = net.first.slopes.clone();
            for (at, slope) in slopes.iter().enumerate() {
                let start = net.first.values[at];
                let mut moved = |by: f32| {
                    net.first.values[at] = start + by;
                    loss(&mut net)
                };
                let numeric = (moved(2e-4) - moved(-2e-4)) / 4e-4;
                net.first.values[at] = start;
                assert!((numeric - f64::from(*slope)).abs() < 5e-3, "{at}: {numeric} {slope}");
            }
        }
    }

    #[test]
    fn it_learns_what_no_line_tells() {
        let mut random = Random::new(8);
        let (mut values, mut codes) = (Vec::new(), Vec::new());
        for _ in 0..400 {
            let (a, b) = (random.normal(), random.normal());
            values.extend([a as f32, b as f32]);
            codes.push(usize::from((a > 0.0) != (b > 0.0)));
        }
        let rows = Matrix::new(2, values);
        let goal = Goal::Classes { codes: codes.clone(), names: vec!["a".into(), "b".into()] };
        for batch_norm in [false, true] {
            let spec = NetworkSpec { batch_norm, ..NetworkSpec::plain(32, 400) };
            let out = Network::fit(&rows, &goal, &spec, 1).0.predict(&rows);
            let right = out.rows().zip(&codes).filter(|(p, c)| p[**c] > 0.5).count();
            assert!(right > 370, "{right}");
        }
    }
}
