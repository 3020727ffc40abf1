//! `stetho._core`: what the Python package takes from Rust. Conversions are here, measuring is in [`kernel`].

mod command;
mod contract;
mod dlpack;
mod drawn;
mod kernel;
mod runlog;
mod snapshot;
mod spikes;
mod tensors;

use pyo3::prelude::*;

/// The compiled part of the package `stetho`; `_core.pyi` beside it is its documentation.
#[pymodule]
mod _core {
    #[pymodule_export]
    use super::command::{command, finish};
    #[pymodule_export]
    use super::contract::Checks;
    #[pymodule_export]
    use super::drawn::Drawn;
    #[pymodule_export]
    use super::runlog::RunLog;
    #[pymodule_export]
    use super::snapshot::{Held, Snapshot};
    #[pymodule_export]
    use super::spikes::Spikes;
    #[pymodule_export]
    use super::tensors::{Norm, Statistics, non_finite_rows, square_sum, statistics};

    #[pymodule_export]
    #[allow(non_upper_case_globals, reason = "a module of Python names its version so")]
    const __version__: &str = env!("CARGO_PKG_VERSION");
}
