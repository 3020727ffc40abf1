//! Random forests (Breiman 2001) over binned columns, and single trees.

mod bins;
mod grow;
mod tally;

use rayon::prelude::*;
use stetho_core::Random;

use self::bins::Bins;
use self::grow::{Item, Limits, Tree, grow};
use self::tally::{Classes, Numbers, Tally};
use super::{Model, dummy::Dummy};
use crate::{Goal, Matrix};

/// Rows that are predicted with one tree before the next, so that the tree stays in the cache.
const BLOCK: usize = 256;

/// The mean of what its trees say.
struct Forest {
    trees: Vec<Tree>,
    n_outputs: usize,
}

/// One tree of at most `depth` levels.
pub(crate) fn tree(rows: &Matrix, goal: &Goal, depth: usize) -> Box<dyn Model> {
    if rows.values.is_empty() {
        return Box::new(Dummy::fit(goal));
    }
    let limits = Limits { depth, columns: rows.n_columns };
    let mut random = Random::new(0);
    let bins = Bins::of(rows);
    let weights = vec![1; rows.n_rows()];
    let tree = match goal {
        Goal::Classes { codes, names } => {
            let items = items(&weights, |row| codes[row] as u32);
            grow(&bins, items, &mut Classes::new(names.len()), limits, &mut random)
        }
        Goal::Numbers(numbers) => {
            grow(&bins, items(&weights, |row| numbers[row]), &mut Numbers::default(), limits, &mut random)
        }
    };
    Box::new(Forest { trees: vec![tree], n_outputs: goal.n_outputs() })
}

/// `n_trees` trees, each fully grown on rows drawn with replacement; √columns are considered a split, or all of them for
/// numbers, as in scikit-learn. Each tree has its own stream of random numbers: the result does not depend on threads.
pub(crate) fn forest(rows: &Matrix, goal: &Goal, n_trees: usize, seed: u64) -> Box<dyn Model> {
    if rows.values.is_empty() {
        return Box::new(Dummy::fit(goal));
    }
    let bins = Bins::of(rows);
    let trees = match goal {
        Goal::Classes { codes, names } => {
            let columns = (rows.n_columns as f64).sqrt() as usize;
            bagged(&bins, n_trees, columns, seed, || Classes::new(names.len()), |row| codes[row] as u32)
        }
        Goal::Numbers(numbers) => {
            bagged(&bins, n_trees, rows.n_columns, seed, Numbers::default, |row| numbers[row])
        }
    };
    Box::new(Forest { trees, n_outputs: goal.n_outputs() })
}

fn bagged<T: Tally>(
    bins: &Bins,
    n_trees: usize,
    columns: usize,
    seed: u64,
    tally: impl Fn() -> T + Sync + Send,
    target: impl Fn(usize) -> T::Target + Sync,
) -> Vec<Tree> {
    let limits = Limits { depth: usize::MAX, columns: columns.max(1) };
    let one = |tally: &mut T, at: usize| {
        let mut random = Random::of_purpose(seed, &format!("tree {at}"));
        let mut weights = vec![0; bins.n_rows];
        (0..bins.n_rows).for_each(|_| weights[random.below(bins.n_rows)] += 1);
        grow(bins, items(&weights, &target), tally, limits, &mut random)
    };
    (0..n_trees).into_par_iter().map_init(tally, one).collect()
}

fn items<T>(weights: &[u32], target: impl Fn(usize) -> T) -> Vec<Item<T>> {
    let drawn = weights.iter().enumerate().filter(|(_, weight)| **weight > 0);
    drawn.map(|(row, weight)| Item { row: row as u32, weight: *weight, target: target(row) }).collect()
}

impl Model for Forest {
    fn predict(&self, rows: &Matrix) -> Matrix {
        let (k, d) = (self.n_outputs.max(1), rows.n_columns.max(1));
        let mut out = Matrix::zeros(rows.n_rows(), k);
        let share = 1.0 / self.trees.len().max(1) as f32;
        out.values.par_chunks_mut(BLOCK * k).zip(rows.values.par_chunks(BLOCK * d)).for_each(
            |(out, rows)| {
                for tree in &self.trees {
                    for (row, out) in rows.chunks_exact(d).zip(out.chunks_exact_mut(k)) {
                        tree.leaf(row)
                            .iter()
                            .for_each(|(output, value)| out[*output as usize] += value * share);
                    }
                }
            },
        );
        out
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rings(n: usize, seed: u64) -> (Matrix, Vec<usize>) {
        let mut random = Random::new(seed);
        let (mut values, mut codes) = (Vec::new(), Vec::new());
        for i in 0..n {
            let (class, angle) = (i % 3, random.unit() * std::f64::consts::TAU);
            let radius = 1.0 + 2.0 * class as f64 + 0.4 * random.normal();
            values.extend([(radius * angle.cos()) as f32, (radius * angle.sin()) as f32]);
            codes.push(class);
        }
        (Matrix::new(2, values), codes)
    }

    fn classes(codes: &[usize]) -> Goal {
        Goal::Classes { codes: codes.to_vec(), names: vec!["a".into(), "b".into(), "c".into()] }
    }

    fn share_right(out: &Matrix, codes: &[usize]) -> f64 {
        let right = out.rows().zip(codes).filter(|(p, c)| p.iter().all(|v| *v <= p[**c])).count();
        right as f64 / codes.len() as f64
    }

    #[test]
    fn rings_are_told_apart() {
        let ((rows, codes), (asked, wanted)) = (rings(900, 1), rings(300, 2));
        let out = forest(&rows, &classes(&codes), 50, 0).predict(&asked);
        assert!(share_right(&out, &wanted) > 0.95);
        assert!(out.rows().all(|p| (p.iter().sum::<f32>() - 1.0).abs() < 1e-4));
    }

    #[test]
    fn a_full_tree_knows_its_rows_and_a_shallow_one_has_few_leaves() {
        let (rows, codes) = rings(240, 3);
        let goal = classes(&codes);
        assert!((share_right(&tree(&rows, &goal, 64).predict(&rows), &codes) - 1.0).abs() < 1e-9);
        let shallow = tree(&rows, &goal, 2).predict(&rows);
        let mut said: Vec<Vec<u32>> =
            shallow.rows().map(|p| p.iter().map(|v| v.to_bits()).collect()).collect();
        said.sort();
        said.dedup();
        assert!(said.len() <= 4);
    }

    #[test]
    fn a_wave_is_followed() {
        let x: Vec<f32> = (0..400).map(|i| i as f32 / 40.0).collect();
        let y: Vec<f64> = x.iter().map(|x| 1e6 + 50.0 * f64::from(x.sin())).collect();
        let rows = Matrix::new(1, x);
        let out = forest(&rows, &Goal::Numbers(y.clone()), 60, 7).predict(&rows);
        let worst = out.values.iter().zip(&y).map(|(a, b)| (f64::from(*a) - b).abs()).fold(0.0, f64::max);
        assert!(worst < 5.0, "{worst}");
    }

    #[test]
    fn threads_change_nothing() {
        let (rows, codes) = rings(300, 4);
        let fitted = |n_threads: usize| {
            let pool = rayon::ThreadPoolBuilder::new().num_threads(n_threads).build().unwrap();
            pool.install(|| forest(&rows, &classes(&codes), 20, 5).predict(&rows).values)
        };
        assert_eq!(fitted(1), fitted(3));
    }

    #[test]
    fn columns_that_say_nothing_are_no_trouble() {
        let rows = Matrix::new(2, [1.0, f32::NAN].repeat(8));
        let codes = [0, 1, 2, 0, 1, 2, 0, 0];
        let out = forest(&rows, &classes(&codes), 30, 0).predict(&rows);
        assert!(out.rows().all(|p| p[0] > p[1] && (p.iter().sum::<f32>() - 1.0).abs() < 1e-4));
    }
}
