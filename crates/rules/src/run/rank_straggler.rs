//! `rank-straggler`

use serde::{Deserialize, Serialize};
use stetho_core::run::{Fact, Run};
use stetho_core::{Draft, Evidence, Human, Remedy, Report, Rule, Severity, Signal};

use crate::ranks::ranks;
use crate::runs::{curves, since};
use crate::trend::median;

/// One rank of a distributed training is slower than the others.
///
/// ## Why it matters
/// Ranks wait for each other at every step, so all of them are as slow as the slowest.
///
/// ## What to do
/// Look at that process and its machine: a device that is shared or throttled, slower storage, more or longer samples than the others have.
///
/// ## Fires on
/// ```recipe rows=60
/// step = row()
/// `rank_time/0` = 0.10 + 0.01 * uniform(0, 1)
/// `rank_time/1` = 0.10 + 0.01 * uniform(0, 1)
/// `rank_time/2` = 0.16 + 0.01 * uniform(0, 1)
/// ```
///
/// ## Stays quiet on
/// ```recipe rows=60
/// step = row()
/// `rank_time/0` = 0.10 + 0.02 * uniform(0, 1)
/// `rank_time/1` = 0.10 + 0.02 * uniform(0, 1)
/// `rank_time/2` = 0.11 + 0.02 * uniform(0, 1)
/// ```
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct RankStraggler {
    /// Time of the slowest rank against the median of the others.
    pub ratio: f64,
    /// Logged steps without which nothing is said.
    pub points: u64,
}

impl Default for RankStraggler {
    fn default() -> Self {
        Self { ratio: 1.25, points: 10 }
    }
}

impl Rule for RankStraggler {
    type Input = Run;
    const ID: &'static str = "rank-straggler";
    const SEVERITY: Severity = Severity::Warning;
    const SIGNALS: &'static [Signal] = &[Signal::Live(Fact::RankTime)];

    fn check(&mut self, run: &Run, report: &mut Report) {
        let ranks = ranks(run, Fact::RankTime);
        if ranks.is_empty() || ranks.iter().any(|s| s.digest.n() < self.points) {
            return;
        }
        let usual = |series: &stetho_core::run::Series| series.digest.quantile(0.5);
        let Some(slowest) = ranks.iter().copied().max_by(|a, b| usual(a).total_cmp(&usual(b))) else {
            return;
        };
        let others = || ranks.iter().filter(|s| s.name != slowest.name);
        let ratio = usual(slowest) / median(others().map(|s| usual(s)));
        // Slow all the time, not by a few bad steps: even its fast steps are slower than what is usual elsewhere.
        let is_steady = others().all(|s| slowest.digest.quantile(0.1) > usual(s));
        if !ratio.is_finite() || ratio <= self.ratio || !is_steady {
            return;
        }
        report.raise(
            Draft::new(
                since(slowest, slowest.digest.first().first().map_or(0, |p| p.step)),
                format!(
                    "rank {} needs {} s a step, {} times what the others need",
                    slowest.name,
                    Human(usual(slowest)),
                    Human((100.0 * ratio).round() / 100.0)
                ),
                Evidence::at_most("time of a step against that of the other ranks", ratio, self.ratio),
                Remedy::advice("see whether its device is shared, throttled or of another kind, and whether its data are as near"),
            )
            .count(1)
            .evidence(Evidence::bars("seconds a step, by rank", ranks.iter().map(|s| (s.name.clone(), usual(s)))))
            .evidence(curves(run, "seconds a step", ranks.iter().copied().take(8)))
            .remedy(Remedy::advice("where samples differ in length, deal them out by length, so that every rank has as much to do")),
        );
    }
}
