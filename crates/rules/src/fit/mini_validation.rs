//! `mini-validation`

use serde::{Deserialize, Serialize};
use stetho_core::fit::Fit;
use stetho_core::{Draft, Evidence, Place, Remedy, Report, Rule, Severity, Signal, percent, thousands};

use crate::ladder::has_signal;

/// Part of the validation rows decides as well as all of them.
///
/// ## Why it matters
/// Validating during training costs time at every epoch. From the spread of the scores over rows follows how few of them
/// give the score within one point.
///
/// ## What to do
/// Draw that many rows once, stratified, and validate on them while training; use all rows at the end.
///
/// ## Fires on
/// ```recipe rows=4000 target=label
/// a = normal(0, 1)
/// label = pick(a + normal(0, 0.02) > 0, "yes", "no")
/// ```
///
/// ## Stays quiet on
/// ```recipe rows=400 target=label
/// a = normal(0, 1)
/// label = pick(a + normal(0, 0.8) > 0, "yes", "no")
/// ```
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct MiniValidationRule {
    /// Share of the rows that must be saved.
    pub saved: f64,
    /// Fewer rows than this are validated in no time.
    pub min_rows: u64,
}

impl Default for MiniValidationRule {
    fn default() -> Self {
        Self { saved: 0.5, min_rows: 1000 }
    }
}

impl Rule for MiniValidationRule {
    type Input = Fit;
    const ID: &'static str = "mini-validation";
    const SEVERITY: Severity = Severity::Info;
    const SIGNALS: &'static [Signal] = &[Signal::Scores, Signal::MiniValidation];

    fn check(&mut self, fit: &Fit, report: &mut Report) {
        let Some(mini) = fit.mini_validation.get().filter(|_| has_signal(fit)) else { return };
        let saved = 1.0 - mini.n as f64 / mini.of.max(1) as f64;
        if mini.of < self.min_rows || saved < self.saved {
            return;
        }
        report.raise(Draft::new(
            Place::Whole,
            format!(
                "{} validation rows decide as well as all {}: the score stays within {} in 95 of 100 draws",
                thousands(mini.n),
                thousands(mini.of),
                percent(mini.width)
            ),
            Evidence::at_most("share of the rows that could be saved", saved, self.saved),
            Remedy::advice(format!(
                "validate on {} rows while training, on all at the end",
                thousands(mini.n)
            ))
            .code(format!(
                "mini, _ = train_test_split(val, train_size={}, stratify=val[target], random_state=0)",
                mini.n
            )),
        ));
    }
}
