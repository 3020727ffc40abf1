//! `overfitting`

use serde::{Deserialize, Serialize};
use stetho_core::fit::{Estimate, Fit, RemedyKind, Rung, RungKind};
use stetho_core::{Draft, Evidence, Place, Remedy, Report, Rule, Severity, Signal};

use crate::ladder::{curve, has_signal, ladder, more_rows, remedies, tried};

/// Models learn their training rows and not what holds beyond them.
///
/// ## Why it matters
/// The score on training rows then says nothing. Where more flexible models do worse on unseen rows than simple ones, the
/// data does not carry what they could express, and a large network on the same rows will do worse still.
///
/// ## What to do
/// In this order: more data, where the learning curve still rises; a smaller model; regularisation (dropout, batch
/// normalisation, early stopping, a penalty on weights); an ensemble. Each was tried here as far as it can be, and
/// the finding tells what it brought.
///
/// ## Fires on
/// ```recipe rows=80 target=label
/// a = normal(0, 1)
/// b = normal(0, 1)
/// c = normal(0, 1)
/// d = normal(0, 1)
/// e = normal(0, 1)
/// f = normal(0, 1)
/// g = normal(0, 1)
/// h = normal(0, 1)
/// i = normal(0, 1)
/// j = normal(0, 1)
/// k = normal(0, 1)
/// l = normal(0, 1)
/// m = normal(0, 1)
/// n = normal(0, 1)
/// o = normal(0, 1)
/// p = normal(0, 1)
/// q = normal(0, 1)
/// r = normal(0, 1)
/// s = normal(0, 1)
/// t = normal(0, 1)
/// label = pick(0.5 * a + 0.5 * b + 0.5 * c + 0.5 * d + normal(0, 0.6) > 0, "yes", "no")
/// ```
///
/// ## Stays quiet on
/// ```recipe rows=600 target=label
/// a = normal(0, 1)
/// b = normal(0, 1)
/// label = pick(a + b + normal(0, 0.3) > 0, "yes", "no")
/// ```
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct Overfitting {
    /// Share of what the linear model, the kernel SVM and the networks know of their training rows that may be lost on unseen
    /// ones; of these models, all that chance alone may have put behind the best of them.
    pub lost: f64,
    /// Share of what the best model knows of unseen rows by which the largest network may do worse.
    pub worse: f64,
}

impl Default for Overfitting {
    fn default() -> Self {
        Self { lost: 0.25, worse: 0.25 }
    }
}

impl Rule for Overfitting {
    type Input = Fit;
    const ID: &'static str = "overfitting";
    const SEVERITY: Severity = Severity::Warning;
    const SIGNALS: &'static [Signal] = &[Signal::Scores];

    fn check(&mut self, fit: &Fit, report: &mut Report) {
        let (Some(best), Some(dummy)) = (fit.best().filter(|_| has_signal(fit)), fit.dummy()) else { return };
        let base = dummy.validation().mean;
        let Some(own) = closest(fit) else { return };
        let lost = lost(fit, own, base);
        let is_lost = lost.is_some_and(|lost| lost > self.lost);
        let flexible = fit.rungs.iter().rfind(|r| matches!(r.kind, RungKind::Network(_)));
        let fall = flexible.and_then(|f| fall(best, f, base)).filter(|(share, _)| *share > self.worse);
        let score = fit.score.name();
        let (message, measured) = match (lost.filter(|_| is_lost), fall) {
            (Some(lost), _) => (
                format!(
                    "overfitting: the {} has {score} {:.3} on its training rows and {:.3} on unseen ones, and no other model has more \
                     than {:.3}",
                    own.name,
                    own.train().mean,
                    own.validation().mean,
                    best.validation().mean
                ),
                Evidence::at_most(
                    "share of what models know of training rows that is lost on unseen ones",
                    lost,
                    self.lost,
                ),
            ),
            (None, Some((share, flexible))) => (
                format!(
                    "overfitting: the {} has {score} {:.3} on its training rows and {:.3} on unseen ones, where the {} has {:.3}",
                    flexible.name,
                    flexible.train().mean,
                    flexible.validation().mean,
                    best.name,
                    best.validation().mean
                ),
                Evidence::at_most(
                    "share of what the best model knows that the largest network loses",
                    share,
                    self.worse,
                ),
            ),
            (None, None) => return,
        };
        report.raise(draft(fit, best, message, measured));
    }
}

/// Models that are fitted as networks are. Forests, boosted trees and neighbours know their training rows by construction;
/// their gap says nothing.
fn smooth(fit: &Fit) -> impl Iterator<Item = &Rung> {
    let is_smooth =
        |r: &&Rung| matches!(r.kind, RungKind::Linear | RungKind::KernelSvm | RungKind::Network(_));
    fit.rungs.iter().filter(is_smooth)
}

/// The one of them that does best on unseen rows.
fn closest(fit: &Fit) -> Option<&Rung> {
    let score = |r: &&Rung| r.validation().mean;
    smooth(fit).max_by(|a, b| score(a).total_cmp(&score(b)))
}

/// Which share of what they know of training rows models lose on unseen ones, if they lose any beyond chance. The best on few
/// rows is the best by luck as well, so it is not asked alone, but with all that are not behind it beyond chance.
fn lost(fit: &Fit, best: &Rung, base: f64) -> Option<f64> {
    let members: Vec<&Rung> = smooth(fit).filter(|r| !best.gain_over(r).is_positive()).collect();
    let n = members.len() as f64;
    let known = members.iter().map(|r| r.train().mean - base).sum::<f64>() / n;
    let n_folds = members.iter().map(|r| r.folds.len()).min()?;
    let gap =
        |fold: usize| members.iter().map(|r| r.folds[fold].train - r.folds[fold].validation).sum::<f64>() / n;
    let gap = Estimate::of((0..n_folds).map(gap), best.row_error);
    (known > 0.0 && is_gap(gap, n_folds)).then_some(gap.mean / known)
}

/// Whether the gap is beyond its spread over folds.
fn is_gap(gap: Estimate, n_folds: usize) -> bool {
    let error = if n_folds > 1 { gap.std / (n_folds as f64).sqrt() } else { gap.error };
    gap.mean > 2.5 * error
}

/// By which share of what the best model knows of unseen rows a flexible model does worse, if it does beyond chance and
/// knows its training rows better.
fn fall<'a>(best: &Rung, flexible: &'a Rung, base: f64) -> Option<(f64, &'a Rung)> {
    let behind = best.gain_over(flexible);
    let known = best.validation().mean - base;
    let memorised =
        flexible.train().mean > best.validation().mean && is_gap(flexible.gap(), flexible.folds.len());
    (known > 0.0 && behind.is_positive() && memorised).then_some((behind.mean / known, flexible))
}

fn draft(fit: &Fit, best: &Rung, message: String, measured: Evidence) -> Draft {
    let simpler = Remedy::advice(format!(
        "use a smaller model: the {} does best here ({} {:.3} on unseen rows)",
        best.name,
        fit.score.name(),
        best.validation().mean
    ));
    let first = more_rows(fit);
    let mut draft = match first {
        Some(more) => Draft::new(Place::column(&fit.target), message, measured, more).remedy(simpler),
        None => Draft::new(Place::column(&fit.target), message, measured, simpler),
    };
    let order = [
        RemedyKind::Smaller,
        RemedyKind::Dropout,
        RemedyKind::BatchNorm,
        RemedyKind::EarlyStopping,
        RemedyKind::Penalty,
        RemedyKind::Ensemble,
    ];
    for remedy in remedies(fit, &order) {
        draft = draft.remedy(remedy);
    }
    draft = draft.evidence(ladder(fit));
    for evidence in [curve(fit), tried(fit)].into_iter().flatten() {
        draft = draft.evidence(evidence);
    }
    draft
}
