//! `normalisation-mismatch`

use serde::{Deserialize, Serialize};
use stetho_core::preflight::{Experiment, Preflight, Validation, ValidationChannel};
use stetho_core::{Draft, Evidence, Human, Place, Remedy, Report, Rule, Severity, Signal};

use crate::experiments::known;

/// Training and validation inputs are prepared in different ways.
///
/// ## Why it matters
/// The model is then judged on inputs that it was never trained for: validation is bad from the first epoch on, which looks like
/// overfitting, and no regularisation helps.
///
/// ## What to do
/// Prepare both in the same way, with mean and standard deviation of the training data; leave out of validation what is random only.
///
/// ## Fires on
/// ```preflight
/// {"validation": {"n_train": 512, "n_valid": 512, "channels": [{"train_mean": 0.01, "train_std": 1.0, "valid_mean": 0.13,
///   "valid_std": 0.31}], "spread_train": 0.3, "spread_valid": 0.09}}
/// ```
///
/// ## Stays quiet on
/// ```preflight
/// {"validation": {"n_train": 512, "n_valid": 512, "channels": [{"train_mean": 0.01, "train_std": 1.0, "valid_mean": -0.03,
///   "valid_std": 0.97}], "spread_train": 0.3, "spread_valid": 0.3}}
/// ```
/// A rare event that few validation rows have:
/// ```preflight
/// {"validation": {"n_train": 512, "n_valid": 64, "channels": [{"train_mean": 0.01, "train_std": 0.1, "valid_mean": 0.0,
///   "valid_std": 0.01}, {"train_mean": 0.0, "train_std": 1.0, "valid_mean": 0.1, "valid_std": 1.1},
///   {"train_mean": 0.0, "train_std": 1.0, "valid_mean": -0.1, "valid_std": 0.9}]}}
/// ```
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct NormalisationMismatch {
    /// Difference of means in units of the larger spread.
    pub shift: f64,
    /// Difference of means up to which series of measurements may have drifted, in units of the larger spread: told as information.
    pub drift: f64,
    /// Ratio of the spreads.
    pub ratio: f64,
    /// How many times its own standard error a difference of means must be.
    pub errors: f64,
    /// Samples of each that are needed.
    pub samples: u64,
}

impl Default for NormalisationMismatch {
    fn default() -> Self {
        Self { shift: 0.4, drift: 2.0, ratio: 1.7, errors: 6.0, samples: 24 }
    }
}

impl Rule for NormalisationMismatch {
    type Input = Preflight;
    const ID: &'static str = "normalisation-mismatch";
    const SEVERITY: Severity = Severity::Warning;
    const SIGNALS: &'static [Signal] = &[Signal::Preflight(Experiment::Validation)];

    fn check(&mut self, preflight: &Preflight, report: &mut Report) {
        let Some(validation) = &preflight.validation else { return };
        // A column that does not vary among the samples seen says nothing: it may be rare.
        let varies = |c: &ValidationChannel| c.train_std.0 > 0.0 && c.valid_std.0 > 0.0;
        let n = validation.channels.iter().filter(|c| varies(c)).count();
        if validation.n_train.min(validation.n_valid) < self.samples || n == 0 {
            return;
        }
        let off: Vec<(usize, &ValidationChannel)> = validation
            .channels
            .iter()
            .enumerate()
            .filter(|(_, c)| varies(c) && self.differs(validation, c))
            .collect();
        // Another preparation shows in most channels; a shift of some columns is a matter of the data.
        if 2 * off.len() <= n {
            return;
        }
        let is_drift = is_of_series(preflight) && off.iter().all(|(_, c)| self.may_be_drift(c));
        let worst = off.iter().copied().max_by(|a, b| distance(a.1).total_cmp(&distance(b.1)));
        let Some((i, channel)) = worst else { return };
        let of = if n == 1 { String::new() } else { format!(" in {} of {n} channels", off.len()) };
        let named = if n == 1 { String::new() } else { format!("channel {i}: ") };
        let rows = off.iter().map(|(i, c)| {
            let show = |mean: f64, std: f64| format!("{} ± {}", Human(mean), Human(std));
            [i.to_string(), show(c.train_mean.0, c.train_std.0), show(c.valid_mean.0, c.valid_std.0)]
        });
        let draft = Draft::new(
                Place::Whole,
                format!(
                    "training and validation inputs differ{of}: {named}mean {} and spread {} in training, {} and {} in validation",
                    Human(channel.train_mean.0),
                    Human(channel.train_std.0),
                    Human(channel.valid_mean.0),
                    Human(channel.valid_std.0)
                ),
                self.measure(channel),
                Remedy::risky("prepare both in the same way, with what is measured on training data").code(
                    "normalise = transforms.Normalize(mean, std)          # of the training data, for both\n\
                     train_transform = transforms.Compose([augment, transforms.ToTensor(), normalise])\n\
                     valid_transform = transforms.Compose([transforms.ToTensor(), normalise])",
                ),
            )
            .count(off.len() as u64)
            .evidence(Evidence::table("mean ± spread by channel", ["channel", "training", "validation"], rows));
        report.raise(if is_drift { draft.severity(Severity::Info) } else { draft });
    }
}

/// Whether the inputs are series of measurements: samples, time, a few channels.
fn is_of_series(preflight: &Preflight) -> bool {
    let inputs = preflight.batch.as_ref().map_or(&[][..], |b| b.inputs.as_slice());
    inputs.iter().any(|i| i.is_real() && i.shape.len() == 3)
}

impl NormalisationMismatch {
    /// What comes later in time may lie elsewhere: a shift that leaves the spread as it is.
    fn may_be_drift(&self, c: &ValidationChannel) -> bool {
        ratio(c) <= self.ratio && shift(c) <= self.drift
    }

    fn measure(&self, c: &ValidationChannel) -> Evidence {
        if ratio(c) > self.ratio {
            Evidence::at_most("ratio of the spreads", ratio(c), self.ratio)
        } else {
            Evidence::at_most("shift of the means, in spreads", shift(c), self.shift)
        }
    }

    fn differs(&self, validation: &Validation, c: &ValidationChannel) -> bool {
        let std = c.train_std.0.max(c.valid_std.0);
        if !(std > 0.0 && std.is_finite()) {
            return false;
        }
        let shift = (c.train_mean.0 - c.valid_mean.0).abs();
        let error = |spread: Option<stetho_core::Number>, own: f64, n: u64| {
            known(spread).unwrap_or(own).powi(2) / n.max(1) as f64
        };
        let train = c.train_spread.or(validation.spread_train);
        let valid = c.valid_spread.or(validation.spread_valid);
        let noise = (error(train, c.train_std.0, validation.n_train)
            + error(valid, c.valid_std.0, validation.n_valid))
        .sqrt();
        let is_shifted = shift > self.shift * std && shift > self.errors * noise;
        is_shifted || ratio(c) > self.ratio
    }
}

/// The larger spread over the smaller.
fn ratio(c: &ValidationChannel) -> f64 {
    let (low, high) = (c.train_std.0.min(c.valid_std.0), c.train_std.0.max(c.valid_std.0));
    if low > 0.0 { high / low } else { f64::INFINITY }
}

/// How far apart the means are, in spreads.
fn shift(c: &ValidationChannel) -> f64 {
    (c.train_mean.0 - c.valid_mean.0).abs() / c.train_std.0.max(c.valid_std.0).max(f64::MIN_POSITIVE)
}

/// How far apart two channels are: by their spreads, or by their means.
fn distance(c: &ValidationChannel) -> f64 {
    ratio(c).max(shift(c))
}
