//! `train-mode-eval`

use serde::{Deserialize, Serialize};
use stetho_core::run::{Call, Fact, Run};
use stetho_core::{Draft, Evidence, Human, Remedy, Report, Rule, Severity, Signal};

use crate::layers::{names, places};
use crate::loops::{at_line, late_share, site};

/// The model is validated in training mode.
///
/// ## Why it matters
/// Dropout drops units, and batch normalisation uses the batch at hand: scores are worse than those of the model, and depend on what lies
/// in one batch together. Worse, batch normalisation learns its statistics from the validation data.
///
/// ## What to do
/// Call `model.eval()` before validation, and `model.train()` after it.
///
/// ## Fires on
/// ```recipe rows=6
/// step = 100 * row()
/// `evaluation_mode/drop` = 1
/// `evaluation_mode/bn1` = 1
/// ```
///
/// ## Stays quiet on
/// ```recipe rows=6
/// step = 100 * row()
/// `evaluation_mode/drop` = 0
/// `evaluation_mode/bn1` = 0
/// ```
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct TrainModeEval {
    /// Share of the passes over validation data that may be made in training mode.
    pub share: f64,
    /// Logged passes without which nothing is said.
    pub points: u64,
}

impl Default for TrainModeEval {
    fn default() -> Self {
        Self { share: 0.5, points: 2 }
    }
}

impl Rule for TrainModeEval {
    type Input = Run;
    const ID: &'static str = "train-mode-eval";
    const SEVERITY: Severity = Severity::Error;
    const SIGNALS: &'static [Signal] = &[Signal::Live(Fact::EvaluationMode)];
    const ALSO: &'static [Signal] = &[Signal::Live(Fact::Site)];

    fn check(&mut self, run: &Run, report: &mut Report) {
        let modules = run.facts(Fact::EvaluationMode).filter(|s| s.digest.n() >= self.points);
        let active: Vec<_> = modules.filter(|s| late_share(s) > self.share).collect();
        let Some(first) = active.first() else { return };
        let call = Call::Forward(stetho_core::run::Part::Validation);
        let line = site(run, call);
        let (layer, others) = places(active.iter().map(|s| s.name.as_str()));
        report.raise(
            Draft::new(
                line.clone().unwrap_or_else(|| layer.clone()),
                format!(
                    "the model is validated in training mode{}: {} act as they do in training",
                    at_line(run, "at", call),
                    names(&active)
                ),
                Evidence::at_most("share of validations in training mode", late_share(first), self.share),
                Remedy::risky("switch to evaluation mode before validation, and back after it")
                    .code("model.eval()\nwith torch.no_grad():\n    ...\nmodel.train()"),
            )
            .places(line.is_some().then_some(layer))
            .places(others)
            .count(active.len() as u64)
            .evidence(Evidence::table(
                "modules by the share of validations in training mode",
                ["module", "share"],
                active.iter().map(|s| [s.name.clone(), Human(late_share(s)).to_string()]),
            )),
        );
    }
}
