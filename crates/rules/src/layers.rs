//! What rules on the layers of a run share.

use stetho_core::run::{Block, LayerQuantity, Run, Series};
use stetho_core::{Evidence, Place};

use crate::trend::{median, trend};

/// Stretches in which a layer is looked at.
const STRETCHES: usize = 20;
/// Layers of a drawing.
const DRAWN: usize = 40;

/// Whether a parameter is an offset: it starts at 0, so that its first updates are large against it.
pub(crate) fn is_bias(name: &str) -> bool {
    let (layer, last) = name.rsplit_once(['.', '/', '_']).unwrap_or(("", name));
    let last = last.to_ascii_lowercase();
    last.starts_with("bias") || last == "b" && !layer.is_empty()
}

/// Whether a layer has gradients of another size than its neighbours by its nature: an embedding gets them from a few rows, the scale
/// of a normalisation from all positions.
pub(crate) fn is_apart(name: &str) -> bool {
    let name = name.to_ascii_lowercase();
    let words = name.split(['.', '/', '_', '-']);
    let is_norm = |w: &str| ["bn", "ln", "gn"].contains(&w.trim_end_matches(|c: char| c.is_ascii_digit()));
    name.contains("emb")
        || name.contains("norm")
        || words.into_iter().any(|w| is_norm(w) || w == "wte" || w == "wpe")
}

/// A layer's series after its start, in stretches of about equally many points: without the first tenth.
pub(crate) fn after_start(series: &Series) -> Vec<Block> {
    let mut blocks = series.digest.split(STRETCHES);
    blocks.drain(..blocks.len().div_ceil(10).min(blocks.len().saturating_sub(1)));
    blocks
}

/// The share of stretches in which `test` holds; 0 of none.
pub(crate) fn share(blocks: &[Block], test: impl Fn(&Block) -> bool) -> f64 {
    let n = blocks.iter().filter(|b| test(b)).count();
    n as f64 / blocks.len().max(1) as f64
}

/// A layer in which something is too high, and has been for long.
pub(crate) struct Held<'a> {
    /// The layer's series.
    pub series: &'a Series,
    /// Median level in the last third of the run.
    pub level: f64,
    /// Level of the first points.
    pub start: f64,
    /// Step from which on it has been too high.
    pub since: u64,
}

impl<'a> Held<'a> {
    /// Points without which nothing is lasting.
    const LEAST: u64 = 6;

    /// The series, where it has been at `limit` or above in nearly all of the last third of the run, and is now.
    pub(crate) fn of(series: &'a Series, limit: f64) -> Option<Self> {
        let blocks = series.digest.split(STRETCHES);
        if series.digest.n() < Self::LEAST || series.digest.highest()?.value > 1.0 {
            return None;
        }
        let late = &blocks[blocks.len() * 2 / 3..];
        let level = median(late.iter().map(|b| b.mean));
        if level < limit || share(late, |b| b.mean >= limit) < 0.9 || late.last()?.mean < limit {
            return None;
        }
        let since = blocks.iter().rposition(|b| b.mean < limit).map_or(0, |below| below + 1);
        let start = series.digest.first().first()?.value;
        Some(Self { series, level, start, since: blocks.get(since)?.first })
    }

    /// Whether it was as high at the very start: made so by the initial values, not by training.
    pub(crate) fn is_from_start(&self, limit: f64) -> bool {
        self.start >= limit
    }
}

/// The median size of the gradient of each layer, input to output, in four parts of the run.
pub(crate) struct Depths<'a> {
    /// Layers with their medians by quarter; embeddings, normalisations and what gets no gradient left out.
    pub layers: Vec<(&'a Series, [f64; 4])>,
}

impl<'a> Depths<'a> {
    /// Fewer layers have no depth.
    const LEAST: usize = 4;

    /// The sizes by depth, of weights and apart from them of offsets, where enough layers were logged for long enough. The gradient of
    /// an offset is what arrives at its layer; that of weights has a factor of the layer's inputs in it.
    pub(crate) fn of(run: &'a Run) -> impl Iterator<Item = Self> {
        [false, true].into_iter().filter_map(move |of_biases| {
            let layers = run.layers(LayerQuantity::GradientNorm);
            let layers = layers.filter(|s| is_bias(&s.name) == of_biases && !is_apart(&s.name));
            let layers = layers.filter(|s| !of_biases || !is_cancelled(run, s));
            let layers: Vec<_> = layers.filter_map(|s| Some((s, quarters(s)?))).collect();
            (layers.len() >= Self::LEAST).then_some(Self { layers })
        })
    }

    /// The size over all of the run but its first quarter.
    pub(crate) fn size(quarters: &[f64; 4]) -> f64 {
        median(quarters[1..].iter().copied())
    }

    /// Whether sizes change from layer to layer in one direction, in each of the last three quarters: the rank correlation with depth
    /// is at least `least` (at most, where negative), and the first over the last passes `test`.
    pub(crate) fn is_graded(&self, least: f64, test: impl Fn(f64) -> bool) -> bool {
        (1..4).all(|quarter| {
            let sizes: Vec<f64> = self.layers.iter().map(|(_, q)| q[quarter]).collect();
            let tau = concordance(&sizes);
            let ratio = sizes[0] / sizes[sizes.len() - 1];
            (if least < 0.0 { tau <= least } else { tau >= least }) && test(ratio)
        })
    }

    /// Whether gradients shrink towards the input until hardly anything is left: the first over the last below `ratio`, and the first
    /// below `tiny`.
    pub(crate) fn vanishes(&self, ratio: f64, tiny: f64) -> bool {
        let first = self.layers.first().map_or(f64::NAN, |(_, q)| Self::size(q));
        first < tiny && self.is_graded(0.6, |r| r < ratio)
    }

    /// By which factor the size changes from one layer to the one before it, on average.
    pub(crate) fn step(&self) -> f64 {
        let first = Self::size(&self.layers[0].1);
        let last = Self::size(&self.layers[self.layers.len() - 1].1);
        (first / last).powf(1.0 / (self.layers.len() - 1) as f64)
    }

    /// Sizes by layer, as powers of ten.
    pub(crate) fn bars(&self) -> Evidence {
        let bars = self.layers.iter().take(DRAWN).map(|(s, q)| (s.name.clone(), Self::size(q).log10()));
        Evidence::bars("log10 of the gradient norm, input to output", bars)
    }
}

/// Whether an offset is without effect, as one right before a normalisation: its weights get gradients, and it gets next to none.
fn is_cancelled(run: &Run, offset: &Series) -> bool {
    let weights = offset.name.strip_suffix("bias").map(|module| format!("{module}weight"));
    let own = run.layers(LayerQuantity::GradientNorm).find(|s| Some(&s.name) == weights.as_ref());
    own.is_some_and(|own| offset.digest.quantile(0.5) < 1e-4 * own.digest.quantile(0.5))
}

/// Medians of the four quarters of a series; `None` where it is too short or mostly 0.
fn quarters(series: &Series) -> Option<[f64; 4]> {
    let blocks = series.digest.split(32);
    let n = blocks.len();
    if n < 8 {
        return None;
    }
    let part = |i: usize| median(blocks[i * n / 4..(i + 1) * n / 4].iter().map(|b| b.mean));
    let parts = [part(0), part(1), part(2), part(3)];
    parts.iter().all(|p| *p > 0.0).then_some(parts)
}

/// How well values rise with their order, −1 to 1 (Kendall's τ).
fn concordance(values: &[f64]) -> f64 {
    let n = values.len() as f64;
    let mut sum = 0.0;
    for (i, a) in values.iter().enumerate() {
        for b in &values[i + 1..] {
            sum += f64::from(u8::from(b > a)) - f64::from(u8::from(b < a));
        }
    }
    sum / (n * (n - 1.0) / 2.0)
}

/// The learning rate at a step: of the last stretch that began before it; `None` where no rate is logged.
pub(crate) fn rate_at(rates: &[Block], step: u64) -> Option<f64> {
    let after = rates.partition_point(|b| b.first <= step);
    rates.get(after.saturating_sub(1)).map(|b| b.mean)
}

/// Stretches in which the learning rate is neither being warmed up nor at the end of its decay: a tenth of its peak or more.
pub(crate) fn at_full_rate(run: &Run, mut blocks: Vec<Block>) -> Vec<Block> {
    if let Some(rate) = run.learning_rate() {
        let rates = rate.digest.blocks();
        let peak = rates.iter().map(|b| b.mean).fold(0.0, f64::max);
        blocks.retain(|b| rate_at(rates, b.middle()).is_none_or(|rate| rate >= 0.1 * peak));
    }
    blocks
}

/// Whether the training loss has come down to less than half of where it began.
pub(crate) fn has_learned(run: &Run) -> bool {
    run.train_loss().is_some_and(|s| {
        let blocks = s.digest.split(STRETCHES);
        let ends = s.digest.first().first().zip(blocks.last());
        let means: Vec<f64> = blocks.iter().map(|b| b.mean).collect();
        ends.is_some_and(|(start, end)| start.value > 0.0 && end.mean < 0.5 * start.value)
            && trend(&means) < -1.6
    })
}

/// The places of layers, the first one apart.
pub(crate) fn places<'a>(names: impl IntoIterator<Item = &'a str>) -> (Place, Vec<Place>) {
    crate::show::first_place(names.into_iter().map(Place::layer).collect())
}

/// Names for a message.
pub(crate) fn names(all: &[&Series]) -> String {
    let names: Vec<&str> = all.iter().map(|s| s.name.as_str()).collect();
    crate::show::list(&names)
}

/// The `q`-quantile of the points of a series up to a step.
pub(crate) fn quantile_until(series: &Series, step: u64, q: f64) -> f64 {
    let mut values: Vec<f64> =
        series.digest.sample().iter().filter(|p| p.step <= step).map(|p| p.value).collect();
    values.sort_by(f64::total_cmp);
    let at = (values.len().saturating_sub(1)) as f64 * q;
    values.get(at.round() as usize).copied().unwrap_or(f64::NAN)
}
