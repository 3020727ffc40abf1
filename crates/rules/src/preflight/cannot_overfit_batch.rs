//! `cannot-overfit-batch`

use serde::{Deserialize, Serialize};
use stetho_core::preflight::{Experiment, LossCurve, Overfit, Preflight};
use stetho_core::{Draft, Evidence, Human, Place, Remedy, Report, Rule, Severity, Signal, count_of};

use crate::experiments::{is_broken, is_cross_entropy, known, level, line};
use crate::show::list;

/// A few samples cannot be learned by heart.
///
/// ## Why it matters
/// A network has many more weights than a handful of samples has labels. With regularisation off it learns them by heart within some dozen
/// steps; where it cannot, the path from the input over the loss to the weights is broken, and no amount of data or time will help.
///
/// ## What to do
/// Look at what stands between output and loss (a `detach`, an `argmax`, a clamp, a wrong axis), at whether samples and labels still belong
/// to each other, and at the step size. Where another optimizer manages, the model is right and the learning rate wrong.
///
/// ## Fires on
/// ```preflight
/// {"loss_calls": [{"function": "cross_entropy", "n_classes": 10, "value": 2.31, "entropy": 1.9}],
///  "overfit": {"n_samples": 8, "floor": 0.0, "curves": [
///   {"optimizer": "SGD, as the script has it", "rate": 0.1, "losses": [2.31, 2.31, 2.31, 2.31, 2.31, 2.31, 2.31, 2.31, 2.31, 2.31,
///    2.31, 2.31, 2.31, 2.31, 2.31, 2.31, 2.31, 2.31, 2.31, 2.31, 2.31, 2.31, 2.31, 2.31, 2.31, 2.31, 2.31, 2.31, 2.31, 2.31]},
///   {"optimizer": "Adam at 1e-3", "rate": 0.001, "losses": [2.31, 2.3, 2.3, 2.3, 2.3, 2.3, 2.3, 2.3, 2.3, 2.3,
///    2.3, 2.3, 2.3, 2.3, 2.3, 2.3, 2.3, 2.3, 2.3, 2.3, 2.3, 2.3, 2.3, 2.3, 2.3, 2.3, 2.3, 2.3, 2.3, 2.3]}]}}
/// ```
/// A step size that leads nowhere, where the model can be trained:
/// ```preflight
/// {"loss_calls": [{"function": "cross_entropy", "n_classes": 10, "value": 2.31, "entropy": 1.9}],
///  "overfit": {"n_samples": 8, "floor": 0.0, "curves": [
///   {"optimizer": "SGD, as the script has it", "rate": 50, "losses": [2.31, 90, 800, 4000, 9000, "Infinity", "NaN", "NaN"]},
///   {"optimizer": "Adam at 1e-3", "rate": 0.001, "losses": [2.31, 1.2, 0.5, 0.2, 0.1, 0.04, 0.02, 0.01, 0.01, 0.01]}]}}
/// ```
///
/// ## Stays quiet on
/// ```preflight
/// {"loss_calls": [{"function": "cross_entropy", "n_classes": 10, "value": 2.31, "entropy": 1.9}],
///  "overfit": {"n_samples": 8, "floor": 0.0, "curves": [
///   {"optimizer": "SGD, as the script has it", "rate": 0.1, "losses": [2.31, 1.2, 0.5, 0.2, 0.1, 0.04, 0.02, 0.01]}]}}
/// ```
/// A slow optimizer, and one that is still to be warmed up, where another one shows that the model is right:
/// ```preflight
/// {"loss_calls": [{"function": "cross_entropy", "n_classes": 10, "value": 2.31, "entropy": 1.9}],
///  "overfit": {"n_samples": 8, "floor": 0.0, "curves": [
///   {"optimizer": "AdamW, as the script has it", "rate": 1e-9, "is_warming_up": true, "losses": [2.31, 2.31, 2.31, 2.31, 2.31, 2.31,
///    2.31, 2.31, 2.31, 2.31, 2.31, 2.31, 2.31, 2.31, 2.31, 2.31, 2.31, 2.31, 2.31, 2.31, 2.31, 2.31, 2.31, 2.31, 2.31, 2.31, 2.31]},
///   {"optimizer": "Adam at 1e-3", "rate": 0.001, "losses": [2.31, 1.2, 0.5, 0.2, 0.1, 0.04, 0.02, 0.01, 0.01, 0.01]}]}}
/// ```
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct CannotOverfitBatch {
    /// Share of the way from the first loss to its floor that must be covered.
    pub reached: f64,
    /// Steps in which that is to be expected.
    pub steps: u64,
    /// Share of the way below which an optimizer does not move.
    pub still: f64,
    /// How many times its first value a loss may reach.
    pub diverged: f64,
}

impl Default for CannotOverfitBatch {
    fn default() -> Self {
        Self { reached: 0.5, steps: 25, still: 0.003, diverged: 10.0 }
    }
}

/// One training, in numbers.
struct Course<'a> {
    curve: &'a LossCurve,
    first: f64,
    /// Its last level, or its best where it was lost afterwards.
    end: f64,
    /// Share of the way from the first loss to the floor.
    reached: f64,
    is_falling: bool,
    is_lost: bool,
}

impl Rule for CannotOverfitBatch {
    type Input = Preflight;
    const ID: &'static str = "cannot-overfit-batch";
    const SEVERITY: Severity = Severity::Error;
    const SIGNALS: &'static [Signal] = &[Signal::Preflight(Experiment::Overfit)];
    const ALSO: &'static [Signal] = &[Signal::Preflight(Experiment::LossCalls)];

    fn check(&mut self, preflight: &Preflight, report: &mut Report) {
        let Some(overfit) = &preflight.overfit else { return };
        let is_fitted = known(overfit.fitted).is_some_and(|share| share >= 0.95);
        let floor = self.floor(preflight, overfit);
        let courses: Vec<Course<'_>> = overfit.curves.iter().filter_map(|c| self.course(c, floor)).collect();
        let Some(best) = courses.iter().max_by(|a, b| a.reached.total_cmp(&b.reached)) else { return };
        let is_own = |c: &Course<'_>| overfit.curves.first().is_some_and(|own| std::ptr::eq(c.curve, own));
        if is_fitted && is_own(best) {
            return;
        }
        if best.reached >= self.reached || is_fitted {
            self.of_step_size(overfit, &courses, best, report);
            return;
        }
        let n = courses.iter().map(|c| c.curve.losses.len() as u64).max().unwrap_or(0);
        if n < self.steps || courses.iter().any(|c| c.is_falling) {
            return;
        }
        let is_certain = floor.is_some() || known(overfit.output_gradient) == Some(0.0);
        if !is_certain && best.reached > self.still {
            return;
        }
        report.raise(self.of_model(preflight, overfit, &courses, floor));
    }
}

impl CannotOverfitBatch {
    /// The floor of the loss, where it is known: of one plain loss. What is left to learn must be worth the trying.
    fn floor(&self, preflight: &Preflight, overfit: &Overfit) -> Option<f64> {
        let call = preflight.only_loss()?;
        let floor = known(overfit.floor)?;
        let first = overfit.curves.first()?.losses.first()?.0;
        let is_there = match known(call.target_variance).filter(|v| *v > 0.0) {
            Some(variance) if !is_cross_entropy(call) => first - floor < 0.02 * variance,
            _ => first - floor < 0.05,
        };
        (first > floor && !is_there).then_some(floor)
    }

    fn course<'a>(&self, curve: &'a LossCurve, floor: Option<f64>) -> Option<Course<'a>> {
        let first = curve.losses.first()?.0;
        if !first.is_finite() || curve.losses.len() < 3 && !is_broken(&curve.losses) {
            return None;
        }
        let way = floor.map_or(first.abs(), |floor| first - floor).max(f64::MIN_POSITIVE);
        let best = curve.losses.iter().map(|l| l.0).filter(|l| l.is_finite()).fold(first, f64::min);
        let end = level(&curve.losses);
        let earlier = level(&curve.losses[..(curve.losses.len() * 3).div_ceil(4)]);
        let is_lost = is_broken(&curve.losses) || end > self.diverged * first.abs().max(1e-3);
        Some(Course {
            curve,
            first,
            end,
            reached: (first - best) / way,
            is_falling: earlier - end > 0.03 * way,
            is_lost,
        })
    }

    /// Another optimizer manages: the model is right, the script's step size is not.
    fn of_step_size(
        &self,
        overfit: &Overfit,
        courses: &[Course<'_>],
        best: &Course<'_>,
        report: &mut Report,
    ) {
        let Some(own) =
            courses.first().filter(|c| overfit.curves.first().is_some_and(|own| std::ptr::eq(c.curve, own)))
        else {
            return;
        };
        let is_still = own.reached < self.still && own.curve.losses.len() as u64 >= self.steps;
        if std::ptr::eq(own.curve, best.curve) || own.curve.is_warming_up || !(own.is_lost || is_still) {
            return;
        }
        let rate = known(own.curve.rate)
            .map_or_else(String::new, |r| format!(" at a learning rate of {}", rate_words(r)));
        let what = if own.is_lost { "is lost" } else { "does not move" };
        let (word, advice) = if own.is_lost {
            ("large", "lower the learning rate")
        } else {
            ("small", "raise the learning rate")
        };
        let other = known(best.curve.rate)
            .map_or_else(String::new, |r| format!(", for example to {}", rate_words(r)));
        report.raise(
            Draft::new(
                Place::Whole,
                format!(
                    "on {} the loss {what} with {}{rate} ({} → {}), and falls to {} with {}: the model can be trained, the step size \
                     is too {word}",
                    count_of(overfit.n_samples, "sample"),
                    own.curve.optimizer,
                    Human(own.first),
                    Human(own.end),
                    Human(best.end),
                    best.curve.optimizer
                ),
                Evidence::at_least("share of the way to the floor of the loss", own.reached.max(0.0), self.reached),
                Remedy::risky(format!("{advice}{other}")),
            )
            .evidence(drawn(overfit)),
        );
    }

    fn of_model(
        &self,
        preflight: &Preflight,
        overfit: &Overfit,
        courses: &[Course<'_>],
        floor: Option<f64>,
    ) -> Draft {
        let told: Vec<String> = courses
            .iter()
            .map(|c| format!("{} → {} with {}", Human(c.first), Human(c.end), c.curve.optimizer))
            .collect();
        let reached = courses.iter().map(|c| c.reached).fold(0.0, f64::max);
        let floor = floor.map_or_else(String::new, |f| format!("; it could reach {}", Human(f)));
        let why = reasons(preflight, overfit, courses);
        let why_words = if why.is_empty() { String::new() } else { format!("; {}", why.join(", and ")) };
        Draft::new(
            Place::Whole,
            format!(
                "{} cannot be learned by heart: the loss goes {}{floor}{why_words}",
                count_of(overfit.n_samples, "sample"),
                told.join(", ")
            ),
            Evidence::at_least("share of the way to the floor of the loss", reached, self.reached),
            remedy(overfit),
        )
        .evidence(drawn(overfit))
        .remedy(Remedy::advice(
            "check that samples and labels still belong to each other after shuffling, masking and collating",
        ))
    }
}

/// What the follow-ups tell.
fn reasons(preflight: &Preflight, overfit: &Overfit, courses: &[Course<'_>]) -> Vec<String> {
    let mut why = Vec::new();
    if known(overfit.output_gradient) == Some(0.0) {
        why.push("the loss does not respond to the output of the model: its gradient there is 0".to_owned());
    }
    if preflight.mixing.as_ref().and_then(|m| known(m.own)) == Some(0.0) {
        why.push("the output does not change with the input".to_owned());
    }
    if overfit.conflicting > 0 {
        why.push(format!(
            "{} of identical inputs have different targets",
            count_of(overfit.conflicting, "pair")
        ));
    }
    let names: Vec<&str> = overfit.gradients_missing.iter().map(String::as_str).collect();
    if !names.is_empty() {
        why.push(format!("no gradient reaches {}", list(&names)));
    }
    let constant = preflight.only_loss().filter(|c| is_cross_entropy(c)).and_then(|c| known(c.entropy));
    let ends_there = |entropy: f64| courses.iter().any(|c| (c.end - entropy).abs() < 0.05 * entropy);
    if let Some(entropy) = constant.filter(|e| *e > 0.1 && ends_there(*e)) {
        why.push(format!("{} is what one answer for all samples gives", Human(entropy)));
    }
    why
}

fn remedy(overfit: &Overfit) -> Remedy {
    if known(overfit.output_gradient) == Some(0.0) {
        return Remedy::advice(
            "find what cuts the loss off from the output: a clamp, a rounding, an `argmax`, a constant",
        )
        .code("output.retain_grad()\nloss.backward()\nprint(output.grad.norm())   # 0 now");
    }
    if overfit.conflicting > 0 {
        return Remedy::advice(
            "look at samples that are alike and labelled differently, in the data and after the loader",
        );
    }
    Remedy::advice("follow one sample by hand from the loader to the loss: `stetho run --break step==0`")
}

/// `0.001` or `1e-9`
fn rate_words(rate: f64) -> String {
    crate::runs::round2(rate)
}

fn drawn(overfit: &Overfit) -> Evidence {
    let name = if overfit.switched_off.is_empty() {
        format!("loss on {}", count_of(overfit.n_samples, "sample"))
    } else {
        format!(
            "loss on {}, without {}",
            count_of(overfit.n_samples, "sample"),
            overfit.switched_off.join(", ")
        )
    };
    Evidence::curves(name, "step", overfit.curves.iter().map(|c| line(c.label(), &c.losses)))
}

#[cfg(test)]
mod tests {
    use crate::preflight::testing::judge;

    #[test]
    fn reasons_are_told() {
        let flat = vec!["1.0"; 40].join(",");
        let found = judge(
            "cannot-overfit-batch",
            &format!(
                r#"{{"overfit": {{"n_samples": 4, "output_gradient": 0.0, "conflicting": 1,
                "curves": [{{"optimizer": "SGD", "losses": [{flat}]}}]}}}}"#
            ),
        );
        assert!(found[0].message.contains("does not respond"), "{}", found[0].message);
        assert!(found[0].message.contains("1 pair of identical inputs"), "{}", found[0].message);
    }

    #[test]
    fn a_loss_that_is_made_by_hand_and_falls_a_little_is_left_alone() {
        let falling: Vec<String> = (0..60).map(|i| format!("{}", 5.0 - 0.002 * f64::from(i))).collect();
        let text = format!(
            r#"{{"overfit": {{"n_samples": 4, "floor": 0.0, "curves": [{{"optimizer": "SGD", "losses": [{}]}}]}}}}"#,
            falling.join(",")
        );
        assert!(judge("cannot-overfit-batch", &text).is_empty());
    }
}
