//! Whether columns depend on the order of rows.

use rayon::prelude::*;
use stetho_core::table::{Measured, OrderTest, RowOrder, Target, Task};

use super::labels::Labels;
use super::statistics::{Dependence, chi_squared_tail, normal_tail, poisson_tail, ranks};
use crate::{Sample, SampleColumn};

/// Fewer rows with a value than this have no order to speak of.
const MIN_ROWS: usize = 10;
/// Blocks of consecutive rows that are compared.
const N_BLOCKS: usize = 10;
/// Rarer categories are left out of the comparison of blocks: chi-squared needs a few expected rows in each.
const MIN_IN_BLOCKS: u64 = 2 * N_BLOCKS as u64;
/// With fewer expected pairs of equal neighbours than this, their number is Poisson rather than normal.
const MANY_PAIRS: f64 = 100.0;
/// No p-value is trusted below this.
const SMALLEST_P: f64 = 1e-9;

/// Order tests of the target and of all features but those of which `monotone` says that they count rows.
///
/// p-values are those of a permutation test, taken from the known moments of the statistics under permutation rather
/// than from shuffles: Spearman's ρ is normal with variance 1/(n − 1); the lag-1 autocorrelation of ranks is normal
/// with the moments of Wald & Wolfowitz 1943; the number of unequal neighbours is normal with the exact moments of a
/// join count, or, where few equal neighbours are expected, these are Poisson; blocks give a chi-squared. Where rows
/// are sampled from a larger table, neighbours in the sample are near in the file, but not adjacent.
pub(crate) fn row_order(sample: &Sample, target: Option<&Target>, monotone: &[bool]) -> Measured<RowOrder> {
    let n_rows = sample.rows.len();
    if n_rows < MIN_ROWS {
        return Measured::Not(format!("fewer than {MIN_ROWS} rows"));
    }
    let classes = target.filter(|t| t.task == Task::Classification);
    let test = |(index, column): (usize, &SampleColumn)| {
        if monotone.get(index).copied().unwrap_or(false) {
            return None;
        }
        let sorted = is_sorted(column);
        let found = match (column, classes.filter(|t| t.column == index)) {
            (_, Some(target)) => of_categories(&Labels::of(column, target).codes)?,
            (SampleColumn::Numbers(values), None) => of_numbers(values)?,
            (SampleColumn::Categories { codes, .. }, None) => of_categories(codes)?,
            (SampleColumn::Absent, None) => return None,
        };
        Some(OrderTest {
            column: index,
            trend: found.trend,
            clustering: found.clustering,
            p_value: found.p_value,
            sorted,
        })
    };
    let mut tests: Vec<OrderTest> = sample.columns.par_iter().enumerate().filter_map(test).collect();
    let n_tests = tests.len() as f64;
    tests.iter_mut().for_each(|t| t.p_value = (t.p_value * n_tests).clamp(SMALLEST_P, 1.0));
    let strength = |t: &OrderTest| t.trend.max(t.clustering);
    tests.sort_by(|a, b| strength(b).total_cmp(&strength(a)).then(a.column.cmp(&b.column)));
    Measured::Is(RowOrder { tests, n_rows: n_rows as u64 })
}

/// Strengths, and the p-value of the stronger, corrected for there being two.
struct Found {
    trend: f64,
    clustering: f64,
    p_value: f64,
}

impl Found {
    fn new((trend, p_trend): (f64, f64), (clustering, p_clustering): (f64, f64)) -> Self {
        Self { trend, clustering, p_value: (2.0 * p_trend.min(p_clustering)).min(1.0) }
    }
}

/// Whether values ascend or descend throughout, nulls left out; `false` where they do not vary.
fn is_sorted(column: &SampleColumn) -> bool {
    match column {
        SampleColumn::Numbers(values) => goes_one_way(values.iter().filter(|v| !v.is_nan())),
        SampleColumn::Categories { codes, names } => {
            goes_one_way(codes.iter().flatten().filter_map(|c| names.get(*c as usize)))
        }
        SampleColumn::Absent => false,
    }
}

fn goes_one_way<T: PartialOrd>(values: impl Iterator<Item = T>) -> bool {
    let (mut up, mut down) = (false, false);
    let mut last: Option<T> = None;
    for value in values {
        if let Some(last) = &last {
            up |= value > *last;
            down |= value < *last;
            if up && down {
                return false;
            }
        }
        last = Some(value);
    }
    up != down
}

fn of_numbers(values: &[f64]) -> Option<Found> {
    let present: Vec<f64> = values.iter().copied().filter(|v| !v.is_nan()).collect();
    let n = present.len() as f64;
    let ranks = ranks(&present);
    let middle = (n + 1.0) / 2.0;
    let d: Vec<f64> = ranks.iter().map(|r| r - middle).collect();
    let squares: f64 = d.iter().map(|d| d * d).sum();
    if present.len() < MIN_ROWS || squares <= 0.0 {
        return None;
    }
    let of_positions = (n * n * n - n) / 12.0;
    let product: f64 = d.iter().enumerate().map(|(i, d)| (i as f64 + 1.0 - middle) * d).sum();
    let rho = (product / (squares * of_positions).sqrt()).abs().min(1.0);
    let p_trend = 2.0 * normal_tail(rho * (n - 1.0).sqrt());
    Some(Found::new((rho, p_trend), autocorrelation(&d, squares, &ranks)))
}

/// Lag-1 autocorrelation of ranks, floored at 0, and its p-value.
fn autocorrelation(d: &[f64], squares: f64, ranks: &[f64]) -> (f64, f64) {
    let n = d.len() as f64;
    let sum: f64 = d.windows(2).map(|w| w[0] * w[1]).sum();
    let strength = (sum / squares).clamp(0.0, 1.0);
    if let Some(p) = few_away_from_the_mode(ranks) {
        return (strength, p);
    }
    let (mean, variance) = lag_moments(d);
    let p = if variance > 0.0 && n > 3.0 { normal_tail((sum - mean) / variance.sqrt()) } else { 1.0 };
    (strength, p)
}

/// Mean and variance under permutation of Σ dᵢ dᵢ₊₁ for values that sum to 0 (Wald & Wolfowitz 1943, not circular).
fn lag_moments(d: &[f64]) -> (f64, f64) {
    let n = d.len() as f64;
    let m2: f64 = d.iter().map(|d| d * d).sum();
    let m4: f64 = d.iter().map(|d| d.powi(4)).sum();
    let mean = -m2 / n;
    let same = (m2 * m2 - m4) / n;
    let sharing = 2.0 * (2.0 * m4 - m2 * m2) / (n * (n - 1.0));
    let apart = (3.0 * m2 * m2 - 6.0 * m4) / (n * (n - 1.0));
    (mean, same + sharing + apart - mean * mean)
}

/// Where most values are equal and the others few, the p-value of the latter being neighbours as often as they are;
/// the normal approximation would take two of three rare values side by side for order.
fn few_away_from_the_mode(ranks: &[f64]) -> Option<f64> {
    let mut ascending = ranks.to_vec();
    ascending.sort_by(f64::total_cmp);
    // Were one value the majority, it would hold the middle.
    let mode = ascending[ascending.len() / 2];
    let other = |rank: f64| (rank - mode).abs() > 0.25;
    let n_other = ranks.iter().filter(|r| other(**r)).count() as f64;
    let n = ranks.len() as f64;
    let expected = n_other * (n_other - 1.0) / n;
    if 2.0 * n_other > n || expected >= MANY_PAIRS {
        return None;
    }
    let pairs = ranks.windows(2).filter(|w| other(w[0]) && other(w[1])).count();
    Some(poisson_tail(pairs as f64, expected))
}

fn of_categories(codes: &[Option<u32>]) -> Option<Found> {
    let present: Vec<u32> = codes.iter().flatten().copied().collect();
    let n_names = present.iter().max().map_or(0, |c| *c as usize + 1);
    let mut counts = vec![0_u64; n_names];
    present.iter().for_each(|c| counts[*c as usize] += 1);
    if present.len() < MIN_ROWS || counts.iter().filter(|c| **c > 0).count() < 2 {
        return None;
    }
    Some(Found::new(blocks(&present, &counts), changes(&present, &counts)))
}

/// Cramér's V of categories and ten blocks of rows, and its p-value.
fn blocks(codes: &[u32], counts: &[u64]) -> (f64, f64) {
    let mut compact = vec![None; counts.len()];
    let frequent = (0..counts.len()).filter(|&c| counts[c] >= MIN_IN_BLOCKS);
    let width = frequent.enumerate().map(|(new, old)| compact[old] = Some(new)).count();
    let mut table = vec![0; N_BLOCKS * width];
    for (row, code) in codes.iter().enumerate() {
        if let Some(category) = compact[*code as usize] {
            table[row * N_BLOCKS / codes.len() * width + category] += 1;
        }
    }
    Dependence::of(&table, width)
        .map_or((0.0, 1.0), |d| (d.cramers_v, chi_squared_tail(d.chi_squared, d.degrees_of_freedom)))
}

/// Share of the expected changes between neighbours that is missing, and its p-value.
fn changes(codes: &[u32], counts: &[u64]) -> (f64, f64) {
    let n = codes.len() as f64;
    let counts: Vec<f64> = counts.iter().map(|c| *c as f64).collect();
    let mode = counts.iter().enumerate().max_by(|a, b| a.1.total_cmp(b.1)).map_or(0, |(i, _)| i);
    let equal: f64 = counts.iter().map(|c| c * (c - 1.0) / n).sum();
    let expected = n - 1.0 - equal;
    let fewest = counts.iter().filter(|c| **c > 0.0).count() as f64 - 1.0;
    let seen = codes.windows(2).filter(|w| w[0] != w[1]).count() as f64;
    let strength =
        if expected > fewest { ((expected - seen) / (expected - fewest)).clamp(0.0, 1.0) } else { 0.0 };
    let equal_off_mode = equal - counts[mode] * (counts[mode] - 1.0) / n;
    let off_mode = n - counts[mode];
    let dense = equal_off_mode >= 4.0 && off_mode >= 0.3 * n && equal_off_mode >= 0.05 * n;
    let p = if equal_off_mode >= MANY_PAIRS || dense {
        let variance = change_variance(&counts, n);
        if variance > 0.0 { normal_tail((expected - seen) / variance.sqrt()) } else { 1.0 }
    } else {
        let pairs = codes.windows(2).filter(|w| w[0] == w[1] && w[0] as usize != mode).count();
        poisson_tail(pairs as f64, equal_off_mode)
    };
    (strength, p)
}

/// Variance under permutation of the number of equal (or unequal) neighbours, given how often each category occurs
/// (join counts: Moran 1948, Cliff & Ord 1981).
fn change_variance(counts: &[f64], n: f64) -> f64 {
    let pairs = |c: f64| c * (c - 1.0);
    let two: f64 = counts.iter().map(|c| pairs(*c)).sum();
    let three: f64 = counts.iter().map(|c| pairs(*c) * (c - 2.0)).sum();
    let four_same: f64 = counts.iter().map(|c| pairs(*c) * (c - 2.0) * (c - 3.0)).sum();
    let four_apart = two * two - counts.iter().map(|c| pairs(*c).powi(2)).sum::<f64>();
    let mean = two / n;
    // Of (n − 1)² ordered pairs of joins n − 1 are one join, 2(n − 2) share a row, (n − 2)(n − 3) share none.
    let sharing = 2.0 * three / (n * (n - 1.0));
    let apart = (four_same + four_apart) / (n * (n - 1.0));
    mean + sharing + apart - mean * mean
}

#[cfg(test)]
mod tests {
    use super::super::fixtures::{classes, normals, numbers, sample, texts};
    use super::super::random::Random;
    use super::*;

    fn measured(columns: Vec<SampleColumn>, target: Option<&Target>) -> RowOrder {
        match row_order(&sample(columns), target, &[]) {
            Measured::Is(found) => found,
            Measured::Not(reason) => panic!("{reason}"),
        }
    }

    fn of(found: &RowOrder, column: usize) -> &OrderTest {
        found.tests.iter().find(|t| t.column == column).unwrap()
    }

    #[test]
    fn sorted_columns_are_told_from_shuffled_ones() {
        let mut sorted = normals(200, 1);
        sorted.sort_by(f64::total_cmp);
        let found = measured(
            vec![
                numbers(sorted.iter().copied()),
                numbers(normals(200, 2)),
                texts((0..200).map(|i| if i < 80 { "a" } else { "b" })),
                texts(normals(200, 3).iter().map(|v| if *v > 0.0 { "a" } else { "b" })),
                numbers((0..200).map(|i| f64::from(u8::from(i >= 120)))),
            ],
            Some(&classes(4, &["1", "0"])),
        );
        for column in [0, 2, 4] {
            let test = of(&found, column);
            assert!(test.sorted && test.p_value < 1e-6 && test.clustering > 0.95, "{test:?}");
            assert!(test.trend > 0.9, "{test:?}");
        }
        for column in [1, 3] {
            let test = of(&found, column);
            assert!(!test.sorted && test.p_value > 0.05 && test.trend < 0.2, "{test:?}");
        }
        assert!((of(&found, 2).clustering - 1.0).abs() < 1e-12);
    }

    #[test]
    fn runs_without_a_trend_are_seen() {
        let found = measured(vec![texts((0..400).map(|i| ["a", "b", "c", "d"][i / 8 % 4]))], None);
        let test = &found.tests[0];
        assert!(test.p_value < 1e-6 && test.clustering > 0.8 && test.trend < 0.2, "{test:?}");
    }

    #[test]
    fn spearman_is_pearson_of_ranks() {
        let mut random = Random::new(9);
        let values: Vec<f64> = (0..50).map(|i| random.below(9) as f64 + f64::from(i) / 10.0).collect();
        let positions: Vec<f64> = (0..50).map(f64::from).collect();
        let expected = super::super::correlation::two_pass(&ranks(&values), &positions);
        assert!((of_numbers(&values).unwrap().trend - expected.abs()).abs() < 1e-12);
    }

    /// Moments by shuffling, against the closed forms.
    #[test]
    fn moments_are_those_of_shuffles() {
        let mut random = Random::new(4);
        let mut d: Vec<f64> = ranks(&[1.0, 1.0, 5.0, 2.0, 7.0, 7.0, 7.0, 0.0, 3.0, 4.0, 4.0, 9.0]);
        d.iter_mut().for_each(|r| *r -= 6.5);
        let mut codes = vec![0_u32, 0, 0, 0, 0, 1, 1, 1, 2, 2, 3, 4];
        let counts = [5.0, 3.0, 2.0, 1.0, 1.0];
        let (mut lags, mut unequal) = (Vec::new(), Vec::new());
        for _ in 0..30_000 {
            random.shuffle(&mut d);
            random.shuffle(&mut codes);
            lags.push(d.windows(2).map(|w| w[0] * w[1]).sum::<f64>());
            unequal.push(codes.windows(2).filter(|w| w[0] != w[1]).count() as f64);
        }
        let (mean, variance) = lag_moments(&d);
        let (_, seen_mean, seen_std) = super::super::statistics::moments(&lags);
        assert!((mean - seen_mean).abs() < 0.03 * seen_std, "{mean} {seen_mean}");
        assert!((variance.sqrt() / seen_std - 1.0).abs() < 0.02, "{} {seen_std}", variance.sqrt());
        let (_, _, seen_std) = super::super::statistics::moments(&unequal);
        assert!((change_variance(&counts, 12.0).sqrt() / seen_std - 1.0).abs() < 0.02);
    }

    /// Shuffled columns of every make must hardly ever look ordered.
    #[test]
    fn shuffled_rows_seldom_give_small_p_values() {
        let mut random = Random::new(7);
        let shares: [&[usize]; 6] =
            [&[997, 3], &[100, 100], &[15, 15], &[950, 20, 15, 15], &[60, 5, 5, 2, 1, 1, 1], &[4; 250]];
        for share in shares {
            let mut codes: Vec<Option<u32>> =
                share.iter().enumerate().flat_map(|(code, n)| vec![Some(code as u32); *n]).collect();
            let (mut of_texts, mut of_values) = (0, 0);
            for _ in 0..500 {
                random.shuffle(&mut codes);
                of_texts += u32::from(of_categories(&codes).unwrap().p_value < 0.01);
                let values: Vec<f64> = codes.iter().flatten().map(|c| f64::from(*c)).collect();
                of_values += u32::from(of_numbers(&values).unwrap().p_value < 0.01);
            }
            assert!(of_texts <= 12 && of_values <= 12, "{share:?}: {of_texts} {of_values}");
        }
    }

    #[test]
    fn edges() {
        let reason = |columns| row_order(&sample(columns), None, &[]).reason().map(str::to_owned);
        assert_eq!(reason(vec![]).as_deref(), Some("fewer than 10 rows"));
        assert_eq!(reason(vec![numbers([1.0; 9])]).as_deref(), Some("fewer than 10 rows"));
        let found = measured(
            vec![
                numbers([f64::NAN; 20]),
                numbers([2.0; 20]),
                texts([""; 20]),
                texts(["a"; 20]),
                texts((0..20).map(|i| i.to_string())),
            ],
            None,
        );
        assert_eq!(found.tests.len(), 1);
        assert!(found.tests[0].p_value > 0.99 && found.tests[0].clustering <= 0.0);
        let counter = sample(vec![numbers((0..20).map(f64::from))]);
        assert_eq!(row_order(&counter, None, &[true]).get().map(|f| f.tests.len()), Some(0));
    }
}
