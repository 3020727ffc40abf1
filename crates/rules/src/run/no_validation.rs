//! `no-validation`

use serde::{Deserialize, Serialize};
use stetho_core::run::{Fact, Part, Run};
use stetho_core::{Draft, Evidence, Place, Remedy, Report, Rule, Severity, Signal};

/// Nothing about validation data was logged in the whole run.
///
/// ## Why it matters
/// The training loss falls for a model that memorises as well as for one that learns. Without data it has not seen, nobody can tell which
/// of the two it does, nor when to stop.
///
/// ## What to do
/// Hold back a part of the data, and log its loss and the metric you care for a few times an epoch.
///
/// ## Fires on
/// ```recipe rows=300
/// step = row()
/// loss = 0.5 + exp(-step / 50) + normal(0, 0.05)
/// ```
///
/// ## Stays quiet on
/// ```recipe rows=300
/// step = row()
/// loss = 0.5 + exp(-step / 50) + normal(0, 0.05)
/// val_loss = 0.6 + exp(-step / 50) + normal(0, 0.05)
/// ```
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct NoValidation {
    /// Points of the training loss before it is missed; a quarter of it where each is an epoch.
    pub points: u64,
}

impl Default for NoValidation {
    fn default() -> Self {
        Self { points: 40 }
    }
}

impl Rule for NoValidation {
    type Input = Run;
    const ID: &'static str = "no-validation";
    const SEVERITY: Severity = Severity::Info;
    const SIGNALS: &'static [Signal] = &[Signal::TrainLoss];
    const ALSO: &'static [Signal] = &[Signal::ValidationLoss, Signal::Metrics];

    fn check(&mut self, run: &Run, report: &mut Report) {
        let held_out = |part| run.metrics(part).next().is_some();
        let points = if run.unit == "epoch" { self.points / 4 } else { self.points };
        let Some(series) = run.train_loss().filter(|s| s.digest.n() >= points) else { return };
        let is_judged = run.validation_loss().is_some() || held_out(Part::Validation) || held_out(Part::Test);
        // What was seen of a live run beside its numbers: passes over data that are not trained on.
        let is_seen =
            [Fact::EvaluationMode, Fact::Evaluated].iter().any(|fact| run.facts(*fact).next().is_some());
        if is_judged || is_seen || run.contest.is_some() {
            return;
        }
        report.raise(
            Draft::new(
                Place::Whole,
                format!("{} points of the training loss, and none of validation", series.digest.n()),
                Evidence::at_least("points of a validation loss or metric", 0.0, 1.0),
                Remedy::advice("hold back a part of the data, and log its loss a few times an epoch (as `val_loss`, `val/loss`)"),
            )
            .remedy(Remedy::advice("if it is logged under another name, say so: `--map val_loss=NAME`")),
        );
    }
}
