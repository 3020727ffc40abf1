//! `class-collapse`

use serde::{Deserialize, Serialize};
use stetho_core::run::{Fact, Run};
use stetho_core::{Draft, Evidence, Remedy, Report, Rule, Severity, Signal};

use crate::one_class::one_class;
use crate::runs::{at, curves, peak_learning_rate, round2, since};

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
/// A class that is a twentieth of the data and is never told:
/// ```recipe rows=30
/// epoch = row()
/// val_accuracy = 0.95
/// val_recall = 0 * epoch
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
    const ALSO: &'static [Signal] = &[Signal::LearningRate, Signal::Metrics, Signal::Live(Fact::LabelShare)];

    fn check(&mut self, run: &Run, report: &mut Report) {
        let Some(found) = one_class(run, self.share) else { return };
        let lower = peak_learning_rate(run).filter(|_| found.came_later).map(|rate| {
            Remedy::advice(format!(
                "it came while training: lower the learning rate from {} to {}",
                round2(rate),
                round2(rate / 10.0)
            ))
        });
        let since = since(found.series[0], found.since);
        let mut draft = Draft::new(
            since,
            format!("{} since {}{}", found.what, at(run, found.since), found.against),
            found.proof,
            Remedy::advice("weight the loss by class, or sample the classes evenly"),
        )
        .count(1)
        .evidence(curves(run, "share by step", found.series.iter().take(10).copied()));
        if found.bars.len() > 1 {
            draft =
                draft.evidence(Evidence::bars("share of predictions, last quarter of the run", found.bars));
        }
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

    #[test]
    fn one_class_is_told_by_shares_whichever_it_is() {
        let turn = |class: f64| {
            values(60, move |s| if ((s / 9.0).floor() % 3.0 - class).abs() < 0.5 { 0.88 } else { 0.06 })
        };
        let with = |accuracy: f64| {
            run([
                ("val_acc", values(60, move |_| accuracy)),
                ("class_share/a", turn(0.0)),
                ("class_share/b", turn(1.0)),
                ("class_share/c", turn(2.0)),
            ])
        };
        assert!(judge("class-collapse", &with(0.2))[0].message.contains("now this and then that"));
        assert!(judge("class-collapse", &with(0.85)).is_empty(), "what is so frequent may be so in truth");
    }

    #[test]
    fn a_share_that_stands_alone_needs_a_witness_or_all_of_it() {
        let with = |share: f64, accuracy: f64| {
            let run = run([
                ("val_acc", values(40, move |_| accuracy)),
                ("class_share/normal", values(40, move |_| share)),
            ]);
            !judge("class-collapse", &run).is_empty()
        };
        assert!(with(1.0, 0.5) && with(0.985, 0.6) && with(1.0, 0.97));
        assert!(!with(0.985, 0.97), "one in a hundred is no normal one, and is found");
        assert!(!with(0.7, 0.5));
    }

    #[test]
    fn nothing_positive_is_told_by_a_share_or_a_recall_of_nothing() {
        let with = |tag: &str, value: fn(f64) -> f64| {
            let run = run([("val_acc", values(40, |_| 0.94)), (tag, values(40, value))]);
            !judge("class-collapse", &run).is_empty()
        };
        assert!(
            with("class_share/positive", |_| 0.0) && with("val_recall", |_| 0.0) && with("val_f1", |_| 0.0)
        );
        assert!(!with("val_recall", |s| if s > 30.0 { 0.1 } else { 0.0 }), "a late bloomer");
        assert!(!with("class_share/7", |_| 0.0), "one class of many");
    }
}
