//! `no-gradient`

use serde::{Deserialize, Serialize};
use stetho_core::preflight::{Experiment, Parameter, Preflight};
use stetho_core::{Draft, Evidence, Place, Remedy, Report, Rule, Severity, Signal, count_of};

use crate::show::list;

/// Parameters that are to be trained get no gradient.
///
/// ## Why it matters
/// The optimizer leaves them as they were initialised. Where a layer that the output goes through is concerned, something between it and
/// the loss cuts the path: a `detach`, `.data`, a passage through NumPy, `torch.no_grad`, a copy by `torch.tensor`.
///
/// ## What to do
/// Find the first operation after the layer whose result has no `grad_fn`, and keep it within PyTorch. Parameters that are meant to stay
/// are best marked by `requires_grad_(False)`.
///
/// ## Fires on
/// ```preflight
/// {"layers": [{"name": "encoder", "kind": "Linear", "n_units": 64}, {"name": "head", "kind": "Linear", "n_units": 10}],
///  "parameters": [{"name": "encoder.weight", "shape": [64, 20], "trainable": true, "in_optimizer": true, "gradient": null, "norm": 4.0},
///   {"name": "head.weight", "shape": [10, 64], "trainable": true, "in_optimizer": true, "gradient": 0.4, "norm": 2.0}]}
/// ```
/// ```preflight
/// {"parameters": [{"name": "a.weight", "shape": [64, 20], "trainable": true, "in_optimizer": true, "gradient": 0.0, "norm": 4.0},
///   {"name": "b.weight", "shape": [10, 64], "trainable": true, "in_optimizer": true, "gradient": 0.0, "norm": 2.0}]}
/// ```
///
/// An embedding whose vectors are detached:
/// ```preflight
/// {"layers": [{"name": "head", "kind": "Linear", "n_units": 10}],
///  "parameters": [{"name": "words.weight", "shape": [64, 20], "trainable": true, "in_optimizer": true, "gradient": null, "norm": 4.0,
///   "is_run": true}, {"name": "head.weight", "shape": [10, 64], "trainable": true, "in_optimizer": true, "gradient": 0.4, "norm": 2.0}]}
/// ```
///
/// The last block of a list, by a loop that ends one too early:
/// ```preflight
/// {"layers": [{"name": "blocks.0", "kind": "Linear"}, {"name": "blocks.1", "kind": "Linear"}], "overfit": {"gradients_missing":
///   ["blocks.2.weight"], "curves": [{"losses": [1.0, 0.5, 0.1]}]}, "parameters": [
///   {"name": "blocks.0.weight", "shape": [8, 8], "trainable": true, "in_optimizer": true, "gradient": 0.3, "norm": 2.0},
///   {"name": "blocks.1.weight", "shape": [8, 8], "trainable": true, "in_optimizer": true, "gradient": 0.3, "norm": 2.0},
///   {"name": "blocks.2.weight", "shape": [8, 8], "trainable": true, "in_optimizer": true, "gradient": null, "norm": 2.0}]}
/// ```
///
/// An LSTM that is run and cut off:
/// ```preflight
/// {"layers": [{"name": "head", "kind": "Linear"}], "parameters": [
///   {"name": "rnn.weight_ih_l0", "shape": [64, 20], "trainable": true, "in_optimizer": true, "gradient": null, "is_run": true},
///   {"name": "head.weight", "shape": [10, 16], "trainable": true, "in_optimizer": true, "gradient": 0.4, "is_run": true}]}
/// ```
///
/// ## Stays quiet on
/// Layers behind one that starts at 0 by design, and a teacher that no optimizer holds:
/// ```preflight
/// {"layers": [{"name": "a", "kind": "Linear", "n_units": 64}, {"name": "gate", "kind": "Linear", "n_units": 10}],
///  "parameters": [{"name": "a.weight", "shape": [64, 20], "trainable": true, "in_optimizer": true, "gradient": 0.0, "norm": 4.0},
///   {"name": "gate.weight", "shape": [10, 64], "trainable": true, "in_optimizer": true, "gradient": 0.7, "norm": 0.0},
///   {"name": "teacher.weight", "shape": [10, 64], "trainable": true, "in_optimizer": false, "gradient": null, "norm": 3.0}]}
/// ```
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct NoGradient {}

impl Rule for NoGradient {
    type Input = Preflight;
    const ID: &'static str = "no-gradient";
    const SEVERITY: Severity = Severity::Error;
    const SIGNALS: &'static [Signal] = &[Signal::Preflight(Experiment::Parameters)];
    const ALSO: &'static [Signal] =
        &[Signal::Preflight(Experiment::Layers), Signal::Preflight(Experiment::Overfit)];

    fn check(&mut self, preflight: &Preflight, report: &mut Report) {
        let all: Vec<&Parameter> =
            preflight.parameters.iter().flatten().filter(|p| p.trainable && p.size() > 0).collect();
        let has_any = all.iter().any(|p| p.gradient.is_some());
        let trained = |p: &&&Parameter| p.in_optimizer != Some(false);
        let (absent, zero): (Vec<&Parameter>, Vec<&Parameter>) = all
            .iter()
            .filter(trained)
            .filter(|p| {
                p.gradient.is_none_or(|g| g.0.abs() < f64::MIN_POSITIVE) && p.reads_zero_because.is_none()
            })
            .partition(|p| p.gradient.is_none());
        // Without any gradient at all there was no backward pass to be seen, unless the overfitting says so too.
        let (absent, unused): (Vec<_>, Vec<_>) = absent
            .into_iter()
            .filter(|p| has_any || is_missing_later(preflight, p))
            .partition(|p| is_run(preflight, p));
        let zero: Vec<&Parameter> = zero.into_iter().filter(|p| !is_behind_zero(preflight, p)).collect();
        // An offset alone may cancel, as the last one of a critic does in the difference of two scores.
        let zero =
            if zero.iter().all(|p| p.shape.len() < 2) && absent.is_empty() { Vec::new() } else { zero };
        let n = all.len();
        if !absent.is_empty() || !zero.is_empty() {
            report.raise(of_broken(preflight, &absent, &zero, n));
        }
        // Parts that are run by others, as projections of attention are, cannot be told from parts that are not run: where something is
        // broken they are best left alone.
        if !unused.is_empty() && absent.is_empty() && zero.is_empty() {
            report.raise(of_unused(preflight, &unused));
        }
    }
}

/// Whether it had no gradient in the whole of the overfitting either.
fn is_missing_later(preflight: &Preflight, p: &Parameter) -> bool {
    preflight.overfit.as_ref().is_some_and(|o| o.gradients_missing.contains(&p.name))
}

/// Whether the module of a parameter takes part in the forward pass; layers that are not listed are no layers of weights.
fn is_run(preflight: &Preflight, p: &Parameter) -> bool {
    if p.is_run == Some(true) {
        return true;
    }
    let Some(layers) = &preflight.layers else { return true };
    // Where a step has several models, names of parameters begin with the model's.
    let is_of = |layer: &str| {
        p.module().strip_suffix(layer).is_some_and(|model| model.is_empty() || model.ends_with('.'))
    };
    layers.iter().any(|layer| !layer.name.is_empty() && is_of(&layer.name))
}

/// Whether a gradient of 0 may be because a parameter after it starts at 0, by design, and takes the gradient now: those of its own
/// bias, or of what multiplies it, come with the second step.
fn is_behind_zero(preflight: &Preflight, p: &Parameter) -> bool {
    if preflight.overfit.as_ref().is_some_and(|o| !o.curves.is_empty()) {
        return !is_missing_later(preflight, p);
    }
    let is_zero = |n: Option<stetho_core::Number>| n.is_some_and(|n| n.0.abs() < f64::MIN_POSITIVE);
    let learns = |q: &Parameter| q.gradient.is_some_and(|g| g.0 > 0.0);
    let is_gate = |q: &Parameter| is_zero(q.norm) && learns(q) && !q.name.ends_with("bias");
    preflight.parameters.iter().flatten().any(is_gate)
}

fn of_broken(preflight: &Preflight, absent: &[&Parameter], zero: &[&Parameter], n: usize) -> Draft {
    let broken: Vec<&Parameter> = absent.iter().chain(zero).copied().collect();
    let names: Vec<&str> = broken.iter().map(|p| p.name.as_str()).collect();
    let share = broken.len() as f64 / n.max(1) as f64;
    let how = match (absent.is_empty(), zero.is_empty()) {
        (false, true) => "get no gradient",
        (true, _) => "get a gradient of exactly 0",
        (false, false) => "get no gradient, or one of exactly 0",
    };
    let (of, get) = if broken.len() == n {
        ("none of the trainable parameters gets a gradient".to_owned(), String::new())
    } else {
        let how = if broken.len() == 1 { how.replacen("get", "gets", 1) } else { how.to_owned() };
        (format!("{} of {n} trainable parameters {how}", broken.len()), format!(": {}", list(&names)))
    };
    // The last layer that is cut off stands right before what cuts it off.
    let last = preflight.layers.iter().flatten().rev().find(|l| broken.iter().any(|p| p.module() == l.name));
    let after = match last.filter(|_| broken.len() < n) {
        Some(layer) => format!("; the path to the loss ends after `{}`", layer.name),
        None => String::new(),
    };
    let place = |p: &Parameter| Place::Parameter { name: p.name.clone() };
    let mut places = broken.iter().map(|p| place(p));
    let rows = broken.iter().map(|p| {
        let gradient = if p.gradient.is_some() { "0" } else { "none" };
        [p.name.clone(), crate::experiments::shape_words(&p.shape), gradient.to_owned()]
    });
    Draft::new(
        places.next().unwrap_or(Place::Whole),
        format!("{of}{get}{after}"),
        Evidence::at_most("share of the trainable parameters without a gradient", share, 0.0),
        Remedy::advice("find what cuts the path between the layer and the loss").code(
            "# each of these cuts it: x.detach(), x.data, x.numpy(), x.item(), torch.tensor(x), torch.no_grad(), argmax, round\n\
             print(output.grad_fn)   # None where it is cut",
        ),
    )
    .places(places)
    .count(broken.len() as u64)
    .evidence(Evidence::table("parameters without a gradient", ["parameter", "shape", "gradient"], rows))
    .remedy(
        Remedy::risky("parameters that are meant to stay as they are: say so").code("module.requires_grad_(False)"),
    )
}

/// A member of a list of modules that is never run though all before it are: `blocks.2`. Experts that wait for their samples are no such
/// list.
fn last_left_out(preflight: &Preflight, unused: &[&Parameter]) -> Option<String> {
    let runs = |prefix: &str| {
        let prefix = format!("{prefix}.");
        preflight.layers.iter().flatten().any(|l| format!("{}.", l.name).starts_with(&prefix))
    };
    let member = |p: &Parameter| {
        let parts: Vec<&str> = p.name.split('.').collect();
        let at = parts.iter().position(|part| part.parse::<u64>().is_ok())?;
        Some((parts[..at].join("."), parts[at].parse::<u64>().ok()?))
    };
    let is_routed =
        |list: &str| ["expert", "moe", "branch", "head"].iter().any(|w| list.to_lowercase().contains(w));
    let found = unused.iter().filter(|p| is_missing_later(preflight, p)).filter_map(|p| member(p));
    found.filter(|(list, _)| !list.is_empty() && !is_routed(list)).find_map(|(list, index)| {
        let before = index >= 2 && (0..index).all(|i| runs(&format!("{list}.{i}")));
        let is_whole = !runs(&format!("{list}.{index}"));
        let is_last = !preflight.parameters.iter().flatten().any(|p| {
            p.name.strip_prefix(&format!("{list}.{}", index + 1)).is_some_and(|rest| rest.starts_with('.'))
        });
        (before && is_whole && is_last).then(|| format!("{list}.{index}"))
    })
}

/// Modules that the step does not run: more often a spare part than a fault.
fn of_unused(preflight: &Preflight, unused: &[&Parameter]) -> Draft {
    let mut modules: Vec<&str> = unused.iter().map(|p| p.module()).collect();
    modules.dedup();
    let numbers: u64 = unused.iter().map(|p| p.size()).sum();
    let mut places = modules.iter().map(|m| Place::layer(*m));
    let left_out = last_left_out(preflight, unused);
    let tail = left_out.as_ref().map_or_else(String::new, |last| {
        format!("; `{last}` is the last of its list, and the others are run: a loop that ends one too early?")
    });
    Draft::new(
        places.next().unwrap_or(Place::Whole),
        format!(
            "{} not take part in the step, so {} of {} get no gradient: {}{tail}",
            if modules.len() == 1 {
                "1 module does".to_owned()
            } else {
                format!("{} do", count_of(modules.len() as u64, "module"))
            },
            count_of(unused.len() as u64, "parameter"),
            count_of(numbers, "number"),
            list(&modules)
        ),
        Evidence::at_most("modules with parameters that are not run", modules.len() as f64, 0.0),
        Remedy::advice("call the module in `forward`, or leave it out of the model"),
    )
    .places(places)
    .severity(if left_out.is_some() { Severity::Error } else { Severity::Info })
    .topic("unused")
    .count(modules.len() as u64)
}
