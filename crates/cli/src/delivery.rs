//! What all commands that judge share: which rules run, in which form the report goes where.

use std::ffi::OsString;
use std::path::Path;
use std::sync::Mutex;

use anyhow::{Context, Result, bail};
use stetho_core::{Document, RuleInfo};
use stetho_report::{html, json, quoted, sarif, text};
use stetho_rules::Judges;

use crate::args::{FailOn, Format, ReportArgs};
use crate::config::Config;
use crate::names::check_rules;
use crate::onlooker::INTERRUPTED;
use crate::output;

/// The exit status. An interrupted check is neither passed nor failed: whatever it found, the rest was not looked at.
pub(crate) fn status(document: &Document, fail_on: FailOn) -> u8 {
    if document.partial { INTERRUPTED } else { u8::from(fail_on.fails(document.worst())) }
}

pub(crate) fn seat_judges(args: &ReportArgs, config: &Config) -> Result<Judges> {
    check_rules(&args.select).context("--select")?;
    check_rules(&args.ignore).context("--ignore")?;
    let admits = |rule: &RuleInfo| admits(rule.id, args, config);
    if !stetho_rules::all().any(admits) {
        bail!("no rule is left to run: look at --select, --ignore and the configuration");
    }
    Judges::new(admits, &config.options).with_context(|| match &config.path {
        Some(path) => format!("in `{}`", path.display()),
        None => "configuration".into(),
    })
}

/// Whether rule `id` is to run. The command line beats the file: `--select` sets aside both lists of the file,
/// `--ignore` its `ignore`.
pub(crate) fn admits(id: &str, args: &ReportArgs, config: &Config) -> bool {
    let names = |list: &[String]| list.iter().any(|name| name == id);
    if names(&args.ignore) {
        return false;
    }
    if !args.select.is_empty() {
        return names(&args.select);
    }
    let is_selected = config.select.as_ref().is_none_or(|select| names(select));
    is_selected && (!args.ignore.is_empty() || !names(&config.ignore))
}

/// The format asked for, by `--format` or by the name of `--out`.
pub(crate) fn format(args: &ReportArgs) -> Format {
    args.format.unwrap_or_else(|| args.out.as_deref().map_or(Format::Text, format_of))
}

/// Renders the report and puts it where it was asked for.
pub(crate) fn deliver(document: &Document, args: &ReportArgs) -> Result<()> {
    let rendered = match format(args) {
        Format::Text if args.out.is_some() => text(document, output::paper(args.all)),
        Format::Text => text(document, output::screen(args.all)),
        Format::Json => json(document)?,
        Format::Sarif => sarif(document, stetho_rules::all())?,
        Format::Html => html(document),
    };
    let Some(out) = &args.out else { return output::print(&rendered) };
    output::write_file(out, &rendered)?;
    output::note(&format!("wrote `{}`: {}", out.display(), stetho_report::summary(document)));
    Ok(())
}

/// The format that a file's name asks for.
pub(crate) fn format_of(path: &Path) -> Format {
    let extension = path.extension().and_then(|e| e.to_str()).unwrap_or_default().to_lowercase();
    let stem = path.file_stem().and_then(|s| s.to_str()).unwrap_or_default().to_lowercase();
    match extension.as_str() {
        "json" if stem.ends_with(".sarif") => Format::Sarif,
        "json" => Format::Json,
        "sarif" => Format::Sarif,
        "html" | "htm" => Format::Html,
        _ => Format::Text,
    }
}

/// The words of the command, for reports. Under Python they are not those of the process.
static WORDS: Mutex<Vec<OsString>> = Mutex::new(Vec::new());

/// Keeps the words of the command.
pub(crate) fn remember(words: &[OsString]) {
    if let Ok(mut kept) = WORDS.lock() {
        *kept = words.to_vec();
    }
}

/// The command as it was typed, quoted for a shell.
pub(crate) fn command_line() -> String {
    let words = WORDS.lock().map(|kept| kept.clone()).unwrap_or_default();
    let words = words.iter().map(|word| quoted(&word.to_string_lossy()));
    std::iter::once("stetho".to_owned()).chain(words).collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;
    use crate::args::{Args, Command};

    fn args(words: &[&str]) -> ReportArgs {
        let all = ["stetho", "check", "x.csv"].iter().chain(words);
        let Command::Check(args) = Args::parse_from(all).command else { panic!("not `check`") };
        args.report
    }

    #[test]
    fn the_command_line_beats_the_file() {
        let list = |names: &[&str]| names.iter().map(|&n| n.to_owned()).collect::<Vec<_>>();
        let file = Config { select: Some(list(&["a", "b"])), ignore: list(&["b"]), ..Config::default() };
        let runs = |words: &[&str]| {
            let args = args(words);
            list(&["a", "b", "c"]).into_iter().filter(|id| admits(id, &args, &file)).collect::<String>()
        };
        assert_eq!(runs(&[]), "a");
        assert_eq!(runs(&["--select", "b,c"]), "bc");
        assert_eq!(runs(&["--ignore", "a"]), "b");
        assert_eq!(runs(&["--select", "b,c", "--ignore", "c"]), "b");
    }

    #[test]
    fn an_interrupted_check_neither_passes_nor_fails() {
        let json = r#"{"schema": 1, "stetho": "", "command": "check", "findings": [], "outcomes": [], "facts": {},
            "subject": {"paths": [], "kind": "table", "items": 0}}"#;
        let whole: Document = serde_json::from_str(json).unwrap();
        assert_eq!(status(&whole, FailOn::Error), 0);
        assert_eq!(status(&Document { partial: true, ..whole }, FailOn::Never), 130);
    }

    #[test]
    fn names_of_files_tell_the_format() {
        let of = |name: &str| format_of(Path::new(name));
        assert_eq!(of("a/report.HTML"), Format::Html);
        assert_eq!(of("report.sarif.json"), Format::Sarif);
        assert_eq!(of("report.sarif"), Format::Sarif);
        assert_eq!(of("report.json"), Format::Json);
        assert_eq!(of("report"), Format::Text);
    }
}
