//! Measuring tensors, which are known by the address of their memory.

use pyo3::exceptions::PyValueError;
use pyo3::intern;
use pyo3::prelude::*;
use pyo3::types::PyList;

use crate::dlpack::Exchange;
use crate::kernel::{self, Counted, Dtype, LARGE, Layout, LayoutError, Region, SquareSum};

fn dtype_of(code: u8) -> PyResult<Dtype> {
    Dtype::of(code).ok_or_else(|| PyValueError::new_err(format!("{code} is no code of a dtype: 0 to 3 are")))
}

fn misplaced() -> PyErr {
    PyValueError::new_err(
        "no tensor can lie at this address: it is null, not aligned or too close to the end",
    )
}

fn refused(error: LayoutError) -> PyErr {
    PyValueError::new_err(match error {
        LayoutError::Lengths => "shape and strides differ in length",
        LayoutError::TooLarge => "shape and strides reach further than memory does",
    })
}

/// Sums, without letting others run meanwhile where it is over at once.
fn sum(py: Python<'_>, dtype: Dtype, arrays: &[(usize, usize)], n_bytes: usize) -> PyResult<(f64, bool)> {
    let measure = || kernel::square_sum(dtype, arrays.iter().map(|&(address, n)| (Region::at(address), n)));
    let found = if n_bytes > LARGE { py.detach(measure) } else { measure() };
    found.map(|SquareSum { sum, is_finite }| (sum, is_finite)).ok_or_else(misplaced)
}

/// The sum of squares of contiguous arrays, and whether all is finite.
#[pyfunction]
#[allow(clippy::needless_pass_by_value, reason = "what Python hands over is made anew")]
pub(crate) fn square_sum(
    py: Python<'_>,
    pointers: Vec<usize>,
    lengths: Vec<usize>,
    dtype: u8,
) -> PyResult<(f64, bool)> {
    if pointers.len() != lengths.len() {
        return Err(PyValueError::new_err("pointers and lengths differ in length"));
    }
    let dtype = dtype_of(dtype)?;
    let n_bytes = lengths.iter().fold(0usize, |sum, n| sum.saturating_add(n.saturating_mul(dtype.size())));
    let arrays: Vec<(usize, usize)> = pointers.into_iter().zip(lengths).collect();
    sum(py, dtype, &arrays, n_bytes)
}

/// The norm of tensors whose lengths stay the same: what can be prepared is.
#[pyclass(module = "stetho._core")]
pub(crate) struct Norm {
    dtype: Dtype,
    arrays: Vec<(usize, usize)>,
    n_bytes: usize,
    exchange: Exchange,
}

#[pymethods]
impl Norm {
    #[new]
    fn new(lengths: Vec<usize>, dtype: u8) -> PyResult<Self> {
        let dtype = dtype_of(dtype)?;
        let n_bytes =
            lengths.iter().fold(0usize, |sum, n| sum.saturating_add(n.saturating_mul(dtype.size())));
        Ok(Self {
            dtype,
            arrays: lengths.into_iter().map(|n| (0, n)).collect(),
            n_bytes,
            exchange: Exchange::default(),
        })
    }

    /// The sum of squares of tensors, and whether all is finite; None where one of them does not lie in one piece or has another length.
    fn of_tensors(&mut self, py: Python<'_>, tensors: &Bound<'_, PyList>) -> PyResult<Option<(f64, bool)>> {
        self.fits(tensors)?;
        for (array, tensor) in self.arrays.iter_mut().zip(tensors) {
            let Some(address) = address_of(&mut self.exchange, &tensor, self.dtype, array.1)? else {
                return Ok(None);
            };
            array.0 = address;
        }
        self.sum(py).map(Some)
    }

    /// The same of the gradients of parameters, those that have one.
    fn of_gradients(
        &mut self,
        py: Python<'_>,
        parameters: &Bound<'_, PyList>,
    ) -> PyResult<Option<(f64, bool)>> {
        self.fits(parameters)?;
        for (array, parameter) in self.arrays.iter_mut().zip(parameters) {
            let gradient = parameter.getattr(intern!(py, "grad"))?;
            let address = if gradient.is_none() {
                Some(0)
            } else {
                address_of(&mut self.exchange, &gradient, self.dtype, array.1)?
            };
            let Some(address) = address else { return Ok(None) };
            array.0 = address;
        }
        self.sum(py).map(Some)
    }
}

impl Norm {
    fn fits(&self, list: &Bound<'_, PyList>) -> PyResult<()> {
        if list.len() == self.arrays.len() {
            return Ok(());
        }
        let n = self.arrays.len();
        Err(PyValueError::new_err(format!("{n} arrays are wanted, not {}", list.len())))
    }

    fn sum(&self, py: Python<'_>) -> PyResult<(f64, bool)> {
        let present = self.arrays.iter().filter(|(address, _)| *address != 0);
        let measure =
            || kernel::square_sum(self.dtype, present.map(|&(address, n)| (Region::at(address), n)));
        let found = if self.n_bytes > LARGE { py.detach(measure) } else { measure() };
        found.map(|SquareSum { sum, is_finite }| (sum, is_finite)).ok_or_else(misplaced)
    }
}

/// Where a tensor of `n` numbers begins that follow one another in memory. One that is sparse cannot be asked, and a user may have given
/// a parameter another size.
fn address_of(
    exchange: &mut Exchange,
    tensor: &Bound<'_, PyAny>,
    dtype: Dtype,
    n: usize,
) -> PyResult<Option<usize>> {
    if let Some(known) = exchange.address(tensor, dtype, n) {
        return Ok(known);
    }
    let py = tensor.py();
    let is_contiguous = tensor.call_method0(intern!(py, "is_contiguous")).and_then(|known| known.is_truthy());
    if !is_contiguous.unwrap_or(false) {
        return Ok(None);
    }
    let length: usize = tensor.call_method0(intern!(py, "numel"))?.extract()?;
    let size: usize = tensor.call_method0(intern!(py, "element_size"))?.extract()?;
    if length != n || size != dtype.size() {
        return Ok(None);
    }
    // One that stands for another, or for none yet, has no memory.
    let address: Option<usize> =
        tensor.call_method0(intern!(py, "data_ptr")).and_then(|address| address.extract()).ok();
    Ok(address.filter(|&address| n == 0 || address != 0))
}

/// What is known of a tensor's numbers.
#[pyclass(module = "stetho._core", frozen, get_all)]
pub(crate) struct Statistics {
    n: u64,
    n_nan: u64,
    n_inf: u64,
    n_zero: u64,
    min: f64,
    max: f64,
    mean: f64,
    variance: f64,
    l1: f64,
    l2: f64,
    histogram: Option<Vec<(f64, f64, u64)>>,
    n_counted: u64,
}

#[pymethods]
impl Statistics {
    fn __repr__(&self) -> String {
        let Self { n, n_nan, n_inf, n_zero, min, max, mean, variance, .. } = self;
        format!(
            "Statistics(n={n}, n_nan={n_nan}, n_inf={n_inf}, n_zero={n_zero}, min={min}, max={max}, mean={mean}, \
             variance={variance})"
        )
    }
}

impl From<kernel::Statistics> for Statistics {
    fn from(found: kernel::Statistics) -> Self {
        let m = found.moments;
        let n = m.n as f64;
        let known = |value: f64| if m.n == 0 { f64::NAN } else { value };
        Self {
            n: m.n + m.n_nan + m.n_inf,
            n_nan: m.n_nan,
            n_inf: m.n_inf,
            n_zero: m.n_zero,
            min: known(m.min),
            max: known(m.max),
            mean: known(m.mean),
            variance: known(m.m2 / n),
            l1: m.l1,
            l2: (m.m2 + n * m.mean * m.mean).sqrt(),
            n_counted: found.histogram.as_ref().map_or(0, |histogram| histogram.n),
            histogram: found.histogram.map(|histogram| histogram.bins),
        }
    }
}

/// Statistics of a tensor.
#[pyfunction]
#[pyo3(signature = (pointer, dtype, shape, strides, histogram=false, whole=false))]
#[allow(clippy::needless_pass_by_value, reason = "what Python hands over is made anew")]
pub(crate) fn statistics(
    py: Python<'_>,
    pointer: usize,
    dtype: u8,
    shape: Vec<usize>,
    strides: Vec<usize>,
    histogram: bool,
    whole: bool,
) -> PyResult<Statistics> {
    let dtype = dtype_of(dtype)?;
    let layout = Layout::new(&shape, &strides).map_err(refused)?;
    let counted = match (histogram, whole) {
        (false, _) => Counted::Nothing,
        (true, false) => Counted::Enough,
        (true, true) => Counted::Everything,
    };
    let measure = || kernel::statistics(dtype, Region::at(pointer), &layout, counted);
    let found = if layout.n() * dtype.size() > LARGE { py.detach(measure) } else { measure() };
    found.map(Statistics::from).ok_or_else(misplaced)
}

/// Rows of a tensor that hold something that is not finite.
#[pyfunction]
#[allow(clippy::needless_pass_by_value, reason = "what Python hands over is made anew")]
pub(crate) fn non_finite_rows(
    py: Python<'_>,
    pointer: usize,
    dtype: u8,
    shape: Vec<usize>,
    strides: Vec<usize>,
) -> PyResult<Vec<usize>> {
    let dtype = dtype_of(dtype)?;
    let found = py.detach(|| kernel::non_finite_rows(dtype, Region::at(pointer), &shape, &strides));
    found.map_err(refused)?.ok_or_else(misplaced)
}
