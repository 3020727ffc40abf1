//! How magnitudes are spread: counts by sign, power of two, and eighths of it.
//!
//! The first twelve bits of a number in single precision name its bin, so the range need not be known beforehand and one pass is enough.

use super::element::Element;

/// One for each value of the first twelve bits.
const BINS: usize = 1 << 12;
/// Tables that are counted in by turns: consecutive numbers are mostly alike, and adding to one place twice has to wait.
const TURNS: usize = 4;

/// Counts of numbers by their bin.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Histogram {
    counts: Vec<u64>,
}

/// Counts that are being made; at most 2³² of each.
pub(crate) struct Tally {
    tables: Box<[[u32; BINS]; TURNS]>,
}

impl Tally {
    pub(crate) fn new() -> Self {
        let tables = vec![[0u32; BINS]; TURNS].into_boxed_slice();
        match tables.try_into() {
            Ok(tables) => Self { tables },
            // Not reached: the length is right.
            Err(_) => Self { tables: Box::new([[0; BINS]; TURNS]) },
        }
    }

    /// Counts numbers in.
    #[inline(always)]
    pub(crate) fn count<T: Element>(&mut self, numbers: &[T]) {
        let (chunks, rest) = numbers.as_chunks::<TURNS>();
        for chunk in chunks {
            for (table, x) in self.tables.iter_mut().zip(chunk) {
                // Twelve bits: always inside.
                table[usize::from(x.head()) % BINS] += 1;
            }
        }
        for x in rest {
            self.tables[0][usize::from(x.head()) % BINS] += 1;
        }
    }

    pub(crate) fn finish(&self) -> Histogram {
        let counts =
            (0..BINS).map(|bin| self.tables.iter().map(|table| u64::from(table[bin])).sum()).collect();
        Histogram { counts }
    }
}

impl Histogram {
    /// Adds the counts of `other`.
    pub(crate) fn merge(&mut self, other: &Self) {
        self.counts.iter_mut().zip(&other.counts).for_each(|(count, more)| *count += more);
    }

    /// Bins that hold finite numbers, from the most negative to the most positive: least and greatest value, count.
    pub(crate) fn bins(&self) -> Vec<(f64, f64, u64)> {
        let half = BINS / 2;
        let negative = (half..BINS).rev();
        let bins = negative.chain(0..half).filter(|bin| self.counts[*bin] > 0);
        bins.filter_map(|bin| {
            let first = f32::from_bits((bin as u32) << 20);
            let last = f32::from_bits((bin as u32) << 20 | 0xf_ffff);
            let (low, high) = if bin < half { (first, last) } else { (last, first) };
            first.is_finite().then(|| (f64::from(low), f64::from(high), self.counts[bin]))
        })
        .collect()
    }
}
