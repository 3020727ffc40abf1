//! `excessive-augmentation`

use serde::{Deserialize, Serialize};
use stetho_core::run::{Fact, Run};
use stetho_core::{Draft, Evidence, Human, Remedy, Report, Rule, Severity, Signal};

use crate::runs::{curves, since};
use crate::trend::{mean, median};

/// The training loss is well above the loss on the same samples as they are.
///
/// ## Why it matters
/// What changes the samples (augmentation, dropout, noise) makes them so much harder that most of the capacity goes into that. The model
/// underfits, though it has long understood the plain samples as far as it was let.
///
/// ## What to do
/// Weaken augmentation and dropout step by step until the two losses are near each other, or train longer and with a larger model if the
/// augmentation is wanted as it is.
///
/// ## Fires on
/// ```recipe rows=200
/// step = row()
/// loss = 1.7 + 0.6 * exp(-step / 30) + normal(0, 0.05)
/// plain_loss = 0.8 + 1.5 * exp(-step / 30)
/// ```
///
/// ## Stays quiet on
/// ```recipe rows=200
/// step = row()
/// loss = 0.3 + 2 * exp(-step / 30) + normal(0, 0.05)
/// plain_loss = 0.15 + 2.1 * exp(-step / 30)
/// ```
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct ExcessiveAugmentation {
    /// Training loss over the loss on the same samples as they are.
    pub ratio: f64,
    /// Distance of the two, as a share of the first training loss.
    pub apart: f64,
}

impl Default for ExcessiveAugmentation {
    fn default() -> Self {
        Self { ratio: 1.4, apart: 0.2 }
    }
}

impl Rule for ExcessiveAugmentation {
    type Input = Run;
    const ID: &'static str = "excessive-augmentation";
    const SEVERITY: Severity = Severity::Warning;
    const SIGNALS: &'static [Signal] = &[Signal::TrainLoss, Signal::Live(Fact::PlainLoss)];

    fn check(&mut self, run: &Run, report: &mut Report) {
        let (Some(loss), Some(plain)) = (run.train_loss(), run.facts(Fact::PlainLoss).next()) else { return };
        let (ours, theirs) = (loss.digest.split(20), plain.digest.split(20));
        let Some(start) = loss.digest.first().first().map(|p| p.value) else { return };
        if ours.len() < 6 || theirs.len() < 3 {
            return;
        }
        let level = mean(&ours[ours.len() * 4 / 5..]);
        let plainly = median(theirs[theirs.len() * 2 / 3..].iter().map(|b| b.mean));
        let ratio = level / plainly;
        if !ratio.is_finite()
            || plainly <= 0.0
            || ratio <= self.ratio
            || level - plainly <= self.apart * start
        {
            return;
        }
        report.raise(
            Draft::new(
                since(loss, ours[ours.len() * 4 / 5].first),
                format!(
                    "the training loss is {}, and {} on the same samples as they are: {} times as high, limit {}",
                    Human(level),
                    Human(plainly),
                    Human((10.0 * ratio).round() / 10.0),
                    Human(self.ratio)
                ),
                Evidence::at_most("training loss over the loss on plain samples", ratio, self.ratio),
                Remedy::risky("weaken the augmentation: halve its strength, and dropout with it, until the two losses are near each other"),
            )
            .count(1)
            .evidence(curves(run, "loss, in training and on the samples as they are", [loss, plain]))
            .remedy(Remedy::advice("look at a few augmented samples: a person should still tell their class")),
        );
    }
}
