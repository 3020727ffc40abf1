//! How well each column alone predicts the target.

use rayon::prelude::*;
use stetho_core::table::{Measured, SingleColumnScore, SingleColumnScores, Target, Task};

use super::bins::{Ordered, category_cells};
use super::labels::Labels;
use super::random::Random;
use super::statistics::{Scored, auc, standardised};
use crate::{Sample, SampleColumn};

const N_FOLDS: usize = 5;
/// Rarer classes count as part of the rest: some fold would have none of them.
const MIN_CLASS: u64 = 5;
/// The most frequent classes that are judged.
const MAX_CLASSES: usize = 50;
/// Fewer labelled rows than this say nothing.
const MIN_ROWS: usize = 10;
/// Cells of a wide table that are looked at; beyond it, a part of the rows is used.
const MAX_CELLS: usize = 5_000_000;
/// Tables with no more columns are looked at whole.
const WIDE: usize = 1000;
/// Rows of a wide table that are used at least.
const MIN_ROWS_OF_WIDE: usize = 500;
/// Bins of a number column: as many as leave 10 training rows in each, within these limits.
const BINS: (usize, usize) = (10, 32);

/// Scores of all feature columns, five-fold cross-validated on stratified folds.
///
/// The predictor is a table of cells: equal-frequency bins of numbers, names of categories, and one cell for null. A
/// cell predicts the class shares (or the mean) of its training rows and of one more row that is like the whole; a
/// cell without training rows thus predicts what is true of all rows, and unique ids score chance. For regression a
/// line through each bin is tried too and the better of both counts, so that long tails do not hide a copy.
pub(crate) fn single_column_scores(sample: &Sample, target: &Target) -> Measured<SingleColumnScores> {
    let Some(column) = sample.columns.get(target.column) else {
        return Measured::Not("no target column".into());
    };
    let outcome = match target.task {
        Task::Classification => Outcome::classes(&Labels::of(column, target)),
        Task::Regression => Outcome::number(column),
    };
    let problem = match outcome {
        Ok(outcome) => {
            let folded = Folded::new(&outcome, sample.columns.len());
            return Measured::Is(scores(sample, target, &outcome, &folded));
        }
        Err(problem) => problem,
    };
    Measured::Not(problem)
}

fn scores(sample: &Sample, target: &Target, outcome: &Outcome, folded: &Folded) -> SingleColumnScores {
    let score = |(index, column): (usize, &SampleColumn)| {
        if index == target.column {
            return None;
        }
        let predictor = Predictor::of(column, &folded.rows)?;
        let (score, adjusted) = match outcome {
            Outcome::Classes(classes) => class_score(&predictor, classes, folded),
            Outcome::Number(_) => number_score(&predictor, folded),
        };
        Some(SingleColumnScore { column: index, score, adjusted, n: folded.rows.len() as u64 })
    };
    let mut scores: Vec<SingleColumnScore> =
        sample.columns.par_iter().enumerate().filter_map(score).collect();
    scores.sort_by(|a, b| b.score.total_cmp(&a.score).then(a.column.cmp(&b.column)));
    let metric = match outcome {
        Outcome::Classes(_) => "AUC",
        Outcome::Number(_) => "R²",
    };
    SingleColumnScores { scores, metric: metric.into() }
}

/// What is predicted.
enum Outcome {
    Classes(Classes),
    /// A row, NaN for no label.
    Number(Vec<f64>),
}

/// Judged classes first, by falling frequency, and one more for all other labelled rows.
struct Classes {
    codes: Vec<Option<u32>>,
    n_judged: usize,
}

impl Outcome {
    fn classes(labels: &Labels) -> Result<Self, String> {
        let counts = labels.counts();
        let mut judged: Vec<usize> = (0..counts.len()).filter(|&c| counts[c] >= MIN_CLASS).collect();
        judged.sort_by_key(|&c| (std::cmp::Reverse(counts[c]), c));
        judged.truncate(MAX_CLASSES);
        if judged.len() < 2 {
            return Err(format!("fewer than two classes with {MIN_CLASS} rows"));
        }
        let mut new = vec![judged.len() as u32; counts.len()];
        judged.iter().enumerate().for_each(|(rank, &class)| new[class] = rank as u32);
        let codes = labels.codes.iter().map(|c| c.map(|c| new[c as usize])).collect();
        Ok(Self::Classes(Classes { codes, n_judged: judged.len() }))
    }

    fn number(column: &SampleColumn) -> Result<Self, String> {
        let SampleColumn::Numbers(values) = column else {
            return Err("the target is not a number".into());
        };
        let n = values.iter().filter(|v| !v.is_nan()).count();
        if n < MIN_ROWS {
            return Err(format!("fewer than {MIN_ROWS} rows with a target"));
        }
        standardised(values).map(Self::Number).ok_or_else(|| "the target does not vary".into())
    }

    /// Class of a row; one class for all numbers.
    fn stratum(&self, row: usize) -> Option<u32> {
        match self {
            Self::Classes(classes) => classes.codes[row],
            Self::Number(values) => (!values[row].is_nan()).then_some(0),
        }
    }

    fn n_rows(&self) -> usize {
        match self {
            Self::Classes(classes) => classes.codes.len(),
            Self::Number(values) => values.len(),
        }
    }
}

/// Labelled rows and their folds.
struct Folded {
    /// Rows of the sample, ascending.
    rows: Vec<usize>,
    /// Fold of each of `rows`.
    folds: Vec<u8>,
    /// Class of each of `rows`.
    strata: Vec<u32>,
    /// Standardised number of each of `rows`, for regression.
    numbers: Vec<f64>,
}

impl Folded {
    fn new(outcome: &Outcome, n_columns: usize) -> Self {
        let mut random = Random::new(0);
        let mut rows: Vec<usize> =
            (0..outcome.n_rows()).filter(|&row| outcome.stratum(row).is_some()).collect();
        if n_columns > WIDE {
            let limit = (MAX_CELLS / n_columns).max(MIN_ROWS_OF_WIDE);
            rows = random.choose(rows.len(), limit).into_iter().map(|at| rows[at]).collect();
        }
        let strata: Vec<u32> = rows.iter().filter_map(|&row| outcome.stratum(row)).collect();
        // Shuffled, then dealt out class by class: folds have like sizes and like shares of each class.
        let mut order: Vec<usize> = (0..rows.len()).collect();
        random.shuffle(&mut order);
        order.sort_by_key(|&at| strata[at]);
        let mut folds = vec![0; rows.len()];
        order.iter().enumerate().for_each(|(turn, &at)| folds[at] = (turn % N_FOLDS) as u8);
        let numbers = match outcome {
            Outcome::Number(values) => {
                let chosen: Vec<f64> = rows.iter().map(|&row| values[row]).collect();
                standardised(&chosen).unwrap_or(chosen)
            }
            Outcome::Classes(_) => Vec::new(),
        };
        Self { rows, folds, strata, numbers }
    }
}

/// A column in the labelled rows.
enum Predictor {
    /// Standardised, NaN for null; all NaN or 0 for a constant.
    Numbers(Vec<f64>),
    /// Cells and how many there are.
    Cells(Vec<u32>, usize),
}

impl Predictor {
    fn of(column: &SampleColumn, rows: &[usize]) -> Option<Self> {
        match column {
            SampleColumn::Numbers(values) => {
                let chosen: Vec<f64> = rows.iter().map(|&row| values[row]).collect();
                let flat = |v: &f64| if v.is_nan() { f64::NAN } else { 0.0 };
                Some(Self::Numbers(
                    standardised(&chosen).unwrap_or_else(|| chosen.iter().map(flat).collect()),
                ))
            }
            SampleColumn::Categories { codes, names } => {
                let chosen: Vec<Option<u32>> = rows.iter().map(|&row| codes[row]).collect();
                Some(Self::Cells(category_cells(&chosen), names.len() + 1))
            }
            SampleColumn::Absent => None,
        }
    }

    /// Calls `each` with every fold, its cells and their number.
    fn for_folds(&self, folded: &Folded, mut each: impl FnMut(u8, &[u32], usize)) {
        match self {
            Self::Numbers(values) => {
                let ordered = Ordered::of(values);
                let n_train = values.len() * (N_FOLDS - 1) / N_FOLDS;
                let n_bins = (n_train / 10).clamp(BINS.0, BINS.1);
                for fold in 0..N_FOLDS as u8 {
                    let (cells, n_cells) = ordered.cells(n_bins, |at| folded.folds[at] != fold);
                    each(fold, &cells, n_cells);
                }
            }
            Self::Cells(cells, n_cells) => (0..N_FOLDS as u8).for_each(|fold| each(fold, cells, *n_cells)),
        }
    }
}

/// Mean area under the curve over judged classes, and rescaled balanced accuracy.
///
/// The class named is the one whose share in the cell is largest against its share in all rows.
fn class_score(predictor: &Predictor, classes: &Classes, folded: &Folded) -> (f64, f64) {
    let width = classes.n_judged + 1;
    let mut of_class = vec![0.0_f64; width];
    folded.strata.iter().for_each(|&class| of_class[class as usize] += 1.0);
    let priors: Vec<f64> = of_class.iter().map(|count| count / folded.rows.len() as f64).collect();
    let mut scored: Vec<Vec<Scored>> = vec![Vec::new(); classes.n_judged];
    let mut hits = vec![0.0; classes.n_judged];
    predictor.for_folds(folded, |fold, cells, n_cells| {
        let mut train = vec![0_u32; n_cells * width];
        let mut test = vec![0_u32; n_cells * width];
        for ((&cell, &class), &of_fold) in cells.iter().zip(&folded.strata).zip(&folded.folds) {
            let counts = if of_fold == fold { &mut test } else { &mut train };
            counts[cell as usize * width + class as usize] += 1;
        }
        for (train, test) in train.chunks_exact(width).zip(test.chunks_exact(width)) {
            let n_test = f64::from(test.iter().sum::<u32>());
            if n_test < 1.0 {
                continue;
            }
            let n_train = f64::from(train.iter().sum::<u32>());
            let mut named = (0, 0.0);
            for class in 0..classes.n_judged {
                let share = (f64::from(train[class]) + priors[class]) / (n_train + 1.0);
                let positives = f64::from(test[class]);
                scored[class].push(Scored { score: share, positives, negatives: n_test - positives });
                // A hair is not a difference: where all shares are as in all rows, the first class is named.
                if share / priors[class] > named.1 + 1e-9 {
                    named = (class, share / priors[class]);
                }
            }
            hits[named.0] += f64::from(test[named.0]);
        }
    });
    let n = classes.n_judged as f64;
    let area = scored.iter_mut().map(|rows| auc(rows)).sum::<f64>() / n;
    let accuracy = hits.iter().zip(&of_class).map(|(hits, all)| hits / all.max(1.0)).sum::<f64>() / n;
    (area.max(0.5), ((accuracy - 1.0 / n) / (1.0 - 1.0 / n)).max(0.0))
}

/// R² over all folds, of means and of lines, whichever is better.
fn number_score(predictor: &Predictor, folded: &Folded) -> (f64, f64) {
    let y = &folded.numbers;
    let (mut of_means, mut of_lines) = (0.0, 0.0);
    predictor.for_folds(folded, |fold, cells, n_cells| {
        let lines = match predictor {
            Predictor::Numbers(x) => Line::fit(cells, n_cells, Some(x), y, |at| folded.folds[at] != fold),
            Predictor::Cells(..) => Line::fit(cells, n_cells, None, y, |at| folded.folds[at] != fold),
        };
        for at in (0..y.len()).filter(|&at| folded.folds[at] == fold) {
            let line = &lines[cells[at] as usize];
            let x = match predictor {
                Predictor::Numbers(x) => x[at],
                Predictor::Cells(..) => 0.0,
            };
            of_means += (y[at] - line.shrunk).powi(2);
            of_lines += (y[at] - line.at(x)).powi(2);
        }
    });
    let total: f64 = y.iter().map(|v| v * v).sum();
    let best = of_means.min(of_lines);
    let score = if total > 0.0 { (1.0 - best / total).max(0.0) } else { 0.0 };
    (score, score)
}

/// A line through the training rows of one cell.
#[derive(Clone, Copy, Default)]
struct Line {
    n: f64,
    mean_x: f64,
    mean_y: f64,
    /// The mean with one more row of the overall mean, 0.
    shrunk: f64,
    spread: f64,
    slope: f64,
}

impl Line {
    fn fit(
        cells: &[u32],
        n_cells: usize,
        x: Option<&[f64]>,
        y: &[f64],
        fits: impl Fn(usize) -> bool,
    ) -> Vec<Self> {
        let mut lines = vec![Self::default(); n_cells];
        let x = |at: usize| x.and_then(|x| x.get(at)).filter(|x| !x.is_nan()).copied().unwrap_or(0.0);
        for at in (0..y.len()).filter(|&at| fits(at)) {
            let line = &mut lines[cells[at] as usize];
            line.n += 1.0;
            line.mean_x += x(at);
            line.mean_y += y[at];
        }
        for line in &mut lines {
            line.shrunk = line.mean_y / (line.n + 1.0);
            line.mean_x /= line.n.max(1.0);
            line.mean_y /= line.n.max(1.0);
        }
        for at in (0..y.len()).filter(|&at| fits(at)) {
            let line = &mut lines[cells[at] as usize];
            line.spread += (x(at) - line.mean_x).powi(2);
            line.slope += (x(at) - line.mean_x) * (y[at] - line.mean_y);
        }
        for line in &mut lines {
            line.slope = if line.n >= 3.0 && line.spread > 0.0 { line.slope / line.spread } else { 0.0 };
        }
        lines
    }

    fn at(&self, x: f64) -> f64 {
        if self.spread > 0.0 { self.mean_y + self.slope * (x - self.mean_x) } else { self.shrunk }
    }
}

#[cfg(test)]
mod tests {
    use super::super::fixtures::{classes, normals, numbers, regression, sample, texts};
    use super::*;

    fn measured(columns: Vec<SampleColumn>, target: &Target) -> SingleColumnScores {
        match single_column_scores(&sample(columns), target) {
            Measured::Is(found) => found,
            Measured::Not(reason) => panic!("{reason}"),
        }
    }

    fn of(found: &SingleColumnScores, column: usize) -> &SingleColumnScore {
        found.scores.iter().find(|s| s.column == column).unwrap()
    }

    #[test]
    fn a_copy_of_the_class_scores_one_and_ids_chance() {
        let x = normals(300, 1);
        let class = |v: f64| {
            if v < -0.4 {
                "a"
            } else if v < 0.4 {
                "b"
            } else {
                "c"
            }
        };
        let found = measured(
            vec![
                texts(x.iter().map(|v| class(*v))),
                texts(x.iter().map(|v| format!("code-{}", class(*v)))),
                numbers(x.iter().map(|v| f64::from(class(*v).as_bytes()[0]))),
                texts((0..300).map(|i| format!("id-{i}"))),
                numbers(normals(300, 2)),
                numbers([f64::NAN; 300]),
                numbers([4.0; 300]),
                SampleColumn::Absent,
            ],
            &classes(0, &["a", "b", "c"]),
        );
        assert_eq!(found.metric, "AUC");
        for column in [1, 2] {
            let score = of(&found, column);
            assert!(score.score > 0.999_999 && score.adjusted > 0.999_999 && score.n == 300, "{score:?}");
        }
        for column in [3, 5, 6] {
            let score = of(&found, column);
            assert!((score.score - 0.5).abs() < 1e-9 && score.adjusted < 1e-9, "{score:?}");
        }
        assert!(of(&found, 4).score < 0.6);
        assert_eq!(found.scores.len(), 6);
    }

    #[test]
    fn a_threshold_is_found_in_numbers_and_gaps_can_tell_too() {
        let x = normals(2000, 1);
        let noise = normals(2000, 2);
        let rare = x.iter().map(|v| if *v > 1.6 { 1.0 } else { 0.0 });
        let found = measured(
            vec![
                numbers(rare),
                numbers(x.iter().map(|v| (3.0 * v).exp())),
                numbers(x.iter().zip(&noise).map(|(v, e)| if *v > 1.6 { f64::NAN } else { *e })),
                numbers(x.iter().zip(&noise).map(|(v, e)| v + 2.0 * e)),
            ],
            &classes(0, &["0", "1"]),
        );
        assert!(of(&found, 1).score > 0.98, "{found:?}");
        assert!(of(&found, 1).adjusted > 0.9, "{found:?}");
        assert!(of(&found, 2).score > 0.999);
        let weak = of(&found, 3);
        assert!(weak.score > 0.6 && weak.score < 0.9 && weak.adjusted < 0.7, "{weak:?}");
    }

    #[test]
    fn regression_knows_copies_signal_and_noise() {
        let (x, e) = (normals(3000, 1), normals(3000, 2));
        let y: Vec<f64> = x.iter().map(|v| (2.0 * v).exp()).collect();
        let found = measured(
            vec![
                numbers(y.iter().copied()),
                numbers(y.iter().map(|v| 1e9 - 2.0 * v)),
                numbers(e),
                texts(y.iter().map(|v| if *v > 4.0 { "high" } else { "low" })),
                texts((0..3000).map(|i| i.to_string())),
            ],
            &regression(0),
        );
        assert_eq!(found.metric, "R²");
        assert!(of(&found, 1).score > 0.98, "{found:?}");
        assert!(of(&found, 2).score < 0.01);
        assert!((0.1..0.9).contains(&of(&found, 3).score));
        assert!(of(&found, 4).score < 1e-3);
        assert_eq!(found.scores[0].column, 1);
    }

    #[test]
    fn r_squared_of_categories_is_that_of_means_of_other_folds() {
        let y = normals(60, 4);
        let names: Vec<String> = y.iter().map(|v| format!("{}", (v * 1.5).round())).collect();
        let columns = vec![numbers(y.iter().copied()), texts(&names)];
        let found = measured(columns, &regression(0));
        let outcome = Outcome::Number(standardised(&y).unwrap());
        let folded = Folded::new(&outcome, 2);
        let z = &folded.numbers;
        let mut errors = 0.0;
        for i in 0..60 {
            let twins: Vec<usize> =
                (0..60).filter(|&j| folded.folds[j] != folded.folds[i] && names[j] == names[i]).collect();
            let mean = twins.iter().map(|&j| z[j]).sum::<f64>() / (twins.len() as f64 + 1.0);
            errors += (z[i] - mean).powi(2);
        }
        let expected = 1.0 - errors / z.iter().map(|v| v * v).sum::<f64>();
        assert!((found.scores[0].score - expected).abs() < 1e-9);
    }

    #[test]
    fn folds_are_stratified() {
        let labels = Labels { codes: (0..103).map(|i| Some(u32::from(i % 10 == 0))).collect(), n_classes: 2 };
        let folded = Folded::new(&Outcome::classes(&labels).unwrap(), 1);
        for fold in 0..5 {
            let of_fold = |class| {
                folded.folds.iter().zip(&folded.strata).filter(|(f, s)| **f == fold && **s == class).count()
            };
            assert!((18..=19).contains(&of_fold(0)), "{}", of_fold(0));
            assert!((2..=3).contains(&of_fold(1)));
        }
    }

    #[test]
    fn says_why_not() {
        let reason = |columns, target: &Target| {
            single_column_scores(&sample(columns), target).reason().unwrap_or_default().to_owned()
        };
        let few = "fewer than two classes with 5 rows";
        assert_eq!(reason(vec![], &classes(0, &[])), "no target column");
        assert_eq!(reason(vec![texts([""; 0])], &classes(0, &["a"])), few);
        assert_eq!(reason(vec![texts(["a"; 50])], &classes(0, &["a"])), few);
        assert_eq!(reason(vec![texts([""; 50])], &classes(0, &["a"])), few);
        assert_eq!(reason(vec![numbers([2.0; 50])], &regression(0)), "the target does not vary");
        assert_eq!(reason(vec![numbers([f64::NAN; 50])], &regression(0)), "fewer than 10 rows with a target");
        assert_eq!(reason(vec![texts(["a"; 50])], &regression(0)), "the target is not a number");
    }

    #[test]
    fn wide_tables_are_done() {
        let target = (0..60).map(|i| f64::from(i % 2));
        let mut columns = vec![numbers(target.clone())];
        columns.extend((0..9_998).map(|i| numbers(normals(60, i))));
        columns.push(numbers(target.map(|t| -t)));
        let found = measured(columns, &classes(0, &["0", "1"]));
        assert_eq!(found.scores.len(), 9_999);
        assert_eq!(found.scores[0].column, 9_999);
    }
}
