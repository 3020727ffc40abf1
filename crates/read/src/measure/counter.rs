//! Counts of distinct values: exact while there are few, sketches beyond.

use datasketches::frequencies::{ErrorType, FrequentItemsSketch};
use datasketches::hll::{HllSketch, HllType, HllUnion};
use datasketches::tdigest::TDigestMut;
use hashbrown::HashTable;
use stetho_core::table::{Distinct, Quantiles};

/// Most distinct values counted exactly.
pub(crate) const MAX_EXACT: usize = 4096;
/// HyperLogLog registers: 2¹², a standard error of 1.6 %.
const LG_REGISTERS: u8 = 12;
/// Frequent-items map: counts are low by at most 3.5 / 2,048 = 0.17 % of the rows.
const FREQUENT_ITEMS: usize = 2048;
/// Batches of this many values leave out what they hold once.
const LARGE_BATCH: usize = 4096;
/// t-digest compression.
const COMPRESSION: u16 = 200;

/// A value that can be counted. Its hash stands for it in the sketches.
pub(crate) trait Value: Clone + Ord {
    /// The value as seen in a batch.
    type Seen<'a>: Copy;
    /// Keeps it.
    fn keep(seen: Self::Seen<'_>) -> Self;
    /// Whether it is the same.
    fn same(&self, seen: Self::Seen<'_>) -> bool;
    /// Looks at a kept value again.
    fn see(&self) -> Self::Seen<'_>;
    /// Its size for the t-digest; `None` for values without order.
    fn size(seen: Self::Seen<'_>) -> Option<f64>;
}

/// Bits of a finite number, ordered as the number; −0 is 0.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Num(pub f64);

impl Eq for Num {}
impl PartialOrd for Num {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}
impl Ord for Num {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        self.0.total_cmp(&other.0)
    }
}

/// Mixes 64 bits well: the finaliser of SplitMix64 (Steele, Lea & Flood 2014).
pub(crate) fn mix(mut x: u64) -> u64 {
    x = (x ^ (x >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    x = (x ^ (x >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    x ^ (x >> 31)
}

/// Hash of a number; integers and floats of one value agree, and so do 0 and −0.
pub(crate) fn hash_number(value: f64) -> u64 {
    mix((value + 0.0).to_bits() ^ 0x9E37_79B9_7F4A_7C15)
}

/// Hash of a text.
pub(crate) fn hash_text(text: &str) -> u64 {
    xxhash_rust::xxh3::xxh3_64(text.as_bytes())
}

impl Value for Num {
    type Seen<'a> = f64;
    fn keep(seen: f64) -> Self {
        Self(seen + 0.0)
    }
    fn same(&self, seen: f64) -> bool {
        self.0.to_bits() == (seen + 0.0).to_bits()
    }
    fn see(&self) -> f64 {
        self.0
    }
    fn size(seen: f64) -> Option<f64> {
        Some(seen)
    }
}

impl Value for Box<str> {
    type Seen<'a> = &'a str;
    fn keep(seen: &str) -> Self {
        seen.into()
    }
    fn same(&self, seen: &str) -> bool {
        &**self == seen
    }
    fn see(&self) -> &str {
        self
    }
    fn size(_: &str) -> Option<f64> {
        None
    }
}

/// Counts values of one column.
#[derive(Clone)]
pub(crate) struct Counter<V> {
    state: State<V>,
}

#[derive(Clone)]
enum State<V> {
    Exact(HashTable<(u64, V, u64)>),
    Sketched(Box<Sketches>),
}

#[derive(Clone)]
struct Sketches {
    distinct: HllSketch,
    frequent: FrequentItemsSketch<u64>,
    digest: TDigestMut,
}

impl<V> Default for Counter<V> {
    fn default() -> Self {
        Self { state: State::Exact(HashTable::new()) }
    }
}

impl<V: Value> Counter<V> {
    /// Counts one value `count` times. Its hash may tell more than `seen` does (integers beyond what a float holds).
    pub(crate) fn add_hashed(&mut self, hash: u64, seen: V::Seen<'_>, count: u64) {
        match &mut self.state {
            State::Sketched(sketches) => sketches.add(hash, V::size(seen), count),
            State::Exact(table) => {
                if let Some(entry) = table.find_mut(hash, |(h, v, _)| *h == hash && v.same(seen)) {
                    entry.2 += count;
                    return;
                }
                table.insert_unique(hash, (hash, V::keep(seen), count), |(h, ..)| *h);
                if table.len() > MAX_EXACT {
                    self.sketch();
                }
            }
        }
    }

    /// Counts the values of one batch, each with its hash.
    pub(crate) fn add_batch<'a>(&mut self, values: impl Iterator<Item = (u64, V::Seen<'a>)>) {
        let mut hashes = Vec::new();
        for (hash, seen) in values {
            if let State::Sketched(sketches) = &mut self.state {
                sketches.distinct.update(hash);
                if let Some(size) = V::size(seen) {
                    sketches.digest.update(size);
                }
                hashes.push(hash);
            } else {
                self.add_hashed(hash, seen, 1);
            }
        }
        if let State::Sketched(sketches) = &mut self.state {
            sketches.add_frequent(&hashes);
        }
    }

    /// Moves the exact counts into sketches, as if these had seen the values from the start.
    fn sketch(&mut self) {
        let Some(mut sketches) = Sketches::new() else { return };
        if let State::Exact(table) = &self.state {
            let mut entries: Vec<_> = table.iter().collect();
            entries.sort_by(|a, b| a.1.cmp(&b.1).then(a.0.cmp(&b.0))); // the order must not depend on the table's layout
            for (hash, value, count) in entries {
                sketches.add(*hash, V::size(value.see()), *count);
            }
            self.state = State::Sketched(Box::new(sketches));
        }
    }

    /// Joins the counts of two disjoint sets of rows.
    pub(crate) fn merge(&mut self, other: Self) {
        match other.state {
            State::Exact(table) => {
                let mut entries: Vec<_> = table.into_iter().collect();
                entries.sort_by(|a, b| a.1.cmp(&b.1).then(a.0.cmp(&b.0)));
                for (hash, value, count) in entries {
                    self.add_hashed(hash, value.see(), count);
                }
            }
            State::Sketched(theirs) => {
                self.sketch();
                if let State::Sketched(ours) = &mut self.state {
                    ours.merge(&theirs);
                }
            }
        }
    }

    /// How many distinct values.
    pub(crate) fn distinct(&self) -> Distinct {
        match &self.state {
            State::Exact(table) => Distinct { count: table.len() as u64, exact: true },
            State::Sketched(s) => {
                Distinct { count: s.distinct.estimate().round().max(0.0) as u64, exact: false }
            }
        }
    }

    /// All values with their counts, most frequent first, ties by value; `None` once sketched.
    pub(crate) fn exact(&self) -> Option<Vec<(&V, u64)>> {
        let State::Exact(table) = &self.state else { return None };
        let mut counts: Vec<_> = table.iter().map(|(_, value, count)| (value, *count)).collect();
        counts.sort_by(|a, b| b.1.cmp(&a.1).then_with(|| a.0.cmp(b.0)));
        Some(counts)
    }

    /// Hashes of the frequent values with the lower bounds of their counts, most frequent first, once sketched.
    pub(crate) fn frequent(&self) -> Vec<(u64, u64)> {
        let State::Sketched(sketches) = &self.state else { return Vec::new() };
        let rows = sketches.frequent.frequent_items(ErrorType::NoFalsePositives);
        let mut found: Vec<_> = rows.iter().map(|row| (*row.item(), row.lower_bound())).collect();
        found.sort_by(|a, b| b.1.cmp(&a.1).then(a.0.cmp(&b.0)));
        found
    }

    /// Σ p² over the distinct values: the chance that two random rows agree. What the sketch does not list is taken
    /// to be spread evenly.
    pub(crate) fn collision(&self, n: u64) -> f64 {
        let n = n.max(1) as f64;
        let square = |count: u64| (count as f64 / n).powi(2);
        match self.exact() {
            Some(counts) => counts.iter().map(|(_, count)| square(*count)).sum(),
            None => {
                let frequent = self.frequent();
                let listed: u64 = frequent.iter().map(|(_, count)| count).sum();
                let rest = (n - listed as f64).max(0.0) / n;
                let others = (self.distinct().count as f64 - frequent.len() as f64).max(1.0);
                frequent.iter().map(|(_, count)| square(*count)).sum::<f64>() + rest * rest / others
            }
        }
    }
}

impl Counter<Num> {
    /// Quantiles at evenly spaced ranks: exact (type 7) from counts, else from the t-digest.
    pub(crate) fn quantiles(&self, n: u64) -> Quantiles {
        let last = (Quantiles::RANKS - 1) as f64;
        let ranks: Vec<f64> = (0..Quantiles::RANKS).map(|i| i as f64 / last).collect();
        match &self.state {
            State::Exact(table) if table.is_empty() => Quantiles::default(),
            State::Exact(table) => {
                let mut counts: Vec<(f64, u64)> = table.iter().map(|(_, v, c)| (v.0, *c)).collect();
                counts.sort_by(|a, b| a.0.total_cmp(&b.0));
                Quantiles(exact_quantiles(&counts, n, &ranks))
            }
            State::Sketched(sketches) => {
                let mut digest = sketches.digest.clone();
                Quantiles(digest.quantiles(&ranks).ok().flatten().unwrap_or_default())
            }
        }
    }
}

/// Type-7 quantiles (Hyndman & Fan 1996) of values with counts, ascending; `n` is the sum of the counts.
fn exact_quantiles(counts: &[(f64, u64)], n: u64, ranks: &[f64]) -> Vec<f64> {
    let (mut at, mut before) = (0, 0u64);
    let mut found = Vec::with_capacity(ranks.len());
    for rank in ranks {
        let position = rank * n.saturating_sub(1) as f64;
        let below = position.floor() as u64;
        while at + 1 < counts.len() && before + counts[at].1 <= below {
            before += counts[at].1;
            at += 1;
        }
        let low = counts[at].0;
        let is_last_of_value = below + 1 >= before + counts[at].1;
        let high = if is_last_of_value { counts.get(at + 1).map_or(low, |next| next.0) } else { low };
        found.push(low + (high - low) * (position - below as f64));
    }
    found
}

impl Sketches {
    fn new() -> Option<Self> {
        Some(Self {
            distinct: HllSketch::new(LG_REGISTERS, HllType::Hll8).ok()?,
            frequent: FrequentItemsSketch::new(FREQUENT_ITEMS).ok()?,
            digest: TDigestMut::new(COMPRESSION).ok()?,
        })
    }

    fn add(&mut self, hash: u64, size: Option<f64>, count: u64) {
        self.distinct.update(hash);
        self.frequent.update_with_count(hash, count);
        if let Some(size) = size {
            for _ in 0..count {
                self.digest.update(size);
            }
        }
    }

    /// Offers the values of a batch to the frequent items. A value that occurs once in a large batch is left out: it
    /// costs a count at most 1 in 4,096 rows, and saves most of the work on columns without frequent values.
    fn add_frequent(&mut self, hashes: &[u64]) {
        if hashes.len() < LARGE_BATCH {
            return hashes.iter().for_each(|&hash| self.frequent.update(hash));
        }
        let slot = |hash: u64| (hash >> 48) as usize;
        let mut seen = vec![0u8; 1 << 16];
        for &hash in hashes {
            seen[slot(hash)] = seen[slot(hash)].saturating_add(1);
        }
        for &hash in hashes.iter().filter(|&&hash| seen[slot(hash)] > 1) {
            self.frequent.update(hash);
        }
    }

    fn merge(&mut self, other: &Self) {
        if let Ok(mut union) = HllUnion::new(LG_REGISTERS) {
            union.update(&self.distinct);
            union.update(&other.distinct);
            self.distinct = union.to_sketch(HllType::Hll8);
        }
        self.frequent.merge(&other.frequent);
        self.digest.merge(&other.digest);
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// NumPy's default quantile, on the sorted values themselves.
    fn slow_quantile(sorted: &[f64], rank: f64) -> f64 {
        let position = rank * (sorted.len() - 1) as f64;
        let (low, high) = (position.floor() as usize, position.ceil() as usize);
        sorted[low] + (sorted[high] - sorted[low]) * (position - low as f64)
    }

    fn count(values: &[f64]) -> Counter<Num> {
        let mut counter = Counter::default();
        for batch in values.chunks(10_000) {
            counter.add_batch(batch.iter().map(|&value| (hash_number(value), value)));
        }
        counter
    }

    proptest! {
        #[test]
        fn few_values_are_exact_in_any_split(values in prop::collection::vec(-20i32..20, 1..300), cut in 0usize..300) {
            let mut values: Vec<f64> = values.into_iter().map(f64::from).collect();
            let cut = cut % values.len();
            let mut split = count(&values[cut..]);
            split.merge(count(&values[..cut]));
            let whole = count(&values);
            prop_assert_eq!(split.exact(), whole.exact());
            prop_assert_eq!(split.quantiles(values.len() as u64), whole.quantiles(values.len() as u64));
            values.sort_by(f64::total_cmp);
            let quantiles = whole.quantiles(values.len() as u64);
            for (i, q) in quantiles.0.iter().enumerate() {
                prop_assert!((q - slow_quantile(&values, i as f64 / 1000.0)).abs() < 1e-9);
            }
        }

        #[test]
        fn many_values_stay_within_the_stated_error(seed in 0u64..1000, n in 20_000u64..60_000, cut in 0.1..0.9f64) {
            let value = |i: u64| (mix(i ^ (seed << 32)) >> 11) as f64 / (1u64 << 53) as f64;
            let mut values: Vec<f64> = (0..n).map(value).collect();
            values.extend(vec![-1.0; (n / 20) as usize]);
            let cut = (cut * values.len() as f64) as usize;
            let mut counter = count(&values[cut..]);
            counter.merge(count(&values[..cut]));
            let distinct = counter.distinct();
            prop_assert!(!distinct.exact);
            prop_assert!((distinct.count as f64 / n as f64 - 1.0).abs() < 0.08, "{} of {n}", distinct.count);
            let frequent = counter.frequent();
            prop_assert_eq!(frequent[0].0, hash_number(-1.0));
            prop_assert!(n / 20 - frequent[0].1 <= values.len() as u64 / 500);
            let total = values.len() as f64;
            values.sort_by(f64::total_cmp);
            for (i, q) in counter.quantiles(values.len() as u64).0.iter().enumerate() {
                let rank = i as f64 / 1000.0;
                let low = values.partition_point(|v| v < q) as f64 / total;
                let high = values.partition_point(|v| v <= q) as f64 / total;
                prop_assert!(low - 0.01 <= rank && rank <= high + 0.01, "rank {rank}: {low} … {high}");
            }
        }
    }

    #[test]
    fn text_is_counted_by_value() {
        let mut counter = Counter::<Box<str>>::default();
        for word in ["b", "a", "b", "c"] {
            counter.add_hashed(hash_text(word), word, 1);
        }
        let counts: Vec<_> = counter.exact().unwrap().into_iter().map(|(v, c)| (&**v, c)).collect();
        assert_eq!(counts, [("b", 2), ("a", 1), ("c", 1)]);
        assert!((counter.collision(4) - 0.375).abs() < 1e-12);
    }

    #[test]
    fn zero_has_one_sign() {
        assert_eq!(count(&[0.0, -0.0]).distinct().count, 1);
    }
}
