//! `loss-terms-unbalanced`

use serde::{Deserialize, Serialize};
use stetho_core::run::{Part, Quantity, Run, Series};
use stetho_core::{Draft, Evidence, Human, Place, Remedy, Report, Rule, Severity, Signal};

use crate::runs::{curves, round2};
use crate::trend::{Course, mean};

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
}

impl Default for LossTermsUnbalanced {
    fn default() -> Self {
        Self { ratio: 100.0 }
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
        let Some((large, big)) = terms.iter().max_by(|a, b| size(&a.1).total_cmp(&size(&b.1))) else {
            return;
        };
        let starved: Vec<_> = terms
            .iter()
            .filter(|(s, c)| {
                size(c) > 0.0 && size(big) >= self.ratio * size(c) && !is_penalty(s) && !is_learned(c)
            })
            .collect();
        let Some((small, worst)) = starved.iter().min_by(|a, b| size(&a.1).total_cmp(&size(&b.1))) else {
            return;
        };
        let ratio = size(big) / size(worst);
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
