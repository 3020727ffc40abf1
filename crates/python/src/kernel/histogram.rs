//! How magnitudes are spread: counts by sign, power of two, and eighths of it.
//!
//! The first bits of a number name its bin, so the range need not be known beforehand and one pass is enough.

use super::element::Element;

/// One for each value of the first twelve bits.
const BINS: usize = 1 << 12;
/// Tables that are counted in by turns: consecutive numbers are mostly alike, and adding to one place twice has to wait.
const TURNS: usize = 4;

/// Counts of numbers by their first bits; at most 2³² of each.
pub(crate) struct Tally {
    tables: Vec<[u32; BINS]>,
    n: u64,
}

/// Counts of finite numbers by their bin.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Histogram {
    /// Least and greatest number of a bin, and how many there are; from the most negative to the most positive.
    pub(crate) bins: Vec<(f64, f64, u64)>,
    /// Numbers that were looked at, whether finite or not.
    pub(crate) n: u64,
}

impl Tally {
    pub(crate) fn new() -> Self {
        Self { tables: vec![[0; BINS]; TURNS], n: 0 }
    }

    /// Counts numbers in.
    #[inline(always)]
    pub(crate) fn count<T: Element>(&mut self, numbers: &[T]) {
        self.n += numbers.len() as u64;
        let [a, b, c, d] = self.tables.as_mut_slice() else { return };
        let (chunks, rest) = numbers.as_chunks::<TURNS>();
        // Twelve bits: always inside.
        let place = |x: &T| usize::from(x.head()) % BINS;
        for [w, x, y, z] in chunks {
            a[place(w)] += 1;
            b[place(x)] += 1;
            c[place(y)] += 1;
            d[place(z)] += 1;
        }
        for x in rest {
            a[place(x)] += 1;
        }
    }

    /// Adds the counts of `other`.
    pub(crate) fn merge(&mut self, other: &Self) {
        self.n += other.n;
        for (table, more) in self.tables.iter_mut().zip(&other.tables) {
            table.iter_mut().zip(more).for_each(|(count, more)| *count = count.saturating_add(*more));
        }
    }

    /// The counts by what numbers of this type the bins hold.
    pub(crate) fn finish<T: Element>(&self) -> Histogram {
        let of_head = |head: u16| {
            let n = self
                .tables
                .iter()
                .filter_map(|table| table.get(usize::from(head)))
                .map(|n| u64::from(*n))
                .sum();
            let (first, last) = T::ends(head);
            (first.min(last), first.max(last), n, first.is_sign_negative())
        };
        let all =
            (0..BINS as u16).map(of_head).filter(|(low, high, n, _)| *n > 0 && (low + high).is_finite());
        let (mut bins, positive): (Vec<_>, Vec<_>) = all.partition(|bin| bin.3);
        bins.reverse();
        bins.extend(positive);
        Histogram { bins: bins.into_iter().map(|(low, high, n, _)| (low, high, n)).collect(), n: self.n }
    }
}
