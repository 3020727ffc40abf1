//! Which samples of a data set were drawn: counted at every batch, so in a fraction of a microsecond.

use pyo3::exceptions::PyIndexError;
use pyo3::prelude::*;
use pyo3::types::{PyList, PyTuple};

/// The samples of one data set that were drawn. A data set may grow, up to a size.
#[pyclass(module = "stetho._core")]
pub(crate) struct Drawn {
    most: usize,
    is_drawn: Vec<bool>,
    #[pyo3(get)]
    n_distinct: u64,
    #[pyo3(get)]
    n_drawn: u64,
}

#[pymethods]
impl Drawn {
    #[new]
    fn new(size: usize, most: usize) -> Self {
        Self { most, is_drawn: vec![false; size], n_distinct: 0, n_drawn: 0 }
    }

    /// A batch was drawn, after the sample `before`: how many samples were the next ones of the data set, and the last of them.
    fn draw(&mut self, indices: &Bound<'_, PyAny>, before: i64) -> PyResult<(u64, i64)> {
        if let Ok(list) = indices.cast::<PyList>() {
            self.count(list.iter(), before)
        } else if let Ok(tuple) = indices.cast::<PyTuple>() {
            self.count(tuple.iter(), before)
        } else {
            let all = indices.try_iter()?.collect::<PyResult<Vec<_>>>()?;
            self.count(all.into_iter(), before)
        }
    }

    /// Whether a sample was drawn.
    fn has(&self, index: i64) -> bool {
        self.position(index).is_some_and(|position| self.is_drawn.get(position) == Some(&true))
    }
}

impl Drawn {
    fn count<'py>(
        &mut self,
        indices: impl Iterator<Item = Bound<'py, PyAny>>,
        mut before: i64,
    ) -> PyResult<(u64, i64)> {
        let mut n_in_order = 0;
        for index in indices {
            let index: i64 = index.extract()?;
            let position =
                self.position(index).filter(|&position| position < self.most).ok_or_else(|| {
                    PyIndexError::new_err(format!(
                        "there is no sample {index} in a data set of {}",
                        self.is_drawn.len()
                    ))
                })?;
            if position >= self.is_drawn.len() {
                self.is_drawn.resize(position + 1, false);
            }
            self.n_distinct += u64::from(!self.is_drawn[position]);
            self.n_drawn += 1;
            self.is_drawn[position] = true;
            n_in_order += u64::from(before.checked_add(1) == Some(index));
            before = index;
        }
        Ok((n_in_order, before))
    }

    /// As Python counts, from the end where the index is negative.
    fn position(&self, index: i64) -> Option<usize> {
        let from_end = || self.is_drawn.len().checked_sub(usize::try_from(index.unsigned_abs()).ok()?);
        usize::try_from(index).ok().or_else(from_end)
    }
}
