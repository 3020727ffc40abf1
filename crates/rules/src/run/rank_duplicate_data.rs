//! `rank-duplicate-data`

use serde::{Deserialize, Serialize};
use stetho_core::run::{Call, Fact, Part, Run};
use stetho_core::{Draft, Evidence, Human, Place, Remedy, Report, Rule, Severity, Signal};

use crate::loops::site;
use crate::ranks::{by_step, ranks};
use crate::show::list;

/// Several ranks of a distributed training work on the same batches.
///
/// ## Why it matters
/// The average over copies of one gradient is that gradient: the other processes heat the room, and the batch is smaller than believed.
///
/// ## What to do
/// Use a `DistributedSampler`, and call its `set_epoch` so that epochs differ.
///
/// ## Fires on
/// ```recipe rows=20
/// step = row()
/// `rank_batch/0` = 1000 * step + 7
/// `rank_batch/1` = 1000 * step + 7
/// ```
///
/// ## Stays quiet on
/// ```recipe rows=20
/// step = row()
/// `rank_batch/0` = 1000 * step + 7
/// `rank_batch/1` = 1000 * step + 911
/// ```
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct RankDuplicateData {
    /// Share of steps in which two ranks may have the same batch.
    pub share: f64,
    /// Steps without which nothing is said.
    pub steps: usize,
}

impl Default for RankDuplicateData {
    fn default() -> Self {
        Self { share: 0.5, steps: 5 }
    }
}

impl Rule for RankDuplicateData {
    type Input = Run;
    const ID: &'static str = "rank-duplicate-data";
    const SEVERITY: Severity = Severity::Error;
    const SIGNALS: &'static [Signal] = &[Signal::Live(Fact::RankBatch)];
    const ALSO: &'static [Signal] = &[Signal::Live(Fact::Site)];

    fn check(&mut self, run: &Run, report: &mut Report) {
        let ranks = ranks(run, Fact::RankBatch);
        let steps = by_step(&ranks);
        if steps.len() < self.steps {
            return;
        }
        // Ranks whose batch is that of an earlier rank, by step.
        let copies = |values: &[(usize, f64)]| -> Vec<usize> {
            let is_copy = |i: usize| values[..i].iter().any(|(_, v)| v.to_bits() == values[i].1.to_bits());
            (0..values.len()).filter(|i| is_copy(*i)).map(|i| values[i].0).collect()
        };
        let found: Vec<Vec<usize>> = steps.values().map(|values| copies(values)).collect();
        let share = found.iter().filter(|copies| !copies.is_empty()).count() as f64 / steps.len() as f64;
        if share <= self.share {
            return;
        }
        let names: Vec<&str> = (0..ranks.len())
            .filter(|rank| found.iter().filter(|copies| copies.contains(rank)).count() * 2 > steps.len())
            .map(|rank| ranks[rank].name.as_str())
            .collect();
        let (Some(first), Some(last)) = (steps.keys().next(), steps.keys().next_back()) else { return };
        report.raise(
            Draft::new(
                Place::steps(*first, *last),
                format!(
                    "in {} % of the steps a rank has the batch of another{}",
                    Human((100.0 * share).round()),
                    if names.is_empty() { String::new() } else { format!(": rank {} has what one before it has", list(&names)) }
                ),
                Evidence::at_most("share of steps with the same batch on two ranks", share, self.share),
                Remedy::risky("give each rank its own part of the data").code(
                    "sampler = DistributedSampler(train_set)\nloader = DataLoader(train_set, sampler=sampler)\nfor epoch in range(n_epochs):\n    sampler.set_epoch(epoch)",
                ),
            )
            .places(site(run, Call::Batches(Part::Train)))
            .count(names.len().max(1) as u64),
        );
    }
}
