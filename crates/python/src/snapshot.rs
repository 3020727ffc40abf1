//! Copies of memory that a step may change, to go back to its start.

use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;

use crate::kernel::Copies;

/// Copies of regions of memory.
#[pyclass(module = "stetho._core")]
pub(crate) struct Snapshot {
    copies: Copies,
}

#[pymethods]
impl Snapshot {
    #[new]
    fn new(pointers: Vec<usize>, n_bytes: Vec<usize>) -> PyResult<Self> {
        if pointers.len() != n_bytes.len() {
            return Err(PyValueError::new_err("pointers and n_bytes differ in length"));
        }
        let copies = Copies::of(pointers.into_iter().zip(n_bytes).collect());
        let copies = copies.ok_or_else(|| PyValueError::new_err("no memory can lie at these addresses"))?;
        Ok(Self { copies })
    }

    /// Copies what the regions hold now.
    fn take(&mut self) {
        self.copies.take();
    }

    /// Writes back what was copied last.
    fn restore(&self) {
        self.copies.restore();
    }
}
