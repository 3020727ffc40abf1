//! What a column looks like to a person: an identifier, a time, a category, free text.

use stetho_core::table::{Column, Kind, NumberProfile};

/// Words in the names of columns that tell the time.
const TIMES: [&str; 12] =
    ["time", "date", "datetime", "timestamp", "ts", "year", "yr", "month", "week", "day", "hour", "epoch"];

/// Why a column looks like an identifier.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Id {
    /// Whole numbers, each once, that leave hardly a gap, or only rise or fall and leave few.
    Counter,
    /// Whole numbers, nearly all different, under a name that says so.
    Named,
    /// Whole numbers, each once, of which many would occur twice if they were measured.
    Unrepeated,
    /// Short texts, nearly all different.
    Texts,
}

impl Id {
    /// What it looks like, in words.
    pub(crate) fn reason(self) -> &'static str {
        match self {
            Self::Counter => "counts the rows",
            Self::Named => "named as an id, nearly every number different",
            Self::Unrepeated => "no number occurs twice, as it would by chance",
            Self::Texts => "nearly every text different",
        }
    }
}

/// Whether `column` looks like an identifier, judging nothing on fewer than `min_rows` values: in a small table
/// measurements are all different too. `unique` is the least share of different values.
pub(crate) fn id(column: &Column, min_rows: u64, unique: f64) -> Option<Id> {
    let n = column.n_values();
    // An estimated count of different values may be low by 3 %.
    let needed = if column.distinct.exact { unique } else { unique - 0.03 };
    if n < min_rows || (column.distinct.count as f64) < needed * n as f64 || is_axis(&column.name) {
        return None;
    }
    match column.kind {
        Kind::Number if column.n_texts == 0 && column.is_integer() => integer_id(column, n),
        Kind::Text if column.n_numbers > column.n_texts => is_named_as_id(&column.name).then_some(Id::Named),
        Kind::Text => (!is_free_text(column)).then_some(Id::Texts),
        Kind::Number | Kind::Boolean | Kind::Time | Kind::Nested => None,
    }
}

fn integer_id(column: &Column, n: u64) -> Option<Id> {
    let numbers = column.number.as_ref()?;
    if is_named_as_id(&column.name) {
        return Some(Id::Named);
    }
    // A measurement by which the file was sorted rises too, but with far wider gaps than a counter with lost rows.
    let widest = if column.strictly_monotone.is_some() { 10.0 } else { 1.05 };
    if numbers.max - numbers.min < widest * n as f64 {
        return Some(Id::Counter);
    }
    is_unrepeated(column, numbers).then_some(Id::Unrepeated)
}

/// Whether many values would occur twice if they were measured, and none does.
///
/// Twenty pairs are expected before their absence says that each number was given out once (the chance of none is
/// e⁻²⁰); where the count of different values is an estimate, as many as one in ten rows.
fn is_unrepeated(column: &Column, numbers: &NumberProfile) -> bool {
    let n = column.n_values() as f64;
    let different = column.distinct.count as f64 / n;
    let (least, enough) = if column.distinct.exact { (1.0, 20.0) } else { (0.97, 0.1 * n) };
    different >= least && repeats_by_chance(numbers) >= enough
}

/// How many pairs of equal values chance alone gives for whole numbers of this distribution: n²/2 · Σ p²/w over the
/// ranges between neighbouring quantiles, which hold a share p of the values among w whole numbers each (the birthday
/// problem).
fn repeats_by_chance(numbers: &NumberProfile) -> f64 {
    let quantiles = &numbers.quantiles.0;
    let share = 1.0 / quantiles.len().saturating_sub(1).max(1) as f64;
    let collisions: f64 = quantiles.windows(2).map(|w| share * share / (w[1] - w[0]).max(1.0)).sum();
    0.5 * (numbers.n_finite as f64).powi(2) * collisions
}

/// Whether the column holds numbers, and not codes of which some happen to be digits only.
pub(crate) fn is_numeric(column: &Column) -> bool {
    column.kind == Kind::Number && 4 * column.n_texts <= column.n_numbers
}

/// The words of a column name, in lower case: `PassengerId` and `passenger_id` have the same.
fn name_words(name: &str) -> Vec<String> {
    let mut words = vec![String::new()];
    let mut previous = ' ';
    for c in name.chars() {
        let starts = c.is_uppercase() && previous.is_lowercase();
        if (starts || !c.is_alphanumeric()) && words.last().is_some_and(|w| !w.is_empty()) {
            words.push(String::new());
        }
        if let Some(word) = words.last_mut().filter(|_| c.is_alphanumeric()) {
            word.extend(c.to_lowercase());
        }
        previous = c;
    }
    words
}

/// Whether the name says that the column identifies something.
pub(crate) fn is_named_as_id(name: &str) -> bool {
    const WORDS: [&str; 16] = [
        "id", "ids", "uuid", "guid", "index", "idx", "key", "rowid", "rownum", "mrn", "ssn", "isbn", "sku",
        "iban", "imei", "barcode",
    ];
    name.starts_with("Unnamed: ") || is_called(name, &WORDS)
}

/// Whether the name says that the column is the axis of a series.
fn is_axis(name: &str) -> bool {
    is_called(name, &TIMES) || is_called(name, &["minute", "second", "seconds"])
}

/// Whether the texts are sentences rather than names or codes: long, of very different length, or of many words.
pub(crate) fn is_free_text(column: &Column) -> bool {
    let Some(text) = &column.text else { return false };
    let varies = text.max_length as f64 > 1.5 * text.min_length as f64;
    let long = text.mean_length > 50.0 && varies;
    let uneven = text.mean_length > 30.0 && text.max_length as f64 > 3.0 * text.mean_length;
    let values = &column.values.counts;
    let spaces: usize = values.iter().map(|(v, _)| v.split_whitespace().count()).sum();
    let wordy = !values.is_empty() && spaces as f64 / values.len() as f64 > 5.0;
    long || uneven || wordy
}

/// Whether the texts are categories: the same few again and again.
pub(crate) fn is_category(column: &Column) -> bool {
    column.kind == Kind::Text
        && column.n_numbers <= column.n_texts
        && column.distinct.count >= 2
        && column.distinct.count as f64 <= 0.5 * column.n_values() as f64
        && !is_free_text(column)
}

/// Whether the column numbers or names the rows, in tables of any size: an integer that counts them or never repeats
/// against chance, or a unique value called an id.
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
    let is_code = column.is_integer() || column.kind == Kind::Text;
    let unrepeated = || column.number.as_ref().is_some_and(|p| is_unrepeated(column, p));
    counts || is_code && is_named_as_id(&column.name) || column.is_integer() && unrepeated()
}

/// Whether the column tells the time: a date by its type, by its name, or by the range of its integers.
pub(crate) fn is_clock(column: &Column) -> bool {
    const RANGES: [(f64, f64); 4] = [
        (1500.0, 2200.0),                         // years
        (19_000_101.0, 22_000_101.0),             // 20240131
        (631_152_000.0, 4_102_444_800.0),         // seconds since 1970, for 1990 to 2100
        (631_152_000_000.0, 4_102_444_800_000.0), // milliseconds
    ];
    let in_range = |p: &NumberProfile| RANGES.iter().any(|(lo, hi)| p.min >= *lo && p.max <= *hi);
    column.kind == Kind::Time
        || is_called(&column.name, &TIMES)
        || column.is_integer() && column.number.as_ref().is_some_and(in_range)
}

/// Whether one of `words` is a word of the column's name: `order_id`, `orderId` and `Order ID` are called `id`.
fn is_called(name: &str, words: &[&str]) -> bool {
    name_words(name).iter().any(|word| words.contains(&word.as_str()))
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
        assert!(is_clock(&numbers("built", [1990.0, 2001.0, 2015.0])));
        assert!(is_clock(&numbers("Yr Sold", [1.0, 2.0])));
        assert!(!is_clock(&numbers("price", [1990.5, 2001.0])));
        assert!(!is_clock(&numbers("sometimes", [1.0, 2.0])));
    }
}
