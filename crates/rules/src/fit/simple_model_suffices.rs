//! `simple-model-suffices`

use serde::{Deserialize, Serialize};
use stetho_core::fit::{Fit, Rung, RungKind};
use stetho_core::{Draft, Evidence, Place, Remedy, Report, Rule, Severity, Signal};

use crate::ladder::{has_signal, ladder, told};

/// A cheaper model is as good as the best one, within the noise of the folds.
///
/// ## Why it matters
/// What a linear model can do needs no network: it trains in a second, can be explained, and fails in fewer ways. And a network
/// that does not beat it has learned nothing that matters.
///
/// ## What to do
/// Take the simple model as the one to beat.
///
/// ## Fires on
/// ```recipe rows=500 target=label
/// a = normal(0, 1)
/// b = normal(0, 1)
/// label = pick(a + b + normal(0, 0.5) > 0, "yes", "no")
/// ```
///
/// ## Stays quiet on
/// ```recipe rows=500 target=label
/// a = normal(0, 1)
/// b = normal(0, 1)
/// label = pick(sin(2 * a) * sin(2 * b) > 0, "yes", "no")
/// ```
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct SimpleModelSuffices {}

impl Rule for SimpleModelSuffices {
    type Input = Fit;
    const ID: &'static str = "simple-model-suffices";
    const SEVERITY: Severity = Severity::Info;
    const SIGNALS: &'static [Signal] = &[Signal::Scores];

    fn check(&mut self, fit: &Fit, report: &mut Report) {
        let Some(best) = fit.best().filter(|_| has_signal(fit)) else { return };
        let bound = best.validation().mean - best.validation().error;
        let is_simple = |r: &&Rung| matches!(r.kind, RungKind::Linear | RungKind::ShallowTree);
        let enough = fit.rungs.iter().filter(is_simple).find(|r| r.validation().mean >= bound);
        let Some(simple) = enough.filter(|r| fit.n_rows >= 30 && fit.progress(r.validation().mean).is_some())
        else {
            return;
        };
        let rest = if simple.kind == best.kind {
            "no more complex model does better".to_owned()
        } else {
            format!("the best, the {}, has {}", best.name, told(best.validation()))
        };
        let message = format!(
            "a {} suffices: {} {} on unseen rows; {rest}",
            simple.name,
            fit.score.name(),
            told(simple.validation())
        );
        report.raise(
            Draft::new(
                Place::Whole,
                message,
                Evidence::at_least(
                    format!("{} of the {} on unseen rows", fit.score.name(), simple.name),
                    simple.validation().mean,
                    bound,
                ),
                Remedy::advice(format!(
                    "take the {} as the one to beat; a network must score more than {:.3}",
                    simple.name,
                    best.validation().mean
                )),
            )
            .evidence(ladder(fit)),
        );
    }
}
