//! `learning-rate-range`

use serde::{Deserialize, Serialize};
use stetho_core::preflight::{Experiment, Preflight, Range};
use stetho_core::{Draft, Evidence, Place, Remedy, Report, Rule, Severity, Signal};

use crate::experiments::known;
use crate::runs::round2;

/// The learning rate lies outside of the range in which the loss falls.
///
/// ## Why it matters
/// With the rate rising from step to step, the loss first stays, then falls, then rises again. A rate far below the fall wastes time, one
/// near the rise is on the edge. The test sees some dozen steps on few batches: it is a hint, not a proof.
///
/// ## What to do
/// Take a rate some times below the one at which the loss turns (Smith 2017, “Cyclical learning rates for training neural networks”).
///
/// ## Fires on
/// ```preflight
/// {"range": {"optimizer": "SGD", "used": 1e-5, "rates": [1e-6, 1e-5, 1e-4, 0.001, 0.003, 0.01, 0.03, 0.1, 0.3, 1.0, 3.0],
///   "losses": [2.3, 2.3, 2.3, 2.29, 2.2, 2.0, 1.6, 1.0, 0.8, 2.9, 40.0]}}
/// ```
///
/// ## Stays quiet on
/// ```preflight
/// {"range": {"optimizer": "SGD", "used": 0.05, "rates": [1e-6, 1e-5, 1e-4, 0.001, 0.003, 0.01, 0.03, 0.1, 0.3, 1.0, 3.0],
///   "losses": [2.3, 2.3, 2.3, 2.29, 2.2, 2.0, 1.6, 1.0, 0.8, 2.9, 40.0]}}
/// ```
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct LearningRateRange {
    /// How many times below the steepest fall a rate may be.
    pub below: f64,
    /// Share of the whole fall that the loss must have made for its range to be trusted.
    pub fall: f64,
}

impl Default for LearningRateRange {
    fn default() -> Self {
        Self { below: 1000.0, fall: 0.1 }
    }
}

/// What the curve tells.
struct Found {
    /// The rate at which the loss falls fastest.
    steepest: f64,
    /// The rate from which on it rises, where it was reached.
    turn: Option<f64>,
    /// A rate to take.
    advice: f64,
}

impl Rule for LearningRateRange {
    type Input = Preflight;
    const ID: &'static str = "learning-rate-range";
    const SEVERITY: Severity = Severity::Info;
    const SIGNALS: &'static [Signal] = &[Signal::Preflight(Experiment::Range)];

    fn check(&mut self, preflight: &Preflight, report: &mut Report) {
        let Some(range) = &preflight.range else { return };
        let Some((used, found)) = known(range.used).filter(|u| *u > 0.0).zip(self.find(range)) else {
            return;
        };
        let optimizer = if range.optimizer.is_empty() { "the optimizer" } else { &range.optimizer };
        let advice = Remedy::risky(format!("try a learning rate of {}", round2(found.advice)))
            .code(format!("torch.optim.{optimizer}(model.parameters(), lr={})", round2(found.advice)));
        let draft = match found.turn {
            Some(turn) if used >= turn => Draft::new(
                Place::Whole,
                format!(
                    "the learning rate of {} is beyond {}, from which on the loss rises in a range test with {optimizer}",
                    round2(used),
                    round2(turn)
                ),
                Evidence::at_most("learning rate", used, turn),
                advice,
            ),
            // Where the loss never turns, the test has not seen the end of the range.
            Some(_) if self.below * used < found.steepest => Draft::new(
                Place::Whole,
                format!(
                    "the learning rate of {} is {} times below {}, at which the loss falls fastest in a range test with {optimizer}",
                    round2(used),
                    round2(found.steepest / used),
                    round2(found.steepest)
                ),
                Evidence::at_least("learning rate", used, found.steepest / self.below),
                advice,
            ),
            _ => return,
        };
        let points = range.rates.iter().zip(&range.losses).map(|(r, l)| [r.0.log10(), l.0]).collect();
        report.raise(draft.evidence(Evidence::curves(
            "loss as the learning rate rises",
            "log10 of the learning rate",
            [("loss".to_owned(), points)],
        )));
    }
}

impl LearningRateRange {
    fn find(&self, range: &Range) -> Option<Found> {
        let points: Vec<(f64, f64)> = range
            .rates
            .iter()
            .zip(&range.losses)
            .map(|(r, l)| (r.0, l.0))
            .filter(|(r, _)| *r > 0.0)
            .collect();
        let smooth = smooth(&points);
        let first = smooth.first()?.1;
        let (at, best) =
            smooth.iter().enumerate().map(|(i, p)| (i, p.1)).min_by(|a, b| a.1.total_cmp(&b.1))?;
        if points.len() < 8 || first - best < self.fall * first.abs().max(f64::MIN_POSITIVE) {
            return None;
        }
        let slope = |pair: &[(f64, f64)]| (pair[0].1 - pair[1].1) / (pair[1].0 / pair[0].0).ln().max(1e-9);
        let falls = smooth[..=at].windows(2).map(|pair| (pair[1].0, slope(pair)));
        let steepest = falls.max_by(|a, b| a.1.total_cmp(&b.1))?.0;
        // It has turned where it is well above its best, and stays there or is lost.
        let margin = best + 0.5 * (first - best);
        let turn = points[at..].iter().find(|(_, loss)| !loss.is_finite() || *loss > margin).map(|p| p.0);
        let advice = turn.map_or(steepest, |turn| (turn / 10.0).min(steepest));
        Some(Found { steepest, turn, advice })
    }
}

/// Losses as the median of three, up to the first that is no number.
fn smooth(points: &[(f64, f64)]) -> Vec<(f64, f64)> {
    let n = points.iter().position(|p| !p.1.is_finite()).unwrap_or(points.len());
    let value = |i: usize| {
        let mut around: Vec<f64> = points[i.saturating_sub(1)..(i + 2).min(n)].iter().map(|p| p.1).collect();
        stetho_core::median(&mut around)
    };
    (0..n).map(|i| (points[i].0, value(i))).collect()
}
