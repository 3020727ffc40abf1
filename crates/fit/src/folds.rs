//! Dividing rows for cross-validation.
//!
//! Every row is left out exactly once, however many rows there are; classes are spread evenly; groups stay together; where
//! rows have times, no model sees the future.

use std::collections::HashMap;

use crate::{Goal, Samples};
use stetho_core::{Random, count_of};

/// One division of the rows.
#[derive(Clone, Debug, PartialEq)]
pub struct Fold {
    /// Rows to fit on, ascending.
    pub train: Vec<usize>,
    /// Rows to score on, ascending.
    pub validation: Vec<usize>,
}

/// Divisions of the rows.
#[derive(Clone, Debug, PartialEq)]
pub struct Folds {
    /// The divisions.
    pub folds: Vec<Fold>,
    /// In words: `5 stratified folds`.
    pub how: String,
}

/// Divides the rows into `n_folds`, fewer where the rarest class or the groups are too few, at least 2.
pub fn divide(samples: &Samples, n_folds: usize, seed: u64) -> Folds {
    let n = samples.n_rows();
    if let Some(held_out) = &samples.is_held_out {
        let (validation, train) = (0..n).partition(|i| held_out.get(*i).copied().unwrap_or(false));
        return Folds {
            folds: vec![Fold { train, validation }],
            how: "the validation data that was given".into(),
        };
    }
    if let Some(times) = &samples.times {
        return forward(times, n_folds);
    }
    if let Some(groups) = &samples.groups {
        return grouped(groups, &samples.goal, n_folds);
    }
    stratified(&samples.goal, n_folds, seed)
}

/// Turns the fold of each row into divisions.
fn of_assignment(fold_of: &[usize], n_folds: usize, how: String) -> Folds {
    let fold = |k: usize| {
        let (validation, train) = (0..fold_of.len()).partition(|i| fold_of[*i] == k);
        Fold { train, validation }
    };
    Folds { folds: (0..n_folds).map(fold).filter(|f| !f.validation.is_empty()).collect(), how }
}

/// Rows in random order, dealt class by class; numbers are dealt in the order of their size, ten strata of them.
fn stratified(goal: &Goal, n_folds: usize, seed: u64) -> Folds {
    let n = goal.n_rows();
    let n_folds = n_folds.min(n).max(2);
    let mut order: Vec<usize> = (0..n).collect();
    Random::new(seed).shuffle(&mut order);
    let mut fold_of = vec![0; n];
    match goal {
        Goal::Classes { codes, .. } => order.sort_by_key(|i| codes[*i]),
        Goal::Numbers(numbers) => {
            let mut ranks: Vec<usize> = (0..n).collect();
            ranks.sort_by(|a, b| numbers[*a].total_cmp(&numbers[*b]));
            let mut stratum = vec![0; n];
            ranks.iter().enumerate().for_each(|(rank, i)| stratum[*i] = rank * 10 / n.max(1));
            order.sort_by_key(|i| stratum[*i]);
        }
    }
    for (at, row) in order.into_iter().enumerate() {
        fold_of[row] = at % n_folds;
    }
    of_assignment(&fold_of, n_folds, format!("{n_folds} stratified folds{}", too_rare(goal, n_folds)))
}

/// In words, the classes that have too few rows to be in every fold; empty if there is none.
fn too_rare(goal: &Goal, n_folds: usize) -> String {
    let Goal::Classes { codes, names } = goal else { return String::new() };
    let mut counts = vec![0; names.len()];
    codes.iter().for_each(|code| counts[*code] += 1);
    let rare: Vec<(&String, u64)> =
        names.iter().zip(counts).filter(|(_, n)| *n > 0 && (*n as usize) < n_folds).collect();
    match rare.as_slice() {
        [] => String::new(),
        [(name, n)] => format!("; `{name}` has {}, so that not every fold has one", count_of(*n, "row")),
        [(name, n), ..] => format!(
            "; {} have fewer rows than there are folds (`{name}` has {n}), so that not every fold has them",
            count_of(rare.len() as u64, "class")
        ),
    }
}

/// Groups by falling size, each to the fold that it makes the least uneven, by rows of its classes.
fn grouped(groups: &[u32], goal: &Goal, n_folds: usize) -> Folds {
    let n_outputs = goal.n_outputs();
    let class = |i: usize| match goal {
        Goal::Classes { codes, .. } => codes[i],
        Goal::Numbers(_) => 0,
    };
    let mut counts: HashMap<u32, Vec<f64>> = HashMap::new();
    let mut totals = vec![0.0; n_outputs];
    for (i, group) in groups.iter().enumerate() {
        counts.entry(*group).or_insert_with(|| vec![0.0; n_outputs])[class(i)] += 1.0;
        totals[class(i)] += 1.0;
    }
    let n_folds = n_folds.min(counts.len()).max(2);
    let mut by_size: Vec<(u32, Vec<f64>)> = counts.into_iter().collect();
    let size = |counts: &[f64]| counts.iter().sum::<f64>();
    by_size.sort_by(|a, b| size(&b.1).total_cmp(&size(&a.1)).then(a.0.cmp(&b.0)));
    let mut filled = vec![vec![0.0; n_outputs]; n_folds];
    let mut fold_of_group = HashMap::new();
    for (group, counts) in by_size {
        // How much more uneven a fold becomes, by each class and by its size.
        let grown =
            |have: f64, add: f64, all: f64| ((have + add).powi(2) - have.powi(2)) / all.max(1.0).powi(2);
        let cost = |fold: &Vec<f64>| {
            let classes = fold.iter().zip(&counts).zip(&totals).map(|((h, a), all)| grown(*h, *a, *all));
            classes.sum::<f64>() + grown(size(fold), size(&counts), groups.len() as f64)
        };
        let costs: Vec<f64> = filled.iter().map(cost).collect();
        let least = (0..n_folds).min_by(|a, b| costs[*a].total_cmp(&costs[*b])).unwrap_or(0);
        filled[least].iter_mut().zip(&counts).for_each(|(have, add)| *have += add);
        fold_of_group.insert(group, least);
    }
    let fold_of: Vec<usize> = groups.iter().map(|g| fold_of_group.get(g).copied().unwrap_or(0)).collect();
    of_assignment(&fold_of, n_folds, format!("{n_folds} folds that keep groups together"))
}

/// The first 1/(k+1) of time predicts the next, then the first 2/(k+1), and so on. Rows of one moment stay together.
fn forward(times: &[f64], n_folds: usize) -> Folds {
    let n = times.len();
    let mut order: Vec<usize> = (0..n).collect();
    order.sort_by(|a, b| times[*a].total_cmp(&times[*b]));
    let n_folds = n_folds.min(n.saturating_sub(1)).max(1);
    let cut = |k: usize| {
        let mut at = n * k / (n_folds + 1);
        while at > 0 && at < n && times[order[at]].total_cmp(&times[order[at - 1]]).is_eq() {
            at += 1;
        }
        at.min(n)
    };
    let sorted = |rows: &[usize]| {
        let mut rows = rows.to_vec();
        rows.sort_unstable();
        rows
    };
    let folds = (1..=n_folds).map(|k| {
        let (start, end) = (cut(k), if k == n_folds { n } else { cut(k + 1) });
        Fold { train: sorted(&order[..start]), validation: sorted(&order[start..end.max(start)]) }
    });
    let folds: Vec<Fold> = folds.filter(|f| !f.train.is_empty() && !f.validation.is_empty()).collect();
    Folds { how: format!("{} folds in the order of time", folds.len()), folds }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn classes(codes: Vec<usize>) -> Goal {
        let n = codes.iter().max().map_or(0, |m| m + 1);
        Goal::Classes { codes, names: (0..n).map(|i| i.to_string()).collect() }
    }

    fn each_once(folds: &Folds, n: usize) {
        let mut all: Vec<usize> = folds.folds.iter().flat_map(|f| f.validation.clone()).collect();
        all.sort_unstable();
        assert_eq!(all, (0..n).collect::<Vec<_>>());
        for fold in &folds.folds {
            assert_eq!(fold.train.len() + fold.validation.len(), n);
            assert!(fold.validation.iter().all(|i| fold.train.binary_search(i).is_err()));
        }
    }

    #[test]
    fn classes_that_are_not_in_every_fold_are_told() {
        let how = |codes: Vec<usize>| stratified(&classes(codes), 5, 1).how;
        assert_eq!(how([[0; 5], [1; 5]].concat()), "5 stratified folds");
        let one = how([vec![0; 9], vec![1; 9], vec![2]].concat());
        assert_eq!(one, "5 stratified folds; `2` has 1 row, so that not every fold has one");
        assert!(how([vec![0; 9], vec![1; 2], vec![2]].concat()).contains("2 classes have fewer rows"));
    }

    #[test]
    fn every_row_is_left_out_once_and_classes_are_spread() {
        for n in [10, 11, 53, 104] {
            let codes: Vec<usize> = (0..n).map(|i| usize::from(i % 4 == 0)).collect();
            let folds = stratified(&classes(codes.clone()), 5, 1);
            each_once(&folds, n);
            let rare = |f: &Fold| f.validation.iter().filter(|i| codes[**i] == 1).count();
            let counts: Vec<usize> = folds.folds.iter().map(rare).collect();
            assert!(counts.iter().max().unwrap() - counts.iter().min().unwrap() <= 1, "{counts:?}");
        }
    }

    #[test]
    fn numbers_are_spread_by_size() {
        let folds = stratified(&Goal::Numbers((0..100).map(f64::from).collect()), 5, 3);
        each_once(&folds, 100);
        for fold in &folds.folds {
            let mean = fold.validation.iter().sum::<usize>() as f64 / fold.validation.len() as f64;
            assert!((mean - 49.5).abs() < 6.0, "{mean}");
        }
    }

    #[test]
    fn groups_are_never_divided() {
        let groups: Vec<u32> = (0..90).map(|i| (i * i % 13) as u32).collect();
        let goal = classes((0..90).map(|i| i % 2).collect());
        let folds = grouped(&groups, &goal, 4);
        each_once(&folds, 90);
        for fold in &folds.folds {
            let train: Vec<u32> = fold.train.iter().map(|i| groups[*i]).collect();
            assert!(fold.validation.iter().all(|i| !train.contains(&groups[*i])));
        }
    }

    #[test]
    fn groups_of_one_class_each_fill_all_folds() {
        let groups: Vec<u32> = (0..60).map(|i| i / 20).collect();
        let folds = grouped(&groups, &classes(groups.iter().map(|g| *g as usize).collect()), 3);
        each_once(&folds, 60);
        assert!(folds.folds.iter().all(|f| f.validation.len() == 20));
    }

    #[test]
    fn no_model_sees_the_future() {
        let times: Vec<f64> = (0..60).map(|i| f64::from((i * 7) % 30)).collect();
        let folds = forward(&times, 5);
        assert_eq!(folds.folds.len(), 5);
        for fold in &folds.folds {
            let last = fold.train.iter().map(|i| times[*i]).fold(f64::MIN, f64::max);
            assert!(fold.validation.iter().all(|i| times[*i] > last));
        }
    }
}
