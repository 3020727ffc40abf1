//! Statistics of a tensor in one pass over its memory.

use super::element::{Bf16, Dtype, Element, F16};
use super::histogram::{Histogram, Tally};
use super::layout::Layout;
use super::level::for_each_level;
use super::memory::Region;
use super::moments::{Moments, moments};
use super::threads::with_states;

/// Numbers of a piece that one thread measures.
const PIECE: usize = 1 << 18;
/// Runs shorter than this are gathered into pieces first.
const SHORT: usize = 256;
/// In larger tensors than a piece, every so manieth block is counted.
const EVERY: usize = 32;
/// Numbers of such a block.
const BLOCK: usize = 1024;

/// Which numbers are counted by their magnitude.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Counted {
    /// None.
    Nothing,
    /// All, of a tensor beyond 2¹⁸ numbers one in 32, evenly,.
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
    let new_tally = || every.map(|_| Tally::new());
    let (parts, tallies) = if stride == 1 && length >= SHORT {
        let runs = layout.starts().filter_map(|start| numbers.get(start..start + length));
        let pieces: Vec<&[T]> = runs.flat_map(|run| run.chunks(PIECE)).collect();
        let measure = |tally: &mut Option<Tally>, piece: &&[T]| of_piece(piece, tally.as_mut(), every);
        with_states(&pieces, n * size_of::<T>(), new_tally, measure)
    } else {
        let mut tally = new_tally();
        (vec![gathered(numbers, layout, tally.as_mut(), every)], vec![tally])
    };
    let mut moments = Moments::EMPTY;
    parts.iter().for_each(|part| moments.merge(part));
    let tally = tallies.into_iter().flatten().reduce(|mut all, more| {
        all.merge(&more);
        all
    });
    Some(Statistics { moments, histogram: tally.map(|tally| tally.finish::<T>()) })
}

/// For numbers that lie apart or in short runs.
fn gathered<T: Element>(
    numbers: &[T],
    layout: &Layout,
    mut tally: Option<&mut Tally>,
    every: Option<usize>,
) -> Moments {
    let (length, stride) = layout.run();
    let mut moments = Moments::EMPTY;
    let mut buffer: Vec<T> = Vec::with_capacity(PIECE.min(layout.n()));
    for start in layout.starts() {
        for i in 0..length {
            buffer.extend(numbers.get(start + i * stride));
            if buffer.len() == PIECE {
                moments.merge(&of_piece(&buffer, tally.as_deref_mut(), every));
                buffer.clear();
            }
        }
    }
    moments.merge(&of_piece(&buffer, tally, every));
    moments
}

/// Moments of a piece; every so manieth block of it is counted.
fn of_piece<T: Element>(numbers: &[T], tally: Option<&mut Tally>, every: Option<usize>) -> Moments {
    if let (Some(tally), Some(every)) = (tally, every) {
        numbers.chunks(BLOCK).step_by(every).for_each(|block| tally.count(block));
    }
    plain(numbers)
}

for_each_level! {
    fn plain[T](numbers: &[T]) -> Moments = moments
}
