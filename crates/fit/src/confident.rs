//! Confident learning (Northcutt, Jiang & Chuang 2021, *Confident learning: estimating uncertainty in dataset labels*).

use crate::Matrix;

/// Share of the mean probability of a class from which on a row for which it is told counts as confidently of it. The mean is
/// over rows with that label, wrong ones too, and over several models, so that it is a little too high; measured on digits and breast
/// cancer with flipped labels.
const NEARLY: f64 = 0.85;

/// A row whose label is likely wrong.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Suspect {
    pub at: usize,
    pub suggested: usize,
    /// Probability of the given label less that of the suggested one: the lower, the surer.
    pub margin: f32,
}

/// Finds rows whose out-of-fold probabilities contradict their label, surest first. A row counts as confidently of class j where its
/// probability is at least the mean probability of j among rows labelled j. From the counts of given against confident
/// class the number of errors of each kind is estimated. Of the rows for which another class is told those are taken that are
/// confidently of it, and those with the lowest margin up to the estimated number.
pub(crate) fn suspects(out: &Matrix, given: &[usize]) -> Vec<Suspect> {
    let k = out.n_columns;
    let (mut thresholds, mut counts) = (vec![0.0_f64; k], vec![0.0_f64; k]);
    for (row, label) in out.rows().zip(given) {
        thresholds[*label] += f64::from(row[*label]);
        counts[*label] += 1.0;
    }
    thresholds.iter_mut().zip(&counts).for_each(|(t, n)| *t = if *n > 0.0 { *t / n } else { 2.0 });
    let joint = calibrated(joint(out, given, &thresholds), &counts);
    let mut chosen = vec![false; given.len()];
    let likely: Vec<usize> = (0..given.len()).filter(|at| argmax(out.row(*at)) != given[*at]).collect();
    let margin = |at: usize| out.row(at)[given[at]] - out.row(at)[argmax(out.row(at))];
    for (from, row) in joint.iter().enumerate() {
        for (to, estimate) in row.iter().enumerate().filter(|(to, _)| *to != from) {
            let is_kind = |at: &&usize| given[**at] == from && argmax(out.row(**at)) == to;
            let mut kind: Vec<usize> = likely.iter().filter(is_kind).copied().collect();
            kind.sort_by(|a, b| margin(*a).total_cmp(&margin(*b)).then(a.cmp(b)));
            for (rank, at) in kind.into_iter().enumerate() {
                let is_sure = f64::from(out.row(at)[to]) >= thresholds[to] * NEARLY;
                chosen[at] = is_sure || rank < estimate.round() as usize;
            }
        }
    }
    let suspect = |at: usize| Suspect { at, suggested: argmax(out.row(at)), margin: margin(at) };
    let mut suspects: Vec<Suspect> = likely.iter().filter(|at| chosen[**at]).map(|at| suspect(*at)).collect();
    suspects.sort_by(|a, b| a.margin.total_cmp(&b.margin).then(a.at.cmp(&b.at)));
    suspects
}

fn argmax(row: &[f32]) -> usize {
    row.iter().enumerate().fold((0, f32::MIN), |best, (j, p)| if *p > best.1 { (j, *p) } else { best }).0
}

/// Rows whose given label is not the one told: of all, and of the quarter with the highest probability of the told class;
/// and how many rows that quarter has.
pub(crate) fn contradictions(out: &Matrix, given: &[usize]) -> (u64, u64, u64) {
    let mut rows: Vec<(f32, bool)> = out
        .rows()
        .zip(given)
        .map(|(row, label)| {
            let told = argmax(row);
            (row[told], told != *label)
        })
        .collect();
    rows.sort_by(|a, b| b.0.total_cmp(&a.0));
    let n_sure = rows.len() / 4;
    let wrong = |rows: &[(f32, bool)]| rows.iter().filter(|r| r.1).count() as u64;
    (wrong(&rows), wrong(&rows[..n_sure]), n_sure as u64)
}

/// Rows by given label and confident class.
fn joint(out: &Matrix, given: &[usize], thresholds: &[f64]) -> Vec<Vec<f64>> {
    let k = out.n_columns;
    let mut joint = vec![vec![0.0; k]; k];
    for (row, label) in out.rows().zip(given) {
        let sure = (0..k).filter(|j| f64::from(row[*j]) >= thresholds[*j]);
        if let Some(class) = sure.max_by(|a, b| row[*a].total_cmp(&row[*b])) {
            joint[*label][class] += 1.0;
        }
    }
    joint
}

/// Scaled so that each given label has as many rows as it has.
fn calibrated(mut joint: Vec<Vec<f64>>, counts: &[f64]) -> Vec<Vec<f64>> {
    for (row, count) in joint.iter_mut().zip(counts) {
        let sum: f64 = row.iter().sum();
        if sum > 0.0 {
            row.iter_mut().for_each(|n| *n *= count / sum);
        }
    }
    joint
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn flipped_labels_are_found_surest_first() {
        let mut values = Vec::new();
        let mut given = Vec::new();
        for i in 0..100_usize {
            let class = i % 2;
            let p = 0.8 + 0.001 * i as f32;
            values.extend(if class == 0 { [p, 1.0 - p] } else { [1.0 - p, p] });
            given.push(if i == 40 || i == 81 { 1 - class } else { class });
        }
        let found = suspects(&Matrix::new(2, values), &given);
        let rows: Vec<usize> = found.iter().map(|s| s.at).collect();
        assert_eq!(rows, [81, 40]);
    }

    #[test]
    fn clean_labels_have_no_suspects() {
        let values: Vec<f32> =
            (0..60).flat_map(|i| if i % 3 == 0 { [0.7, 0.3] } else { [0.2, 0.8] }).collect();
        let given: Vec<usize> = (0..60).map(|i| usize::from(i % 3 != 0)).collect();
        assert!(suspects(&Matrix::new(2, values), &given).is_empty());
    }
}
