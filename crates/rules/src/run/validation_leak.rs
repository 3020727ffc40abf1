//! `validation-leak`

use serde::{Deserialize, Serialize};
use stetho_core::run::{Call, Fact, Part, Run};
use stetho_core::{Draft, Evidence, Human, Place, Remedy, Report, Rule, Severity, Signal, thousands};

use crate::loops::{newest, site};

/// Samples that were trained on appear among the validation data.
///
/// ## Why it matters
/// The validation score then measures memory. Overfitting stays hidden, and the choice between models is made on numbers that will not
/// hold.
///
/// ## What to do
/// Split once, before anything else, and by what belongs together (patient, scene, author), not by row.
///
/// ## Fires on
/// ```recipe rows=5
/// step = 100 * row()
/// `seen_in_training/val_loader` = 0.4
/// `evaluated/val_loader` = 200
/// ```
///
/// ## Stays quiet on
/// ```recipe rows=5
/// step = 100 * row()
/// `seen_in_training/val_loader` = 0.01
/// `evaluated/val_loader` = 200
/// ```
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct ValidationLeak {
    /// Share of validation samples that may have been trained on.
    pub share: f64,
    /// Validation samples without which nothing is said.
    pub samples: f64,
}

impl Default for ValidationLeak {
    fn default() -> Self {
        Self { share: 0.05, samples: 16.0 }
    }
}

impl Rule for ValidationLeak {
    type Input = Run;
    const ID: &'static str = "validation-leak";
    const SEVERITY: Severity = Severity::Error;
    const SIGNALS: &'static [Signal] = &[Signal::Live(Fact::SeenInTraining), Signal::Live(Fact::Evaluated)];
    const ALSO: &'static [Signal] = &[Signal::Live(Fact::Site)];

    fn check(&mut self, run: &Run, report: &mut Report) {
        let limit = self.share;
        for (name, share) in newest(run, Fact::SeenInTraining) {
            let n = run.fact_of(Fact::Evaluated, name).unwrap_or(0.0);
            if n < self.samples || share <= limit {
                continue;
            }
            let word = if name.is_empty() { "the validation data".to_owned() } else { format!("`{name}`") };
            report.raise(
                Draft::new(
                    site(run, Call::Batches(Part::Validation)).unwrap_or(Place::Whole),
                    format!(
                        "{} % of the {} samples of {word} were trained on before they were validated with, limit {} %",
                        Human((1000.0 * share).round() / 10.0),
                        thousands(n as u64),
                        Human((1000.0 * limit).round() / 10.0)
                    ),
                    Evidence::at_most("share of validation samples seen in training", share, limit),
                    Remedy::risky("split once, and take training and validation from different parts").code(
                        "order = torch.randperm(len(data), generator=torch.Generator().manual_seed(0)).tolist()\nval_set = Subset(data, order[:n_val])\ntrain_set = Subset(data, order[n_val:])",
                    ),
                )
                .topic(name)
                .count((share * n).round() as u64)
                .remedy(Remedy::advice("where the sets are split already: drop copies of samples before the split, as `stetho check --val` lists them")),
            );
        }
    }
}
