//! Shift of columns between the training part and a split.

use std::collections::HashMap;

use rayon::prelude::*;
use stetho_core::table::{ColumnDrift, Drift, Measured, Part, Target, Task};

use super::bins::Ordered;
use super::classifier::{Feature, separability};
use super::labels::Labels;
use super::random::Random;
use super::statistics::{moments, quantile};
use crate::{Sample, SampleColumn};

const MIN_ROWS: usize = 10;
const N_PERMUTATIONS: usize = 100;
/// Rows a side that are permuted at most; with more than 500 columns fewer, but 100 at least.
const MAX_PERMUTED: usize = 2000;
/// Rows times columns that are permuted at most.
const MAX_PERMUTED_CELLS: usize = 1_000_000;
/// Rows a side that the classifier sees at most, and cells.
const MAX_CLASSIFIED: usize = 4000;
const MAX_CLASSIFIED_CELLS: usize = 2_000_000;
/// Bins of a number column, for the classifier.
const N_BINS: usize = 32;
/// Names of a category column that the classifier knows; all others are one.
const N_NAMES: usize = 30;
/// With more names than this the distance by chance does not fall with the root of the sizes.
const FEW_NAMES: usize = 100;
/// Standardised values are cut here, so that no distance overflows.
const FARTHEST: f64 = 1e12;

/// Distances of all feature columns and of the target between `train` and `split`, each with what chance alone gives
/// (100 permutations of both sides' pooled values; of a part of them where there are many, scaled by the root of the
/// sizes), and how well a classifier tells the two apart.
///
/// Nulls are left out of distances. A column without values on either side, or with numbers on one side and texts on
/// the other, is left out. Columns of which `left_out` holds (those that count rows or tell the time differ between
/// any two parts) are not shown to the classifier.
pub(crate) fn drift(
    train: &Sample,
    split: &Sample,
    part: Part,
    target: Option<&Target>,
    left_out: &[bool],
) -> Measured<Drift> {
    for (sample, name) in [(train, "train"), (split, part.name())] {
        if sample.rows.len() < MIN_ROWS {
            return Measured::Not(format!("fewer than {MIN_ROWS} rows in the {name} part"));
        }
    }
    let pairs = || train.columns.iter().zip(&split.columns).enumerate();
    let n_columns = train.columns.len().max(1);
    let n_permuted = (MAX_PERMUTED_CELLS / n_columns).clamp(100, MAX_PERMUTED);
    let features: Vec<_> = pairs().filter(|(i, _)| target.is_none_or(|t| t.column != *i)).collect();
    let (mut columns, classifier_auc): (Vec<ColumnDrift>, f64) = rayon::join(
        || {
            let shift = |(column, (a, b)): &(usize, (&SampleColumn, &SampleColumn))| {
                let (distance, by_chance) = shift(a, b, n_permuted)?;
                Some(ColumnDrift { column: *column, distance, by_chance })
            };
            features.par_iter().filter_map(shift).collect()
        },
        || {
            let shown = features.iter().filter(|(i, _)| !left_out.get(*i).copied().unwrap_or(false));
            told_apart(&shown.map(|(_, pair)| *pair).collect::<Vec<_>>(), train.rows.len(), split.rows.len())
        },
    );
    columns.sort_by(|a, b| b.distance.total_cmp(&a.distance).then(a.column.cmp(&b.column)));
    let target = target.and_then(|target| {
        let (_, (a, b)) = pairs().find(|(i, _)| *i == target.column)?;
        let (distance, by_chance) = match target.task {
            Task::Regression => shift(a, b, n_permuted)?,
            Task::Classification => {
                let (a, b) = classes(a, b, target);
                Codes::new(a, b)?.shift(total_variation, n_permuted)
            }
        };
        Some(ColumnDrift { column: target.column, distance, by_chance })
    });
    Measured::Is(Drift { part, columns, target, classifier_auc })
}

/// Distance of two columns, and by chance. `None` where they cannot be compared.
fn shift(a: &SampleColumn, b: &SampleColumn, n_permuted: usize) -> Option<(f64, f64)> {
    match (a, b) {
        (SampleColumn::Numbers(a), SampleColumn::Numbers(b)) => Numbers::new(a, b)?.shift(n_permuted),
        (SampleColumn::Categories { .. }, SampleColumn::Categories { .. }) => {
            let (a, b) = common_codes(a, b);
            Some(Codes::new(a, b)?.shift(jensen_shannon, n_permuted))
        }
        _ => None,
    }
}

type Coded = Vec<Option<u32>>;

/// Codes of both columns' texts in one list of names.
fn common_codes(a: &SampleColumn, b: &SampleColumn) -> (Coded, Coded) {
    let mut index = HashMap::new();
    let first = codes_in(&mut index, a);
    (first, codes_in(&mut index, b))
}

fn codes_in<'a>(index: &mut HashMap<&'a str, u32>, column: &'a SampleColumn) -> Coded {
    let SampleColumn::Categories { codes, names } = column else { return Vec::new() };
    let mut code = |name: &'a String| {
        let next = index.len() as u32;
        *index.entry(name.as_str()).or_insert(next)
    };
    let new: Vec<u32> = names.iter().map(&mut code).collect();
    codes.iter().map(|c| new.get(c.as_ref().copied()? as usize).copied()).collect()
}

/// Codes of both sides' classes, unknown ones included.
fn classes(a: &SampleColumn, b: &SampleColumn, target: &Target) -> (Coded, Coded) {
    match (a, b) {
        (SampleColumn::Numbers(x), SampleColumn::Numbers(y)) => {
            let both = SampleColumn::Numbers([x.as_slice(), y.as_slice()].concat());
            let mut codes = Labels::of(&both, target).codes;
            let rest = codes.split_off(x.len());
            (codes, rest)
        }
        _ => common_codes(a, b),
    }
}

/// What chance gives for the whole, from what it gives for a part.
fn scale(whole: (usize, usize), part: (usize, usize)) -> f64 {
    let spread = |(a, b): (usize, usize)| 1.0 / a as f64 + 1.0 / b as f64;
    (spread(whole) / spread(part)).sqrt()
}

/// The 99th percentile of what `distance` gives when sides are drawn at random: it is called with the side of each
/// of the pooled values, `true` for the first.
fn by_chance((a, b): (usize, usize), mut distance: impl FnMut(&[bool]) -> f64) -> f64 {
    let mut random = Random::new(0);
    let mut sides: Vec<bool> = (0..a + b).map(|i| i < a).collect();
    let mut distances: Vec<f64> = (0..N_PERMUTATIONS)
        .map(|_| {
            random.shuffle(&mut sides);
            distance(&sides)
        })
        .collect();
    distances.sort_by(f64::total_cmp);
    quantile(&distances, 0.99)
}

/// Present numbers of both sides, over the training standard deviation.
struct Numbers {
    a: Vec<f64>,
    b: Vec<f64>,
}

impl Numbers {
    fn new(a: &[f64], b: &[f64]) -> Option<Self> {
        let present = |v: &[f64]| v.iter().copied().filter(|v| !v.is_nan()).collect::<Vec<f64>>();
        let (mut a, mut b) = (present(a), present(b));
        if a.is_empty() || b.is_empty() {
            return None;
        }
        let largest = a.iter().chain(&b).fold(0.0_f64, |m, v| m.max(v.abs())).max(f64::MIN_POSITIVE);
        a.iter_mut().chain(&mut b).for_each(|v| *v /= largest);
        let (_, mean, mut std) = moments(&a);
        if std <= 0.0 {
            // A constant that changed: in units of what both sides together vary.
            std = moments(&[a.as_slice(), b.as_slice()].concat()).2;
        }
        let std = if std > 0.0 { std } else { 1.0 };
        a.iter_mut().chain(&mut b).for_each(|v| *v = ((*v - mean) / std).clamp(-FARTHEST, FARTHEST));
        Some(Self { a, b })
    }

    fn shift(&self, n_permuted: usize) -> Option<(f64, f64)> {
        let distance = wasserstein(&self.a, &self.b);
        let mut random = Random::new(1);
        let mut part = |values: &[f64]| -> Vec<f64> {
            random.choose(values.len(), n_permuted).into_iter().map(|i| values[i]).collect()
        };
        let (a, b) = (part(&self.a), part(&self.b));
        let sizes = (a.len(), b.len());
        let mut pooled = [a, b].concat();
        pooled.sort_by(f64::total_cmp);
        let gaps: Vec<f64> = pooled.windows(2).map(|w| w[1] - w[0]).collect();
        let chance = by_chance(sizes, |sides| area(&gaps, sides, sizes));
        Some((distance, chance * scale((self.a.len(), self.b.len()), sizes)))
    }
}

/// Wasserstein-1 distance of two sets of numbers: the area between their distribution functions.
fn wasserstein(a: &[f64], b: &[f64]) -> f64 {
    let mut pooled: Vec<(f64, bool)> =
        a.iter().map(|v| (*v, true)).chain(b.iter().map(|v| (*v, false))).collect();
    pooled.sort_by(|x, y| x.0.total_cmp(&y.0));
    let gaps: Vec<f64> = pooled.windows(2).map(|w| w[1].0 - w[0].0).collect();
    let sides: Vec<bool> = pooled.iter().map(|p| p.1).collect();
    area(&gaps, &sides, (a.len(), b.len()))
}

/// Area between the distribution functions of ascending values with these gaps, of sides with these sizes.
fn area(gaps: &[f64], sides: &[bool], (n_a, n_b): (usize, usize)) -> f64 {
    let steps = [-1.0 / n_b as f64, 1.0 / n_a as f64];
    let mut difference = 0.0_f64;
    let mut area = 0.0;
    for (gap, side) in gaps.iter().zip(sides) {
        difference += steps[usize::from(*side)];
        area += difference.abs() * gap;
    }
    area
}

/// Present categories of both sides, in common codes.
struct Codes {
    a: Vec<u32>,
    b: Vec<u32>,
    width: usize,
}

impl Codes {
    fn new(a: Vec<Option<u32>>, b: Vec<Option<u32>>) -> Option<Self> {
        let (a, b): (Vec<u32>, Vec<u32>) =
            (a.into_iter().flatten().collect(), b.into_iter().flatten().collect());
        if a.is_empty() || b.is_empty() {
            return None;
        }
        let width = a.iter().chain(&b).max().map_or(0, |c| *c as usize + 1);
        Some(Self { a, b, width })
    }

    fn shift(&self, distance: fn(&[[f64; 2]], f64, f64) -> f64, n_permuted: usize) -> (f64, f64) {
        let of = |a: &[u32], b: &[u32]| {
            let mut counts = vec![[0.0; 2]; self.width];
            a.iter().for_each(|c| counts[*c as usize][0] += 1.0);
            b.iter().for_each(|c| counts[*c as usize][1] += 1.0);
            distance(&counts, a.len() as f64, b.len() as f64)
        };
        let mut random = Random::new(1);
        let mut part = |codes: &[u32]| -> Vec<u32> {
            random.choose(codes.len(), n_permuted).into_iter().map(|i| codes[i]).collect()
        };
        let (a, b) = (part(&self.a), part(&self.b));
        let sizes = (a.len(), b.len());
        let pooled = [a, b].concat();
        let mut counts = vec![[0.0; 2]; self.width];
        let chance = by_chance(sizes, |sides| {
            counts.fill([0.0; 2]);
            for (code, side) in pooled.iter().zip(sides) {
                counts[*code as usize][usize::from(!side)] += 1.0;
            }
            distance(&counts, sizes.0 as f64, sizes.1 as f64)
        });
        let scale = if self.width <= FEW_NAMES { scale((self.a.len(), self.b.len()), sizes) } else { 1.0 };
        (of(&self.a, &self.b), chance * scale)
    }
}

/// Square root of the Jensen–Shannon divergence with base 2 (Endres & Schindelin 2003).
fn jensen_shannon(counts: &[[f64; 2]], n_a: f64, n_b: f64) -> f64 {
    let towards = |p: f64, middle: f64| if p > 0.0 { p * (p / middle).log2() } else { 0.0 };
    let divergence: f64 = counts
        .iter()
        .map(|[a, b]| {
            let (p, q) = (a / n_a, b / n_b);
            let middle = p.midpoint(q);
            towards(p, middle) + towards(q, middle)
        })
        .sum();
    (divergence / 2.0).clamp(0.0, 1.0).sqrt()
}

/// Half the sum of absolute differences of shares.
fn total_variation(counts: &[[f64; 2]], n_a: f64, n_b: f64) -> f64 {
    counts.iter().map(|[a, b]| (a / n_a - b / n_b).abs()).sum::<f64>() / 2.0
}

/// How well a classifier tells rows of the two parts apart; both give it as many rows.
fn told_apart(columns: &[(&SampleColumn, &SampleColumn)], n_train: usize, n_split: usize) -> f64 {
    let n = n_train
        .min(n_split)
        .min(MAX_CLASSIFIED)
        .min((MAX_CLASSIFIED_CELLS / columns.len().max(1)).max(MIN_ROWS));
    let mut random = Random::new(2);
    let (a, b) = (random.choose(n_train, n), random.choose(n_split, n));
    let features: Vec<Feature> =
        columns.par_iter().filter_map(|(train, split)| feature(train, split, &a, &b)).collect();
    let positive: Vec<bool> = (0..2 * n).map(|i| i >= n).collect();
    separability(&features, &positive)
}

fn feature(train: &SampleColumn, split: &SampleColumn, a: &[usize], b: &[usize]) -> Option<Feature> {
    match (train, split) {
        (SampleColumn::Numbers(x), SampleColumn::Numbers(y)) => {
            let values: Vec<f64> = a.iter().map(|&i| x[i]).chain(b.iter().map(|&i| y[i])).collect();
            let (cells, n_cells) = Ordered::of(&values).cells(N_BINS, |_| true);
            let cells = cells.into_iter().map(|c| c.min(255) as u8).collect();
            Some(Feature { cells, n_cells: n_cells.min(256), named: false })
        }
        (SampleColumn::Categories { .. }, SampleColumn::Categories { .. }) => {
            let (x, y) = common_codes(train, split);
            let codes: Vec<Option<u32>> = a.iter().map(|&i| x[i]).chain(b.iter().map(|&i| y[i])).collect();
            Some(Feature { cells: frequent_names(&codes), n_cells: N_NAMES + 2, named: true })
        }
        _ => None,
    }
}

/// 0 for null, 1 … for the most frequent names, and one cell for all others.
fn frequent_names(codes: &[Option<u32>]) -> Vec<u8> {
    let width = codes.iter().flatten().max().map_or(0, |c| *c as usize + 1);
    let mut counts = vec![0_u32; width];
    codes.iter().flatten().for_each(|c| counts[*c as usize] += 1);
    let mut order: Vec<usize> = (0..width).collect();
    order.sort_by_key(|&c| (std::cmp::Reverse(counts[c]), c));
    let mut cells = vec![N_NAMES as u8 + 1; width];
    order.iter().take(N_NAMES).enumerate().for_each(|(rank, &code)| cells[code] = rank as u8 + 1);
    codes.iter().map(|c| c.map_or(0, |c| cells[c as usize])).collect()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::fixtures::{classes as class_target, normals, numbers, regression, sample, texts};
    use super::*;

    fn measured(a: Vec<SampleColumn>, b: Vec<SampleColumn>, target: Option<&Target>) -> Drift {
        match drift(&sample(a), &sample(b), Part::Test, target, &[]) {
            Measured::Is(found) => found,
            Measured::Not(reason) => panic!("{reason}"),
        }
    }

    fn letters(n: usize, of: &str) -> SampleColumn {
        texts(of.chars().cycle().take(n).map(String::from))
    }

    #[test]
    fn shifted_columns_exceed_chance_and_others_do_not() {
        let found = measured(
            vec![
                numbers(normals(600, 1)),
                numbers(normals(600, 2)),
                letters(600, "aab"),
                letters(600, "ab"),
                letters(600, "yn"),
            ],
            vec![
                numbers(normals(300, 3)),
                numbers(normals(300, 4).iter().map(|v| v + 1.0)),
                letters(300, "abb"),
                letters(300, "ba"),
                letters(300, "yyyn"),
            ],
            Some(&class_target(4, &["y", "n"])),
        );
        let of = |column| found.columns.iter().find(|c| c.column == column).unwrap();
        assert!((of(1).distance - 1.0).abs() < 0.15 && of(1).by_chance < 0.3, "{found:?}");
        assert!(of(2).distance > of(2).by_chance && of(0).distance < of(0).by_chance, "{found:?}");
        assert!(of(3).distance < 1e-9);
        let target = found.target.as_ref().unwrap();
        assert!((target.distance - 0.25).abs() < 1e-12 && target.by_chance < 0.15 && target.column == 4);
        assert!(found.classifier_auc > 0.72 && found.classifier_auc < 0.95, "{}", found.classifier_auc);
        assert_eq!(found.columns.len(), 4);
        assert_eq!(found.columns[0].column, 1);
    }

    #[test]
    fn one_distribution_is_not_told_apart() {
        let side = |seed: u64, n: usize| {
            let columns = (0..6).map(|i| numbers(normals(n, 100 * seed + i)));
            columns.chain([numbers(normals(n, seed + 50))]).collect::<Vec<_>>()
        };
        let found = measured(side(1, 5000), side(2, 400), Some(&regression(6)));
        assert!((found.classifier_auc - 0.5).abs() < 0.07, "{}", found.classifier_auc);
        assert!(found.columns.iter().filter(|c| c.distance > c.by_chance).count() <= 1, "{found:?}");
        // The distance of normals by chance: about 2.5 · √(1/n + 1/m) at the 99th percentile.
        let size = (1.0 / 5000.0 + 1.0 / 400.0_f64).sqrt();
        assert!(found.columns.iter().all(|c| (2.0..3.2).contains(&(c.by_chance / size))), "{found:?}");
    }

    #[test]
    fn row_counters_are_not_shown_to_the_classifier() {
        let (a, b) = (numbers((0..200).map(f64::from)), numbers((200..300).map(f64::from)));
        let (a, b) = (sample(vec![a, numbers(normals(200, 1))]), sample(vec![b, numbers(normals(100, 2))]));
        let of =
            |left_out: &[bool]| drift(&a, &b, Part::Test, None, left_out).get().map(|d| d.classifier_auc);
        assert!(of(&[false, false]).unwrap() > 0.99);
        assert!(of(&[true, false]).unwrap() < 0.65);
    }

    #[test]
    fn ids_differ_as_much_as_by_chance() {
        let found = measured(
            vec![texts((0..500).map(|i| i.to_string()))],
            vec![texts((500..900).map(|i| i.to_string()))],
            None,
        );
        assert!((found.columns[0].distance - 1.0).abs() < 1e-9);
        assert!((found.columns[0].by_chance - 1.0).abs() < 1e-9);
        assert!((found.classifier_auc - 0.5).abs() < 0.2, "{}", found.classifier_auc);
    }

    #[test]
    fn edges() {
        let n = || numbers(normals(50, 1));
        let found = measured(
            vec![
                n(),
                numbers([f64::NAN; 50]),
                numbers([1.0; 50]),
                numbers([1.0; 50]),
                n(),
                numbers([1e-300; 50]),
            ],
            vec![
                SampleColumn::Absent,
                n(),
                numbers([1.0; 50]),
                numbers([2.0; 50]),
                letters(50, "ab"),
                numbers([f64::MAX; 50]),
            ],
            None,
        );
        let columns: Vec<usize> = found.columns.iter().map(|c| c.column).collect();
        assert_eq!(columns, [3, 5, 2]);
        assert!(found.columns.iter().all(|c| c.distance.is_finite() && c.by_chance.is_finite()));
        assert!(found.columns[2].distance <= 0.0);
        let few = drift(&sample(vec![n()]), &sample(vec![numbers([1.0])]), Part::Validation, None, &[]);
        assert_eq!(few.reason(), Some("fewer than 10 rows in the validation part"));
        let wide = |seed: u64| (0..10_000).map(|i| numbers(normals(12, i + seed))).collect();
        assert_eq!(measured(wide(0), wide(77), None).columns.len(), 10_000);
    }

    #[test]
    fn jensen_shannon_of_known_shares() {
        assert!((jensen_shannon(&[[5.0, 0.0], [0.0, 9.0]], 5.0, 9.0) - 1.0).abs() < 1e-12);
        assert!(jensen_shannon(&[[5.0, 10.0], [1.0, 2.0]], 6.0, 12.0) < 1e-6);
        // H(3/4) − ½ H(1/2) with base 2.
        let entropy = -(0.75 * 0.75_f64.log2() + 0.25 * 0.25_f64.log2());
        let expected = (entropy - 0.5).sqrt();
        assert!((jensen_shannon(&[[4.0, 5.0], [0.0, 5.0]], 4.0, 10.0) - expected).abs() < 1e-12);
    }

    proptest! {
        /// Between sets of one size, the distance is the mean difference of the sorted values.
        #[test]
        fn wasserstein_of_equal_sizes(pairs in prop::collection::vec((-9.0..9.0_f64, 0..5_i32), 1..40)) {
            let (mut a, mut b): (Vec<f64>, Vec<f64>) = pairs.iter().map(|(x, y)| (*x, f64::from(*y))).unzip();
            let found = wasserstein(&a, &b);
            a.sort_by(f64::total_cmp);
            b.sort_by(f64::total_cmp);
            let expected = a.iter().zip(&b).map(|(x, y)| (x - y).abs()).sum::<f64>() / a.len() as f64;
            prop_assert!((found - expected).abs() < 1e-9);
        }
    }
}
