//! `stetho watch`

mod beside;
mod follow;
mod hooks;
mod logs;

use std::path::PathBuf;
use std::time::Instant;

use anyhow::{Result, bail};
use serde_json::Map;
use stetho_core::{Document, MAX_PLACES, RuleInfo, SCHEMA, Subject};
use stetho_report::RunFacts;

use crate::args::{AddressArgs, ReportArgs, WatchArgs};
use crate::config::Config;
use crate::delivery::{admits, command_line, deliver, seat_judges, status};
use crate::onlooker::{catch_end, is_stopped};
use crate::output;

pub(crate) use beside::{damage_beside, judge_beside, preflight_of};
pub(crate) use logs::{Judged, Logs};

/// Reads run logs, lets the rules judge them, writes the report; with `--follow`, again and again.
///
/// # Errors
/// When the request makes no sense, a log cannot be read or holds nothing, or the report cannot be written.
pub(crate) fn run(args: &WatchArgs) -> Result<u8> {
    let start = Instant::now();
    if let Some(out) = &args.report.out {
        output::check_target(out)?;
    }
    let folder = std::env::current_dir().unwrap_or_else(|_| PathBuf::from("."));
    let config = Config::load(args.report.config.as_deref(), &folder)?;
    // Seated once for nothing, so that wrong options are told before anything is read.
    drop(seat_judges(&args.report, &config)?);
    if !stetho_rules::all().any(|rule| of_runs(rule) && admits(rule.id, &args.report, &config)) {
        bail!("no rule is left to run on training runs: look at --select, --ignore and the configuration");
    }
    if args.report.threads > 0 {
        // Fails only where the threads were set before, which nothing does.
        let _ = rayon::ThreadPoolBuilder::new().num_threads(args.report.threads).build_global();
    }
    demand_use(args)?;
    let mut logs = Logs::open(&args.logs, &args.map, args.pattern.as_deref())?;
    if args.follow || args.serve {
        catch_end();
        return follow::follow(args, &config, &mut logs, start);
    }
    logs.finish();
    logs.demand_points()?;
    logs.demand_mapped()?;
    let judged = logs.judge(&|| seat_judges(&args.report, &config), true)?;
    let document = document("watch", &args.logs, args.report.all, &logs, judged, start);
    deliver(&document, &args.report)?;
    let fail_on = args.report.fail_on.or(config.fail_on).unwrap_or_default();
    Ok(status(&document, fail_on))
}

/// Whether a rule judges what a run leaves behind.
pub(crate) fn of_runs(rule: &RuleInfo) -> bool {
    ["run", "preflight", "code"].contains(&rule.family)
}

/// An error where an option is given that would have no effect.
fn demand_use(args: &WatchArgs) -> Result<()> {
    let of_the_page = [
        ("--host", args.at.host.is_some()),
        ("--port", args.at.port.is_some()),
        ("--token", args.at.token.is_some()),
    ];
    if let Some((option, _)) = of_the_page.iter().find(|(_, is_given)| *is_given && !args.serve) {
        bail!("{option} goes with --serve: without it no page is served");
    }
    let of_following = [
        ("--total", args.total.is_some()),
        ("--idle", args.idle.is_some()),
        ("--exec", args.exec.is_some()),
        ("--post", args.post.is_some()),
    ];
    let is_followed = args.follow || args.serve;
    if let Some((option, _)) = of_following.iter().find(|(_, is_given)| *is_given && !is_followed) {
        bail!("{option} goes with --follow or --serve: without them a log is read once");
    }
    Ok(())
}

/// Serves the page of the runs under `paths`, live, until Ctrl-C.
///
/// # Errors
/// When a path is no log, or the address cannot be listened on.
pub(crate) fn serve(paths: &[PathBuf], map: &[String], at: &AddressArgs) -> Result<()> {
    let start = Instant::now();
    let mut logs = Logs::open(paths, map, None)?;
    let asked = paths.to_vec();
    let folder = std::env::current_dir().unwrap_or_else(|_| PathBuf::from("."));
    let config = Config::load(None, &folder)?;
    let options = ReportArgs::default();
    drop(seat_judges(&options, &config)?);
    let seat = move || seat_judges(&options, &config);
    let mut looked = Instant::now();
    let mut is_first = true;
    catch_end();
    let source = move || {
        if looked.elapsed() > follow::LOOK {
            looked = Instant::now();
            // A folder that went away holds nothing new.
            let _ = logs.look();
        }
        let is_new = logs.poll() > 0 || std::mem::take(&mut is_first);
        let judged = if is_new { logs.judge(&seat, false).ok() } else { None };
        judged.map(|judged| document("watch", &asked, false, &logs, judged, start))
    };
    crate::serve::serve(at, &shown(paths), source, is_stopped)
}

/// The paths in a line, as the title of a page.
fn shown(paths: &[PathBuf]) -> String {
    paths.iter().map(|path| path.display().to_string()).collect::<Vec<_>>().join(", ")
}

/// The report on the runs as they stand.
pub(crate) fn document(
    command: &str,
    paths: &[PathBuf],
    all: bool,
    logs: &Logs,
    judged: Judged,
    start: Instant,
) -> Document {
    let Judged { mut verdict, owners } = judged;
    if !all {
        verdict.truncate(MAX_PLACES);
    }
    let mut facts = Map::new();
    let of = |owner: usize| owners.iter().enumerate().filter(move |(_, o)| **o == owner).map(|(i, _)| i);
    let runs = logs.recorded().enumerate();
    let runs: Vec<RunFacts> =
        runs.map(|(i, (run, settings))| RunFacts::of(run, of(i)).with_settings(settings)).collect();
    RunFacts::insert_into(&runs, &mut facts);
    // The checklist of the first run that has one.
    if let Some(record) = logs.folders().find_map(|folder| preflight_of(folder).ok().flatten()) {
        crate::preflight::facts(&record, &verdict.findings).insert_into(&mut facts);
    }
    facts.insert("skipped_files".into(), logs.notes().into());
    facts.insert("command_line".into(), command_line().into());
    facts.insert("seconds".into(), start.elapsed().as_secs_f64().into());
    Document {
        schema: SCHEMA,
        stetho: env!("CARGO_PKG_VERSION").into(),
        command: command.into(),
        subject: Subject {
            paths: paths.iter().map(|path| path.display().to_string()).collect(),
            kind: "run".into(),
            items: logs.runs().filter_map(stetho_core::run::Run::last_step).max().unwrap_or(0),
        },
        findings: verdict.findings,
        outcomes: verdict.outcomes,
        partial: false,
        facts,
    }
}
