//! `repeated-batches`

use serde::{Deserialize, Serialize};
use stetho_core::run::{Call, Fact, Part, Run};
use stetho_core::{Draft, Evidence, Human, Place, Remedy, Report, Rule, Severity, Signal, thousands};

use crate::loops::{at_line, late_share, site};
use crate::runs::curves;

/// The same samples come again and again, while others never do; or workers draw the same.
///
/// ## Why it matters
/// The model learns a handful of samples by heart. The training loss looks splendid, and the rest of the data might as well not exist.
///
/// ## What to do
/// Take batches by a loop over the loader: `next(iter(loader))` begins anew each time. In an iterable data set each worker must take
/// its own part. Random numbers of NumPy in workers need a seed of their own for each worker.
///
/// ## Fires on
/// The first batch of 600 samples, forever:
/// ```recipe rows=40
/// step = 10 * row()
/// drawn = 32 * step
/// distinct = pick(step > 0, 32, 0)
/// dataset_size = 600
/// batch_size = 32
/// ```
/// Four workers that each yield the whole of an iterable data set:
/// ```recipe rows=8
/// step = 100 * row()
/// drawn = 32 * step
/// twin_batches = 0.75
/// workers = 4
/// ```
///
/// ## Stays quiet on
/// ```recipe rows=40
/// step = 10 * row()
/// drawn = 32 * step
/// distinct = min(600, 32 * step)
/// dataset_size = 600
/// batch_size = 32
/// ```
/// Classes that are drawn evenly, so that rare samples come often:
/// ```recipe rows=40
/// step = 10 * row()
/// drawn = 32 * step
/// distinct = min(600, 20 * step)
/// dataset_size = 600
/// batch_size = 32
/// ```
/// All data in one batch:
/// ```recipe rows=40
/// step = 10 * row()
/// drawn = 600 * step
/// distinct = pick(step > 0, 600, 0)
/// dataset_size = 600
/// batch_size = 600
/// ```
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct RepeatedBatches {
    /// Different samples drawn, against what drawing at random would give.
    pub distinct: f64,
    /// Share of the batches of several workers that may be copies of another one.
    pub twins: f64,
}

impl Default for RepeatedBatches {
    fn default() -> Self {
        Self { distinct: 0.4, twins: 0.3 }
    }
}

impl Rule for RepeatedBatches {
    type Input = Run;
    const ID: &'static str = "repeated-batches";
    const SEVERITY: Severity = Severity::Error;
    const SIGNALS: &'static [Signal] = &[Signal::Live(Fact::Drawn)];
    const ALSO: &'static [Signal] =
        &[Signal::Live(Fact::Distinct), Signal::Live(Fact::DatasetSize), Signal::Live(Fact::TwinBatches)];

    fn check(&mut self, run: &Run, report: &mut Report) {
        self.check_distinct(run, report);
        self.check_twins(run, report);
    }
}

/// The line that takes the batches; the run as a whole where it is not known.
fn place(run: &Run) -> Place {
    site(run, Call::Batches(Part::Train)).unwrap_or(Place::Whole)
}

impl RepeatedBatches {
    /// Far fewer samples than there are.
    fn check_distinct(&self, run: &Run, report: &mut Report) {
        let (Some(drawn), Some(distinct), Some(size)) =
            (run.fact(Fact::Drawn), run.fact(Fact::Distinct), run.fact(Fact::DatasetSize))
        else {
            return;
        };
        let batch = run.fact(Fact::BatchSize).unwrap_or(1.0).max(1.0);
        // Drawn at random with replacement, the least that an even use of the data gives.
        let expected = size * (1.0 - (-drawn / size).exp());
        let is_enough = drawn >= 8.0 * batch && size >= 2.0 * batch && size > 0.0;
        let share = distinct / expected;
        if !is_enough || !share.is_finite() || share >= self.distinct {
            return;
        }
        let lines = run.facts(Fact::Distinct).chain(run.facts(Fact::Drawn));
        report.raise(
            Draft::new(
                place(run),
                format!(
                    "{} samples were drawn{}, and they are only {} different ones of {}: the same batches come again and again",
                    thousands(drawn as u64),
                    at_line(run, "at", Call::Batches(Part::Train)),
                    thousands(distinct as u64),
                    thousands(size as u64)
                ),
                Evidence::at_least("different samples, against an even use of the data", share, self.distinct),
                Remedy::risky("go through the loader in a loop: `next(iter(loader))` begins anew each time")
                    .code("for batch in loader:\n    ..."),
            )
            .topic("distinct")
            .count(1)
            .evidence(curves(run, "samples", lines))
            .remedy(Remedy::advice("if an epoch is cut short on purpose, let the loader shuffle, so that each epoch sees other samples")),
        );
    }

    /// Workers that hand over copies of each other's batches: each goes through all of an iterable data set, or their random numbers are
    /// the same.
    fn check_twins(&self, run: &Run, report: &mut Report) {
        let workers = run.fact(Fact::Workers).unwrap_or(0.0);
        let Some(series) = run.facts(Fact::TwinBatches).next() else { return };
        let twins = late_share(series);
        if workers < 2.0 || twins <= self.twins {
            return;
        }
        let has_indices = run.fact(Fact::DatasetSize).is_some();
        let (why, action, code) = if has_indices {
            (
                "their random numbers are the same",
                "give each worker a seed of its own, which also changes with the epoch",
                "def seed_worker(worker_id):\n    seed = torch.initial_seed() % 2**32\n    np.random.seed(seed)\n    random.seed(seed)\n\n\
                 DataLoader(dataset, num_workers=4, worker_init_fn=seed_worker)",
            )
        } else {
            (
                "each goes through the whole data set",
                "let each worker take its own part",
                "def __iter__(self):\n    worker = torch.utils.data.get_worker_info()\n    first, every = (worker.id, worker.num_workers) if \
                 worker else (0, 1)\n    yield from itertools.islice(self.samples(), first, None, every)",
            )
        };
        report.raise(
            Draft::new(
                place(run),
                format!(
                    "{} % of the batches looked at are copies of another one: the {workers} workers hand over the same, since {why}",
                    Human((100.0 * twins).round())
                ),
                Evidence::at_most("share of batches that are copies of another", twins, self.twins),
                Remedy::risky(action).code(code),
            )
            .topic("workers")
            .count(1),
        );
    }
}
