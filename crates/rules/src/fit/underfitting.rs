//! `underfitting`

use serde::{Deserialize, Serialize};
use stetho_core::fit::{Fit, RemedyKind, Rung, RungKind};
use stetho_core::{Draft, Evidence, Place, Remedy, Report, Rule, Severity, Signal};

use crate::ladder::{gain as told, has_signal, ladder, remedies, tried};

/// Simple models do not even follow the rows that they are fitted to, and models that can express more do better.
///
/// ## Why it matters
/// A model that errs on its own training rows as much as on unseen ones is too simple for what the data holds, or is
/// trained too little. No amount of data mends that.
///
/// ## What to do
/// Use a model that can express more: the finding names the simplest one that suffices here, with what it gains. In a network:
/// more units (twice as many are tried), more layers, training for longer, less weight decay and dropout.
///
/// ## Fires on
/// ```recipe rows=500 target=label
/// x = normal(0, 1)
/// y = normal(0, 1)
/// label = pick(x * y > 0, "yes", "no")
/// ```
///
/// ## Stays quiet on
/// ```recipe rows=500 target=label
/// x = normal(0, 1)
/// y = normal(0, 1)
/// label = pick(x + y + normal(0, 0.5) > 0, "yes", "no")
/// ```
/// Noise that no model can explain.
/// ```recipe rows=500 target=label
/// x = normal(0, 1)
/// label = pick(x + normal(0, 1.5) > 0, "yes", "no")
/// ```
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct Underfitting {
    /// Share of the way from the dummy to the best model that the training score of a linear model should reach.
    pub reached: f64,
    /// Least advantage of the better model.
    pub advantage: f64,
}

impl Default for Underfitting {
    fn default() -> Self {
        Self { reached: 0.6, advantage: 0.05 }
    }
}

impl Rule for Underfitting {
    type Input = Fit;
    const ID: &'static str = "underfitting";
    const SEVERITY: Severity = Severity::Warning;
    const SIGNALS: &'static [Signal] = &[Signal::Scores];

    fn check(&mut self, fit: &Fit, report: &mut Report) {
        if !has_signal(fit) {
            return;
        }
        let (Some(linear), Some(best)) = (fit.rung(RungKind::Linear), fit.best()) else { return };
        let Some(reached) = fit.progress(linear.train().mean).filter(|p| *p < self.reached) else { return };
        let gain = best.gain_over(linear);
        if gain.mean < self.advantage || !gain.is_positive() {
            return;
        }
        let enough = simplest(fit, best);
        let score = fit.score.name();
        let message = format!(
            "underfitting: a linear model reaches {score} {:.3} even on its own training rows, a {} {:.3} on unseen ones",
            linear.train().mean,
            best.name,
            best.validation().mean
        );
        let mut draft = Draft::new(
            Place::column(&fit.target),
            message,
            Evidence::at_least("share of the way from no knowledge to the best model that a linear one goes", reached, self.reached),
            Remedy::advice(format!(
                "use a model that can express more: the {} is the simplest that suffices here ({score} {:.3}, {} over the {})",
                enough.name,
                enough.validation().mean,
                told(enough.gain_over(linear)),
                linear.name
            )),
        )
        .evidence(ladder(fit));
        if let Some(tried) = tried(fit) {
            draft = draft.evidence(tried);
        }
        for remedy in remedies(fit, &[RemedyKind::Larger, RemedyKind::BatchNorm]) {
            draft = draft.remedy(remedy);
        }
        report.raise(draft);
    }
}

/// The first model of the ladder within one standard error of the best.
fn simplest<'a>(fit: &'a Fit, best: &'a Rung) -> &'a Rung {
    let bound = best.validation().mean - best.validation().error.max(0.0);
    fit.rungs.iter().find(|r| r.validation().mean >= bound).unwrap_or(best)
}
