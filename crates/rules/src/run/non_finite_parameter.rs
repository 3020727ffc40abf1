//! `non-finite-parameter`

use serde::{Deserialize, Serialize};
use stetho_core::run::{Run, TrapKind};
use stetho_core::{Draft, Evidence, Remedy, Report, Rule, Severity, Signal};

use crate::broken;
use crate::layers::{names, places};
use crate::runs::{at, line};
use crate::trapped;

/// A parameter that stops being a number before the loss and the gradient do.
///
/// ## Why it matters
/// What such a layer gives out is NaN for every input; the training cannot repair it. As loss and gradient were still finite, the
/// optimizer made it: a step that overflows, a division by a second moment of 0, a learning rate that is no number.
///
/// ## What to do
/// Go back to a checkpoint before that step. Look at the optimizer's state of the layer named: its epsilon (1e-8 is 0 in half
/// precision), the learning rate of its group, code that writes to the weights.
///
/// ## Fires on
/// ```csv
/// step,loss,grad_norm/fc1,grad_norm/fc2,weight_norm/fc1,weight_norm/fc2
/// 0,2.3,1.0,1.1,4.0,3.0
/// 1,2.2,1.0,1.2,4.1,3.1
/// 2,2.1,1.1,1.2,4.2,nan
/// 3,nan,nan,nan,nan,nan
/// 4,nan,nan,nan,nan,nan
/// ```
///
/// ## Stays quiet on
/// A loss that broke first, which is told by `non-finite-loss`:
/// ```csv
/// step,loss,weight_norm/fc1,weight_norm/fc2
/// 0,2.3,4.0,3.0
/// 1,2.2,4.1,3.1
/// 2,nan,nan,nan
/// 3,nan,nan,nan
/// ```
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct NonFiniteParameter {}

impl Rule for NonFiniteParameter {
    type Input = Run;
    const ID: &'static str = "non-finite-parameter";
    const SEVERITY: Severity = Severity::Error;
    const SIGNALS: &'static [Signal] = &[Signal::LayerWeights];
    const ALSO: &'static [Signal] = &[Signal::AnyLoss, Signal::AnyGradient];

    fn check(&mut self, run: &Run, report: &mut Report) {
        if !trapped::raise(run, TrapKind::Parameter, report) {
            return;
        }
        let broken = broken::parameters(run);
        let Some(&(worst, since)) = broken.first() else { return };
        let earlier = broken::loss(run).into_iter().chain(broken::gradient(run));
        if earlier.into_iter().any(|step| step <= since) {
            return;
        }
        let first: Vec<_> = broken.iter().filter(|(_, s)| *s == since).map(|(layer, _)| *layer).collect();
        let (place, others) = places(broken.iter().map(|(layer, _)| layer.name.as_str()));
        let rows = broken.iter().map(|(layer, step)| [layer.name.clone(), at(run, *step)]);
        report.raise(
            Draft::new(
                place,
                format!(
                    "parameters of {} are no numbers since {}, while loss and gradient still were",
                    names(&first),
                    at(run, since)
                ),
                Evidence::at_most("layers that hold NaN or infinite values", broken.len() as f64, 0.0),
                Remedy::advice(format!("go on from a checkpoint before {}", at(run, since))),
            )
            .places(others)
            .count(broken.len() as u64)
            .evidence(Evidence::table("layers by the first such value", ["layer", "since"], rows))
            .evidence(Evidence::curves("before it", run.unit, [line(worst, worst.tag.clone())]))
            .remedy(Remedy::advice(
                "set the optimizer's `eps` to 1e-6 or more in half precision, and look for code that writes to these weights",
            )),
        );
    }
}

#[cfg(test)]
mod tests {
    use crate::run::testing::{judge, run, values};

    #[test]
    fn counts_that_come_back_to_0_are_those_of_a_skipped_step() {
        let counted = |of: fn(f64) -> f64| {
            run([("loss", values(100, |s| 2.0 - 0.01 * s)), ("non_finite/fc1", values(100, of))])
        };
        let skipped = counted(|s| if (s - 50.0).abs() < 0.5 { 64.0 } else { 0.0 });
        assert!(judge("non-finite-parameter", &skipped).is_empty());
        let lost = counted(|s| if s >= 50.0 { 64.0 } else { 0.0 });
        let found = judge("non-finite-parameter", &lost);
        assert!(found[0].message.contains("`fc1` are no numbers since step 50"), "{}", found[0].message);
    }
}
