//! `saturated-activations`

use serde::{Deserialize, Serialize};
use stetho_core::run::{LayerQuantity, Run};
use stetho_core::{Draft, Evidence, Human, Remedy, Report, Rule, Severity, Signal};

use crate::layers::{Held, has_learned, names, places};
use crate::runs::{at, curves, peak_learning_rate, round2};

/// Most outputs of a layer lie in the flat part of its activation function.
///
/// ## Why it matters
/// Where tanh or a sigmoid is flat its slope is near 0: hardly any gradient passes, and the layers before it stand still. The layer
/// gives out little more than signs.
///
/// ## What to do
/// Bring the inputs of the layer back to a spread of about 1: smaller initial weights (Xavier), normalisation before the activation,
/// scaled inputs, a lower learning rate if it came while training.
///
/// ## Fires on
/// ```recipe rows=200
/// step = row()
/// loss = 2.3 + normal(0, 0.01)
/// `saturated_share/tanh1` = 0.95 + normal(0, 0.005)
/// `saturated_share/tanh2` = 0.2 + normal(0, 0.02)
/// ```
///
/// ## Stays quiet on
/// ```recipe rows=200
/// step = row()
/// loss = exp(-step / 40)
/// `saturated_share/tanh1` = 0.6 + normal(0, 0.02)
/// `saturated_share/tanh2` = 0.3 + normal(0, 0.02)
/// ```
/// Outputs of the network that have become sure:
/// ```recipe rows=200
/// step = row()
/// loss = exp(-step / 40)
/// `saturated_share/tanh1` = 0.2 + normal(0, 0.02)
/// `saturated_share/output` = 0.97 * (1 - exp(-step / 20))
/// ```
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct SaturatedActivations {
    /// Share of outputs that may lie in the flat part.
    pub saturated: f64,
}

impl Default for SaturatedActivations {
    fn default() -> Self {
        Self { saturated: 0.85 }
    }
}

impl Rule for SaturatedActivations {
    type Input = Run;
    const ID: &'static str = "saturated-activations";
    const SEVERITY: Severity = Severity::Warning;
    const SIGNALS: &'static [Signal] = &[Signal::SaturatedUnits];
    const ALSO: &'static [Signal] = &[Signal::LearningRate, Signal::TrainLoss];

    fn check(&mut self, run: &Run, report: &mut Report) {
        let layers: Vec<_> = run.layers(LayerQuantity::SaturatedShare).collect();
        // The outputs of a network that has learned are sure, and thus saturated; they were not at the start.
        let is_output = |held: &Held<'_>| {
            layers.last().is_some_and(|last| last.name == held.series.name)
                && !held.is_from_start(0.5 * self.saturated)
                && has_learned(run)
        };
        let held = layers.iter().filter_map(|s| Held::of(s, self.saturated));
        let mut flat: Vec<Held<'_>> = held.filter(|h| !is_output(h)).collect();
        flat.sort_by(|a, b| b.level.total_cmp(&a.level));
        let Some(worst) = flat.first() else { return };
        let layers: Vec<_> = flat.iter().map(|held| held.series).collect();
        let (place, others) = places(layers.iter().map(|s| s.name.as_str()));
        report.raise(
            Draft::new(
                place,
                format!(
                    "in {} up to {} % of the outputs are saturated, since {}",
                    names(&layers),
                    Human((1000.0 * worst.level).round() / 10.0),
                    at(run, worst.since)
                ),
                Evidence::at_most("share of saturated outputs", worst.level, self.saturated),
                Remedy::advice(remedy(run, worst, self.saturated)),
            )
            .places(others)
            .count(flat.len() as u64)
            .evidence(Evidence::bars(
                "share by layer, last third of the run",
                flat.iter().map(|held| (held.series.name.clone(), held.level)),
            ))
            .evidence(curves(run, "share by step", layers.iter().take(5).copied()))
            .remedy(Remedy::advice("normalise before the activation, or use ReLU or GELU in these layers")),
        );
    }
}

fn remedy(run: &Run, worst: &Held<'_>, limit: f64) -> String {
    if worst.is_from_start(limit) {
        return "it was so at the first step: initialise smaller (Xavier), and scale the inputs to a spread of 1".into();
    }
    match peak_learning_rate(run) {
        Some(rate) => format!(
            "it came while training: lower the learning rate from {} to {}, and add weight decay",
            round2(rate),
            round2(rate / 10.0)
        ),
        None => "it came while training: lower the learning rate tenfold, and add weight decay".into(),
    }
}

#[cfg(test)]
mod tests {
    use crate::run::testing::{judge, run, run_every, values};

    #[test]
    fn a_layer_that_saturates_half_way_is_told_with_the_step() {
        let share = |of: fn(f64) -> f64| values(40, of);
        let run = run_every(
            50,
            [("lr", share(|_| 0.1)), ("saturated_share/tanh1", share(|s| if s < 10.0 { 0.1 } else { 0.9 }))],
        );
        let found = judge("saturated-activations", &run);
        assert!(
            found[0].message.contains("90 %") && found[0].message.contains("step 500"),
            "{}",
            found[0].message
        );
        assert!(found[0].remedies[0].action.contains("from 0.1 to 0.01"), "{:?}", found[0].remedies);
    }

    #[test]
    fn a_few_points_are_not_lasting() {
        let run = run([("saturated_share/tanh1", vec![0.9; 4])]);
        assert!(judge("saturated-activations", &run).is_empty());
    }
}
