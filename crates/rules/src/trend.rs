//! What rules on runs share: levels, trends and noise of series.

use stetho_core::run::{Block, Digest};

/// The z-score of the trend of values in their order (Mann 1945, Kendall 1975): above 2.3 they rise, below −2.3 they fall, each with
/// less than one chance in a hundred if they have no trend. Needs no normal distribution and no straight line.
pub(crate) fn trend(values: &[f64]) -> f64 {
    let n = values.len() as f64;
    let mut sum = 0i64;
    for (i, a) in values.iter().enumerate() {
        for b in &values[i + 1..] {
            sum += i64::from(b > a) - i64::from(b < a);
        }
    }
    let variance = n * (n - 1.0) * (2.0 * n + 5.0) / 18.0;
    if variance <= 0.0 || sum == 0 { 0.0 } else { (sum - sum.signum()) as f64 / variance.sqrt() }
}

/// The median; NaN of nothing.
pub(crate) fn median(values: impl IntoIterator<Item = f64>) -> f64 {
    let mut values: Vec<f64> = values.into_iter().collect();
    stetho_core::median(&mut values)
}

/// The mean over blocks, each point counting once; NaN of nothing.
pub(crate) fn mean(blocks: &[Block]) -> f64 {
    let n: u64 = blocks.iter().map(|b| b.n).sum();
    blocks.iter().map(|b| b.mean * b.n as f64).sum::<f64>() / n as f64
}

/// Means of blocks.
pub(crate) fn means(blocks: &[Block]) -> Vec<f64> {
    blocks.iter().map(|b| b.mean).collect()
}

/// How much the mean of one block varies around the trend, from the differences of neighbouring blocks.
pub(crate) fn block_noise(blocks: &[Block]) -> f64 {
    let apart = blocks.windows(2).map(|w| (w[1].mean - w[0].mean).abs());
    // The median of |Δ| is 0.954 σ for the difference of two independent normal values.
    let noise = median(apart) / 0.954;
    if noise.is_nan() { 0.0 } else { noise }
}

/// The course of a series: its blocks of equally many points, from where it started to where it is.
#[derive(Clone, Debug)]
pub(crate) struct Course {
    /// At most about [`Course::BLOCKS`] stretches.
    pub blocks: Vec<Block>,
    /// Level of the first few points, before anything was learned.
    pub start: f64,
    /// Level of the last tenth.
    pub end: f64,
    /// Index of the lowest block.
    pub best: usize,
    /// How much the mean of a block varies around the trend.
    pub noise: f64,
}

impl Course {
    /// Stretches of a course.
    pub(crate) const BLOCKS: usize = 40;

    /// The course of a series of at least `least` points.
    pub(crate) fn of(digest: &Digest, least: u64) -> Option<Self> {
        let blocks = digest.split(Self::BLOCKS);
        if digest.n() < least.max(3) || blocks.len() < 3 {
            return None;
        }
        let few = ((digest.n() / 50) as usize).clamp(1, 5);
        let first = &digest.first()[..few.min(digest.first().len())];
        let start = first.iter().map(|p| p.value).sum::<f64>() / first.len() as f64;
        let end = mean(&blocks[blocks.len() - blocks.len().div_ceil(10)..]);
        let best = (0..blocks.len()).min_by(|&a, &b| blocks[a].mean.total_cmp(&blocks[b].mean))?;
        let noise = block_noise(&blocks);
        Some(Self { blocks, start, end, best, noise })
    }

    /// Level of the lowest block.
    pub(crate) fn lowest(&self) -> f64 {
        self.blocks[self.best].mean
    }

    /// How far it fell from its start to its lowest block, at least 0.
    pub(crate) fn fall(&self) -> f64 {
        (self.start - self.lowest()).max(0.0)
    }

    /// The blocks from share `from` of the course on, at least one.
    pub(crate) fn tail(&self, from: f64) -> &[Block] {
        let at = (self.blocks.len() as f64 * from) as usize;
        &self.blocks[at.min(self.blocks.len() - 1)..]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_trend_is_told_from_none() {
        let rising: Vec<f64> = (0..20).map(f64::from).collect();
        assert!(trend(&rising) > 6.0);
        let falling: Vec<f64> = rising.iter().map(|v| -v).collect();
        assert!((trend(&falling) + trend(&rising)).abs() < 1e-12);
        assert!(trend(&[1.0, 1.0, 1.0, 1.0]).abs() < 1e-12);
        assert!(trend(&[2.0, 1.0, 2.0, 1.0, 2.0, 1.0, 2.0, 1.0]).abs() < 1.5);
    }

    #[test]
    fn a_course_tells_start_best_and_end() {
        let mut digest = Digest::default();
        for step in 0..400u32 {
            let x = f64::from(step) / 400.0;
            digest.push(u64::from(step), f64::NAN, 2.0 - 3.0 * x + 2.5 * x * x);
        }
        let course = Course::of(&digest, 20).unwrap();
        assert!((course.start - 2.0).abs() < 0.03, "{}", course.start);
        assert!((course.lowest() - 1.1).abs() < 0.01 && (course.end - 1.42).abs() < 0.05);
        assert!((22..=26).contains(&course.best), "{}", course.best);
        assert!(Course::of(&digest, 500).is_none());
    }
}
