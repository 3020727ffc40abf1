//! `loss-terms-unbalanced`

use serde::{Deserialize, Serialize};
use stetho_core::run::{Part, Quantity, Run, Series};
use stetho_core::{Draft, Evidence, Human, Place, Remedy, Report, Rule, Severity, Signal};

use crate::runs::{curves, round2};
use crate::trend::{Course, mean, median};

/// One term of the loss is so much larger than another that the small one is not learned.
///
/// ## Why it matters
/// The optimizer follows the sum. A term that is a hundred times smaller than another moves no weight, as if it were not there: the task
/// behind it is never learned, and nothing looks wrong in the total.
///
/// ## What to do
/// Scale the terms so that they are of one order at the start: multiply the small one, divide the large one, or bring targets to unit
/// variance.
///
/// ## Fires on
/// ```recipe rows=400
/// step = row()
/// loss_depth = 900 * (0.2 + exp(-step / 90)) + normal(0, 20)
/// loss_class = 2.3 + normal(0, 0.05)
/// loss = loss_depth + loss_class
/// ```
///
/// ## Stays quiet on
/// A small term that is learned all the same:
/// ```recipe rows=400
/// step = row()
/// loss_depth = 900 * (0.2 + exp(-step / 90)) + normal(0, 20)
/// loss_class = 0.3 + 2 * exp(-step / 90) + normal(0, 0.05)
/// loss = loss_depth + loss_class
/// ```
/// A penalty, which is meant to be small:
/// ```recipe rows=400
/// step = row()
/// recon_loss = 120 * (0.3 + exp(-step / 90)) + normal(0, 2)
/// kl_loss = 0.8 + normal(0, 0.05)
/// loss = recon_loss + kl_loss
/// ```
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct LossTermsUnbalanced {
    /// Ratio of the largest to a smaller term.
    pub ratio: f64,
    /// The same for a divergence such as the KL term of an autoencoder, which is meant to be the smaller one.
    pub ignored: f64,
}

impl Default for LossTermsUnbalanced {
    fn default() -> Self {
        Self { ratio: 100.0, ignored: 1000.0 }
    }
}

/// Terms that are penalties or regularisers by their names, which are small by design.
const PENALTIES: [&str; 22] = [
    "kl",
    "reg",
    "l1",
    "l2",
    "decay",
    "wd",
    "penalty",
    "entropy",
    "commit",
    "aux",
    "balance",
    "ortho",
    "tv",
    "smooth",
    "sparsity",
    "gp",
    "lipschitz",
    "prior",
    "z_loss",
    "zloss",
    "norm",
    "beta",
];

impl Rule for LossTermsUnbalanced {
    type Input = Run;
    const ID: &'static str = "loss-terms-unbalanced";
    const SEVERITY: Severity = Severity::Warning;
    const SIGNALS: &'static [Signal] = &[Signal::LossTerms];

    fn check(&mut self, run: &Run, report: &mut Report) {
        if run.contest.is_some() {
            return;
        }
        let terms: Vec<(&Series, Course)> = run
            .of(Quantity::LossTerm(Part::Train))
            .filter_map(|s| Some((s, Course::of(&s.digest, 20)?)))
            .collect();
        let size = |course: &Course| mean(course.tail(0.3)).abs();
        let usual = |course: &Course| median(course.blocks.iter().map(|b| b.mean.abs()));
        // A term that fell in the end outweighed the other for half of the run.
        let ratio = |a: &Course, b: &Course| (size(a) / size(b)).max(usual(a) / usual(b));
        let Some((large, big)) = terms.iter().max_by(|a, b| usual(&a.1).total_cmp(&usual(&b.1))) else {
            return;
        };
        let starved: Vec<_> = terms
            .iter()
            .filter(|(s, c)| {
                let times = ratio(big, c);
                let is_let_go = is_let_go(s, c);
                let is_meant = is_penalty(s) && !(times >= self.ignored && is_let_go);
                // What was next to nothing at the start and grew is given up for another on purpose, not left out.
                let is_given_up = c.end.abs() > 3.0 * c.start.abs() && !is_let_go;
                size(c) > 0.0 && times >= self.ratio && !is_meant && !is_given_up && !is_learned(c)
            })
            .collect();
        let Some((small, worst)) = starved.iter().min_by(|a, b| size(&a.1).total_cmp(&size(&b.1))) else {
            return;
        };
        let ratio = ratio(big, worst);
        let last = large.digest.last().map_or(0, |p| p.step);
        report.raise(
            Draft::new(
                Place::steps(0, last),
                format!(
                    "`{}` is {} times as large as `{}`, which does not fall: {} at the start, {} now",
                    large.tag,
                    Human(ratio.round()),
                    small.tag,
                    Human(worst.start),
                    Human(worst.end)
                ),
                Evidence::at_most("ratio of the largest to the starved term", ratio, self.ratio),
                Remedy::advice(format!(
                    "multiply `{}` by about {}, or divide `{}` by it, so that both are of one order",
                    small.tag,
                    round2(ratio / 3.0),
                    large.tag
                )),
            )
            .certainty(0.8)
            .count(starved.len() as u64)
            .evidence(curves(run, "terms of the loss", terms.iter().map(|(s, _)| *s)))
            .evidence(Evidence::bars(
                "size of the terms",
                terms.iter().map(|(s, c)| (s.tag.clone(), size(c))),
            )),
        );
    }
}

/// Whether a divergence is not held down at all: it has grown tenfold, to more than a unit.
fn is_let_go(series: &Series, course: &Course) -> bool {
    let tag = series.tag.to_lowercase();
    let is_divergence =
        tag.split(|c: char| !c.is_ascii_alphanumeric()).any(|w| ["kl", "kld", "divergence"].contains(&w));
    is_divergence && course.end > 1.0 && course.end > 10.0 * course.start.abs()
}

fn is_penalty(series: &Series) -> bool {
    let tag = series.tag.to_lowercase();
    tag.split(|c: char| !c.is_ascii_alphanumeric()).any(|word| PENALTIES.contains(&word))
        || PENALTIES.iter().any(|p| p.len() > 3 && tag.contains(p))
}

/// Whether a term has fallen by a noticeable part of itself.
fn is_learned(course: &Course) -> bool {
    let from = course.start.abs().max(course.blocks[0].mean.abs());
    course.fall() > 0.1 * from && course.start - course.end > 0.05 * from
}

#[cfg(test)]
mod tests {
    use crate::run::testing::{judge, run, values};

    #[test]
    fn a_divergence_is_meant_to_be_small_but_not_to_be_let_go() {
        let with = |scale: f64| {
            let picture = values(200, move |s| scale * (0.4 + (-s / 40.0).exp()));
            let divergence = values(200, |s| 200.0 * (1.0 - (-s / 20.0).exp()) + 0.01);
            judge("loss-terms-unbalanced", &run([("recon_loss", picture), ("kl_loss", divergence)])).len()
        };
        assert_eq!((with(1e6), with(1e4)), (1, 0));
    }

    #[test]
    fn a_term_that_grows_from_nothing_is_not_left_out() {
        let with = |start: f64| {
            let spread = values(200, |s| 10.0 + 0.01 * s.sin());
            let likeness = values(200, move |s| start + (0.01 - start) * (1.0 - (-s / 30.0).exp()));
            judge("loss-terms-unbalanced", &run([("variance_loss", spread), ("invariance_loss", likeness)]))
                .len()
        };
        assert_eq!((with(0.0006), with(0.0099)), (0, 1));
    }

    #[test]
    fn a_term_that_outweighed_another_for_half_of_the_run_did_so() {
        let with = |starved: fn(f64) -> f64| {
            let large = values(60, |s| 6000.0 * (-s / 10.0).exp() + 50.0);
            judge("loss-terms-unbalanced", &run([("box_loss", large), ("cls_loss", values(60, starved))]))
                .len()
        };
        assert_eq!((with(|_| 1.15), with(|s| 1.15 * (-s / 20.0).exp())), (1, 0));
    }
}
