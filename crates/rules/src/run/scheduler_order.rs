//! `scheduler-order`

use serde::{Deserialize, Serialize};
use stetho_core::run::{Call, Fact, Quantity, Run};
use stetho_core::{
    Draft, Evidence, Human, Place, Remedy, Report, Rule, Severity, Signal, count_of, thousands,
};

use crate::loops::{at_line, newest, site};
use crate::runs::curves;

/// The learning-rate scheduler steps before the optimizer, more often than it, or once a batch where its schedule is meant for epochs.
///
/// ## Why it matters
/// Stepped first, the first value of the schedule is never used. Stepped too often, the schedule runs out within the first epochs, or goes up
/// and down many times, and most of the training has the wrong rate.
///
/// ## What to do
/// `optimizer.step()` first, then `scheduler.step()`: once an epoch where the schedule is given in epochs, once an optimizer step where it is
/// given in steps.
///
/// ## Fires on
/// ```recipe rows=20
/// step = row()
/// `scheduler_steps/StepLR` = 1 + step
/// `scheduler_early/StepLR` = 1
/// `optimizer_steps/StepLR` = 30 * step
/// ```
/// A cosine over 10 epochs that is stepped once a batch:
/// ```recipe rows=20
/// step = 30 * row()
/// `scheduler_steps/CosineAnnealingLR` = step
/// `scheduler_early/CosineAnnealingLR` = 0
/// `optimizer_steps/CosineAnnealingLR` = step
/// `scheduler_length/CosineAnnealingLR` = 10
/// epoch = floor(step / 60)
/// ```
///
/// ## Stays quiet on
/// Once an epoch:
/// ```recipe rows=20
/// step = 30 * row()
/// `scheduler_steps/CosineAnnealingLR` = floor(step / 60)
/// `scheduler_early/CosineAnnealingLR` = 0
/// `optimizer_steps/CosineAnnealingLR` = step
/// `scheduler_length/CosineAnnealingLR` = 10
/// epoch = floor(step / 60)
/// ```
/// Once a batch, in a schedule of as many batches:
/// ```recipe rows=20
/// step = 30 * row()
/// `scheduler_steps/OneCycleLR` = step
/// `scheduler_early/OneCycleLR` = 0
/// `optimizer_steps/OneCycleLR` = step
/// `scheduler_length/OneCycleLR` = 600
/// epoch = floor(step / 60)
/// ```
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct SchedulerOrder {
    /// Steps of the scheduler for each step of its optimizer.
    pub steps: f64,
    /// How many times over a schedule may be gone through.
    pub rounds: f64,
}

impl Default for SchedulerOrder {
    fn default() -> Self {
        Self { steps: 1.2, rounds: 3.0 }
    }
}

impl Rule for SchedulerOrder {
    type Input = Run;
    const ID: &'static str = "scheduler-order";
    const SEVERITY: Severity = Severity::Warning;
    const SIGNALS: &'static [Signal] =
        &[Signal::Live(Fact::SchedulerSteps), Signal::Live(Fact::OptimizerSteps)];
    const ALSO: &'static [Signal] = &[
        Signal::Live(Fact::SchedulerEarly),
        Signal::Live(Fact::SchedulerLength),
        Signal::LearningRate,
        Signal::Live(Fact::Site),
    ];

    fn check(&mut self, run: &Run, report: &mut Report) {
        for (name, steps) in newest(run, Fact::SchedulerSteps) {
            let of_optimizer = run.fact_of(Fact::OptimizerSteps, name).unwrap_or(0.0);
            let early = run.fact_of(Fact::SchedulerEarly, name).unwrap_or(0.0);
            let length = run.fact_of(Fact::SchedulerLength, name).filter(|l| *l >= 1.0);
            if steps >= 8.0 && of_optimizer >= 4.0 && steps > self.steps * of_optimizer {
                report.raise(self.too_often(run, name, steps, of_optimizer));
            } else if let Some(length) = length.filter(|l| self.is_of_epochs(run, steps, of_optimizer, *l)) {
                report.raise(self.of_epochs(run, name, steps, length));
            } else if early >= 1.0 && of_optimizer >= 1.0 {
                report.raise(first(run, name, early));
            }
        }
    }
}

impl SchedulerOrder {
    /// Whether a schedule that is stepped once a batch is over long before the first epoch is.
    fn is_of_epochs(&self, run: &Run, steps: f64, of_optimizer: f64, length: f64) -> bool {
        let epochs =
            run.of(Quantity::Epoch).filter_map(|s| s.digest.highest()).map(|p| p.value).fold(0.0, f64::max);
        let an_epoch = of_optimizer / (epochs + 1.0).max(1.0);
        steps >= 0.8 * of_optimizer && steps >= self.rounds * length && steps >= 20.0 && length < an_epoch
    }

    fn too_often(&self, run: &Run, name: &str, steps: f64, of_optimizer: f64) -> Draft {
        let ratio = steps / of_optimizer;
        let message = format!(
            "`{name}` has made {} steps for {} of the optimizer{}: {} to one, so its schedule runs ahead",
            thousands(steps as u64),
            thousands(of_optimizer as u64),
            at_line(run, "at", Call::Scheduler),
            Human((10.0 * ratio).round() / 10.0)
        );
        let measure = Evidence::at_most("steps of the scheduler for one of the optimizer", ratio, self.steps);
        let remedy = Remedy::risky("step the scheduler only where the optimizer steps").code(
            "if (i + 1) % accumulate == 0:\n    optimizer.step()\n    scheduler.step()\n    optimizer.zero_grad()",
        );
        draft(run, name, message, measure, remedy)
    }

    fn of_epochs(&self, run: &Run, name: &str, steps: f64, length: f64) -> Draft {
        let message = format!(
            "`{name}` is stepped once a batch{}, and its schedule of {} is over before the first epoch is: it seems meant for epochs",
            at_line(run, "at", Call::Scheduler),
            count_of(length as u64, "step")
        );
        let measure =
            Evidence::at_most("times that the schedule was gone through", steps / length, self.rounds);
        let remedy = Remedy::risky("step the scheduler once an epoch, behind the loop over the batches, or give its length in batches")
            .code("for batch in loader:\n    ...\n    optimizer.step()\nscheduler.step()");
        draft(run, name, message, measure, remedy)
    }
}

fn first(run: &Run, name: &str, early: f64) -> Draft {
    let message = format!(
        "`{name}` made {} before the optimizer made its first{}: the first learning rate of the schedule is never used",
        count_of(early as u64, "step"),
        at_line(run, "at", Call::Scheduler)
    );
    let measure = Evidence::at_most("steps of the scheduler before the first of the optimizer", early, 0.0);
    let remedy = Remedy::safe("step the optimizer first, then the scheduler")
        .code("optimizer.step()\nscheduler.step()");
    draft(run, name, message, measure, remedy)
}

fn draft(run: &Run, name: &str, message: String, measure: Evidence, remedy: Remedy) -> Draft {
    let place = site(run, Call::Scheduler).unwrap_or(Place::Whole);
    let draft = Draft::new(place, message, measure, remedy).topic(name).count(1);
    match run.learning_rate() {
        Some(rate) => draft.evidence(curves(run, "learning rate", [rate])),
        None => draft,
    }
}
