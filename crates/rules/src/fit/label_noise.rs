//! `label-noise`

use serde::{Deserialize, Serialize};
use stetho_core::fit::{Fit, LabelIssue, LabelIssues};
use stetho_core::{
    Draft, Evidence, Pictured, Place, Remedy, Report, Rule, Severity, Signal, count_of, percent, thousands,
};

/// Labels that models, asked without having seen them, do not believe.
///
/// ## Why it matters
/// A network has room to memorise wrong labels, and does; what it memorises it cannot use. Wrong labels among the
/// validation rows set a ceiling that no model can pass and make better models look worse.
///
/// ## What to do
/// Look at the listed rows, surest first, and correct those that are wrong: `stetho fit --labels-out FILE` writes the list, `stetho prepare
/// --fix-labels FILE` applies it. Hard but right labels will be among them; so look before you apply.
///
/// ## Fires on
/// ```recipe rows=400 target=label
/// x = normal(0, 1)
/// y = normal(0, 1)
/// _true = x + y > 0
/// _flip = choice(1: 0.08, 0: 0.92)
/// label = pick(_true + _flip == 1, "yes", "no")
/// ```
///
/// ## Stays quiet on
/// ```recipe rows=400 target=label
/// x = normal(0, 1)
/// y = normal(0, 1)
/// label = pick(x + y > 0, "yes", "no")
/// ```
/// Classes that overlap: rows between them are hard, not wrong.
/// ```recipe rows=400 target=label
/// x = normal(0, 1)
/// label = pick(x + normal(0, 0.7) > 0, "yes", "no")
/// ```
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct LabelNoise {
    /// Labels are contradicted among the rows that the model is surest of, over how often among all rows, from which on they are
    /// noisy. Where classes overlap it is a third or less.
    pub ratio: f64,
    /// Share of contradicted labels among the rows that the model is surest of from which on it is told.
    pub share: f64,
    /// Chance of as many where classes merely overlap, below which it is told.
    pub p: f64,
}

impl Default for LabelNoise {
    fn default() -> Self {
        Self { ratio: 0.35, share: 0.01, p: 0.01 }
    }
}

impl Rule for LabelNoise {
    type Input = Fit;
    const ID: &'static str = "label-noise";
    const SEVERITY: Severity = Severity::Warning;
    const SIGNALS: &'static [Signal] = &[Signal::Scores, Signal::LabelErrors];

    fn check(&mut self, fit: &Fit, report: &mut Report) {
        let Some(found) = fit.labels.get().filter(|_| crate::ladder::has_signal(fit)) else { return };
        let share = |count: u64, of: u64| count as f64 / of.max(1) as f64;
        let sure = share(found.n_sure_contradicted, found.n_sure);
        let all = share(found.n_contradicted, found.n_rows);
        let by_overlap = self.ratio * all * found.n_sure as f64;
        let is_chance = at_least(found.n_sure_contradicted, by_overlap) > self.p;
        if sure < self.share || is_chance || found.issues.is_empty() {
            return;
        }
        let message = format!(
            "{} of {} ({}) have a label that {} does not believe",
            thousands(found.issues.len() as u64),
            count_of(found.n_rows, "row"),
            percent(found.issues.len() as f64 / found.n_rows.max(1) as f64),
            found.source
        );
        let mut draft = Draft::new(
            Place::column(&fit.target),
            message,
            Evidence::at_most(
                "share of contradicted labels among the quarter of rows that the model is surest of",
                sure,
                (self.ratio * all).max(self.share),
            ),
            Remedy::advice("look at the rows, surest first, and correct the labels that are wrong")
                .command("stetho fit DATA --target COLUMN --labels-out relabel.csv"),
        )
        .count(found.issues.len() as u64)
        .places(places(found))
        .remedy(
            Remedy::risky("apply the corrected list to a copy")
                .command("stetho prepare DATA --fix-labels relabel.csv --out fixed"),
        )
        .evidence(listed(fit, found));
        if found.issues.iter().any(|i| i.is_file) {
            draft = draft.evidence(pictures(fit, found));
        }
        report.raise(draft);
    }
}

/// The chance of `count` or more where `expected` are expected (Poisson).
fn at_least(count: u64, expected: f64) -> f64 {
    let mut term = (-expected).exp();
    let mut below = 0.0;
    for k in 0..count {
        below += term;
        term *= expected / (k + 1) as f64;
    }
    (1.0 - below).max(0.0)
}

fn places(found: &LabelIssues) -> Vec<Place> {
    let place = |i: &LabelIssue| {
        let index = (!i.is_file).then_some(i.index);
        Place::Item { path: i.path.clone(), index, line: i.line }
    };
    found.issues.iter().map(place).collect()
}

fn name(fit: &Fit, class: usize) -> String {
    fit.classes.get(class).map_or_else(|| class.to_string(), |c| c.0.clone())
}

fn listed(fit: &Fit, found: &LabelIssues) -> Evidence {
    let row = |i: &LabelIssue| {
        let at = match i.line {
            Some(line) => format!("{}:{line}", i.path),
            None if i.is_file => i.path.clone(),
            None => format!("{}[{}]", i.path, i.index),
        };
        [
            at,
            name(fit, i.given),
            name(fit, i.suggested),
            format!("{:.2}", i.p_given),
            format!("{:.2}", i.p_suggested),
        ]
    };
    Evidence::table(
        "labels to look at, surest first",
        ["row", "given", "suggested", "p of given", "p of suggested"],
        found.issues.iter().map(row),
    )
}

fn pictures(fit: &Fit, found: &LabelIssues) -> Evidence {
    let picture = |i: &LabelIssue| Pictured {
        path: i.path.clone(),
        index: (!i.is_file).then_some(i.index),
        label: Some(name(fit, i.given)),
        caption: format!("rather {}", name(fit, i.suggested)),
        ..Pictured::default()
    };
    Evidence::pictures("pictures whose label is doubted, surest first", found.issues.iter().map(picture))
}
