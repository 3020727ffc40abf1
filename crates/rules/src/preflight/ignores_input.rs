//! `ignores-input`

use serde::{Deserialize, Serialize};
use stetho_core::preflight::{Experiment, LossCall, Preflight, Zeroed};
use stetho_core::{Draft, Evidence, Human, Place, Remedy, Report, Rule, Severity, Signal, percent};

use crate::experiments::{is_broken, is_cross_entropy, known, level, line};

/// The model trains as well with inputs of 0 as with the real ones.
///
/// ## Why it matters
/// What it learns then has nothing to do with its input: the input is lost on the way (overwritten, scaled to nothing, a dead first
/// layer), or the answer reaches the model on another one.
///
/// ## What to do
/// Follow the input through the first layers and see where its variation ends; look for targets among the inputs.
///
/// ## Fires on
/// ```preflight
/// {"batch": {"n": 32}, "loss_calls": [{"function": "cross_entropy", "n_classes": 4, "entropy": 1.35, "value": 1.6}],
///  "zeroed": {"steps": 8, "real": [1.6, 1.5, 1.45, 1.41, 1.38, 1.37, 1.36, 1.355], "zero": [1.6, 1.5, 1.45, 1.41, 1.38, 1.37, 1.36, 1.355]}}
/// ```
///
/// ## Stays quiet on
/// ```preflight
/// {"batch": {"n": 32}, "loss_calls": [{"function": "cross_entropy", "n_classes": 4, "entropy": 1.35, "value": 1.6}],
///  "zeroed": {"steps": 8, "real": [1.6, 1.4, 1.1, 0.9, 0.7, 0.5, 0.4, 0.3], "zero": [1.5, 1.45, 1.41, 1.38, 1.37, 1.36, 1.355, 1.35]}}
/// ```
/// Slow learning, which begins with what is the same for all samples:
/// ```preflight
/// {"batch": {"n": 32}, "loss_calls": [{"function": "cross_entropy", "n_classes": 4, "entropy": 1.35, "value": 1.6}],
///  "zeroed": {"steps": 6, "real": [1.62, 1.55, 1.49, 1.45, 1.42, 1.4], "zero": [1.6, 1.53, 1.48, 1.45, 1.42, 1.4]}}
/// ```
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct IgnoresInput {
    /// Relative difference of two losses up to which they are the same.
    pub same: f64,
    /// Change of an output without input, in standard deviations of the outputs, from which on the input is seen.
    pub change: f64,
    /// Share of its first value by which the loss must have fallen for the experiment to say anything.
    pub fall: f64,
    /// Share of the loss of a constant answer that training without input cannot get below.
    pub constant: f64,
}

impl Default for IgnoresInput {
    fn default() -> Self {
        Self { same: 2e-4, change: 0.05, fall: 0.02, constant: 0.6 }
    }
}

impl Rule for IgnoresInput {
    type Input = Preflight;
    const ID: &'static str = "ignores-input";
    const SEVERITY: Severity = Severity::Error;
    const SIGNALS: &'static [Signal] = &[Signal::Preflight(Experiment::Zeroed)];
    const ALSO: &'static [Signal] =
        &[Signal::Preflight(Experiment::LossCalls), Signal::Preflight(Experiment::Mixing)];

    fn check(&mut self, preflight: &Preflight, report: &mut Report) {
        let Some(zeroed) = &preflight.zeroed else { return };
        let n = zeroed.real.len().min(zeroed.zero.len());
        let (real, zero) = (&zeroed.real[..n], &zeroed.zero[..n]);
        if n < 4 || is_broken(real) || is_broken(zero) || preflight.batch.as_ref().is_some_and(|b| b.n == 1) {
            return;
        }
        let fall = (real[0].0 - level(real)) / real[0].0.abs().max(f64::MIN_POSITIVE);
        let apart = real.iter().zip(zero).map(|(r, z)| (r.0 - z.0).abs() / r.0.abs().max(1e-12));
        let apart = apart.fold(0.0, f64::max);
        // What gets through is told directly by the gradient of the outputs by their own inputs.
        let gets_through = preflight.mixing.as_ref().and_then(|m| known(m.own));
        let change = known(zeroed.output_change);
        let is_unseen = change.is_some_and(|c| c < self.same) || gets_through == Some(0.0);
        // Where the loss does not fall at all, nothing is learned from anything, which is another story.
        let learns = fall >= if is_unseen { self.fall / 4.0 } else { self.fall };
        if change.is_none_or(|c| c <= self.change) && apart <= self.same && learns {
            let text = format!(
                "trained with inputs of 0 the loss takes the same course as with the real ones, {} → {} in {n} steps: the model does not \
                 see its input",
                Human(real[0].0),
                Human(level(real))
            );
            let measure =
                Evidence::at_least("largest relative difference between the two courses", apart, self.same);
            report.raise(draft(text, measure, zeroed));
            return;
        }
        // Where there are several targets a sample, a constant is no longer all that can be said without input: positions differ.
        let is_single = |call: &&LossCall| {
            preflight.batch.as_ref().is_none_or(|b| call.n_targets == 0 || call.n_targets == b.n)
        };
        let constant = preflight.only_loss().filter(is_single).and_then(constant_loss);
        let (real_end, zero_end) = (level(real), level(zero));
        if let Some(constant) =
            constant.filter(|c| zero_end < self.constant * c && zero_end <= 1.02 * real_end)
        {
            let text = format!(
                "trained with inputs of 0 the loss falls to {}, with the real ones to {}; without input it could not be below {}: the \
                 answer reaches the model on another way",
                Human(zero_end),
                Human(real_end),
                Human(constant)
            );
            let name =
                format!("loss without input, as a share of that of a constant answer ({})", Human(constant));
            let measure = Evidence::at_least(name, zero_end / constant, self.constant);
            report.raise(draft(text, measure, zeroed));
        }
    }
}

/// The loss of the best answer that is the same for all samples.
fn constant_loss(call: &LossCall) -> Option<f64> {
    let constant = if is_cross_entropy(call) {
        known(call.entropy)
    } else if call.function == "mse_loss" {
        known(call.target_variance)
    } else {
        None
    };
    constant.filter(|c| *c > 1e-3 && call.is_plain_mean())
}

fn draft(text: String, measure: Evidence, zeroed: &Zeroed) -> Draft {
    let lines = [line("real inputs", &zeroed.real), line("inputs of 0", &zeroed.zero)];
    Draft::new(
        Place::Whole,
        text,
        measure,
        Remedy::advice("find where the variation of the input ends").code(
            "for name, module in model.named_modules():\n    module.register_forward_hook(\n        lambda m, i, o, name=name: \
             print(name, o.std(dim=0).max().item()) if hasattr(o, 'std') else None)",
        ),
    )
    .evidence(Evidence::curves("loss, with and without input", "step", lines))
    .remedy(Remedy::advice(format!(
        "see that no input is overwritten, rounded or scaled away, and that no target is among the inputs ({} of the loss is \
         left at the end)",
        percent((level(&zeroed.real) / zeroed.real[0].0.abs().max(f64::MIN_POSITIVE)).clamp(0.0, 1.0))
    )))
}
