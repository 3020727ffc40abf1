//! The log of a run, written and judged while it goes on.

use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::Arc;

use pyo3::exceptions::{PyOSError, PyValueError};
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyList};
use serde_json::json;
use stetho_core::run::LayerQuantity;
use stetho_runlog::{LogError, Run};

/// A run log that is judged as it grows.
#[pyclass(module = "stetho._core")]
pub(crate) struct RunLog {
    run: Option<Run>,
    /// The process that writes it: a forked child must not.
    process: u32,
    /// Lists of layers by their quantity, as they were last given.
    layers: HashMap<LayerQuantity, Arc<[String]>>,
}

#[allow(clippy::needless_pass_by_value, reason = "it is what `map_err` hands over")]
fn refused(error: LogError) -> PyErr {
    match error {
        LogError::Request(_) => PyValueError::new_err(error.to_string()),
        _ => PyOSError::new_err(error.to_string()),
    }
}

fn in_json<T: serde::Serialize>(value: &T) -> PyResult<String> {
    serde_json::to_string(value).map_err(|error| PyValueError::new_err(error.to_string()))
}

#[pymethods]
impl RunLog {
    #[new]
    #[allow(clippy::needless_pass_by_value, reason = "what Python hands over is made anew")]
    fn new(folder: PathBuf) -> PyResult<Self> {
        let run = Run::create(&folder).map_err(refused)?;
        Ok(Self { run: Some(run), process: std::process::id(), layers: HashMap::new() })
    }

    /// Logs a step; what the rules have found since they judged last, each finding in JSON.
    #[pyo3(signature = (step, scalars, layers=None))]
    fn log(
        &mut self,
        step: u64,
        scalars: &Bound<'_, PyDict>,
        layers: Option<&Bound<'_, PyDict>>,
    ) -> PyResult<Vec<String>> {
        let vectors = layers.map(|layers| vectors(layers, &mut self.layers)).transpose()?;
        let Some(run) = self.ours() else { return Ok(Vec::new()) };
        let mut one = run.step(step);
        for (tag, value) in scalars {
            one = one.scalar(tag.extract::<String>()?, value.extract()?);
        }
        for (quantity, names, values) in vectors.into_iter().flatten() {
            one = one.layers(quantity, names, values);
        }
        one.log().map_err(refused)?.iter().map(in_json).collect()
    }

    /// What the rules say of the run as it stands: `findings` and `outcomes` of a report, in JSON.
    fn verdict(&mut self, py: Python<'_>) -> PyResult<String> {
        let Some(run) = self.run.as_mut() else { return Err(PyValueError::new_err("the log is closed")) };
        let verdict = py.detach(|| run.verdict()).map_err(refused)?;
        Ok(json!({"findings": verdict.findings, "outcomes": verdict.outcomes}).to_string())
    }

    /// Hands all that was logged to the system.
    fn flush(&mut self) -> PyResult<()> {
        self.ours().map_or(Ok(()), |run| run.flush().map_err(refused))
    }
}

impl RunLog {
    /// The run, unless this is the copy that a forked process got.
    fn ours(&mut self) -> Option<&mut Run> {
        self.run.as_mut().filter(|_| std::process::id() == self.process)
    }
}

impl Drop for RunLog {
    /// What a forked process got of the buffer is written by the process that it was copied from.
    fn drop(&mut self) {
        if std::process::id() != self.process {
            std::mem::forget(self.run.take());
        }
    }
}

type Vector = (LayerQuantity, Arc<[String]>, Vec<f32>);

/// `{quantity: (names of layers, values)}`.
fn vectors(
    layers: &Bound<'_, PyDict>,
    known: &mut HashMap<LayerQuantity, Arc<[String]>>,
) -> PyResult<Vec<Vector>> {
    let mut vectors = Vec::with_capacity(layers.len());
    for (word, entry) in layers {
        let word: String = word.extract()?;
        let quantity = LayerQuantity::ALL.into_iter().find(|quantity| quantity.word() == word);
        let quantity =
            quantity.ok_or_else(|| PyValueError::new_err(format!("`{word}` is no quantity of layers")))?;
        let (names, values): (Bound<'_, PyList>, Vec<f32>) = entry.extract()?;
        if names.len() != values.len() {
            return Err(PyValueError::new_err(format!(
                "{word}: {} layers, {} values",
                names.len(),
                values.len()
            )));
        }
        let names: Vec<String> = names.extract()?;
        let same = known.get(&quantity).filter(|known| known.iter().eq(names.iter())).cloned();
        let names = same.unwrap_or_else(|| names.into());
        known.insert(quantity, Arc::clone(&names));
        vectors.push((quantity, names, values));
    }
    Ok(vectors)
}
