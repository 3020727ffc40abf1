//! `learning-rate-collapsed`

use serde::{Deserialize, Serialize};
use stetho_core::run::{Block, Quantity, Run, Series};
use stetho_core::{Draft, Evidence, Human, Remedy, Report, Rule, Severity, Signal};

use crate::runs::{at, curves, losses, round2, since};
use crate::trend::{block_noise, mean, median, trend};

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
        if run.contest.is_some() {
            return;
        }
        // The rates of all groups: one may be that of a part that is frozen in time.
        let groups = run.of(Quantity::LearningRate);
        let used_up: Option<Vec<u64>> = groups.map(|s| self.used_up(s)).collect();
        let Some(when) = used_up.and_then(|all| all.into_iter().max()) else { return };
        let Some(faded) = below(rate, FADED) else { return };
        let Some(lost) = lost(loss, faded, when) else { return };
        let peak = rate.digest.highest().map_or(f64::NAN, |p| p.value);
        let last = loss.digest.last().map_or(when, |p| p.step);
        let end = rate.digest.last().map_or(f64::NAN, |p| p.value);
        report.raise(
            Draft::new(
                since(rate, when),
                format!(
                    "the learning rate fell from {} to {} by {}, when the loss was still falling; it has been at {} since",
                    Human(peak),
                    Human(end),
                    at(run, when),
                    Human(lost)
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
    /// The step since when the rate has been next to nothing for too large a share of the run; `None` where it has not.
    fn used_up(&self, rate: &Series) -> Option<u64> {
        let when = below(rate, self.collapsed)?;
        let (first, last) = (rate.digest.first().first()?.step, rate.digest.last()?.step);
        let spent = last.saturating_sub(when) as f64 / (last - first).max(1) as f64;
        (spent > self.share).then_some(when)
    }
}

/// Share of its peak below which a rate has begun to be small.
const FADED: f64 = 0.11;

/// The step since when a rate has been below a share of its peak; `None` where it is not, or goes in cycles.
fn below(rate: &Series, share: f64) -> Option<u64> {
    let blocks = rate.digest.blocks();
    let peak = rate.digest.highest().filter(|p| p.value > 0.0)?;
    let limit = share * peak.value;
    let last_high = blocks.iter().rposition(|b| b.max >= limit)?;
    let was_low = blocks[..last_high].iter().any(|b| b.first > peak.step && b.max < limit);
    blocks.get(last_high + 1).map(|b| b.first).filter(|_| !was_low)
}

/// The level at which the loss has stayed since the rate faded, where it would have gone on falling: by its course before, or, where
/// there is hardly any, as nothing but the first steps were taken.
fn lost(loss: &Series, faded: u64, when: u64) -> Option<f64> {
    let blocks = loss.digest.blocks();
    let (before, after) = blocks.split_at(blocks.partition_point(|b| b.first < faded));
    if after.len() < 8 || loss.digest.n() < 16 {
        return None;
    }
    let level = mean(&after[after.len() / 2..]);
    let start = blocks.first()?.mean;
    if before.len() < LEAST {
        let spent = after.iter().filter(|b| b.first >= when).count() as f64 / blocks.len() as f64;
        return (spent > 0.7 && level > 0.3 * start && start > 0.0).then_some(level);
    }
    let pieces: Vec<f64> = before.chunks(before.len().div_ceil(LEAST)).map(mean).collect();
    let n = pieces.len();
    let edge = median(pieces[n - 2..].iter().copied());
    let middle = median(pieces[n / 2 - 1..=n / 2].iter().copied());
    let (early, fell) = (pieces[0] - middle, middle - edge);
    // What falls by the same share in each half of the time goes on like a geometric series.
    let ratio = (fell / early.max(f64::MIN_POSITIVE)).clamp(0.0, 0.9);
    let expected = fell * ratio / (1.0 - ratio);
    let still: Vec<Block> =
        after.chunks(after.len().div_ceil(20)).filter_map(|c| c.first().copied()).collect();
    let is_falling = trend(&pieces[n / 3..]) < -2.0 && fell > 0.05 * (start - level).max(0.0);
    let is_clear = expected > 3.0 * block_noise(&still) && expected > 0.01 * level.abs();
    (is_falling && is_clear && edge - level < 0.4 * expected).then_some(level)
}

/// Stretches of a course that can be gone on with.
const LEAST: usize = 12;

#[cfg(test)]
mod tests {
    use crate::run::testing::{judge, run, values};

    #[test]
    fn a_schedule_stepped_once_a_batch_is_told_with_its_true_length() {
        let loss = |s: f64| {
            2.0 - 0.01 * s.min(30.0) - 0.001 * (s.min(60.0) - 30.0).max(0.0) + 0.001 * (s * 1.9).sin()
        };
        let rate = |s: f64| 0.1 * 0.1f64.powf((s / 30.0).floor());
        let found =
            judge("learning-rate-collapsed", &run([("lr", values(300, rate)), ("loss", values(300, loss))]));
        assert_eq!(found.len(), 1);
        assert!(found[0].remedies[0].action.contains("299 steps long"), "{:?}", found[0].remedies);
    }

    #[test]
    fn a_schedule_used_up_in_the_first_steps_is_told_where_the_loss_stays_high() {
        let rate = || values(300, |s| 0.1 * 0.1f64.powf((s / 2.0).floor()));
        let with = |floor: f64| {
            let loss =
                values(300, move |s| floor + (2.0 - floor) * (-s / 3.0).exp() + 0.01 * (s * 1.9).sin());
            run([("lr", rate()), ("loss", loss)])
        };
        assert_eq!(judge("learning-rate-collapsed", &with(1.6)).len(), 1);
        assert!(judge("learning-rate-collapsed", &with(0.1)).is_empty());
    }

    #[test]
    fn a_loss_that_goes_on_falling_is_not_harmed() {
        let loss = |s: f64| 2.0 - 0.005 * s + 0.001 * (s * 1.9).sin();
        let run = run([("lr", values(300, |s| 0.1 * 0.9f64.powf(s))), ("loss", values(300, loss))]);
        assert!(judge("learning-rate-collapsed", &run).is_empty());
    }
}
