//! Sizes of updates against weights, by layer: what tells whether the learning rate suits them.

use stetho_core::Evidence;
use stetho_core::run::{LayerQuantity, Run, Series};

use crate::layers::{after_start, at_full_rate, has_learned, is_bias};
use crate::runs::{peak_learning_rate, round2};
use crate::trend::median;

/// ‖Δw‖ / ‖w‖ at which layers learn well, as a rule of thumb.
pub(crate) const GOOD: f64 = 1e-3;
/// Share of stretches in which a size must be out of range.
const LASTING: f64 = 0.8;
/// Powers of ten from a layer out of range to one that shares its trouble.
const CLOSE: f64 = 0.7;
/// Powers of ten below the median layer at which a layer stands still though the run learns.
const LEFT_BEHIND: f64 = 3.0;
/// Powers of ten by which updates are too large earlier, where the loss has not come down with them.
const IN_VAIN: f64 = 0.5;
/// Share of layers that make it a matter of the learning rate as a whole.
const NEARLY_ALL: f64 = 0.8;

/// Which updates are out of range.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Off {
    /// Too small.
    Small,
    /// Too large.
    Large,
}

/// The size of a layer's updates.
pub(crate) struct StepSize<'a> {
    /// The series it is read from.
    pub series: &'a Series,
    /// log10 of ‖Δw‖ / ‖w‖ in the median, at the full learning rate.
    pub log10: f64,
    /// Whether it is out of range for long.
    pub off: Option<Off>,
}

/// Sizes of the updates of all layers that have some.
pub(crate) struct StepSizes<'a> {
    /// The layers, in their order; offsets and what never changes left out.
    pub layers: Vec<StepSize<'a>>,
    /// log10 of the greatest size that is still in range.
    pub most: f64,
}

impl<'a> StepSizes<'a> {
    /// The sizes of a run, judged against the range from 10^`least` to 10^`most`. Small updates are held
    /// against a run that learns only where a single layer is left behind; large ones sooner against a run that does not.
    pub(crate) fn of(run: &'a Run, least: f64, most: f64) -> Self {
        let learns = has_learned(run);
        let most = if learns || run.train_loss().is_none() { most } else { most - IN_VAIN };
        let ratios = run.layers(LayerQuantity::UpdateRatio).map(|s| (s, None));
        let is_logged = |name: &str| run.layers(LayerQuantity::UpdateRatio).any(|s| s.name == name);
        let weights: Vec<&Series> = run.layers(LayerQuantity::WeightNorm).collect();
        let divided = run.layers(LayerQuantity::UpdateNorm).filter(|s| !is_logged(&s.name)).filter_map(|s| {
            let weights = weights.iter().find(|w| w.name == s.name)?;
            Some((s, Some(*weights)))
        });
        let size = |(series, weights): (&'a Series, Option<&Series>)| {
            let logs = logs(run, series, weights)?;
            let share = |test: &dyn Fn(f64) -> bool| {
                let halves = [&logs[..logs.len() / 2], &logs[logs.len() / 2..]];
                let of = |half: &[f64]| half.iter().filter(|l| test(**l)).count() as f64 / half.len() as f64;
                halves.map(of).into_iter().fold(1.0, f64::min)
            };
            let off = if share(&|l| l > most) >= LASTING {
                Some(Off::Large)
            } else if share(&|l| l < least) >= LASTING {
                Some(Off::Small)
            } else {
                None
            };
            Some(StepSize { series, log10: median(logs), off })
        };
        let mut layers: Vec<StepSize<'a>> =
            ratios.chain(divided).filter(|(s, _)| !is_bias(&s.name)).filter_map(size).collect();
        if learns {
            let usual = median(layers.iter().map(|l| l.log10));
            let is_left_behind = |l: &StepSize<'_>| l.log10 < usual - LEFT_BEHIND;
            layers
                .iter_mut()
                .filter(|l| l.off == Some(Off::Small) && !is_left_behind(l))
                .for_each(|l| l.off = None);
        }
        Self { layers, most }
    }

    /// The layers out of range on one side, the farthest first.
    pub(crate) fn off(&self, side: Off) -> Vec<&StepSize<'a>> {
        let mut off: Vec<_> = self.layers.iter().filter(|l| l.off == Some(side)).collect();
        off.sort_by(|a, b| {
            if side == Off::Small { a.log10.total_cmp(&b.log10) } else { b.log10.total_cmp(&a.log10) }
        });
        off
    }

    /// On which side (nearly) all layers are out of range, or some are and nearly all others come close to it: then it is the learning
    /// rate, and no single layer.
    pub(crate) fn all_off(&self) -> Option<Off> {
        let least = (NEARLY_ALL * self.layers.len() as f64).max(2.0);
        [Off::Large, Off::Small].into_iter().find(|side| {
            let off = self.off(*side);
            let Some(nearest) = off.last() else { return false };
            let is_close = |l: &&StepSize<'_>| match side {
                Off::Large => l.log10 > nearest.log10 - CLOSE,
                Off::Small => l.log10 < nearest.log10 + CLOSE,
            };
            self.layers.iter().filter(is_close).count() as f64 >= least
        })
    }

    /// log10 of the size by layer.
    pub(crate) fn bars(&self) -> Evidence {
        let bars = self.layers.iter().take(40).map(|l| (l.series.name.clone(), l.log10));
        Evidence::bars("log10 of update over weight, by layer", bars)
    }
}

/// log10 of update over weight by stretch, at the full learning rate; `None` where there are too few or updates of 0.
fn logs(run: &Run, series: &Series, weights: Option<&Series>) -> Option<Vec<f64>> {
    let blocks = at_full_rate(run, after_start(series));
    let weights = weights.map(|w| w.digest.split(usize::MAX));
    let of = |step: u64| match &weights {
        None => Some(1.0),
        Some(weights) => crate::layers::rate_at(weights, step),
    };
    let logs: Vec<f64> = blocks.iter().filter_map(|b| Some((b.mean / of(b.middle())?).log10())).collect();
    (logs.len() >= 6 && logs.iter().all(|l| l.is_finite())).then_some(logs)
}

/// What learning rate would give updates of [`GOOD`] size, where `log10` is the present one: in words that follow "learning rate".
pub(crate) fn better_rate(run: &Run, log10: f64) -> String {
    let factor = (GOOD.log10() - log10).clamp(-6.0, 6.0);
    match peak_learning_rate(run) {
        Some(rate) => format!("from {} to {}", round2(rate), round2(rate * 10f64.powf(factor))),
        None if factor < 0.0 => format!("by a factor of {}", round2(10f64.powf(-factor))),
        None => format!("{} times", round2(10f64.powf(factor))),
    }
}
