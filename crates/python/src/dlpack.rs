//! Where a tensor lies, by DLPack's table of C functions (`__dlpack_c_exchange_api__`, DLPack 1.2): one call in place of Python's three.
#![allow(unsafe_code, reason = "functions that a framework gives by their addresses")]

use std::ffi::{c_int, c_void};

use pyo3::ffi;
use pyo3::intern;
use pyo3::prelude::*;
use pyo3::types::PyType;

use crate::kernel::Dtype;

/// The major version of DLPack whose tables have the form below.
const MAJOR: u32 = 1;
/// The code of a device: the processor's memory.
const CPU: i32 = 1;
/// Codes of kinds of numbers.
const FLOAT: u8 = 2;
const BFLOAT: u8 = 4;
/// Classes of tensors that are remembered; parameters and plain tensors are two.
const MOST: usize = 8;

#[repr(C)]
struct Tensor {
    data: *const c_void,
    device: [i32; 2],
    n_dims: i32,
    kind: u8,
    bits: u8,
    lanes: u16,
    shape: *const i64,
    strides: *const i64,
    byte_offset: u64,
}

type Describe = unsafe extern "C" fn(*mut c_void, *mut Tensor) -> c_int;

#[repr(C)]
struct Table {
    major: u32,
    minor: u32,
    older: *const c_void,
    allocate: *const c_void,
    give: *const c_void,
    take: *const c_void,
    describe: Option<Describe>,
}

/// What was learned of classes of tensors: how to ask them.
#[derive(Default)]
pub(crate) struct Exchange {
    classes: Vec<(Py<PyType>, Option<Describe>)>,
}

impl Exchange {
    /// Where the `n` numbers of a tensor begin, of this type and in the processor's memory, one after the other; `Some(None)` where they do not
    /// lie so, `None` where its class cannot be asked.
    pub(crate) fn address(
        &mut self,
        tensor: &Bound<'_, PyAny>,
        dtype: Dtype,
        n: usize,
    ) -> Option<Option<usize>> {
        let seen = self.see(tensor)?;
        Some(seen.filter(|seen| seen.is_of(dtype) && seen.length() == Some(n)).and_then(|seen| seen.begin(n)))
    }

    /// Where the memory of any tensor begins, in the same way.
    pub(crate) fn begin(&mut self, tensor: &Bound<'_, PyAny>) -> Option<Option<usize>> {
        Some(self.see(tensor)?.and_then(|seen| seen.begin(0)))
    }

    fn see(&mut self, tensor: &Bound<'_, PyAny>) -> Option<Option<Tensor>> {
        let describe = self.describe(tensor)?;
        let mut seen = std::mem::MaybeUninit::<Tensor>::zeroed();
        // SAFETY: the function is of the tensor's own class, which asks for nothing but an object of it and room for a description.
        let status = unsafe { describe(tensor.as_ptr().cast(), seen.as_mut_ptr()) };
        if status != 0 {
            drop(PyErr::take(tensor.py())); // sparse, or without memory
            return Some(None);
        }
        // SAFETY: every bit pattern is one, and the call has filled it in.
        Some(Some(unsafe { seen.assume_init() }))
    }

    fn describe(&mut self, tensor: &Bound<'_, PyAny>) -> Option<Describe> {
        let class = tensor.get_type();
        if let Some((_, describe)) = self.classes.iter().find(|(known, _)| known.is(&class)) {
            return *describe;
        }
        if self.classes.len() >= MOST {
            return None;
        }
        let describe = table_of(&class);
        self.classes.push((class.unbind(), describe));
        describe
    }
}

fn table_of(class: &Bound<'_, PyType>) -> Option<Describe> {
    let capsule = class.getattr(intern!(class.py(), "__dlpack_c_exchange_api__")).ok()?;
    let name = c"dlpack_exchange_api".as_ptr();
    // SAFETY: any object may be asked; a capsule of this name holds such a table, which lives as long as the process.
    unsafe {
        if ffi::PyCapsule_IsValid(capsule.as_ptr(), name) == 0 {
            return None;
        }
        let table = ffi::PyCapsule_GetPointer(capsule.as_ptr(), name).cast::<Table>();
        ((*table).major == MAJOR).then(|| (*table).describe).flatten()
    }
}

impl Tensor {
    fn is_of(&self, dtype: Dtype) -> bool {
        let wanted = match dtype {
            Dtype::F32 => (FLOAT, 32),
            Dtype::F64 => (FLOAT, 64),
            Dtype::F16 => (FLOAT, 16),
            Dtype::Bf16 => (BFLOAT, 16),
        };
        (self.kind, self.bits) == wanted && self.lanes == 1 && self.device[0] == CPU
    }

    /// How many numbers there are, where they follow one another.
    fn length(&self) -> Option<usize> {
        let n_dims = usize::try_from(self.n_dims).ok()?;
        if n_dims == 0 {
            return Some(1);
        }
        if self.shape.is_null() || self.strides.is_null() {
            return None;
        }
        // SAFETY: DLPack says that both are of this length.
        let (shape, strides) = unsafe {
            (std::slice::from_raw_parts(self.shape, n_dims), std::slice::from_raw_parts(self.strides, n_dims))
        };
        let mut n = 1i64;
        for (&side, &stride) in shape.iter().zip(strides).rev() {
            if side > 1 && stride != n {
                return None;
            }
            n = n.checked_mul(side)?;
        }
        usize::try_from(n).ok()
    }

    /// `None` where there is no memory for so many numbers.
    fn begin(&self, n: usize) -> Option<usize> {
        (n == 0 || !self.data.is_null()).then(|| self.data as usize + self.byte_offset as usize)
    }
}
