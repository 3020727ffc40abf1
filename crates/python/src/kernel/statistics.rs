//! Statistics of a tensor in one pass over its memory.

use super::element::{Bf16, Dtype, Element, F16};
use super::histogram::{Histogram, Tally};
use super::layout::Layout;
use super::level::for_each_level;
use super::memory::Region;
use super::moments::{BLOCK, Moments, moments, of_block};
use super::threads::in_threads;

/// Numbers of a piece that one thread measures.
const PIECE: usize = 1 << 18;
/// Runs shorter than this are gathered into pieces first.
const SHORT: usize = 256;
/// In larger tensors than a piece, every so manieth block is counted.
const EVERY: usize = 8;

/// Which numbers are counted by their magnitude.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Counted {
    /// None.
    Nothing,
    /// All, of a tensor beyond 2¹⁸ numbers an even eighth.
    Enough,
    /// All.
    Everything,
}

/// What is known of a tensor's numbers.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Statistics {
    pub(crate) moments: Moments,
    /// Counts by magnitude, where asked for.
    pub(crate) histogram: Option<Histogram>,
}

/// What is known of a piece.
struct Part {
    moments: Moments,
    tally: Option<Tally>,
}

impl Part {
    const EMPTY: Self = Self { moments: Moments::EMPTY, tally: None };

    fn merge(&mut self, other: Self) {
        self.moments.merge(&other.moments);
        match (&mut self.tally, other.tally) {
            (Some(all), Some(more)) => all.merge(&more),
            (all @ None, more) => *all = more,
            (Some(_), None) => {}
        }
    }
}

/// Statistics of the tensor whose first number is at `region`. `None` where such numbers cannot lie there.
pub(crate) fn statistics(
    dtype: Dtype,
    region: Region,
    layout: &Layout,
    counted: Counted,
) -> Option<Statistics> {
    match dtype {
        Dtype::F32 => of_region::<f32>(region, layout, counted),
        Dtype::F64 => of_region::<f64>(region, layout, counted),
        Dtype::F16 => of_region::<F16>(region, layout, counted),
        Dtype::Bf16 => of_region::<Bf16>(region, layout, counted),
    }
}

fn of_region<T: Element>(region: Region, layout: &Layout, counted: Counted) -> Option<Statistics> {
    let numbers = region.numbers::<T>(layout.span())?;
    let n = layout.n();
    let every = match counted {
        Counted::Nothing => None,
        Counted::Enough if n > PIECE => Some(EVERY),
        Counted::Enough | Counted::Everything => Some(1),
    };
    let (length, stride) = layout.run();
    let whole = if stride == 1 && length >= SHORT {
        let runs = layout.starts().filter_map(|start| numbers.get(start..start + length));
        let pieces: Vec<&[T]> = runs.flat_map(|run| run.chunks(PIECE)).collect();
        let parts = in_threads(&pieces, n * size_of::<T>(), |piece| of_piece(piece, every));
        parts.into_iter().fold(Part::EMPTY, |mut whole, part| {
            whole.merge(part);
            whole
        })
    } else {
        gathered(numbers, layout, every)
    };
    let histogram = every.map(|_| whole.tally.map_or_else(Histogram::default, |tally| tally.finish::<T>()));
    Some(Statistics { moments: whole.moments, histogram })
}

/// For numbers that lie apart or in short runs.
fn gathered<T: Element>(numbers: &[T], layout: &Layout, every: Option<usize>) -> Part {
    let (length, stride) = layout.run();
    let mut whole = Part::EMPTY;
    let mut buffer: Vec<T> = Vec::with_capacity(PIECE.min(layout.n()));
    for start in layout.starts() {
        for i in 0..length {
            buffer.extend(numbers.get(start + i * stride));
            if buffer.len() == PIECE {
                whole.merge(of_piece(&buffer, every));
                buffer.clear();
            }
        }
    }
    whole.merge(of_piece(&buffer, every));
    whole
}

fn of_piece<T: Element>(numbers: &[T], every: Option<usize>) -> Part {
    match every {
        None => Part { moments: plain(numbers), tally: None },
        Some(1) => counted(numbers),
        Some(_) => sampled(numbers),
    }
}

for_each_level! {
    fn plain[T](numbers: &[T]) -> Moments = moments
}

for_each_level! {
    fn counted[T](numbers: &[T]) -> Part = counted_body
}

for_each_level! {
    fn sampled[T](numbers: &[T]) -> Part = sampled_body
}

#[inline(always)]
fn counted_body<T: Element, const FUSED: bool>(numbers: &[T]) -> Part {
    with_tally::<T, FUSED>(numbers, 1)
}

#[inline(always)]
fn sampled_body<T: Element, const FUSED: bool>(numbers: &[T]) -> Part {
    with_tally::<T, FUSED>(numbers, EVERY)
}

#[inline(always)]
fn with_tally<T: Element, const FUSED: bool>(numbers: &[T], every: usize) -> Part {
    let mut moments = Moments::EMPTY;
    let mut tally = Tally::new();
    for (i, block) in numbers.chunks(BLOCK).enumerate() {
        moments.merge(&of_block::<T, FUSED>(block, &moments));
        if i % every == 0 {
            tally.count(block);
        }
    }
    Part { moments, tally: Some(tally) }
}
