//! `softmax-axis`

use serde::{Deserialize, Serialize};
use stetho_core::preflight::{Experiment, LossCall, Preflight, Softmax};
use stetho_core::{Draft, Evidence, Human, Remedy, Report, Rule, Severity, Signal};

use crate::experiments::{at_line, at_words, called, is_cross_entropy, known, quote, shape_words};

/// A softmax sums to 1 over another axis than that of the classes.
///
/// ## Why it matters
/// Over the axis of the batch, the probability of a sample depends on the other samples that happen to be in its batch; over pixels or
/// positions, each of them competes with the others rather than class with class. The loss is then about something else than it seems.
///
/// ## What to do
/// Name the axis of the classes: `dim=-1` for `(batch, classes)`, `dim=1` for `(batch, classes, height, width)`.
///
/// ## Fires on
/// ```preflight
/// {"softmaxes": [{"place": {"path": "net.py", "line": 20, "text": "return torch.softmax(x, dim=0)"}, "function": "softmax", "dim": 0,
///   "shape": [32, 10], "class_dim": 1, "is_attention": false, "sum_error": 4.2}]}
/// ```
///
/// Classes of pixels, by the columns of the picture:
/// ```preflight
/// {"batch": {"n": 12, "inputs": [{"name": "x", "shape": [12, 1, 24, 24], "dtype": "float32"}]}, "softmaxes": [{"place": {"path":
///   "loss.py", "line": 27, "text": "p = F.softmax(scores, dim=-1)"}, "function": "softmax", "dim": 3, "shape": [12, 3, 24, 24]}]}
/// ```
///
/// Scores of pixels, whose shape is changed without moving the classes to the end:
/// ```preflight
/// {"softmaxes": [], "loss_calls": [{"function": "cross_entropy", "input_shape": [3072, 3], "view_of": [12, 3, 16, 16], "n_classes": 3,
///   "place": {"path": "train.py", "line": 52, "text": "loss = criterion(scores.view(-1, 3), mask.view(-1))"}}]}
/// ```
///
/// ## Stays quiet on
/// Scores of the tokens of a text, with the classes at the end:
/// ```preflight
/// {"softmaxes": [], "loss_calls": [{"function": "cross_entropy", "input_shape": [256, 100], "view_of": [8, 32, 100], "n_classes": 100}]}
/// ```
/// ```preflight
/// {"softmaxes": [{"function": "softmax", "dim": -1, "shape": [32, 10], "class_dim": 1, "sum_error": 1e-7},
///   {"function": "softmax", "dim": -2, "shape": [32, 8, 16, 16], "class_dim": null, "is_attention": true},
///   {"function": "softmax", "dim": 1, "shape": [32, 8, 16], "class_dim": 2, "is_attention": true, "sum_error": 0.6}]}
/// ```
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct SoftmaxAxis {
    /// How far from 1 a sum over the classes may be.
    pub error: f64,
}

impl Default for SoftmaxAxis {
    fn default() -> Self {
        Self { error: 0.001 }
    }
}

/// An axis counted from the start.
fn from_start(dim: i64, softmax: &Softmax) -> i64 {
    if dim < 0 { dim + softmax.shape.len() as i64 } else { dim }
}

impl Rule for SoftmaxAxis {
    type Input = Preflight;
    const ID: &'static str = "softmax-axis";
    const SEVERITY: Severity = Severity::Error;
    const SIGNALS: &'static [Signal] = &[Signal::Preflight(Experiment::Softmaxes)];
    const ALSO: &'static [Signal] =
        &[Signal::Preflight(Experiment::Batch), Signal::Preflight(Experiment::LossCalls)];

    fn check(&mut self, preflight: &Preflight, report: &mut Report) {
        for softmax in preflight.softmaxes.iter().flatten().filter(|s| !s.is_attention) {
            let class = softmax.class_dim.or_else(|| class_of_map(preflight, softmax));
            let Some((dim, class)) = softmax.dim.zip(class) else { continue };
            let (dim, class) = (from_start(dim, softmax), from_start(class, softmax));
            let error = softmax.class_dim.and_then(|_| known(softmax.sum_error)).unwrap_or(f64::INFINITY);
            let sides = |axis: i64| usize::try_from(axis).ok().and_then(|a| softmax.shape.get(a)).copied();
            if dim == class || error <= self.error || sides(class).is_none_or(|n| n < 2) {
                continue;
            }
            let place = softmax.place.as_ref();
            let off = if error.is_finite() {
                format!(", where sums are off by up to {}", Human(error))
            } else {
                String::new()
            };
            let batch = if dim == 0 { ", which is that of the batch" } else { "" };
            let draft = Draft::new(
                at_line(place),
                format!(
                    "`{}`{} sums to 1 along axis {dim}{batch}; the classes lie along axis {class} of {}{off}",
                    softmax.function,
                    at_words(place),
                    shape_words(&softmax.shape),
                ),
                if error.is_finite() {
                    Evidence::at_most("distance from 1 of a sum over the classes", error, self.error)
                } else {
                    Evidence::at_most(
                        "axes between that of the softmax and that of the classes",
                        (dim - class).abs() as f64,
                        0.0,
                    )
                },
                Remedy::risky(format!("sum over the classes: `dim={}`", softmax_dim(class, softmax)))
                    .code(format!("torch.{}(scores, dim={})", softmax.function, softmax_dim(class, softmax))),
            );
            report.raise(quote(place).into_iter().fold(draft, Draft::evidence).topic(at_words(place)));
        }
        preflight.losses().iter().filter_map(torn).for_each(|draft| report.raise(draft));
    }
}

/// Maps with the classes along their second axis, reshaped so that the numbers of one pixel's classes are those of several pixels.
fn torn(call: &LossCall) -> Option<Draft> {
    let &[n_rows, n_classes] = call.input_shape.as_slice() else { return None };
    let [n, classes, places @ ..] = call.view_of.as_slice() else { return None };
    let last = *places.last()?;
    let is_map = *classes == n_classes && last != n_classes && n_classes > 1;
    if !is_cross_entropy(call) || !is_map || n * places.iter().product::<u64>() != n_rows {
        return None;
    }
    let place = call.place.as_ref();
    let order = if places.len() == 1 { "0, 2, 1" } else { "0, 2, 3, 1" };
    let draft = Draft::new(
        at_line(place),
        format!(
            "the scores of {}{} are {} seen as {}: the {n_classes} numbers of a row are one class at {n_classes} places, not \
             {n_classes} classes at one",
            called(call),
            at_words(place),
            shape_words(&call.view_of),
            shape_words(&call.input_shape)
        ),
        Evidence::at_most("places that a row of scores is put together from", n_classes as f64, 1.0),
        Remedy::safe("let the loss take the classes from the second axis").code("loss = criterion(scores, target)   # (N, C, H, W) and (N, H, W)"),
    )
    .remedy(
        Remedy::safe("or bring the classes to the end before the shape is changed")
            .code(format!("scores.permute({order}).reshape(-1, {n_classes})")),
    );
    Some(quote(place).into_iter().fold(draft, Draft::evidence).topic(at_words(place)))
}

/// The axis of the classes of a map as large as the pictures of the batch, with a class for each pixel: a softmax that runs along its
/// rows or columns is over neither classes nor places.
fn class_of_map(preflight: &Preflight, softmax: &Softmax) -> Option<i64> {
    let &[n, n_classes, height, width] = softmax.shape.as_slice() else { return None };
    let batch = preflight.batch.as_ref()?;
    let is_picture = |shape: &[u64]| matches!(shape, &[m, _, h, w] if (m, h, w) == (n, height, width));
    let is_map = batch.inputs.iter().any(|i| i.is_real() && is_picture(&i.shape));
    let is_spatial = softmax.dim.is_some_and(|dim| from_start(dim, softmax) >= 2);
    (is_map && is_spatial && n_classes > 1 && n_classes < height.min(width)).then_some(1)
}

/// The axis as people write it: the last as -1.
fn softmax_dim(axis: i64, softmax: &Softmax) -> i64 {
    if axis + 1 == softmax.shape.len() as i64 { -1 } else { axis }
}
