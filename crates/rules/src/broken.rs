//! What stopped being a number first: a loss, a gradient or a parameter.

use stetho_core::run::{Digest, LayerQuantity, NonFinite, Quantity, Run, Series};

/// Points in a row without a finite one after which a gradient will not come back; a scaler that halves from 2^16 needs fewer.
const LASTING: u64 = 20;
/// The same after finite ones, where no scaler is known.
const LASTING_LATER: u64 = 5;

/// A series of gradients that holds values that are no numbers.
#[derive(Clone, Copy)]
pub(crate) struct BrokenGradient<'a> {
    /// The series.
    pub series: &'a Series,
    /// What is known of these values.
    pub seen: NonFinite,
    /// The step since when there have been no others, or of the first of them.
    pub since: u64,
    /// Whether it does not come back.
    pub is_lasting: bool,
}

impl<'a> BrokenGradient<'a> {
    fn of(series: &'a Series, is_scaled: bool) -> Self {
        let (digest, seen) = (&series.digest, series.digest.non_finite());
        let bouts = seen.n_onsets + u64::from(seen.n_before == 0);
        let enough = if is_scaled || digest.n() == 0 { LASTING } else { LASTING_LATER };
        let since = match digest.last() {
            Some(last) if seen.is_last && bouts > 1 => last.step + 1,
            _ => seen.first,
        };
        Self { series, seen, since, is_lasting: seen.is_last && seen.count() >= enough * bouts }
    }
}

/// Whether NaN is only a way to write that nothing was measured: they come and go, or there is nothing else.
fn is_filler(digest: &Digest) -> bool {
    let seen = digest.non_finite();
    seen.n_infinite == 0 && digest.n() > 0 && (seen.n_onsets >= 3 || seen.n_before == 0)
}

/// Whether single NaN stand beside a loss that is a number each time, so that something was measured there.
fn is_beside_loss(run: &Run, digest: &Digest) -> bool {
    let is_whole = |loss: &Digest| loss.non_finite().count() == 0 && loss.n() == digest.n_logged();
    digest.non_finite().n_nan < digest.n() && run.train_loss().is_some_and(|s| is_whole(&s.digest))
}

/// Gradients that hold values that are no numbers, the earliest first; of those at one step, first the norm of all, then the layer
/// nearest to the output: gradients are worked out from there.
pub(crate) fn gradients(run: &Run) -> Vec<BrokenGradient<'_>> {
    let is_gradient = |s: &&Series| {
        matches!(s.quantity, Quantity::GradientNorm | Quantity::Layer(LayerQuantity::GradientNorm))
    };
    let is_scaled = run.of(Quantity::LossScale).next().is_some();
    let mut broken: Vec<BrokenGradient<'_>> = run
        .series
        .iter()
        .rev()
        .filter(is_gradient)
        .filter(|s| {
            s.digest.non_finite().count() > 0 && (!is_filler(&s.digest) || is_beside_loss(run, &s.digest))
        })
        .map(|s| BrokenGradient::of(s, is_scaled))
        .collect();
    broken.sort_by_key(|b| (b.since, b.series.quantity != Quantity::GradientNorm));
    broken
}

/// Layers with parameters that are no numbers, each with the step since when, the earliest first.
pub(crate) fn parameters(run: &Run) -> Vec<(&Series, u64)> {
    let mut broken: Vec<(&Series, u64)> = run
        .series
        .iter()
        .filter_map(|s| match s.quantity {
            Quantity::Layer(LayerQuantity::WeightNorm) => {
                let seen = s.digest.non_finite();
                let is_broken = seen.is_last && s.digest.n() > 0 && !is_filler(&s.digest);
                is_broken.then_some((s, seen.first))
            }
            Quantity::Layer(LayerQuantity::NonFinite) => Some((s, counted_since(&s.digest)?)),
            _ => None,
        })
        .collect();
    broken.sort_by_key(|(_, since)| *since);
    broken
}

/// Since when a count has been above 0; `None` where it came back to 0, as that of gradients does after a skipped step.
fn counted_since(digest: &Digest) -> Option<u64> {
    let is_counted = |value: f64| value > 0.0;
    let blocks = digest.blocks();
    let first = blocks.iter().rposition(|b| !is_counted(b.min)).map_or(0, |at| at + 1);
    let lasting: u64 = blocks.get(first..)?.iter().map(|b| b.n).sum();
    (lasting >= 2 && first > 0).then(|| blocks[first].first)
}

/// The step at which a loss stopped being a number for good.
pub(crate) fn loss(run: &Run) -> Option<u64> {
    let losses =
        run.series.iter().filter(|s| matches!(s.quantity, Quantity::Loss(_) | Quantity::LossTerm(_)));
    losses
        .filter(|s| s.digest.non_finite().is_last && !is_filler(&s.digest))
        .map(|s| s.digest.non_finite().first)
        .min()
}

/// The step at which a gradient stopped being a number for good: one that does not come back, or that a loss or a parameter
/// followed.
pub(crate) fn gradient(run: &Run) -> Option<u64> {
    let followed = loss(run).into_iter().chain(parameters(run).first().map(|(_, since)| *since)).min();
    gradients(run)
        .iter()
        .filter(|b| b.is_lasting || b.seen.is_last && followed.is_some_and(|step| b.since <= step))
        .map(|b| b.since)
        .min()
}

/// Whether a gradient or a parameter stopped being a number before `step`, at which a loss did.
pub(crate) fn before_loss(run: &Run, step: u64) -> bool {
    let parameter = parameters(run).first().map(|(_, since)| *since);
    gradient(run).into_iter().chain(parameter).any(|first| first < step)
}
