//! Serves a run that grows: `follow FILE.csv [TOKEN]` follows a CSV file of which the first column is the step, and
//! `follow SERIES POINTS` makes series up, of so many points, that grow by one a second. The address is printed.

#![allow(clippy::print_stdout, clippy::print_stderr, reason = "this program talks to the person who runs it")]

use std::fs::File;
use std::io::{Read, Seek, SeekFrom};
use std::process::ExitCode;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use stetho_core::run::{Better, Digest, Part, Quantity, Run, Series};
use stetho_core::{Document, Evidence, Finding, Place, Remedy, SCHEMA, Severity, Subject};
use stetho_report::RunFacts;
use stetho_serve::{Options, Server, Source};

fn quantity(tag: &str) -> Quantity {
    match tag {
        "loss" => Quantity::Loss(Part::Train),
        "val_loss" => Quantity::Loss(Part::Validation),
        "accuracy" => Quantity::Metric(Part::Validation, Better::Higher),
        "lr" => Quantity::LearningRate,
        _ => Quantity::Other,
    }
}

fn new_series(tag: &str) -> Series {
    Series { tag: tag.into(), quantity: quantity(tag), name: String::new(), digest: Digest::default() }
}

fn now() -> f64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(f64::NAN, |d| d.as_secs_f64())
}

/// The report on a run: the one judgement is that a loss is no number.
fn document(run: &Run) -> Document {
    let broken = run.series.iter().find(|s| s.digest.non_finite().count() > 0);
    let findings: Vec<Finding> = broken
        .map(|s| Finding {
            rule: "non-finite-loss".into(),
            severity: Severity::Error,
            certainty: 1.0,
            message: format!("`{}` is NaN at step {}", s.tag, s.digest.non_finite().first),
            why: "Nothing that is computed afterwards means anything.".into(),
            count: s.digest.non_finite().count(),
            places: vec![Place::steps(s.digest.non_finite().first, s.digest.non_finite().last)],
            evidence: vec![Evidence::at_most("values that are no numbers", 1.0, 0.0)],
            remedies: vec![Remedy::advice("lower the learning rate")],
        })
        .into_iter()
        .collect();
    let mut facts = serde_json::Map::new();
    RunFacts::insert_into(&[RunFacts::of(run, 0..findings.len())], &mut facts);
    Document {
        schema: SCHEMA,
        stetho: env!("CARGO_PKG_VERSION").into(),
        command: "watch".into(),
        subject: Subject {
            paths: vec![run.name.clone()],
            kind: "run".into(),
            items: run.last_step().unwrap_or_default(),
        },
        findings,
        outcomes: Vec::new(),
        partial: false,
        facts,
    }
}

/// Whole lines of a file as they are appended.
struct Csv {
    file: File,
    read: u64,
    rest: String,
    run: Run,
}

impl Source for Csv {
    fn document(&mut self) -> Option<Document> {
        let mut text = String::new();
        self.file.seek(SeekFrom::Start(self.read)).ok()?;
        self.read += self.file.read_to_string(&mut text).ok()? as u64;
        self.rest.push_str(&text);
        let end = self.rest.rfind('\n')? + 1;
        let lines: String = self.rest.drain(..end).collect();
        for line in lines.lines() {
            let mut cells = line.split(',');
            let step = cells.next().unwrap_or_default();
            if self.run.series.is_empty() {
                self.run.series = cells.map(new_series).collect();
            } else if let Ok(step) = step.parse() {
                for (series, cell) in self.run.series.iter_mut().zip(cells) {
                    if let Ok(value) = cell.parse() {
                        series.digest.push(step, now(), value);
                    }
                }
            }
        }
        Some(document(&self.run))
    }
}

/// Series that are made up.
struct MadeUp {
    run: Run,
    step: u64,
    due: Instant,
}

impl MadeUp {
    fn grow(&mut self, time: f64) {
        for (i, series) in self.run.series.iter_mut().enumerate() {
            let at = self.step as f64;
            series.digest.push(
                self.step,
                time,
                (i + 1) as f64 * (-at / 2e4).exp() + 0.1 * (at * 0.37).sin().abs(),
            );
        }
        self.step += 1;
    }
}

impl Source for MadeUp {
    fn document(&mut self) -> Option<Document> {
        if Instant::now() < self.due {
            return None;
        }
        self.due += Duration::from_secs(1);
        self.grow(now());
        Some(document(&self.run))
    }
}

fn serve(arguments: &[String]) -> Result<(), String> {
    let run = |name: &str| Run { name: name.into(), unit: "step", ..Run::default() };
    let numbers: Vec<u64> = arguments.iter().filter_map(|a| a.parse().ok()).collect();
    let token = arguments.get(1).filter(|_| numbers.is_empty()).cloned();
    let options = Options { port: 0, token, ..Options::default() };
    let server = Server::bind(&options, "a run").map_err(|e| e.to_string())?;
    println!("{}", server.url());
    let result = if let [series, points] = *numbers.as_slice() {
        let series = (0..series).map(|i| new_series(&format!("metrics/{}/value {i}", i % 9))).collect();
        let mut made_up = MadeUp { run: Run { series, ..run("made up") }, step: 0, due: Instant::now() };
        (0..points).for_each(|i| made_up.grow(now() - (points - i) as f64));
        server.run(made_up, || false)
    } else {
        let path = arguments.first().ok_or("usage: follow FILE.csv [TOKEN] | follow SERIES POINTS")?;
        let file = File::open(path).map_err(|e| format!("{path}: {e}"))?;
        server.run(Csv { file, read: 0, rest: String::new(), run: run(path) }, || false)
    };
    result.map_err(|e| e.to_string())
}

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    match serve(&arguments) {
        Ok(()) => ExitCode::SUCCESS,
        Err(problem) => {
            eprintln!("error: {problem}");
            ExitCode::FAILURE
        }
    }
}
