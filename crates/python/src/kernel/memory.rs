//! Memory that Python's side owns. All that is unsafe about reading and writing it is here.
#![allow(unsafe_code, reason = "tensors are known by the address of their memory")]

use super::element::{Bf16, Element, F16, LANES};

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
        self.slice(n)
    }

    /// Its first `n` whole numbers, in the same way.
    pub(crate) fn integers<T: Integer>(&self, n: usize) -> Option<&[T]> {
        self.slice(n)
    }

    /// Of types of which every bit pattern is a number.
    fn slice<T>(&self, n: usize) -> Option<&[T]> {
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

/// A type of whole number, as it lies in memory.
pub(crate) trait Integer: Copy + Into<i64> + 'static {}

impl Integer for u8 {}
impl Integer for i8 {}
impl Integer for i16 {}
impl Integer for i32 {}
impl Integer for i64 {}

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

/// Pairs of numbers as words.
#[inline(always)]
pub(super) fn words(numbers: &[Bf16; 2 * LANES]) -> [u32; LANES] {
    // SAFETY: both are 64 bytes, of which every pattern is a number and a word.
    unsafe { std::mem::transmute_copy(numbers) }
}

/// Numbers in half precision in single precision, by the processor's own instruction where there is one.
#[inline(always)]
pub(super) fn halves<const LEVEL: u8>(numbers: &[F16; 2 * LANES]) -> [[f32; LANES]; 2] {
    #[cfg(target_arch = "x86_64")]
    {
        use std::arch::x86_64::{__m128i, __m256, __m256i, __m512, _mm256_cvtph_ps, _mm512_cvtph_ps};
        if LEVEL == super::level::WIDEST {
            // SAFETY: code of this level runs where there are such instructions; sizes are equal, and every pattern is a number.
            return unsafe {
                let [first, last]: [__m256i; 2] = std::mem::transmute_copy(numbers);
                let wide: [__m512; 2] = [_mm512_cvtph_ps(first), _mm512_cvtph_ps(last)];
                std::mem::transmute::<[__m512; 2], [[f32; LANES]; 2]>(wide)
            };
        }
        if LEVEL == super::level::FUSED {
            // SAFETY: as above.
            return unsafe {
                let quarters: [__m128i; 4] = std::mem::transmute_copy(numbers);
                let wide: [__m256; 4] = quarters.map(|quarter| _mm256_cvtph_ps(quarter));
                std::mem::transmute::<[__m256; 4], [[f32; LANES]; 2]>(wide)
            };
        }
    }
    [std::array::from_fn(|i| numbers[i].lane()), std::array::from_fn(|i| numbers[LANES + i].lane())]
}
