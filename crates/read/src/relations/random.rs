//! Pseudo-random numbers that are the same in every run.

/// SplitMix64 (Steele, Lea & Flood 2014): small, fast, and good enough for shuffles and folds.
#[derive(Clone, Debug)]
pub(super) struct Random(u64);

impl Random {
    /// A stream of its own for each `seed`.
    pub(super) fn new(seed: u64) -> Self {
        Self(seed)
    }

    /// The next 64 bits.
    pub(super) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// A number below `n`; 0 for `n` = 0.
    pub(super) fn below(&mut self, n: usize) -> usize {
        ((u128::from(self.next()) * n as u128) >> 64) as usize
    }

    /// Puts `items` in random order (Fisher–Yates).
    pub(super) fn shuffle<T>(&mut self, items: &mut [T]) {
        for i in (1..items.len()).rev() {
            items.swap(i, self.below(i + 1));
        }
    }

    /// `n_chosen` of `0..n` in ascending order, every subset alike likely; all of them if there are no more.
    pub(super) fn choose(&mut self, n: usize, n_chosen: usize) -> Vec<usize> {
        if n_chosen >= n {
            return (0..n).collect();
        }
        let mut chosen = Vec::with_capacity(n_chosen);
        for i in 0..n {
            if self.below(n - i) < n_chosen - chosen.len() {
                chosen.push(i);
            }
        }
        chosen
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn chosen_are_ascending_distinct_and_uniform() {
        let mut random = Random::new(1);
        let mut times = [0; 10];
        for _ in 0..10_000 {
            let chosen = random.choose(10, 3);
            assert_eq!(chosen.len(), 3);
            assert!(chosen.windows(2).all(|w| w[0] < w[1]));
            chosen.iter().for_each(|&i| times[i] += 1);
        }
        assert!(times.iter().all(|&t| (2800..3200).contains(&t)), "{times:?}");
        assert_eq!(random.choose(3, 7), [0, 1, 2]);
        assert!(random.choose(0, 7).is_empty());
    }

    #[test]
    fn shuffle_keeps_items() {
        let mut items: Vec<u32> = (0..100).collect();
        Random::new(2).shuffle(&mut items);
        assert_ne!(items, (0..100).collect::<Vec<_>>());
        items.sort_unstable();
        assert_eq!(items, (0..100).collect::<Vec<_>>());
    }
}
