//! Sums of blocks of numbers that all statistics follow from.
//!
//! Numbers of 32 bits and fewer are summed in single precision, a few at a time, and these sums in double precision: the mean, the spread
//! and the sum of magnitudes are right to about a millionth of the spread, or of themselves. Those of 64 bits are summed in double precision.

use super::element::{Element, Lane};

/// Numbers that are summed around one value; few enough for the first cache.
pub(super) const BLOCK: usize = 4096;
/// Numbers whose sums are made before these are added up in double precision.
const STRETCH: usize = 512;
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

    /// What sums around `pivot` say of `n` numbers.
    fn of<L: Lane>(sums: &Sums<L>, pivot: f64, n: usize) -> Self {
        let sum: f64 = sums.distances.iter().sum();
        let distance = sum / n as f64;
        Self {
            n: n as u64,
            n_zero: sums.zeros.iter().map(|n| u64::from(*n)).sum(),
            min: sums.least.iter().map(|x| x.double()).fold(f64::INFINITY, f64::min),
            max: sums.greatest.iter().map(|x| x.double()).fold(f64::NEG_INFINITY, f64::max),
            mean: pivot + distance,
            m2: (sums.squares.iter().sum::<f64>() - sum * distance).max(0.0),
            l1: sums.magnitudes.iter().sum(),
            ..Self::EMPTY
        }
    }
}

/// Sums over a block, each in several lanes.
struct Sums<L> {
    /// Of the distances from the pivot, their squares, and of the magnitudes.
    distances: [f64; LANES],
    squares: [f64; LANES],
    magnitudes: [f64; LANES],
    least: [L; LANES],
    greatest: [L; LANES],
    zeros: [u32; LANES],
}

/// Moments of many numbers.
#[inline(always)]
pub(super) fn moments<T: Element, const FUSED: bool>(numbers: &[T]) -> Moments {
    let mut all = Moments::EMPTY;
    for block in numbers.chunks(BLOCK) {
        all.merge(&of_block::<T, FUSED>(block, &all));
    }
    all
}

/// Moments of at most [`BLOCK`] numbers, summed around the mean of those `before`.
#[inline(always)]
pub(super) fn of_block<T: Element, const FUSED: bool>(numbers: &[T], before: &Moments) -> Moments {
    let pivot = if before.n > 0 { before.mean } else { typical(numbers) };
    // As the lanes know it.
    let pivot = T::Lane::of(pivot);
    let sums = sums::<T, T::Lane, FUSED>(numbers, pivot, |x| x.lane());
    let found = Moments::of(&sums, pivot.double(), numbers.len());
    let is_finite = (found.m2 + found.l1).is_finite() && found.max < T::LIMIT && found.min > -T::LIMIT;
    if is_finite && T::Lane::holds(found.max - found.min) { found } else { carefully(numbers) }
}

/// The mean of a few numbers from all over the block.
#[inline(always)]
fn typical<T: Element>(numbers: &[T]) -> f64 {
    const FEW: usize = 32;
    let few = numbers.iter().step_by(numbers.len().div_ceil(FEW).max(1));
    let (sum, n) = few.fold((0.0, 0.0), |(sum, n), x| (sum + x.wide(), n + 1.0));
    sum / n
}

#[inline(always)]
fn sums<T: Element, L: Lane, const FUSED: bool>(numbers: &[T], pivot: L, read: impl Fn(T) -> L) -> Sums<L> {
    let first = numbers.first().map_or(L::ZERO, |x| read(*x));
    let (mut least, mut greatest, mut zeros) = ([first; LANES], [first; LANES], [0u32; LANES]);
    let (mut all_distances, mut all_squares, mut all_magnitudes) = ([0.0; LANES], [0.0; LANES], [0.0; LANES]);
    for stretch in numbers.chunks(STRETCH) {
        let (mut distances, mut squares, mut magnitudes) =
            ([L::ZERO; LANES], [L::ZERO; LANES], [L::ZERO; LANES]);
        let (chunks, rest) = stretch.as_chunks::<LANES>();
        for chunk in chunks {
            for i in 0..LANES {
                let x = read(chunk[i]);
                let distance = x - pivot;
                distances[i] = distances[i] + distance;
                squares[i] = L::add_square::<FUSED>(squares[i], distance);
                magnitudes[i] = magnitudes[i] + x.magnitude();
                least[i] = if x < least[i] { x } else { least[i] };
                greatest[i] = if x > greatest[i] { x } else { greatest[i] };
                zeros[i] += u32::from(x == L::ZERO);
            }
        }
        for (i, x) in rest.iter().enumerate() {
            let x = read(*x);
            let distance = x - pivot;
            distances[i] = distances[i] + distance;
            squares[i] = L::add_square::<FUSED>(squares[i], distance);
            magnitudes[i] = magnitudes[i] + x.magnitude();
            least[i] = if x < least[i] { x } else { least[i] };
            greatest[i] = if x > greatest[i] { x } else { greatest[i] };
            zeros[i] += u32::from(x == L::ZERO);
        }
        for i in 0..LANES {
            all_distances[i] += distances[i].double();
            all_squares[i] += squares[i].double();
            all_magnitudes[i] += magnitudes[i].double();
        }
    }
    Sums {
        distances: all_distances,
        squares: all_squares,
        magnitudes: all_magnitudes,
        least,
        greatest,
        zeros,
    }
}

/// For a block whose squares are too large or too small for its lanes, or that holds something that is not finite.
#[cold]
#[inline(never)]
fn carefully<T: Element>(numbers: &[T]) -> Moments {
    let pivot = typical(numbers);
    let found = Moments::of(&sums::<T, f64, false>(numbers, pivot, |x| x.wide()), pivot, numbers.len());
    if (found.m2 + found.l1).is_finite() {
        return found;
    }
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
