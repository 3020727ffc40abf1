//! `gradient-accumulates`

use serde::{Deserialize, Serialize};
use stetho_core::run::{Call, Fact, Run};
use stetho_core::{Draft, Evidence, Human, Place, Remedy, Report, Rule, Severity, Signal};

use crate::loops::{at_line, late_share, site};
use crate::runs::curves;

/// Gradients are never set to 0 between the steps of an optimizer.
///
/// ## Why it matters
/// `backward()` adds to the gradients that are there. Where nobody clears them, each step goes along the sum of all gradients since the
/// start: steps grow and point to where the loss fell long ago, so the training swings or runs away.
///
/// ## What to do
/// Call `optimizer.zero_grad()` once for each step. To collect gradients over several batches on purpose, step and clear once for all of
/// them.
///
/// ## Fires on
/// ```recipe rows=60
/// step = row()
/// loss = 1 + normal(0, 0.1)
/// `gradient_left/SGD` = pick(step > 0, 1, 0)
/// ```
/// Cleared once an epoch only:
/// ```recipe rows=60
/// step = row()
/// `gradient_left/SGD` = pick(step % 10 > 0, 1, 0)
/// ```
///
/// ## Stays quiet on
/// ```recipe rows=60
/// step = row()
/// loss = 1 + normal(0, 0.1)
/// `gradient_left/SGD` = 0
/// ```
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct GradientAccumulates {
    /// Share of steps that may find gradients of the step before.
    pub share: f64,
    /// Logged steps without which nothing is said.
    pub points: u64,
}

impl Default for GradientAccumulates {
    fn default() -> Self {
        Self { share: 0.5, points: 6 }
    }
}

impl Rule for GradientAccumulates {
    type Input = Run;
    const ID: &'static str = "gradient-accumulates";
    const SEVERITY: Severity = Severity::Error;
    const SIGNALS: &'static [Signal] = &[Signal::Live(Fact::GradientLeft)];
    const ALSO: &'static [Signal] = &[Signal::GradientNorm, Signal::Live(Fact::Site)];

    fn check(&mut self, run: &Run, report: &mut Report) {
        for optimizer in run.facts(Fact::GradientLeft).filter(|s| s.digest.n() >= self.points) {
            let share = late_share(optimizer);
            if share <= self.share {
                continue;
            }
            let how = if share > 0.995 {
                "never".to_owned()
            } else {
                format!("in only {} % of its steps", Human((100.0 * (1.0 - share)).round()))
            };
            let steps = crate::runs::since(optimizer, optimizer.digest.first().first().map_or(0, |p| p.step));
            let line = site(run, Call::Step);
            let has_line = line.is_some();
            let mut draft = Draft::new(
                line.unwrap_or_else(|| steps.clone()),
                format!(
                    "the gradients of `{}` are {how} set to 0: each step{} adds those of the steps before",
                    optimizer.name,
                    at_line(run, "at", Call::Step)
                ),
                Evidence::at_most(
                    "share of steps that find the gradients of the step before",
                    share,
                    self.share,
                ),
                Remedy::risky("clear the gradients once for each step")
                    .code("optimizer.zero_grad()\nloss.backward()\noptimizer.step()"),
            )
            .topic(optimizer.name.clone())
            .places(site(run, Call::Backward).filter(|_| has_line))
            .places(has_line.then_some(steps).filter(|p| *p != Place::Whole))
            .count(1);
            if let Some(norm) = run.gradient_norm() {
                draft = draft.evidence(curves(run, "gradient norm", [norm]));
            }
            report.raise(draft.remedy(Remedy::advice(
                "if gradients are collected over several batches on purpose: step once for all of them, then clear",
            )));
        }
    }
}
