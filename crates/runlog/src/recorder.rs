//! From points of named series to the record that rules judge.

use std::collections::BTreeMap;
use std::sync::Arc;

use stetho_core::run::{Digest, Part, Quantity, Run, Series, Trap};

use crate::{Meaning, Names, Sink, Source, StepAxis, Tag, TagId, When};

/// Above this many series, each is kept in fewer stretches.
const MANY: usize = 400;
/// Stretches kept of a series, and of one among many.
const BLOCKS: usize = 512;
const BLOCKS_OF_MANY: usize = 96;

/// Fills a [`Run`] with what a source reads.
#[derive(Debug)]
pub struct Recorder {
    run: Run,
    names: Names,
    slots: Vec<Slot>,
    sums: BTreeMap<Part, Sum>,
    settings: Vec<(String, String)>,
    not_understood: Vec<String>,
}

/// Where the points of a tag go.
#[derive(Clone, Debug)]
enum Slot {
    /// To the series of this index.
    Scalar(usize),
    /// To the series of this index, as the power of 10: the log holds logarithms.
    Power(usize),
    /// To one series a layer.
    Layers(Layers),
    /// A tag that has had no point yet.
    Empty { name: String },
}

/// Where the numbers of a tag that has one a layer go.
#[derive(Clone, Debug)]
struct Layers {
    tag: String,
    /// The layers of the last point; not every point has all of them.
    names: Arc<[String]>,
    /// Their series.
    series: Vec<usize>,
    /// The series of every layer that any point had.
    known: BTreeMap<String, usize>,
}

/// The sum of the terms of a loss whose whole is not logged.
#[derive(Clone, Copy, Debug, Default)]
struct Sum {
    step: u64,
    wall_time: f64,
    value: f64,
    /// Terms of this step, and the most that a step had.
    n: usize,
    most: usize,
    series: Option<usize>,
}

/// Stands behind the name of a series of a further writer.
const WRITER: &str = " [writer ";
/// Traps that are kept, at most: where batches are dropped and the run goes on, there may be many.
const MOST_TRAPS: usize = 1000;
/// Settings that are kept, at most.
const MOST_SETTINGS: usize = 500;

impl Recorder {
    /// An empty one for the run called `name`.
    pub fn new(name: impl Into<String>, names: Names) -> Self {
        let run = Run { name: name.into(), unit: "step", ..Run::default() };
        Self {
            run,
            names,
            slots: Vec::new(),
            sums: BTreeMap::new(),
            settings: Vec::new(),
            not_understood: Vec::new(),
        }
    }

    /// The run as it stands.
    pub fn run(&self) -> &Run {
        &self.run
    }

    /// Settings that the log tells, by name.
    pub fn settings(&self) -> &[(String, String)] {
        &self.settings
    }

    /// Tags that are no quantity that a rule knows.
    pub fn not_understood(&self) -> &[String] {
        &self.not_understood
    }

    /// Takes in what is known of the source beside its points, and whether the run is over.
    pub fn conclude(&mut self, source: &dyn Source, is_over: bool) {
        self.run.unit = match source.account().axis {
            StepAxis::Epoch(_) => "epoch",
            StepAxis::Order => "row",
            StepAxis::Step(_) | StepAxis::EpochAndBatch | StepAxis::Unknown => "step",
        };
        self.finish(is_over);
    }

    /// Completes what the next step would complete.
    pub fn finish(&mut self, is_over: bool) {
        self.run.is_over = is_over;
        self.run.contest = crate::contest::contest(self.run.series.iter().map(|s| s.tag.as_str()));
        for part in [Part::Train, Part::Validation, Part::Test] {
            // Terms that are still to come would be missing from the sum.
            if self.sums.get(&part).is_some_and(|sum| sum.most > 0 && sum.n >= sum.most) {
                self.close_sum(part);
            }
        }
        self.demote_sums();
    }

    /// What a series is. Of several writers, the losses and metrics of all count, and what is there to compare them; the rest is that
    /// of the first, so that no layer is there twice and no term is added twice.
    fn meaning(&self, tag: &str) -> Meaning {
        let (bare, writer) = match tag.rsplit_once(WRITER) {
            Some((bare, number)) => (bare, Some(number.trim_end_matches(']'))),
            None => (tag, None),
        };
        let meaning = self.names.meaning(bare);
        match meaning.quantity {
            Quantity::Live(fact) if fact.is_of_rank() => {
                let name =
                    if meaning.name.is_empty() { writer.unwrap_or("0").to_owned() } else { meaning.name };
                Meaning { name, ..meaning }
            }
            Quantity::Loss(_) | Quantity::Metric(..) => meaning,
            _ if writer.is_none() => meaning,
            _ => Meaning { quantity: Quantity::Other, ..meaning },
        }
    }

    /// Opens the series of a tag that has its first point.
    #[cold]
    fn begin(&mut self, id: TagId, tag: &str) {
        let meaning = self.meaning(tag);
        if meaning.quantity == Quantity::Other && !tag.contains(WRITER) {
            self.not_understood.push(tag.to_owned());
        }
        let index = self.open(tag, meaning.name, meaning.quantity);
        let is_log =
            crate::names::is_log10(tag) && matches!(self.run.series[index].quantity, Quantity::Layer(_));
        self.slots[id.index()] = if is_log { Slot::Power(index) } else { Slot::Scalar(index) };
    }

    fn open(&mut self, tag: &str, name: String, quantity: Quantity) -> usize {
        let most = match quantity {
            Quantity::Layer(_) => Digest::LAYER_BLOCKS,
            _ if self.run.series.len() > MANY => BLOCKS_OF_MANY,
            _ => BLOCKS,
        };
        self.run.series.push(Series { tag: tag.to_owned(), quantity, name, digest: Digest::new(most) });
        self.run.series.len() - 1
    }

    /// From here on the points of a tag are of these layers: new ones get a series, the others go on with theirs.
    fn name_layers(&mut self, id: TagId, layers: &Arc<[String]>) {
        let (tag, mut known) = match self.slots.get(id.index()) {
            Some(Slot::Empty { name }) => (name.clone(), BTreeMap::new()),
            Some(Slot::Layers(slot)) => (slot.tag.clone(), slot.known.clone()),
            Some(Slot::Scalar(_) | Slot::Power(_)) | None => return,
        };
        let quantity = self.names.of_layers(&tag);
        let series = layers
            .iter()
            .map(|layer| match known.get(layer) {
                Some(index) => *index,
                None => {
                    let index = self.open(&format!("{tag} of {layer}"), layer.clone(), quantity);
                    known.insert(layer.clone(), index);
                    index
                }
            })
            .collect();
        self.slots[id.index()] = Slot::Layers(Layers { tag, names: Arc::clone(layers), series, known });
    }

    fn push(&mut self, index: usize, when: When, value: f64) {
        let step = u64::try_from(when.step).unwrap_or(0);
        let wall_time = when.wall_time.unwrap_or(f64::NAN);
        let Some(series) = self.run.series.get_mut(index) else { return };
        series.digest.push(step, wall_time, value);
        if let Quantity::LossTerm(part) = series.quantity {
            self.add(part, step, wall_time, value);
        }
    }

    /// Adds a term to the sum of its step.
    fn add(&mut self, part: Part, step: u64, wall_time: f64, value: f64) {
        let sum = self.sums.entry(part).or_default();
        if sum.n > 0 && sum.step != step {
            self.close_sum(part);
        }
        let sum = self.sums.entry(part).or_default();
        if sum.n == 0 {
            *sum = Sum { step, value: 0.0, n: 0, ..*sum };
        }
        sum.wall_time = wall_time;
        sum.value += value;
        sum.n += 1;
    }

    /// Writes the sum of a step down, if all terms were there: several, and as many as in any step before.
    fn close_sum(&mut self, part: Part) {
        let Some(sum) = self.sums.get_mut(&part).filter(|s| s.n > 0) else { return };
        let Sum { step, wall_time, value, n, .. } = *sum;
        sum.n = 0;
        sum.most = sum.most.max(n);
        if n < 2 || n < sum.most {
            return;
        }
        let index = match sum.series {
            Some(index) => index,
            None => {
                let index = self.open(
                    &format!("sum of the {} loss terms", part.name()),
                    String::new(),
                    Quantity::Loss(part),
                );
                if let Some(sum) = self.sums.get_mut(&part) {
                    sum.series = Some(index);
                }
                index
            }
        };
        if let Some(series) = self.run.series.get_mut(index) {
            series.digest.push(step, wall_time, value);
        }
    }

    /// A sum is no loss where the whole is logged, or where the terms are the losses of a game.
    fn demote_sums(&mut self) {
        for (part, sum) in &self.sums {
            let Some(index) = sum.series else { continue };
            let has_whole = self
                .run
                .series
                .iter()
                .enumerate()
                .any(|(i, s)| i != index && s.quantity == Quantity::Loss(*part) && s.digest.n() > 1);
            if has_whole || self.run.contest.is_some() {
                self.run.series[index].quantity = Quantity::Other;
            }
        }
    }
}

impl Sink for Recorder {
    fn tag(&mut self, id: TagId, tag: Tag<'_>) {
        while self.slots.len() <= id.index() {
            self.slots.push(Slot::Empty { name: String::new() });
        }
        let name = if tag.writer == 0 {
            tag.name.to_owned()
        } else {
            format!("{}{WRITER}{}]", tag.name, tag.writer)
        };
        self.slots[id.index()] = Slot::Empty { name };
    }

    fn scalar(&mut self, id: TagId, when: When, value: f64) {
        if let Some(Slot::Empty { name }) = self.slots.get(id.index()) {
            let tag = name.clone();
            self.begin(id, &tag);
        }
        match self.slots.get(id.index()) {
            Some(Slot::Scalar(index)) => self.push(*index, when, value),
            Some(Slot::Power(index)) => self.push(*index, when, 10f64.powf(value)),
            Some(Slot::Layers(_) | Slot::Empty { .. }) | None => {}
        }
    }

    fn vector(&mut self, id: TagId, layers: &Arc<[String]>, when: When, values: &[f32]) {
        let is_known = matches!(self.slots.get(id.index()), Some(Slot::Layers(slot)) if Arc::ptr_eq(&slot.names, layers) || slot.names == *layers);
        if !is_known {
            self.name_layers(id, layers);
        }
        let Some(Slot::Layers(slot)) = self.slots.get(id.index()) else { return };
        let step = u64::try_from(when.step).unwrap_or(0);
        let wall_time = when.wall_time.unwrap_or(f64::NAN);
        for (index, value) in slot.series.iter().zip(values) {
            if let Some(series) = self.run.series.get_mut(*index) {
                series.digest.push(step, wall_time, f64::from(*value));
            }
        }
    }

    fn restart(&mut self, id: Option<TagId>, step: i64) {
        let step = u64::try_from(step).unwrap_or(0);
        if self.run.restarts.last() != Some(&step) && self.run.restarts.len() < 100 {
            self.run.restarts.push(step);
        }
        let cut: Vec<usize> = match id.and_then(|id| self.slots.get(id.index())) {
            Some(Slot::Scalar(index) | Slot::Power(index)) => vec![*index],
            Some(Slot::Layers(slot)) => slot.known.values().copied().collect(),
            Some(Slot::Empty { .. }) => Vec::new(),
            None if id.is_none() => (0..self.run.series.len()).collect(),
            None => Vec::new(),
        };
        for index in cut {
            self.run.series[index].digest.cut(step);
        }
        for sum in self.sums.values_mut() {
            sum.n = 0;
            if let Some(series) = sum.series.and_then(|i| self.run.series.get_mut(i)) {
                series.digest.cut(step);
            }
        }
    }

    fn trap(&mut self, trap: Trap) {
        if self.run.traps.len() < MOST_TRAPS {
            self.run.traps.push(trap);
        }
    }

    fn setting(&mut self, name: &str, value: &str) {
        if self.settings.len() < MOST_SETTINGS && !self.settings.iter().any(|(n, _)| n == name) {
            self.settings.push((name.to_owned(), value.to_owned()));
        }
    }
}
