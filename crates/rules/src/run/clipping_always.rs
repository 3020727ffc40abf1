//! `clipping-always`

use serde::{Deserialize, Serialize};
use stetho_core::run::{Digest, Point, Quantity, Run, Series};
use stetho_core::{Draft, Evidence, Human, Remedy, Report, Rule, Severity, Signal};

use crate::runs::{curves, round2, since};
use crate::trend::median;

/// Gradients are clipped at nearly every step.
///
/// ## Why it matters
/// Clipping is meant for the few steps that would do harm. Where it binds always, every step has the same length, whatever the
/// slope: the run cannot slow down near a minimum, and the learning rate no longer means what it says.
///
/// ## What to do
/// Raise the limit to what only one step in twenty exceeds, and lower the learning rate if that is too much for the run. If the norm
/// is large because the loss is a sum over the batch, use its mean.
///
/// ## Fires on
/// ```recipe rows=300
/// step = row()
/// grad_norm = lognormal(1.6, 0.3)
/// clip_limit = 1
/// ```
/// Norms that were logged after clipping:
/// ```recipe rows=300
/// step = row()
/// grad_norm = min(0.5, lognormal(1, 0.5))
/// ```
///
/// ## Stays quiet on
/// A limit that binds in the beginning only:
/// ```recipe rows=300
/// step = row()
/// grad_norm = min(1, (0.4 + 5 * exp(-step / 20)) * lognormal(0, 0.3))
/// ```
/// ```recipe rows=300
/// step = row()
/// grad_norm = (0.4 + 5 * exp(-step / 20)) * lognormal(0, 0.3)
/// clip_limit = 1
/// ```
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct ClippingAlways {
    /// Share of steps that may be clipped.
    pub share: f64,
}

impl Default for ClippingAlways {
    fn default() -> Self {
        Self { share: 0.9 }
    }
}

impl Rule for ClippingAlways {
    type Input = Run;
    const ID: &'static str = "clipping-always";
    const SEVERITY: Severity = Severity::Warning;
    const SIGNALS: &'static [Signal] = &[Signal::GradientNorm];
    const ALSO: &'static [Signal] = &[Signal::LearningRate];

    fn check(&mut self, run: &Run, report: &mut Report) {
        // Policies are trained with short, equal steps on purpose.
        let Some(norm) = run.gradient_norm().filter(|s| s.digest.n() >= 30 && run.contest.is_none()) else {
            return;
        };
        let Some(limit) = limit(run, norm) else { return };
        let sample = norm.digest.sample();
        let is_clipped = |p: &&Point| p.value >= limit * (1.0 - TOLERANCE);
        let clipped =
            |points: &[Point]| points.iter().filter(is_clipped).count() as f64 / points.len().max(1) as f64;
        let (whole, late) = (clipped(sample), clipped(&sample[sample.len() / 2..]));
        let usual = median(sample.iter().map(|p| p.value));
        let is_after = norm.digest.highest().is_some_and(|p| p.value <= limit * (1.0 + TOLERANCE));
        // A limit just below the usual norm changes little.
        if whole.min(late) < self.share || !is_after && usual < 1.2 * limit {
            return;
        }
        let remedy = if is_after {
            format!(
                "log the norm before clipping (`clip_grad_norm_` returns it), and set the limit to its 95th percentile instead of {}",
                Human(limit)
            )
        } else {
            format!(
                "set the limit from {} to {}, the 95th percentile of the norms; with the learning rate divided by {} the steps stay as \
                 long as they are now",
                Human(limit),
                round2(norm.digest.quantile(0.95)),
                round2(usual / limit)
            )
        };
        report.raise(
            Draft::new(
                since(norm, norm.digest.first().first().map_or(0, |p| p.step)),
                format!(
                    "the gradient is clipped at {} in {} % of the logged steps",
                    Human(limit),
                    Human(100.0 * whole)
                ),
                Evidence::at_most("share of steps that are clipped", whole, self.share),
                Remedy::advice(remedy),
            )
            .count(norm.digest.n())
            .evidence(curves(run, "gradient norm", [norm].into_iter().chain(run.of(Quantity::ClipLimit))))
            .remedy(Remedy::advice("take the mean over the batch if the loss is a sum")),
        );
    }
}

/// Norms this close to the limit, relatively, are at it: `clip_grad_norm_` divides by the norm plus 1e-6.
const TOLERANCE: f64 = 1e-3;

/// To which norm gradients are clipped: as logged, where it is one number; else the greatest norm, where that is a number that a
/// person would choose and many are equal to it.
fn limit(run: &Run, norm: &Series) -> Option<f64> {
    if let Some(logged) = run.of(Quantity::ClipLimit).next() {
        let is_fixed = |d: &Digest| d.n() == 1 || d.is_constant();
        return logged.digest.last().map(|p| p.value).filter(|l| is_fixed(&logged.digest) && *l > 0.0);
    }
    // The norm after clipping tells the limit where both are logged.
    let clipped = run.of(Quantity::GradientNorm).find(|s| !s.name.is_empty()).unwrap_or(norm);
    let highest = clipped.digest.highest()?.value;
    let chosen: f64 = round2(highest).replace(',', "").parse().ok()?;
    let is_chosen = (highest - chosen).abs() <= TOLERANCE * chosen && highest > 0.0;
    is_chosen.then_some(chosen)
}

#[cfg(test)]
mod tests {
    use crate::run::testing::{judge, run, values};

    #[test]
    fn limits_that_follow_the_norm_bind_by_their_nature() {
        let norm = || values(200, |s| 3.0 + (s * 1.3).sin());
        let adaptive = run([("grad_norm", norm()), ("clip_limit", values(200, |s| 1.0 + 0.01 * s))]);
        assert!(judge("clipping-always", &adaptive).is_empty());
        let fixed = run([("grad_norm", norm()), ("clip_limit", values(200, |_| 1.0))]);
        let found = judge("clipping-always", &fixed);
        assert!(found[0].remedies[0].action.contains("from 1 to 4"), "{:?}", found[0].remedies);
    }

    #[test]
    fn a_norm_that_is_always_the_same_number_by_chance_of_the_task_is_no_limit() {
        let run = run([("grad_norm", values(200, |_| 1.732_050_8))]);
        assert!(judge("clipping-always", &run).is_empty());
    }
}
