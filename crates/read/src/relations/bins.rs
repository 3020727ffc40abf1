//! Cells of a column: equal-frequency bins of numbers, names of categories, and one cell for null.

use super::statistics::ascending_order;

/// A number column in ascending order.
pub(super) struct Ordered<'a> {
    values: &'a [f64],
    /// Rows with a value, by ascending value.
    order: Vec<u32>,
}

impl<'a> Ordered<'a> {
    /// Of values, NaN for null.
    pub(super) fn of(values: &'a [f64]) -> Self {
        Self { values, order: ascending_order(values) }
    }

    /// The cell of each row: 0 for null, then bins by ascending value; and the number of cells.
    ///
    /// Bins are fitted on the rows for which `fits` holds, about `n_bins` of like frequency. Equal values share a
    /// bin, a value as frequent as a bin has its own, and so has every value while there are no more than `n_bins`.
    /// Other rows fall into the bin whose values come next.
    pub(super) fn cells(&self, n_bins: usize, fits: impl Fn(usize) -> bool) -> (Vec<u32>, usize) {
        let uppers = self.uppers(n_bins, fits);
        let mut cells = vec![0; self.values.len()];
        let mut bin = 0;
        for &row in &self.order {
            while uppers.get(bin).is_some_and(|upper| self.values[row as usize] > *upper) {
                bin += 1;
            }
            cells[row as usize] = bin as u32 + 1;
        }
        (cells, uppers.len() + 2)
    }

    /// Largest value of each bin but the last.
    fn uppers(&self, n_bins: usize, fits: impl Fn(usize) -> bool) -> Vec<f64> {
        let runs = self.runs(fits);
        let n: usize = runs.iter().map(|r| r.1).sum();
        let full = if runs.len() <= n_bins { 1 } else { n.div_ceil(n_bins.max(1)) };
        let mut uppers = Vec::new();
        let mut filled = 0;
        for pair in runs.windows(2) {
            let [(value, count), (_, next)] = *pair else { continue };
            filled += count;
            if filled >= full || next >= full {
                uppers.push(value);
                filled = 0;
            }
        }
        uppers
    }

    /// Different values, ascending, with their counts among fitting rows.
    fn runs(&self, fits: impl Fn(usize) -> bool) -> Vec<(f64, usize)> {
        let mut runs: Vec<(f64, usize)> = Vec::new();
        for row in self.order.iter().map(|&r| r as usize).filter(|&r| fits(r)) {
            match runs.last_mut() {
                Some((value, count)) if self.values[row] <= *value => *count += 1,
                _ => runs.push((self.values[row], 1)),
            }
        }
        runs
    }
}

/// The cell of each row of a category column: 0 for null, code + 1 otherwise.
pub(super) fn category_cells(codes: &[Option<u32>]) -> Vec<u32> {
    codes.iter().map(|c| c.map_or(0, |c| c + 1)).collect()
}

#[cfg(test)]
mod tests {
    use super::super::fixtures::normals;
    use super::*;

    #[test]
    fn bins_are_of_like_frequency() {
        let values = normals(1000, 3);
        let (cells, n_cells) = Ordered::of(&values).cells(10, |_| true);
        assert_eq!(n_cells, 11);
        for cell in 1..=10 {
            assert_eq!(cells.iter().filter(|&&c| c == cell).count(), 100);
        }
    }

    #[test]
    fn frequent_and_few_values_have_their_own() {
        let (cells, n) = Ordered::of(&[5.0, 1.0, f64::NAN, 5.0, 3.0]).cells(3, |_| true);
        assert_eq!((cells.as_slice(), n), (&[3, 1, 0, 3, 2][..], 4));
        let mut values: Vec<f64> = (0..50).map(f64::from).collect();
        values.extend([24.5; 50]);
        let (cells, _) = Ordered::of(&values).cells(4, |_| true);
        let own = cells[99];
        assert_eq!(cells.iter().filter(|&&c| c == own).count(), 50);
    }

    #[test]
    fn rows_that_do_not_fit_fall_next_to_those_that_do() {
        let (cells, n) = Ordered::of(&[1.0, 2.0, 3.0, 0.0, 2.5, 9.0]).cells(8, |row| row < 3);
        assert_eq!((cells.as_slice(), n), (&[1, 2, 3, 1, 3, 3][..], 4));
        assert_eq!(Ordered::of(&[f64::NAN]).cells(8, |_| true).0, [0]);
        assert_eq!(Ordered::of(&[1.0, 2.0]).cells(8, |_| false).0, [1, 1]);
        assert!(Ordered::of(&[]).cells(8, |_| true).0.is_empty());
    }
}
