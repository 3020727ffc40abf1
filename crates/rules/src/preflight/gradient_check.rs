//! `gradient-check`

use serde::{Deserialize, Serialize};
use stetho_core::preflight::{Experiment, Preflight};
use stetho_core::{Draft, Evidence, Human, Place, Remedy, Report, Rule, Severity, Signal};

use crate::experiments::{at_line, at_words, known, quote};

/// The backward pass of an autograd function does not belong to its forward pass.
///
/// ## Why it matters
/// The optimizer follows a slope that the loss does not have. The loss may fall nevertheless, to a worse end, so that nothing but a
/// comparison with finite differences shows it.
///
/// ## What to do
/// Derive the backward pass anew, factor by factor; where the forward pass is made of PyTorch's own operations, leave the gradient to
/// autograd.
///
/// ## Fires on
/// ```preflight
/// {"gradient_checks": [{"function": "Swish", "place": {"path": "ops.py", "line": 12, "text": "def backward(ctx, grad):"}, "worst": 0.3,
///   "input": 0, "tolerance": 1e-5}]}
/// ```
///
/// ## Stays quiet on
/// ```preflight
/// {"gradient_checks": [{"function": "Swish", "worst": 1e-8, "input": 0, "tolerance": 1e-5},
///   {"function": "Roll", "worst": null, "input": 0, "why_not": "not differentiable in float64"}]}
/// ```
/// Functions whose backward pass is another one on purpose:
/// ```preflight
/// {"gradient_checks": [{"function": "StraightThroughEstimator", "worst": 1.0, "input": 0, "tolerance": 1e-5},
///   {"function": "GradientReversal", "worst": 2.0, "input": 0, "tolerance": 1e-5}]}
/// ```
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct GradientCheckRule {
    /// Relative error that is always allowed.
    pub error: f64,
}

impl Default for GradientCheckRule {
    fn default() -> Self {
        Self { error: 1e-3 }
    }
}

/// How words begin in the names of functions whose gradient is not that of their forward pass, by design.
const BY_DESIGN: [&str; 12] = [
    "revers",
    "straight",
    "quantiz",
    "quantis",
    "round",
    "sign",
    "surrogate",
    "spike",
    "heaviside",
    "binar",
    "clip",
    "clamp",
];
/// Words that are such names as a whole: the straight-through estimator, the layer that reverses gradients.
const NAMES: [&str; 5] = ["ste", "grl", "quant", "scalegrad", "gradscale"];

/// Whether a function is known by its name to have another gradient on purpose.
fn is_by_design(function: &str) -> bool {
    let is_such = |word: &String| {
        // A `sign` is one, a `signal` is none.
        let begins = |part: &str| {
            word.strip_prefix(part).is_some_and(|rest| part != "sign" || !rest.starts_with("al"))
        };
        NAMES.contains(&word.as_str()) || BY_DESIGN.into_iter().any(begins)
    };
    words(function).iter().any(is_such) || NAMES.contains(&function.to_lowercase().as_str())
}

/// The words of a name in CamelCase or snake_case, in small letters; letters that are all capitals are one word.
fn words(name: &str) -> Vec<String> {
    let letters: Vec<char> = name.chars().collect();
    let mut words: Vec<String> = vec![String::new()];
    for (i, letter) in letters.iter().enumerate() {
        let before = i.checked_sub(1).map(|b| letters[b]);
        let is_start = letter.is_uppercase()
            && (before.is_some_and(char::is_lowercase)
                || before.is_some_and(char::is_uppercase)
                    && letters.get(i + 1).is_some_and(|c| c.is_lowercase()));
        if is_start || !letter.is_alphanumeric() {
            words.push(String::new());
        }
        if let Some(word) = words.last_mut().filter(|_| letter.is_alphanumeric()) {
            word.extend(letter.to_lowercase());
        }
    }
    words.retain(|word| !word.is_empty());
    words
}

impl Rule for GradientCheckRule {
    type Input = Preflight;
    const ID: &'static str = "gradient-check";
    const SEVERITY: Severity = Severity::Error;
    const SIGNALS: &'static [Signal] = &[Signal::Preflight(Experiment::GradientChecks)];

    fn check(&mut self, preflight: &Preflight, report: &mut Report) {
        for check in preflight.gradient_checks.iter().flatten().filter(|c| c.why_not.is_none()) {
            let Some(worst) = check.worst.map(|w| w.0) else { continue };
            let limit = known(check.tolerance).unwrap_or(0.0).max(self.error);
            if worst <= limit || is_by_design(&check.function) {
                continue;
            }
            let line = check.place.as_ref();
            let place =
                if line.is_some() { at_line(line) } else { Place::Op { name: check.function.clone() } };
            let draft = Draft::new(
                place,
                format!(
                    "the backward pass of `{}`{} is off by {} of its gradient by input {}, against finite differences in double \
                     precision, limit {}",
                    check.function,
                    at_words(line),
                    Human(worst),
                    check.input,
                    Human(limit)
                ),
                Evidence::at_most("relative error of the gradient", worst, limit),
                Remedy::advice("derive the backward pass anew, and check it where it is defined").code(format!(
                    "x = torch.randn(4, 3, dtype=torch.float64, requires_grad=True)\ntorch.autograd.gradcheck({}.apply, (x,))",
                    check.function
                )),
            )
            .remedy(Remedy::risky("or leave the gradient to autograd: a plain function of tensors has the right one"))
            .places(check.called.as_ref().map(|c| at_line(Some(c))))
            .topic(check.function.clone());
            report.raise(quote(line).into_iter().fold(draft, Draft::evidence));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::is_by_design;

    #[test]
    fn names_are_read_word_by_word() {
        for name in [
            "RoundSTE",
            "SignFunction",
            "GradientReversal",
            "GRL",
            "ste",
            "BinarizeWeights",
            "SurrogateSpike",
        ] {
            assert!(is_by_design(name), "{name}");
        }
        for name in ["DesignMatrix", "SignalFilter", "BackgroundLoss", "QuantileLoss", "Steps", "System"] {
            assert!(!is_by_design(name), "{name}");
        }
    }
}
