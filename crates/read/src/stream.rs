//! The one pass over the data.
//!
//! One thread cuts files into parts and deals them to lanes in turn; each lane decodes its parts and feeds its own
//! profiles. Lanes are merged in order, so that a machine gives the same result every time.

use std::any::Any;
use std::collections::BTreeMap;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};

use arrow_array::ArrayRef;
use stetho_core::Signal;
use stetho_core::table::{Malformed, MalformedRow, Part};

use crate::inputs::{Input, Inputs};
use crate::measure::{ColumnProfile, Limits, Partitions, Sampler, hash_rows};
use crate::roles::Roles;
use crate::seen::LineRule;
use crate::{Batch, Part as Piece, Plan, ReadError, Watch, source};

/// Most lanes; more do not pay, since one thread cuts the files.
const MAX_LANES: usize = 16;
/// Parts that wait for a lane.
const QUEUED: usize = 2;

/// What was seen of one part of the data.
pub(crate) struct PartState {
    pub profiles: Vec<ColumnProfile>,
    pub sampler: Sampler,
    pub n_rows: u64,
}

/// What was seen of all of it.
pub(crate) struct Pass {
    /// Train, validation, test.
    pub parts: [PartState; 3],
    pub malformed: Malformed,
    pub partitions: Option<Partitions>,
    /// For each file: its first row's number within its part, its rows, and how lines follow from rows.
    pub files: Vec<FileRows>,
    pub is_partial: bool,
}

/// Where the rows of a file are.
#[derive(Clone, Debug, Default)]
pub(crate) struct FileRows {
    pub first_row: u64,
    pub n_rows: u64,
    pub lines: LineRule,
}

struct Lane<'a> {
    inputs: &'a Inputs,
    roles: &'a Roles,
    listed: usize,
    partitions: Option<&'a Partitions>,
    parts: [PartState; 3],
    malformed: Malformed,
    lines: Vec<LineRule>,
    failure: Option<ReadError>,
}

/// A piece of a file on its way to a lane.
struct Job {
    file: usize,
    /// Number within its part of the file's first row.
    first_row: u64,
    piece: Piece,
}

/// Streams every file once.
pub(crate) fn stream(
    plan: &Plan,
    inputs: &Inputs,
    roles: &Roles,
    watch: &dyn Watch,
) -> Result<Pass, ReadError> {
    let n_cores = std::thread::available_parallelism().map_or(1, usize::from);
    let n_lanes = if plan.threads > 0 { plan.threads } else { n_cores }.min(MAX_LANES);
    let compares = [Signal::Duplicates, Signal::Conflicts, Signal::Overlap];
    let partitions = compares
        .iter()
        .any(|s| plan.signals.contains(*s))
        .then(|| Partitions::new(roles.identity.label.is_some()));
    let (dealt, lanes) = std::thread::scope(|scope| {
        let (senders, receivers): (Vec<_>, Vec<_>) = (0..n_lanes).map(|_| sync_channel(QUEUED)).unzip();
        let workers: Vec<_> = receivers
            .into_iter()
            .map(|receiver| {
                let lane = Lane::new(plan, inputs, roles, partitions.as_ref());
                scope.spawn(move || lane.run(&receiver, watch))
            })
            .collect();
        let dealt = deal(inputs, watch, &senders);
        drop(senders);
        let lanes: Vec<_> =
            workers.into_iter().map(|worker| worker.join().map_err(|panic| bug(&*panic))).collect();
        (dealt, lanes)
    });
    let (mut files, mut malformed) = dealt?;
    let mut whole = Lane::new(plan, inputs, roles, partitions.as_ref());
    for lane in lanes {
        whole.merge(lane?, plan.listed);
    }
    if let Some(failure) = whole.failure {
        return Err(failure);
    }
    merge_malformed(&mut malformed, whole.malformed, plan.listed);
    for (file, lines) in files.iter_mut().zip(whole.lines) {
        file.lines = lines;
    }
    Ok(Pass { parts: whole.parts, malformed, partitions, files, is_partial: watch.stopped() })
}

/// The error that a panic of a worker thread is.
fn bug(panic: &(dyn Any + Send)) -> ReadError {
    let text =
        panic.downcast_ref::<&str>().copied().or_else(|| panic.downcast_ref::<String>().map(String::as_str));
    let text = text.unwrap_or("no message").lines().next().unwrap_or_default();
    ReadError::Request(format!("a worker thread failed: this is a bug of Stetho, please report it: {text}"))
}

/// Cuts the files into pieces and deals them to the lanes in turn.
fn deal(
    inputs: &Inputs,
    watch: &dyn Watch,
    lanes: &[SyncSender<Job>],
) -> Result<(Vec<FileRows>, Malformed), ReadError> {
    let total = inputs.size();
    let (mut done, mut turn) = (0, 0);
    let mut next_row: BTreeMap<Part, u64> = BTreeMap::new();
    let mut malformed = Malformed::default();
    let mut files = Vec::new();
    for (index, input) in inputs.files.iter().enumerate() {
        let first_row = *next_row.entry(input.part).or_default();
        let mut file = FileRows { first_row, ..FileRows::default() };
        let mut source = source::open(&input.path, Some(&inputs.fields))?;
        let mut read = 0;
        while !watch.stopped() {
            match source.next_part() {
                Ok(None) => break,
                Ok(Some(piece)) => {
                    file.n_rows = file.n_rows.max(piece.rows.end);
                    read += piece.bytes;
                    if lanes[turn % lanes.len()].send(Job { file: index, first_row, piece }).is_err() {
                        break;
                    }
                    turn += 1;
                    watch.progress((done + read).min(total), total);
                }
                Err(error) => {
                    note(&mut malformed, damaged(input, file.n_rows, &error), usize::MAX);
                    break;
                }
            }
        }
        done += input.size;
        watch.progress(done.min(total), total);
        next_row.insert(input.part, first_row + file.n_rows);
        files.push(file);
    }
    Ok((files, malformed))
}

impl<'a> Lane<'a> {
    fn new(plan: &Plan, inputs: &'a Inputs, roles: &'a Roles, partitions: Option<&'a Partitions>) -> Self {
        let limits = Limits { listed: plan.listed };
        let state = |part| PartState {
            profiles: inputs.fields.iter().map(|f| ColumnProfile::new(f.kind, part, limits)).collect(),
            sampler: Sampler::new(part, inputs.fields.len(), plan.kept),
            n_rows: 0,
        };
        Self {
            inputs,
            roles,
            listed: plan.listed,
            partitions,
            parts: [state(Part::Train), state(Part::Validation), state(Part::Test)],
            malformed: Malformed::default(),
            lines: vec![LineRule::default(); inputs.files.len()],
            failure: None,
        }
    }

    fn run(mut self, jobs: &Receiver<Job>, watch: &dyn Watch) -> Self {
        while let Ok(Job { file, first_row, piece }) = jobs.recv() {
            let rows = piece.rows.clone();
            let result = (piece.decode)(&mut |batch| {
                self.observe(file, first_row, &batch);
                !watch.stopped() && self.failure.is_none()
            });
            if let Err(error) = result {
                note(&mut self.malformed, damaged(&self.inputs.files[file], rows.start, &error), self.listed);
            }
            if self.failure.is_some() {
                break;
            }
        }
        self
    }

    fn observe(&mut self, file: usize, first_row: u64, batch: &Batch) {
        let input = &self.inputs.files[file];
        for row in &batch.malformed {
            note(&mut self.malformed, row.clone(), self.listed);
        }
        let n_rows = batch.rows.num_rows();
        if n_rows == 0 {
            return;
        }
        self.lines[file].observe(batch);
        let row = |index: usize| first_row + batch.row_number(index);
        let columns: Vec<Option<ArrayRef>> =
            input.columns.iter().map(|at| at.and_then(|i| batch.rows.columns().get(i).cloned())).collect();
        let notes: Vec<_> = input.columns.iter().map(|at| at.and_then(|i| batch.notes.get(i))).collect();
        let state = &mut self.parts[input.part as usize];
        state.n_rows += n_rows as u64;
        for ((profile, array), notes) in state.profiles.iter_mut().zip(&columns).zip(&notes) {
            if let Some(array) = array {
                profile.observe(array, *notes, &row);
            }
        }
        state.sampler.observe(&columns, n_rows, row);
        if let Some(partitions) = self.partitions {
            let hashes = hash_rows(&columns, &notes, &self.roles.identity, n_rows);
            if let Err(error) = partitions.add(input.part, &hashes, row) {
                self.failure = Some(ReadError::io(&std::env::temp_dir(), error));
            }
        }
    }

    fn merge(&mut self, other: Self, listed: usize) {
        for (ours, theirs) in self.parts.iter_mut().zip(other.parts) {
            ours.n_rows += theirs.n_rows;
            for (profile, theirs) in ours.profiles.iter_mut().zip(theirs.profiles) {
                profile.merge(theirs);
            }
            ours.sampler.merge(theirs.sampler);
        }
        merge_malformed(&mut self.malformed, other.malformed, listed);
        for (ours, theirs) in self.lines.iter_mut().zip(other.lines) {
            *ours = ours.join(theirs);
        }
        self.failure = self.failure.take().or(other.failure);
    }
}

fn damaged(input: &Input, row: u64, error: &ReadError) -> MalformedRow {
    MalformedRow {
        path: input.path.display().to_string(),
        row,
        line: None,
        problem: format!("damaged file: {error}"),
        text: String::new(),
    }
}

/// Adds a row to the log; the kind of problem is what stands before the colon.
fn note(log: &mut Malformed, row: MalformedRow, listed: usize) {
    let kind = row.problem.split(':').next().unwrap_or_default().to_owned();
    log.count += 1;
    match log.kinds.iter_mut().find(|(k, _)| *k == kind) {
        Some((_, count)) => *count += 1,
        None => log.kinds.push((kind, 1)),
    }
    if log.rows.len() < listed {
        log.rows.push(row);
    }
}

fn merge_malformed(log: &mut Malformed, other: Malformed, listed: usize) {
    log.count += other.count;
    for (kind, count) in other.kinds {
        match log.kinds.iter_mut().find(|(k, _)| *k == kind) {
            Some((_, ours)) => *ours += count,
            None => log.kinds.push((kind, count)),
        }
    }
    log.kinds.sort_by(|a, b| b.1.cmp(&a.1).then_with(|| a.0.cmp(&b.0)));
    log.rows.extend(other.rows);
    log.rows.sort_by(|a, b| (&a.path, a.row).cmp(&(&b.path, b.row)));
    log.rows.truncate(listed);
}
