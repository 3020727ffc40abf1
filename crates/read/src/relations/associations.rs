//! Association of all pairs of columns.

use rayon::prelude::*;
use stetho_core::table::{Association, Associations, Measure, Measured};

use super::correlation::{Correlations, Standardised};
use super::random::Random;
use super::statistics::Dependence;
use crate::{Sample, SampleColumn};

/// More number columns than this are not compared: pairs grow with the square.
const MAX_NUMBERS: usize = 1000;
/// More category columns than this are not compared.
const MAX_CATEGORIES: usize = 300;
/// Texts with more names than this are no categories.
const MAX_NAMES: usize = 100;
/// Pairs kept.
const KEPT: usize = 1000;
/// Cells times columns that are at most multiplied; beyond it, a part of the rows is used.
const MAX_WORK: usize = 4_000_000_000;
/// Any two rows lie on a line.
const MIN_ROWS: u64 = 3;

/// Associations of all pairs of feature columns of one kind: Pearson's r of numbers, Cramér's V of categories.
///
/// Pairs in which a column does not vary over the common rows, or that have fewer than three of them, are left out.
pub(crate) fn associations(sample: &Sample, target: Option<usize>) -> Measured<Associations> {
    let features = || sample.columns.iter().enumerate().filter(|(i, _)| Some(*i) != target);
    let numbers: Vec<(usize, &[f64])> = features()
        .filter_map(|(i, column)| match column {
            SampleColumn::Numbers(values) => Some((i, values.as_slice())),
            _ => None,
        })
        .collect();
    let categories: Vec<Categories<'_>> =
        features().filter_map(|(i, column)| Categories::of(i, column)).collect();
    for (n, limit, kind) in
        [(numbers.len(), MAX_NUMBERS, "number"), (categories.len(), MAX_CATEGORIES, "category")]
    {
        if n > limit {
            return Measured::Not(format!(
                "{n} {kind} columns; associations are measured for at most {limit}"
            ));
        }
    }
    let mut pairs = correlations(&numbers, sample.rows.len());
    pairs.extend(dependences(&categories));
    pairs.sort_by(|x, y| y.value.abs().total_cmp(&x.value.abs()).then((x.a, x.b).cmp(&(y.a, y.b))));
    pairs.truncate(KEPT);
    Measured::Is(Associations { pairs, n_rows: sample.rows.len() as u64 })
}

fn correlations(numbers: &[(usize, &[f64])], n_rows: usize) -> Vec<Association> {
    let limit = MAX_WORK / numbers.len().pow(2).max(1);
    let columns = if n_rows > limit {
        let rows = Random::new(0).choose(n_rows, limit);
        let fewer: Vec<(usize, Vec<f64>)> =
            numbers.iter().map(|(i, values)| (*i, rows.iter().map(|&r| values[r]).collect())).collect();
        Standardised::of(fewer.iter().map(|(i, values)| (*i, values.as_slice())))
    } else {
        Standardised::of(numbers.iter().copied())
    };
    let correlations = Correlations::of(&columns.values);
    let mut pairs = Vec::new();
    for (x, &a) in columns.indices.iter().enumerate() {
        for (y, &b) in columns.indices.iter().enumerate().skip(x + 1) {
            let n = correlations.n(x, y);
            if let Some(value) = correlations.r(x, y).filter(|_| n >= MIN_ROWS) {
                pairs.push(Association { a, b, measure: Measure::Pearson, value, n });
            }
        }
    }
    pairs
}

/// A category column without the names that the sample does not have: codes from 1, and 0 for null.
struct Categories<'a> {
    index: usize,
    codes: &'a [Option<u32>],
    width: usize,
}

impl<'a> Categories<'a> {
    fn of(index: usize, column: &'a SampleColumn) -> Option<Self> {
        let SampleColumn::Categories { codes, names } = column else { return None };
        (2..=MAX_NAMES).contains(&names.len()).then_some(Self { index, codes, width: names.len() })
    }

    fn dependence(&self, other: &Self) -> Option<Dependence> {
        let mut counts = vec![0; self.width * other.width];
        for (a, b) in self.codes.iter().zip(other.codes) {
            if let (Some(a), Some(b)) = (a, b)
                && let Some(count) = counts.get_mut(*a as usize * other.width + *b as usize)
            {
                *count += 1;
            }
        }
        Dependence::of(&counts, other.width)
    }
}

fn dependences(categories: &[Categories<'_>]) -> Vec<Association> {
    let of_pairs_with = |x: usize| {
        let a = &categories[x];
        let pair = move |b: &Categories<'_>| {
            let Dependence { cramers_v, n, .. } = a.dependence(b)?;
            let association =
                Association { a: a.index, b: b.index, measure: Measure::CramersV, value: cramers_v, n };
            (n >= MIN_ROWS).then_some(association)
        };
        categories[x + 1..].iter().filter_map(pair).collect::<Vec<_>>()
    };
    (0..categories.len()).into_par_iter().flat_map_iter(of_pairs_with).collect()
}

#[cfg(test)]
mod tests {
    use super::super::fixtures::{normals, numbers, sample, texts};
    use super::*;

    fn measured(columns: Vec<SampleColumn>, target: Option<usize>) -> Associations {
        match associations(&sample(columns), target) {
            Measured::Is(found) => found,
            Measured::Not(reason) => panic!("{reason}"),
        }
    }

    #[test]
    fn equal_columns_come_first() {
        let (x, noise) = (normals(200, 1), normals(200, 2));
        let found = measured(
            vec![
                numbers(x.iter().copied()),
                numbers(noise.iter().copied()),
                numbers(x.iter().map(|v| 3.0 - 2.0 * v)),
                texts(x.iter().map(|v| if *v > 0.0 { "high" } else { "low" })),
                texts(noise.iter().map(|v| if *v > 0.0 { "a" } else { "b" })),
                texts(x.iter().map(|v| if *v > 0.0 { "1" } else { "0" })),
            ],
            None,
        );
        let top: Vec<(usize, usize)> = found.pairs.iter().take(2).map(|p| (p.a, p.b)).collect();
        assert!(top.contains(&(0, 2)) && top.contains(&(3, 5)), "{top:?}");
        assert!(found.pairs[..2].iter().all(|p| (p.value.abs() - 1.0).abs() < 1e-9 && p.n == 200));
        assert!(found.pairs[2..].iter().all(|p| p.value.abs() < 0.3));
        // Three pairs of numbers, three of categories, none across.
        assert_eq!(found.pairs.len(), 6);
        assert_eq!(found.n_rows, 200);
    }

    #[test]
    fn target_constants_and_long_texts_are_left_out() {
        let x = normals(150, 1);
        let found = measured(
            vec![
                numbers(x.iter().copied()),
                numbers(x.iter().copied()),
                numbers([1.0; 150]),
                numbers([f64::NAN; 150]),
                texts((0..150).map(|i| i.to_string())),
                texts((0..150).map(|i| i.to_string())),
                texts(["same"; 150]),
                SampleColumn::Absent,
            ],
            Some(1),
        );
        assert!(found.pairs.is_empty(), "{found:?}");
    }

    #[test]
    fn missing_cells_leave_their_rows_out() {
        let found = measured(
            vec![numbers([1.0, 2.0, 3.0, f64::NAN, 4.0]), numbers([2.0, 4.0, 6.0, -100.0, f64::NAN])],
            None,
        );
        assert_eq!(found.pairs.len(), 1);
        assert!((found.pairs[0].value - 1.0).abs() < 1e-12);
        assert_eq!(found.pairs[0].n, 3);
    }

    #[test]
    fn tiny_tables_have_no_pairs() {
        assert!(measured(vec![], None).pairs.is_empty());
        assert!(measured(vec![numbers([]), numbers([])], None).pairs.is_empty());
        assert!(measured(vec![numbers([1.0]), numbers([1.0])], None).pairs.is_empty());
        assert!(measured(vec![numbers([1.0, 2.0]), numbers([1.0, 2.0])], None).pairs.is_empty());
    }

    #[test]
    fn too_many_columns_say_so() {
        let wide = sample((0..10_000).map(|i| numbers([f64::from(i), 1.0, 2.0])).collect());
        let found = associations(&wide, None);
        assert_eq!(found.reason(), Some("10000 number columns; associations are measured for at most 1000"));
    }
}
