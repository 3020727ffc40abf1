//! `learning-rate-collapsed`

use serde::{Deserialize, Serialize};
use stetho_core::run::{Block, Quantity, Run, Series};
use stetho_core::{Draft, Evidence, Human, Remedy, Report, Rule, Severity, Signal};

use crate::runs::{at, curves, losses, round2, since};
use crate::trend::{Course, means, median, trend};

/// The schedule took the learning rate to almost nothing while the loss was still falling.
///
/// ## Why it matters
/// The rest of the run costs its time and changes nothing. Mostly the schedule counts other steps than the loop: it is stepped once a
/// batch and made for epochs, or its length is that of another run.
///
/// ## What to do
/// Make the schedule as long as the run, and step it once per what it counts. Stop at the step at which the rate is used up, or go on
/// from there with a higher one.
///
/// ## Fires on
/// ```recipe rows=400
/// step = row()
/// lr = pick(step < 100, 0.1 * (1 - step / 101), 1e-6)
/// loss = 1 + pick(step < 100, exp(-step / 100), exp(-1)) + normal(0, 0.01)
/// ```
///
/// ## Stays quiet on
/// A cosine that is used up with the run:
/// ```recipe rows=400
/// step = row()
/// lr = 0.05 * (1 + sin(1.5708 + 3.14159 * step / 400))
/// loss = exp(-step / 100) + normal(0, 0.01)
/// ```
/// A rate that was reduced on a loss that had become flat:
/// ```recipe rows=400
/// step = row()
/// lr = pick(step < 150, 0.1, pick(step < 180, 0.01, pick(step < 210, 0.001, 1e-5)))
/// loss = 0.1 + 2 * exp(-step / 15) + normal(0, 0.01)
/// ```
/// Cycles:
/// ```recipe rows=400
/// step = row()
/// lr = 1e-6 + 0.1 * pick(step % 100 < 30, 1 - (step % 100) / 30, 0)
/// loss = exp(-step / 100) + normal(0, 0.01)
/// ```
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct LearningRateCollapsed {
    /// Share of its peak below which a rate does next to nothing.
    pub collapsed: f64,
    /// Share of the run that may be spent there.
    pub share: f64,
}

impl Default for LearningRateCollapsed {
    fn default() -> Self {
        Self { collapsed: 1e-3, share: 0.4 }
    }
}

impl Rule for LearningRateCollapsed {
    type Input = Run;
    const ID: &'static str = "learning-rate-collapsed";
    const SEVERITY: Severity = Severity::Warning;
    const SIGNALS: &'static [Signal] = &[Signal::LearningRate, Signal::TrainLoss];

    fn check(&mut self, run: &Run, report: &mut Report) {
        let (Some(rate), Some(loss)) = (run.learning_rate(), run.train_loss()) else { return };
        if run.is_contest.is_some() {
            return;
        }
        let groups = run.of(Quantity::LearningRate);
        // The rates of all groups: one may be that of a part that is frozen in time.
        let Some(when) =
            groups.map(|s| self.collapse(s)).collect::<Option<Vec<u64>>>().and_then(|w| w.into_iter().max())
        else {
            return;
        };
        let Some((fell, falls)) = falling(loss, when) else { return };
        let peak = rate.digest.highest().map_or(f64::NAN, |p| p.value);
        let last = loss.digest.last().map_or(when, |p| p.step);
        let end = rate.digest.last().map_or(f64::NAN, |p| p.value);
        report.raise(
            Draft::new(
                since(rate, when),
                format!(
                    "the learning rate fell from {} to {} at {}, while the loss was still falling: by {} in as many steps before, by \
                     {} after",
                    Human(peak),
                    Human(end),
                    at(run, when),
                    Human(fell),
                    Human(falls)
                ),
                Evidence::at_least("learning rate against its peak", end / peak, self.collapsed),
                Remedy::advice(format!("make the schedule {} {}s long, not {when}", last, run.unit)),
            )
            .count(1)
            .evidence(curves(run, "learning rate", [rate]))
            .evidence(losses(run))
            .remedy(Remedy::advice(format!(
                "or go on from the end with a learning rate of {}, a tenth of its peak",
                round2(peak / 10.0)
            ))),
        );
    }
}

impl LearningRateCollapsed {
    /// The step since when the rate has been next to nothing for too large a share of the run; `None` where it has not, or rose again.
    fn collapse(&self, rate: &Series) -> Option<u64> {
        let blocks = rate.digest.blocks();
        let peak = rate.digest.highest()?;
        let limit = self.collapsed * peak.value;
        let high = blocks.iter().rposition(|b| b.max >= limit)?;
        let first = blocks.first()?.first;
        let (when, end) = (blocks.get(high + 1)?.first, blocks.last()?.last);
        // What falls after having risen from nothing goes in cycles.
        let low_before = blocks[..high].iter().any(|b| b.first > peak.step && b.max < limit);
        let spent = (end - when) as f64 / (end - first).max(1) as f64;
        let is_new = blocks.iter().take(3).any(|b| b.last >= when);
        (peak.value > 0.0 && spent > self.share && !low_before && !is_new).then_some(when)
    }
}

/// By how much the loss fell in the stretch before `when` and in one as long after it, where it was falling and then no longer is.
fn falling(loss: &Series, when: u64) -> Option<(f64, f64)> {
    let course = Course::of(&loss.digest, 16)?;
    let at = course.blocks.iter().position(|b| b.first >= when)?;
    let (before, after) = course.blocks.split_at(at);
    let reach = (at / 2).max(4).min(after.len());
    if at < 6 || reach < 3 {
        return None;
    }
    let before: &[Block] = &before[at - (at / 2).max(4).min(at)..];
    let edge = |blocks: &[Block]| median(blocks.iter().take(2).map(|b| b.mean));
    let level = edge(after);
    let fell = edge(before) - level;
    let falls = level - median(after[..reach].iter().rev().take(2).map(|b| b.mean));
    let was_falling = trend(&means(before)) < -2.0 && fell > 3.0 * course.noise;
    // What had nearly come to its end lost nothing by it.
    let matters = fell > 0.1 * (course.start - level).max(0.0) && fell > 0.02 * level.abs();
    (was_falling && matters && falls < 0.25 * fell).then_some((fell, falls.max(0.0)))
}

#[cfg(test)]
mod tests {
    use crate::run::testing::{judge, run, values};

    #[test]
    fn a_schedule_stepped_once_a_batch_is_told_with_its_true_length() {
        let loss = |s: f64| 2.0 - 0.01 * s.min(90.0) + 0.001 * (s * 1.9).sin();
        let found = judge(
            "learning-rate-collapsed",
            &run([("lr", values(300, |s| 0.1 * 0.9f64.powf(s))), ("loss", values(300, loss))]),
        );
        assert_eq!(found.len(), 1);
        assert!(found[0].remedies[0].action.contains("299 steps long"), "{:?}", found[0].remedies);
    }

    #[test]
    fn a_loss_that_goes_on_falling_is_not_harmed() {
        let loss = |s: f64| 2.0 - 0.005 * s + 0.001 * (s * 1.9).sin();
        let run = run([("lr", values(300, |s| 0.1 * 0.9f64.powf(s))), ("loss", values(300, loss))]);
        assert!(judge("learning-rate-collapsed", &run).is_empty());
    }
}
