//! Growing one tree.

use stetho_core::Random;

use super::bins::{Bins, Column, MOST};
use super::tally::Tally;

/// Up to this many rows are sorted by bin; more are counted by bin.
const SORTED: usize = 24;

/// A row of the training set, with how often it was drawn.
#[derive(Clone, Copy)]
pub(super) struct Item<T> {
    pub row: u32,
    pub weight: u32,
    pub target: T,
}

/// How far a tree may grow.
#[derive(Clone, Copy)]
pub(super) struct Limits {
    pub depth: usize,
    /// Columns that are looked at for a cut; more only while none can be cut.
    pub columns: usize,
}

/// A cut, or a leaf.
#[derive(Clone, Copy)]
struct Node {
    /// [`LEAF`], or the column that is cut.
    column: u32,
    /// What is at most this goes to the left.
    threshold: f32,
    /// The node to the left, before that to the right; or the index of the leaf.
    next: u32,
}

const LEAF: u32 = u32::MAX;

/// A decision tree (Breiman, Friedman, Olshen & Stone 1984).
pub(super) struct Tree {
    nodes: Vec<Node>,
    /// Where the outputs of each leaf begin in `shares`, and where the last ends.
    bounds: Vec<u32>,
    shares: Vec<(u32, f32)>,
}

impl Tree {
    /// Outputs of the leaf that a row falls into; those left out are 0.
    #[inline]
    pub(super) fn leaf(&self, row: &[f32]) -> &[(u32, f32)] {
        let mut node = self.nodes[0];
        while node.column != LEAF {
            let is_right = row[node.column as usize] > node.threshold || row[node.column as usize].is_nan();
            node = self.nodes[node.next as usize + usize::from(is_right)];
        }
        let at = node.next as usize;
        &self.shares[self.bounds[at] as usize..self.bounds[at + 1] as usize]
    }

    fn end(&mut self, at: usize, tally: &impl Tally) {
        self.nodes[at].next = self.bounds.len() as u32 - 1;
        tally.leaf(&mut self.shares);
        self.bounds.push(self.shares.len() as u32);
    }
}

/// Where to cut a node.
#[derive(Clone, Copy)]
struct Cut {
    gain: f64,
    column: usize,
    /// The last bin to the left, and the first to the right.
    bins: (u8, u8),
}

/// Cuts until nothing is left to cut, or as far as the limits go.
pub(super) fn grow<T: Tally>(
    bins: &Bins,
    mut items: Vec<Item<T::Target>>,
    tally: &mut T,
    limits: Limits,
    random: &mut Random,
) -> Tree {
    let empty = Node { column: LEAF, threshold: 0.0, next: 0 };
    let mut tree = Tree { nodes: vec![empty], bounds: vec![0], shares: Vec::new() };
    let mut left = vec![(0..items.len(), 0, limits.depth, 0)];
    let mut search = Search::new(bins, limits.columns);
    while let Some((rows, at, depth, n_constant)) = left.pop() {
        let own = &mut items[rows.clone()];
        search.n_constant = n_constant;
        let cut = if tally.begin(own) && depth > 0 { search.best(own, tally, random) } else { None };
        let Some(cut) = cut else {
            tree.end(at, tally);
            continue;
        };
        let column = bins.column(cut.column, own.len());
        let middle = rows.start + partition(own, |item| column.at(item.row) <= cut.bins.0);
        let next = tree.nodes.len();
        tree.nodes[at] = Node {
            column: cut.column as u32,
            threshold: bins.threshold(cut.column, cut.bins.0, cut.bins.1),
            next: next as u32,
        };
        tree.nodes.extend([empty, empty]);
        left.push((middle..rows.end, next + 1, depth - 1, search.n_constant));
        left.push((rows.start..middle, next, depth - 1, search.n_constant));
    }
    tree
}

/// Puts items for which it holds before the others; how many there are.
fn partition<T>(items: &mut [T], holds: impl Fn(&T) -> bool) -> usize {
    let mut n = 0;
    for i in 0..items.len() {
        if holds(&items[i]) {
            items.swap(n, i);
            n += 1;
        }
    }
    n
}

/// Looks for the best cut, with what it needs to remember.
struct Search<'a> {
    bins: &'a Bins,
    /// Columns that are drawn a node.
    n_drawn: usize,
    /// All columns. The first are the same in all rows of the node, and so in all nodes below.
    columns: Vec<usize>,
    n_constant: usize,
    is_used: [bool; MOST],
    used: Vec<u8>,
    keys: Vec<u32>,
}

impl<'a> Search<'a> {
    fn new(bins: &'a Bins, n_drawn: usize) -> Self {
        Self {
            bins,
            n_drawn,
            columns: (0..bins.n_columns()).collect(),
            n_constant: 0,
            is_used: [false; MOST],
            used: Vec::new(),
            keys: Vec::new(),
        }
    }

    /// The best cut among columns drawn at random, without those that are known to be constant, though they are drawn as well.
    fn best<T: Tally>(
        &mut self,
        items: &[Item<T::Target>],
        tally: &mut T,
        random: &mut Random,
    ) -> Option<Cut> {
        let mut best: Option<Cut> = None;
        let (mut undrawn_constant, mut next, mut n_drawn) = (self.n_constant, self.n_constant, 0);
        while next < self.columns.len() && (n_drawn < self.n_drawn || best.is_none()) {
            n_drawn += 1;
            let drawn = random.below(undrawn_constant + self.columns.len() - next);
            let Some(drawn) = drawn.checked_sub(undrawn_constant) else {
                undrawn_constant -= 1;
                continue;
            };
            self.columns.swap(next, next + drawn);
            let column = self.columns[next];
            let codes = self.bins.column(column, items.len());
            let consider = |gain: f64, bins: (u8, u8)| {
                if best.is_none_or(|b| gain > b.gain) {
                    best = Some(Cut { gain, column, bins });
                }
            };
            let differs = if items.len() <= SORTED {
                self.by_row(codes, items, tally, consider)
            } else {
                self.by_bin(codes, items, tally, consider)
            };
            if !differs {
                self.columns.swap(next, self.n_constant);
                self.n_constant += 1;
            }
            next += 1;
        }
        best
    }

    /// Considers each cut of one column; whether there is any.
    fn by_row<T: Tally>(
        &mut self,
        codes: Column<'_>,
        items: &[Item<T::Target>],
        tally: &mut T,
        mut consider: impl FnMut(f64, (u8, u8)),
    ) -> bool {
        self.keys.clear();
        let key = |(i, item): (usize, &Item<T::Target>)| u32::from(codes.at(item.row)) << 16 | i as u32;
        self.keys.extend(items.iter().enumerate().map(key));
        self.keys.sort_unstable();
        let bin = |key: u32| (key >> 16) as u8;
        if self.keys.first().map(|key| bin(*key)) == self.keys.last().map(|key| bin(*key)) {
            return false;
        }
        tally.restart();
        for pair in self.keys.windows(2) {
            tally.take((pair[0] & 0xffff) as usize);
            if bin(pair[0]) != bin(pair[1]) {
                consider(tally.gain(), (bin(pair[0]), bin(pair[1])));
            }
        }
        true
    }

    /// The same, for many rows.
    fn by_bin<T: Tally>(
        &mut self,
        codes: Column<'_>,
        items: &[Item<T::Target>],
        tally: &mut T,
        mut consider: impl FnMut(f64, (u8, u8)),
    ) -> bool {
        for (i, item) in items.iter().enumerate() {
            let bin = codes.at(item.row);
            tally.put(bin, i);
            self.is_used[usize::from(bin)] = true;
        }
        self.used.clear();
        for (bin, is_used) in self.is_used.iter_mut().enumerate().filter(|(_, is_used)| **is_used) {
            *is_used = false;
            self.used.push(bin as u8);
        }
        tally.restart();
        for pair in self.used.windows(2) {
            tally.take_bin(pair[0]);
            consider(tally.gain(), (pair[0], pair[1]));
        }
        self.used.last().into_iter().for_each(|bin| tally.take_bin(*bin));
        self.used.len() > 1
    }
}

#[cfg(test)]
mod tests {
    use super::super::tally::{Classes, Numbers};
    use super::*;
    use crate::Matrix;

    fn squared_error(numbers: &[f64]) -> f64 {
        let mean = numbers.iter().sum::<f64>() / numbers.len().max(1) as f64;
        numbers.iter().map(|y| (y - mean).powi(2)).sum()
    }

    /// The impurity that a cut leaves; targets of classes are 0 or 1, where Gini's is twice the variance.
    fn left_over(rows: &Matrix, targets: &[(u32, f64)], column: usize, threshold: f32) -> f64 {
        let side = |is_left: bool| {
            let own = (0..rows.n_rows()).filter(|i| (rows.row(*i)[column] <= threshold) == is_left);
            own.flat_map(|i| vec![targets[i].1; targets[i].0 as usize]).collect::<Vec<f64>>()
        };
        squared_error(&side(true)) + squared_error(&side(false))
    }

    #[test]
    fn the_first_cut_is_the_best_there_is() {
        let mut random = Random::new(8);
        for n in [6, SORTED, 300] {
            let values = (0..3 * n).map(|_| random.below(40) as f32).collect();
            let rows = Matrix::new(3, values);
            let targets: Vec<(u32, f64)> =
                (0..n).map(|_| (1 + random.below(3) as u32, random.below(2) as f64)).collect();
            let best = (0..3)
                .flat_map(|column| rows.rows().map(move |row| (column, row[column])))
                .map(|(column, value)| left_over(&rows, &targets, column, value))
                .fold(f64::MAX, f64::min);
            let limits = Limits { depth: 1, columns: 3 };
            let bins = Bins::of(&rows);
            let item = |i: usize| Item { row: i as u32, weight: targets[i].0, target: targets[i].1 };
            let numbers =
                grow(&bins, (0..n).map(item).collect(), &mut Numbers::default(), limits, &mut random);
            let item = |i: usize| Item { row: i as u32, weight: targets[i].0, target: targets[i].1 as u32 };
            let classes = grow(&bins, (0..n).map(item).collect(), &mut Classes::new(2), limits, &mut random);
            for tree in [numbers, classes] {
                let cut = tree.nodes[0];
                let own = left_over(&rows, &targets, cut.column as usize, cut.threshold);
                assert!((own - best).abs() < 1e-9, "{n} rows: {own} is left, {best} could be");
            }
        }
    }
}
