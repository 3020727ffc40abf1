//! Copies of memory that a step may change, to go back to its start.

use pyo3::exceptions::PyValueError;
use pyo3::gc::{PyTraverseError, PyVisit};
use pyo3::intern;
use pyo3::prelude::*;
use pyo3::types::PyDict;

use crate::dlpack::Exchange;
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
        Ok(Self { copies: copies_of(pointers.into_iter().zip(n_bytes).collect())? })
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

fn copies_of(regions: Vec<(usize, usize)>) -> PyResult<Copies> {
    Copies::of(regions).ok_or_else(|| PyValueError::new_err("no memory can lie at these addresses"))
}

/// Copies of tensors that dictionaries hold, as long as these hold the same ones, at the same addresses.
#[pyclass(module = "stetho._core")]
pub(crate) struct Held {
    dicts: Vec<Py<PyDict>>,
    values: Vec<Py<PyAny>>,
    tensors: Vec<Py<PyAny>>,
    addresses: Vec<usize>,
    copies: Copies,
    exchange: Exchange,
}

#[pymethods]
impl Held {
    #[new]
    fn new(
        py: Python<'_>,
        dicts: Vec<Py<PyDict>>,
        tensors: Vec<Py<PyAny>>,
        n_bytes: Vec<usize>,
    ) -> PyResult<Self> {
        if tensors.len() != n_bytes.len() {
            return Err(PyValueError::new_err("tensors and n_bytes differ in length"));
        }
        let values = dicts.iter().flat_map(|held| held.bind(py).values()).map(Bound::unbind).collect();
        let mut exchange = Exchange::default();
        let addresses =
            tensors.iter().map(|t| begin(&mut exchange, t.bind(py))).collect::<PyResult<Vec<usize>>>()?;
        let copies = copies_of(addresses.iter().copied().zip(n_bytes).collect())?;
        Ok(Self { dicts, values, tensors, addresses, copies, exchange })
    }

    /// Copies what the tensors hold now; False, and nothing is copied, where one has been replaced or lies elsewhere.
    fn take(&mut self, py: Python<'_>) -> PyResult<bool> {
        let mut known = self.values.iter();
        for held in &self.dicts {
            for (_, value) in held.bind(py) {
                if !known.next().is_some_and(|one| one.is(&value)) {
                    return Ok(false);
                }
            }
        }
        if known.next().is_some() {
            return Ok(false);
        }
        for (tensor, address) in self.tensors.iter().zip(&self.addresses) {
            if begin(&mut self.exchange, tensor.bind(py))? != *address {
                return Ok(false);
            }
        }
        self.copies.take();
        Ok(true)
    }

    /// Writes back what was copied last.
    fn restore(&self) {
        self.copies.restore();
    }

    fn __traverse__(&self, visit: PyVisit<'_>) -> Result<(), PyTraverseError> {
        self.dicts.iter().try_for_each(|held| visit.call(held))?;
        self.values.iter().chain(&self.tensors).try_for_each(|value| visit.call(value))
    }

    fn __clear__(&mut self) {
        self.dicts.clear();
        self.values.clear();
        self.tensors.clear();
    }
}

fn begin(exchange: &mut Exchange, tensor: &Bound<'_, PyAny>) -> PyResult<usize> {
    match exchange.begin(tensor) {
        Some(Some(address)) => Ok(address),
        _ => tensor.call_method0(intern!(tensor.py(), "data_ptr"))?.extract(),
    }
}
