//! `dead-activations`

use serde::{Deserialize, Serialize};
use stetho_core::run::{LayerQuantity, Quantity, Run};
use stetho_core::{Draft, Evidence, Human, Remedy, Report, Rule, Severity, Signal};

use crate::layers::{Held, names, places};
use crate::runs::{at, curves, peak_learning_rate, round2};

/// Most units of a layer give out zero for every sample.
///
/// ## Why it matters
/// A ReLU whose input is negative for all samples has no slope: it gets no gradient and never comes back. The network is smaller than
/// it looks; where a whole layer is dead, nothing passes and nothing before it learns.
///
/// ## What to do
/// If the units died while training, one or a few steps were too large: lower the learning rate or warm it up. If they were dead from
/// the start, look at the initialisation, at large negative biases and at inputs that are not centred. LeakyReLU and GELU cannot die.
///
/// ## Fires on
/// ```recipe rows=200
/// step = row()
/// lr = 0.5
/// `dead_share/relu1` = 0.1
/// `dead_share/relu2` = min(0.92, 0.1 + step / 60)
/// ```
///
/// ## Stays quiet on
/// Half of the units dead, and a layer that recovered:
/// ```recipe rows=200
/// step = row()
/// `dead_share/relu1` = 0.5
/// `dead_share/relu2` = max(0.1, 0.9 - step / 60)
/// ```
/// Outputs that are often zero, each unit for other samples:
/// ```recipe rows=200
/// step = row()
/// `zero_share/relu1` = 0.8 + normal(0, 0.01)
/// `zero_share/relu2` = 0.93 + normal(0, 0.01)
/// ```
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct DeadActivations {
    /// Share of units that may be zero for every sample.
    pub dead: f64,
    /// Share of outputs that may be zero, where dead units are not logged.
    pub zeros: f64,
}

impl Default for DeadActivations {
    fn default() -> Self {
        Self { dead: 0.7, zeros: 0.98 }
    }
}

impl Rule for DeadActivations {
    type Input = Run;
    const ID: &'static str = "dead-activations";
    const SEVERITY: Severity = Severity::Warning;
    const SIGNALS: &'static [Signal] = &[Signal::DeadUnits];
    const ALSO: &'static [Signal] = &[Signal::LearningRate];

    fn check(&mut self, run: &Run, report: &mut Report) {
        let counted: Vec<_> = run.layers(LayerQuantity::DeadShare).collect();
        let uncounted = run
            .layers(LayerQuantity::ZeroShare)
            .filter(|s| counted.iter().all(|c| c.name != s.name))
            .filter_map(|s| Some((Held::of(s, self.zeros)?, self.zeros)));
        let mut dead: Vec<(Held<'_>, f64)> = counted
            .iter()
            .filter_map(|s| Some((Held::of(s, self.dead)?, self.dead)))
            .chain(uncounted)
            .collect();
        dead.sort_by(|a, b| b.0.level.total_cmp(&a.0.level));
        let Some((worst, limit)) = dead.first() else { return };
        let layers: Vec<_> = dead.iter().map(|(held, _)| held.series).collect();
        let (place, others) = places(layers.iter().map(|s| s.name.as_str()));
        let is_counted = worst.series.quantity == Quantity::Layer(LayerQuantity::DeadShare);
        let what = if is_counted { "units are zero for every sample" } else { "outputs are zero" };
        report.raise(
            Draft::new(
                place,
                format!(
                    "in {} up to {} % of the {what}, since {}",
                    names(&layers),
                    Human((1000.0 * worst.level).round() / 10.0),
                    at(run, worst.since)
                ),
                Evidence::at_most(
                    if is_counted { "share of dead units" } else { "share of zeros" },
                    worst.level,
                    *limit,
                ),
                Remedy::advice(remedy(run, worst, *limit)),
            )
            .places(others)
            .count(dead.len() as u64)
            .evidence(Evidence::bars(
                "share by layer, last third of the run",
                dead.iter().map(|(held, _)| (held.series.name.clone(), held.level)),
            ))
            .evidence(curves(run, "share by step", layers.iter().take(5).copied()))
            .remedy(Remedy::advice("use LeakyReLU, ELU or GELU in place of ReLU in these layers")),
        );
    }
}

fn remedy(run: &Run, worst: &Held<'_>, limit: f64) -> String {
    if worst.is_from_start(limit) {
        return "it was so at the first step: initialise for ReLU (He), with biases of 0, and centre the inputs".into();
    }
    match peak_learning_rate(run) {
        Some(rate) => format!(
            "the units died while training: lower the learning rate from {} to {}, or warm it up",
            round2(rate),
            round2(rate / 10.0)
        ),
        None => "the units died while training: lower the learning rate tenfold, or warm it up".into(),
    }
}

#[cfg(test)]
mod tests {
    use crate::run::testing::{judge, run, values};

    #[test]
    fn layers_are_one_finding_worst_first() {
        let run = run([
            ("dead_share/a", values(50, |_| 0.8)),
            ("dead_share/b", values(50, |_| 0.1)),
            ("zero_share/b", values(50, |_| 0.99)),
            ("zero_share/c", values(50, |_| 0.999)),
        ]);
        let found = judge("dead-activations", &run);
        assert_eq!(found.len(), 1);
        let places: Vec<_> = found[0].places.iter().collect();
        assert_eq!(places, [&stetho_core::Place::layer("c"), &stetho_core::Place::layer("a")]);
        assert!(found[0].remedies[0].action.contains("first step"), "{:?}", found[0].remedies);
    }
}
