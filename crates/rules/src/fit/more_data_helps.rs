//! `more-data-helps`

use serde::{Deserialize, Serialize};
use stetho_core::fit::Fit;
use stetho_core::{Draft, Evidence, Place, Remedy, Report, Rule, Severity, Signal, thousands};

use crate::ladder::{curve, has_signal};

/// The score still rises with the number of training rows.
///
/// ## Why it matters
/// A learning curve that has not flattened says that the same model on more rows will do better, and how much. That is worth
/// knowing before anything is tuned.
///
/// ## What to do
/// Weigh what twice the rows would cost against the gain. Augmentation that keeps labels true is the cheap part of it.
///
/// ## Fires on
/// ```recipe rows=160 target=label
/// a = normal(0, 1)
/// b = normal(0, 1)
/// c = normal(0, 1)
/// d = normal(0, 1)
/// label = pick(sin(2 * a) + sin(2 * b) + 0.5 * c * d > 0, "yes", "no")
/// ```
///
/// ## Stays quiet on
/// ```recipe rows=600 target=label
/// a = normal(0, 1)
/// label = pick(a + normal(0, 0.5) > 0, "yes", "no")
/// ```
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct MoreDataHelps {
    /// Gain of twice the rows from which on it is told.
    pub gain: f64,
}

impl Default for MoreDataHelps {
    fn default() -> Self {
        Self { gain: 0.01 }
    }
}

impl Rule for MoreDataHelps {
    type Input = Fit;
    const ID: &'static str = "more-data-helps";
    const SEVERITY: Severity = Severity::Info;
    const SIGNALS: &'static [Signal] = &[Signal::Scores, Signal::LearningCurve];

    fn check(&mut self, fit: &Fit, report: &mut Report) {
        let Some(found) = fit.curve.get().filter(|_| has_signal(fit)) else { return };
        let Some([middle, low, high]) = found.gain_of_doubling else { return };
        let Some(last) = found.points.last() else { return };
        // Each doubling brings less than the one before: of what the next is to bring, the last must have brought half at least.
        let Some(half) = found.points.iter().rfind(|p| 2 * p.n <= last.n) else { return };
        if middle < self.gain || low <= 0.0 || last.validation - half.validation < middle / 2.0 {
            return;
        }
        let message = format!(
            "the learning curve still rises: twice the rows would bring the {} about {middle:+.3} {} (95 %: {low:+.3} to {high:+.3})",
            found.model,
            fit.score.name()
        );
        let mut draft = Draft::new(
            Place::Whole,
            message,
            Evidence::at_most("gain of twice the rows", middle, self.gain),
            Remedy::advice(format!(
                "collect more rows like these: from {} to {}",
                thousands(last.n),
                thousands(2 * last.n)
            )),
        )
        .remedy(Remedy::advice("until then, augment in ways that keep the label true"));
        if let Some(curve) = curve(fit) {
            draft = draft.evidence(curve);
        }
        report.raise(draft);
    }
}
