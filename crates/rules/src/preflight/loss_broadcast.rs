//! `loss-broadcast`

use serde::{Deserialize, Serialize};
use stetho_core::preflight::{Experiment, LossCall, Preflight};
use stetho_core::{Draft, Evidence, Remedy, Report, Rule, Severity, Signal, thousands};

use crate::experiments::{HAND_MADE, at_line, at_words, called, is_elementwise, quote, shape_words};

/// Prediction and target have shapes that are stretched to fit each other.
///
/// ## Why it matters
/// A prediction of shape `(N, 1)` and a target of shape `(N,)` make a table of N × N differences: each prediction is compared with the
/// targets of all samples. The best that the model can then do is to predict the mean of the targets for everything, and nothing says so.
///
/// ## What to do
/// Bring both to one shape before the loss.
///
/// ## Fires on
/// ```preflight
/// {"loss_calls": [{"function": "mse_loss", "place": {"path": "train.py", "line": 40, "text": "loss = F.mse_loss(model(x), y)"},
///   "input_shape": [64, 1], "target_shape": [64], "n_targets": 64}]}
/// ```
///
/// ## Stays quiet on
/// Equal shapes, and one number that all predictions are compared with:
/// ```preflight
/// {"loss_calls": [{"function": "difference", "input_shape": [64, 1, 8], "target_shape": [64, 8]},
///   {"function": "mse_loss", "input_shape": [64, 1], "target_shape": [64, 1]},
///   {"function": "mse_loss", "input_shape": [64, 1], "target_shape": []},
///   {"function": "mse_loss", "input_shape": [64, 3, 8, 8], "target_shape": [64, 1, 8, 8]},
///   {"function": "cross_entropy", "input_shape": [64, 10], "target_shape": [64]}]}
/// ```
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct LossBroadcast {}

impl Rule for LossBroadcast {
    type Input = Preflight;
    const ID: &'static str = "loss-broadcast";
    const SEVERITY: Severity = Severity::Error;
    const SIGNALS: &'static [Signal] = &[Signal::Preflight(Experiment::LossCalls)];

    fn check(&mut self, preflight: &Preflight, report: &mut Report) {
        for call in preflight.losses().iter().filter(|call| is_elementwise(call) || is_column_less_row(call))
        {
            let Some(common) = broadcast(&call.input_shape, &call.target_shape) else { continue };
            let size = |shape: &[u64]| shape.iter().product::<u64>();
            let (of_input, of_target, whole) =
                (size(&call.input_shape), size(&call.target_shape), size(&common));
            // Where the one fits into the other, as a mask or a single number does, it may well be meant.
            if of_input <= 1 || of_target <= 1 || whole <= of_input.max(of_target) {
                continue;
            }
            let place = call.place.as_ref();
            let draft = Draft::new(
                at_line(place),
                format!(
                    "{}{} compares predictions of shape {} with targets of shape {}: both are stretched to {}, {} differences for {} \
                     predictions, most of them between different samples",
                    called(call),
                    at_words(place),
                    shape_words(&call.input_shape),
                    shape_words(&call.target_shape),
                    shape_words(&common),
                    thousands(whole),
                    thousands(of_input)
                ),
                Evidence::at_most("differences for each prediction", whole as f64 / of_input as f64, 1.0),
                remedy(call),
            );
            report.raise(quote(place).into_iter().fold(draft, Draft::evidence).topic(at_words(place)));
        }
    }
}

/// Whether a column is subtracted from a row, in a loss that is worked out by hand. All other differences of stretched tensors, as of
/// all pairs of vectors, may well be meant.
fn is_column_less_row(call: &LossCall) -> bool {
    let is_pair = |a: &[u64], b: &[u64]| matches!((a, b), ([n, 1], [m]) if n == m);
    let (input, target) = (call.input_shape.as_slice(), call.target_shape.as_slice());
    call.function == HAND_MADE && (is_pair(input, target) || is_pair(target, input))
}

fn remedy(call: &LossCall) -> Remedy {
    let has_last_one = |shape: &[u64]| shape.last() == Some(&1);
    let code = if has_last_one(&call.input_shape) && call.input_shape.len() == call.target_shape.len() + 1 {
        "loss = criterion(output.squeeze(-1), target)"
    } else if has_last_one(&call.target_shape) {
        "loss = criterion(output, target.squeeze(-1))"
    } else {
        "assert output.shape == target.shape\nloss = criterion(output, target)"
    };
    Remedy::risky("bring predictions and targets to one shape").code(code)
}

/// The shape to which both are stretched, if they can be.
fn broadcast(a: &[u64], b: &[u64]) -> Option<Vec<u64>> {
    let n = a.len().max(b.len());
    let side = |shape: &[u64], i: usize| (i + shape.len()).checked_sub(n).map_or(1, |at| shape[at]);
    (0..n)
        .map(|i| match (side(a, i), side(b, i)) {
            (x, y) if x == y => Some(x),
            (1, y) => Some(y),
            (x, 1) => Some(x),
            _ => None,
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::broadcast;

    #[test]
    fn shapes_are_stretched_from_their_ends() {
        assert_eq!(broadcast(&[64, 1], &[64]), Some(vec![64, 64]));
        assert_eq!(broadcast(&[2, 3], &[3]), Some(vec![2, 3]));
        assert_eq!(broadcast(&[2, 3], &[2]), None);
        assert_eq!(broadcast(&[2], &[]), Some(vec![2]));
    }
}
