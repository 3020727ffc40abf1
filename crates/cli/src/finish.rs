//! The end of a run: its log is judged and its report delivered.

use std::path::{Path, PathBuf};
use std::time::Instant;

use anyhow::{Context, Result};
use stetho_report::html;

use crate::args::Format;
use crate::check::show_pictures;
use crate::config::Config;
use crate::delivery::{deliver, format, seat_judges, status};
use crate::request::Ending;
use crate::watch::{Logs, document};
use crate::{FAILED, one_line, output, preflight};

/// The page that every run leaves in its folder.
const PAGE: &str = "report.html";

/// Judges the run that was logged into `folder` and delivers its report as the request, in JSON, asks for it; `report.html` is left in
/// the folder in any case. Returns the exit status: 0 nothing found, 1 something found, 2 the report could not be made.
pub fn finish(folder: &Path, request: &str, start: Instant) -> u8 {
    finished(folder, request, start).unwrap_or_else(|error| {
        output::note(&format!("error: {}", one_line(&error)));
        FAILED
    })
}

fn finished(folder: &Path, request: &str, start: Instant) -> Result<u8> {
    let ending: Ending = serde_json::from_str(request).context("the request of the run cannot be read")?;
    // The script may have gone elsewhere; what is shown is as short as the user would write it.
    let home = ending.options.folder.clone();
    let whole = home.join(folder);
    let back = Elsewhere::leave_for(&home);
    let short = whole.strip_prefix(&home).ok().filter(|_| back.0.is_some());
    judged(short.unwrap_or(&whole), ending, start)
}

/// The present folder of the script, which it gets back.
struct Elsewhere(Option<PathBuf>);

impl Elsewhere {
    fn leave_for(folder: &Path) -> Self {
        let present = std::env::current_dir().ok();
        Self(present.filter(|_| std::env::set_current_dir(folder).is_ok()))
    }
}

impl Drop for Elsewhere {
    fn drop(&mut self) {
        if let Some(folder) = &self.0 {
            let _ = std::env::set_current_dir(folder);
        }
    }
}

fn judged(folder: &Path, ending: Ending, start: Instant) -> Result<u8> {
    let args = ending.options.report;
    let config = Config::load(args.config.as_deref(), &ending.options.folder)?;
    let seat = || seat_judges(&args, &config);
    let mut document = if ending.command == "preflight" {
        preflight::document(folder, &ending.options.script, args.all, &seat, start)?
    } else {
        let asked = [folder.to_owned()];
        let mut logs = Logs::open(&asked, &[], None)?;
        logs.finish();
        let judged = logs.judge(&seat, true)?;
        document("run", &asked, args.all, &logs, judged, start)
    };
    show_pictures(&mut document);
    // Where the page cannot be written, what was found is told all the same.
    let page = output::write_file(&folder.join(PAGE), &html(&document));
    if format(&args) == Format::Text && args.out.is_none() {
        output::print_aside(&stetho_report::text(&document, output::screen_aside(args.all)));
    } else {
        deliver(&document, &args)?;
    }
    page?;
    Ok(status(&document, args.fail_on.or(config.fail_on).unwrap_or_default()))
}
