//! Memory that Python's side owns. All that is unsafe about reading and writing it is here.
#![allow(unsafe_code, reason = "tensors are known by the address of their memory")]

use super::element::Element;

/// Memory of a tensor, promised to stay as it is while it is measured.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Region {
    address: usize,
}

impl Region {
    /// The memory that begins at `address`.
    pub(crate) fn at(address: usize) -> Self {
        Self { address }
    }

    /// Its first `n` numbers; `None` where it does not begin where such a number may.
    ///
    /// The caller in Python keeps the tensor alive, and says truly how many numbers it holds; the stubs of the package say so.
    pub(crate) fn numbers<T: Element>(&self, n: usize) -> Option<&[T]> {
        if n == 0 {
            return Some(&[]);
        }
        let pointer = self.address as *const T;
        let is_sound = !pointer.is_null()
            && pointer.is_aligned()
            && n.checked_mul(size_of::<T>()).is_some_and(|bytes| isize::try_from(bytes).is_ok());
        // SAFETY: not null, aligned, not longer than the address space; that `n` numbers are there and stay is the caller's promise,
        // and every bit pattern is a number.
        is_sound.then(|| unsafe { std::slice::from_raw_parts(pointer, n) })
    }
}

/// Copies of regions of memory, made into memory that is there already.
#[derive(Debug)]
pub(crate) struct Copies {
    regions: Vec<(usize, usize)>,
    kept: Vec<u8>,
}

impl Copies {
    /// For regions given by address and number of bytes; `None` where one cannot be.
    pub(crate) fn of(regions: Vec<(usize, usize)>) -> Option<Self> {
        let is_sound =
            |&(address, n): &(usize, usize)| n == 0 || address != 0 && address.checked_add(n).is_some();
        let total = regions.iter().try_fold(0usize, |sum, (_, n)| sum.checked_add(*n))?;
        (regions.iter().all(is_sound) && isize::try_from(total).is_ok())
            .then(|| Self { kept: vec![0; total], regions })
    }

    /// Copies what the regions hold.
    pub(crate) fn take(&mut self) {
        let mut kept = self.kept.as_mut_slice();
        for &(address, n) in &self.regions {
            let (copy, rest) = kept.split_at_mut(n);
            if n > 0 {
                // SAFETY: `copy` has room for `n` bytes and is ours alone; that the region holds as many and lives is the caller's promise.
                unsafe { std::ptr::copy_nonoverlapping(address as *const u8, copy.as_mut_ptr(), n) };
            }
            kept = rest;
        }
    }

    /// Writes back what was copied last.
    pub(crate) fn restore(&self) {
        let mut kept = self.kept.as_slice();
        for &(address, n) in &self.regions {
            let (copy, rest) = kept.split_at(n);
            if n > 0 {
                // SAFETY: as above; and that nobody else uses the region meanwhile is the caller's promise, who holds the interpreter.
                unsafe { std::ptr::copy_nonoverlapping(copy.as_ptr(), address as *mut u8, n) };
            }
            kept = rest;
        }
    }
}
