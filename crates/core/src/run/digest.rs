//! A series in bounded memory: means and extremes of stretches, the first points, the largest jumps, a sample.

/// One logged value.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Point {
    /// Step at which it was logged.
    pub step: u64,
    /// Its value.
    pub value: f64,
}

/// A stretch of successive points.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Block {
    /// First step.
    pub first: u64,
    /// Last step.
    pub last: u64,
    /// Seconds since 1970 at which its last point was written; NaN where the log does not say.
    pub wall_time: f64,
    /// How many finite points.
    pub n: u64,
    /// Their mean.
    pub mean: f64,
    /// The least.
    pub min: f64,
    /// The greatest.
    pub max: f64,
    /// Sum of the absolute differences of neighbours; the first of them is against the point before the block.
    pub path: f64,
    /// Sum of squared distances from the mean.
    pub squares: f64,
}

impl Block {
    fn of(step: u64, wall_time: f64, value: f64, path: f64) -> Self {
        Self {
            first: step,
            last: step,
            wall_time,
            n: 1,
            mean: value,
            min: value,
            max: value,
            path,
            squares: 0.0,
        }
    }

    /// Takes a later point in (Welford 1962).
    fn add(&mut self, step: u64, wall_time: f64, value: f64, path: f64) {
        self.n += 1;
        let apart = value - self.mean;
        self.mean += apart / self.n.cast_signed() as f64;
        self.squares += apart * (value - self.mean);
        if value < self.min {
            self.min = value;
        }
        if value > self.max {
            self.max = value;
        }
        self.path += path;
        self.last = step;
        self.wall_time = wall_time;
    }

    /// Takes a later block in (Chan, Golub and LeVeque 1979).
    fn append(&mut self, later: &Self) {
        let n = self.n + later.n;
        let apart = later.mean - self.mean;
        let share = later.n as f64 / n as f64;
        self.mean += apart * share;
        self.squares += later.squares + apart * apart * share * self.n as f64;
        self.min = self.min.min(later.min);
        self.max = self.max.max(later.max);
        self.path += later.path;
        self.last = later.last;
        self.wall_time = later.wall_time;
        self.n = n;
    }

    /// Standard deviation of its points.
    pub fn std(&self) -> f64 {
        if self.n < 2 { 0.0 } else { (self.squares / (self.n - 1) as f64).max(0.0).sqrt() }
    }

    /// Its middle step.
    pub fn middle(&self) -> u64 {
        self.first + (self.last - self.first) / 2
    }
}

/// A point far above the level before it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Jump {
    /// The point.
    pub at: Point,
    /// How many finite points came before it.
    pub index: u64,
    /// Level before it: a moving average.
    pub level: f64,
    /// Mean distance of single points from their level before it, by the differences of neighbours.
    pub swing: f64,
    /// Mean of up to the [`Jump::WATCHED`] points after it; NaN while there is none.
    pub after: f64,
    /// How many points `after` is the mean of.
    pub n_after: u64,
    /// Mean of the first three of them at most; NaN while there is none.
    pub soon: f64,
}

impl Jump {
    /// How many points after a jump tell where the series went.
    pub const WATCHED: u64 = 16;

    /// Its height in units of the swing before it.
    pub fn score(&self) -> f64 {
        (self.at.value - self.level) / self.swing.max(f64::MIN_POSITIVE)
    }
}

/// What is known of values that are no numbers.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct NonFinite {
    /// How many are NaN.
    pub n_nan: u64,
    /// How many are infinite.
    pub n_infinite: u64,
    /// Step of the first.
    pub first: u64,
    /// How many finite points came before the first.
    pub n_before: u64,
    /// Step of the last.
    pub last: u64,
    /// How often a finite value was followed by one that is not.
    pub n_onsets: u64,
    /// Whether the last value is one of them.
    pub is_last: bool,
}

impl NonFinite {
    /// How many there are.
    pub fn count(&self) -> u64 {
        self.n_nan + self.n_infinite
    }
}

/// A series in bounded memory. It sees every point and keeps stretches of equal numbers of points; when they are too many, neighbours
/// merge. The last stretch holds the newest points.
#[derive(Clone, Debug)]
pub struct Digest {
    blocks: Vec<Block>,
    most_blocks: usize,
    /// Points in a full block.
    width: u64,
    n: u64,
    first: Vec<Point>,
    last: Option<Point>,
    lowest: Option<Point>,
    highest: Option<Point>,
    level: f64,
    swing: f64,
    jumps: Vec<Jump>,
    /// Number of the last point after which no jump waits for points.
    watched_until: u64,
    sample: Vec<Point>,
    /// A point is sampled if the hash of its number has this many zeros at its end.
    sample_bits: u32,
    non_finite: NonFinite,
}

/// Points that are kept as they are from the start.
const FIRST: usize = 32;
/// Jumps that are kept.
const JUMPS: usize = 8;
/// A jump is looked at only above this many swings.
const JUMP_SCORE: f64 = 4.0;
/// Points before the level and the swing mean something.
const SETTLED: u64 = 12;
/// Points over which the swing forgets; the level does so in a third of it.
const MEMORY: u64 = 48;
/// Distances are taken for no greater than this, so that no sum of them is infinite.
const LARGEST: f64 = 1e300;
/// A value beyond this, of either sign, counts as infinite: its square is.
const MOST: f64 = 1e150;
/// Points of the sample, at most.
const SAMPLE: usize = 512;

impl Default for Digest {
    fn default() -> Self {
        Self::new(512)
    }
}

impl Digest {
    /// Blocks kept of a layer's series.
    pub const LAYER_BLOCKS: usize = 64;

    /// An empty one that keeps at most `most_blocks` stretches (at least 2).
    pub fn new(most_blocks: usize) -> Self {
        Self {
            blocks: Vec::new(),
            most_blocks: most_blocks.max(2),
            width: 1,
            n: 0,
            first: Vec::new(),
            last: None,
            lowest: None,
            highest: None,
            level: 0.0,
            swing: 0.0,
            jumps: Vec::new(),
            watched_until: 0,
            sample: Vec::new(),
            sample_bits: 0,
            non_finite: NonFinite::default(),
        }
    }

    /// Sees a point. `wall_time` is in seconds since 1970, NaN where unknown.
    pub fn push(&mut self, step: u64, wall_time: f64, value: f64) {
        // Beyond this, squares are no numbers.
        if value.is_nan() || value.abs() > MOST {
            self.push_non_finite(step, value);
            return;
        }
        self.non_finite.is_last = false;
        let point = Point { step, value };
        let path = self.last.map_or(0.0, |last| (value - last.value).abs());
        match self.blocks.last_mut() {
            Some(block) if block.n < self.width => block.add(step, wall_time, value, path),
            _ => self.open_block(Block::of(step, wall_time, value, path)),
        }
        if self.first.len() < FIRST {
            self.keep_first(point);
        }
        if self.lowest.is_none_or(|p| value < p.value) {
            self.lowest = Some(point);
        }
        if self.highest.is_none_or(|p| value > p.value) {
            self.highest = Some(point);
        }
        self.watch_jumps(point);
        self.keep_sample(point);
        self.n += 1;
        self.last = Some(point);
    }

    // What few points need stands apart, so that the way of the others is short.

    #[cold]
    fn keep_first(&mut self, point: Point) {
        self.first.push(point);
    }

    #[cold]
    fn open_block(&mut self, block: Block) {
        self.make_room();
        self.blocks.push(block);
    }

    #[cold]
    fn push_non_finite(&mut self, step: u64, value: f64) {
        let seen = &mut self.non_finite;
        if seen.count() == 0 {
            seen.first = step;
            seen.n_before = self.n;
        }
        if !seen.is_last && self.n > 0 {
            seen.n_onsets += 1;
        }
        seen.is_last = true;
        seen.last = step;
        if value.is_nan() { seen.n_nan += 1 } else { seen.n_infinite += 1 }
    }

    /// Merges neighbours where no further block may be opened.
    fn make_room(&mut self) {
        if self.blocks.len() < self.most_blocks {
            return;
        }
        let half = self.blocks.len().div_ceil(2);
        for i in 0..half {
            let mut block = self.blocks[2 * i];
            if let Some(later) = self.blocks.get(2 * i + 1) {
                block.append(later);
            }
            self.blocks[i] = block;
        }
        self.blocks.truncate(half);
        self.width *= 2;
    }

    /// Adds a point to what is known of the points after each jump.
    #[cold]
    fn follow_jumps(&mut self, value: f64) {
        for jump in self.jumps.iter_mut().filter(|jump| jump.n_after < Jump::WATCHED) {
            let n = jump.n_after as f64;
            jump.after = if jump.n_after == 0 { value } else { (jump.after * n + value) / (n + 1.0) };
            jump.n_after += 1;
            if jump.n_after <= 3 {
                jump.soon = jump.after;
            }
        }
    }

    fn watch_jumps(&mut self, point: Point) {
        if self.n <= self.watched_until {
            self.follow_jumps(point.value);
        }
        let apart = point.value - self.level;
        if self.n >= SETTLED && apart > JUMP_SCORE * self.swing {
            let (level, swing) = (self.level, self.swing);
            self.keep_jump(Jump {
                at: point,
                index: self.n,
                level,
                swing,
                after: f64::NAN,
                n_after: 0,
                soon: f64::NAN,
            });
        }
        if self.n == 0 {
            self.level = point.value;
            return;
        }
        // E|x − mean| is 0.71 E|Δ| for independent normal values; differences of neighbours do not see a trend.
        let step =
            std::f64::consts::FRAC_1_SQRT_2 * self.last.map_or(0.0, |last| (point.value - last.value).abs());
        let (step, apart) = (step.min(LARGEST), apart.clamp(-LARGEST, LARGEST));
        // One point moves level and swing by a few swings at most, so that a jump does not hide the next.
        let bound = if self.n >= SETTLED { 8.0 * self.swing } else { f64::INFINITY };
        self.swing += forgetting(self.n, MEMORY) * (step.min(bound) - self.swing);
        if self.swing < f64::MIN_POSITIVE {
            // The swing of a constant would fade into denormal numbers, with which processors are slow.
            self.swing = 0.0;
        }
        self.level += forgetting(self.n + 1, MEMORY / 3) * apart.clamp(-bound, bound);
    }

    /// Keeps the highest jumps; within one excursion, its highest point.
    #[cold]
    fn keep_jump(&mut self, jump: Jump) {
        self.watched_until = self.n + Jump::WATCHED;
        if let Some(same) = self.jumps.iter_mut().find(|j| jump.index - j.index <= Jump::WATCHED) {
            if jump.at.value > same.at.value {
                let (level, swing) = (same.level, same.swing);
                *same = Jump { level, swing, ..jump };
            }
            return;
        }
        self.jumps.push(jump);
        if self.jumps.len() > JUMPS
            && let Some(least) =
                (0..self.jumps.len()).min_by(|&a, &b| self.jumps[a].score().total_cmp(&self.jumps[b].score()))
        {
            self.jumps.remove(least);
        }
    }

    fn keep_sample(&mut self, point: Point) {
        if hash(self.n).trailing_zeros() >= self.sample_bits {
            self.sample_point(point);
        }
    }

    #[cold]
    fn sample_point(&mut self, point: Point) {
        self.sample.push(point);
        if self.sample.len() > SAMPLE {
            // Every second one: what was an even sample stays one.
            self.sample_bits += 1;
            let mut keep = false;
            self.sample.retain(|_| {
                keep = !keep;
                keep
            });
        }
    }

    /// Forgets what was logged at `step` and later: a restart begins there anew. The stretch across `step` is kept whole.
    pub fn cut(&mut self, step: u64) {
        self.blocks.retain(|b| b.first < step);
        if let Some(block) = self.blocks.last_mut() {
            block.last = block.last.min(step.saturating_sub(1)).max(block.first);
        }
        self.n = self.blocks.iter().map(|b| b.n).sum();
        self.first.retain(|p| p.step < step);
        self.sample.retain(|p| p.step < step);
        self.jumps.retain(|j| j.at.step < step);
        let by_blocks = |best: fn(&Block) -> f64, worse: fn(f64, f64) -> bool| {
            self.blocks.iter().fold(None::<Point>, |found, b| {
                let value = best(b);
                let is_better = found.is_none_or(|p| worse(p.value, value));
                if is_better { Some(Point { step: b.middle(), value }) } else { found }
            })
        };
        if self.lowest.is_some_and(|p| p.step >= step) {
            self.lowest = by_blocks(|b| b.min, |a, b| b < a);
        }
        if self.highest.is_some_and(|p| p.step >= step) {
            self.highest = by_blocks(|b| b.max, |a, b| b > a);
        }
        self.last = self.blocks.last().map(|b| Point { step: b.last, value: b.mean });
        if self.non_finite.count() > 0 && self.non_finite.first >= step {
            self.non_finite = NonFinite::default();
        }
    }

    /// How many finite points there are.
    pub fn n(&self) -> u64 {
        self.n
    }

    /// How many points were logged, those included that are no numbers.
    pub fn n_logged(&self) -> u64 {
        self.n + self.non_finite.count()
    }

    /// The stretches.
    pub fn blocks(&self) -> &[Block] {
        &self.blocks
    }

    /// At most `most` stretches of about equally many points.
    pub fn split(&self, most: usize) -> Vec<Block> {
        let target = self.n.div_ceil(most.max(1) as u64).max(1);
        let mut merged: Vec<Block> = Vec::with_capacity(most.min(self.blocks.len()) + 1);
        for block in &self.blocks {
            match merged.last_mut() {
                Some(open) if open.n < target => open.append(block),
                _ => merged.push(*block),
            }
        }
        // A last stretch of a few points would be noisier than the others.
        if let [.., before, tail] = merged.as_mut_slice()
            && tail.n * 2 < target
        {
            let tail = *tail;
            before.append(&tail);
            merged.pop();
        }
        merged
    }

    /// The first points, as they were logged.
    pub fn first(&self) -> &[Point] {
        &self.first
    }

    /// The newest finite point.
    pub fn last(&self) -> Option<Point> {
        self.last
    }

    /// The least point.
    pub fn lowest(&self) -> Option<Point> {
        self.lowest
    }

    /// The greatest point.
    pub fn highest(&self) -> Option<Point> {
        self.highest
    }

    /// The highest jumps, in no order.
    pub fn jumps(&self) -> &[Jump] {
        &self.jumps
    }

    /// What is known of values that are no numbers.
    pub fn non_finite(&self) -> NonFinite {
        self.non_finite
    }

    /// Whether all points are the same number, and there are at least two.
    pub fn is_constant(&self) -> bool {
        self.n > 1
            && self.lowest.zip(self.highest).is_some_and(|(a, b)| a.value.to_bits() == b.value.to_bits())
    }

    /// An even sample of the points, in their order.
    pub fn sample(&self) -> &[Point] {
        &self.sample
    }

    /// The `share`-quantile of the points by the sample, NaN without points.
    pub fn quantile(&self, share: f64) -> f64 {
        let mut values: Vec<f64> = self.sample.iter().map(|p| p.value).collect();
        values.sort_by(f64::total_cmp);
        let at = share.clamp(0.0, 1.0) * (values.len().max(1) - 1) as f64;
        values.get(at.round() as usize).copied().unwrap_or(f64::NAN)
    }

    /// Standard deviation of a single point around the trend, from the differences of neighbours: E|Δ| = 2σ/√π for independent
    /// normal noise.
    pub fn noise(&self) -> f64 {
        if self.n < 2 {
            return 0.0;
        }
        let path: f64 = self.blocks.iter().map(|b| b.path).sum();
        path / (self.n - 1) as f64 * std::f64::consts::PI.sqrt() / 2.0
    }
}

/// The weight of the newest of `n` points in a mean that forgets over `memory` of them.
fn forgetting(n: u64, memory: u64) -> f64 {
    if n < memory { 1.0 / n as f64 } else { 1.0 / memory as f64 }
}

/// A hash of a number (the finalizer of `SplitMix64`).
fn hash(n: u64) -> u64 {
    let mut z = n.wrapping_add(0x9E37_79B9_7F4A_7C15);
    z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    z ^ (z >> 31)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn digest(values: &[f64], blocks: usize) -> Digest {
        let mut digest = Digest::new(blocks);
        for (step, value) in values.iter().enumerate() {
            digest.push(step as u64, f64::NAN, *value);
        }
        digest
    }

    #[test]
    fn numbers_at_the_end_of_the_range_are_borne() {
        let values: Vec<f64> = (0..2000).map(|i| if i % 3 == 0 { f64::MAX } else { f64::MIN }).collect();
        let digest = digest(&values, 8);
        assert_eq!((digest.n(), digest.non_finite().n_infinite), (0, 2000));
        let large = self::digest(&values.iter().map(|v| v.signum() * 1e149).collect::<Vec<_>>(), 8);
        assert!(
            large.n() == 2000 && large.blocks().iter().all(|b| b.mean.is_finite() && b.squares.is_finite())
        );
    }

    proptest! {
        #[test]
        fn blocks_hold_what_a_pass_over_all_points_finds(values in prop::collection::vec(-1e3..1e3f64, 1..600), most in 2..40usize) {
            let digest = digest(&values, most);
            prop_assert!(digest.blocks().len() <= most);
            prop_assert_eq!(digest.n(), values.len() as u64);
            let mut start = 0;
            for block in digest.blocks() {
                let end = start + block.n as usize;
                let part = &values[start..end];
                let mean = part.iter().sum::<f64>() / part.len() as f64;
                let squares: f64 = part.iter().map(|v| (v - mean) * (v - mean)).sum();
                prop_assert!((block.mean - mean).abs() < 1e-8);
                prop_assert!((block.squares - squares).abs() < 1e-5 * (1.0 + squares));
                let (low, high) = part.iter().fold((f64::INFINITY, f64::NEG_INFINITY), |(a, b), v| (v.min(a), v.max(b)));
                prop_assert!(block.min.total_cmp(&low).is_eq() && block.max.total_cmp(&high).is_eq());
                prop_assert_eq!((block.first, block.last), (start as u64, end as u64 - 1));
                start = end;
            }
            prop_assert_eq!(start, values.len());
            let split = digest.split(8);
            prop_assert!(split.len() <= 9);
            prop_assert_eq!(split.iter().map(|b| b.n).sum::<u64>(), values.len() as u64);
        }

        #[test]
        fn a_cut_leaves_what_came_before(values in prop::collection::vec(-1e3..1e3f64, 1..300), at in 0..300u64) {
            let mut cut = digest(&values, 512);
            cut.cut(at);
            let before = &values[..values.len().min(at as usize)];
            let plain = digest(before, 512);
            prop_assert_eq!(cut.n(), plain.n());
            prop_assert_eq!(cut.last(), plain.last());
            prop_assert_eq!(cut.lowest().map(|p| p.value), plain.lowest().map(|p| p.value));
            prop_assert_eq!(cut.highest().map(|p| p.value), plain.highest().map(|p| p.value));
            prop_assert_eq!(cut.first(), plain.first());
        }
    }

    #[test]
    fn a_jump_is_told_with_what_was_before_and_after() {
        let wave = |i: usize| 1.0 + 0.01 * ((i * 7919) % 13) as f64;
        let values: Vec<f64> = (0..200).map(|i| if i == 120 { 9.0 } else { wave(i) }).collect();
        let digest = digest(&values, 64);
        let [jump] = digest.jumps() else { panic!("one jump, not {:?}", digest.jumps()) };
        assert_eq!((jump.at.step, jump.at.value, jump.index), (120, 9.0, 120));
        assert!((jump.level - 1.06).abs() < 0.02, "{jump:?}");
        assert!(jump.score() > 50.0 && (jump.after - 1.06).abs() < 0.02, "{jump:?}");
    }

    #[test]
    fn the_sample_is_even_and_bounded() {
        let values: Vec<f64> = (0..100_000).map(f64::from).collect();
        let digest = digest(&values, 64);
        assert!(digest.sample().len() <= SAMPLE && digest.sample().len() >= SAMPLE / 4);
        assert!((digest.quantile(0.5) - 50_000.0).abs() < 6_000.0, "{}", digest.quantile(0.5));
        assert!((digest.quantile(0.95) - 95_000.0).abs() < 4_000.0);
    }

    #[test]
    fn values_that_are_no_numbers_are_counted_apart() {
        let digest = digest(&[1.0, 2.0, f64::NAN, f64::INFINITY, 3.0, f64::NAN], 8);
        let seen = digest.non_finite();
        assert_eq!((seen.n_nan, seen.n_infinite, seen.first, seen.n_before, seen.last), (2, 1, 2, 2, 5));
        assert_eq!((seen.n_onsets, seen.is_last, digest.n(), digest.n_logged()), (2, true, 3, 6));
    }

    #[test]
    fn noise_is_that_of_single_points_whatever_the_trend() {
        let mut random = crate::Random::new(1);
        let values: Vec<f64> =
            (0..20_000).map(|i| 5.0 - 1e-4 * f64::from(i) + 0.3 * random.normal()).collect();
        assert!((digest(&values, 64).noise() - 0.3).abs() < 0.01);
    }
}
