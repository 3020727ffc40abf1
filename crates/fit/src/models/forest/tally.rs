//! What is counted of the rows of a node, and how good a cut in two is.

use super::bins::MOST;
use super::grow::Item;

/// Counts rows to the left and right of a cut.
pub(super) trait Tally: Send {
    /// What is known of each row.
    type Target: Copy + Send + Sync;

    /// Counts the rows of a node, all to the right; tells whether they differ.
    fn begin(&mut self, items: &[Item<Self::Target>]) -> bool;
    /// Puts all rows to the right again.
    fn restart(&mut self);
    /// Moves the `i`-th row to the left.
    fn take(&mut self, i: usize);
    /// Remembers the bin of the `i`-th row.
    fn put(&mut self, bin: u8, i: usize);
    /// Moves all rows remembered in a bin to the left, and forgets them.
    fn take_bin(&mut self, bin: u8);
    /// How much purer the two sides are: the larger the better.
    fn gain(&self) -> f64;
    /// Outputs that are not 0, with their values, for all rows of the node.
    fn leaf(&self, shares: &mut Vec<(u32, f32)>);
}

/// One side of a cut: rows, and the sum of squared counts of classes.
#[derive(Clone, Copy, Default)]
struct Side {
    n: f64,
    squares: f64,
}

/// Rows by class; purity is Gini's.
#[derive(Default)]
pub(super) struct Classes {
    /// Index into `present` of each class, or [`ABSENT`].
    slots: Vec<u32>,
    /// Classes of the node.
    present: Vec<u32>,
    /// Rows of the node by class.
    totals: Vec<f64>,
    counts: [Vec<f64>; 2],
    sides: [Side; 2],
    whole: Side,
    /// Class and weight of each row.
    marks: Vec<(u32, u32)>,
    /// Rows by bin and class, every fourth row in one of four sums: to add to one number time and again is slow.
    binned: Vec<[u32; 4]>,
}

const ABSENT: u32 = u32::MAX;

impl Classes {
    pub(super) fn new(n_classes: usize) -> Self {
        Self { slots: vec![ABSENT; n_classes], ..Self::default() }
    }

    fn shift(&mut self, slot: usize, weight: f64) {
        let [left, right] = &mut self.counts;
        self.sides[0].squares += weight * (2.0 * left[slot] + weight);
        self.sides[1].squares -= weight * (2.0 * right[slot] - weight);
        left[slot] += weight;
        right[slot] -= weight;
        self.sides[0].n += weight;
        self.sides[1].n -= weight;
    }
}

impl Tally for Classes {
    type Target = u32;

    fn begin(&mut self, items: &[Item<u32>]) -> bool {
        self.present.drain(..).for_each(|class| self.slots[class as usize] = ABSENT);
        self.totals.clear();
        self.marks.clear();
        for item in items {
            let slot = &mut self.slots[item.target as usize];
            if *slot == ABSENT {
                *slot = self.present.len() as u32;
                self.present.push(item.target);
                self.totals.push(0.0);
            }
            self.totals[*slot as usize] += f64::from(item.weight);
            self.marks.push((*slot, item.weight));
        }
        let of = |f: fn(f64) -> f64| self.totals.iter().map(|n| f(*n)).sum();
        self.whole = Side { n: of(|n| n), squares: of(|n| n * n) };
        let wanted = self.present.len() * MOST;
        if self.binned.len() < wanted {
            self.binned.resize(wanted, [0; 4]);
        }
        self.present.len() > 1
    }

    fn restart(&mut self) {
        self.counts[0].clear();
        self.counts[0].resize(self.totals.len(), 0.0);
        self.counts[1].clone_from(&self.totals);
        self.sides = [Side::default(), self.whole];
    }

    #[inline]
    fn take(&mut self, i: usize) {
        let (slot, weight) = self.marks[i];
        self.shift(slot as usize, f64::from(weight));
    }

    #[inline]
    fn put(&mut self, bin: u8, i: usize) {
        let (slot, weight) = self.marks[i];
        self.binned[usize::from(bin) * self.present.len() + slot as usize][i % 4] += weight;
    }

    #[inline]
    fn take_bin(&mut self, bin: u8) {
        let k = self.present.len();
        for slot in 0..k {
            let held = std::mem::take(&mut self.binned[usize::from(bin) * k + slot]);
            self.shift(slot, f64::from(held.iter().sum::<u32>()));
        }
    }

    #[inline]
    fn gain(&self) -> f64 {
        self.sides[0].squares / self.sides[0].n + self.sides[1].squares / self.sides[1].n
    }

    fn leaf(&self, shares: &mut Vec<(u32, f32)>) {
        let share = |(class, n): (&u32, &f64)| (*class, (n / self.whole.n) as f32);
        shares.extend(self.present.iter().zip(&self.totals).map(share));
    }
}

/// Weights and sums of numbers; purity is small squared error.
#[derive(Default)]
pub(super) struct Numbers {
    mean: f64,
    n: f64,
    /// Weight, and weight × distance from the mean, of each row.
    marks: Vec<(f64, f64)>,
    /// To the left; the sums to the right are their negative.
    left: (f64, f64),
    binned: Vec<(f64, f64)>,
}

impl Tally for Numbers {
    type Target = f64;

    fn begin(&mut self, items: &[Item<f64>]) -> bool {
        self.n = items.iter().map(|i| f64::from(i.weight)).sum();
        self.mean = items.iter().map(|i| f64::from(i.weight) * i.target).sum::<f64>() / self.n;
        let mark = |i: &Item<f64>| (f64::from(i.weight), f64::from(i.weight) * (i.target - self.mean));
        self.marks.clear();
        self.marks.extend(items.iter().map(mark));
        self.binned.resize(MOST, (0.0, 0.0));
        items.windows(2).any(|pair| pair[0].target.total_cmp(&pair[1].target).is_ne())
    }

    fn restart(&mut self) {
        self.left = (0.0, 0.0);
    }

    #[inline]
    fn take(&mut self, i: usize) {
        let (weight, sum) = self.marks[i];
        self.left = (self.left.0 + weight, self.left.1 + sum);
    }

    #[inline]
    fn put(&mut self, bin: u8, i: usize) {
        let (weight, sum) = self.marks[i];
        let held = &mut self.binned[usize::from(bin)];
        *held = (held.0 + weight, held.1 + sum);
    }

    #[inline]
    fn take_bin(&mut self, bin: u8) {
        let (weight, sum) = std::mem::take(&mut self.binned[usize::from(bin)]);
        self.left = (self.left.0 + weight, self.left.1 + sum);
    }

    #[inline]
    fn gain(&self) -> f64 {
        let (n, sum) = self.left;
        sum * sum * (1.0 / n + 1.0 / (self.n - n))
    }

    fn leaf(&self, shares: &mut Vec<(u32, f32)>) {
        shares.push((0, self.mean as f32));
    }
}
