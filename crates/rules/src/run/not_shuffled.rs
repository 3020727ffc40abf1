//! `not-shuffled`

use serde::{Deserialize, Serialize};
use stetho_core::run::{Call, Fact, Part, Run};
use stetho_core::{Draft, Evidence, Human, Place, Remedy, Report, Rule, Severity, Signal};

use crate::loops::site;
use crate::runs::curves;
use crate::trend::median;

/// Batches follow the label: each holds one class, or targets of one size.
///
/// ## Why it matters
/// Each step unlearns what the steps before have taught. The loss swings with the classes, batch normalisation sees another distribution in
/// training than later, and the last class of the file wins.
///
/// ## What to do
/// Shuffle the training data in every epoch.
///
/// ## Fires on
/// ```recipe rows=5
/// step = 60 * row()
/// label_mixing = 0.04
/// draw_order = 1
/// ```
///
/// ## Stays quiet on
/// ```recipe rows=5
/// step = 60 * row()
/// label_mixing = normal(1, 0.03)
/// draw_order = 0.02
/// ```
/// The order of a file that knows nothing of labels:
/// ```recipe rows=5
/// step = 60 * row()
/// label_mixing = 0.97
/// draw_order = 1
/// ```
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct NotShuffled {
    /// Variance of labels within batches over that of all; 1 where batches are drawn at random.
    pub mixing: f64,
}

impl Default for NotShuffled {
    fn default() -> Self {
        Self { mixing: 0.5 }
    }
}

impl Rule for NotShuffled {
    type Input = Run;
    const ID: &'static str = "not-shuffled";
    const SEVERITY: Severity = Severity::Warning;
    const SIGNALS: &'static [Signal] = &[Signal::Live(Fact::LabelMixing)];
    const ALSO: &'static [Signal] = &[Signal::Live(Fact::DrawOrder), Signal::Live(Fact::Site)];

    fn check(&mut self, run: &Run, report: &mut Report) {
        let Some(series) = run.facts(Fact::LabelMixing).next() else { return };
        let mixing = median(series.digest.sample().iter().map(|p| p.value));
        if !mixing.is_finite() || mixing >= self.mixing {
            return;
        }
        let in_file_order = run.fact(Fact::DrawOrder).is_some_and(|order| order > 0.95);
        let order = if in_file_order { ", and samples are drawn in the order of the data set" } else { "" };
        report.raise(
            Draft::new(
                site(run, Call::Batches(Part::Train)).unwrap_or(Place::Whole),
                format!(
                    "batches follow the label: within a batch labels vary {} times as much as in all batches together, limit {}{order}",
                    Human((1000.0 * mixing).round() / 1000.0),
                    Human(self.mixing)
                ),
                Evidence::at_least("variance of labels within batches over that of all", mixing, self.mixing),
                Remedy::risky("shuffle the training data in every epoch")
                    .code("DataLoader(train_set, batch_size=batch_size, shuffle=True)"),
            )
            .count(1)
            .evidence(curves(run, "how mixed labels are within batches, 1 where drawn at random", [series]))
            .remedy(Remedy::advice("an iterable data set is shuffled where it is written, or through a buffer of many batches")),
        );
    }
}
