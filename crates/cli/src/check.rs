//! `stetho check`

use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Instant;

use anyhow::{Context, Result, bail};
use serde_json::{Map, Value};
use stetho_core::{Document, Evidence, MAX_PLACES, Pictured, RuleInfo, SCHEMA, Subject, Verdict};
use stetho_read::{Data, DataKind, Plan, fill_thumbnails, read_data};
use stetho_report::{BoxFacts, PictureFacts, TableFacts, html, json, quoted, sarif, text};
use stetho_rules::Judges;

use crate::args::{AsKind, CheckArgs, FailOn, Format};
use crate::config::Config;
use crate::names::check_rules;
use crate::output;
use crate::watch::{INTERRUPTED, Onlooker, catch_interrupt};

/// How many groups of pictures of one piece of evidence the page shows, and pictures of one group.
const SHOWN_GROUPS: usize = 40;
const SHOWN: usize = 8;
/// Longer side of the pictures of findings and of samples on the page, in pixels.
const THUMBNAIL: u32 = 320;
const SAMPLE_THUMBNAIL: u32 = 128;

/// Reads the data, lets the rules judge it, writes the report.
///
/// # Errors
/// When the request makes no sense, the data cannot be read or the report not written.
pub(crate) fn run(args: &CheckArgs) -> Result<ExitCode> {
    let start = Instant::now();
    for path in args.data.iter().chain(&args.val).chain(&args.test) {
        if path == Path::new("-") {
            bail!(
                "cannot read standard input: columns are measured from files; save it to a file and name that"
            );
        }
    }
    if let Some(out) = &args.out {
        output::check_target(out)?;
    }
    let folder = std::env::current_dir().unwrap_or_else(|_| PathBuf::from("."));
    let config = Config::load(args.config.as_deref(), &folder)?;
    let judges = seat_judges(args, &config)?;
    let plan = Plan {
        train: args.data.clone(),
        validation: args.val.clone(),
        test: args.test.clone(),
        target: args.target.clone(),
        group: args.group.clone(),
        signals: judges.wanted(),
        listed: if args.all { usize::MAX } else { MAX_PLACES },
        threads: args.threads,
        kept: None,
        for_page: format(args) == Format::Html,
    };
    let data = read(&plan, args.kind.map(AsKind::kind))?;
    let mut examined = examine(judges, &data);
    if examined.verdict.outcomes.is_empty() {
        bail!(
            "no rule is left to run on {}: look at --select, --ignore and the configuration",
            examined.kind
        );
    }
    if !args.all {
        examined.verdict.truncate(MAX_PLACES);
    }
    examined.facts.insert("command_line".into(), command_line().into());
    examined.facts.insert("seconds".into(), start.elapsed().as_secs_f64().into());
    let mut document = Document {
        schema: SCHEMA,
        stetho: env!("CARGO_PKG_VERSION").into(),
        command: "check".into(),
        subject: Subject {
            paths: args.data.iter().map(|path| path.display().to_string()).collect(),
            kind: examined.kind.into(),
            items: examined.items,
        },
        findings: examined.verdict.findings,
        outcomes: examined.verdict.outcomes,
        partial: examined.partial,
        facts: examined.facts,
    };
    if format(args) == Format::Html {
        show_pictures(&mut document);
    }
    deliver(&document, args)?;
    let fail_on = args.fail_on.or(config.fail_on).unwrap_or_default();
    Ok(ExitCode::from(status(&document, fail_on)))
}

/// The exit status. An interrupted check is neither passed nor failed: whatever it found, the rest was not looked at.
fn status(document: &Document, fail_on: FailOn) -> u8 {
    if document.partial { INTERRUPTED } else { u8::from(fail_on.fails(document.worst())) }
}

/// What was concluded of a data set.
struct Examined {
    kind: &'static str,
    items: u64,
    verdict: Verdict,
    partial: bool,
    facts: Map<String, Value>,
}

fn examine(judges: Judges, data: &Data) -> Examined {
    match data {
        Data::Table(reading) => {
            let facts =
                TableFacts { skipped_files: reading.skipped.clone(), ..TableFacts::of(&reading.table) };
            Examined {
                kind: "table",
                items: reading.table.n_rows,
                verdict: judges.judge_table(&reading.table),
                partial: reading.partial,
                facts: facts.to_map(),
            }
        }
        Data::Images(reading) => Examined {
            kind: "images",
            items: reading.pictures.pictures.len() as u64,
            verdict: judges.judge_pictures(&reading.pictures),
            partial: reading.partial,
            facts: picture_facts(&PictureFacts::of(&reading.pictures), &reading.skipped),
        },
        Data::Boxes(reading) => {
            let pictures = PictureFacts::of(&reading.pictures).with_boxes(&reading.boxes);
            let mut facts = picture_facts(&pictures, &reading.skipped);
            BoxFacts::of(&reading.boxes).insert_into(&mut facts);
            Examined {
                kind: "boxes",
                items: reading.boxes.annotations.len() as u64,
                verdict: judges.judge_boxes(&reading.boxes, &reading.pictures),
                partial: reading.partial,
                facts,
            }
        }
    }
}

fn picture_facts(pictures: &PictureFacts, skipped: &[String]) -> Map<String, Value> {
    let mut facts = Map::new();
    facts.insert("skipped_files".into(), skipped.into());
    pictures.insert_into(&mut facts);
    facts
}

/// Puts small copies of the pictures into the report that it shows.
fn show_pictures(document: &mut Document) {
    let mut shown: Vec<&mut Pictured> = Vec::new();
    for finding in &mut document.findings {
        for evidence in &mut finding.evidence {
            if let Evidence::Pictures { groups, .. } = evidence {
                shown.extend(
                    groups.iter_mut().take(SHOWN_GROUPS).flat_map(|group| group.iter_mut().take(SHOWN)),
                );
            }
        }
    }
    fill_thumbnails(&mut shown, THUMBNAIL);
    let Some(mut facts) = PictureFacts::from_map(&document.facts) else { return };
    let mut samples: Vec<&mut Pictured> = facts.samples.iter_mut().collect();
    fill_thumbnails(&mut samples, SAMPLE_THUMBNAIL);
    facts.insert_into(&mut document.facts);
}

fn seat_judges(args: &CheckArgs, config: &Config) -> Result<Judges> {
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
fn admits(id: &str, args: &CheckArgs, config: &Config) -> bool {
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

fn read(plan: &Plan, kind: Option<DataKind>) -> Result<Data> {
    catch_interrupt();
    let onlooker = Onlooker::new();
    let data = read_data(plan, kind, &onlooker);
    onlooker.finish();
    Ok(data?)
}

/// The format asked for, by `--format` or by the name of `--out`.
fn format(args: &CheckArgs) -> Format {
    args.format.unwrap_or_else(|| args.out.as_deref().map_or(Format::Text, format_of))
}

/// Renders the report and puts it where it was asked for.
fn deliver(document: &Document, args: &CheckArgs) -> Result<()> {
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
fn format_of(path: &Path) -> Format {
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

/// The command as it was typed, quoted for a shell.
fn command_line() -> String {
    let words = std::env::args_os().skip(1).map(|word| quoted(&word.to_string_lossy()));
    std::iter::once("stetho".to_owned()).chain(words).collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;
    use crate::args::{Args, Command};

    fn args(words: &[&str]) -> CheckArgs {
        let all = ["stetho", "check", "x.csv"].iter().chain(words);
        let Command::Check(args) = Args::parse_from(all).command else { panic!("not `check`") };
        args
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
