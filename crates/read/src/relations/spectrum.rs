//! Eigenvalues of the correlation matrix.

use nalgebra::SymmetricEigen;
use stetho_core::table::{Kind, Measured, Spectrum};

use super::correlation::{Correlations, Standardised};
use super::statistics::standardised;
use crate::{Sample, SampleColumn};

/// More columns than this are not decomposed: the time grows with the cube.
const MAX_COLUMNS: usize = 500;
/// Columns that correlate as much as this are represented by the first of them.
const NEARLY_EQUAL: f64 = 0.95;
/// With fewer rows a column than this, small eigenvalues are an artefact of the sample.
const MIN_ROWS_PER_COLUMN: usize = 3;
/// Weights kept of the weakest combination.
const KEPT: usize = 10;

/// Eigenvalues of the correlation matrix of the number and boolean columns of `kinds`, the target left out.
///
/// Over complete rows where at least half of the rows are and they suffice; otherwise missing cells are set to the
/// column's mean, which never makes a matrix look worse conditioned than it is.
pub(crate) fn spectrum(sample: &Sample, target: Option<usize>, kinds: &[Kind]) -> Measured<Spectrum> {
    let n_rows = sample.rows.len();
    let usable = sample.columns.iter().enumerate().filter_map(|(i, column)| match (column, kinds.get(i)) {
        (SampleColumn::Numbers(values), Some(Kind::Number | Kind::Boolean)) if Some(i) != target => {
            (2 * missing(values) <= values.len()).then_some((i, values.as_slice()))
        }
        _ => None,
    });
    let columns = Standardised::of(usable);
    let n = columns.indices.len();
    if n > MAX_COLUMNS {
        return Measured::Not(format!(
            "{n} number columns; eigenvalues are measured for at most {MAX_COLUMNS}"
        ));
    }
    let columns = without_gaps(without_copies(columns), n_rows);
    let (n, n_rows) = (columns.indices.len(), columns.values.first().map_or(n_rows, Vec::len));
    if n < 2 {
        return Measured::Not("fewer than two number columns that vary and are not near copies".into());
    }
    if n_rows <= MIN_ROWS_PER_COLUMN * n {
        return Measured::Not(format!(
            "{n_rows} rows for {n} number columns; eigenvalues need more than {MIN_ROWS_PER_COLUMN} rows a column"
        ));
    }
    match decomposed(&columns) {
        Some((eigenvalues, weakest)) => {
            Measured::Is(Spectrum { columns: columns.indices, eigenvalues, weakest, n_rows: n_rows as u64 })
        }
        None => Measured::Not("the eigenvalues did not converge".into()),
    }
}

fn missing(values: &[f64]) -> usize {
    values.iter().filter(|v| v.is_nan()).count()
}

/// Leaves out, in the order of columns, each that nearly equals one kept before.
fn without_copies(columns: Standardised) -> Standardised {
    let correlations = Correlations::of(&columns.values);
    let mut kept: Vec<usize> = Vec::new();
    for a in 0..columns.indices.len() {
        if kept.iter().all(|&b| correlations.r(a, b).is_none_or(|r| r.abs() < NEARLY_EQUAL)) {
            kept.push(a);
        }
    }
    let mut kept = kept.into_iter().peekable();
    let pairs = columns.indices.into_iter().zip(columns.values).enumerate();
    let (indices, values) =
        pairs.filter(|(at, _)| kept.next_if_eq(at).is_some()).map(|(_, column)| column).unzip();
    Standardised { indices, values }
}

/// Complete rows alone, or gaps filled with the mean; then in a common scale again.
fn without_gaps(columns: Standardised, n_rows: usize) -> Standardised {
    if !columns.values.iter().flatten().any(|v| v.is_nan()) {
        return columns;
    }
    let complete: Vec<usize> =
        (0..n_rows).filter(|&row| columns.values.iter().all(|c| !c[row].is_nan())).collect();
    let enough = 2 * complete.len() >= n_rows && complete.len() > MIN_ROWS_PER_COLUMN * columns.indices.len();
    let filled = |column: &Vec<f64>| -> Option<Vec<f64>> {
        if enough {
            standardised(&complete.iter().map(|&row| column[row]).collect::<Vec<_>>())
        } else {
            standardised(&column.iter().map(|v| if v.is_nan() { 0.0 } else { *v }).collect::<Vec<_>>())
        }
    };
    let pairs = columns.indices.iter().zip(&columns.values);
    let (indices, values) = pairs.filter_map(|(i, column)| Some((*i, filled(column)?))).unzip();
    Standardised { indices, values }
}

type Decomposition = (Vec<f64>, Vec<(usize, f64)>);

/// Ascending eigenvalues, and the weights of the weakest combination, the largest positive.
fn decomposed(columns: &Standardised) -> Option<Decomposition> {
    let n = columns.indices.len();
    let matrix = Correlations::of(&columns.values).matrix();
    let eigen = SymmetricEigen::try_new(matrix, f64::EPSILON, 100 * n.max(10))?;
    let mut eigenvalues: Vec<f64> = eigen.eigenvalues.iter().map(|v| v.max(0.0)).collect();
    let weakest = (0..n).min_by(|&a, &b| eigen.eigenvalues[a].total_cmp(&eigen.eigenvalues[b]))?;
    eigenvalues.sort_by(f64::total_cmp);
    let vector = eigen.eigenvectors.column(weakest);
    let mut weights: Vec<(usize, f64)> =
        columns.indices.iter().copied().zip(vector.iter().copied()).collect();
    weights.sort_by(|a, b| b.1.abs().total_cmp(&a.1.abs()).then(a.0.cmp(&b.0)));
    weights.truncate(KEPT);
    let sign = weights.first().map_or(1.0, |w| w.1.signum());
    weights.iter_mut().for_each(|w| w.1 *= sign);
    Some((eigenvalues, weights))
}

#[cfg(test)]
mod tests {
    use super::super::fixtures::{normals, numbers, sample, texts};
    use super::*;

    fn of(columns: Vec<SampleColumn>, target: Option<usize>) -> Measured<Spectrum> {
        let kinds: Vec<Kind> = columns
            .iter()
            .map(|c| if matches!(c, SampleColumn::Numbers(_)) { Kind::Number } else { Kind::Text })
            .collect();
        spectrum(&sample(columns), target, &kinds)
    }

    fn measured(columns: Vec<SampleColumn>) -> Spectrum {
        match of(columns, None) {
            Measured::Is(found) => found,
            Measured::Not(reason) => panic!("{reason}"),
        }
    }

    #[test]
    fn two_columns_have_one_plus_minus_r() {
        let (x, e) = (normals(400, 1), normals(400, 2));
        let y: Vec<f64> = x.iter().zip(&e).map(|(x, e)| 1e6 * (0.6 * x + 0.8 * e)).collect();
        let r = super::super::correlation::two_pass(&x, &y);
        let found = measured(vec![numbers(x), texts(["a"; 400]), numbers(y)]);
        assert_eq!(found.columns, [0, 2]);
        assert!((found.eigenvalues[0] - (1.0 - r)).abs() < 1e-9);
        assert!((found.eigenvalues[1] - (1.0 + r)).abs() < 1e-9);
        assert!((found.weakest[0].1 - 0.5_f64.sqrt()).abs() < 1e-9);
        assert!((found.weakest[1].1 + 0.5_f64.sqrt()).abs() < 1e-9);
    }

    #[test]
    fn a_sum_of_columns_is_found_although_no_pair_tells() {
        let columns: Vec<Vec<f64>> = (0..4).map(|i| normals(500, i)).collect();
        let sum = (0..500).map(|row| columns[0][row] + columns[1][row] + columns[2][row]);
        let gaps = |v: f64, row: usize| if row.is_multiple_of(17) { f64::NAN } else { v };
        let mut all: Vec<SampleColumn> = vec![numbers(sum.enumerate().map(|(row, v)| gaps(v, row)))];
        all.extend(columns.iter().map(|c| numbers(c.iter().copied())));
        let found = measured(all);
        assert!(found.eigenvalues[0] < 1e-9, "{:?}", found.eigenvalues);
        assert!(found.eigenvalues[1] > 0.1);
        assert_eq!(found.weakest[0].0, 0);
        assert!(found.weakest[4].0 == 4 && found.weakest[4].1.abs() < 1e-6);
        assert!((found.eigenvalues.iter().sum::<f64>() - 5.0).abs() < 1e-9);
    }

    #[test]
    fn copies_constants_and_empty_columns_are_left_out() {
        let (x, y) = (normals(100, 1), normals(100, 2));
        let found = measured(vec![
            numbers(x.iter().copied()),
            numbers(x.iter().map(|v| -v)),
            numbers([3.0; 100]),
            numbers((0..100).map(|i| if i < 60 { f64::NAN } else { f64::from(i) })),
            numbers(y),
        ]);
        assert_eq!(found.columns, [0, 4]);
    }

    #[test]
    fn says_why_not() {
        let reason = |columns, target| of(columns, target).reason().unwrap_or_default().to_owned();
        assert!(reason(vec![], None).starts_with("fewer than two number columns"));
        assert!(reason(vec![numbers([]), numbers([])], None).starts_with("fewer than two"));
        assert!(reason(vec![numbers(normals(9, 1)), numbers(normals(9, 2))], Some(1)).starts_with("fewer"));
        assert_eq!(
            reason(vec![numbers(normals(6, 1)), numbers(normals(6, 2))], None),
            "6 rows for 2 number columns; eigenvalues need more than 3 rows a column"
        );
        let wide = (0..10_000).map(|i| numbers([f64::from(i), 1.0, 2.0])).collect();
        assert!(reason(wide, None).starts_with("10000 number columns"));
        assert!(reason(vec![numbers([f64::NAN; 9]), numbers([1.0; 9])], None).starts_with("fewer"));
    }
}
