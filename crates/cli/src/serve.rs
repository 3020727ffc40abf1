//! `stetho serve`, and the page of whatever else is served.

use std::path::Path;
use std::process::ExitCode;

use anyhow::{Context, Result, bail};
use stetho_core::{Document, SCHEMA};
use stetho_serve::{Options, Server, Source};

use crate::args::{AddressArgs, ServeArgs};
use crate::output::note;
use crate::watch::{catch_end, is_stopped};

/// Serves a saved report until Ctrl-C.
///
/// # Errors
/// When the file is no report, or the address cannot be listened on.
pub(crate) fn run(args: &ServeArgs) -> Result<ExitCode> {
    let mut saved = Some(read(&args.report)?);
    catch_end();
    serve(&args.at, &args.report.display().to_string(), move || saved.take(), is_stopped)?;
    Ok(ExitCode::SUCCESS)
}

/// Serves what `source` gives until `stop`; says where.
///
/// # Errors
/// When the address cannot be listened on, or the server fails.
pub(crate) fn serve(
    at: &AddressArgs,
    title: &str,
    source: impl Source,
    stop: impl Fn() -> bool,
) -> Result<()> {
    let options = Options { host: at.host.clone(), port: at.port, token: at.token.clone() };
    let server = Server::bind(&options, title)?;
    note(&format!("open {} in a browser; Ctrl-C ends the server", server.url()));
    server.run(source, stop)?;
    Ok(())
}

/// A report that was written as JSON or as a page.
fn read(path: &Path) -> Result<Document> {
    let name = path.display();
    if path.is_dir() {
        bail!("`{name}` is a folder; name a report in it, as JSON or HTML");
    }
    let text = std::fs::read_to_string(path).with_context(|| format!("cannot read `{name}`"))?;
    let is_page = text.trim_start().starts_with('<');
    let document = if is_page {
        stetho_report::report_of(&text).map_err(anyhow::Error::msg)
    } else {
        serde_json::from_str::<Document>(&text).map_err(anyhow::Error::from)
    };
    let document = document.with_context(|| format!("`{name}` is no report that stetho wrote"))?;
    if document.schema != SCHEMA {
        bail!("`{name}` was written by another version of stetho (schema {}, not {SCHEMA})", document.schema);
    }
    Ok(document)
}
