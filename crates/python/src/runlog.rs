//! The log of a run, written and judged while it goes on.

use std::path::PathBuf;

use pyo3::exceptions::{PyOSError, PyValueError};
use pyo3::prelude::*;
use pyo3::types::PyDict;
use serde_json::json;
use stetho_core::run::{Fact, LayerQuantity, Trap};
use stetho_runlog::{LogError, Run, Vector};

/// A run log that is judged as it grows.
#[pyclass(module = "stetho._core")]
pub(crate) struct RunLog {
    run: Option<Run>,
    /// The process that writes it: a forked child must not.
    process: u32,
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
        // The script may go elsewhere.
        let folder = std::path::absolute(&folder).unwrap_or(folder);
        let run = Run::create(&folder).map_err(refused)?;
        Ok(Self { run: Some(run), process: std::process::id() })
    }

    /// Logs a step; what the rules have found since they judged last, each finding in JSON.
    #[pyo3(signature = (step, scalars, layers=None))]
    fn log(
        &mut self,
        step: u64,
        scalars: &Bound<'_, PyDict>,
        layers: Option<&Bound<'_, PyDict>>,
    ) -> PyResult<Vec<String>> {
        let Some(run) = self.ours() else { return Ok(Vec::new()) };
        let scalars = scalars.iter().map(|(tag, value)| Ok((tag.extract::<String>()?, value.extract()?)));
        let scalars: Vec<(String, f64)> = scalars.collect::<PyResult<_>>()?;
        let scalars: Vec<(&str, f64)> = scalars.iter().map(|(tag, value)| (tag.as_str(), *value)).collect();
        let vectors = layers.map(vectors).transpose()?.unwrap_or_default();
        let vectors: Vec<Vector<'_>> =
            vectors.iter().map(|(word, names, values)| Vector { word, names, values }).collect();
        run.record(step, &scalars, &vectors).map_err(refused)?.iter().map(in_json).collect()
    }

    /// Keeps a trap, in JSON, beside the log; what the rules have found since they judged last, each finding in JSON.
    fn trap(&mut self, json: &str) -> PyResult<Vec<String>> {
        let trap: Trap =
            serde_json::from_str(json).map_err(|error| PyValueError::new_err(format!("no trap: {error}")))?;
        let Some(run) = self.ours() else { return Ok(Vec::new()) };
        run.trap(trap).map_err(refused)?.iter().map(in_json).collect()
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

type Named = (String, Vec<String>, Vec<f32>);

/// `{word: (names, values)}`.
fn vectors(layers: &Bound<'_, PyDict>) -> PyResult<Vec<Named>> {
    let of = |(word, entry): (Bound<'_, PyAny>, Bound<'_, PyAny>)| {
        let word: String = word.extract()?;
        let (names, values) = entry.extract()?;
        let is_known = LayerQuantity::ALL.iter().any(|quantity| quantity.word() == word)
            || Fact::of_word(&word).is_some()
            || word == "class_share";
        if !is_known {
            return Err(PyValueError::new_err(format!(
                "`{word}` is nothing that is measured of layers or other things"
            )));
        }
        Ok((word, names, values))
    };
    layers.iter().map(of).collect()
}
