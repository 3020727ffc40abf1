//! Which rows of a tensor hold something that is not finite.

use super::element::{Bf16, Dtype, Element, F16};
use super::layout::{Layout, LayoutError};
use super::level::for_each_level;
use super::memory::Region;

/// Indices along the first dimension under which something is NaN or infinite; a tensor without dimensions is one row. `None` where such
/// numbers cannot lie at `region`.
///
/// # Errors
/// When shape and strides do not go together.
pub(crate) fn non_finite_rows(
    dtype: Dtype,
    region: Region,
    shape: &[usize],
    strides: &[usize],
) -> Result<Option<Vec<usize>>, LayoutError> {
    let whole = Layout::new(shape, strides)?;
    let (n_rows, distance) = shape.first().copied().zip(strides.first().copied()).unwrap_or((1, 0));
    let row = Layout::new(shape.get(1..).unwrap_or_default(), strides.get(1..).unwrap_or_default())?;
    let rows = if whole.n() == 0 { 0..0 } else { 0..n_rows };
    let starts = rows.map(|i| i * distance);
    Ok(match dtype {
        Dtype::F32 => find::<f32>(region, &whole, &row, starts),
        Dtype::F64 => find::<f64>(region, &whole, &row, starts),
        Dtype::F16 => find::<F16>(region, &whole, &row, starts),
        Dtype::Bf16 => find::<Bf16>(region, &whole, &row, starts),
    })
}

fn find<T: Element>(
    region: Region,
    whole: &Layout,
    row: &Layout,
    starts: impl Iterator<Item = usize>,
) -> Option<Vec<usize>> {
    let numbers = region.numbers::<T>(whole.span())?;
    let is_bad = |at: usize| {
        let (length, stride) = row.run();
        row.starts().any(|start| {
            let run = numbers.get(at + start..).unwrap_or_default();
            if stride == 1 {
                !all_finite(run.get(..length).unwrap_or_default())
            } else {
                run.iter()
                    .step_by(stride.max(1))
                    .take(if stride == 0 { 1 } else { length })
                    .any(|x| !x.is_finite())
            }
        })
    };
    Some(starts.enumerate().filter(|(_, at)| is_bad(*at)).map(|(i, _)| i).collect())
}

for_each_level! {
    /// Whether every number is finite.
    fn all_finite[T](numbers: &[T]) -> bool = body
}

#[inline(always)]
fn body<T: Element, const LEVEL: u8>(numbers: &[T]) -> bool {
    const BLOCK: usize = 512;
    let is_fine = |block: &[T]| block.iter().fold(true, |fine, x| fine & x.is_finite());
    numbers.chunks(BLOCK).all(is_fine)
}
