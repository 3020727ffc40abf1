//! What `benches/runlog.py` measures. Prints seconds, or what its task says.
//!
//! `measure write FOLDER SCALARS` · `check FOLDER` (read the bytes and check the sums) · `read LOG` (every point to a sink)
//! · `record LOG` (every point to the record that rules judge) · `layers FOLDER STEPS` (seconds and bytes a step)

#![allow(clippy::print_stdout)] // an example prints

use std::error::Error;
use std::fs::File;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Instant;

use stetho_runlog::{Names, Outcome, Recorder, Sink, Source, Tag, TagId, Tail, When, Writer, find};

const TAGS: &[&str] = &[
    "train/loss",
    "train/accuracy",
    "train/lr",
    "train/grad_norm",
    "time/step",
    "time/data",
    "val/loss",
    "epoch",
];

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [task, folder, rest @ ..] = arguments.as_slice() else {
        return Err("which task, which folder?".into());
    };
    let folder = Path::new(folder);
    let number = || rest.first().ok_or("how many?")?.parse::<i64>().map_err(Box::<dyn Error>::from);
    let start = Instant::now();
    match task.as_str() {
        "write" => write(folder, number()?)?,
        "check" => check(folder)?,
        "read" => {
            let mut sink = Sum::default();
            open(folder)?.finish(&mut sink)?;
            assert!(sink.n > 0, "an empty log");
        }
        "record" => {
            let mut source = open(folder)?;
            let mut recorder = Recorder::new("run", Names::default());
            source.finish(&mut recorder)?;
            recorder.conclude(source.as_ref(), true);
        }
        "layers" => return layers(folder, number()?),
        _ => return Err("no such task".into()),
    }
    println!("{}", start.elapsed().as_secs_f64());
    Ok(())
}

/// The first run under a path.
fn open(path: &Path) -> Result<Box<dyn Source>, Box<dyn Error>> {
    Ok(find(path)?.runs.first().ok_or("no log")?.open(None))
}

fn write(folder: &Path, n: i64) -> Result<(), Box<dyn Error>> {
    let mut log = Writer::create(folder)?;
    let n_tags = TAGS.len() as i64;
    for step in 0..n / n_tags {
        for (i, tag) in TAGS.iter().enumerate() {
            log.scalar(tag, step, 1.7e9 + step as f64 * 0.01, 1.0 / (1.0 + step as f64) + i as f64)?;
        }
    }
    Ok(log.flush()?)
}

fn check(folder: &Path) -> Result<(), Box<dyn Error>> {
    let paths: Result<Vec<PathBuf>, _> =
        std::fs::read_dir(folder)?.map(|entry| entry.map(|e| e.path())).collect();
    for path in paths? {
        let (mut tail, mut file) = (Tail::default(), File::open(path)?);
        while tail.fill(&mut file)? > 0 {
            while let Outcome::Record(_) = tail.next_record() {}
        }
    }
    Ok(())
}

fn layers(folder: &Path, n_steps: i64) -> Result<(), Box<dyn Error>> {
    let names: Arc<[String]> =
        (0..1000).map(|i| format!("model.layers.{i}.self_attn.q_proj.weight")).collect();
    let tags: Vec<String> = (0..8).map(|i| format!("stetho/signal_{i}")).collect();
    let values: Vec<f32> = (0..1000).map(|i| i as f32).collect();
    let mut log = Writer::create(folder)?;
    let step = |log: &mut Writer, step: i64| {
        tags.iter().try_for_each(|tag| log.vector(tag, &names, step, 1.7e9 + step as f64, &values))
    };
    step(&mut log, 0)?;
    log.flush()?;
    let size = |log: &Writer| std::fs::metadata(log.path()).map(|m| m.len());
    let (start, before) = (Instant::now(), size(&log)?);
    for at in 1..=n_steps {
        step(&mut log, at)?;
    }
    log.flush()?;
    let seconds = start.elapsed().as_secs_f64() / n_steps as f64;
    println!("{seconds} {}", (size(&log)? - before) as f64 / n_steps as f64);
    Ok(())
}

#[derive(Default)]
struct Sum {
    n: u64,
    sum: f64,
}

impl Sink for Sum {
    fn tag(&mut self, _: TagId, _: Tag<'_>) {}

    fn scalar(&mut self, _: TagId, _: When, value: f64) {
        self.n += 1;
        self.sum += value;
    }

    fn vector(&mut self, _: TagId, _: &Arc<[String]>, _: When, values: &[f32]) {
        self.n += values.len() as u64;
    }

    fn restart(&mut self, _: Option<TagId>, _: i64) {}
}
