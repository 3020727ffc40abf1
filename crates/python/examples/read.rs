//! For benches/tensors.py: how fast a tensor is measured, against a plain read of the same bytes by as many threads.
//!
//! Usage: `read DTYPE NUMBERS`; prints seconds: plain read, statistics, statistics with a histogram, sum of squares.
#![allow(clippy::print_stdout, clippy::print_stderr, reason = "a program for a benchmark")]

#[path = "../src/kernel/mod.rs"]
#[allow(dead_code, unused_imports, reason = "what Python alone uses")]
mod kernel;

use std::hint::black_box;
use std::time::Instant;

use kernel::{Counted, Dtype, Layout, Region, square_sum, statistics};

/// Words of a piece that one thread reads, as the kernels cut theirs.
const PIECE: usize = 1 << 17;

fn main() {
    let words: Vec<String> = std::env::args().skip(1).collect();
    let [dtype, n] = words.as_slice() else {
        eprintln!("usage: read DTYPE NUMBERS");
        std::process::exit(2);
    };
    let dtypes = [
        ("float32", Dtype::F32),
        ("float64", Dtype::F64),
        ("float16", Dtype::F16),
        ("bfloat16", Dtype::Bf16),
    ];
    let dtype = dtypes.iter().find(|(name, _)| name == dtype).map(|(_, dtype)| *dtype);
    let (Some(dtype), Ok(n)) = (dtype, n.parse::<usize>()) else {
        eprintln!("read: float32, float64, float16 or bfloat16, and how many");
        std::process::exit(2);
    };
    let memory = noise(dtype, n);
    let region = Region::at(memory.as_ptr() as usize);
    let Ok(layout) = Layout::new(&[n], &[1]) else { return };
    let [plain, all, spread, squares] = best([
        &|| {
            black_box(read(&memory));
        },
        &|| {
            black_box(statistics(dtype, region, &layout, Counted::Nothing));
        },
        &|| {
            black_box(statistics(dtype, region, &layout, Counted::Enough));
        },
        &|| {
            black_box(square_sum(dtype, [(region, n)].into_iter()));
        },
    ]);
    println!("{plain:.9} {all:.9} {spread:.9} {squares:.9}");
}

/// The least of the times that each takes, in seconds: by turns, since the speed of memory that others use too comes and goes.
fn best<const N: usize>(works: [&dyn Fn(); N]) -> [f64; N] {
    let mut least = [f64::INFINITY; N];
    let start = Instant::now();
    while start.elapsed().as_secs_f64() < 3.0 {
        for (least, work) in least.iter_mut().zip(works) {
            let start = Instant::now();
            work();
            *least = least.min(start.elapsed().as_secs_f64());
        }
    }
    least
}

/// Numbers that are normal in the statistical sense, about.
fn noise(dtype: Dtype, n: usize) -> Vec<u64> {
    let mut state = 1u64;
    let mut next = || {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        f64::from((state >> 40) as u32) / f64::from(1u32 << 24) - 0.5
    };
    let mut bytes = Vec::with_capacity(n * dtype.size() + 8);
    for _ in 0..n {
        let x = next() + next() + next() + next();
        match dtype {
            Dtype::F32 => bytes.extend((x as f32).to_ne_bytes()),
            Dtype::F64 => bytes.extend(x.to_ne_bytes()),
            Dtype::F16 => bytes.extend(half::f16::from_f64(x).to_ne_bytes()),
            Dtype::Bf16 => bytes.extend(half::bf16::from_f64(x).to_ne_bytes()),
        }
    }
    bytes.resize(bytes.len().next_multiple_of(8), 0);
    bytes.as_chunks::<8>().0.iter().map(|word| u64::from_ne_bytes(*word)).collect()
}

/// Reads memory and does next to nothing with it.
fn read(memory: &[u64]) -> u64 {
    let pieces: Vec<&[u64]> = memory.chunks(PIECE).collect();
    kernel::in_threads(&pieces, size_of_val(memory), |piece| sum(piece))
        .into_iter()
        .fold(0, u64::wrapping_add)
}

fn sum(piece: &[u64]) -> u64 {
    #[cfg(target_arch = "x86_64")]
    if is_x86_feature_detected!("avx2") {
        #[target_feature(enable = "avx2")]
        fn wide(piece: &[u64]) -> u64 {
            lanes(piece)
        }
        #[allow(unsafe_code, reason = "the processor was asked")]
        // SAFETY: it has the instructions.
        return unsafe { wide(piece) };
    }
    lanes(piece)
}

#[inline(always)]
fn lanes(piece: &[u64]) -> u64 {
    let (chunks, rest) = piece.as_chunks::<16>();
    let mut sums = [0u64; 16];
    for chunk in chunks {
        sums.iter_mut().zip(chunk).for_each(|(sum, x)| *sum = sum.wrapping_add(*x));
    }
    sums.into_iter().chain(rest.iter().copied()).fold(0, u64::wrapping_add)
}
