//! Sums of a block of numbers that all statistics follow from.

use super::element::Element;

/// Numbers that are summed around one of them; few enough for the first cache, and for little to be lost in rounding.
pub(super) const BLOCK: usize = 1024;
/// Sums that are kept side by side.
const LANES: usize = 16;

/// Statistics of finite numbers, with the counts of all.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Moments {
    /// Finite numbers.
    pub(crate) n: u64,
    pub(crate) n_nan: u64,
    pub(crate) n_inf: u64,
    pub(crate) n_zero: u64,
    pub(crate) min: f64,
    pub(crate) max: f64,
    pub(crate) mean: f64,
    /// Sum of squared distances from the mean.
    pub(crate) m2: f64,
    /// Sum of magnitudes.
    pub(crate) l1: f64,
}

impl Moments {
    /// Those of nothing.
    pub(crate) const EMPTY: Self = Self {
        n: 0,
        n_nan: 0,
        n_inf: 0,
        n_zero: 0,
        min: f64::INFINITY,
        max: f64::NEG_INFINITY,
        mean: 0.0,
        m2: 0.0,
        l1: 0.0,
    };

    /// Adds what `other` has seen, after Chan, Golub and LeVeque, “Updating formulae and a pairwise algorithm for computing sample
    /// variances”, 1979.
    pub(crate) fn merge(&mut self, other: &Self) {
        self.n_nan += other.n_nan;
        self.n_inf += other.n_inf;
        if other.n == 0 {
            return;
        }
        let n = self.n + other.n;
        let share = other.n as f64 / n as f64;
        let distance = other.mean - self.mean;
        self.m2 += other.m2 + distance * distance * (self.n as f64 * share);
        self.mean += distance * share;
        self.n = n;
        self.n_zero += other.n_zero;
        self.min = self.min.min(other.min);
        self.max = self.max.max(other.max);
        self.l1 += other.l1;
    }

    /// From sums of the distances from `pivot`.
    fn around(pivot: f64, n: usize, sum: f64, squares: f64) -> Self {
        let distance = sum / n as f64;
        Self { n: n as u64, mean: pivot + distance, m2: (squares - sum * distance).max(0.0), ..Self::EMPTY }
    }
}

/// Moments of at most [`BLOCK`] numbers.
#[inline(always)]
pub(super) fn of_block<T: Element, const FUSED: bool>(numbers: &[T]) -> Moments {
    let Some(pivot) = numbers.first().map(|x| x.wide()) else { return Moments::EMPTY };
    let (chunks, rest) = numbers.as_chunks::<LANES>();
    let mut sums = [0.0f64; LANES];
    let mut squares = [0.0f64; LANES];
    let mut l1 = [0.0f64; LANES];
    let mut least = [pivot; LANES];
    let mut greatest = [pivot; LANES];
    let mut zeros = [0u64; LANES];
    let mut add = |i: usize, x: f64| {
        let distance = x - pivot;
        sums[i] += distance;
        squares[i] =
            if FUSED { distance.mul_add(distance, squares[i]) } else { distance * distance + squares[i] };
        l1[i] += x.abs();
        least[i] = if x < least[i] { x } else { least[i] };
        greatest[i] = if x > greatest[i] { x } else { greatest[i] };
        zeros[i] += u64::from(x == 0.0);
    };
    for chunk in chunks {
        for (i, x) in chunk.iter().enumerate() {
            add(i, x.wide());
        }
    }
    for (i, x) in rest.iter().enumerate() {
        add(i, x.wide());
    }
    let total: f64 = squares.iter().sum();
    if !total.is_finite() {
        return one_by_one(numbers);
    }
    Moments {
        n_zero: zeros.iter().sum(),
        min: least.into_iter().fold(pivot, f64::min),
        max: greatest.into_iter().fold(pivot, f64::max),
        l1: l1.iter().sum(),
        ..Moments::around(pivot, numbers.len(), sums.iter().sum(), total)
    }
}

/// For a block that holds something that is not finite, or whose squares do not fit.
#[cold]
#[inline(never)]
fn one_by_one<T: Element>(numbers: &[T]) -> Moments {
    let mut all = Moments::EMPTY;
    for x in numbers.iter().map(|x| x.wide()) {
        let one = if x.is_nan() {
            Moments { n_nan: 1, ..Moments::EMPTY }
        } else if x.is_infinite() {
            Moments { n_inf: 1, ..Moments::EMPTY }
        } else {
            Moments {
                n: 1,
                n_zero: u64::from(x == 0.0),
                min: x,
                max: x,
                mean: x,
                l1: x.abs(),
                ..Moments::EMPTY
            }
        };
        all.merge(&one);
    }
    all
}
