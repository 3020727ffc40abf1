//! `rank-divergence`

use serde::{Deserialize, Serialize};
use stetho_core::run::{Fact, Run};
use stetho_core::{Draft, Evidence, Human, Place, Remedy, Report, Rule, Severity, Signal};

use crate::ranks::{by_step, ranks};
use crate::runs::{at, curves};

/// The replicas of a distributed training do not hold the same parameters.
///
/// ## Why it matters
/// Gradients are averaged over ranks in the belief that all of them are at the same point. Once they are not, each trains a model of its
/// own with the gradients of others, and the checkpoint of rank 0 is none of what was trained.
///
/// ## What to do
/// Start from the same parameters on each rank, and let every change of them go through the averaged gradients: no step that a rank skips by
/// itself, no buffer or parameter that only one rank writes.
///
/// ## Fires on
/// ```recipe rows=20
/// step = row()
/// `rank_weights/0` = 4 + 0.01 * step
/// `rank_weights/1` = 4 + 0.01 * step + pick(step > 8, 0.02, 0)
/// ```
///
/// ## Stays quiet on
/// ```recipe rows=20
/// step = row()
/// `rank_weights/0` = 4 + 0.01 * step
/// `rank_weights/1` = 4 + 0.01 * step
/// ```
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct RankDivergence {
    /// Relative distance of the norms of all parameters.
    pub apart: f64,
}

impl Default for RankDivergence {
    fn default() -> Self {
        Self { apart: 1e-6 }
    }
}

impl Rule for RankDivergence {
    type Input = Run;
    const ID: &'static str = "rank-divergence";
    const SEVERITY: Severity = Severity::Error;
    const SIGNALS: &'static [Signal] = &[Signal::Live(Fact::RankWeights)];

    fn check(&mut self, run: &Run, report: &mut Report) {
        let ranks = ranks(run, Fact::RankWeights);
        let steps = by_step(&ranks);
        let apart = |values: &[(usize, f64)]| {
            let (low, high) = values.iter().fold((f64::MAX, f64::MIN), |(a, b), (_, v)| (v.min(a), v.max(b)));
            (high - low) / high.abs().max(f64::MIN_POSITIVE)
        };
        let broken: Vec<(u64, f64)> = steps
            .iter()
            .map(|(step, values)| (*step, apart(values)))
            .filter(|(_, d)| *d > self.apart)
            .collect();
        let (Some((first, _)), Some((last, values))) = (broken.first(), steps.last_key_value()) else {
            return;
        };
        // What came together again was being written while it was read.
        if apart(values) <= self.apart {
            return;
        }
        let rows = values.iter().map(|(rank, value)| [ranks[*rank].name.clone(), Human(*value).to_string()]);
        report.raise(
            Draft::new(
                Place::steps(*first, *last),
                format!(
                    "the parameters of {} ranks are apart since {}: their norms differ by {} of their size, limit {}",
                    values.len(),
                    at(run, *first),
                    Human(apart(values)),
                    Human(self.apart)
                ),
                Evidence::at_most("relative distance of the norms", apart(values), self.apart),
                Remedy::advice("wrap the model in `DistributedDataParallel` after it has been loaded, and change its parameters nowhere else"),
            )
            .count(broken.len() as u64)
            .evidence(Evidence::table(format!("norm of all parameters at {}", at(run, *last)), ["rank", "norm"], rows))
            .evidence(curves(run, "norm of all parameters", ranks.iter().copied().take(8)))
            .remedy(Remedy::advice("see that all ranks skip a step together, and that each runs the same number of steps an epoch")),
        );
    }
}
