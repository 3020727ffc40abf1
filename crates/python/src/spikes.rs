//! Losses beyond a run's own noise.

use std::collections::VecDeque;

use pyo3::prelude::*;

/// Losses that the noise is known by.
const SETTLED: usize = 64;
/// Losses before a jump of one of them can be told from noise at all; until there are [`SETTLED`] it must be a larger one.
const LEAST: usize = 16;
/// A spike is this many usual distances above the highest of the last losses.
const SPIKE: f64 = 12.0;
/// How much larger a jump must be before the noise has settled.
const CAUTION: f64 = 8.0;

/// Tells a loss beyond the run's own noise, in constant memory; a loss like those before costs a comparison and two sums.
#[pyclass(module = "stetho._core")]
#[derive(Default)]
pub(crate) struct Spikes {
    last: VecDeque<f64>,
    /// Running means of the losses and of their distances from one to the next.
    level: f64,
    swing: f64,
    n: usize,
    before: f64,
}

#[pymethods]
impl Spikes {
    #[new]
    fn new() -> Self {
        Self::default()
    }

    /// Level and swing before a loss that is a spike; None for any other, which is counted.
    fn see(&mut self, loss: f64) -> Option<(f64, f64)> {
        let above = loss - self.level;
        if self.n >= LEAST && above > 4.0 * self.swing && self.is_spike(loss) {
            return Some((self.level, self.swing));
        }
        if self.last.len() == SETTLED {
            self.last.pop_front();
        }
        self.last.push_back(loss);
        if self.n == 0 {
            self.level = loss;
            self.before = loss;
        } else {
            let weight = 1.0 / self.n.min(SETTLED) as f64;
            self.swing += ((loss - self.before).abs() - self.swing) * weight;
            self.level += above * weight;
        }
        self.before = loss;
        self.n += 1;
        None
    }
}

impl Spikes {
    fn is_spike(&self, loss: f64) -> bool {
        let highest = self.last.iter().copied().fold(f64::NEG_INFINITY, f64::max);
        let level = self.last.iter().sum::<f64>() / self.last.len() as f64;
        let factor = if self.n >= SETTLED { 1.0 } else { CAUTION };
        self.swing > 0.0
            && loss > highest + factor * SPIKE * self.swing
            && loss - level > factor * 4.0 * (highest - level)
            && loss - level > factor * 2.0 * level.abs()
    }
}
