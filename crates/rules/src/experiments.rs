//! What rules on experiments before training say and show alike.

use stetho_core::preflight::LossCall;
use stetho_core::run::SourceLine;
use stetho_core::{Evidence, Number, Place};

/// Losses at the end of a training that its last level is the median of.
const LAST: usize = 5;

/// A line of the script as a place; where it is not known, the whole.
pub(crate) fn at_line(line: Option<&SourceLine>) -> Place {
    line.map_or(Place::Whole, |l| Place::source(&l.path, l.line, &l.text))
}

/// ` at train.py:12`, or nothing where the line is not known.
pub(crate) fn at_words(line: Option<&SourceLine>) -> String {
    line.map_or_else(String::new, |l| format!(" at {}:{}", l.path, l.line))
}

/// The line of the script, quoted.
pub(crate) fn quote(line: Option<&SourceLine>) -> Option<Evidence> {
    let line = line.filter(|l| !l.text.trim().is_empty())?;
    Some(Evidence::Excerpt {
        path: line.path.clone(),
        line: line.line,
        text: line.text.trim_end().to_owned(),
    })
}

/// `(32, 10)`
pub(crate) fn shape_words(shape: &[u64]) -> String {
    let sides = shape.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ");
    if shape.len() == 1 { format!("({sides},)") } else { format!("({sides})") }
}

/// A finite number.
pub(crate) fn known(number: Option<Number>) -> Option<f64> {
    number.map(|n| n.0).filter(|x| x.is_finite())
}

/// Losses as a line over the steps.
pub(crate) fn line(label: impl Into<String>, losses: &[Number]) -> (String, Vec<[f64; 2]>) {
    (label.into(), losses.iter().enumerate().map(|(i, l)| [i as f64, l.0]).collect())
}

/// Whether a training ends in something that is no number.
pub(crate) fn is_broken(losses: &[Number]) -> bool {
    losses.last().is_some_and(|l| !l.0.is_finite())
}

/// The level at which losses end: the median of the last few; NaN where there are none.
pub(crate) fn level(losses: &[Number]) -> f64 {
    let mut last: Vec<f64> = losses.iter().rev().take(LAST).map(|l| l.0).collect();
    stetho_core::median(&mut last)
}

/// What a difference of two tensors is called in a record, of which a loss is made without one of PyTorch's functions.
pub(crate) const HAND_MADE: &str = "difference";

/// `cross_entropy` as users call it, in code.
pub(crate) fn called(call: &LossCall) -> String {
    match call.function.as_str() {
        "" => "the loss".into(),
        HAND_MADE => "a loss worked out by hand".into(),
        function => format!("`{function}`"),
    }
}

/// The module class that does the same as a loss function, as people write it.
pub(crate) fn module_of(function: &str) -> &'static str {
    match function {
        "cross_entropy" => "CrossEntropyLoss",
        "nll_loss" => "NLLLoss",
        "binary_cross_entropy" => "BCELoss",
        "binary_cross_entropy_with_logits" => "BCEWithLogitsLoss",
        "kl_div" => "KLDivLoss",
        "mse_loss" => "MSELoss",
        "l1_loss" => "L1Loss",
        "smooth_l1_loss" => "SmoothL1Loss",
        "huber_loss" => "HuberLoss",
        _ => "the loss",
    }
}

/// Whether a loss compares with a class by the logarithm of a softmax.
pub(crate) fn is_cross_entropy(call: &LossCall) -> bool {
    matches!(call.function.as_str(), "cross_entropy" | "nll_loss")
}

/// Whether a loss compares number by number, so that shapes may broadcast.
pub(crate) fn is_elementwise(call: &LossCall) -> bool {
    const FUNCTIONS: [&str; 8] = [
        "mse_loss",
        "l1_loss",
        "smooth_l1_loss",
        "huber_loss",
        "binary_cross_entropy",
        "binary_cross_entropy_with_logits",
        "kl_div",
        "poisson_nll_loss",
    ];
    FUNCTIONS.contains(&call.function.as_str())
}
