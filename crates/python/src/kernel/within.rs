//! Whether all of many numbers lie between two.

use super::element::{Bf16, Dtype, Element, F16, LANES, Lane};
use super::level::for_each_level;
use super::memory::{Integer, Region};

/// Chunks of each part after which it is asked whether a number was outside.
const BLOCK: usize = 16;

/// Whether `n` numbers lie from `low` to `high`; NaN lies nowhere. `None` where they lie where such numbers cannot.
pub(crate) fn within(dtype: Dtype, region: Region, n: usize, low: f64, high: f64) -> Option<bool> {
    match dtype {
        Dtype::F32 => region.numbers::<f32>(n).map(|numbers| of_floats((numbers, low, high))),
        Dtype::F64 => region.numbers::<f64>(n).map(|numbers| of_floats((numbers, low, high))),
        Dtype::F16 => region.numbers::<F16>(n).map(|numbers| of_floats((numbers, low, high))),
        Dtype::Bf16 => region.numbers::<Bf16>(n).map(|numbers| of_floats((numbers, low, high))),
    }
}

/// The same of whole numbers.
pub(crate) fn within_integers<T: Integer>(region: Region, n: usize, low: i64, high: i64) -> Option<bool> {
    let numbers = region.integers::<T>(n)?;
    let is_inside = |x: &T| {
        let x: i64 = (*x).into();
        (low <= x) & (x <= high)
    };
    Some(numbers.chunks(4096).all(|block| block.iter().fold(true, |all, x| all & is_inside(x))))
}

for_each_level! {
    fn of_floats[T](numbers: (&[T], f64, f64)) -> bool = body
}

/// Four parts side by side: what reads ahead in memory stops at the end of a page, and there are four to read ahead in.
#[inline(always)]
fn body<T: Element, const LEVEL: u8>((numbers, low, high): (&[T], f64, f64)) -> bool {
    let bounds = (T::Lane::at_least(low), T::Lane::at_most(high));
    let (chunks, rest) = numbers.as_chunks::<{ 2 * LANES }>();
    let n = chunks.len() / 4;
    let (first, others) = chunks.split_at(n);
    let (second, others) = others.split_at(n);
    let (third, others) = others.split_at(n);
    let (fourth, left) = others.split_at(n);
    let parts = [first, second, third, fourth];
    for start in (0..n).step_by(BLOCK) {
        let mut outside = [[T::Lane::ZERO; LANES]; 2];
        for i in start..n.min(start + BLOCK) {
            for part in parts {
                mark::<T, LEVEL>(&part[i], bounds, &mut outside);
            }
        }
        if is_any(&outside) {
            return false;
        }
    }
    let mut outside = [[T::Lane::ZERO; LANES]; 2];
    left.iter().for_each(|chunk| mark::<T, LEVEL>(chunk, bounds, &mut outside));
    !is_any(&outside) && rest.iter().all(|x| (low <= x.wide()) & (x.wide() <= high))
}

/// Sets those lanes to 1 in which a number lies outside.
#[inline(always)]
fn mark<T: Element, const LEVEL: u8>(
    chunk: &[T; 2 * LANES],
    (low, high): (T::Lane, T::Lane),
    outside: &mut [[T::Lane; LANES]; 2],
) {
    for (outside, lanes) in outside.iter_mut().zip(&T::lanes::<LEVEL>(chunk)) {
        for (outside, x) in outside.iter_mut().zip(lanes) {
            let is_inside = (low <= *x) & (*x <= high);
            *outside = if is_inside { *outside } else { T::Lane::of(1.0) };
        }
    }
}

#[inline(always)]
fn is_any<L: Lane>(outside: &[[L; LANES]; 2]) -> bool {
    outside.as_flattened().iter().any(|x| *x > L::ZERO)
}
