//! SMOTE: new rows between a row and one of its nearest neighbours of the same class (Chawla et al. 2002).

use rayon::prelude::*;
use stetho_core::table::{Kind, Part};

use super::cells::show_number;
use super::{Cell, Sheet, Work};
use crate::PrepareError;
use crate::resample::Classes;
use stetho_core::Random;

/// Neighbours between which rows are made.
const NEIGHBOURS: usize = 5;

/// A row to be made: from `base` a share of the way to one of its neighbours.
struct Made {
    base: usize,
    neighbour: usize,
    share: f64,
}

impl Work<'_> {
    /// The training part with new rows of rare classes, in random order.
    pub(super) fn smote(
        &self,
        at: usize,
        target: usize,
        classes: &Classes,
        random: &mut Random,
    ) -> Result<Sheet, PrepareError> {
        let (features, values) = self.smote_values(at)?;
        let Some(sheet) = self.book.sheets.get(at) else { return Ok(Sheet::default()) };
        let points = standardised(&values, sheet.n_rows());
        let most = classes.values().map(Vec::len).max().unwrap_or(0);
        let mut made = Vec::new();
        for (class, members) in classes.iter().filter(|(_, members)| members.len() < most) {
            if members.len() < 2 {
                return PrepareError::request(format!(
                    "--balance smote: class `{class}` has one training row, and new rows lie between two; use \
                     `--balance up`, or collect more"
                ));
            }
            let n = most - members.len();
            made.extend(between(&points, members, n, random));
        }
        let values: Vec<(Vec<f64>, bool)> = values.into_iter().map(|v| (v.clone(), is_whole(&v))).collect();
        let mut grown = sheet.clone();
        for made in &made {
            push_made(&mut grown, sheet, (target, self.group_column()), (&features, &values), made);
        }
        let mut order: Vec<usize> = (0..grown.n_rows()).collect();
        random.shuffle(&mut order);
        Ok(grown.pick(Part::Train, &order))
    }

    fn group_column(&self) -> Option<usize> {
        let name = self.request.group.as_ref()?;
        self.book.fields.iter().position(|f| f.name == *name)
    }

    /// The features and their values, which all must be finite numbers.
    fn smote_values(&self, at: usize) -> Result<(Vec<usize>, Vec<Vec<f64>>), PrepareError> {
        let features = self.features();
        let mut values = Vec::new();
        for column in &features {
            let Some(field) = self.book.fields.get(*column) else { continue };
            if field.kind != Kind::Number {
                return PrepareError::request(format!(
                    "--balance smote: column `{}` holds no numbers, and there is nothing between two texts; use \
                     `--balance up`",
                    field.name
                ));
            }
            let column = self.values_of(at, *column, "--balance smote")?;
            if let Some(row) = column.iter().position(|v| !v.is_finite()) {
                return PrepareError::request(format!(
                    "--balance smote: column `{}` has no finite value in {}; add `--impute`",
                    field.name,
                    self.place_of(at, row)
                ));
            }
            values.push(column);
        }
        if values.is_empty() {
            return PrepareError::request("--balance smote: there is no number column");
        }
        Ok((features, values))
    }
}

/// Rows of features with variance 1, so that units of columns do not decide who is near.
fn standardised(columns: &[Vec<f64>], n_rows: usize) -> Vec<Vec<f64>> {
    let scales: Vec<f64> = columns
        .iter()
        .map(|column| {
            let n = column.len().max(1) as f64;
            let mean = column.iter().sum::<f64>() / n;
            let variance = column.iter().map(|v| (v - mean) * (v - mean)).sum::<f64>() / n;
            if variance > 0.0 { variance.sqrt() } else { 1.0 }
        })
        .collect();
    let row = |i: usize| {
        columns.iter().zip(&scales).map(|(c, s)| c.get(i).copied().unwrap_or_default() / s).collect()
    };
    (0..n_rows).map(row).collect()
}

/// `n` rows between `members` and their neighbours; each member serves as base as often as any other, give or take one.
fn between(points: &[Vec<f64>], members: &[usize], n: usize, random: &mut Random) -> Vec<Made> {
    let mut bases = members.to_vec();
    random.shuffle(&mut bases);
    bases.truncate(n);
    let neighbours: Vec<Vec<usize>> = bases.par_iter().map(|base| nearest(points, members, *base)).collect();
    let all = bases.iter().zip(&neighbours).cycle().take(n);
    all.map(|(base, near)| {
        let neighbour = near.get(random.below(near.len().max(1))).copied().unwrap_or(*base);
        Made { base: *base, neighbour, share: random.unit() }
    })
    .collect()
}

/// The nearest other members; of equally near ones the first.
fn nearest(points: &[Vec<f64>], members: &[usize], base: usize) -> Vec<usize> {
    let distance = |other: usize| -> f64 {
        let pairs = points.get(base).into_iter().flatten().zip(points.get(other).into_iter().flatten());
        pairs.map(|(a, b)| (a - b) * (a - b)).sum()
    };
    let mut others: Vec<(f64, usize)> =
        members.iter().filter(|m| **m != base).map(|m| (distance(*m), *m)).collect();
    others.sort_by(|a, b| a.0.total_cmp(&b.0).then(a.1.cmp(&b.1)));
    others.into_iter().take(NEIGHBOURS).map(|(_, m)| m).collect()
}

/// Appends a row that was made. Columns without fractions stay so; those that are no features keep the base's target
/// and group, and else stay empty.
fn push_made(
    grown: &mut Sheet,
    sheet: &Sheet,
    (target, group): (usize, Option<usize>),
    (features, values): (&[usize], &[(Vec<f64>, bool)]),
    made: &Made,
) {
    for (column, cells) in grown.columns.iter_mut().enumerate() {
        let Some(cells) = cells else { continue };
        let feature = features.iter().position(|f| *f == column).and_then(|i| values.get(i));
        let cell: Cell = match feature {
            Some(values) => Some(show_number(mixed(values, made)).into()),
            None if column == target || Some(column) == group => sheet.get(column, made.base).map(Box::from),
            None => None,
        };
        cells.push(cell);
    }
    grown.origins.push(None);
}

fn mixed((values, is_whole): &(Vec<f64>, bool), made: &Made) -> f64 {
    let (Some(a), Some(b)) = (values.get(made.base), values.get(made.neighbour)) else { return 0.0 };
    let value = a + made.share * (b - a);
    if *is_whole { value.round() } else { value }
}

fn is_whole(values: &[f64]) -> bool {
    values.iter().all(|v| v.fract().abs() < f64::EPSILON)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn neighbours_are_the_nearest_of_the_class() {
        let points: Vec<Vec<f64>> = [0.0, 1.0, 1.5, 9.0, 0.1].iter().map(|v| vec![*v]).collect();
        assert_eq!(nearest(&points, &[0, 1, 2, 3], 0), [1, 2, 3]);
    }

    #[test]
    fn rows_lie_between_two_rows() {
        let values = [vec![0.0, 1.0, 4.0, 10.5], vec![0.0, 2.0, 8.0, 20.0]];
        let points = standardised(&values, 4);
        let columns = values.clone().map(|v| {
            let whole = is_whole(&v);
            (v, whole)
        });
        for made in between(&points, &[0, 1, 2, 3], 50, &mut Random::of_purpose(1, "t")) {
            assert_ne!(made.base, made.neighbour);
            let low = values[0][made.base].min(values[0][made.neighbour]);
            let high = values[0][made.base].max(values[0][made.neighbour]);
            assert!((low..=high).contains(&mixed(&columns[0], &made)));
            assert!(mixed(&columns[1], &made).fract().abs() < f64::EPSILON);
        }
    }
}
