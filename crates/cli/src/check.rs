//! `stetho check`

use std::path::{Path, PathBuf};
use std::time::Instant;

use anyhow::{Result, bail};
use serde_json::{Map, Value};
use stetho_core::{Document, Evidence, MAX_PLACES, Pictured, SCHEMA, Subject, Verdict};
use stetho_read::{Data, DataKind, Plan, fill_thumbnails, read_data};
use stetho_report::{BoxFacts, FitFacts, PictureFacts, TableFacts};
use stetho_rules::Judges;

use crate::args::{AsKind, CheckArgs, Format};
use crate::config::Config;
use crate::delivery::{command_line, deliver, format, seat_judges, status};
use crate::onlooker::{Onlooker, catch_interrupt};
use crate::output;

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
pub(crate) fn run(args: &CheckArgs) -> Result<u8> {
    let start = Instant::now();
    if args.data.iter().chain(&args.val).chain(&args.test).any(|path| path == Path::new("-")) {
        bail!("cannot read standard input: columns are measured from files; save it to a file and name that");
    }
    if let Some(out) = &args.report.out {
        output::check_target(out)?;
    }
    let folder = std::env::current_dir().unwrap_or_else(|_| PathBuf::from("."));
    let config = Config::load(args.report.config.as_deref(), &folder)?;
    let judges = seat_judges(&args.report, &config)?;
    let data = read(&plan(args, &judges), args.kind.map(AsKind::kind))?;
    let mut examined = examine(judges, &data);
    if examined.verdict.outcomes.is_empty() {
        bail!(
            "no rule is left to run on {}: look at --select, --ignore and the configuration",
            examined.kind
        );
    }
    if !args.report.all {
        examined.verdict.truncate(MAX_PLACES);
    }
    examined.facts.insert("command_line".into(), command_line().into());
    examined.facts.insert("seconds".into(), start.elapsed().as_secs_f64().into());
    let mut document = document(&args.data, examined);
    if format(&args.report) == Format::Html {
        show_pictures(&mut document);
    }
    deliver(&document, &args.report)?;
    let fail_on = args.report.fail_on.or(config.fail_on).unwrap_or_default();
    Ok(status(&document, fail_on))
}

/// What is to be read, and what measured.
fn plan(args: &CheckArgs, judges: &Judges) -> Plan {
    Plan {
        train: args.data.clone(),
        validation: args.val.clone(),
        test: args.test.clone(),
        target: args.target.clone(),
        group: args.group.clone(),
        signals: judges.wanted(),
        listed: if args.report.all { usize::MAX } else { MAX_PLACES },
        threads: args.report.threads,
        kept: None,
        for_page: format(&args.report) == Format::Html,
    }
}

/// The report.
fn document(paths: &[PathBuf], examined: Examined) -> Document {
    Document {
        schema: SCHEMA,
        stetho: env!("CARGO_PKG_VERSION").into(),
        command: "check".into(),
        subject: Subject {
            paths: paths.iter().map(|path| path.display().to_string()).collect(),
            kind: examined.kind.into(),
            items: examined.items,
        },
        findings: examined.verdict.findings,
        outcomes: examined.verdict.outcomes,
        partial: examined.partial,
        facts: examined.facts,
    }
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
pub(crate) fn show_pictures(document: &mut Document) {
    let of_findings = document.findings.iter_mut().flat_map(|finding| &mut finding.evidence);
    show_evidence(of_findings);
    if let Some(mut facts) = FitFacts::from_map(&document.facts) {
        show_evidence(facts.figures.iter_mut());
        facts.insert_into(&mut document.facts);
    }
    let Some(mut facts) = PictureFacts::from_map(&document.facts) else { return };
    let mut samples: Vec<&mut Pictured> = facts.samples.iter_mut().collect();
    fill_thumbnails(&mut samples, SAMPLE_THUMBNAIL);
    facts.insert_into(&mut document.facts);
}

fn show_evidence<'a>(evidence: impl Iterator<Item = &'a mut Evidence>) {
    let mut shown: Vec<&mut Pictured> = Vec::new();
    for one in evidence {
        if let Evidence::Pictures { groups, .. } = one {
            shown.extend(groups.iter_mut().take(SHOWN_GROUPS).flat_map(|group| group.iter_mut().take(SHOWN)));
        }
    }
    fill_thumbnails(&mut shown, THUMBNAIL);
}

fn read(plan: &Plan, kind: Option<DataKind>) -> Result<Data> {
    catch_interrupt();
    let onlooker = Onlooker::new();
    let data = read_data(plan, kind, &onlooker);
    onlooker.finish();
    Ok(data?)
}
