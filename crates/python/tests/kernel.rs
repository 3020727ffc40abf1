//! The measuring kernels against slow and obvious twins, on random memory: NaN, infinities, subnormal numbers, zeros, any strides.
#![allow(
    clippy::float_cmp,
    clippy::cast_possible_truncation,
    reason = "what must be equal to the last bit is asked to be"
)]

#[path = "../src/kernel/mod.rs"]
#[allow(dead_code, unused_imports, reason = "what Python alone uses")]
mod kernel;

use half::{bf16, f16};
use kernel::{
    Copies, Counted, Dtype, Layout, Region, non_finite_rows, square_sum, statistics, within, within_integers,
};
use proptest::prelude::*;

/// Numbers of one type in memory, and what they are.
struct Tensor {
    bytes: Vec<u64>,
    values: Vec<f64>,
}

impl Tensor {
    fn new(dtype: Dtype, wanted: &[f64]) -> Self {
        let (mut raw, mut values) = (Vec::new(), Vec::new());
        for &x in wanted {
            match dtype {
                Dtype::F32 => (raw.extend((x as f32).to_ne_bytes()), values.push(f64::from(x as f32))),
                Dtype::F64 => (raw.extend(x.to_ne_bytes()), values.push(x)),
                Dtype::F16 => {
                    (raw.extend(f16::from_f64(x).to_ne_bytes()), values.push(f16::from_f64(x).to_f64()))
                }
                Dtype::Bf16 => {
                    (raw.extend(bf16::from_f64(x).to_ne_bytes()), values.push(bf16::from_f64(x).to_f64()))
                }
            };
        }
        // In words of eight bytes, so that every type may begin there.
        raw.resize(raw.len().next_multiple_of(8), 0);
        let bytes = raw.as_chunks::<8>().0.iter().map(|word| u64::from_ne_bytes(*word)).collect();
        Self { bytes, values }
    }

    fn region(&self) -> Region {
        Region::at(self.bytes.as_ptr() as usize)
    }

    /// The numbers that shape and strides name.
    fn named(&self, shape: &[usize], strides: &[usize]) -> Vec<f64> {
        places(shape, strides).into_iter().map(|at| self.values[at]).collect()
    }
}

/// Offsets of the numbers of a tensor, the last dimension fastest.
fn places(shape: &[usize], strides: &[usize]) -> Vec<usize> {
    shape.iter().zip(strides).fold(vec![0], |places, (n, stride)| {
        places.iter().flat_map(|at| (0..*n).map(move |i| at + i * stride)).collect()
    })
}

const DTYPES: [Dtype; 4] = [Dtype::F32, Dtype::F64, Dtype::F16, Dtype::Bf16];

fn dtype() -> impl Strategy<Value = Dtype> {
    proptest::sample::select(DTYPES.as_slice())
}

fn number() -> impl Strategy<Value = f64> {
    prop_oneof![
        8 => -2.0..2.0f64,
        2 => (-60i32..60, -1.0..1.0f64).prop_map(|(e, x)| x * f64::from(e).exp2()),
        1 => Just(0.0),
        1 => Just(-0.0),
        1 => (1u32..100).prop_map(|bits| f64::from(f32::from_bits(bits))),
        1 => 1e-320..1e-310f64,
    ]
}

fn numbers(most: usize) -> impl Strategy<Value = Vec<f64>> {
    let strange = prop_oneof![Just(f64::NAN), Just(f64::INFINITY), Just(f64::NEG_INFINITY)];
    let spoiled = (
        proptest::collection::vec(number(), 0..most),
        proptest::collection::vec((any::<usize>(), strange), 0..4),
    )
        .prop_map(|(mut numbers, strange)| {
            if !numbers.is_empty() {
                let n = numbers.len();
                strange.into_iter().for_each(|(at, x)| numbers[at % n] = x);
            }
            numbers
        });
    prop_oneof![proptest::collection::vec(number(), 0..most), spoiled]
}

/// Shape and strides of a tensor that reaches no further than its memory of `n` numbers does.
fn layout() -> impl Strategy<Value = (Vec<usize>, Vec<usize>)> {
    let dense = (proptest::collection::vec(0usize..9, 0..5), any::<u64>()).prop_map(|(shape, order)| {
        let mut dimensions: Vec<usize> = (0..shape.len()).collect();
        dimensions.sort_by_key(|d| (order >> (d * 8)) & 0xff);
        let mut strides = vec![0; shape.len()];
        let mut next = 1;
        for d in dimensions {
            strides[d] = next;
            next *= shape[d].max(1);
        }
        (shape, strides)
    });
    let any = proptest::collection::vec((0usize..7, 0usize..50), 0..4).prop_map(|d| d.into_iter().unzip());
    let long = (1usize..4, 0usize..1500, 0usize..2000)
        .prop_map(|(n, length, stride)| (vec![n, length], vec![stride, 1]));
    prop_oneof![2 => dense, 1 => any, 1 => long]
}

/// Near enough for sums that are made in another order.
fn near(a: f64, b: f64, scale: f64) -> bool {
    a == b || (a.is_nan() && b.is_nan()) || (a - b).abs() <= 1e-12 * scale.abs().max(b.abs())
}

/// The values without what is not finite, their mean and the sum of squared distances from it, with errors carried along.
fn slow(values: &[f64]) -> (Vec<f64>, f64, f64) {
    let finite: Vec<f64> = values.iter().copied().filter(|x| x.is_finite()).collect();
    let mean = exact(finite.iter().copied()) / finite.len() as f64;
    let m2 = exact(finite.iter().map(|x| (x - mean) * (x - mean)));
    (finite, mean, m2)
}

/// Neumaier's sum.
fn exact(values: impl Iterator<Item = f64>) -> f64 {
    let (mut sum, mut lost) = (0.0f64, 0.0f64);
    for x in values {
        let next = sum + x;
        lost += if sum.abs() >= x.abs() { (sum - next) + x } else { (x - next) + sum };
        sum = next;
    }
    sum + lost
}

/// Makes this thread use code for older processors, as the number says.
fn as_on_processor(age: u8) {
    #[cfg(target_arch = "x86_64")]
    kernel::LIMIT.set([kernel::Level::Avx512, kernel::Level::Avx2, kernel::Level::Plain][usize::from(age)]);
    #[cfg(not(target_arch = "x86_64"))]
    let _ = age;
}

proptest! {
    #[test]
    fn statistics_are_those_of_the_slow_twin(
        dtype in dtype(), all in numbers(9000), (shape, strides) in layout(), with_histogram in any::<bool>(),
        age in 0u8..3,
    ) {
        as_on_processor(age);
        let layout = Layout::new(&shape, &strides).unwrap();
        let mut all = all;
        all.resize(all.len().max(layout.span()), 0.25);
        let tensor = Tensor::new(dtype, &all);
        let values = tensor.named(&shape, &strides);
        let found = statistics(dtype, tensor.region(), &layout, if with_histogram { Counted::Everything } else { Counted::Nothing }).unwrap();
        let m = found.moments;
        let (finite, mean, m2) = slow(&values);
        let count = |test: fn(&f64) -> bool| values.iter().filter(|x| test(x)).count() as u64;
        prop_assert_eq!(m.n, finite.len() as u64);
        prop_assert_eq!(m.n_nan, count(|x| x.is_nan()));
        prop_assert_eq!(m.n_inf, count(|x| x.is_infinite()));
        prop_assert_eq!(m.n_zero, count(|x| *x == 0.0));
        prop_assert_eq!(m.min, finite.iter().copied().fold(f64::INFINITY, f64::min));
        prop_assert_eq!(m.max, finite.iter().copied().fold(f64::NEG_INFINITY, f64::max));
        let l1 = exact(finite.iter().map(|x| x.abs()));
        let n = finite.len() as f64;
        // Sums of fewer bits are right to a millionth.
        let error = if dtype == Dtype::F64 { 1e-12 } else { 1e-6 };
        prop_assert!((m.l1 - l1).abs() <= error * l1, "{} {l1}", m.l1);
        if n > 0.0 {
            let spread = (m2 / n).sqrt();
            prop_assert!((m.mean - mean).abs() <= error * spread + 1e-12 * (l1 / n), "{} {mean}", m.mean);
            prop_assert!((m.m2 - m2).abs() <= 4.0 * error.max(1e-9) * m2, "{} {m2}", m.m2);
        }
        if let Some(histogram) = found.histogram {
            let bins = histogram.bins;
            prop_assert_eq!(histogram.n, values.len() as u64);
            prop_assert!(bins.windows(2).all(|w| w[0].1 <= w[1].0), "{:?}", bins);
            prop_assert_eq!(bins.iter().map(|bin| bin.2).sum::<u64>(), m.n);
            for &(low, high, n) in &bins {
                let sign = |x: f64| x.is_sign_negative();
                let is_in = |x: &f64| *x >= low && *x <= high && sign(*x) == (sign(low) || sign(high));
                prop_assert_eq!(finite.iter().filter(|x| is_in(x)).count() as u64, n, "{} {}", low, high);
                // No bin is wider than a power of two, but that of the subnormal numbers.
                prop_assert!((high - low).abs() <= low.abs().min(high.abs()).max(1e-4));
            }
        }
    }

    #[test]
    fn rows_are_those_of_the_slow_twin(dtype in dtype(), all in numbers(3000), (shape, strides) in layout(), age in 0u8..3) {
        as_on_processor(age);
        let span = Layout::new(&shape, &strides).unwrap().span();
        let mut all = all;
        all.resize(all.len().max(span), 0.25);
        let tensor = Tensor::new(dtype, &all);
        let found = non_finite_rows(dtype, tensor.region(), &shape, &strides).unwrap().unwrap();
        let (rows, rest, distances, steps) = match (shape.split_first(), strides.split_first()) {
            (Some((n, rest)), Some((stride, steps))) => (*n, rest, *stride, steps),
            _ => (1, &[][..], 0, &[][..]),
        };
        let is_bad = |row: &usize| {
            places(rest, steps).into_iter().any(|at| !tensor.values[row * distances + at].is_finite())
        };
        prop_assert_eq!(found, (0..rows).filter(is_bad).collect::<Vec<_>>());
    }

    #[test]
    fn sums_of_squares_are_those_of_the_slow_twin(dtype in dtype(), arrays in proptest::collection::vec(numbers(700), 0..5), age in 0u8..3) {
        as_on_processor(age);
        let tensors: Vec<Tensor> = arrays.iter().map(|values| Tensor::new(dtype, values)).collect();
        let found = square_sum(dtype, tensors.iter().map(|t| (t.region(), t.values.len()))).unwrap();
        let all = || tensors.iter().flat_map(|t| t.values.iter().copied());
        let is_finite = all().all(f64::is_finite);
        prop_assert_eq!(found.is_finite, is_finite);
        prop_assert_eq!(found.sum.is_finite(), is_finite);
        if is_finite {
            prop_assert!(near(found.sum, exact(all().map(|x| x * x)), 0.0));
        }
    }
}

#[test]
fn every_half_is_read_exactly() {
    for (dtype, age) in [(Dtype::F16, 0), (Dtype::F16, 1), (Dtype::F16, 2), (Dtype::Bf16, 0)] {
        as_on_processor(age);
        for bits in 0..=u16::MAX {
            // As many as are read at once, and one more.
            let memory = [u64::from(bits) * 0x0001_0001_0001_0001; 9];
            let x = if dtype == Dtype::F16 {
                f16::from_bits(bits).to_f64()
            } else {
                bf16::from_bits(bits).to_f64()
            };
            let layout = Layout::new(&[33], &[1]).unwrap();
            let region = Region::at(memory.as_ptr() as usize);
            let m = statistics(dtype, region, &layout, Counted::Nothing).unwrap().moments;
            let expected = (33 * u64::from(x.is_nan()), 33 * u64::from(x.is_infinite()));
            assert_eq!((m.n_nan, m.n_inf), expected, "{bits:#x}");
            let squares = square_sum(dtype, [(region, 33)].into_iter()).unwrap();
            assert_eq!(squares.is_finite, x.is_finite(), "{bits:#x}");
            if x.is_finite() {
                assert_eq!((m.min, m.max, m.mean, m.m2), (x, x, x, 0.0), "{bits:#x}");
                assert!(near(squares.sum, 33.0 * x * x, 0.0), "{bits:#x}");
            }
        }
    }
}

#[test]
fn a_large_mean_does_not_drown_the_variance() {
    for (dtype, mean) in [(Dtype::F32, 1e5), (Dtype::F64, 1e12)] {
        let values: Vec<f64> = (0..100_000).map(|i| mean + f64::from(i % 7)).collect();
        let tensor = Tensor::new(dtype, &values);
        let layout = Layout::new(&[values.len()], &[1]).unwrap();
        let m = statistics(dtype, tensor.region(), &layout, Counted::Nothing).unwrap().moments;
        let (_, _, m2) = slow(&tensor.values);
        assert!((m.m2 - m2).abs() < 1e-6 * m2, "{} {m2}", m.m2);
    }
}

#[test]
fn squares_beyond_double_precision_are_finite_numbers() {
    let tensor = Tensor::new(Dtype::F64, &[1e200, -1e300]);
    let layout = Layout::new(&[2], &[1]).unwrap();
    let found = square_sum(Dtype::F64, [(tensor.region(), 2)].into_iter()).unwrap();
    assert!(found.is_finite && found.sum.is_infinite());
    let m = statistics(Dtype::F64, tensor.region(), &layout, Counted::Nothing).unwrap().moments;
    assert_eq!((m.n, m.n_inf, m.min, m.max), (2, 0, -1e300, 1e200));
    let single = Tensor::new(Dtype::F32, &[f64::from(f32::MAX); 100]);
    let found = square_sum(Dtype::F32, [(single.region(), 100)].into_iter()).unwrap();
    assert!(found.is_finite && found.sum.is_finite());
}

#[test]
fn small_numbers_have_a_spread() {
    for (dtype, size) in [(Dtype::F32, 1e-30), (Dtype::Bf16, 1e-30), (Dtype::F32, 1e25), (Dtype::F64, 1e-100)]
    {
        let values: Vec<f64> = (0..5000).map(|i| size * (1.0 + f64::from(i % 16) / 16.0)).collect();
        let tensor = Tensor::new(dtype, &values);
        let layout = Layout::new(&[values.len()], &[1]).unwrap();
        let m = statistics(dtype, tensor.region(), &layout, Counted::Nothing).unwrap().moments;
        let (_, _, m2) = slow(&tensor.values);
        assert!(m2 > 0.0 && (m.m2 - m2).abs() < 1e-6 * m2, "{} {m2}", m.m2);
    }
}

#[test]
fn an_outlying_first_number_does_not_drown_the_rest() {
    let values: Vec<f64> = (0..100_000).map(|i| if i == 0 { 1e4 } else { f64::from(i % 3) - 1.0 }).collect();
    let tensor = Tensor::new(Dtype::F32, &values);
    let layout = Layout::new(&[values.len()], &[1]).unwrap();
    let m = statistics(Dtype::F32, tensor.region(), &layout, Counted::Nothing).unwrap().moments;
    let (_, mean, m2) = slow(&tensor.values);
    assert!((m.m2 - m2).abs() < 1e-5 * m2 && (m.mean - mean).abs() < 1e-5, "{m:?} {mean} {m2}");
}

#[test]
fn of_a_large_tensor_an_even_part_is_counted() {
    let values: Vec<f64> = (0..600_000).map(|i| f64::from(i % 100)).collect();
    let tensor = Tensor::new(Dtype::F32, &values);
    let layout = Layout::new(&[values.len()], &[1]).unwrap();
    let counted = |which| statistics(Dtype::F32, tensor.region(), &layout, which).unwrap().histogram.unwrap();
    let (all, some) = (counted(Counted::Everything), counted(Counted::Enough));
    assert_eq!((all.n, all.bins.len()), (600_000, some.bins.len()));
    assert!((16_000..22_000).contains(&some.n), "{}", some.n);
    for (a, b) in all.bins.iter().zip(&some.bins) {
        assert!((a.2 as f64 / all.n as f64 - b.2 as f64 / some.n as f64).abs() < 3e-3, "{a:?} {b:?}");
    }
}

#[test]
fn threads_change_nothing() {
    let values: Vec<f64> = (0..3_000_000).map(|i| f64::from(i % 1013) - 500.5).collect();
    let tensor = Tensor::new(Dtype::F32, &values);
    let layout = Layout::new(&[3, 1_000_000], &[1_000_000, 1]).unwrap();
    let found = statistics(Dtype::F32, tensor.region(), &layout, Counted::Everything).unwrap();
    let (_, mean, m2) = slow(&tensor.values);
    assert!((found.moments.mean - mean).abs() < 1e-4 && (found.moments.m2 - m2).abs() < 1e-6 * m2);
    assert_eq!(statistics(Dtype::F32, tensor.region(), &layout, Counted::Everything).unwrap(), found);
    let sum = square_sum(Dtype::F32, [(tensor.region(), values.len())].into_iter()).unwrap();
    assert!(near(sum.sum, exact(values.iter().map(|x| x * x)), 0.0));
}

#[test]
fn copies_come_back_bit_for_bit() {
    let mut first = [1u8, 2, 3];
    let mut second = [f64::NAN.to_bits(), 7];
    let regions = vec![(first.as_mut_ptr() as usize, 3), (0, 0), (second.as_mut_ptr() as usize, 16)];
    let mut copies = Copies::of(regions).unwrap();
    copies.take();
    first.fill(9);
    second.fill(9);
    copies.restore();
    assert_eq!((first, second), ([1, 2, 3], [f64::NAN.to_bits(), 7]));
    assert!(Copies::of(vec![(0, 8)]).is_none());
}

#[test]
fn what_is_no_tensor_is_refused() {
    assert!(Layout::new(&[2], &[]).is_err());
    assert!(Layout::new(&[usize::MAX, 2], &[2, 1]).is_err());
    assert!(Layout::new(&[1 << 40, 1 << 40], &[0, 0]).is_err());
    let layout = Layout::new(&[3], &[1]).unwrap();
    assert!(statistics(Dtype::F32, Region::at(0), &layout, Counted::Nothing).is_none());
    assert!(statistics(Dtype::F64, Region::at(4), &layout, Counted::Nothing).is_none());
}

proptest! {
    #[test]
    fn numbers_lie_within_bounds_as_one_by_one(
        values in prop::collection::vec(prop_oneof![20 => -2.0..2.0f64, 1 => Just(f64::NAN), 1 => -9.0..9.0f64], 0..700),
        low in -3.0..-1.0f64,
        high in 1.0..3.0f64,
    ) {
        for dtype in DTYPES {
            let tensor = Tensor::new(dtype, &values);
            let n = values.len();
            let expected = tensor.values[..n].iter().all(|x| low <= *x && *x <= high);
            prop_assert_eq!(within(dtype, tensor.region(), n, low, high), Some(expected));
        }
        let whole: Vec<i64> = values.iter().map(|x| *x as i64).collect();
        let expected = whole.iter().all(|x| (-1..=1).contains(x));
        prop_assert_eq!(within_integers::<i64>(Region::at(whole.as_ptr() as usize), whole.len(), -1, 1), Some(expected));
    }
}
