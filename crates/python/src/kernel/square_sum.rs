//! The sum of squares of many arrays: the square of a norm, and whether all is finite.

use super::element::{Bf16, Dtype, Element, F16, LANES, Lane};
use super::level::for_each_level;
use super::memory::Region;
use super::threads::in_threads;

/// Numbers of a piece that one thread sums.
const PIECE: usize = 1 << 18;

/// A sum of squares.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct SquareSum {
    /// The sum, in double precision. It may be infinite though all is finite, for numbers in double precision alone.
    pub(crate) sum: f64,
    /// Whether every number is finite.
    pub(crate) is_finite: bool,
}

/// The sum of squares of arrays of one type, each given by its memory and its count of numbers. `None` where one lies where such numbers
/// cannot.
pub(crate) fn square_sum(dtype: Dtype, arrays: impl Iterator<Item = (Region, usize)>) -> Option<SquareSum> {
    match dtype {
        Dtype::F32 => sum_of::<f32>(arrays),
        Dtype::F64 => sum_of::<f64>(arrays),
        Dtype::F16 => sum_of::<F16>(arrays),
        Dtype::Bf16 => sum_of::<Bf16>(arrays),
    }
}

fn sum_of<T: Element>(arrays: impl Iterator<Item = (Region, usize)>) -> Option<SquareSum> {
    let mut whole = SquareSum { sum: 0.0, is_finite: true };
    for (region, n) in arrays {
        let numbers = region.numbers::<T>(n)?;
        whole = whole.and(if n <= PIECE { of_piece(numbers) } else { of_many(numbers) });
    }
    Some(whole)
}

fn of_many<T: Element>(numbers: &[T]) -> SquareSum {
    let pieces: Vec<&[T]> = numbers.chunks(PIECE).collect();
    let sums = in_threads(&pieces, size_of_val(numbers), |piece| of_piece(piece));
    sums.into_iter().fold(SquareSum { sum: 0.0, is_finite: true }, SquareSum::and)
}

fn of_piece<T: Element>(numbers: &[T]) -> SquareSum {
    let sum = plain_sum(numbers);
    SquareSum { sum, is_finite: sum.is_finite() || numbers.iter().all(|x| x.is_finite()) }
}

impl SquareSum {
    fn and(self, other: Self) -> Self {
        Self { sum: self.sum + other.sum, is_finite: self.is_finite && other.is_finite }
    }
}

for_each_level! {
    /// Squares of 32-bit numbers or smaller ones never overflow in double precision: the sum is finite exactly if they all are.
    fn plain_sum[T](numbers: &[T]) -> f64 = body
}

#[inline(always)]
fn body<T: Element, const LEVEL: u8>(numbers: &[T]) -> f64 {
    let (chunks, rest) = numbers.as_chunks::<{ 2 * LANES }>();
    let mut sums = [[0.0f64; LANES]; 2];
    for chunk in chunks {
        let lanes = T::lanes::<LEVEL>(chunk);
        for (sums, lanes) in sums.iter_mut().zip(&lanes) {
            for (sum, x) in sums.iter_mut().zip(lanes) {
                *sum = f64::add_square::<LEVEL>(*sum, x.double());
            }
        }
    }
    let [first, last] = sums;
    let total: f64 = first.iter().zip(&last).map(|(a, b)| a + b).sum();
    total + rest.iter().map(|x| x.wide() * x.wide()).sum::<f64>()
}
