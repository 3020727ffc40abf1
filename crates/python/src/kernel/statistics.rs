//! Statistics of a tensor in one pass over its memory.

use super::element::{Bf16, Dtype, Element, F16};
use super::histogram::{Histogram, Tally};
use super::layout::Layout;
use super::level::for_each_level;
use super::memory::Region;
use super::moments::{BLOCK, Moments, of_block};
use super::threads::in_threads;

/// Numbers of a piece that one thread measures.
const PIECE: usize = 1 << 18;
/// Runs shorter than this are gathered into blocks first.
const SHORT: usize = 256;

/// What is known of a tensor's numbers.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Statistics {
    pub(crate) moments: Moments,
    /// Counts by magnitude, where asked for.
    pub(crate) histogram: Option<Histogram>,
}

impl Statistics {
    fn empty() -> Self {
        Self { moments: Moments::EMPTY, histogram: None }
    }

    fn merge(&mut self, other: Self) {
        self.moments.merge(&other.moments);
        match (&mut self.histogram, other.histogram) {
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
    with_histogram: bool,
) -> Option<Statistics> {
    match dtype {
        Dtype::F32 => of_region::<f32>(region, layout, with_histogram),
        Dtype::F64 => of_region::<f64>(region, layout, with_histogram),
        Dtype::F16 => of_region::<F16>(region, layout, with_histogram),
        Dtype::Bf16 => of_region::<Bf16>(region, layout, with_histogram),
    }
}

fn of_region<T: Element>(region: Region, layout: &Layout, with_histogram: bool) -> Option<Statistics> {
    let numbers = region.numbers::<T>(layout.span())?;
    let (length, stride) = layout.run();
    if stride == 1 && length >= SHORT {
        let runs = layout.starts().filter_map(|start| numbers.get(start..start + length));
        let pieces: Vec<&[T]> = runs.flat_map(|run| run.chunks(PIECE)).collect();
        return Some(of_pieces(&pieces, layout.n(), with_histogram));
    }
    let mut whole = Statistics::empty();
    let mut buffer: Vec<T> = Vec::with_capacity(PIECE);
    for start in layout.starts() {
        for i in 0..length {
            buffer.extend(numbers.get(start + i * stride));
            if buffer.len() == PIECE {
                whole.merge(of_piece(&buffer, with_histogram));
                buffer.clear();
            }
        }
    }
    whole.merge(of_piece(&buffer, with_histogram));
    Some(whole)
}

fn of_pieces<T: Element>(pieces: &[&[T]], n: usize, with_histogram: bool) -> Statistics {
    let parts = in_threads(pieces, n * size_of::<T>(), |piece| of_piece(piece, with_histogram));
    let mut whole = Statistics::empty();
    parts.into_iter().for_each(|part| whole.merge(part));
    whole
}

fn of_piece<T: Element>(numbers: &[T], with_histogram: bool) -> Statistics {
    if with_histogram { counted(numbers) } else { plain(numbers) }
}

for_each_level! {
    fn plain[T](numbers: &[T]) -> Statistics = plain_body
}

#[inline(always)]
fn plain_body<T: Element, const FUSED: bool>(numbers: &[T]) -> Statistics {
    let mut moments = Moments::EMPTY;
    for block in numbers.chunks(BLOCK) {
        moments.merge(&of_block::<T, FUSED>(block));
    }
    Statistics { moments, histogram: None }
}

for_each_level! {
    fn counted[T](numbers: &[T]) -> Statistics = counted_body
}

#[inline(always)]
fn counted_body<T: Element, const FUSED: bool>(numbers: &[T]) -> Statistics {
    let mut moments = Moments::EMPTY;
    let mut tally = Tally::new();
    for block in numbers.chunks(BLOCK) {
        moments.merge(&of_block::<T, FUSED>(block));
        tally.count(block);
    }
    Statistics { moments, histogram: Some(tally.finish()) }
}
