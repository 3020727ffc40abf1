//! `non-finite-gradient`

use serde::{Deserialize, Serialize};
use stetho_core::run::{LayerQuantity, Quantity, Run, TrapKind};
use stetho_core::{Draft, Evidence, Human, Place, Remedy, Report, Rule, Severity, Signal};

use crate::broken::{self, BrokenGradient};
use crate::runs::{at, curves, line, round2, since as steps_from};
use crate::trapped;

/// A gradient that stops being a number while the loss still is one.
///
/// ## Why it matters
/// An optimizer that steps with such a gradient makes every parameter NaN; one that skips the step, as scalers of half precision do,
/// learns nothing from then on. A loss can be finite where its slope is not: `sqrt` at 0, `norm` of a zero vector, a masked `log`.
///
/// ## What to do
/// Look at the layer named: gradients are worked out from the output to the input, so the layer nearest to the output comes first.
/// Put an epsilon under roots and into norms, and choose values before they are put into `log` or a division, not after.
///
/// ## Fires on
/// ```csv
/// step,loss,grad_norm
/// 0,2.3,1.1
/// 1,2.2,1.3
/// 2,2.1,nan
/// 3,nan,nan
/// 4,nan,nan
/// ```
///
/// ## Stays quiet on
/// The first steps in half precision, in which the scaler looks for its scale, and a step that it skips later:
/// ```csv
/// step,loss,grad_norm
/// 0,2.3,inf
/// 1,2.3,inf
/// 2,2.2,1.3
/// 3,2.1,1.2
/// 4,2.0,1.2
/// 5,1.9,inf
/// 6,1.8,1.1
/// 7,1.7,1.2
/// ```
/// A loss that broke first, which is told by `non-finite-loss`:
/// ```csv
/// step,loss,grad_norm
/// 0,2.3,1.1
/// 1,nan,nan
/// 2,nan,nan
/// ```
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct NonFiniteGradient {
    /// Share of logged steps that may be skipped where no loss scale is logged.
    pub skipped: f64,
}

impl Default for NonFiniteGradient {
    fn default() -> Self {
        Self { skipped: 0.1 }
    }
}

impl Rule for NonFiniteGradient {
    type Input = Run;
    const ID: &'static str = "non-finite-gradient";
    const SEVERITY: Severity = Severity::Error;
    const SIGNALS: &'static [Signal] = &[Signal::AnyGradient];
    const ALSO: &'static [Signal] = &[Signal::AnyLoss, Signal::LossScale, Signal::LayerWeights];

    fn check(&mut self, run: &Run, report: &mut Report) {
        if !trapped::raise(run, TrapKind::Gradient, report) {
            return;
        }
        let gradients = broken::gradients(run);
        let Some(since) = broken::gradient(run) else { return self.check_skipped(run, &gradients, report) };
        let loss = broken::loss(run);
        let parameter = broken::parameters(run).first().map(|(_, since)| *since);
        if loss.is_some_and(|l| l <= since)
            || parameter.is_some_and(|p| p < since)
            || is_only_logged(run, loss)
        {
            return;
        }
        let first: Vec<_> = gradients.iter().filter(|b| b.since == since && b.seen.is_last).collect();
        let layer = first.iter().find(|b| b.series.quantity != Quantity::GradientNorm);
        let Some(broken) = layer.or(first.first()) else { return };
        let named = layer
            .map(|b| format!(", first in the backward pass that of `{}`", b.series.name))
            .unwrap_or_default();
        let word = if broken.seen.n_nan > 0 { "NaN" } else { "infinite" };
        let after = loss.map_or_else(
            || "while the loss is finite".to_owned(),
            |step| format!("and the loss is since {}", at(run, step)),
        );
        let (place, others) = layers_or_steps(&first, steps_from(broken.series, since));
        report.raise(
            Draft::new(
                place,
                format!("the gradient is {word} since {}{named}, {after}", at(run, since)),
                Evidence::at_most("logged gradients that are no numbers", broken.seen.count() as f64, 0.0),
                Remedy::advice(format!(
                    "run from a checkpoint before {} with `torch.autograd.set_detect_anomaly(True)`: it names the operation",
                    at(run, since)
                )),
            )
            .count(broken.seen.count())
            .places(others)
            .evidence(Evidence::curves("norm before it", run.unit, [line(broken.series, broken.series.tag.clone())]))
            .remedy(Remedy::advice("put an epsilon under `sqrt`, into `norm` and divisions; mask before `log`, not after"))
            .remedy(Remedy::advice(clip(broken))),
        );
    }
}

impl NonFiniteGradient {
    /// Steps that are skipped too often to be the work of a scaler.
    fn check_skipped(&self, run: &Run, gradients: &[BrokenGradient<'_>], report: &mut Report) {
        if run.of(Quantity::LossScale).next().is_some() {
            return;
        }
        let share = |b: &BrokenGradient<'_>| b.seen.count() as f64 / b.series.digest.n_logged() as f64;
        let often = gradients.iter().filter(|b| b.seen.n_onsets >= 10);
        let Some(worst) = often.max_by(|a, b| share(a).total_cmp(&share(b))) else { return };
        let skipped = share(worst);
        if skipped <= self.skipped {
            return;
        }
        report.raise(
            Draft::new(
                steps_from(worst.series, worst.seen.first),
                format!("`{}` is no number in {} % of the logged steps, while the loss is one", worst.series.tag, Human((1000.0 * skipped).round() / 10.0)),
                Evidence::at_most("share of steps with such a gradient", skipped, self.skipped),
                Remedy::advice(format!(
                    "run the step of {} again with `torch.autograd.set_detect_anomaly(True)`; a root or norm of 0 has no slope: add an \
                     epsilon under it",
                    at(run, worst.seen.last)
                )),
            )
            .count(worst.seen.count())
            .severity(Severity::Warning)
            .evidence(curves(run, "gradient norm, where it is one", [worst.series]))
            .remedy(Remedy::advice("in half precision: use bfloat16, or see whether the loss scale settles; a skipped step teaches nothing")),
        );
    }
}

/// Whether the norm was never a number although the loss falls: then it is the logging that is broken.
fn is_only_logged(run: &Run, loss: Option<u64>) -> bool {
    let was_a_number = run.of(Quantity::GradientNorm).next().is_some()
        || run.layers(LayerQuantity::GradientNorm).next().is_some();
    !was_a_number && loss.is_none() && crate::layers::has_learned(run)
}

fn layers_or_steps(broken: &[&BrokenGradient<'_>], steps: Place) -> (Place, Vec<Place>) {
    let names = broken.iter().map(|b| b.series.name.as_str()).filter(|n| !n.is_empty());
    let (place, others) = crate::layers::places(names);
    if place == Place::Whole {
        return (steps, Vec::new());
    }
    (place, others.into_iter().chain([steps]).collect())
}

/// Where the norms had grown before, clipping helps.
fn clip(broken: &BrokenGradient<'_>) -> String {
    let norm = crate::layers::quantile_until(broken.series, broken.since, 0.95);
    if norm.is_finite() {
        format!(
            "clip the gradient norm at {}, its 95th percentile before, if it grew towards that step",
            round2(norm)
        )
    } else {
        "start with a lower learning rate, in 32 bits".to_owned()
    }
}

#[cfg(test)]
mod tests {
    use crate::run::testing::{judge, run, values};

    #[test]
    fn names_the_layer_nearest_to_the_output() {
        let broke = |at: f64| values(60, move |s| if s >= at { f64::NAN } else { 1.0 });
        let run = run([
            ("loss", values(60, |s| 2.0 - 0.01 * s)),
            ("grad_norm/fc1", broke(40.0)),
            ("grad_norm/fc2", broke(40.0)),
            ("grad_norm/fc3", values(60, |_| 1.0)),
        ]);
        let found = judge("non-finite-gradient", &run);
        assert_eq!(found.len(), 1);
        assert!(found[0].message.contains("`fc2`"), "{}", found[0].message);
        assert!(found[0].message.contains("step 40"), "{}", found[0].message);
    }

    #[test]
    fn a_scaler_may_skip_steps_now_and_then_but_not_every_third() {
        let skips = |every: f64| {
            run([
                ("loss", values(400, |s| 2.0 - 0.001 * s)),
                ("grad_norm", values(400, move |s| if s % every < 1.0 { f64::INFINITY } else { 1.0 })),
            ])
        };
        assert!(judge("non-finite-gradient", &skips(40.0)).is_empty());
        let found = judge("non-finite-gradient", &skips(3.0));
        assert_eq!(found[0].severity, stetho_core::Severity::Warning);
    }

    #[test]
    fn parameters_that_broke_before_are_the_cause() {
        let run = run([
            ("weight_norm/fc1", values(60, |s| if s >= 39.0 { f64::NAN } else { 1.0 })),
            ("grad_norm/fc1", values(60, |s| if s >= 40.0 { f64::NAN } else { 1.0 })),
        ]);
        assert!(judge("non-finite-gradient", &run).is_empty());
        assert_eq!(judge("non-finite-parameter", &run).len(), 1);
    }
}
