//! What a column is good for, as far as several rules care.

use stetho_core::table::{Column, Kind};

/// Whether the column numbers or names the rows: an integer that counts them, or a unique value called an id.
pub(crate) fn is_identifier(column: &Column) -> bool {
    let n = column.n_values();
    let unique = match column.distinct.exact {
        true => column.distinct.count == n,
        false => column.distinct.count as f64 >= 0.97 * n as f64,
    };
    if !unique || n < 3 {
        return false;
    }
    let compact = column.number.as_ref().is_some_and(|p| p.max - p.min < 2.0 * n as f64);
    let counts = column.is_integer() && (column.strictly_monotone.is_some() || compact);
    counts || (column.is_integer() || column.kind == Kind::Text) && is_called(&column.name, &["id", "index"])
}

/// Whether the column tells the time: a date by its type, by its name, or by the range of its integers.
pub(crate) fn is_clock(column: &Column) -> bool {
    const NAMES: [&str; 9] =
        ["time", "date", "datetime", "timestamp", "year", "yr", "month", "hour", "epoch"];
    const RANGES: [(f64, f64); 4] = [
        (1500.0, 2200.0),                         // years
        (19_000_101.0, 22_000_101.0),             // 20240131
        (631_152_000.0, 4_102_444_800.0),         // seconds since 1970, for 1990 to 2100
        (631_152_000_000.0, 4_102_444_800_000.0), // milliseconds
    ];
    let in_range =
        |p: &stetho_core::table::NumberProfile| RANGES.iter().any(|(lo, hi)| p.min >= *lo && p.max <= *hi);
    column.kind == Kind::Time
        || is_called(&column.name, &NAMES)
        || column.is_integer() && column.number.as_ref().is_some_and(in_range)
}

/// Whether one of `words` is a word of the column's name: `order_id`, `orderId` and `Order ID` are called `id`.
fn is_called(name: &str, words: &[&str]) -> bool {
    let mut parts = vec![String::new()];
    let mut after_lower = false;
    for c in name.chars() {
        if !c.is_alphanumeric() || (c.is_uppercase() && after_lower) {
            parts.push(String::new());
        }
        if let Some(part) = parts.last_mut().filter(|_| c.is_alphanumeric()) {
            part.extend(c.to_lowercase());
        }
        after_lower = c.is_lowercase();
    }
    parts.iter().any(|part| words.contains(&part.as_str()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::numbers;

    #[test]
    fn names_are_read_word_by_word() {
        for name in ["id", "order_id", "orderId", "Order ID", "PassengerId"] {
            assert!(is_called(name, &["id"]), "{name}");
        }
        for name in ["humid", "acidity", "width", "idea"] {
            assert!(!is_called(name, &["id"]), "{name}");
        }
    }

    #[test]
    fn counting_columns_are_identifiers_and_measured_ones_are_not() {
        let counting: Vec<f64> = (1..=50).map(f64::from).collect();
        assert!(is_identifier(&numbers("n", &counting)));
        let income: Vec<f64> = (1..=50).map(|i| f64::from(i * i * 37 % 9973)).collect();
        assert!(!is_identifier(&numbers("income", &income)));
    }

    #[test]
    fn years_tell_the_time_and_other_integers_do_not() {
        assert!(is_clock(&numbers("built", &[1990.0, 2001.0, 2015.0])));
        assert!(is_clock(&numbers("Yr Sold", &[1.0, 2.0])));
        assert!(!is_clock(&numbers("price", &[1990.5, 2001.0])));
        assert!(!is_clock(&numbers("sometimes", &[1.0, 2.0])));
    }
}
