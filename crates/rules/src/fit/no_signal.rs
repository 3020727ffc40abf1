//! `no-signal`

use serde::{Deserialize, Serialize};
use stetho_core::fit::Fit;
use stetho_core::{Draft, Evidence, Place, Remedy, Report, Rule, Severity, Signal, percent};

use crate::ladder::ladder;

/// No model predicts the target better than chance.
///
/// ## Why it matters
/// Models of every kind were asked for rows that they had not seen, and their answers have no more to do with the target
/// than with a shuffled one. A larger network will not find what is not in the columns: the data is the problem.
///
/// ## What to do
/// Check that features and labels belong together: a join by position after one side was sorted or filtered is the usual
/// cause. Then look for columns that could know something of the target; more rows help only where there is something.
///
/// ## Fires on
/// ```recipe rows=240 target=label
/// a = normal(0, 1)
/// b = normal(5, 2)
/// label = choice("no", "yes")
/// ```
///
/// ## Stays quiet on
/// ```recipe rows=240 target=label
/// a = normal(0, 1)
/// b = normal(5, 2)
/// label = pick(a + normal(0, 1) > 0, "yes", "no")
/// ```
/// A rare class with a faint signal.
/// ```recipe rows=600 target=label
/// a = normal(0, 1)
/// label = pick(a + normal(0, 1) > 2, "yes", "no")
/// ```
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct NoSignal {
    /// Probability of as good predictions of a shuffled target above which there is no signal.
    pub p: f64,
    /// Below this many rows chance cannot be told from a faint signal: the finding is a warning.
    pub few_rows: u64,
}

impl Default for NoSignal {
    fn default() -> Self {
        Self { p: 0.05, few_rows: 60 }
    }
}

impl Rule for NoSignal {
    type Input = Fit;
    const ID: &'static str = "no-signal";
    const SEVERITY: Severity = Severity::Error;
    const SIGNALS: &'static [Signal] = &[Signal::Scores, Signal::SignalTest];

    fn check(&mut self, fit: &Fit, report: &mut Report) {
        let Some(test) = fit.signal.get().filter(|t| t.p > self.p) else { return };
        let best = fit.rungs.get(test.rung).map_or("best model", |r| r.name.as_str());
        let severity = if fit.n_rows < self.few_rows { Severity::Warning } else { Severity::Error };
        let message = format!(
            "no model predicts `{}` better than chance: {} of the {best} is {:.3} on unseen rows, which a shuffled target reaches \
             with probability {}",
            fit.target,
            test.statistic,
            test.value,
            percent(test.p)
        );
        let measured = format!("chance of as much with a shuffled target ({} shuffles)", test.n_shuffles);
        report.raise(
            Draft::new(
                Place::column(&fit.target),
                message,
                Evidence::at_most(measured, test.p, self.p),
                Remedy::advice(
                    "check that features and labels belong together: a join by position, a sort of one side, a wrong column",
                ),
            )
            .severity(severity)
            .evidence(ladder(fit))
            .remedy(Remedy::advice("look for columns that could know something of the target before any larger model")),
        );
    }
}
