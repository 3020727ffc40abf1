//! `unchanged-parameters`

use serde::{Deserialize, Serialize};
use stetho_core::run::{Fact, LayerQuantity, Quantity, Run, Series};
use stetho_core::{Draft, Evidence, Human, Place, Remedy, Report, Rule, Severity, Signal};

use crate::layers::{Held, names, places};
use crate::runs::curves;
use crate::step_sizes::StepSizes;
use crate::trend::median;

/// Parameters that stay the same, bit for bit, although they get gradients.
///
/// ## Why it matters
/// These parameters are not trained: they are in no group of the optimizer, were replaced after the optimizer was made, or their
/// learning rate is 0. The rest of the network has to work around them.
///
/// ## What to do
/// Hand all parameters to the optimizer, after the model is complete and on its device. Layers that are meant to be frozen should get no
/// gradient either (`requires_grad_(False)`): that saves their cost.
///
/// ## Fires on
/// ```recipe rows=100
/// step = row()
/// loss = exp(-step / 100)
/// `grad_norm/fc1` = lognormal(0, 0.3)
/// `grad_norm/fc2` = lognormal(0, 0.3)
/// `weight_norm/fc1` = 4.187352611
/// `weight_norm/fc2` = 3.1 + 0.004123 * step
/// ```
///
/// Parameters that no gradient reaches although an optimizer holds them:
/// ```recipe rows=100
/// step = row()
/// loss = exp(-step / 100)
/// `grad_norm/fc2` = lognormal(0, 0.3)
/// `update_norm/fc1` = 0
/// `update_norm/fc2` = lognormal(-6, 0.3)
/// `trainable/fc1` = 1
/// `in_optimizer/fc1` = 1
/// ```
///
/// ## Stays quiet on
/// Parameters that are frozen on purpose, by leaving them out of gradients:
/// ```recipe rows=100
/// step = row()
/// loss = exp(-step / 100)
/// `grad_norm/fc2` = lognormal(0, 0.3)
/// `update_norm/fc1` = 0
/// `update_norm/fc2` = lognormal(-6, 0.3)
/// `trainable/fc1` = 0
/// `in_optimizer/fc1` = 0
/// ```
/// ```recipe rows=100
/// step = row()
/// loss = exp(-step / 100)
/// `grad_norm/fc1` = lognormal(0, 0.3)
/// `grad_norm/fc2` = lognormal(0, 0.3)
/// `weight_norm/fc1` = 4.187352611 + 0.00001 * step
/// `weight_norm/fc2` = 3.1 + 0.004123 * step
/// ```
/// A network whose training is over, and whose optimizer waits while that of another one steps:
/// ```recipe rows=100
/// step = row()
/// loss = exp(-step / 100)
/// `update_norm/second` = lognormal(-6, 0.3)
/// `weight_norm/first` = 4.187352611
/// `trainable/first` = 1
/// `in_optimizer/first` = 1
/// ```
/// Norms that were rounded so much that they cannot tell:
/// ```recipe rows=100
/// step = row()
/// loss = exp(-step / 100)
/// `grad_norm/fc1` = lognormal(0, 0.3)
/// `grad_norm/fc2` = lognormal(0, 0.3)
/// `weight_norm/fc1` = 4.2
/// `weight_norm/fc2` = pick(step > 50, 3.2, 3.1)
/// ```
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct UnchangedParameters {
    /// Logged points without which nothing is said.
    pub points: u64,
}

impl Default for UnchangedParameters {
    fn default() -> Self {
        Self { points: 6 }
    }
}

/// What is known of the gradients of a layer that stays the same.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Gradient {
    /// It gets some.
    Some,
    /// They are 0.
    Zero,
    /// They are so small that adding a step to the weights changes no digit: another rule's concern.
    Tiny,
    /// None are logged.
    Unknown,
}

impl Rule for UnchangedParameters {
    type Input = Run;
    const ID: &'static str = "unchanged-parameters";
    const SEVERITY: Severity = Severity::Error;
    const SIGNALS: &'static [Signal] = &[Signal::LayerChanges];
    const ALSO: &'static [Signal] = &[
        Signal::LayerGradients,
        Signal::LearningRate,
        Signal::Live(Fact::Trainable),
        Signal::Live(Fact::InOptimizer),
    ];

    fn check(&mut self, run: &Run, report: &mut Report) {
        let layers: Vec<&Series> = layers(run).filter(|s| s.digest.n() >= self.points).collect();
        let resolution = resolution(&layers);
        let (still, moving): (Vec<&Series>, Vec<&Series>) = layers.iter().partition(|s| is_still(s));
        // A norm of weights says little where others hardly move against the digits that were logged.
        let moved = median(moving.iter().map(|s| movement(s)));
        let is_seen = |s: &&Series| !is_weights(s) || moved >= 1e3 * resolution;
        let still: Vec<&Series> = still.into_iter().filter(|s| moving.is_empty() || is_seen(s)).collect();
        if moving.is_empty() {
            self.raise_all(run, &still, report);
            return;
        }
        let usual = usual_gradient(run, &moving);
        let with = |what: Gradient| -> Vec<&Series> {
            still.iter().copied().filter(|s| gradient(run, &s.name, usual) == what).collect()
        };
        if is_below_digits(run) {
            return;
        }
        raise_some(run, &with(Gradient::Some), report);
        let replaced: Vec<&Series> = moving.iter().copied().filter(|s| self.was_replaced(run, s)).collect();
        raise_replaced(run, &replaced, report);
        // Where a layer is dead, nothing reaches those before it: told by that.
        let is_dead = run.layers(LayerQuantity::DeadShare).any(|s| Held::of(s, 0.7).is_some());
        let zero = if is_dead { Vec::new() } else { with(Gradient::Zero) };
        // A gradient of 0 is one: that of an offset which cancels, for example.
        let (cut_off, unknown): (Vec<&Series>, Vec<&Series>) =
            with(Gradient::Unknown).into_iter().partition(|s| is_cut_off(run, &s.name));
        let idle: Vec<&Series> = zero.into_iter().chain(unknown).collect();
        raise_cut_off(run, &cut_off, report);
        let idle: Vec<&Series> =
            idle.into_iter().filter(|s| run.fact_of(Fact::Trainable, &s.name).is_none()).collect();
        raise_frozen(run, &idle, report);
    }
}

impl UnchangedParameters {
    /// Whether a layer that changed does so no more, and no optimizer holds what goes by its name now.
    fn was_replaced(&self, run: &Run, series: &Series) -> bool {
        let blocks = series.digest.blocks();
        let n_still: u64 = blocks.iter().rev().take_while(|b| b.max <= 0.0).map(|b| b.n).sum();
        !is_weights(series) && n_still >= self.points && is_outside(run, series)
    }

    /// Nothing moves at all: sure where updates of 0 are logged, or norms with many digits.
    fn raise_all(&self, run: &Run, still: &[&Series], report: &mut Report) {
        let is_sure =
            |s: &&Series| !is_weights(s) || digits(s) >= 7 && gradient(run, &s.name, 0.0) == Gradient::Some;
        if still.len() < 2 || !still.iter().all(is_sure) || run.train_loss().is_none() {
            return;
        }
        let rate = run.learning_rate().and_then(|s| s.digest.highest()).map(|p| p.value);
        let remedy = if rate.is_some_and(|rate| rate <= 0.0) {
            "the learning rate is 0: set it, and look at the schedule"
        } else {
            "call `optimizer.step()`, and hand it `model.parameters()` of the model that is trained, not of a copy"
        };
        raise(run, still, "none of the parameters ever changes", remedy, Severity::Error, report);
    }
}

/// Whether a parameter asks for a gradient, and an optimizer holds it: then it is meant to learn.
fn is_cut_off(run: &Run, name: &str) -> bool {
    let is = |fact| run.fact_of(fact, name).is_some_and(|value| value > 0.5);
    is(Fact::Trainable) && is(Fact::InOptimizer)
}

/// Parameters that are meant to learn, and that no gradient reaches.
fn raise_cut_off(run: &Run, still: &[&Series], report: &mut Report) {
    let message =
        format!("{} never change: an optimizer holds them, but no gradient reaches them", names(still));
    let remedy = "look for `detach()`, `.data`, `torch.no_grad()`, `.item()` or NumPy between these parameters and the loss, for a module that \
                  `forward` never calls, and for an optimizer that was made before the model was replaced";
    raise(run, still, &message, remedy, Severity::Warning, report);
}

/// Layers that get gradients and stay as they are.
fn raise_some(run: &Run, still: &[&Series], report: &mut Report) {
    let why = if still.iter().all(|s| is_outside(run, s)) { ": no optimizer holds them" } else { "" };
    let message = format!("{} never change, although they get gradients{why}", names(still));
    let remedy = "hand these parameters to the optimizer: `[n for n, p in model.named_parameters() if all(p is not q for g in \
                  optimizer.param_groups for q in g['params'])]` lists what it lacks";
    raise(run, still, &message, remedy, Severity::Error, report);
}

/// Whether no optimizer holds a layer.
fn is_outside(run: &Run, series: &Series) -> bool {
    run.fact_of(Fact::InOptimizer, &series.name).is_some_and(|value| value < 0.5)
}

/// Layers whose parameters were replaced after the optimizer was made.
fn raise_replaced(run: &Run, still: &[&Series], report: &mut Report) {
    let message =
        format!("{} stopped changing: no optimizer holds the parameters that are there now", names(still));
    let remedy = "make the optimizer after the last change of the model, or hand it the new parameters: `optimizer.add_param_group({'params': \
                  layer.parameters()})`";
    raise(run, still, &message, remedy, Severity::Error, report);
}

/// Layers that may have been frozen on purpose.
fn raise_frozen(run: &Run, still: &[&Series], report: &mut Report) {
    let message = format!(
        "{} never change; no gradient of theirs is seen, so they may be frozen on purpose",
        names(still)
    );
    let remedy =
        "if they are meant to learn, see that `requires_grad` is set and that the optimizer holds them";
    raise(run, still, &message, remedy, Severity::Info, report);
}

fn raise(run: &Run, still: &[&Series], message: &str, remedy: &str, severity: Severity, report: &mut Report) {
    let Some(first) = still.first() else { return };
    let (place, others): (Place, Vec<Place>) = places(still.iter().map(|s| s.name.as_str()));
    let points = first.digest.n() as f64;
    let what = if is_weights(first) { "points with the same norm" } else { "points with an update of 0" };
    let rows = still.iter().map(|s| {
        let value = s.digest.last().map_or(f64::NAN, |p| p.value);
        [s.name.clone(), s.tag.clone(), Human(value).to_string()]
    });
    report.raise(
        Draft::new(place, message, Evidence::at_most(what, points, 1.0), Remedy::advice(remedy))
            .topic(severity.name())
            .places(others)
            .count(still.len() as u64)
            .severity(severity)
            .evidence(Evidence::table("parameters that stay the same", ["layer", "series", "value"], rows))
            .evidence(curves(run, "logged of them", still.iter().take(5).copied())),
    );
}

/// One series a layer that tells whether it changes: its updates, or else the norm of its weights.
fn layers(run: &Run) -> impl Iterator<Item = &Series> {
    use LayerQuantity::{UpdateNorm, UpdateRatio, WeightNorm};
    let has = |quantity, name: &str| run.layers(quantity).any(|s| s.name == name);
    let ratios = run.layers(UpdateRatio).filter(move |s| !has(UpdateNorm, &s.name));
    // An optimizer that made no step while others did, as one whose training is over, has no updates to tell of.
    let has_updates = run.layers(UpdateNorm).next().is_some();
    let is_idle =
        move |s: &Series| has_updates && run.fact_of(Fact::InOptimizer, &s.name).is_some_and(|v| v > 0.5);
    let weights = run
        .layers(WeightNorm)
        .filter(move |s| !has(UpdateNorm, &s.name) && !has(UpdateRatio, &s.name) && !is_idle(s));
    run.layers(UpdateNorm).chain(ratios).chain(weights)
}

fn is_weights(series: &Series) -> bool {
    series.quantity == Quantity::Layer(LayerQuantity::WeightNorm)
}

/// Whether a layer stays as it is: updates of exactly 0, or a norm that is the same bit for bit.
fn is_still(series: &Series) -> bool {
    let is_zero = series.digest.highest().is_some_and(|p| p.value.abs() < f64::MIN_POSITIVE);
    if is_weights(series) { series.digest.is_constant() && !is_zero } else { is_zero }
}

/// How far a norm moved, relatively; of updates, that they are there.
fn movement(series: &Series) -> f64 {
    match (series.digest.lowest(), series.digest.highest()) {
        (Some(low), Some(high)) if is_weights(series) => (high.value - low.value) / high.value.abs(),
        _ => 1.0,
    }
}

/// Significant digits of the newest value as logged: the shortest that are read back as the same number.
fn digits(series: &Series) -> usize {
    let text = format!("{:e}", series.digest.last().map_or(0.0, |p| p.value));
    text.split('e').next().unwrap_or("").chars().filter(char::is_ascii_digit).count()
}

/// The relative step between neighbouring numbers as they were logged.
fn resolution(layers: &[&Series]) -> f64 {
    let most = layers.iter().copied().filter(|s| is_weights(s)).map(digits).max().unwrap_or(0);
    10f64.powi(-(most.min(8) as i32))
}

/// The gradient norm that is usual among layers.
fn usual_gradient(run: &Run, layers: &[&Series]) -> f64 {
    let of = |s: &&&Series| run.layers(LayerQuantity::GradientNorm).find(|g| g.name == s.name);
    median(layers.iter().filter_map(|s| Some(of(&s)?.digest.quantile(0.5))))
}

fn gradient(run: &Run, name: &str, usual: f64) -> Gradient {
    match run.layers(LayerQuantity::GradientNorm).find(|s| s.name == name).map(|s| s.digest.quantile(0.5)) {
        None => Gradient::Unknown,
        Some(norm) if norm <= 0.0 => Gradient::Zero,
        Some(norm) if norm < 1e-2 * usual => Gradient::Tiny,
        Some(_) => Gradient::Some,
    }
}

/// Whether steps are as a whole so small against the weights that they get lost in 32 bits: then it is the learning rate.
fn is_below_digits(run: &Run) -> bool {
    let sizes = StepSizes::of(run, -6.0, 0.0);
    !sizes.layers.is_empty() && median(sizes.layers.iter().map(|l| l.log10)) < -6.0
}

#[cfg(test)]
mod tests {
    use stetho_core::Severity;

    use crate::run::testing::{judge, run, values};

    #[test]
    fn a_layer_without_gradients_may_be_frozen_on_purpose() {
        let run = run([
            ("update_norm/fc1", values(50, |_| 0.0)),
            ("update_norm/fc2", values(50, |s| 0.01 + 0.001 * s.sin())),
            ("update_norm/fc3", values(50, |_| 0.0)),
            ("grad_norm/fc3", values(50, |_| 0.3)),
        ]);
        let found = judge("unchanged-parameters", &run);
        let of: Vec<_> = found.iter().map(|f| (f.severity, f.places[0].clone())).collect();
        let layer = stetho_core::Place::layer;
        assert_eq!(of, [(Severity::Error, layer("fc3")), (Severity::Info, layer("fc1"))]);
    }

    #[test]
    fn parameters_that_replaced_others_are_held_by_no_optimizer() {
        let told = |is_held: f64| {
            let run = run([
                ("update_norm/fc1", values(80, |s| 0.01 + 0.001 * s.sin())),
                ("update_norm/fc2", values(80, |s| if s < 40.0 { 0.01 } else { 0.0 })),
                ("grad_norm/fc2", values(80, |_| 0.3)),
                ("in_optimizer/fc2", values(80, |s| if s < 40.0 { 1.0 } else { is_held })),
            ]);
            judge("unchanged-parameters", &run).into_iter().map(|f| f.message).collect::<Vec<_>>()
        };
        assert!(told(0.0)[0].starts_with("`fc2` stopped changing"), "{:?}", told(0.0));
        assert!(told(1.0).is_empty());
    }

    #[test]
    fn an_optimizer_that_never_steps_is_one_finding() {
        let still = |value: f64| values(50, move |_| value);
        let run = run([
            ("loss", values(50, |s| 2.3 + 0.01 * s.sin())),
            ("lr", still(0.0)),
            ("update_norm/fc1", still(0.0)),
            ("update_norm/fc2", still(0.0)),
        ]);
        let found = judge("unchanged-parameters", &run);
        assert_eq!((found.len(), found[0].count), (1, 2));
        assert!(found[0].remedies[0].action.contains("the learning rate is 0"));
    }
}
