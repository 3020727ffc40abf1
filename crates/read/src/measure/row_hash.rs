//! Hashes of rows, by which equal rows are found.

use arrow_array::cast::AsArray;
use arrow_array::types::{Float64Type, Int64Type};
use arrow_array::{Array, ArrayRef};

use super::counter::{hash_number, hash_text, mix};
use crate::ColumnNotes;

/// Which columns identify a row.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Identity {
    /// Columns that are compared.
    pub features: Vec<usize>,
    /// The label, compared separately.
    pub label: Option<usize>,
}

/// Hash of an empty cell, and of NaN.
const NULL: u64 = 0x2545_F491_4F6C_DD1D;
const NAN: u64 = 0x6C62_272E_07BB_0142;
/// Label of rows without one.
pub(crate) const NO_LABEL: u64 = NULL;

/// Two hashes a row: of the features, and of the label. Without a label the second is another hash of the features.
pub(crate) fn hash_rows(
    columns: &[Option<ArrayRef>],
    notes: &[Option<&ColumnNotes>],
    identity: &Identity,
    n_rows: usize,
) -> Vec<(u64, u64)> {
    let mut rows = vec![(0x9AE1_6A3B_2F90_404F_u64, 0xC949_D7C7_509E_6557_u64); n_rows];
    let mut cells = vec![NULL; n_rows];
    let read = |column: usize, cells: &mut Vec<u64>| {
        cells.fill(NULL);
        if let Some(Some(array)) = columns.get(column) {
            hash_cells(array, cells);
        }
        for (row, text) in notes.get(column).copied().flatten().map_or(&[][..], |n| &n.strays) {
            cells[*row] = hash_text(text.trim());
        }
    };
    for &column in &identity.features {
        read(column, &mut cells);
        for ((first, second), cell) in rows.iter_mut().zip(&cells) {
            *first = fold(*first ^ cell, 0x9E37_79B9_7F4A_7C15);
            *second = fold(second.wrapping_add(*cell), 0xD6E8_FEB8_6659_FD93);
        }
    }
    if let Some(label) = identity.label {
        read(label, &mut cells);
        for ((_, second), cell) in rows.iter_mut().zip(&cells) {
            *second = *cell;
        }
    }
    rows
}

/// Multiplies into 128 bits and folds the halves (as in wyhash), so that the order of columns matters.
fn fold(a: u64, b: u64) -> u64 {
    let wide = u128::from(a ^ 0xA076_1D64_78BD_642F) * u128::from(b);
    (wide as u64) ^ ((wide >> 64) as u64).rotate_left(23)
}

fn hash_cells(array: &ArrayRef, cells: &mut [u64]) {
    if let Some(floats) = array.as_primitive_opt::<Float64Type>() {
        if floats.null_count() == 0 {
            cells.iter_mut().zip(floats.values()).for_each(|(cell, value)| *cell = hash_float(*value));
        } else {
            cells.iter_mut().zip(floats).for_each(|(cell, value)| *cell = value.map_or(NULL, hash_float));
        }
    } else if let Some(integers) = array.as_primitive_opt::<Int64Type>() {
        for (cell, value) in cells.iter_mut().zip(integers) {
            *cell = value.map_or(NULL, hash_integer);
        }
    } else if let Some(booleans) = array.as_boolean_opt() {
        for (cell, value) in cells.iter_mut().zip(booleans) {
            *cell = value.map_or(NULL, |b| hash_number(f64::from(u8::from(b))));
        }
    } else if let Some(texts) = array.as_string_view_opt() {
        for (cell, value) in cells.iter_mut().zip(texts) {
            *cell = value.map_or(NULL, |text| hash_text(text.trim()));
        }
    }
}

fn hash_float(value: f64) -> u64 {
    if value.is_nan() { NAN } else { hash_number(value) }
}

/// Integers that a float holds hash as that float, so that `1` and `1.0` are equal across files.
fn hash_integer(value: i64) -> u64 {
    if value.unsigned_abs() > 1 << 53 {
        mix(value as u64 ^ 0x5851_F42D_4C95_7F2D)
    } else {
        hash_number(value as f64)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use arrow_array::{Float64Array, Int64Array, StringViewArray};

    use super::*;

    fn hash(columns: Vec<ArrayRef>, label: Option<usize>) -> Vec<(u64, u64)> {
        let n_rows = columns[0].len();
        let features = (0..columns.len()).filter(|i| Some(*i) != label).collect();
        let columns: Vec<_> = columns.into_iter().map(Some).collect();
        let notes = vec![None; columns.len()];
        hash_rows(&columns, &notes, &Identity { features, label }, n_rows)
    }

    #[test]
    fn equal_values_of_different_types_agree() {
        let texts: ArrayRef = Arc::new(StringViewArray::from(vec!["a ", "b"]));
        let trimmed: ArrayRef = Arc::new(StringViewArray::from(vec!["a", "b"]));
        let integers: ArrayRef = Arc::new(Int64Array::from(vec![1, 0]));
        let floats: ArrayRef = Arc::new(Float64Array::from(vec![1.0, -0.0]));
        assert_eq!(hash(vec![texts, integers], None), hash(vec![trimmed, floats], None));
    }

    #[test]
    fn the_order_of_columns_and_long_integers_matter() {
        let a: ArrayRef = Arc::new(Int64Array::from(vec![1, 2]));
        let rows = hash(vec![a.clone(), Arc::new(Int64Array::from(vec![2, 1]))], None);
        assert_ne!(rows[0], rows[1]);
        let long: ArrayRef = Arc::new(Int64Array::from(vec![9_007_199_254_740_993, 9_007_199_254_740_992]));
        let rows = hash(vec![long], None);
        assert_ne!(rows[0].0, rows[1].0);
    }

    #[test]
    fn the_label_is_apart() {
        let x: ArrayRef = Arc::new(Int64Array::from(vec![1, 1]));
        let y: ArrayRef = Arc::new(StringViewArray::from(vec![Some("yes"), None]));
        let rows = hash(vec![x, y], Some(1));
        assert_eq!(rows[0].0, rows[1].0);
        assert_ne!(rows[0].1, rows[1].1);
        assert_eq!(rows[1].1, NO_LABEL);
    }
}
