//! A small generator of random numbers with the same output on every machine.

use std::f64::consts::TAU;

/// SplitMix64 (Steele, Lea & Flood 2014), with normal deviates by Box & Muller (1958).
///
/// Logarithms and cosines come from `libm`, so that the bits do not depend on the machine's C library.
#[derive(Clone, Debug)]
pub(crate) struct Random {
    state: u64,
}

impl Random {
    /// A generator whose seed is the 64-bit FNV-1a hash of `parts`.
    pub(crate) fn from_texts<'a>(parts: impl IntoIterator<Item = &'a str>) -> Self {
        let mut state = 0xcbf2_9ce4_8422_2325_u64;
        for part in parts {
            for byte in part.bytes().chain([b'\n']) {
                state = (state ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3);
            }
        }
        Self { state }
    }

    fn bits(&mut self) -> u64 {
        self.state = self.state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.state;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// Uniform in [0, 1).
    pub(crate) fn unit(&mut self) -> f64 {
        (self.bits() >> 11) as f64 / (1_u64 << 53) as f64
    }

    /// Standard normal.
    pub(crate) fn normal(&mut self) -> f64 {
        let radius = libm::sqrt(-2.0 * libm::log(1.0 - self.unit()));
        radius * libm::cos(TAU * self.unit())
    }

    /// Exponential with mean 1.
    pub(crate) fn exponential(&mut self) -> f64 {
        -libm::log(1.0 - self.unit())
    }

    /// Uniform among `0..n`; 0 for `n` = 0.
    pub(crate) fn below(&mut self, n: usize) -> usize {
        ((self.unit() * n as f64) as usize).min(n.saturating_sub(1))
    }

    /// A permutation, by Fisher and Yates.
    pub(crate) fn shuffle<T>(&mut self, items: &mut [T]) {
        for last in (1..items.len()).rev() {
            items.swap(last, self.below(last + 1));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn output_is_pinned() {
        let mut random = Random { state: 1_234_567 };
        let expected = [6_457_827_717_110_365_317, 3_203_168_211_198_807_973, 9_817_491_932_198_370_423_u64];
        assert_eq!(expected.map(|_| random.bits()), expected, "the published sequence of SplitMix64");
    }

    #[test]
    fn moments_are_right() {
        let mut random = Random::from_texts(["moments"]);
        let n = 40_000;
        let mean_and_std = |draw: &mut dyn FnMut() -> f64| {
            let values: Vec<f64> = (0..n).map(|_| draw()).collect();
            let mean = values.iter().sum::<f64>() / f64::from(n);
            let variance = values.iter().map(|v| (v - mean).powi(2)).sum::<f64>() / f64::from(n);
            (mean, variance.sqrt())
        };
        let (mean, std) = mean_and_std(&mut || random.normal());
        assert!(mean.abs() < 0.02 && (std - 1.0).abs() < 0.02, "{mean} {std}");
        let (mean, std) = mean_and_std(&mut || random.exponential());
        assert!((mean - 1.0).abs() < 0.03 && (std - 1.0).abs() < 0.04, "{mean} {std}");
        let (mean, std) = mean_and_std(&mut || random.unit());
        assert!((mean - 0.5).abs() < 0.01 && (std - 12.0_f64.sqrt().recip()).abs() < 0.01, "{mean} {std}");
    }

    #[test]
    fn shuffling_keeps_every_item() {
        let mut items: Vec<u32> = (0..100).collect();
        Random::from_texts(["shuffle"]).shuffle(&mut items);
        assert_ne!(items, (0..100).collect::<Vec<_>>());
        items.sort_unstable();
        assert_eq!(items, (0..100).collect::<Vec<_>>());
        Random::from_texts([]).shuffle::<u8>(&mut []);
    }
}
