//! `small-batch-norm`

use serde::{Deserialize, Serialize};
use stetho_core::preflight::{Experiment, Norm, Preflight};
use stetho_core::{Draft, Evidence, Place, Remedy, Report, Rule, Severity, Signal, count_of};

use crate::show::list;

/// Batch normalisation takes its statistics from very few samples.
///
/// ## Why it matters
/// Mean and variance of a handful of samples are mostly noise, which goes into every activation; and what is used in evaluation, their
/// running mean, is not what the network was trained with. Training looks well and validation does not.
///
/// ## What to do
/// Use larger batches, or a normalisation that does not depend on the batch: `GroupNorm`, `LayerNorm`. On several devices,
/// `SyncBatchNorm`.
///
/// ## Fires on
/// ```preflight
/// {"norms": [{"name": "bn1", "kind": "BatchNorm1d", "n": 4, "n_values": 4, "training": true}]}
/// ```
/// ```preflight
/// {"norms": [{"name": "bn1", "kind": "BatchNorm2d", "n": 2, "n_values": 512, "training": true}]}
/// ```
///
/// ## Stays quiet on
/// Larger batches, pictures with many pixels, statistics that are frozen:
/// ```preflight
/// {"norms": [{"name": "bn1", "kind": "BatchNorm1d", "n": 32, "n_values": 32, "training": true},
///   {"name": "bn2", "kind": "BatchNorm2d", "n": 4, "n_values": 4096, "training": true},
///   {"name": "bn3", "kind": "BatchNorm1d", "n": 2, "n_values": 2, "training": false},
///   {"name": "gn", "kind": "GroupNorm", "n": 1, "n_values": 1, "training": true}]}
/// ```
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct SmallBatchNorm {
    /// Samples that are enough.
    pub samples: u64,
    /// Samples that are enough where each has many values of a channel: pixels, time steps.
    pub samples_of_many: u64,
    /// How many values that are.
    pub many: u64,
}

impl Default for SmallBatchNorm {
    fn default() -> Self {
        Self { samples: 8, samples_of_many: 4, many: 16 }
    }
}

impl Rule for SmallBatchNorm {
    type Input = Preflight;
    const ID: &'static str = "small-batch-norm";
    const SEVERITY: Severity = Severity::Warning;
    const SIGNALS: &'static [Signal] = &[Signal::Preflight(Experiment::Norms)];

    fn check(&mut self, preflight: &Preflight, report: &mut Report) {
        let is_by_batch = |norm: &&Norm| {
            norm.training && norm.n > 0 && norm.kind.contains("BatchNorm") && !norm.kind.contains("Sync")
        };
        let all: Vec<&Norm> = preflight.norms.iter().flatten().filter(is_by_batch).collect();
        let few: Vec<&Norm> = all.iter().copied().filter(|norm| norm.n < self.limit(norm)).collect();
        let Some(worst) = few.iter().min_by_key(|norm| (norm.n, norm.n_values)) else { return };
        // One layer that sees few values, deep down, is the price of a pyramid.
        if 2 * few.len() < all.len() {
            return;
        }
        let limit = self.limit(worst);
        let names: Vec<&str> = few.iter().map(|n| n.name.as_str()).collect();
        report.raise(
            Draft::new(
                Place::layer(&worst.name),
                format!(
                    "{} {} statistics from {} at a time, limit {limit}: {}",
                    count_of(few.len() as u64, "batch normalisation"),
                    if few.len() == 1 { "takes its" } else { "take their" },
                    count_of(worst.n, "sample"),
                    list(&names)
                ),
                Evidence::at_least("samples that statistics are taken over", worst.n as f64, limit as f64),
                Remedy::risky("use a normalisation that does not depend on the batch")
                    .code("nn.GroupNorm(num_groups=8, num_channels=channels)   # instead of nn.BatchNorm2d(channels)"),
            )
            .places(few.iter().filter(|n| n.name != worst.name).map(|n| Place::layer(&n.name)))
            .count(few.len() as u64)
            .remedy(Remedy::risky(format!("or train with batches of {limit} and more"))),
        );
    }
}

impl SmallBatchNorm {
    fn limit(&self, norm: &Norm) -> u64 {
        let each = norm.n_values.unwrap_or(norm.n) / norm.n.max(1);
        if each >= self.many { self.samples_of_many } else { self.samples }
    }
}
