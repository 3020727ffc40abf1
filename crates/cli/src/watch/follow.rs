//! Following logs while they grow: new findings as they come, a calm line of where the run is.

use std::collections::VecDeque;
use std::fmt::Write as _;
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use anyhow::Result;
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use stetho_core::run::Run;
use stetho_core::{Document, Finding, Human, thousands};
use stetho_report::clean;

use super::hooks::Hooks;
use super::{Judged, Logs, document, shown};
use crate::args::{AddressArgs, Format, WatchArgs};
use crate::config::Config;
use crate::delivery::{deliver, format, seat_judges};
use crate::onlooker::is_stopped;
use crate::output;

/// Between two looks at what is new.
const PAUSE: Duration = Duration::from_millis(300);
/// Between two looks for runs that have come.
pub(super) const LOOK: Duration = Duration::from_secs(3);
/// Between two judgements, where much is written.
const JUDGE: Duration = Duration::from_secs(1);

/// Reads and judges until the user stops it, something bad enough is found, or nothing has been written for the time given.
pub(super) fn follow(args: &WatchArgs, config: &Config, logs: &mut Logs, start: Instant) -> Result<u8> {
    let seat = || seat_judges(&args.report, config);
    let mut hooks = Hooks::new(args.exec.as_deref(), args.post.as_deref())?;
    let fail_on = args.report.fail_on.or(config.fail_on);
    let mut line = StatusLine::new(args.total);
    let page = args.serve.then(|| Page::open(&args.at, &shown(&args.logs))).transpose()?;
    let mut told = Told::default();
    let (mut written, mut looked, mut judged_at) = (Instant::now(), Instant::now(), None::<Instant>);
    let mut is_new = true;
    let mut fails = false;
    let page_ended = || page.as_ref().is_some_and(Page::has_ended);
    while !is_stopped() && !fails && !page_ended() && args.idle.is_none_or(|idle| written.elapsed() < idle) {
        if looked.elapsed() > LOOK || logs.is_empty() {
            logs.look()?;
            looked = Instant::now();
        }
        if logs.poll() > 0 {
            written = Instant::now();
            is_new = true;
        }
        if is_new && judged_at.is_none_or(|at| at.elapsed() > JUDGE) {
            judged_at = Some(Instant::now());
            is_new = false;
            let judged = logs.judge(&seat, false)?;
            for (run, finding) in told.news(logs, &judged) {
                line.say(&announcement(&finding), args)?;
                hooks.call(&run, &finding);
                fails |= fail_on.is_some_and(|limit| limit.fails(Some(finding.severity)));
            }
            line.gone(&told.gone(&judged), args)?;
            if let Some(page) = &page {
                page.show(document("watch", &args.logs, args.report.all, logs, judged, start));
            }
        }
        line.show(logs);
        std::thread::sleep(PAUSE);
    }
    line.finish();
    hooks.finish();
    logs.finish();
    logs.demand_points()?;
    logs.demand_mapped()?;
    let judged = logs.judge(&seat, true)?;
    let document = document("watch", &args.logs, args.report.all, logs, judged, start);
    deliver(&document, &args.report)?;
    Ok(u8::from(fails || fail_on.unwrap_or_default().fails(document.worst())))
}

/// The live page, in a thread of its own.
struct Page {
    newest: Arc<Mutex<Option<Document>>>,
    server: JoinHandle<()>,
}

impl Page {
    fn open(at: &AddressArgs, title: &str) -> Result<Self> {
        let newest = Arc::new(Mutex::new(None));
        let taken = Arc::clone(&newest);
        let source = move || {
            taken
                .lock()
                .ok()
                .and_then(|mut newest: std::sync::MutexGuard<'_, Option<Document>>| newest.take())
        };
        let server = crate::serve::bind(at, title)?;
        let server = std::thread::spawn(move || {
            if let Err(error) = server.run(source, is_stopped) {
                output::note(&format!("error: {error}"));
            }
        });
        Ok(Self { newest, server })
    }

    fn show(&self, document: Document) {
        if let Ok(mut newest) = self.newest.lock() {
            *newest = Some(document);
        }
    }

    fn has_ended(&self) -> bool {
        self.server.is_finished()
    }
}

/// Which findings were told, and which wait to be seen a second time.
#[derive(Default)]
struct Told {
    said: Vec<Key>,
    waiting: Vec<Key>,
}

/// A run and a rule: what a rule says of a run grows, and is told once.
type Key = (usize, String);

fn keys(judged: &Judged) -> Vec<Key> {
    judged.owners.iter().zip(&judged.verdict.findings).map(|(owner, f)| (*owner, f.rule.clone())).collect()
}

impl Told {
    /// Findings to be told now, with the names of their runs: at once if they are sure, else when a second judgement on more points
    /// says the same.
    fn news(&mut self, logs: &Logs, judged: &Judged) -> Vec<(String, Finding)> {
        let mut news = Vec::new();
        let mut waiting = Vec::new();
        for (key, finding) in keys(judged).into_iter().zip(&judged.verdict.findings) {
            if self.said.contains(&key) {
                continue;
            }
            if finding.certainty >= 1.0 || self.waiting.contains(&key) {
                let run = logs.runs().nth(key.0).map_or_else(String::new, |run| run.name.clone());
                news.push((run, finding.clone()));
                self.said.push(key);
            } else {
                waiting.push(key);
            }
        }
        self.waiting = waiting;
        news
    }

    /// Rules whose findings were told and are no more.
    fn gone(&mut self, judged: &Judged) -> Vec<String> {
        let now = keys(judged);
        let gone: Vec<Key> = self.said.iter().filter(|key| !now.contains(key)).cloned().collect();
        self.said.retain(|key| now.contains(key));
        gone.into_iter().map(|(_, rule)| rule).collect()
    }
}

/// A finding in two lines: what, and what to do.
fn announcement(finding: &Finding) -> String {
    let mut text = format!("{}  {}: {}", finding.severity.name(), finding.rule, finding.message);
    if let Some(remedy) = finding.remedies.first() {
        let _ = write!(text, "\n         → {}", remedy.action);
    }
    text
}

/// Where the run is, on one line of standard error that is written over, where a person sees it.
struct StatusLine {
    bar: Option<ProgressBar>,
    total: Option<u64>,
    /// When which step was seen, for the pace.
    pace: VecDeque<(Instant, u64)>,
}

impl StatusLine {
    fn new(total: Option<u64>) -> Self {
        let bar = output::is_watched().then(|| {
            let bar = ProgressBar::with_draw_target(None, ProgressDrawTarget::stderr());
            match ProgressStyle::with_template("{spinner} {wide_msg}") {
                Ok(style) => bar.with_style(style.tick_chars("·• ")),
                Err(_) => bar,
            }
        });
        Self { bar, total, pace: VecDeque::new() }
    }

    /// Prints above the line: to standard output where that is for people, else to standard error.
    fn say(&self, text: &str, args: &WatchArgs) -> Result<()> {
        let is_text = format(&args.report) == Format::Text && args.report.out.is_none();
        let print = || {
            if is_text {
                let lines: String = text.lines().map(|line| format!("{}\n", clean(line))).collect();
                output::print(&lines)
            } else {
                text.lines().for_each(output::note);
                Ok(())
            }
        };
        match &self.bar {
            Some(bar) => bar.suspend(print),
            None => print(),
        }
    }

    fn gone(&self, rules: &[String], args: &WatchArgs) -> Result<()> {
        rules
            .iter()
            .try_for_each(|rule| self.say(&format!("over     {rule}: what was seen is no more"), args))
    }

    fn show(&mut self, logs: &Logs) {
        let Some(bar) = &self.bar else { return };
        bar.tick();
        let newest = logs.runs().max_by_key(|run| run.last_step());
        let Some((run, step)) = newest.and_then(|run| Some((run, run.last_step()?))) else {
            bar.set_message("waiting for the first numbers");
            return;
        };
        if self.pace.back().is_none_or(|(_, s)| *s != step) {
            self.pace.push_back((Instant::now(), step));
        }
        while self.pace.len() > 20 {
            self.pace.pop_front();
        }
        let mut text = format!("{} {}", run.unit, thousands(step));
        if let Some(loss) = loss_words(run) {
            let _ = write!(text, " · {loss}");
        }
        if let Some(pace) = self.steps_per_second() {
            let _ = write!(text, " · {} {}s/s", Human(pace), run.unit);
            if let Some(total) = self.total.filter(|total| *total > step) {
                let _ = write!(text, " · {} left", left((total - step) as f64 / pace));
            }
        }
        let n = logs.runs().count();
        if n > 1 {
            let _ = write!(text, " · newest of {n} runs");
        }
        bar.set_message(text);
    }

    /// The pace over the last changes, from when they were seen.
    fn steps_per_second(&self) -> Option<f64> {
        let (first, last) = (self.pace.front()?, self.pace.back()?);
        let seconds = last.0.duration_since(first.0).as_secs_f64();
        (seconds > 1.0 && last.1 > first.1).then(|| (last.1 - first.1) as f64 / seconds)
    }

    fn finish(&self) {
        if let Some(bar) = &self.bar {
            bar.finish_and_clear();
        }
    }
}

/// `loss 0.312 ↓`: the newest, and how its last tenth lies to the tenth before.
fn loss_words(run: &Run) -> Option<String> {
    let series = run.train_loss()?;
    let blocks = series.digest.split(10);
    let last = series.digest.last()?;
    let arrow = match blocks.as_slice() {
        [.., before, end] => {
            let noise =
                before.std() / (before.n.max(1) as f64).sqrt() + end.std() / (end.n.max(1) as f64).sqrt();
            if end.mean < before.mean - 2.0 * noise {
                " ↓"
            } else if end.mean > before.mean + 2.0 * noise {
                " ↑"
            } else {
                " →"
            }
        }
        _ => "",
    };
    Some(format!("{} {}{arrow}", series.tag, Human(last.value)))
}

/// `3 h 20 min`
fn left(seconds: f64) -> String {
    let minutes = (seconds / 60.0).round() as u64;
    match minutes {
        0 => format!("{} s", seconds.round()),
        1..=119 => format!("{minutes} min"),
        _ => format!("{} h {} min", minutes / 60, minutes % 60),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_told_in_what_people_count() {
        assert_eq!(
            (left(12.4), left(600.0), left(12_000.0)),
            ("12 s".into(), "10 min".into(), "3 h 20 min".into())
        );
    }
}
