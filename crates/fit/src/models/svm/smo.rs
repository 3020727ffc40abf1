//! The dual problem of support vector machines, solved two weights at a time (Platt 1998), the two chosen by second-order
//! information (Fan, Chen & Lin 2005), on a kernel held in memory.

use crate::Matrix;

/// How far from the optimum the conditions of Karush, Kuhn and Tucker may be, as in libsvm.
const TOLERANCE: f32 = 1e-3;
/// The least curvature along a step.
const FLAT: f32 = 1e-6;
/// Steps a row, and steps at least, after which the best so far is taken.
const STEPS: usize = 200;
const LEAST_STEPS: usize = 100_000;

/// Minimises ½ βᵀKβ − βᵀy + ε Σ|βᵢ| with Σβᵢ = 0 and each βᵢ within its limits: for classes β = yα from 0 to C on the side
/// of its sign and ε = 0, for numbers β = α − α* from −C to C.
pub(crate) struct Problem<'a> {
    /// K, symmetric, with ones along its diagonal.
    pub kernel: &'a Matrix,
    /// y: −1 and 1, or numbers.
    pub targets: &'a [f32],
    pub limits: Limits,
}

/// What weights may be, and what they cost beside K.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Limits {
    pub c: f32,
    /// ε for numbers; none for classes.
    pub tube: Option<f32>,
}

impl Limits {
    /// The least and greatest weight of a row.
    fn range(&self, target: f32) -> (f32, f32) {
        match self.tube {
            Some(_) => (-self.c, self.c),
            None if target > 0.0 => (0.0, self.c),
            None => (-self.c, 0.0),
        }
    }

    /// Notes what a change of this weight costs beside K, or that it is at its limit.
    fn note(&self, state: &mut State, target: f32, i: usize) {
        let (least, most) = self.range(target);
        let tube = self.tube.unwrap_or(0.0);
        let weight = state.weights[i];
        state.up[i] = match weight {
            w if w >= most => f32::INFINITY,
            w if w >= 0.0 => tube,
            _ => -tube,
        };
        state.down[i] = match weight {
            w if w <= least => f32::NEG_INFINITY,
            w if w > 0.0 => tube,
            _ => -tube,
        };
    }

    /// Notes it for all.
    pub(crate) fn note_all(&self, state: &mut State, targets: &[f32]) {
        targets.iter().enumerate().for_each(|(i, target)| self.note(state, *target, i));
    }
}

/// Where the solver stands. The machine is f(x) = Σ βᵢ K(xᵢ, x) + shift.
#[derive(Clone, Debug)]
pub(crate) struct State {
    /// β.
    pub weights: Vec<f32>,
    /// y − Kβ; where other rows have weights too, less what they add to f.
    pub left: Vec<f32>,
    /// `left` less this is what a larger weight gains; infinite where it can grow no more.
    up: Vec<f32>,
    /// `left` less this is what a smaller weight loses; minus infinity where it can shrink no more.
    down: Vec<f32>,
}

impl State {
    /// All weights zero.
    pub(crate) fn new(targets: &[f32]) -> Self {
        Self::at(vec![0.0; targets.len()], targets.to_vec())
    }

    /// At these weights, with y − Kβ at them.
    pub(crate) fn at(weights: Vec<f32>, left: Vec<f32>) -> Self {
        let zeros = vec![0.0; left.len()];
        Self { weights, left, up: zeros.clone(), down: zeros }
    }

    /// What each weight gains by growing, and loses by shrinking.
    pub(crate) fn slopes(&self) -> impl Iterator<Item = (f32, f32)> {
        self.left
            .iter()
            .zip(self.up.iter().zip(&self.down))
            .map(|(left, (up, down))| (left - up, left - down))
    }

    /// The shift with which free weights are on the margin: the mean of theirs, or the middle of what the others allow.
    pub(crate) fn shift(&self) -> f32 {
        let (mut sum, mut n) = (0.0, 0.0);
        let (mut most, mut least) = (f32::NEG_INFINITY, f32::INFINITY);
        for (gain, loss) in self.slopes() {
            most = most.max(gain);
            least = least.min(loss);
            // Free, and not at the kink: to grow and to shrink are the same.
            if (gain - loss).abs() <= 0.0 {
                sum += f64::from(gain);
                n += 1.0;
            }
        }
        let middle = f64::from(most + least) / 2.0;
        (if n > 0.0 {
            sum / n
        } else if middle.is_finite() {
            middle
        } else {
            0.0
        }) as f32
    }
}

impl Problem<'_> {
    /// Goes on from weights within their limits, whose sum stays as it is, until no two of them gain from a change.
    pub(crate) fn improve(&self, state: &mut State) {
        let n = self.targets.len();
        self.limits.note_all(state, self.targets);
        let given = self.times_weights(state, 1.0);
        let mut scratch = vec![0.0; n];
        let mut is_fresh = true;
        for _ in 0..(STEPS * n).max(LEAST_STEPS) {
            if let Some((i, j)) = self.two(state, &mut scratch) {
                self.step(state, i, j);
                is_fresh = false;
            } else if is_fresh {
                break;
            } else {
                // Rounding adds up over many steps: what looks solved is computed anew.
                state.left = given.iter().map(|l| *l as f32).collect();
                state.left = self.times_weights(state, -1.0).into_iter().map(|l| l as f32).collect();
                is_fresh = true;
            }
        }
    }

    /// `left` + `sign` × Kβ.
    fn times_weights(&self, state: &State, sign: f64) -> Vec<f64> {
        let mut out: Vec<f64> = state.left.iter().map(|l| f64::from(*l)).collect();
        for (i, weight) in state.weights.iter().enumerate().filter(|(_, w)| w.abs() > 0.0) {
            let weight = sign * f64::from(*weight);
            out.iter_mut().zip(self.kernel.row(i)).for_each(|(l, k)| *l += weight * f64::from(*k));
        }
        out
    }

    /// The weight that gains most by growing, and the one that gains most by shrinking with it; `None` where no two gain more
    /// than the tolerance.
    fn two(&self, state: &State, scratch: &mut [f32]) -> Option<(usize, usize)> {
        let State { left, up, down, .. } = state;
        scratch.iter_mut().zip(left.iter()).zip(up.iter()).for_each(|((s, l), u)| *s = l - u);
        let (i, most) = largest(scratch)?;
        // With the slope of each, the largest of them, and its square over the curvature: all in one pass.
        for (((s, k), l), d) in scratch.iter_mut().zip(self.kernel.row(i)).zip(left.iter()).zip(down.iter()) {
            let slope = most - (l - d);
            let slope = if slope > TOLERANCE { slope } else { 0.0 };
            let curvature = 2.0 - 2.0 * k;
            *s = slope * slope / if curvature > FLAT { curvature } else { FLAT };
        }
        let (j, gain) = largest(scratch)?;
        (gain > 0.0).then_some((i, j))
    }

    /// Moves as much weight from `j` to `i` as is best within their limits and on their side of zero.
    fn step(&self, state: &mut State, i: usize, j: usize) {
        let ((_, most), (least, _)) =
            (self.limits.range(self.targets[i]), self.limits.range(self.targets[j]));
        let top = if state.weights[i] < 0.0 { most.min(0.0) } else { most };
        let bottom = if state.weights[j] > 0.0 { least.max(0.0) } else { least };
        let (from, to) = (self.kernel.row(j), self.kernel.row(i));
        let slope = (state.left[i] - state.up[i]) - (state.left[j] - state.down[j]);
        let wanted = slope / (2.0 - 2.0 * to[j]).max(FLAT);
        let (room_i, room_j) = (top - state.weights[i], state.weights[j] - bottom);
        let moved = wanted.min(room_i).min(room_j);
        state.weights[i] = if moved >= room_i { top } else { state.weights[i] + moved };
        state.weights[j] = if moved >= room_j { bottom } else { state.weights[j] - moved };
        for ((left, a), b) in state.left.iter_mut().zip(to).zip(from) {
            *left -= moved * (a - b);
        }
        self.limits.note(state, self.targets[i], i);
        self.limits.note(state, self.targets[j], j);
    }
}

/// Maxima that are kept side by side, which is as many as fit into registers.
const LANES: usize = 16;

/// The first place of the largest value, and it; `None` if there is none above minus infinity.
fn largest(values: &[f32]) -> Option<(usize, f32)> {
    let mut lanes = [f32::NEG_INFINITY; LANES];
    let chunks = values.chunks_exact(LANES);
    let rest = chunks.remainder();
    for chunk in chunks {
        lanes.iter_mut().zip(chunk).for_each(|(lane, v)| *lane = if *v > *lane { *v } else { *lane });
    }
    let most = lanes.iter().chain(rest).copied().fold(f32::NEG_INFINITY, f32::max);
    let at = values.iter().position(|v| *v >= most)?;
    (most > f32::NEG_INFINITY).then_some((at, most))
}
