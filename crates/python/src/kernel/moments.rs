//! Sums of blocks of numbers that all statistics follow from.
//!
//! Numbers of 32 bits and fewer are summed in single precision, a few at a time, and these sums in double precision: the mean, the spread
//! and the sum of magnitudes are right to about a millionth of the spread, or of themselves. Those of 64 bits are summed in double precision.

use super::element::{Element, LANES, Lane};
use super::extremes::Extremes;
use super::level::{PLAIN, WIDEST};

/// Numbers that are summed around one value; few enough for the second cache.
const BLOCK: usize = 1 << 14;
/// Numbers whose sums are made before these are added up in double precision.
const STRETCH: usize = 1024;

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

    /// What sums around `pivot` say of `numbers`.
    #[inline(always)]
    fn of<T: Element>(sums: &Sums<T::Extremes>, pivot: f64, numbers: &[T]) -> Self {
        let sum: f64 = sums.distances.iter().sum();
        let distance = sum / numbers.len() as f64;
        let (min, max) = sums.extremes.ends();
        Self {
            n: numbers.len() as u64,
            n_zero: if sums.extremes.has_zero() { zeros(numbers) } else { 0 },
            min,
            max,
            mean: pivot + distance,
            m2: (sums.squares.iter().sum::<f64>() - sum * distance).max(0.0),
            l1: sums.magnitudes.iter().sum(),
            ..Self::EMPTY
        }
    }
}

/// Sums over a block, each in several lanes.
struct Sums<E> {
    /// Of the distances from the pivot, their squares, and of the magnitudes.
    distances: [f64; LANES],
    squares: [f64; LANES],
    magnitudes: [f64; LANES],
    extremes: E,
}

/// Sums over a stretch, in the precision of the lanes.
#[derive(Clone, Copy)]
struct Short<L> {
    distances: [L; LANES],
    squares: [L; LANES],
    magnitudes: [L; LANES],
}

impl<L: Lane> Short<L> {
    const ZERO: Self =
        Self { distances: [L::ZERO; LANES], squares: [L::ZERO; LANES], magnitudes: [L::ZERO; LANES] };

    #[inline(always)]
    fn add<const LEVEL: u8>(&mut self, i: usize, x: L, pivot: L) {
        let distance = x - pivot;
        self.distances[i] = self.distances[i] + distance;
        self.squares[i] = L::add_square::<LEVEL>(self.squares[i], distance);
        self.magnitudes[i] = self.magnitudes[i] + x.magnitude();
    }
}

/// Moments of many numbers.
#[inline(always)]
pub(super) fn moments<T: Element, const LEVEL: u8>(numbers: &[T]) -> Moments {
    let mut all = Moments::EMPTY;
    for block in numbers.chunks(BLOCK) {
        all.merge(&of_block::<T, LEVEL>(block, &all));
    }
    all
}

/// Moments of at most [`BLOCK`] numbers, summed around the mean of those `before`.
#[inline(always)]
fn of_block<T: Element, const LEVEL: u8>(numbers: &[T], before: &Moments) -> Moments {
    let Some(first) = numbers.first() else { return Moments::EMPTY };
    let pivot = if before.n > 0 { before.mean } else { typical(numbers) };
    // As the lanes know it.
    let pivot = T::Lane::of(pivot);
    let sums = sums::<T, T::Lane, LEVEL>(numbers, *first, pivot, T::lanes::<LEVEL>, |x| x.lane());
    let found = Moments::of(&sums, pivot.double(), numbers);
    if (found.m2 + found.l1).is_finite() && T::Lane::holds(found.max - found.min) {
        found
    } else {
        carefully(numbers, *first)
    }
}

/// How many are zero.
#[inline(always)]
fn zeros<T: Element>(numbers: &[T]) -> u64 {
    numbers.iter().map(|x| u32::from(x.magnitude() == 0)).sum::<u32>().into()
}

/// The mean of a few numbers from all over the block.
#[inline(always)]
fn typical<T: Element>(numbers: &[T]) -> f64 {
    const FEW: usize = 32;
    let few = numbers.iter().step_by(numbers.len().div_ceil(FEW).max(1));
    let (sum, n) = few.fold((0.0, 0.0), |(sum, n), x| (sum + x.wide(), n + 1.0));
    sum / n
}

/// Sums of numbers that are read many at a time, and one by one at the end.
#[inline(always)]
fn sums<T: Element, L: Lane, const LEVEL: u8>(
    numbers: &[T],
    first: T,
    pivot: L,
    read: impl Fn(&[T; 2 * LANES]) -> [[L; LANES]; 2],
    read_one: impl Fn(T) -> L,
) -> Sums<T::Extremes> {
    let zeros = [0.0; LANES];
    // Two sets of sums, where there are registers for them: one addition need not wait for the last.
    let second = usize::from(LEVEL == WIDEST);
    let mut extremes = T::Extremes::of(first);
    let mut sums = Sums { distances: zeros, squares: zeros, magnitudes: zeros, extremes };
    for stretch in numbers.chunks(STRETCH) {
        let mut short = [Short::ZERO; 2];
        let (chunks, rest) = stretch.as_chunks::<{ 2 * LANES }>();
        for chunk in chunks {
            let [one, other] = read(chunk);
            for (i, x) in one.into_iter().enumerate() {
                short[0].add::<LEVEL>(i, x, pivot);
            }
            for (i, x) in other.into_iter().enumerate() {
                short[second].add::<LEVEL>(i, x, pivot);
            }
            extremes.take(chunk);
        }
        for (i, x) in rest.iter().enumerate() {
            short[0].add::<LEVEL>(i % LANES, read_one(*x), pivot);
            extremes.take_one(*x);
        }
        for i in 0..LANES {
            sums.distances[i] += short[0].distances[i].double() + short[1].distances[i].double();
            sums.squares[i] += short[0].squares[i].double() + short[1].squares[i].double();
            sums.magnitudes[i] += short[0].magnitudes[i].double() + short[1].magnitudes[i].double();
        }
    }
    Sums { extremes, ..sums }
}

/// For a block whose squares are too large or too small for its lanes, or that holds something that is not finite.
#[cold]
#[inline(never)]
fn carefully<T: Element>(numbers: &[T], first: T) -> Moments {
    let pivot = typical(numbers);
    let read = |many: &[T; 2 * LANES]| {
        [std::array::from_fn(|i| many[i].wide()), std::array::from_fn(|i| many[LANES + i].wide())]
    };
    let sums = sums::<T, f64, PLAIN>(numbers, first, pivot, read, |x| x.wide());
    let found = Moments::of(&sums, pivot, numbers);
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
