//! Rows of named numbers made into points: which name is the step, which the time, and what becomes of steps that go back.

use crate::tags::Tags;
use crate::{Account, Sink, StepAxis, Tag, TagId, When};

/// Names of a step, the most telling first.
const STEPS: &[&str] = &[
    "global_step",
    "trainer/global_step",
    "step",
    "steps",
    "_step",
    "global step",
    "train/global_step",
    "train/step",
    "num_updates",
    "iteration",
    "iterations",
    "iter",
    "it",
    "n_iter",
    "update",
    "updates",
    "time/total_timesteps",
    "total_timesteps",
    "timesteps",
    "timestep",
    "episode",
    "round",
];
const EPOCHS: &[&str] = &["epoch", "epochs", "train/epoch", "ep"];
const BATCHES: &[&str] = &["batch", "batch_idx", "minibatch", "mini-batch", "batches"];
const TIMES: &[&str] = &["_timestamp", "timestamp", "wall_time", "walltime", "wall time", "time"];
/// Unix times are above this; durations below it.
const EARLIEST: f64 = 5e8;
/// Unix times in milliseconds are above this.
const LATEST: f64 = 1e11;

/// What a name of a row stands for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Role {
    /// How telling the name is: the lowest wins.
    Step(usize),
    Epoch,
    Batch,
    /// Only if its number is a Unix time.
    Time,
    Series,
}

pub(super) fn role(name: &str) -> Role {
    let plain = name.trim().to_ascii_lowercase();
    let among = |names: &[&str]| names.iter().position(|n| *n == plain);
    if let Some(rank) = among(STEPS) {
        return Role::Step(rank);
    }
    match plain.as_str() {
        name if EPOCHS.contains(&name) => Role::Epoch,
        name if BATCHES.contains(&name) => Role::Batch,
        name if TIMES.contains(&name) => Role::Time,
        _ => Role::Series,
    }
}

/// One row: where it stands and what it says.
#[derive(Clone, Debug, Default)]
pub(super) struct Row {
    /// The step with the name that it has.
    pub(super) step: Option<(usize, f64, String)>,
    pub(super) epoch: Option<(f64, String)>,
    /// A batch within the epoch, and how many there are.
    pub(super) batch: Option<f64>,
    pub(super) n_batches: Option<f64>,
    pub(super) wall_time: Option<f64>,
    pub(super) values: Vec<(String, f64)>,
}

impl Row {
    /// Adds a number under its name.
    pub(super) fn add(&mut self, name: &str, value: f64) {
        self.add_as(role(name), name, value);
    }

    /// Adds a number whose role is known.
    pub(super) fn add_as(&mut self, role: Role, name: &str, value: f64) {
        match role {
            Role::Step(rank) if value.is_finite() && self.step.as_ref().is_none_or(|s| rank < s.0) => {
                self.step = Some((rank, value, name.to_owned()));
            }
            Role::Epoch if value.is_finite() => {
                self.epoch = Some((value, name.to_owned()));
                self.values.push((name.to_owned(), value));
            }
            Role::Batch if value.is_finite() => self.batch = Some(value),
            Role::Time if value > LATEST => self.wall_time = Some(value / 1000.0),
            Role::Time if value > EARLIEST => self.wall_time = Some(value),
            Role::Step(_) => {}
            _ => self.values.push((name.to_owned(), value)),
        }
    }

    /// Whether it holds nothing but its place.
    pub(super) fn is_bare(&self) -> bool {
        self.values.iter().all(|(name, _)| role(name) == Role::Epoch)
    }
}

/// Steps that count on where batches begin anew with each epoch.
#[derive(Debug, Default)]
struct Counter {
    raw: Option<i64>,
    epoch: Option<f64>,
    /// What is added to the number as logged, and since which epoch.
    offset: i64,
    offsets: Vec<(f64, i64)>,
    /// By how much it last grew.
    stride: i64,
}

impl Counter {
    fn step(&mut self, raw: i64, epoch: Option<f64>, total: Option<f64>) -> i64 {
        let is_later = matches!((self.epoch, epoch), (Some(before), Some(now)) if now > before);
        if let Some(before) = self.raw {
            if raw <= before && is_later {
                let all = total.map_or(before.saturating_add(self.stride.max(1)).saturating_sub(raw), whole);
                self.offset = self.offset.saturating_add(all);
                self.offsets.extend(epoch.map(|epoch| (epoch, self.offset)));
            } else if raw > before {
                self.stride = raw.saturating_sub(before);
            }
        }
        if epoch < self.epoch {
            self.offsets.retain(|(since, _)| epoch.is_none_or(|epoch| *since <= epoch));
            self.offset = self.offsets.last().map_or(0, |(_, offset)| *offset);
        }
        self.raw = Some(raw);
        self.epoch = epoch.or(self.epoch);
        raw.saturating_add(self.offset)
    }

    fn last(&self) -> Option<i64> {
        self.raw.map(|raw| raw.saturating_add(self.offset))
    }
}

/// A step as a whole number.
#[allow(clippy::cast_possible_truncation, reason = "steps out of range saturate")]
fn whole(step: f64) -> i64 {
    step.floor() as i64
}

/// Makes points of rows.
#[derive(Default)]
pub(super) struct Rows {
    tags: Tags,
    /// The last step of each series.
    last: Vec<i64>,
    counter: Counter,
    n_rows: i64,
    pub(super) account: Account,
}

impl Rows {
    /// Hands over a row.
    pub(super) fn push(&mut self, row: &Row, sink: &mut dyn Sink) {
        let when = When { step: self.step(row), wall_time: row.wall_time };
        for (name, value) in &row.values {
            self.scalar(name, when, *value, sink);
        }
    }

    /// The place of a row without its values; for readers that hold values themselves.
    pub(super) fn step(&mut self, row: &Row) -> i64 {
        let epoch = row.epoch.as_ref().map(|(epoch, _)| *epoch);
        let n_before = self.n_rows;
        self.n_rows += 1;
        if let Some((_, step, name)) = &row.step {
            let total = row.n_batches;
            let step = self.counter.step(whole(*step), epoch, total);
            self.account.axis =
                if self.counter.offset == 0 { StepAxis::Step(name.clone()) } else { StepAxis::EpochAndBatch };
            return step;
        }
        if let Some(batch) = row.batch {
            self.account.axis = StepAxis::EpochAndBatch;
            return self.counter.step(whole(batch), epoch, row.n_batches);
        }
        match (&self.account.axis, &row.epoch) {
            // A row that gives no step belongs to the last one.
            (StepAxis::Step(_) | StepAxis::EpochAndBatch, _) => {
                self.counter.epoch = self.counter.epoch.or(epoch);
                self.counter.last().unwrap_or(n_before)
            }
            (StepAxis::Order, _) => n_before,
            (_, Some((epoch, name))) if whole(*epoch) as f64 >= *epoch => {
                self.account.axis = StepAxis::Epoch(name.clone());
                whole(*epoch)
            }
            (StepAxis::Epoch(_), None) => self.last.iter().copied().max().unwrap_or(0),
            _ => {
                self.account.axis = StepAxis::Order;
                self.n_rows =
                    self.n_rows.max(self.last.iter().map(|last| last.saturating_add(2)).max().unwrap_or(0));
                self.n_rows - 1
            }
        }
    }

    /// Hands over one number of a row. A step that goes back takes the series up again.
    pub(super) fn scalar(&mut self, name: &str, when: When, value: f64, sink: &mut dyn Sink) {
        let id = self.tag(name, sink);
        self.point(id, when, value, sink);
    }

    /// The number of a series.
    pub(super) fn tag(&mut self, name: &str, sink: &mut dyn Sink) -> TagId {
        let (id, is_new) = self.tags.intern(name.as_bytes());
        if is_new {
            self.last.push(i64::MIN);
            sink.tag(id, Tag { name, writer: 0, is_vector: false });
        }
        id
    }

    /// Hands over one number of a series that has a number.
    pub(super) fn point(&mut self, id: TagId, when: When, value: f64, sink: &mut dyn Sink) {
        let Some(last) = self.last.get_mut(id.index()) else { return };
        if when.step < *last {
            self.account.restarts += 1;
            sink.restart(Some(id), when.step);
        }
        *last = when.step;
        self.account.points += 1;
        sink.scalar(id, when, value);
    }

    /// The log was written anew: all that was handed over is void.
    pub(super) fn begin_anew(&mut self, sink: &mut dyn Sink) {
        self.last.fill(i64::MIN);
        self.counter = Counter::default();
        self.n_rows = 0;
        self.account.restarts += 1;
        sink.restart(None, i64::MIN);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn batches_of_epochs_count_on() {
        let mut counter = Counter::default();
        let steps: Vec<i64> = [(0, 0), (100, 0), (900, 0), (0, 1), (100, 1)]
            .into_iter()
            .map(|(raw, epoch)| counter.step(raw, Some(f64::from(epoch)), Some(938.0)))
            .collect();
        assert_eq!(steps, [0, 100, 900, 938, 1038]);
        let mut counter = Counter::default();
        let steps: Vec<i64> =
            (0..6).map(|i| counter.step(10 * (i % 3) + 10, Some((i / 3) as f64), None)).collect();
        assert_eq!(steps, [10, 20, 30, 40, 50, 60]);
    }

    #[test]
    fn an_earlier_epoch_has_the_steps_that_it_had() {
        let mut counter = Counter::default();
        let mut step = |raw, epoch: i32| counter.step(raw, Some(f64::from(epoch)), Some(10.0));
        assert_eq!([step(5, 0), step(5, 1), step(5, 2), step(5, 1), step(5, 2)], [5, 15, 25, 15, 25]);
    }

    #[test]
    fn global_steps_do_not_jump_at_an_epoch() {
        let mut counter = Counter::default();
        let steps: Vec<i64> =
            (0..6).map(|i| counter.step(100 * i, Some((i / 2) as f64), Some(5000.0))).collect();
        assert_eq!(steps, [0, 100, 200, 300, 400, 500]);
    }
}
