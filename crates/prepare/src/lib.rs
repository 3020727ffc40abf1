//! Applies remedies to a copy of a data set and writes a receipt. The source is only ever read.
//!
//! [`prepare`] works in a folder beside the one asked for and renames it at the end, so that a run that is stopped
//! leaves nothing half done. What to drop is decided by the rules themselves: the copy is audited as `stetho check`
//! would audit it.

mod error;
mod files;

mod receipt;
mod remedies;
mod request;
mod resample;
mod staging;
mod table;

pub use error::PrepareError;
pub use receipt::Done;
pub use remedies::droppable;
pub use request::{Balance, Ratios, Request, Whiten};

use stetho_read::{DataKind, Watch, detect_kind};

use crate::staging::Staging;

/// Whether `request` can be done to data of this kind, as far as that is known without the data.
///
/// # Errors
/// What does not fit, in one line.
pub fn fits(request: &Request, kind: DataKind) -> Result<(), PrepareError> {
    request.check(kind)?;
    remedies::resolve(&request.drop, kind).map(drop)
}

/// Applies the remedies of `request` to a copy.
///
/// # Errors
/// When the request makes no sense for the data, the data cannot be read or the copy not written: one line that says
/// what, where and what to do. Nothing is left behind then.
pub fn prepare(request: &Request, watch: &dyn Watch) -> Result<Done, PrepareError> {
    let kind = request.kind.unwrap_or_else(|| detect_kind(&request.data));
    fits(request, kind)?;
    resample::refuse_resampled(request)?;
    staging::refuse_inside(&request.out, request.inputs())?;
    let staging = Staging::new(&request.out)?;
    let done = match kind {
        DataKind::Table => table::prepare(request, &staging, watch),
        DataKind::Images => files::pictures(request, &staging, watch),
        DataKind::Boxes(format) => files::boxes(request, format, &staging, watch),
    }?;
    if watch.stopped() {
        return Err(PrepareError::Request("interrupted: nothing was written".into()));
    }
    staging.finish()?;
    Ok(done)
}
