//! Swings and jumps of a loss, which several rules ask for: who swings is not told that it does not fall.

use stetho_core::run::{Block, Digest, Jump, Run, Series};

use crate::trend::{Course, mean, median};

/// Swings of a loss that are no noise of single batches.
pub(crate) struct Swings<'a> {
    /// The loss that swings: of training, or of validation.
    pub series: &'a Series,
    /// Where they were measured: after the first quarter.
    pub blocks: Vec<Block>,
    /// Typical distance from the trend.
    pub swing: f64,
    /// What the noise of batches alone would give; `None` where each point is an epoch, which has no batches to tell.
    pub by_chance: Option<f64>,
    /// What the swing is held against: how far the loss has fallen, or its level where it has not.
    pub scale: f64,
    /// Which of the two that is, in words.
    pub scale_name: &'static str,
}

const GAIN: &str = "what it has gained";
const LEVEL: &str = "its level";

/// The swings of the training loss, if they are at least `share` of what it has gained; or of the validation loss, if training swings
/// as well.
pub(crate) fn swings(run: &Run, share: f64) -> Option<Swings<'_>> {
    let series = run.train_loss().filter(|_| run.contest.is_none())?;
    let course = Course::of(&series.digest, 20).filter(|_| !is_rate_cyclic(run))?;
    of_training(run, series, &course, share)
        .or_else(|| of_validation(run, &course, share))
        .or_else(|| thrown_about(series, &course).filter(|_| run.is_over))
}

/// The training loss, around its own trend.
fn of_training<'a>(run: &Run, series: &'a Series, course: &Course, share: f64) -> Option<Swings<'a>> {
    let is_fine = series.digest.n() >= 60;
    let blocks = course.tail(0.25).to_vec();
    let (swing, by_chance) = size(&blocks);
    let level = mean(&blocks);
    if swing <= 1e-9 * level.abs() {
        return None;
    }
    let fell = course.start - mean(course.tail(0.5));
    if !is_fine {
        // Means over epochs: swings of a sixth of the level, while there is much of the loss left.
        let is_judged = run.validation_loss().is_some_and(|s| s.digest.n() >= 15);
        let limit = if is_judged { 0.12 } else { 0.17 };
        let matters =
            swing >= limit * level.abs() && swing >= 0.02 * fell.abs() && level > 0.05 * course.start;
        let is_meant = if is_judged { validation_swings(run, 0.0, 0.1) } else { run.unit == "epoch" };
        return (matters && is_meant).then_some(Swings {
            series,
            blocks,
            swing,
            by_chance: None,
            scale: level.abs(),
            scale_name: LEVEL,
        });
    }
    let (scale, scale_name) = if fell > 0.2 * level.abs() { (fell, GAIN) } else { (level.abs(), LEVEL) };
    let is_beyond_chance = swing >= 4.0 * by_chance || validation_swings(run, 0.2, 0.1);
    (is_beyond_chance && swing >= share * scale).then_some(Swings {
        series,
        blocks,
        swing,
        by_chance: Some(by_chance),
        scale,
        scale_name,
    })
}

/// A validation loss of which each evaluation undoes the last one, by a third of all that was gained. It is measured on the same data each
/// time, so that only the weights can make it swing; and training swings with it.
fn of_validation<'a>(run: &'a Run, train: &Course, share: f64) -> Option<Swings<'a>> {
    let series = run.validation_loss()?;
    let course = Course::of(&series.digest, if run.is_over { 8 } else { 20 })?;
    let blocks = course.tail(0.25).to_vec();
    let (swing, level) = (roughness(&blocks), mean(&blocks));
    let gained = course.start - level;
    let of_train = train.tail(0.25);
    let trains_restlessly = roughness(of_train) >= 0.05 * mean(of_train).abs();
    let is_wide = swing >= share * level.abs() && swing >= 2.5 * share * gained;
    let (scale, scale_name) = if gained > 0.0 { (gained, GAIN) } else { (level.abs(), LEVEL) };
    let found = || Swings { series, blocks, swing, by_chance: None, scale, scale_name };
    (level > 0.0 && trains_restlessly && is_wide).then(found)
}

/// A loss that the first steps threw far up, and which jumps about above its start ever since. The noise of batches cannot lift it
/// there: it is as large at the first step.
fn thrown_about<'a>(series: &'a Series, course: &Course) -> Option<Swings<'a>> {
    let (start, early) = series.digest.first().split_first()?;
    let blocks = course.tail(0.5).to_vec();
    let level = median(blocks.iter().map(|b| b.mean));
    let swing = median(blocks.iter().map(noise_of));
    let thrown = early.iter().map(|p| p.value).sum::<f64>() / early.len() as f64;
    let is_thrown = start.value > 0.0 && thrown > 3.0 * start.value && thrown > 3.0 * level;
    let stays_above = level > 1.5 * start.value && swing > 0.3 * level;
    (series.digest.n() >= 60 && is_thrown && stays_above).then_some(Swings {
        series,
        blocks,
        swing,
        by_chance: None,
        scale: level,
        scale_name: LEVEL,
    })
}

/// Whether the validation loss swings by the share `gain` of what it has gained and the share `level` of its level: it is measured on
/// the same data each time, so that only the weights can make it swing.
fn validation_swings(run: &Run, gain: f64, level: f64) -> bool {
    let Some(course) = run.validation_loss().and_then(|s| Course::of(&s.digest, 15)) else { return false };
    let (swing, _) = size(course.tail(0.25));
    let usual = mean(course.tail(0.25));
    swing >= (gain * (course.start - usual)).max(level * usual.abs())
}

/// How far blocks lie from the median of themselves and their four neighbours, typically; and how far they would by the noise of single
/// points.
fn size(blocks: &[Block]) -> (f64, f64) {
    let apart = blocks.windows(5).map(|w| (w[2].mean - median(w.iter().map(|b| b.mean))).abs());
    let noise = blocks.iter().map(|b| noise_of(b) / (b.n as f64).sqrt());
    (1.5 * median(apart), median(noise))
}

/// How much neighbouring blocks differ from a straight line, as the standard deviation of one: the second difference of independent
/// normal values has √6 of it, and its size 1.65 of it in the median.
fn roughness(blocks: &[Block]) -> f64 {
    median(blocks.windows(3).map(|w| (w[0].mean - 2.0 * w[1].mean + w[2].mean).abs())) / 1.65
}

/// The noise of single points in a block, by the differences of neighbours rather than by their spread, which a slow swing widens.
fn noise_of(block: &Block) -> f64 {
    block.path / block.n as f64 * std::f64::consts::PI.sqrt() / 2.0
}

/// Whether the learning rate rises again after it fell.
fn is_rate_cyclic(run: &Run) -> bool {
    let Some(rate) = run.learning_rate() else { return false };
    let means: Vec<f64> = rate.digest.split(60).iter().map(|b| b.mean).collect();
    let high = means.iter().copied().fold(0.0, f64::max);
    let (mut low, mut rises) = (f64::INFINITY, 0);
    for value in means {
        if value > low + 0.3 * high {
            rises += 1;
            low = value;
        }
        low = low.min(value);
    }
    // One rise is a warm-up.
    rises >= 2
}

/// How far jumps stand out.
pub(crate) struct Outstanding {
    /// Height above the level before, in typical distances of points from that level.
    pub swings: f64,
    /// How many times as high as the next-highest jumps.
    pub dwarfs: f64,
}

/// Distances from the level at which a jump is no matter of a heavy tail any more, however many there are.
const BEYOND_TAILS: f64 = 50.0;

/// Jumps of a loss beyond its own noise that came back, the highest first; none where it jumps all the time.
pub(crate) fn spikes(digest: &Digest, limits: &Outstanding) -> Vec<Jump> {
    let mut jumps: Vec<Jump> = digest.jumps().to_vec();
    jumps.sort_by(|a, b| height(b).total_cmp(&height(a)));
    let start = digest.first().first().map_or(f64::NAN, |p| p.value);
    let is_spike = |j: &Jump| {
        let fell = (start - j.level).abs();
        let settled = j.index >= (digest.n() / 50).max(20);
        // A task that became harder is learned bit by bit; a bad batch is over with the next.
        let is_back =
            j.n_after >= 3 && j.after - j.level < 0.3 * height(j) && j.soon - j.level < 0.25 * height(j);
        let matters = height(j) > 0.35 * fell && height(j) > 0.5 * j.level.abs();
        j.score() >= limits.swings && settled && is_back && matters
    };
    let again: Vec<Jump> =
        jumps.iter().copied().filter(|j| j.score() >= BEYOND_TAILS && is_spike(j)).collect();
    if again.len() > 1 {
        return again;
    }
    let mut spikes: Vec<Jump> = jumps.iter().copied().take_while(is_spike).take(3).collect();
    // The tallest of what is left tells how high this run jumps anyway.
    while let Some(last) = spikes.last() {
        let others = &jumps[spikes.len()..];
        let usual = others.iter().map(height).fold(0.0, f64::max);
        let usual_share = others.iter().map(relative).fold(0.0, f64::max);
        // A loss that has fallen far jumps less in absolute terms; one near zero more in relative ones.
        let dwarfs = height(last) >= limits.dwarfs * usual || relative(last) >= limits.dwarfs * usual_share;
        if dwarfs && height(last) >= 1.5 * usual {
            break;
        }
        spikes.pop();
    }
    spikes
}

/// Height as a share of the level before it.
fn relative(jump: &Jump) -> f64 {
    height(jump) / jump.level.abs().max(f64::MIN_POSITIVE)
}

fn height(jump: &Jump) -> f64 {
    jump.at.value - jump.level
}
