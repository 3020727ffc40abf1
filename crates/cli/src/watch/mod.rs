//! `stetho watch`

mod follow;
mod hooks;
mod logs;

use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Instant;

use anyhow::{Result, bail};
use serde_json::Map;
use stetho_core::{Document, MAX_PLACES, SCHEMA, Subject};
use stetho_report::RunFacts;

use crate::args::WatchArgs;
use crate::config::Config;
use crate::delivery::{command_line, deliver, seat_judges, status};
use crate::onlooker::{catch_interrupt, is_stopped};
use crate::output;

pub(crate) use logs::{Judged, Logs};

/// Reads run logs, lets the rules judge them, writes the report; with `--follow`, again and again.
///
/// # Errors
/// When the request makes no sense, a log cannot be read or holds nothing, or the report cannot be written.
pub(crate) fn run(args: &WatchArgs) -> Result<ExitCode> {
    let start = Instant::now();
    if let Some(out) = &args.report.out {
        output::check_target(out)?;
    }
    let folder = std::env::current_dir().unwrap_or_else(|_| PathBuf::from("."));
    let config = Config::load(args.report.config.as_deref(), &folder)?;
    // Seated once for nothing, so that wrong options are told before anything is read.
    drop(seat_judges(&args.report, &config)?);
    catch_interrupt();
    if args.report.threads > 0 {
        // Fails only where the threads were set before, which nothing does.
        let _ = rayon::ThreadPoolBuilder::new().num_threads(args.report.threads).build_global();
    }
    let mut logs = Logs::open(&args.logs, &args.map, args.pattern.as_deref())?;
    if args.follow {
        return follow::follow(args, &config, &mut logs, start);
    }
    logs.finish();
    logs.demand_points()?;
    let judged = logs.judge(&|| seat_judges(&args.report, &config), true)?;
    let document = document(args, &logs, judged, start)?;
    deliver(&document, &args.report)?;
    let fail_on = args.report.fail_on.or(config.fail_on).unwrap_or_default();
    Ok(ExitCode::from(status(&document, fail_on)))
}

/// The report on the runs as they stand.
fn document(args: &WatchArgs, logs: &Logs, judged: Judged, start: Instant) -> Result<Document> {
    let Judged { mut verdict, owners } = judged;
    if verdict.outcomes.is_empty() {
        bail!("no rule is left to run on training runs: look at --select, --ignore and the configuration");
    }
    if !args.report.all {
        verdict.truncate(MAX_PLACES);
    }
    let mut facts = Map::new();
    let of = |owner: usize| owners.iter().enumerate().filter(move |(_, o)| **o == owner).map(|(i, _)| i);
    let runs: Vec<RunFacts> = logs.runs().enumerate().map(|(i, run)| RunFacts::of(run, of(i))).collect();
    RunFacts::insert_into(&runs, &mut facts);
    facts.insert("skipped_files".into(), logs.notes().into());
    facts.insert("command_line".into(), command_line().into());
    facts.insert("seconds".into(), start.elapsed().as_secs_f64().into());
    Ok(Document {
        schema: SCHEMA,
        stetho: env!("CARGO_PKG_VERSION").into(),
        command: "watch".into(),
        subject: Subject {
            paths: args.logs.iter().map(|path| path.display().to_string()).collect(),
            kind: "run".into(),
            items: logs.runs().filter_map(stetho_core::run::Run::last_step).max().unwrap_or(0),
        },
        findings: verdict.findings,
        outcomes: verdict.outcomes,
        partial: is_stopped() && !args.follow,
        facts,
    })
}
