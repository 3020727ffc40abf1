//! `label-noise`

use serde::{Deserialize, Serialize};
use stetho_core::fit::{Fit, LabelIssue, LabelIssues};
use stetho_core::{
    Draft, Evidence, Place, Remedy, Report, Rule, Severity, Signal, count_of, percent, thousands,
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
    /// How often labels may be contradicted among the rows that the model is surest of, over how often they are where classes
    /// overlap as normal noise on a score makes them.
    pub slack: f64,
    /// How often, over how often among all rows, however little classes overlap.
    pub least: f64,
    /// Share of contradicted labels among the rows that the model is surest of from which on it is told.
    pub share: f64,
    /// Chance of as many where classes merely overlap, below which it is told.
    pub p: f64,
}

impl Default for LabelNoise {
    fn default() -> Self {
        Self { slack: 1.3, least: 0.15, share: 0.01, p: 0.01 }
    }
}

/// Where labels are the sign of a normal score plus normal noise: the share of rows that the best model has wrong, and how often it
/// is wrong among the quarter of rows that it is surest of, over that share.
const OVERLAP: [(f64, f64); 9] = [
    (0.1, 0.0),
    (0.15, 0.019),
    (0.2, 0.105),
    (0.25, 0.25),
    (0.3, 0.42),
    (0.35, 0.589),
    (0.4, 0.745),
    (0.45, 0.883),
    (0.5, 1.0),
];

/// [`OVERLAP`] at a share of wrong rows, between its points on straight lines.
fn by_overlap(wrong: f64) -> f64 {
    let between = |w: &[(f64, f64)]| match w {
        [(x0, y0), (x1, y1)] if wrong <= *x1 => Some(y0 + (y1 - y0) * ((wrong - x0) / (x1 - x0)).max(0.0)),
        _ => None,
    };
    OVERLAP.windows(2).find_map(between).unwrap_or(1.0)
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
        let by_overlap = all * (self.slack * by_overlap(all)).max(self.least);
        let is_chance = at_least(found.n_sure_contradicted, by_overlap * found.n_sure as f64) > self.p;
        if sure < self.share || is_chance || found.issues.is_empty() {
            return;
        }
        let is_pictures = found.issues.iter().any(|i| i.is_picture);
        let (noun, target) = if is_pictures { ("picture", "") } else { ("row", " --target COLUMN") };
        let message = format!(
            "{} of {} ({}) have a label that {} does not believe",
            thousands(found.issues.len() as u64),
            count_of(found.n_rows, noun),
            percent(found.issues.len() as f64 / found.n_rows.max(1) as f64),
            found.source
        );
        let mut draft = Draft::new(
            Place::column(&fit.target),
            message,
            Evidence::at_most(
                "share of contradicted labels among the quarter of rows that the model is surest of",
                sure,
                by_overlap.max(self.share),
            ),
            Remedy::advice("look at them, surest first, and correct the labels that are wrong")
                .command(format!("stetho fit DATA{target} --labels-out relabel.csv")),
        )
        .count(found.issues.len() as u64)
        .places(places(found))
        .remedy(
            Remedy::risky("apply the corrected list to a copy")
                .command("stetho prepare DATA --fix-labels relabel.csv --out fixed"),
        );
        for evidence in fit.doubted_labels() {
            draft = draft.evidence(evidence);
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn overlap_is_read_between_its_points() {
        assert!(by_overlap(0.02).abs() < 1e-12);
        assert!((by_overlap(0.25) - 0.25).abs() < 1e-12);
        assert!((by_overlap(0.275) - 0.335).abs() < 1e-9);
        assert!((by_overlap(0.7) - 1.0).abs() < 1e-12);
    }

    #[test]
    fn chances_of_counts() {
        assert!((at_least(0, 3.0) - 1.0).abs() < 1e-12);
        assert!((at_least(1, 3.0) - (1.0 - (-3.0_f64).exp())).abs() < 1e-12);
        assert!(at_least(12, 2.0) < 1e-5);
    }
}
