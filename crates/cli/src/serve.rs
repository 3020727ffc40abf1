//! `stetho serve`, and the page of whatever else is served.

use std::path::Path;

use anyhow::{Context, Result, bail};
use stetho_core::{Document, SCHEMA};
use stetho_serve::{Options, Server, Source};

use crate::args::{AddressArgs, ServeArgs};
use crate::onlooker::{catch_end, is_stopped};
use crate::output::note;

/// Where a page is served unless it is said: at this machine alone.
const HOST: &str = "127.0.0.1";
const PORT: u16 = 6077;

/// Serves runs, live, or a saved report, until Ctrl-C.
///
/// # Errors
/// When a path is neither a log nor a report, or the address cannot be listened on.
pub(crate) fn run(args: &ServeArgs) -> Result<u8> {
    if let [path] = args.paths.as_slice()
        && is_report(path)
    {
        let mut saved = Some(read(path)?);
        catch_end();
        serve(&args.at, &path.display().to_string(), move || saved.take(), is_stopped)?;
        return Ok(0);
    }
    crate::watch::serve(&args.paths, &args.map, &args.at)?;
    Ok(0)
}

/// Whether a file is a report rather than a log: a page, or the JSON of one.
fn is_report(path: &Path) -> bool {
    let Ok(start) = std::fs::File::open(path).and_then(|file| {
        let mut start = Vec::new();
        std::io::Read::read_to_end(&mut std::io::Read::take(file, 4096), &mut start)?;
        Ok(start)
    }) else {
        return false;
    };
    let text = String::from_utf8_lossy(&start);
    let text = text.trim_start();
    path.is_file()
        && (text.starts_with('<')
            || text.starts_with('{') && text.contains("\"schema\"") && text.contains("\"stetho\""))
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
    bind(at, title)?.run(source, stop)?;
    Ok(())
}

/// Listens, and says where.
///
/// # Errors
/// When the address cannot be listened on.
pub(crate) fn bind(at: &AddressArgs, title: &str) -> Result<Server> {
    let options = Options {
        host: at.host.clone().unwrap_or_else(|| HOST.to_owned()),
        port: at.port.unwrap_or(PORT),
        token: at.token.clone(),
    };
    let server = Server::bind(&options, title)?;
    note(&format!("open {} in a browser; Ctrl-C ends it", server.url()));
    Ok(server)
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
