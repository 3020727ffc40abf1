//! Values that stand for *no value*: words and numbers that a file holds where a cell should be empty.
//!
//! Shared by `missing-values`, which reports them, and by the rules that must not judge such a column by them.

use stetho_core::table::{Column, Kind};

use crate::columns;

/// Words that `pandas.read_csv` takes as missing by itself; in a number column they are ordinary empty cells.
const READ_AS_MISSING: [&str; 19] = [
    "", "#N/A", "#N/A N/A", "#NA", "-1.#IND", "-1.#QNAN", "-NaN", "-nan", "1.#IND", "1.#QNAN", "<NA>", "N/A",
    "NA", "NULL", "NaN", "None", "n/a", "nan", "null",
];

/// Words that stand for a missing value in any text column. `None` and `unknown` are not among them: they are
/// often categories.
const ABSENT_TEXTS: [&str; 15] =
    ["", "?", "??", "NA", "N/A", "n/a", "#N/A", "<NA>", "null", "NULL", "Null", "NaN", "nan", "-", "--"];

/// Words that stand for a missing value where all else is a number, in lower case.
const ABSENT_WORDS: [&str; 18] = [
    "unknown",
    "unk",
    "missing",
    "none",
    "not available",
    "not applicable",
    "not known",
    "not recorded",
    "undefined",
    "no data",
    "nodata",
    "n.a.",
    "na",
    "nil",
    "tbd",
    ".",
    "*",
    "---",
];

/// A word or number that stands for a missing value, with the number of its cells.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Disguise {
    /// The value as it is written.
    pub value: String,
    /// Its cells.
    pub count: u64,
}

/// Words that stand for a missing value in `column`, except those that every reader takes as an empty cell.
///
/// A text column is not searched for words that make up less than `min_share` of its values.
pub(crate) fn words(column: &Column, min_share: f64) -> Vec<Disguise> {
    let mut found: Vec<Disguise> = match column.kind {
        Kind::Number => unread_null_words(column),
        Kind::Text => texts(column, min_share),
        Kind::Boolean | Kind::Time | Kind::Nested => Vec::new(),
    };
    for stray in stray_words(column) {
        if found.iter().all(|d| d.value != stray.value) {
            found.push(stray);
        }
    }
    found
}

fn unread_null_words(column: &Column) -> Vec<Disguise> {
    let unread = column.null_words.iter().filter(|(word, _)| !READ_AS_MISSING.contains(&word.trim()));
    unread.map(|(word, count)| Disguise { value: word.clone(), count: *count }).collect()
}

/// Words in a text column that stand for a missing value and make up at least `min_share` of its values.
pub(crate) fn texts(column: &Column, min_share: f64) -> Vec<Disguise> {
    let least = (min_share * column.n_values() as f64).max(1.0);
    let values = &column.values.counts;
    let has_plus = values.iter().any(|(v, _)| v.trim() == "+");
    let regions = holds_region_codes(column);
    let is_absent =
        |word: &str| ABSENT_TEXTS.contains(&word) && !(word == "-" && has_plus) && !(word == "NA" && regions);
    values
        .iter()
        .filter(|(value, count)| *count as f64 >= least && is_absent(value.trim()))
        .map(|(value, count)| Disguise { value: value.clone(), count: *count })
        .collect()
}

/// Whether all values are two capitals, as codes of countries and continents are: there, `NA` is a place.
fn holds_region_codes(column: &Column) -> bool {
    let is_code = |v: &str| v.len() == 2 && v.bytes().all(|b| b.is_ascii_uppercase());
    column.distinct.count >= 4 && column.values.counts.iter().all(|(v, _)| is_code(v.trim()))
}

/// The words in a column of numbers when they can only mean *no value*: one word without digits that is repeated, or
/// words that say so.
pub(crate) fn stray_words(column: &Column) -> Vec<Disguise> {
    if column.n_texts == 0 || column.n_numbers <= column.n_texts {
        return Vec::new();
    }
    let found = match column.kind {
        Kind::Number => strays_of_numbers(column),
        Kind::Text => strays_of_texts(column),
        Kind::Boolean | Kind::Time | Kind::Nested => return Vec::new(),
    };
    let says_so = |word: &str| {
        let word = word.trim();
        ABSENT_TEXTS.contains(&word) || ABSENT_WORDS.contains(&word.to_lowercase().as_str())
    };
    let accepted = match found.as_slice() {
        [only] => {
            says_so(&only.value)
                || only.count >= 2 && !only.value.contains(|c: char| c.is_ascii_digit() || c == '∞')
        }
        several => several.iter().all(|d| says_so(&d.value)),
    };
    if accepted { found } else { Vec::new() }
}

/// The different words of a number column; none if they are not all known.
fn strays_of_numbers(column: &Column) -> Vec<Disguise> {
    let mut found: Vec<Disguise> = Vec::new();
    for cell in &column.strays {
        match found.iter_mut().find(|d| d.value == cell.text) {
            Some(known) => known.count += 1,
            None => found.push(Disguise { value: cell.text.clone(), count: 1 }),
        }
    }
    match found.as_mut_slice() {
        [only] if column.n_stray_words == 1 => only.count = column.n_texts,
        _ if column.strays.len() as u64 != column.n_texts => return Vec::new(),
        _ => {}
    }
    found
}

/// The different words of a text column that holds mostly numbers; none if they are not all known.
fn strays_of_texts(column: &Column) -> Vec<Disguise> {
    let is_number = |v: &str| v.trim().parse::<f64>().is_ok_and(f64::is_finite);
    let found: Vec<Disguise> = column
        .values
        .counts
        .iter()
        .filter(|(value, _)| !is_number(value))
        .map(|(value, count)| Disguise { value: value.clone(), count: *count })
        .collect();
    let known: u64 = found.iter().map(|d| d.count).sum();
    if known as f64 >= 0.98 * column.n_texts as f64 { found } else { Vec::new() }
}

/// A number that stands for *no value*, such as -999: frequent, the smallest or largest of its column, and far from
/// all other values.
pub(crate) fn sentinel(column: &Column, min_share: f64) -> Option<Disguise> {
    let numbers = column.number.as_ref().filter(|_| columns::is_numeric(column))?;
    let least = (min_share * numbers.n_finite as f64).max(3.0);
    [numbers.min, numbers.max].into_iter().find_map(|value| {
        let text = value.to_string();
        let nines = text.trim_start_matches('-');
        let is_code = text == "-1" || text == "-32768" || nines.bytes().all(|b| b == b'9');
        let enough_else = column.distinct.count >= if nines.len() == 1 { 10 } else { 4 };
        if !is_code || !enough_else || text == "9" {
            return None;
        }
        let count = column.values.counts.iter().find(|(v, _)| *v == text)?.1;
        let stands_out = count as f64 >= least && Rest::of(column, value, count)?.is_far();
        stands_out.then_some(Disguise { value: text, count })
    })
}

/// Zeros that may stand for *no value*, as in a column of blood pressures: some of the values, while all others lie
/// far above zero. A zero may also be a plain *none* (no garage, no purchase), so this is a suspicion.
pub(crate) fn zeros(column: &Column, min_share: f64) -> Option<Disguise> {
    const MOST: f64 = 0.4;
    let numbers = column.number.as_ref().filter(|n| n.n_negative == 0 && columns::is_numeric(column))?;
    let share = numbers.n_zero as f64 / numbers.n_finite.max(1) as f64;
    let is_some = numbers.n_zero >= 3 && (min_share..=MOST).contains(&share);
    let is_measured = column.distinct.count > 20;
    let stands_out = is_some && is_measured && Rest::of(column, 0.0, numbers.n_zero)?.is_far_above_zero();
    stands_out.then(|| Disguise { value: "0".into(), count: numbers.n_zero })
}

/// The values of a column beside a suspected sentinel.
struct Rest {
    value: f64,
    share: f64,
    /// The other values are all zero or more, the suspect alone is negative.
    alone_negative: bool,
    n_distinct: u64,
    /// Smallest, lower quartile, median, upper quartile and largest of the other values.
    summary: [f64; 5],
}

impl Rest {
    fn of(column: &Column, value: f64, count: u64) -> Option<Self> {
        let numbers = column.number.as_ref()?;
        let others = numbers.n_finite.checked_sub(count).filter(|&n| n > 0)?;
        let share = count as f64 / numbers.n_finite as f64;
        // The first rank beyond the suspect, and two of the kept ranks for the interpolation between them.
        let cut = (count as f64 / (count + others - 1).max(1) as f64).max(share) + 0.002;
        let is_low = value < numbers.quantiles.median() || value <= numbers.min;
        let rank = |p: f64| if is_low { cut + (1.0 - cut) * p } else { (1.0 - cut) * p };
        Some(Self {
            value,
            share,
            alone_negative: value < 0.0 && numbers.n_negative == count,
            n_distinct: column.distinct.count,
            summary: [0.0, 0.25, 0.5, 0.75, 1.0].map(|p| numbers.quantiles.at(rank(p))),
        })
    }

    /// Whether zero lies over four standard deviations below the median, and not just at the end of the tail.
    fn is_far_above_zero(&self) -> bool {
        let [low, q1, median, q3, _] = self.summary;
        let iqr = q3 - q1;
        iqr > 0.0 && low >= iqr && median >= 4.0 * iqr / 1.349
    }

    fn is_far(&self) -> bool {
        let [low, q1, median, q3, high] = self.summary;
        let (range, iqr) = (high - low, q3 - q1);
        let gap = if self.value < low { low - self.value } else { self.value - high };
        if gap <= 0.0 {
            return false;
        }
        let of_range = if self.value < 0.0 { 0.5 } else { 1.0 };
        let far = gap >= 3.0 * iqr && gap >= of_range * range;
        far || self.alone_negative && self.share >= 0.05 && self.n_distinct > 20 && median >= 10.0
    }
}
