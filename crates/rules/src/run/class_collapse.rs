//! `class-collapse`

use serde::{Deserialize, Serialize};
use stetho_core::run::{Fact, Quantity, Run};
use stetho_core::{Draft, Evidence, Human, Remedy, Report, Rule, Severity, Signal};

use crate::runs::{at, curves, peak_learning_rate, round2, since};
use crate::trend::{mean, median};

/// Predictions concentrate on one class.
///
/// ## Why it matters
/// A model that always says the same has learned which class is frequent, and nothing of the inputs; its accuracy is that class's share.
///
/// ## What to do
/// Weight the classes or sample them evenly. If it came while training, the learning rate is too high; if it was so from the start,
/// look at whether inputs and labels belong together, and at the offset of the last layer.
///
/// ## Fires on
/// ```recipe rows=100
/// step = row()
/// `class_share/cat` = 0.995 - 0.6 * exp(-step / 10)
/// `class_share/dog` = 0.003 + 0.3 * exp(-step / 10)
/// `class_share/owl` = 0.002 + 0.3 * exp(-step / 10)
/// ```
///
/// ## Stays quiet on
/// One class in the beginning, and a frequent one later:
/// ```recipe rows=100
/// step = row()
/// `class_share/cat` = 0.8 + 0.2 * exp(-step / 10)
/// `class_share/dog` = 0.2 - 0.2 * exp(-step / 10)
/// ```
/// Labels that are nearly all of one class:
/// ```recipe rows=100
/// step = row()
/// `class_share/cat` = 0.995
/// `class_share/dog` = 0.005
/// `label_share/cat` = 0.99
/// `label_share/dog` = 0.01
/// ```
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct ClassCollapse {
    /// Share of predictions that may be of one class.
    pub share: f64,
}

impl Default for ClassCollapse {
    fn default() -> Self {
        Self { share: 0.98 }
    }
}

impl Rule for ClassCollapse {
    type Input = Run;
    const ID: &'static str = "class-collapse";
    const SEVERITY: Severity = Severity::Warning;
    const SIGNALS: &'static [Signal] = &[Signal::ClassShares];
    const ALSO: &'static [Signal] = &[Signal::LearningRate, Signal::Live(Fact::LabelShare)];

    fn check(&mut self, run: &Run, report: &mut Report) {
        let classes: Vec<_> = run
            .of(Quantity::ClassShare)
            .filter(|s| s.digest.n() >= 8)
            .map(|s| (s, s.digest.split(20)))
            .collect();
        let Some(n) = classes.iter().map(|(_, blocks)| blocks.len()).min().filter(|_| classes.len() >= 2)
        else {
            return;
        };
        // Shares above 1 are percentages, or counts, of which nothing is known.
        if classes.iter().any(|(s, _)| s.digest.highest().is_none_or(|p| p.value > 1.0)) {
            return;
        }
        // Which class it is may change: what matters is that it is one.
        let top = |i: usize| classes.iter().map(|(_, blocks)| blocks[i].mean).fold(0.0, f64::max);
        let from = (0..n).rev().take_while(|i| top(*i) >= self.share).count();
        let held = (3 * n / 4..n).filter(|i| top(*i) >= self.share).count() as f64 / (n - 3 * n / 4) as f64;
        let Some((winner, blocks)) =
            classes.iter().max_by(|a, b| a.1[n - 1].mean.total_cmp(&b.1[n - 1].mean))
        else {
            return;
        };
        let rest: f64 =
            classes.iter().filter(|(s, _)| s.tag != winner.tag).map(|(_, blocks)| blocks[n - 1].mean).sum();
        if held < 0.8 || rest > 1.5 * (1.0 - self.share) {
            return;
        }
        let level = median((3 * n / 4..n).map(top));
        // Where the labels themselves are nearly all of one class, saying so is right.
        let among_labels = run.fact_of(Fact::LabelShare, &winner.name);
        if among_labels.is_some_and(|share| share >= self.share) {
            return;
        }
        let labels = among_labels.map_or_else(String::new, |share| {
            format!(", which are {} % of the labels", Human((1000.0 * share).round() / 10.0))
        });
        let from = n - from;
        let step = blocks.get(from).map_or(0, |b| b.first);
        let lower = peak_learning_rate(run).filter(|_| from > 0).map(|rate| {
            Remedy::advice(format!(
                "it came while training: lower the learning rate from {} to {}",
                round2(rate),
                round2(rate / 10.0)
            ))
        });
        let mut draft = Draft::new(
            since(winner, step),
            format!(
                "{} % of the predictions are `{}` since {}{labels}, limit {} %",
                Human((1000.0 * level).round() / 10.0),
                winner.name,
                at(run, step),
                Human(100.0 * self.share)
            ),
            Evidence::at_most("share of predictions of one class", level, self.share),
            Remedy::advice("weight the loss by class, or sample the classes evenly"),
        )
        .count(1)
        .evidence(Evidence::bars(
            "share of predictions, last quarter of the run",
            classes.iter().map(|(s, blocks)| (s.name.clone(), mean(&blocks[3 * n / 4..n]))),
        ))
        .evidence(curves(run, "share by step", classes.iter().take(10).map(|(s, _)| *s)));
        if let Some(lower) = lower {
            draft = draft.remedy(lower);
        }
        report.raise(draft.remedy(Remedy::advice(
            "see that inputs and labels belong together, by looking at a batch as the model gets it",
        )));
    }
}

#[cfg(test)]
mod tests {
    use crate::run::testing::{judge, run, values};

    #[test]
    fn the_step_since_when_is_told() {
        let run = run([
            ("lr", values(100, |_| 0.3)),
            ("class_share/no", values(100, |s| if s < 40.0 { 0.6 } else { 1.0 })),
            ("class_share/yes", values(100, |s| if s < 40.0 { 0.4 } else { 0.0 })),
        ]);
        let found = judge("class-collapse", &run);
        assert!(found[0].message.contains("`no` since step 40"), "{}", found[0].message);
        assert!(found[0].remedies[1].action.contains("from 0.3 to 0.03"), "{:?}", found[0].remedies);
    }
}
