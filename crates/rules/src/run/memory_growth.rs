//! `memory-growth`

use serde::{Deserialize, Serialize};
use stetho_core::run::{Fact, Quantity, Run, Series};
use stetho_core::{Draft, Evidence, Human, Remedy, Report, Rule, Severity, Signal};

use crate::runs::{at, curves, round2, since};
use crate::trend::{mean, means, trend};

/// Memory in use grows steadily with the steps.
///
/// ## Why it matters
/// Something is kept that should be let go; the run will end when the memory does, hours or days later.
///
/// ## What to do
/// Do not keep tensors that carry a graph: `total += loss.item()` instead of `total += loss`, `detach()` what is stored. Look at lists
/// that only grow, at caches, and at Python objects in data sets that are copied by workers as they are read.
///
/// ## Fires on
/// ```recipe rows=300
/// step = row()
/// memory = 1000 + 4 * step + normal(0, 5)
/// ```
///
/// A list of losses, each with the graph of its step:
/// ```recipe rows=40
/// step = 10 * row()
/// kept_graphs = row()
/// ```
///
/// ## Stays quiet on
/// Losses that are kept until the end of an epoch:
/// ```recipe rows=40
/// step = 10 * row()
/// kept_graphs = row() % 20
/// ```
/// The growth of the first epoch, which levels off:
/// ```recipe rows=300
/// step = row()
/// memory = 2000 - 1000 * exp(-step / 40) + normal(0, 5)
/// ```
/// Peaks of batches of unequal size, and their highest so far:
/// ```recipe rows=300
/// step = row()
/// memory = 1000 + 300 * uniform(0, 1)
/// ```
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct MemoryGrowth {
    /// Growth from the first to the last third, as a share, the start of the run left out.
    pub growth: f64,
    /// Graphs of earlier steps that may be alive, of those that are looked at.
    pub graphs: f64,
}

impl Default for MemoryGrowth {
    fn default() -> Self {
        Self { growth: 0.1, graphs: 12.0 }
    }
}

impl Rule for MemoryGrowth {
    type Input = Run;
    const ID: &'static str = "memory-growth";
    const SEVERITY: Severity = Severity::Warning;
    const SIGNALS: &'static [Signal] = &[Signal::MemoryOrGraphs];

    fn check(&mut self, run: &Run, report: &mut Report) {
        if self.check_graphs(run, report) {
            return;
        }
        let is_first_epoch =
            run.of(Quantity::Epoch).any(|s| s.digest.highest().is_some_and(|p| p.value < 1.0));
        // Agents keep what they have seen, on purpose.
        if is_first_epoch || run.contest.is_some() {
            return;
        }
        let grown = run.of(Quantity::Memory).filter_map(|s| Some((s, self.growth_of(s)?)));
        let Some((series, growth)) = grown.max_by(|a, b| a.1.total_cmp(&b.1)) else { return };
        let (Some(first), Some(last)) = (series.digest.first().first(), series.digest.last()) else { return };
        let per_step = (last.value - first.value) / (last.step - first.step).max(1) as f64;
        report.raise(
            Draft::new(
                since(series, first.step),
                format!(
                    "`{}` grew from {} to {} by {}, and goes on growing by {} a {}",
                    series.tag,
                    Human(first.value),
                    Human(last.value),
                    at(run, last.step),
                    round2(per_step),
                    run.unit
                ),
                Evidence::at_most("growth of memory, first to last third", growth, self.growth),
                Remedy::advice(
                    "add up `loss.item()` instead of `loss`, and `detach()` what is kept: a kept loss keeps its whole graph",
                ),
            )
            .count(1)
            .evidence(curves(run, "memory", [series]))
            .remedy(Remedy::advice(
                "compare two snapshots (`torch.cuda.memory._snapshot()`, `tracemalloc`) some hundred steps apart to see what is kept",
            )),
        );
    }
}

impl MemoryGrowth {
    /// Graphs of earlier steps that are kept alive, more and more of them; whether there are.
    fn check_graphs(&self, run: &Run, report: &mut Report) -> bool {
        let Some(series) = run.facts(Fact::KeptGraphs).next() else { return false };
        let (Some(first), Some(last)) = (series.digest.first().first(), series.digest.last()) else {
            return false;
        };
        let blocks = series.digest.split(20);
        let rises = blocks.windows(2).all(|w| w[1].mean >= w[0].mean);
        let is_freed = series.digest.highest().is_some_and(|p| last.value < 0.9 * p.value);
        if last.value < self.graphs || !rises || is_freed || series.digest.n() < 6 {
            return false;
        }
        let draft = Draft::new(
            since(series, first.step),
            format!(
                "the graphs of {} of the earlier steps looked at are still alive at {}, and none was let go: something keeps losses or \
                 outputs with their history",
                Human(last.value),
                at(run, last.step)
            ),
            Evidence::at_most("graphs of earlier steps kept alive", last.value, self.graphs),
            Remedy::risky("keep numbers instead of tensors with a history").code("losses.append(loss.item())\ntotal += loss.item()"),
        )
        .count(last.value as u64)
        .evidence(curves(run, "graphs kept alive", [series]))
        .remedy(Remedy::advice("`detach()` outputs, hidden states and metrics before they are stored"));
        report.raise(match run.of(Quantity::Memory).next() {
            Some(memory) => draft.evidence(curves(run, "memory", [memory])),
            None => draft,
        });
        true
    }

    /// By which share memory grew, where it did so steadily: in each third as much as in the one before, or nearly.
    fn growth_of(&self, series: &Series) -> Option<f64> {
        let blocks = series.digest.split(30);
        if blocks.len() < 20 {
            return None;
        }
        let after = &blocks[blocks.len() / 5..];
        let third = after.len() / 3;
        let parts = [&after[..third], &after[third..2 * third], &after[2 * third..]].map(mean);
        let (early, late) = (parts[1] - parts[0], parts[2] - parts[1]);
        let growth = (parts[2] - parts[0]) / parts[0];
        let half = &after[after.len() / 2..];
        let rises = after.windows(2).filter(|w| w[1].mean > w[0].mean).count() as f64;
        // Few points must rise every time.
        let at_least = if series.digest.n() < 40 { 1.0 } else { 0.6 };
        let is_steady = trend(&means(after)) > 4.0
            && trend(&means(half)) > 2.5
            && rises >= at_least * (after.len() - 1) as f64
            && late >= 0.7 * early
            && late <= 4.0 * early;
        (is_steady && early > 0.0 && growth > self.growth).then_some(growth)
    }
}

#[cfg(test)]
mod tests {
    use crate::run::testing::{judge, run, values};

    #[test]
    fn the_highest_so_far_and_steps_of_an_allocator_are_not_steady() {
        let highest = |s: f64| 1000.0 + 100.0 * (1.0 + s).ln();
        assert!(judge("memory-growth", &run([("memory", values(500, highest))])).is_empty());
        let reserved =
            |s: f64| 1000.0 + 400.0 * f64::from(u8::from(s > 150.0)) + 400.0 * f64::from(u8::from(s > 300.0));
        assert!(judge("memory-growth", &run([("memory", values(500, reserved))])).is_empty());
    }

    #[test]
    fn of_few_points_each_must_rise() {
        let with = |wave: f64| {
            let memory = values(30, move |s| 0.56 + 0.0115 * s + wave * (s * 2.0).sin());
            judge("memory-growth", &run([("memory", memory)])).len()
        };
        assert_eq!((with(0.0), with(0.02)), (1, 0));
    }
}
