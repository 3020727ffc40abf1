//! `suspiciously-perfect`

use serde::{Deserialize, Serialize};
use stetho_core::fit::{Fit, RungKind, Score};
use stetho_core::{Draft, Evidence, Place, Remedy, Report, Rule, Severity, Signal};

use crate::ladder::ladder;

/// A trivial model is right nearly always.
///
/// ## Why it matters
/// Problems worth a network are not solved by a tree of three questions. Where they are, a column usually holds the answer
/// in another form: it was filled in after the outcome was known, or computed from it.
///
/// ## What to do
/// Ask of the most important column whether it is known at the time of the prediction. If it is, be glad, and keep the
/// trivial model.
///
/// ## Fires on
/// ```recipe rows=300 target=label
/// _x = normal(0, 1)
/// age = normal(40, 9)
/// label = pick(_x > 0, "yes", "no")
/// refund = pick(_x > 0, 20, 0) + uniform(0, 1)
/// ```
///
/// ## Stays quiet on
/// ```recipe rows=300 target=label
/// x = normal(0, 1)
/// age = normal(0, 1.2)
/// label = pick(x + normal(0, 0.4) > 0, "yes", "no")
/// ```
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct SuspiciouslyPerfect {
    /// Score of a shallow tree (of classes: or of a linear model) from which leakage is suspected.
    pub score: f64,
    /// Fewer rows than this are told apart by chance.
    pub min_rows: u64,
}

impl Default for SuspiciouslyPerfect {
    fn default() -> Self {
        Self { score: 0.995, min_rows: 50 }
    }
}

impl Rule for SuspiciouslyPerfect {
    type Input = Fit;
    const ID: &'static str = "suspiciously-perfect";
    const SEVERITY: Severity = Severity::Warning;
    const SIGNALS: &'static [Signal] = &[Signal::Scores];

    fn check(&mut self, fit: &Fit, report: &mut Report) {
        // Many numbers are linear in their columns by nature; few classes are.
        let kinds: &[RungKind] = if fit.score == Score::R2 {
            &[RungKind::ShallowTree]
        } else {
            &[RungKind::ShallowTree, RungKind::Linear]
        };
        let perfect = kinds.iter().filter_map(|k| fit.rung(*k)).find(|r| r.validation().mean >= self.score);
        let Some(rung) = perfect.filter(|_| fit.n_rows >= self.min_rows) else { return };
        let score = rung.validation().mean;
        let mut draft = Draft::new(
            Place::column(&fit.target),
            format!("a {} predicts `{}` nearly perfectly ({} {score:.3} on unseen rows)", rung.name, fit.target, fit.score.name()),
            Evidence::at_most(format!("{} of the {} on unseen rows", fit.score.name(), rung.name), score, self.score),
            Remedy::advice("ask of the most important columns whether they are known when the prediction is made; leave out what is not"),
        )
        .evidence(ladder(fit))
        .remedy(Remedy::advice("if they are known: keep the trivial model, a network has nothing to add"));
        if let Some(importances) = fit.importances.get() {
            let bars = importances.iter().take(5).map(|i| (i.column.clone(), i.fall.max(0.0)));
            draft =
                draft.evidence(Evidence::bars("how much the score falls when a column is shuffled", bars));
        }
        report.raise(draft);
    }
}
