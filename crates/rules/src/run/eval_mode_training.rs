//! `eval-mode-training`

use serde::{Deserialize, Serialize};
use stetho_core::run::{Call, Fact, Run};
use stetho_core::{Draft, Evidence, Human, Remedy, Report, Rule, Severity, Signal};

use crate::layers::{names, places};
use crate::loops::{at_line, held_since, late_share, site};
use crate::runs::{at, since};

/// The model is trained in evaluation mode.
///
/// ## Why it matters
/// Dropout drops nothing, and batch normalisation uses the statistics that it has instead of those of the batch, and does not learn them.
/// The usual way into it is an evaluation that calls `model.eval()`, after which nobody calls `model.train()` again.
///
/// ## What to do
/// Call `model.train()` at the start of every training epoch, not once before the first.
///
/// ## Fires on
/// ```recipe rows=60
/// step = row()
/// `model_mode/Net` = pick(step < 20, 1, 0)
/// `training_mode/drop` = pick(step < 20, 1, 0)
/// `training_mode/bn1` = pick(step < 20, 1, 0)
/// ```
///
/// ## Stays quiet on
/// ```recipe rows=60
/// step = row()
/// `model_mode/Net` = 1
/// `training_mode/drop` = 1
/// ```
/// Batch normalisation that is held still on purpose, in a model that is in training mode:
/// ```recipe rows=60
/// step = row()
/// `model_mode/Net` = 1
/// `training_mode/drop` = 1
/// `training_mode/backbone.bn1` = 0
/// ```
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct EvalModeTraining {
    /// Share of the later steps that may be made in evaluation mode.
    pub share: f64,
    /// Logged steps without which nothing is said.
    pub points: u64,
}

impl Default for EvalModeTraining {
    fn default() -> Self {
        Self { share: 0.5, points: 4 }
    }
}

impl Rule for EvalModeTraining {
    type Input = Run;
    const ID: &'static str = "eval-mode-training";
    const SEVERITY: Severity = Severity::Error;
    const SIGNALS: &'static [Signal] = &[Signal::Live(Fact::ModelMode), Signal::Live(Fact::TrainingMode)];
    const ALSO: &'static [Signal] = &[Signal::Live(Fact::Site)];

    fn check(&mut self, run: &Run, report: &mut Report) {
        let is_idle = |share: f64| 1.0 - share > self.share;
        let still: Vec<_> = run.facts(Fact::TrainingMode).filter(|s| is_idle(late_share(s))).collect();
        let model = run.facts(Fact::ModelMode).filter(|s| s.digest.n() >= self.points);
        let Some(model) = model.filter(|s| is_idle(late_share(s))).max_by_key(|s| s.digest.n()) else {
            return;
        };
        if still.is_empty() {
            return;
        }
        let share = 1.0 - late_share(model);
        let first = held_since(model, |mode| mode < 0.5);
        let line = site(run, Call::Eval);
        let (layer, others) = places(still.iter().map(|s| s.name.as_str()));
        report.raise(
            Draft::new(
                line.clone().unwrap_or_else(|| layer.clone()),
                format!(
                    "`{}` is in evaluation mode while it is trained, since {}{}: {} do not act as they should in training",
                    model.name,
                    at(run, first),
                    at_line(run, "by", Call::Eval),
                    names(&still)
                ),
                Evidence::at_most("share of later steps in evaluation mode", share, self.share),
                Remedy::risky("call `model.train()` at the start of every training epoch")
                    .code("for epoch in range(n_epochs):\n    model.train()\n    for batch in loader:\n        ..."),
            )
            .places(line.is_some().then_some(layer))
            .places(others)
            .places([since(model, first)])
            .count(still.len() as u64)
            .evidence(Evidence::table(
                "modules by the share of later steps in training mode",
                ["module", "share"],
                still.iter().map(|s| [s.name.clone(), Human(late_share(s)).to_string()]),
            )),
        );
    }
}
