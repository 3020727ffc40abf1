//! `unstable-folds`

use serde::{Deserialize, Serialize};
use stetho_core::fit::Fit;
use stetho_core::{Draft, Evidence, Place, Remedy, Report, Rule, Severity, Signal};

use crate::ladder::{has_signal, ladder};

/// Scores differ more from fold to fold than the best model differs from no model.
///
/// ## Why it matters
/// With such a spread, which of two models is better is decided by how the rows happen to be divided. A single
/// split tells nothing.
///
/// ## What to do
/// Repeat the cross-validation with other seeds and compare means; keep rows that belong together on one side (`--group`);
/// collect more rows.
///
/// ## Fires on
/// ```recipe rows=300 target=label group=site
/// site = text("s", integer(1, 6))
/// a = normal(0, 1)
/// label = pick(pick(site == "s1" or site == "s2", a, normal(0, 1)) > 0, "yes", "no")
/// ```
///
/// ## Stays quiet on
/// ```recipe rows=400 target=label
/// a = normal(0, 1)
/// label = pick(a + normal(0, 0.6) > 0, "yes", "no")
/// ```
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct UnstableFolds {
    /// Standard deviation over folds, as a share of the gain over the dummy.
    pub share: f64,
}

impl Default for UnstableFolds {
    fn default() -> Self {
        Self { share: 1.0 }
    }
}

impl Rule for UnstableFolds {
    type Input = Fit;
    const ID: &'static str = "unstable-folds";
    const SEVERITY: Severity = Severity::Warning;
    const SIGNALS: &'static [Signal] = &[Signal::Scores];

    fn check(&mut self, fit: &Fit, report: &mut Report) {
        let (Some(best), Some(dummy)) = (fit.best().filter(|_| has_signal(fit)), fit.dummy()) else { return };
        let gain = best.validation().mean - dummy.validation().mean;
        let std = best.validation().std;
        if best.folds.len() < 3 || gain <= 0.0 || std <= gain * self.share {
            return;
        }
        let scores = best.folds.iter().enumerate().map(|(i, f)| (format!("fold {}", i + 1), f.validation));
        report.raise(
            Draft::new(
                Place::Whole,
                format!(
                    "scores of the {} vary by {std:.3} from fold to fold, more than its gain of {gain:.3} over no model",
                    best.name
                ),
                Evidence::at_most("spread over folds as a share of the gain", std / gain, self.share),
                Remedy::advice("repeat with other seeds (`--seed`) and compare means; do not decide by one split"),
            )
            .remedy(Remedy::advice("keep rows that belong together on one side with `--group`, or collect more"))
            .evidence(Evidence::bars(format!("{} of the {}", fit.score.name(), best.name), scores))
            .evidence(ladder(fit)),
        );
    }
}
