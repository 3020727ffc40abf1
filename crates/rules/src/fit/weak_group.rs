//! `weak-group`

use serde::{Deserialize, Serialize};
use stetho_core::fit::{Fit, GroupScore};
use stetho_core::{Draft, Evidence, Place, Remedy, Report, Rule, Severity, Signal, count_of};

use crate::ladder::has_signal;

/// The best model fails in one group of rows.
///
/// ## Why it matters
/// The mean hides it: a model that is right for most and wrong for one site, camera or year is not ready, and what it lacks there
/// is often in the data: too few rows, other units, other labels.
///
/// ## What to do
/// Look at the rows of the group: how many, which labels, which ranges. Collect more of them, or tell the model the group.
///
/// ## Fires on
/// ```recipe rows=600 target=label
/// site = choice("north": 0.4, "south": 0.4, "west": 0.2)
/// x = normal(0, 1)
/// label = pick(pick(site == "west", normal(0, 1), x) > 0, "yes", "no")
/// ```
///
/// ## Stays quiet on
/// ```recipe rows=600 target=label
/// site = choice("north": 0.4, "south": 0.4, "west": 0.2)
/// x = normal(0, 1)
/// label = pick(x + normal(0, 0.4) > 0, "yes", "no")
/// ```
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct WeakGroup {
    /// Score within the group over that of all other rows.
    pub ratio: f64,
    /// Standard errors by which the two must differ.
    pub errors: f64,
}

impl Default for WeakGroup {
    fn default() -> Self {
        Self { ratio: 0.8, errors: 3.5 }
    }
}

impl Rule for WeakGroup {
    type Input = Fit;
    const ID: &'static str = "weak-group";
    const SEVERITY: Severity = Severity::Warning;
    const SIGNALS: &'static [Signal] = &[Signal::Scores, Signal::GroupScores];

    fn check(&mut self, fit: &Fit, report: &mut Report) {
        let Some(groups) = fit.groups.get().filter(|_| has_signal(fit)) else { return };
        let is_weak = |g: &&GroupScore| {
            g.rest > 0.0 && g.score / g.rest < self.ratio && g.rest - g.score > self.errors * g.error
        };
        let mut weak: Vec<&GroupScore> = groups.iter().filter(is_weak).collect();
        weak.sort_by(|a, b| (a.score / a.rest).total_cmp(&(b.score / b.rest)));
        let Some(worst) = weak.first() else { return };
        let row = |g: &&GroupScore| {
            [g.name.clone(), g.n.to_string(), format!("{:.3}", g.score), format!("{:.3}", g.rest)]
        };
        let model = fit.best().map_or("best model", |r| r.name.as_str());
        report.raise(
            Draft::new(
                Place::column(worst.name.split(" = ").next().unwrap_or(&worst.name)),
                format!(
                    "the {model} fails where `{}` ({}): {:.3} there, {:.3} elsewhere",
                    worst.name,
                    count_of(worst.n, "row"),
                    worst.score,
                    worst.rest
                ),
                Evidence::at_least("score within the group over that of the rest", worst.score / worst.rest, self.ratio),
                Remedy::advice("look at the rows of the group: how many, which labels, which ranges; collect more, or give the model the group"),
            )
            .count(weak.len() as u64)
            .evidence(Evidence::table("groups that are predicted worse", ["group", "rows", "score within", "elsewhere"], weak.iter().map(row))),
        );
    }
}
