//! `exploding-gradient`

use serde::{Deserialize, Serialize};
use stetho_core::run::{Block, Jump, LayerQuantity, Quantity, Run, Series};
use stetho_core::{Draft, Evidence, Human, Place, Remedy, Report, Rule, Severity, Signal};

use crate::layers::{Depths, has_learned, places, quantile_until};
use crate::runs::{at, curves, losses, peak_learning_rate, round2, since};
use crate::trend::{Course, median};

/// Gradients grow far beyond the run's own range, through time or through depth.
///
/// ## Why it matters
/// A step is as large as the gradient makes it. Where gradients grow and the loss with them, each step undoes many before it; where
/// they grow from layer to layer, no learning rate suits both ends of the network.
///
/// ## What to do
/// Clip the gradient norm at what was usual before it grew, lower the learning rate, and warm it up. Through depth: initialise smaller,
/// normalise between layers; in recurrent networks, look at shorter stretches.
///
/// ## Fires on
/// ```recipe rows=400
/// step = row()
/// loss = 0.5 + 2 * exp(-step / 40) + pick(step > 280, (step - 280) / 40, 0) + normal(0, 0.05)
/// grad_norm = lognormal(0, 0.3) * pick(step > 280, exp((step - 280) / 15), 1)
/// ```
///
/// ## Stays quiet on
/// Large gradients at the start, and single ones later:
/// ```recipe rows=400
/// step = row()
/// loss = 0.5 + 2 * exp(-step / 40) + normal(0, 0.05)
/// grad_norm = lognormal(0, 1.2) * (1 + 100 * exp(-step / 5))
/// ```
/// Norms that grow while the loss falls:
/// ```recipe rows=400
/// step = row()
/// loss = 2 * exp(-step / 100) + normal(0, 0.01)
/// grad_norm = lognormal(0, 0.3) * exp(step / 100)
/// ```
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct ExplodingGradient {
    /// How many times the usual norm the late norms must be.
    pub growth: f64,
    /// How many times the usual norm a single one must be to be called a leap.
    pub leap: f64,
    /// How many times the gradient of the last layer that of the first must be.
    pub ratio: f64,
    /// Norms below this are not large, whatever the last layer's.
    pub large: f64,
}

impl Default for ExplodingGradient {
    fn default() -> Self {
        Self { growth: 10.0, leap: 50.0, ratio: 1e3, large: 100.0 }
    }
}

/// A norm that has grown for good.
struct Growth<'a> {
    series: &'a Series,
    usual: f64,
    late: f64,
    since: u64,
}

impl Rule for ExplodingGradient {
    type Input = Run;
    const ID: &'static str = "exploding-gradient";
    const SEVERITY: Severity = Severity::Warning;
    const SIGNALS: &'static [Signal] = &[Signal::AnyGradient];
    const ALSO: &'static [Signal] = &[Signal::TrainLoss, Signal::LearningRate];

    fn check(&mut self, run: &Run, report: &mut Report) {
        let norms: Vec<&Series> = match run.gradient_norm() {
            Some(whole) => vec![whole],
            None => run.layers(LayerQuantity::GradientNorm).collect(),
        };
        let mut grown: Vec<_> = if run.contest.is_some() {
            norms.into_iter().filter(|_| a_loss_runs_away(run)).filter_map(|s| self.runaway(s)).collect()
        } else {
            norms.into_iter().filter_map(|s| self.growth(s)).filter(|g| got_worse(run, g.since)).collect()
        };
        grown.sort_by(|a, b| (b.late / b.usual).total_cmp(&(a.late / a.usual)));
        if !grown.is_empty() {
            self.raise_growth(run, &grown, report);
        } else if !self.check_leaps(run, report) {
            self.check_depth(run, report);
        }
    }
}

impl ExplodingGradient {
    /// Whether the norm has left its range, and stays outside: the typical norm of late, single large ones left out.
    fn growth<'a>(&self, series: &'a Series) -> Option<Growth<'a>> {
        let blocks = series.digest.split(40);
        let n = blocks.len();
        if series.digest.n() < 30 || n < 15 {
            return None;
        }
        let usual = median(blocks[n / 20..n / 3].iter().map(|b| b.mean));
        let tail = &blocks[n - n.div_ceil(20).max(2)..];
        let late = median(tail.iter().map(|b| b.mean));
        let early_high = blocks[..n / 3].iter().map(|b| b.mean).fold(0.0, f64::max);
        let is_high = |b: &Block| b.mean > 3.0 * usual;
        let is_out = late > self.growth * usual
            && late > 2.0 * early_high
            && tail.iter().all(|b| b.min > usual && is_high(b));
        let below = blocks.iter().rposition(|b| !is_high(b))?;
        (is_out && usual > 0.0).then(|| Growth {
            series,
            usual,
            late,
            since: blocks[(below + 1).min(n - 1)].first,
        })
    }

    /// Whether the norm of a game, which has no usual range, is a hundred times what it was at first, and stays so. What clips it would
    /// have to be far below.
    fn runaway<'a>(&self, series: &'a Series) -> Option<Growth<'a>> {
        let usual = median(series.digest.first().iter().take(5).map(|p| p.value));
        let blocks = series.digest.split(40);
        let half = &blocks[blocks.len() / 2..];
        let late = median(half.iter().map(|b| b.mean));
        let is_out = |b: &Block| b.min > self.growth * usual && b.mean > self.large;
        let is_far = usual > 0.0 && late > self.growth * self.growth * usual && half.iter().all(is_out);
        let below = blocks.iter().rposition(|b| !is_out(b)).unwrap_or(0);
        (series.digest.n() >= 30 && is_far).then(|| Growth {
            series,
            usual,
            late,
            since: blocks[(below + 1).min(blocks.len() - 1)].first,
        })
    }

    fn raise_growth(&self, run: &Run, grown: &[Growth<'_>], report: &mut Report) {
        let Some(worst) = grown.first() else { return };
        let clip = round2(quantile_until(worst.series, worst.since, 0.95));
        let (_, layers) = places(grown.iter().map(|g| g.series.name.as_str()).filter(|n| !n.is_empty()));
        let rate = peak_learning_rate(run).map_or_else(
            || "lower the learning rate threefold".to_owned(),
            |rate| format!("lower the learning rate from {} to {}", round2(rate), round2(rate / 3.0)),
        );
        let harm = if run.contest.is_some() { "a loss runs away with it" } else { "the loss became worse" };
        report.raise(
            Draft::new(
                since(worst.series, worst.since),
                format!(
                    "`{}` grew from {} to {} since {}, and {harm}",
                    worst.series.tag,
                    Human(worst.usual),
                    Human(worst.late),
                    at(run, worst.since)
                ),
                Evidence::at_most("late norm against the usual one", worst.late / worst.usual, self.growth),
                Remedy::advice(format!(
                    "clip the gradient norm at {clip}, its 95th percentile before it grew"
                )),
            )
            .places(layers)
            .count(grown.len() as u64)
            .evidence(curves(run, "gradient norm", grown.iter().take(5).map(|g| g.series)))
            .evidence(losses(run))
            .remedy(Remedy::advice(rate)),
        );
    }

    /// Gradients that leap again and again far above what is usual, and the loss with them. A norm that is clipped may leap.
    fn check_leaps(&self, run: &Run, report: &mut Report) -> bool {
        let Some((norm, loss)) = run.gradient_norm().zip(run.train_loss()) else { return false };
        if run.contest.is_some() || run.of(Quantity::ClipLimit).next().is_some() || norm.digest.n() < 60 {
            return false;
        }
        let usual = norm.digest.quantile(0.5);
        let apart = (norm.digest.last().map_or(0, |p| p.step) / norm.digest.n()).max(1);
        let harms = |leap: &&Jump| {
            let reach = leap.at.step..=leap.at.step + 3 * apart;
            loss.digest.jumps().iter().any(|j| j.score() > 8.0 && reach.contains(&j.at.step))
        };
        let is_leap = |j: &&Jump| j.at.value > self.leap * usual && j.index >= norm.digest.n() / 20;
        let mut leaps: Vec<&Jump> = norm.digest.jumps().iter().filter(is_leap).filter(harms).collect();
        leaps.sort_by(|a, b| b.at.value.total_cmp(&a.at.value));
        let Some(worst) = leaps.first() else { return false };
        // One leap may be one batch; a single one counts if the norms after it are beyond all measure as well.
        let lasts = worst.at.value > 100.0 * self.leap * usual && worst.after > self.leap * usual;
        if leaps.len() < 3 && !lasts {
            return false;
        }
        let rows = leaps.iter().map(|j| [at(run, j.at.step), Human(j.at.value).to_string()]);
        report.raise(
            Draft::new(
                Place::steps(worst.at.step, worst.at.step),
                format!(
                    "`{}` leaps{}, to {} at {} where {} is usual, and the loss with it",
                    norm.tag,
                    if leaps.len() < 3 { "" } else { " again and again" },
                    Human(worst.at.value),
                    at(run, worst.at.step),
                    Human(usual)
                ),
                Evidence::at_most("highest norm against the usual one", worst.at.value / usual, self.leap),
                Remedy::advice(format!(
                    "clip the gradient norm at {}, its 95th percentile",
                    round2(norm.digest.quantile(0.95))
                )),
            )
            .places(leaps[1..].iter().map(|j| Place::steps(j.at.step, j.at.step)))
            .evidence(Evidence::table("leaps, highest first", ["at", "norm"], rows))
            .evidence(curves(run, "gradient norm", [norm]))
            .evidence(losses(run)),
        );
        true
    }

    /// Gradients that grow towards the input, and with which the network does not learn.
    fn check_depth(&self, run: &Run, report: &mut Report) {
        let mut growing = Depths::of(run).filter(|d| {
            d.layers.first().is_some_and(|(_, q)| Depths::size(q) >= self.large)
                && d.is_graded(-0.6, |ratio| ratio > self.ratio)
        });
        let Some(depths) = growing.next().filter(|_| !has_learned(run)) else { return };
        let [first, .., last] = depths.layers.as_slice() else { return };
        let (high, low) = (Depths::size(&first.1), Depths::size(&last.1));
        let large = depths.layers.iter().filter(|(_, q)| Depths::size(q) > self.ratio * low);
        let (place, others) = places(large.clone().map(|(s, _)| s.name.as_str()));
        report.raise(
            Draft::new(
                place,
                format!(
                    "the gradient of `{}` is {} in the median, that of `{}` is {}: it grows towards the input",
                    last.0.name,
                    Human(low),
                    first.0.name,
                    Human(high)
                ),
                Evidence::at_most("gradient of the first layer against the last", high / low, self.ratio),
                Remedy::advice(format!(
                    "it grows {} times a layer: divide the standard deviation of the initial weights by that, or normalise between \
                     layers",
                    Human(depths.step())
                )),
            )
            .places(others)
            .count(large.count() as u64)
            .evidence(depths.bars())
            .remedy(Remedy::advice(format!("clip the gradient norm at {}", round2(low.max(1.0))))),
        );
    }
}

/// Whether a loss of a game has left every scale: a thousand times as large, of either sign, as in its first steps, and in the thousands.
fn a_loss_runs_away(run: &Run) -> bool {
    let is_loss = |s: &&Series| matches!(s.quantity, Quantity::Loss(_) | Quantity::LossTerm(_));
    run.series.iter().filter(is_loss).any(|s| {
        let early = median(s.digest.first().iter().take(5).map(|p| p.value.abs()));
        let blocks = s.digest.split(40);
        let late = blocks[blocks.len() / 2..].iter().map(|b| b.mean.abs()).fold(f64::INFINITY, f64::min);
        s.digest.n() >= 30 && late > 1e3 * early.max(1.0)
    })
}

/// Whether the training loss is worse after `step` than it had been, or no number any more.
fn got_worse(run: &Run, step: u64) -> bool {
    if crate::broken::loss(run).is_some_and(|broke| broke >= step) {
        return true;
    }
    let Some(course) = run.train_loss().and_then(|s| Course::of(&s.digest, 8)) else { return false };
    let after: Vec<&Block> = course.blocks.iter().filter(|b| b.last >= step).collect();
    let before = course.blocks.iter().filter(|b| b.last < step).map(|b| b.mean).fold(f64::INFINITY, f64::min);
    let end = median(after.iter().map(|b| b.mean));
    end - before > (0.2 * course.fall()).max(3.0 * course.noise.min(course.fall()))
}

#[cfg(test)]
mod tests {
    use crate::run::testing::{judge, run, values};

    #[test]
    fn leaps_that_throw_the_loss_back_are_one_finding_and_others_none() {
        let leaps = |s: f64| if s > 50.0 && s % 90.0 < 1.0 { 500.0 } else { 1.0 + 0.3 * (s * 1.7).sin() };
        let thrown =
            |s: f64| if s > 50.0 && (s - 1.0) % 90.0 < 1.0 { 9.0 } else { 1.0 + 0.1 * (s * 0.9).sin() };
        let with =
            |loss: fn(f64) -> f64| run([("loss", values(600, loss)), ("grad_norm", values(600, leaps))]);
        let found = judge("exploding-gradient", &with(thrown));
        assert_eq!((found.len(), found[0].count), (1, 6), "{:?}", found[0].message);
        assert!(judge("exploding-gradient", &with(|s| 1.0 + 0.1 * (s * 0.9).sin())).is_empty());
    }

    #[test]
    fn a_game_is_lost_where_a_loss_runs_away_with_the_norm() {
        let with = |size: f64| {
            let mut run = run([
                ("critic_loss", values(100, move |s| -size * s * s * s)),
                ("grad_norm", values(100, |s| 0.8 + s * s)),
            ]);
            run.contest = Some("a game");
            judge("exploding-gradient", &run)
        };
        assert!(with(5.0)[0].message.contains("a loss runs away with it"));
        assert!(with(1e-3).is_empty(), "norms grow as players get better");
    }

    #[test]
    fn growth_towards_the_input_is_told_by_layer() {
        let norm = |size: f64| values(200, move |s| size * (1.0 + 0.2 * (s * 1.7).sin()));
        let layers = || ["grad_norm/fc1", "grad_norm/fc2", "grad_norm/fc3", "grad_norm/fc4", "grad_norm/fc5"];
        let sizes = [1e6, 1e5, 3e3, 1e2, 2.0];
        let with = |loss: Vec<f64>| run(layers().into_iter().zip(sizes.map(norm)).chain([("loss", loss)]));
        let found = judge("exploding-gradient", &with(values(200, |s| 40.0 + (s * 0.9).sin())));
        assert_eq!(found.len(), 1);
        assert!(found[0].message.contains("`fc5` is 2"), "{}", found[0].message);
        assert_eq!(found[0].count, 3);
        assert!(judge("exploding-gradient", &with(values(200, |s| 40.0 * (-s / 30.0).exp()))).is_empty());
    }
}
