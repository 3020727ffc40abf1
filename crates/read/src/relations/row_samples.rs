//! Rows to look at, and a map of them.

use stetho_core::table::{Kind, Measured, RowSamples};

use super::correlation::{Correlations, Standardised};
use super::statistics::standardised;
use crate::measure::mix;
use crate::principal::Axes;
use crate::{Sample, SampleColumn};

/// Rows that are shown.
const SHOWN: usize = 300;
/// Fewer rows than this are no map.
const MIN_ROWS: usize = 10;
/// Columns that the map rests on: the first of more.
const MAX_COLUMNS: usize = 500;

/// The sampled rows with the smallest hash of their number, at most 300, and where they lie on the first two principal
/// components of the standardised number and boolean columns.
///
/// Missing cells count as the column's mean. Left out of the map are the target, columns that count rows, and columns
/// with more than half their cells empty; rows have no place where fewer than two columns or ten rows remain.
pub(crate) fn row_samples(
    sample: &Sample,
    target: Option<usize>,
    kinds: &[Kind],
    counters: &[bool],
) -> Measured<RowSamples> {
    if sample.rows.is_empty() {
        return Measured::Not("the data has no rows".into());
    }
    let hash = |at: &usize| mix(sample.rows[*at].row.wrapping_add(0x9E37_79B9_7F4A_7C15));
    let mut chosen: Vec<usize> = (0..sample.rows.len()).collect();
    chosen.sort_by_key(hash);
    chosen.truncate(SHOWN);
    chosen.sort_unstable();
    let columns = features(sample, target, kinds, counters);
    let axes = if sample.rows.len() < MIN_ROWS { None } else { axes(&columns) };
    let place = |at: usize| {
        let row: Vec<f64> = columns.iter().filter_map(|column| column.get(at)).copied().collect();
        axes.as_ref().map(|axes| axes.place(&row))
    };
    Measured::Is(RowSamples {
        rows: chosen.iter().map(|&at| (sample.rows[at], place(at))).collect(),
        explained: axes.as_ref().map_or([0.0; 2], |axes| axes.explained),
    })
}

/// Standardised columns without gaps.
fn features(sample: &Sample, target: Option<usize>, kinds: &[Kind], counters: &[bool]) -> Vec<Vec<f64>> {
    let usable = sample.columns.iter().enumerate().filter_map(|(i, column)| match (column, kinds.get(i)) {
        (SampleColumn::Numbers(values), Some(Kind::Number | Kind::Boolean)) => {
            let is_counter = counters.get(i).copied().unwrap_or(false);
            let n_missing = values.iter().filter(|v| v.is_nan()).count();
            (Some(i) != target && !is_counter && 2 * n_missing <= values.len())
                .then_some((i, values.as_slice()))
        }
        _ => None,
    });
    let columns = Standardised::of(usable.take(MAX_COLUMNS)).values;
    let filled =
        |column: Vec<f64>| column.into_iter().map(|v| if v.is_nan() { 0.0 } else { v }).collect::<Vec<_>>();
    columns.into_iter().filter_map(|column| standardised(&filled(column))).collect()
}

/// Principal components of the correlation matrix.
fn axes(columns: &[Vec<f64>]) -> Option<Axes> {
    if columns.len() < 2 {
        return None;
    }
    Axes::of(Correlations::of(columns).matrix())
}

#[cfg(test)]
mod tests {
    use super::super::fixtures::{normals, numbers, sample, texts};
    use super::*;

    fn of(columns: Vec<SampleColumn>, target: Option<usize>) -> RowSamples {
        let kinds: Vec<Kind> = columns
            .iter()
            .map(|c| if matches!(c, SampleColumn::Numbers(_)) { Kind::Number } else { Kind::Text })
            .collect();
        match row_samples(&sample(columns), target, &kinds, &vec![false; kinds.len()]) {
            Measured::Is(samples) => samples,
            Measured::Not(reason) => panic!("{reason}"),
        }
    }

    #[test]
    fn two_columns_lie_along_their_sum_and_difference() {
        let (x, e) = (normals(400, 1), normals(400, 2));
        let y: Vec<f64> = x.iter().zip(&e).map(|(x, e)| 100.0 * (0.6 * x + 0.8 * e)).collect();
        let r = super::super::correlation::two_pass(&x, &y);
        let (zx, zy) = (standardised(&x).unwrap(), standardised(&y).unwrap());
        let found = of(vec![numbers(x), texts(["a"; 400]), numbers(y)], None);
        assert_eq!(found.rows.len(), 300);
        assert!((f64::from(found.explained[0]) - f64::midpoint(1.0, r)).abs() < 1e-6);
        assert!((f64::from(found.explained[1]) - (1.0 - r) / 2.0).abs() < 1e-6);
        for (id, place) in &found.rows {
            let row = id.row as usize;
            let along = (zx[row] + zy[row]) / 2.0_f64.sqrt();
            assert!((f64::from(place.unwrap()[0]) - along).abs() < 1e-4);
        }
        assert!(found.rows.windows(2).all(|w| w[0].0 < w[1].0));
    }

    #[test]
    fn gaps_count_as_the_mean_and_the_target_is_left_out() {
        let mut x = normals(50, 1);
        x[7] = f64::NAN;
        let found = of(vec![numbers(x), numbers(normals(50, 2)), numbers(normals(50, 3))], Some(2));
        assert!(found.rows.iter().all(|(_, place)| place.is_some_and(|p| p.iter().all(|v| v.is_finite()))));
        assert!((found.explained[0] + found.explained[1] - 1.0).abs() < 1e-5, "two columns, two axes");
    }

    #[test]
    fn too_few_rows_or_columns_are_shown_without_a_map() {
        for (n, columns) in [(9, 3), (50, 1)] {
            let found = of((0..columns).map(|i| numbers(normals(n, i))).collect(), None);
            assert_eq!((found.rows.len(), found.explained), (n, [0.0; 2]));
            assert!(found.rows.iter().all(|(_, place)| place.is_none()));
        }
        assert_eq!(row_samples(&sample(vec![]), None, &[], &[]).reason(), Some("the data has no rows"));
    }
}
