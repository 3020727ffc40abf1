//! One machine, of as many rows as there may be: block by block where the kernel is too large to be held (decomposition:
//! Osuna, Freund & Girosi 1997, Joachims 1999).

use super::smo::{Limits, Problem, State};
use crate::Matrix;
use crate::models::kernel::{gaussian, gram, squares};

/// Rows whose kernel is held in memory: 8,000² × 4 bytes = 256 MB.
pub(crate) const MOST_ROWS: usize = 8_000;
/// Rows of a block where there are more.
const BLOCK: usize = 4_000;
/// Values of a kernel between all rows and a block that are held at a time: 64 MB.
const HELD: usize = 16 << 20;
/// How far from the optimum the conditions may be over all blocks.
const TOLERANCE: f32 = 0.05;
/// Blocks of the rows that violate them most, after each row was in one.
const ROUNDS: usize = 20;

/// The machine of these rows: their weights and its shift.
pub(crate) fn solve(rows: &Matrix, targets: &[f32], gamma: f32, limits: Limits) -> (Vec<f32>, f32) {
    let mut state = State::new(targets);
    let n = targets.len();
    if n <= MOST_ROWS {
        Problem { kernel: &gram(rows, gamma), targets, limits }.improve(&mut state);
        return (state.weights.clone(), state.shift());
    }
    let n_blocks = n.div_ceil(BLOCK);
    let whole = Whole { rows, targets, gamma, limits };
    for first in 0..n_blocks {
        whole.improve(&mut state, &(first..n).step_by(n_blocks).collect::<Vec<_>>());
    }
    for _ in 0..ROUNDS {
        limits.note_all(&mut state, targets);
        let Some(worst) = worst(&state) else { break };
        whole.improve(&mut state, &worst);
    }
    limits.note_all(&mut state, targets);
    (state.weights.clone(), state.shift())
}

/// The rows that gain most by more weight and those that gain most by less; `None` where that is next to nothing.
fn worst(state: &State) -> Option<Vec<usize>> {
    let (mut gains, mut losses): (Vec<_>, Vec<_>) =
        state.slopes().enumerate().map(|(i, (gain, loss))| ((gain, i), (loss, i))).unzip();
    gains.sort_by(|a, b| b.0.total_cmp(&a.0));
    losses.sort_by(|a, b| a.0.total_cmp(&b.0));
    let (most, least) = (gains.first()?.0, losses.first()?.0);
    if most - least <= TOLERANCE {
        return None;
    }
    let mut rows: Vec<usize> =
        gains.iter().take(BLOCK / 2).chain(losses.iter().take(BLOCK / 2)).map(|r| r.1).collect();
    rows.sort_unstable();
    rows.dedup();
    Some(rows)
}

struct Whole<'a> {
    rows: &'a Matrix,
    targets: &'a [f32],
    gamma: f32,
    limits: Limits,
}

impl Whole<'_> {
    /// Finds the best weights of a block while all others stay, and what they change for all.
    fn improve(&self, state: &mut State, block: &[usize]) {
        let rows = self.rows.pick(block);
        let pick = |values: &[f32]| block.iter().map(|i| values[*i]).collect::<Vec<f32>>();
        let mut part = State::at(pick(&state.weights), pick(&state.left));
        let targets = pick(self.targets);
        Problem { kernel: &gram(&rows, self.gamma), targets: &targets, limits: self.limits }
            .improve(&mut part);
        let changes: Vec<f32> = block.iter().zip(&part.weights).map(|(i, w)| w - state.weights[*i]).collect();
        block.iter().zip(&part.weights).for_each(|(i, w)| state.weights[*i] = *w);
        let changed: Vec<usize> = (0..block.len()).filter(|i| changes[*i].abs() > 0.0).collect();
        let vectors = rows.pick(&changed);
        let squares = squares(&vectors);
        let changes = Matrix::new(1, changed.iter().map(|i| changes[*i]).collect());
        let height = (HELD / changed.len().max(1)).max(1);
        for first in (0..self.rows.n_rows()).step_by(height) {
            let asked: Vec<usize> = (first..(first + height).min(self.rows.n_rows())).collect();
            let kernel = gaussian(&self.rows.pick(&asked), &vectors, &squares, self.gamma);
            let told = kernel.times(&changes);
            state.left[first..].iter_mut().zip(&told.values).for_each(|(l, f)| *l -= f);
        }
    }
}
