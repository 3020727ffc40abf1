//! A small, fast classifier that tells two sets of rows apart.

use super::random::Random;
use super::statistics::{Scored, auc};

const N_FOLDS: usize = 3;
const N_TREES: usize = 40;
const LEARNING_RATE: f64 = 0.3;
/// Ridge on the weight of a leaf, in units of the second derivative.
const RIDGE: f64 = 1.0;

/// A column as cells; 0 is null.
pub(super) struct Feature {
    /// Cell of each row.
    pub cells: Vec<u8>,
    /// How many cells there are.
    pub n_cells: usize,
    /// Whether cells are names, to be split one against the rest, rather than in ascending order.
    pub named: bool,
}

/// Area under the ROC curve with which gradient-boosted trees of two levels (Friedman 2001, second-order leaves as in
/// Chen & Guestrin 2016) tell positive from negative rows that they were not fitted on, in three stratified folds.
pub(super) fn separability(features: &[Feature], positive: &[bool]) -> f64 {
    let mut random = Random::new(0);
    let mut order: Vec<usize> = (0..positive.len()).collect();
    random.shuffle(&mut order);
    order.sort_by_key(|&row| positive[row]);
    let mut folds = vec![0; positive.len()];
    order.iter().enumerate().for_each(|(turn, &row)| folds[row] = turn % N_FOLDS);
    let mut scored = Vec::with_capacity(positive.len());
    for fold in 0..N_FOLDS {
        let train: Vec<usize> = (0..folds.len()).filter(|&row| folds[row] != fold).collect();
        let trees = boost(features, positive, &train);
        for row in (0..folds.len()).filter(|&row| folds[row] == fold) {
            let score = trees.iter().map(|tree| tree.at(features, row)).sum();
            let is_positive = f64::from(u8::from(positive[row]));
            scored.push(Scored { score, positives: is_positive, negatives: 1.0 - is_positive });
        }
    }
    auc(&mut scored)
}

/// A question on one column.
#[derive(Clone, Copy)]
struct Split {
    feature: usize,
    cell: u8,
    gain: f64,
}

impl Split {
    fn goes_left(self, features: &[Feature], row: usize) -> bool {
        let feature = &features[self.feature];
        if feature.named { feature.cells[row] == self.cell } else { feature.cells[row] <= self.cell }
    }
}

/// A tree of at most two levels.
enum Tree {
    Leaf(f64),
    Node(Split, Box<[Tree; 2]>),
}

impl Tree {
    fn at(&self, features: &[Feature], row: usize) -> f64 {
        match self {
            Self::Leaf(weight) => *weight,
            Self::Node(split, below) => below[usize::from(!split.goes_left(features, row))].at(features, row),
        }
    }
}

/// First and second derivative of the logistic loss, summed.
#[derive(Clone, Copy, Default)]
struct Slope {
    gradient: f64,
    curvature: f64,
}

impl Slope {
    fn add(&mut self, other: Self) {
        self.gradient += other.gradient;
        self.curvature += other.curvature;
    }

    fn less(self, other: Self) -> Self {
        Self { gradient: self.gradient - other.gradient, curvature: self.curvature - other.curvature }
    }

    fn gain(self) -> f64 {
        self.gradient * self.gradient / (self.curvature + RIDGE)
    }
}

fn boost(features: &[Feature], positive: &[bool], train: &[usize]) -> Vec<Tree> {
    let mut scores = vec![0.0_f64; positive.len()];
    let mut slopes = vec![Slope::default(); positive.len()];
    let mut trees = Vec::with_capacity(N_TREES);
    for _ in 0..N_TREES {
        for &row in train {
            let chance = 1.0 / (1.0 + (-scores[row]).exp());
            let label = f64::from(u8::from(positive[row]));
            slopes[row] = Slope { gradient: label - chance, curvature: chance * (1.0 - chance) };
        }
        let tree = grow(features, &slopes, train, 2);
        if matches!(tree, Tree::Leaf(_)) {
            // Nothing tells; the training share alone would rank one fold above another.
            break;
        }
        train.iter().for_each(|&row| scores[row] += tree.at(features, row));
        trees.push(tree);
    }
    trees
}

fn grow(features: &[Feature], slopes: &[Slope], rows: &[usize], levels: usize) -> Tree {
    let mut total = Slope::default();
    rows.iter().for_each(|&row| total.add(slopes[row]));
    let leaf = || Tree::Leaf(LEARNING_RATE * total.gradient / (total.curvature + RIDGE));
    if levels == 0 {
        return leaf();
    }
    let Some(split) = best_split(features, slopes, rows, total) else { return leaf() };
    let (left, right): (Vec<usize>, Vec<usize>) =
        rows.iter().copied().partition(|&row| split.goes_left(features, row));
    Tree::Node(
        split,
        Box::new([grow(features, slopes, &left, levels - 1), grow(features, slopes, &right, levels - 1)]),
    )
}

fn best_split(features: &[Feature], slopes: &[Slope], rows: &[usize], total: Slope) -> Option<Split> {
    let mut best: Option<Split> = None;
    let mut cells: Vec<Slope> = Vec::new();
    for (index, feature) in features.iter().enumerate() {
        cells.clear();
        cells.resize(feature.n_cells, Slope::default());
        for &row in rows {
            cells[feature.cells[row] as usize].add(slopes[row]);
        }
        let mut left = Slope::default();
        for (cell, slope) in cells.iter().enumerate() {
            if feature.named {
                left = *slope;
            } else {
                left.add(*slope);
            }
            let right = total.less(left);
            // A side of fewer than about four undecided rows is chance.
            if left.curvature < 1.0 || right.curvature < 1.0 {
                continue;
            }
            let gain = left.gain() + right.gain() - total.gain();
            if gain > best.map_or(1e-9, |b| b.gain) {
                best = Some(Split { feature: index, cell: cell as u8, gain });
            }
        }
    }
    best
}

#[cfg(test)]
mod tests {
    use super::*;

    fn feature(cells: Vec<u8>, named: bool) -> Feature {
        Feature { cells, n_cells: 16, named }
    }

    #[test]
    fn tells_apart_what_differs_only() {
        let mut random = Random::new(3);
        let positive: Vec<bool> = (0..600).map(|i| i % 2 == 0).collect();
        let noise = |random: &mut Random| (0..600).map(|_| random.below(16) as u8).collect::<Vec<u8>>();
        let (a, b) = (noise(&mut random), noise(&mut random));
        let same = separability(&[feature(a.clone(), false), feature(b, true)], &positive);
        assert!((same - 0.5).abs() < 0.08, "{same}");
        let shifted: Vec<u8> =
            positive.iter().map(|p| (random.below(10) + if *p { 4 } else { 0 }) as u8).collect();
        let apart = separability(&[feature(a.clone(), false), feature(shifted, false)], &positive);
        // By hand: P(u + 4 > v) + ½ P(u + 4 = v) for u, v uniform on 0..10 is 0.82.
        assert!((apart - 0.82).abs() < 0.06, "{apart}");
        let named: Vec<u8> = positive.iter().map(|p| if *p { 5 } else { [3, 8][random.below(2)] }).collect();
        assert!(separability(&[feature(a, false), feature(named, true)], &positive) > 0.999);
    }

    #[test]
    fn nothing_to_look_at_is_no_difference() {
        assert!((separability(&[], &[true, false, true, false]) - 0.5).abs() < 1e-12);
        assert!((separability(&[], &[]) - 0.5).abs() < 1e-12);
        let constant = feature(vec![1; 60], false);
        let positive: Vec<bool> = (0..60).map(|i| i % 3 == 0).collect();
        assert!((separability(&[constant], &positive) - 0.5).abs() < 0.05);
    }
}
