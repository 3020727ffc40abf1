//! `underfitting-run`

use serde::{Deserialize, Serialize};
use stetho_core::run::{Better, Part, Quantity, Run, Series};
use stetho_core::{Draft, Evidence, Human, Remedy, Report, Rule, Severity, Signal, percent};

use crate::chance_level::chance_level;
use crate::runs::{curves, losses, since};
use crate::trend::{Course, mean};

/// Training and validation are both flat, close together, and hardly better than no model or a simple one.
///
/// ## Why it matters
/// More steps and more data will not help: the model cannot express what is in the data, or is held back by regularisation. It does no
/// better on the data it is trained on.
///
/// ## What to do
/// A larger model or better features; less weight decay and dropout; a larger learning rate or a longer warm-up of it. `stetho fit` tells
/// what a random forest reaches on the same data.
///
/// ## Fires on
/// ```recipe rows=60
/// epoch = row()
/// loss = 1.72 + 0.5 * exp(-epoch / 3) + normal(0, 0.004)
/// val_loss = 1.74 + 0.5 * exp(-epoch / 3) + normal(0, 0.006)
/// accuracy = 0.31 - 0.2 * exp(-epoch / 3) + normal(0, 0.004)
/// val_accuracy = 0.30 - 0.2 * exp(-epoch / 3) + normal(0, 0.006)
/// baseline_accuracy = 0.62 + 0 * epoch
/// ```
///
/// ## Stays quiet on
/// ```recipe rows=60
/// epoch = row()
/// loss = 0.4 + 1.8 * exp(-epoch / 5) + normal(0, 0.004)
/// val_loss = 0.45 + 1.8 * exp(-epoch / 5) + normal(0, 0.006)
/// accuracy = 0.85 - 0.7 * exp(-epoch / 5) + normal(0, 0.004)
/// val_accuracy = 0.84 - 0.7 * exp(-epoch / 5) + normal(0, 0.006)
/// ```
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct UnderfittingRun {
    /// What a training metric such as accuracy or R² must reach of the way from chance to 1, where no baseline is logged.
    pub learned: f64,
}

impl Default for UnderfittingRun {
    fn default() -> Self {
        Self { learned: 0.35 }
    }
}

/// What a run falls short of.
struct Shortfall {
    /// In words.
    what: String,
    evidence: Evidence,
    severity: Severity,
}

impl Rule for UnderfittingRun {
    type Input = Run;
    const ID: &'static str = "underfitting-run";
    const SEVERITY: Severity = Severity::Warning;
    const SIGNALS: &'static [Signal] = &[Signal::TrainLoss];
    const ALSO: &'static [Signal] = &[Signal::ValidationLoss, Signal::Metrics];

    fn check(&mut self, run: &Run, report: &mut Report) {
        let Some(train) = run.train_loss().filter(|_| run.contest.is_none()) else { return };
        let Some(course) = Course::of(&train.digest, 8).filter(is_settled) else { return };
        // A loss that never fell, or a run that has hardly begun, is no matter of size.
        let has_learned = course.fall() > 0.02 * course.start.abs();
        let is_early = !run.is_over && train.digest.n() < 100;
        if !has_learned || is_early || chance_level(run, 0.01).is_some() || is_gap_wide(run, &course) {
            return;
        }
        let short = against_baseline(run, &course)
            .or_else(|| self.against_chance(run, &course))
            .or_else(|| against_accuracy(run, &course));
        let Some(short) = short else { return };
        let metrics: Vec<&Series> =
            run.metrics(Part::Train).chain(run.metrics(Part::Validation)).map(|m| m.0).take(4).collect();
        let mut draft = Draft::new(
            since(train, course.tail(0.5)[0].first),
            format!("training and validation are flat and close together, {}", short.what),
            short.evidence,
            Remedy::advice("a larger model, or better features: `stetho fit` tells what simple models reach on the same data"),
        )
        .severity(short.severity)
        .certainty(0.6)
        .count(1)
        .remedy(Remedy::advice("less weight decay and dropout; a larger learning rate"))
        .evidence(losses(run));
        if !metrics.is_empty() {
            draft = draft.evidence(curves(run, "metrics", metrics));
        }
        report.raise(draft);
    }
}

/// Whether the last half gains less than a twentieth of what was gained in all, or of the level.
fn is_settled(course: &Course) -> bool {
    let half = course.tail(0.5);
    let (early, late) = half.split_at(half.len() / 2);
    !early.is_empty() && (mean(early) - mean(late)).abs() < 0.05 * course.fall().max(0.2 * course.end.abs())
}

/// Whether validation is so much worse than training that the trouble is another one.
fn is_gap_wide(run: &Run, train: &Course) -> bool {
    let Some(validation) = run.validation_loss().and_then(|s| Course::of(&s.digest, 4)) else { return false };
    validation.end - train.end > 0.15 * train.end.abs().max(train.fall())
}

/// A logged baseline that training does not reach.
fn against_baseline(run: &Run, course: &Course) -> Option<Shortfall> {
    for part in [Part::Train, Part::Validation, Part::Test] {
        for baseline in run.of(Quantity::Baseline(part)) {
            let value = baseline.digest.last()?.value;
            let is_loss = baseline.tag.to_lowercase().contains("loss");
            let metric = run
                .metrics(Part::Train)
                .chain(run.metrics(Part::Validation))
                .find(|(s, _)| names_same(baseline, s));
            let (reached, higher) = match metric {
                _ if is_loss => (course.end, false),
                Some((s, better)) => (
                    mean(&s.digest.split(10)[s.digest.split(10).len().saturating_sub(2)..]),
                    better == Better::Higher,
                ),
                None => continue,
            };
            let (short, limit) = if higher {
                (reached < 0.97 * value, 0.97 * value)
            } else {
                (reached > 1.03 * value, 1.03 * value)
            };
            if short {
                let name = "what training reaches, against the baseline";
                let evidence = if higher {
                    Evidence::at_least(name, reached, limit)
                } else {
                    Evidence::at_most(name, reached, limit)
                };
                let what = format!("at {}, worse than the baseline of {}", Human(reached), Human(value));
                return Some(Shortfall { what, evidence, severity: Severity::Warning });
            }
        }
    }
    None
}

/// Whether a baseline is one of this metric: they share a word such as `accuracy`.
fn names_same(baseline: &Series, metric: &Series) -> bool {
    let words = |tag: &str| -> Vec<String> {
        tag.to_lowercase()
            .split(|c: char| !c.is_alphanumeric())
            .filter(|w| w.len() > 1)
            .map(str::to_owned)
            .collect()
    };
    let metric = words(&metric.tag);
    words(&baseline.tag)
        .iter()
        .any(|w| !["train", "val", "baseline", "test"].contains(&w.as_str()) && metric.contains(w))
}

impl UnderfittingRun {
    /// A metric from 0 to 1 that stays near what guessing gives.
    fn against_chance(&self, run: &Run, course: &Course) -> Option<Shortfall> {
        let (series, _) = run
            .metrics(Part::Train)
            .chain(run.metrics(Part::Validation))
            .find(|(s, better)| *better == Better::Higher && chance_of(s, course).is_some())?;
        let (chance, whole) = chance_of(series, course)?;
        let blocks = series.digest.split(10);
        let reached = mean(&blocks[blocks.len().saturating_sub(2)..]) / whole;
        let learned = (reached - chance) / (1.0 - chance);
        if learned >= self.learned || series.digest.n() < 5 {
            return None;
        }
        Some(Shortfall {
            what: format!(
                "`{}` at {}, where guessing gives {}",
                series.tag,
                percent(reached),
                percent(chance)
            ),
            evidence: Evidence::at_least("share of the way from guessing to perfect", learned, self.learned),
            severity: if learned < 0.4 * self.learned { Severity::Warning } else { Severity::Info },
        })
    }
}

/// A loss that is higher than the accuracy that goes with it allows: outputs are held back. Of predictions that mean what they say, a share
/// `a` of them right, the cross-entropy over `k` classes is at most `H(a) + (1 - a) ln(k - 1)` (Fano's inequality); smoothed labels count
/// as a tenth of even ones.
fn against_accuracy(run: &Run, course: &Course) -> Option<Shortfall> {
    const SMOOTHED: f64 = 0.1;
    let (series, _) = run.metrics(Part::Train).find(|(s, better)| {
        *better == Better::Higher && s.tag.to_lowercase().contains("acc") && s.digest.n() >= 8
    })?;
    let whole = if series.digest.highest()?.value > 1.5 { 100.0 } else { 1.0 };
    let right = mean(Course::of(&series.digest, 8)?.tail(0.5)) / whole;
    let loss = mean(course.tail(0.5));
    let k = course.start.exp().ceil();
    let a = (1.0 - SMOOTHED) * right + SMOOTHED / k;
    let most = -a * a.ln() - (1.0 - a) * (1.0 - a).ln() + (1.0 - a) * (k - 1.0).ln();
    let is_held =
        (3.0..=1000.0).contains(&k) && right < 0.8 && loss > 1.02 * most && loss > 0.5 * course.start;
    is_held.then(|| Shortfall {
        what: format!(
            "at {}, more than an accuracy of {} needs: something holds the outputs back",
            Human(loss),
            percent(right)
        ),
        evidence: Evidence::at_most("loss, against the most that fits its accuracy", loss, most),
        severity: Severity::Info,
    })
}

/// What guessing gives in a metric, 0 to 1, and the value that stands for all right; `None` where nobody can tell.
fn chance_of(series: &Series, course: &Course) -> Option<(f64, f64)> {
    let tag = series.tag.to_lowercase();
    let whole = if series.digest.highest()?.value > 1.5 { 100.0 } else { 1.0 };
    if tag.contains("r2") || tag.contains("explained_variance") {
        return Some((0.0, 1.0));
    }
    // Classes that are equally frequent begin at ln K.
    let k = course.start.exp().round();
    // Outputs of two classes that are not yet calibrated cost up to a third more.
    let near = if k < 3.0 { -0.12..0.3 } else { -0.05..0.05 };
    let begins_at_chance = (2.0..=20.0).contains(&k) && near.contains(&(course.start / k.ln() - 1.0));
    ((tag.contains("acc") || tag.contains("top1")) && begins_at_chance).then_some((1.0 / k, whole))
}

#[cfg(test)]
mod tests {
    use crate::run::testing::{judge, run, values};

    #[test]
    fn a_loss_above_what_its_accuracy_allows_is_held_back() {
        let falls = |to: f64| values(40, move |s| to + (2.25 - to) * (-s / 2.0).exp());
        let with = |loss: f64| {
            let accuracy = values(40, |s| 0.66 - 0.5 * (-s / 2.0).exp());
            judge(
                "underfitting-run",
                &run([("loss", falls(loss)), ("val_loss", falls(loss)), ("acc", accuracy)]),
            )
        };
        let found = with(1.65);
        assert!(found[0].message.contains("an accuracy of 66 %"), "{}", found[0].message);
        assert!(with(1.3).is_empty(), "that may be noise of the labels");
    }

    #[test]
    fn two_classes_may_begin_above_the_logarithm_of_two() {
        let loss = || values(40, |s| 0.64 + 0.21 * (-s / 2.0).exp());
        let run =
            run([("loss", loss()), ("val_loss", loss()), ("acc", values(40, |s| 0.65 + 0.01 * s.sin()))]);
        assert!(judge("underfitting-run", &run)[0].message.contains("where guessing gives 50 %"));
    }
}
