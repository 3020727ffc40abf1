//! `amp-overflow`

use serde::{Deserialize, Serialize};
use stetho_core::run::{Block, Quantity, Run};
use stetho_core::{Draft, Evidence, Human, Remedy, Report, Rule, Severity, Signal};

use crate::broken;
use crate::runs::{at, curves, since};

/// The loss scale of half precision falls again and again.
///
/// ## Why it matters
/// The scaler halves its factor, and skips the step, each time a gradient overflows. Where it never gets to grow again, values do not
/// fit into 16 bits whatever the scale; once it is small, small gradients become 0.
///
/// ## What to do
/// Use bfloat16, which has the range of 32 bits. Or find what overflows, and work it out in 32 bits: sums over long axes, `exp`, norms,
/// attention scores before their softmax, losses.
///
/// ## Fires on
/// ```recipe rows=300
/// step = row()
/// loss = 2 + normal(0, 0.1)
/// loss_scale = 65536 * 0.5 ^ floor(step / 12)
/// ```
///
/// ## Stays quiet on
/// A scaler that looks for its scale in the first steps, and tries a greater one now and then:
/// ```recipe rows=300
/// step = row()
/// loss = 2 * exp(-step / 100) + normal(0, 0.1)
/// loss_scale = pick(step < 10, 65536 * 0.5 ^ step, 64 * (1 + (floor(step / 40) % 2)))
/// ```
/// No scaling:
/// ```recipe rows=300
/// step = row()
/// loss = 2 * exp(-step / 100) + normal(0, 0.1)
/// loss_scale = 1
/// ```
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct AmpOverflow {
    /// Net halvings from the start on.
    pub halvings: f64,
    /// Net halvings in the second half of the run, when a scaler has long found its scale.
    pub late: f64,
    /// Share of steps that may be skipped in the second half of the run.
    pub skipped: f64,
}

impl Default for AmpOverflow {
    fn default() -> Self {
        Self { halvings: 4.0, late: 2.5, skipped: 0.025 }
    }
}

impl Rule for AmpOverflow {
    type Input = Run;
    const ID: &'static str = "amp-overflow";
    const SEVERITY: Severity = Severity::Warning;
    const SIGNALS: &'static [Signal] = &[Signal::LossScale];
    const ALSO: &'static [Signal] = &[Signal::AnyLoss, Signal::AnyGradient];

    fn check(&mut self, run: &Run, report: &mut Report) {
        let Some(scale) = run.of(Quantity::LossScale).max_by_key(|s| s.digest.n()) else { return };
        let digest = &scale.digest;
        let (Some(first), Some(last)) = (digest.first().first(), digest.last()) else { return };
        // What is no number for good makes the scale fall, and is told by itself.
        if digest.n() < 30 || first.value <= 0.0 || broken::loss(run).or(broken::gradient(run)).is_some() {
            return;
        }
        // A scale that was halved until it was 0 was about 1e-45 before, the least number of 32 bits.
        let least = last.value.max(1e-45);
        let halvings = (first.value / least).log2();
        let blocks = digest.split(20);
        let half = blocks[blocks.len() / 2].mean;
        let lowest_so_far = digest.lowest().map_or(f64::NAN, |p| p.value);
        let still_falls = (half / least).log2() >= self.late && last.value <= 2.0 * lowest_so_far;
        let is_used_up = first.value >= 2.0 && last.value < 1.0;
        let falls = halvings >= self.halvings && (still_falls || is_used_up);
        let skipped =
            skipped(&blocks[blocks.len() / 2..]).filter(|share| *share > self.skipped && run.unit == "step");
        if !falls && skipped.is_none() {
            return;
        }
        let (message, proof) = match skipped.filter(|_| !falls) {
            Some(share) => (
                format!(
                    "the loss scale is halved about once in {} steps, and each time a step is skipped",
                    Human((1.0 / share).round())
                ),
                Evidence::at_most(
                    "share of steps that are skipped, second half of the run",
                    share,
                    self.skipped,
                ),
            ),
            None => (
                format!(
                    "the loss scale fell from {} to {} by {}: {} halvings without recovery",
                    Human(first.value),
                    Human(last.value),
                    at(run, last.step),
                    Human(halvings.round())
                ),
                Evidence::at_most("net halvings of the loss scale", halvings, self.halvings),
            ),
        };
        report.raise(
            Draft::new(
                since(scale, first.step),
                message,
                proof,
                Remedy::advice("train in bfloat16 (`torch.autocast(dtype=torch.bfloat16)`), which needs no scaler"),
            )
            .count(halvings.round().max(1.0) as u64)
            .evidence(curves(run, "loss scale", [scale]))
            .remedy(Remedy::advice(
                "find what overflows: log the largest value of each layer, and work out the loss, `exp`, norms and long sums in 32 bits",
            ))
            .remedy(Remedy::advice("clip gradients after `scaler.unscale_(optimizer)`, not before")),
        );
    }
}

/// Share of steps after which the scale was halved, where that was seen five times or more: a fall by half of the highest value and a
/// rise back make a path of that value.
fn skipped(blocks: &[Block]) -> Option<f64> {
    let falls: f64 = blocks.iter().map(|b| b.path / b.max.max(f64::MIN_POSITIVE)).sum();
    let steps = blocks.last()?.last.saturating_sub(blocks.first()?.first).max(1);
    (falls >= 5.0).then_some(falls / steps as f64)
}

#[cfg(test)]
mod tests {
    use crate::run::testing::{judge, run, values};

    #[test]
    fn a_scale_that_settled_is_what_the_scaler_is_for() {
        let settled = run([("loss_scale", values(200, |s| 2f64.powf(32.0 - s.min(17.0))))]);
        assert!(judge("amp-overflow", &settled).is_empty());
        let falling = run([("loss_scale", values(200, |s| 2f64.powf(32.0 - s / 10.0)))]);
        let found = judge("amp-overflow", &falling);
        assert!(found[0].message.contains("20 halvings"), "{}", found[0].message);
    }

    #[test]
    fn a_scale_that_grows_only_to_be_halved_again_is_told_by_the_steps_it_costs() {
        let saw = |s: f64| if s % 20.0 < 12.0 { 1024.0 } else { 2048.0 };
        let found = judge("amp-overflow", &run([("loss_scale", values(400, saw))]));
        assert!(found[0].message.contains("once in 20 steps"), "{}", found[0].message);
        let seldom = |s: f64| if s % 200.0 < 120.0 { 1024.0 } else { 2048.0 };
        assert!(judge("amp-overflow", &run([("loss_scale", values(2000, seldom))])).is_empty());
    }

    #[test]
    fn a_scale_of_0_was_halved_until_nothing_was_left() {
        let run = run([("loss_scale", values(300, |s| if s < 160.0 { 2f64.powf(15.0 - s) } else { 0.0 }))]);
        assert_eq!(judge("amp-overflow", &run).len(), 1);
    }

    #[test]
    fn a_loss_that_is_no_number_is_the_cause_and_not_the_scale() {
        let run = run([
            ("loss", values(200, |s| if s > 20.0 { f64::NAN } else { 1.0 })),
            ("loss_scale", values(200, |s| 2f64.powf(16.0 - (s - 20.0).max(0.0) / 4.0))),
        ]);
        assert!(judge("amp-overflow", &run).is_empty());
    }
}
