//! Mean and central moments, mergeable.

/// Count, mean and the sums of the second to fourth powers of deviations from the mean.
///
/// Merged by the pairwise formulas of Pébay (2008, SAND2008-6212), which lose no digits to large means.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(crate) struct Moments {
    n: f64,
    mean: f64,
    m2: f64,
    m3: f64,
    m4: f64,
}

impl Moments {
    /// Takes finite values in, in two passes over the slice.
    pub(crate) fn observe(&mut self, values: &[f64]) {
        if values.is_empty() {
            return;
        }
        let n = values.len() as f64;
        let mean = values.iter().map(|x| x / n).sum::<f64>();
        // four independent sums of each power, so that the processor need not wait for the one before
        let mut sums = [[0.0; 4]; 4];
        let mut add = |lane: usize, x: f64| {
            let d = x - mean;
            let d2 = d * d;
            sums[0][lane] += d;
            sums[1][lane] += d2;
            sums[2][lane] += d2 * d;
            sums[3][lane] += d2 * d2;
        };
        let (groups, rest) = values.as_chunks::<4>();
        for group in groups {
            for (lane, &x) in group.iter().enumerate() {
                add(lane, x);
            }
        }
        rest.iter().for_each(|&x| add(0, x));
        let [m1, m2, m3, m4] = sums.map(|lanes| lanes.iter().sum::<f64>());
        self.merge(&Self { n, mean, m2: m2 - m1 * m1 / n, m3, m4 });
    }

    /// Joins the moments of two disjoint sets of values.
    pub(crate) fn merge(&mut self, other: &Self) {
        if other.n < 1.0 {
            return;
        }
        if self.n < 1.0 {
            *self = *other;
            return;
        }
        let (a, b) = (*self, *other);
        let n = a.n + b.n;
        let delta = b.mean - a.mean;
        let step = delta / n;
        let cross = delta * step * a.n * b.n;
        self.n = n;
        self.mean = a.mean + step * b.n;
        self.m2 = a.m2 + b.m2 + cross;
        self.m3 = a.m3 + b.m3 + cross * step * (a.n - b.n) + 3.0 * step * (a.n * b.m2 - b.n * a.m2);
        self.m4 = a.m4
            + b.m4
            + cross * step * step * (a.n * a.n - a.n * b.n + b.n * b.n)
            + 6.0 * step * step * (a.n * a.n * b.m2 + b.n * b.n * a.m2)
            + 4.0 * step * (a.n * b.m3 - b.n * a.m3);
    }

    /// Arithmetic mean; 0 for no values.
    pub(crate) fn mean(&self) -> f64 {
        self.mean
    }

    /// Standard deviation with divisor n − 1; 0 for fewer than two values.
    pub(crate) fn std(&self) -> f64 {
        if self.n < 2.0 { 0.0 } else { (self.m2.max(0.0) / (self.n - 1.0)).sqrt() }
    }

    /// Skewness g₁; 0 for a constant.
    pub(crate) fn skewness(&self) -> f64 {
        if self.varies() { self.n.sqrt() * self.m3 / self.m2.powf(1.5) } else { 0.0 }
    }

    /// Excess kurtosis g₂; 0 for a constant.
    pub(crate) fn kurtosis(&self) -> f64 {
        if self.varies() { self.n * self.m4 / (self.m2 * self.m2) - 3.0 } else { 0.0 }
    }

    /// Whether the deviations are more than rounding.
    fn varies(&self) -> bool {
        let rounding = self.mean * f64::EPSILON * 4.0;
        self.m2 > self.n * rounding * rounding && self.m2 > 0.0
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// The definitions, written out.
    fn slow(values: &[f64]) -> [f64; 4] {
        let n = values.len() as f64;
        let mean = values.iter().sum::<f64>() / n;
        let m = |p: i32| values.iter().map(|x| (x - mean).powi(p)).sum::<f64>() / n;
        let std = (m(2) * n / (n - 1.0)).sqrt();
        [mean, std, m(3) / m(2).powf(1.5), m(4) / (m(2) * m(2)) - 3.0]
    }

    proptest! {
        #[test]
        fn any_split_gives_the_moments_of_one_pass(
            values in prop::collection::vec(-1e3..1e3f64, 2..200), cuts in prop::collection::vec(0usize..200, 0..6)
        ) {
            let mut cuts: Vec<_> = cuts.into_iter().map(|c| c % values.len()).collect();
            cuts.extend([0, values.len()]);
            cuts.sort_unstable();
            let mut whole = Moments::default();
            for pair in cuts.windows(2).rev() {
                let mut part = Moments::default();
                part.observe(&values[pair[0]..pair[1]]);
                whole.merge(&part);
            }
            let expected = slow(&values);
            prop_assume!(expected[1] > 1e-3);
            for (seen, expected) in [whole.mean(), whole.std(), whole.skewness(), whole.kurtosis()].iter().zip(expected) {
                prop_assert!((seen - expected).abs() <= 1e-8 * expected.abs().max(1.0), "{seen} {expected}");
            }
        }
    }

    #[test]
    fn a_constant_has_no_spread() {
        let mut moments = Moments::default();
        moments.observe(&[0.1; 1000]);
        assert!(moments.std() < 1e-15 && moments.skewness().abs() < 1e-9);
        assert!((moments.mean() - 0.1).abs() < 1e-14);
    }
}
