//! How well one property of pictures predicts their class.

use std::collections::BTreeMap;

/// Parts of the cross-validation.
const FOLDS: usize = 5;
/// Cells that numbers are cut into, by equal frequency.
const CELLS: usize = 12;
/// Classes with fewer pictures are left out.
const FEWEST: usize = 5;
/// Standard errors above chance from which a score is more than chance, thirteen properties tried.
const SURE: f64 = 4.0;

/// Out-of-fold balanced accuracy of the best guess from `values`, from 0 (chance) to 1 (always right): with R the mean
/// recall over K classes, (R − 1/K) / (1 − 1/K). 0 where chance could have made it.
///
/// The guess is the class that is most over-represented in the cell of a value (twelve cells of equal frequency; the
/// values themselves where there are few), counted in the other four of five folds. It is a one-dimensional cousin of
/// the predictive power score, with a score that unequal classes cannot flatter.
pub(crate) fn predictive_power(values: &[f64], labels: &[u32]) -> f64 {
    let mut sizes: BTreeMap<u32, usize> = BTreeMap::new();
    labels.iter().for_each(|label| *sizes.entry(*label).or_default() += 1);
    let classes: BTreeMap<u32, usize> = sizes
        .iter()
        .filter(|(_, n)| **n >= FEWEST)
        .enumerate()
        .map(|(at, (label, _))| (*label, at))
        .collect();
    let n_classes = classes.len();
    if n_classes < 2 {
        return 0.0;
    }
    let cells = cells(values);
    // The fold goes by the number within the class, so that each fold has of each.
    let mut seen = vec![0_usize; n_classes];
    let mut rows: Vec<(usize, usize, usize)> = Vec::with_capacity(labels.len());
    for (cell, label) in cells.iter().zip(labels) {
        let Some(&class) = classes.get(label) else { continue };
        let Some(number) = seen.get_mut(class) else { continue };
        rows.push((*cell, class, *number % FOLDS));
        *number += 1;
    }
    let recall = mean_recall(&rows, &seen);
    let chance = 1.0 / n_classes as f64;
    let variance: f64 = seen.iter().map(|n| chance * (1.0 - chance) / *n as f64).sum();
    let error = variance.sqrt() / n_classes as f64;
    if recall - chance < SURE * error { 0.0 } else { (recall - chance) / (1.0 - chance) }
}

/// Mean over the classes of the share that is guessed right, each row (cell, class, fold) by the other folds.
fn mean_recall(rows: &[(usize, usize, usize)], sizes: &[usize]) -> f64 {
    let n_classes = sizes.len();
    let n_cells = rows.iter().map(|r| r.0 + 1).max().unwrap_or(0);
    let mut counts = vec![0_usize; FOLDS * n_cells * n_classes];
    let at = |fold: usize, cell: usize, class: usize| (fold * n_cells + cell) * n_classes + class;
    for &(cell, class, fold) in rows {
        if let Some(count) = counts.get_mut(at(fold, cell, class)) {
            *count += 1;
        }
    }
    let count = |fold, cell, class| counts.get(at(fold, cell, class)).copied().unwrap_or(0);
    let mut recall = vec![0.0; n_classes];
    for fold in 0..FOLDS {
        for cell in 0..n_cells {
            let rate = |class: usize| {
                let others: usize = (0..FOLDS).filter(|f| *f != fold).map(|f| count(f, cell, class)).sum();
                others as f64 / sizes.get(class).copied().unwrap_or(1).max(1) as f64
            };
            let guess =
                (0..n_classes).max_by(|a, b| rate(*a).total_cmp(&rate(*b)).then(b.cmp(a))).unwrap_or(0);
            if let (Some(right), Some(size)) = (recall.get_mut(guess), sizes.get(guess)) {
                *right += count(fold, cell, guess) as f64 / (*size).max(1) as f64;
            }
        }
    }
    recall.iter().sum::<f64>() / n_classes as f64
}

/// The cell of each value.
fn cells(values: &[f64]) -> Vec<usize> {
    let mut sorted: Vec<f64> = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    let mut edges = sorted.clone();
    edges.dedup_by(|a, b| a.total_cmp(b).is_eq());
    if edges.len() > CELLS {
        let quantile = |i: usize| sorted.get(i * sorted.len() / CELLS).copied();
        edges = (0..CELLS).filter_map(quantile).collect();
        edges.dedup_by(|a, b| a.total_cmp(b).is_eq());
    }
    values.iter().map(|v| edges.partition_point(|edge| edge.total_cmp(v).is_le()).saturating_sub(1)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Numbers without order, the same in every run.
    fn noise(n: usize) -> Vec<f64> {
        (0..n as u64).map(|i| ((i.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 40) % 1000) as f64).collect()
    }

    #[test]
    fn a_property_that_goes_with_the_class_predicts_it() {
        let labels: Vec<u32> = (0..60).map(|i| i % 2).collect();
        let same: Vec<f64> = labels.iter().map(|l| f64::from(*l)).collect();
        assert!((predictive_power(&same, &labels) - 1.0).abs() < 1e-9);
        let mostly: Vec<f64> =
            labels.iter().enumerate().map(|(i, l)| f64::from(if i % 5 == 4 { 1 - l } else { *l })).collect();
        assert!((predictive_power(&mostly, &labels) - 0.6).abs() < 0.05);
    }

    #[test]
    fn chance_predicts_nothing_however_unequal_the_classes() {
        for n in [12, 30, 200, 3000] {
            let rare: Vec<u32> = (0..n).map(|i| u32::from(i % 6 == 0)).collect();
            assert!(predictive_power(&noise(n), &rare) <= 0.0, "{n}");
        }
        assert!(predictive_power(&[1.0; 40], &(0..40).map(|i| i % 4).collect::<Vec<_>>()) <= 0.0);
    }

    #[test]
    fn small_classes_are_left_out() {
        let labels = [0, 0, 0, 0, 0, 0, 1, 1, 1];
        assert!(predictive_power(&labels.map(f64::from), &labels) <= 0.0);
    }
}
