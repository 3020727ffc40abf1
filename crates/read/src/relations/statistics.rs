//! Statistics that several measurements share.

/// Number of the values that are not NaN, their mean and their standard deviation (divisor n − 1).
///
/// Values are scaled by the largest first, so that nothing overflows.
pub(super) fn moments(values: &[f64]) -> (usize, f64, f64) {
    let scale = values.iter().fold(0.0_f64, |m, v| m.max(v.abs()));
    let n = values.iter().filter(|v| !v.is_nan()).count();
    if n == 0 || scale <= 0.0 {
        return (n, 0.0, 0.0);
    }
    let scaled = || values.iter().filter(|v| !v.is_nan()).map(|v| v / scale);
    let mean = scaled().sum::<f64>() / n as f64;
    let squares: f64 = scaled().map(|v| (v - mean) * (v - mean)).sum();
    (n, mean * scale, (squares / (n.max(2) - 1) as f64).sqrt() * scale)
}

/// Whether two or more different values are among those that are not NaN.
pub(super) fn varies(values: &[f64]) -> bool {
    distinct_up_to(values, 2) == 2
}

/// How many different values there are, counted up to `limit` (small); NaN is not a value.
pub(super) fn distinct_up_to(values: &[f64], limit: usize) -> usize {
    let mut seen: Vec<f64> = Vec::with_capacity(limit);
    for &value in values.iter().filter(|v| !v.is_nan()) {
        if seen.len() == limit {
            break;
        }
        if !seen.iter().any(|s| s.partial_cmp(&value) == Some(std::cmp::Ordering::Equal)) {
            seen.push(value);
        }
    }
    seen.len()
}

/// Values less their mean, over their standard deviation; NaN stays NaN. `None` where fewer than two values differ.
pub(super) fn standardised(values: &[f64]) -> Option<Vec<f64>> {
    if !varies(values) {
        return None;
    }
    let scale = values.iter().fold(0.0_f64, |m, v| m.max(v.abs()));
    let mut scaled: Vec<f64> = values.iter().map(|v| v / scale).collect();
    let (_, mean, std) = moments(&scaled);
    scaled.iter_mut().for_each(|v| *v = (*v - mean) / std);
    (std > 0.0).then_some(scaled)
}

/// The quantile of ascending values at `rank` in [0, 1], type 7 of Hyndman & Fan 1996; 0 for no values.
pub(super) fn quantile(ascending: &[f64], rank: f64) -> f64 {
    let Some(last) = ascending.len().checked_sub(1) else { return 0.0 };
    let position = rank.clamp(0.0, 1.0) * last as f64;
    let below = position.floor() as usize;
    let above = (below + 1).min(last);
    ascending[below] + (ascending[above] - ascending[below]) * (position - below as f64)
}

/// Indices of the values that are not NaN, by ascending value, equal ones by index.
pub(super) fn ascending_order(values: &[f64]) -> Vec<u32> {
    // Adding zero makes −0 and 0 alike.
    let mut keyed: Vec<(f64, u32)> =
        values.iter().enumerate().filter(|(_, v)| !v.is_nan()).map(|(i, v)| (v + 0.0, i as u32)).collect();
    keyed.sort_unstable_by(|a, b| a.0.total_cmp(&b.0).then(a.1.cmp(&b.1)));
    keyed.into_iter().map(|(_, i)| i).collect()
}

/// Ranks from 1, equal values sharing the mean of theirs. Values must not be NaN.
pub(super) fn ranks(values: &[f64]) -> Vec<f64> {
    let order = ascending_order(values);
    let mut ranks = vec![0.0; values.len()];
    let mut start = 0;
    while start < order.len() {
        let first = values[order[start] as usize];
        let length = order[start..].iter().take_while(|&&i| values[i as usize] <= first).count();
        let rank = start as f64 + (length as f64 + 1.0) / 2.0;
        for &i in &order[start..start + length] {
            ranks[i as usize] = rank;
        }
        start += length;
    }
    ranks
}

/// Rows that were given one score.
#[derive(Clone, Copy, Debug)]
pub(super) struct Scored {
    /// The score.
    pub score: f64,
    /// Rows of the class in question.
    pub positives: f64,
    /// All other rows.
    pub negatives: f64,
}

/// Area under the ROC curve: the chance that a positive scores above a negative, ties counting half. 0.5 where
/// either is missing.
pub(super) fn auc(scored: &mut [Scored]) -> f64 {
    scored.sort_unstable_by(|a, b| a.score.total_cmp(&b.score));
    let (mut won, mut positives, mut negatives) = (0.0, 0.0, 0.0);
    let mut start = 0;
    while start < scored.len() {
        let first = scored[start].score;
        let (mut tied_positives, mut tied_negatives) = (0.0, 0.0);
        while let Some(row) = scored.get(start).filter(|row| row.score <= first) {
            tied_positives += row.positives;
            tied_negatives += row.negatives;
            start += 1;
        }
        won += tied_positives * (negatives + tied_negatives / 2.0);
        positives += tied_positives;
        negatives += tied_negatives;
    }
    if positives > 0.0 && negatives > 0.0 { won / (positives * negatives) } else { 0.5 }
}

/// What a table of counts says about the dependence of its rows on its columns.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Dependence {
    /// Pearson's chi-squared.
    pub chi_squared: f64,
    /// (rows − 1) · (columns − 1), empty ones not counted.
    pub degrees_of_freedom: f64,
    /// Cramér's V, bias-corrected (Bergsma 2013).
    pub cramers_v: f64,
    /// Sum of all counts.
    pub n: u64,
}

impl Dependence {
    /// Of a row-major table of counts with `width` columns. `None` where fewer than two rows or columns have counts,
    /// or where there are as many kinds as counts.
    pub(super) fn of(counts: &[u32], width: usize) -> Option<Self> {
        let width = width.max(1);
        let mut of_column = vec![0.0_f64; width];
        let mut of_row = Vec::with_capacity(counts.len() / width);
        for row in counts.chunks_exact(width) {
            let mut sum = 0.0;
            for (total, &count) in of_column.iter_mut().zip(row) {
                *total += f64::from(count);
                sum += f64::from(count);
            }
            of_row.push(sum);
        }
        let n: f64 = of_row.iter().sum();
        let n_rows = of_row.iter().filter(|&&c| c > 0.0).count() as f64;
        let n_columns = of_column.iter().filter(|&&c| c > 0.0).count() as f64;
        if n_rows < 2.0 || n_columns < 2.0 {
            return None;
        }
        let mut squares = 0.0;
        for (row, row_sum) in counts.chunks_exact(width).zip(&of_row) {
            for (&count, column_sum) in row.iter().zip(&of_column) {
                if count > 0 {
                    squares += f64::from(count) * f64::from(count) / (row_sum * column_sum);
                }
            }
        }
        let phi_squared = (squares - 1.0).max(0.0);
        let bias = (n_rows - 1.0) * (n_columns - 1.0) / (n - 1.0);
        let rows = n_rows - 1.0 - (n_rows - 1.0).powi(2) / (n - 1.0);
        let columns = n_columns - 1.0 - (n_columns - 1.0).powi(2) / (n - 1.0);
        let smaller = rows.min(columns);
        (smaller > 1e-9).then(|| Self {
            chi_squared: phi_squared * n,
            degrees_of_freedom: (n_rows - 1.0) * (n_columns - 1.0),
            cramers_v: ((phi_squared - bias).max(0.0) / smaller).sqrt().min(1.0),
            n: n as u64,
        })
    }
}

/// The chance that a standard normal variable exceeds `z`; relative error below 2e-7 (Numerical Recipes, `erfc`).
pub(super) fn normal_tail(z: f64) -> f64 {
    let x = z.abs() / std::f64::consts::SQRT_2;
    let t = 1.0 / (1.0 + 0.5 * x);
    let series = [
        -1.265_512_23,
        1.000_023_68,
        0.374_091_96,
        0.096_784_18,
        -0.186_288_06,
        0.278_868_07,
        -1.135_203_98,
        1.488_515_87,
        -0.822_152_23,
        0.170_872_77,
    ];
    let exponent = series.iter().rev().fold(0.0, |sum, c| sum * t + c) - x * x;
    let tail = 0.5 * t * exponent.exp();
    if z >= 0.0 { tail } else { 1.0 - tail }
}

/// The chance that a chi-squared variable exceeds `x`.
pub(super) fn chi_squared_tail(x: f64, degrees_of_freedom: f64) -> f64 {
    1.0 - lower_gamma(degrees_of_freedom / 2.0, x / 2.0)
}

/// The chance that a Poisson variable of mean `mean` is `count` or more.
pub(super) fn poisson_tail(count: f64, mean: f64) -> f64 {
    if count < 1.0 { 1.0 } else { lower_gamma(count, mean) }
}

/// The regularised lower incomplete gamma function P(a, x): its series below a + 1, its continued fraction above
/// (Numerical Recipes, `gammp`).
fn lower_gamma(a: f64, x: f64) -> f64 {
    if x <= 0.0 || a <= 0.0 {
        return 0.0;
    }
    let front = (a * x.ln() - x - ln_gamma(a)).exp();
    let steps = 200 + 10 * a.sqrt() as usize;
    if x < a + 1.0 {
        let (mut term, mut sum, mut at) = (1.0 / a, 1.0 / a, a);
        for _ in 0..steps {
            at += 1.0;
            term *= x / at;
            sum += term;
            if term < sum * 1e-15 {
                break;
            }
        }
        return (sum * front).min(1.0);
    }
    let tiny = 1e-300;
    let mut b = x + 1.0 - a;
    let (mut c, mut d) = (1.0 / tiny, 1.0 / b);
    let mut fraction = d;
    for i in 1..=steps {
        let i = i as f64;
        let numerator = -i * (i - a);
        b += 2.0;
        d = 1.0 / nonzero(numerator * d + b, tiny);
        c = nonzero(b + numerator / c, tiny);
        fraction *= d * c;
        if (d * c - 1.0).abs() < 1e-15 {
            break;
        }
    }
    (1.0 - front * fraction).clamp(0.0, 1.0)
}

fn nonzero(x: f64, tiny: f64) -> f64 {
    if x.abs() < tiny { tiny } else { x }
}

/// ln Γ(x) for x > 0 (Lanczos, g = 5, six terms; error below 2e-10).
fn ln_gamma(x: f64) -> f64 {
    let terms = [
        76.180_091_729_471_46,
        -86.505_320_329_416_77,
        24.014_098_240_830_91,
        -1.231_739_572_450_155,
        0.001_208_650_973_866_179,
        -0.000_005_395_239_384_953,
    ];
    let base = x + 5.5;
    let mut sum = 1.000_000_000_190_015;
    for (i, term) in terms.iter().enumerate() {
        sum += term / (x + 1.0 + i as f64);
    }
    (x + 0.5) * base.ln() - base + (2.506_628_274_631_000_5 * sum / x).ln()
}

#[cfg(test)]
mod tests {
    use super::super::random::Random;
    use super::*;

    #[test]
    fn tails_have_their_textbook_values() {
        assert!((normal_tail(1.959_964) - 0.025).abs() < 1e-7);
        assert!((normal_tail(-1.0) - 0.841_344_7).abs() < 1e-6);
        assert!((normal_tail(6.0) / 9.865_9e-10 - 1.0).abs() < 1e-4);
        assert!((chi_squared_tail(3.841_459, 1.0) - 0.05).abs() < 1e-6);
        assert!((chi_squared_tail(16.918_98, 9.0) - 0.05).abs() < 1e-6);
        assert!((chi_squared_tail(124.342_1, 100.0) - 0.05).abs() < 1e-6);
        // 1 − e⁻² (1 + 2)
        assert!((poisson_tail(2.0, 2.0) - (1.0 - 3.0 * (-2.0_f64).exp())).abs() < 1e-9);
        assert!((poisson_tail(0.0, 2.0) - 1.0).abs() < 1e-12);
    }

    #[test]
    fn ranks_share_ties() {
        assert_eq!(ranks(&[3.0, 1.0, 3.0, -0.0, 0.0]), [4.5, 3.0, 4.5, 1.5, 1.5]);
        assert!(ranks(&[]).is_empty());
    }

    #[test]
    fn auc_is_the_share_of_won_pairs() {
        let mut random = Random::new(5);
        for _ in 0..50 {
            let rows: Vec<(f64, bool)> =
                (0..40).map(|_| (random.below(8) as f64, random.below(3) == 0)).collect();
            let (mut won, mut pairs) = (0.0, 0.0);
            for p in rows.iter().filter(|r| r.1) {
                for n in rows.iter().filter(|r| !r.1) {
                    pairs += 1.0;
                    won += if p.0 > n.0 { 1.0 } else { 0.5 * f64::from(u8::from(p.0 >= n.0)) };
                }
            }
            let mut scored: Vec<Scored> = rows
                .iter()
                .map(|r| Scored {
                    score: r.0,
                    positives: f64::from(u8::from(r.1)),
                    negatives: f64::from(u8::from(!r.1)),
                })
                .collect();
            let expected = if pairs > 0.0 { won / pairs } else { 0.5 };
            assert!((auc(&mut scored) - expected).abs() < 1e-12);
        }
    }

    #[test]
    fn standardised_survives_extremes() {
        for scale in [1e-300, 1.0, 1e300] {
            let z = standardised(&[-1.7 * scale, 0.0, f64::NAN, 1.7 * scale]).unwrap();
            assert!((z[3] - 1.0).abs() < 1e-9, "{z:?}");
            assert!(z[2].is_nan());
        }
        let z = standardised(&[f64::MIN, f64::MAX, f64::MAX]).unwrap();
        assert!(z.iter().all(|v| v.is_finite()));
        assert!(standardised(&[f64::NAN, 2.0, 2.0]).is_none());
        assert!(standardised(&[]).is_none());
    }

    #[test]
    fn cramers_v_of_known_tables() {
        // One to one: 1, whatever the sizes.
        let one_to_one = Dependence::of(&[7, 0, 0, 0, 20, 0, 0, 0, 3], 3).unwrap();
        assert!((one_to_one.cramers_v - 1.0).abs() < 1e-12);
        // Independent: 0.
        assert!(Dependence::of(&[10, 20, 20, 40], 2).unwrap().cramers_v < 1e-12);
        // By hand: χ² = 100 · (40·30 − 10·20)² / (50·50·60·40) = 50/3.
        let d = Dependence::of(&[40, 10, 20, 30], 2).unwrap();
        assert!((d.chi_squared - 50.0 / 3.0).abs() < 1e-9);
        let expected = ((1.0 / 6.0 - 1.0 / 99.0) / (1.0 - 1.0 / 99.0_f64)).sqrt();
        assert!((d.cramers_v - expected).abs() < 1e-12);
        assert!(Dependence::of(&[5, 0, 5, 0], 2).is_none());
        assert!(Dependence::of(&[1, 0, 0, 1], 2).is_none());
        assert!(Dependence::of(&[], 0).is_none());
    }
}
