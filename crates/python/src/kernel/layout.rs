//! Where the numbers of a tensor lie: shape and strides, in the fewest straight runs.

use std::cmp::Reverse;

/// A tensor's numbers as runs through memory, in the order of memory. Which number is where in the tensor does not matter.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Layout {
    /// Count and stride of each dimension but the innermost, largest stride first.
    outer: Vec<(usize, usize)>,
    /// Numbers of a run, and the distance between them.
    run: (usize, usize),
}

/// Why a shape and its strides describe no tensor.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum LayoutError {
    /// They differ in length.
    Lengths,
    /// It reaches further than memory does.
    TooLarge,
}

impl Layout {
    /// The layout of a tensor of this shape; strides count numbers, not bytes.
    pub(crate) fn new(shape: &[usize], strides: &[usize]) -> Result<Self, LayoutError> {
        if shape.len() != strides.len() {
            return Err(LayoutError::Lengths);
        }
        let mut dimensions: Vec<(usize, usize)> =
            shape.iter().copied().zip(strides.iter().copied()).collect();
        if dimensions.iter().any(|(n, _)| *n == 0) {
            return Ok(Self { outer: Vec::new(), run: (0, 1) });
        }
        dimensions.retain(|(n, _)| *n > 1);
        dimensions.sort_by_key(|(_, stride)| Reverse(*stride));
        let mut merged: Vec<(usize, usize)> = Vec::with_capacity(dimensions.len());
        for (n, stride) in dimensions {
            match merged.last_mut() {
                // One dimension goes on where the next inner one ends: they are one.
                Some(outer) if n.checked_mul(stride) == Some(outer.1) => {
                    *outer = (outer.0.checked_mul(n).ok_or(LayoutError::TooLarge)?, stride);
                }
                _ => merged.push((n, stride)),
            }
        }
        let run = merged.pop().unwrap_or((1, 1));
        let layout = Self { outer: merged, run };
        layout.checked_span().map(|_| layout).ok_or(LayoutError::TooLarge)
    }

    /// Numbers in all.
    pub(crate) fn n(&self) -> usize {
        self.outer.iter().map(|(n, _)| n).product::<usize>() * self.run.0
    }

    /// Numbers from the first to the last in memory, with what lies between.
    pub(crate) fn span(&self) -> usize {
        self.checked_span().unwrap_or(0)
    }

    fn checked_span(&self) -> Option<usize> {
        if self.run.0 == 0 {
            return Some(0);
        }
        let counts = self.outer.iter().try_fold(self.run.0, |product, (n, _)| product.checked_mul(*n))?;
        let mut all = self.outer.iter().chain([&self.run]);
        let span =
            all.try_fold(1usize, |span, (n, stride)| (n - 1).checked_mul(*stride)?.checked_add(span))?;
        isize::try_from(counts.max(span)).ok().map(|_| span)
    }

    /// Numbers of a run, and the distance between them.
    pub(crate) fn run(&self) -> (usize, usize) {
        self.run
    }

    /// Where each run begins.
    pub(crate) fn starts(&self) -> impl Iterator<Item = usize> {
        let n_runs: usize = if self.run.0 == 0 { 0 } else { self.outer.iter().map(|(n, _)| n).product() };
        let mut counters = vec![0usize; self.outer.len()];
        let mut at = 0usize;
        (0..n_runs).map(move |_| {
            let start = at;
            for (counter, (n, stride)) in counters.iter_mut().zip(&self.outer).rev() {
                *counter += 1;
                at += stride;
                if *counter < *n {
                    break;
                }
                at -= n * stride;
                *counter = 0;
            }
            start
        })
    }
}
