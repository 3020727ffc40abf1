//! `mixed-types`

use serde::{Deserialize, Serialize};
use stetho_core::table::{Cell, Column, Kind, Table, Task};
use stetho_core::{Draft, Evidence, Place, Remedy, Report, Rule, Severity, Signal, count_of, percent};

use crate::absent;
use crate::show::{self, location, python};

/// A column of numbers in which some cells are text.
///
/// ## Why it matters
/// One such cell is enough for most readers to make the whole column text: it is then dropped, or encoded as thousands
/// of categories, and the numbers are lost. Where the text is a unit or a thousands separator, the value itself is
/// misread.
///
/// ## What to do
/// Look at the cells named here. Correct them, or turn the column into numbers and let what is not a number be missing.
/// One word that is repeated, such as `unknown`, stands for a missing value and is told by `missing-values`. Codes such
/// as `A12` or `536365`, and text that happens to hold numbers, are left alone.
///
/// ## Fires on
/// ```csv
/// age,weight,label
/// 34,70.5,a
/// 29,81.0,b
/// 41,"1,064.2",a
/// 38,66.0,b
/// 25,59.3,a
/// 4O,72.4,b
/// 33,77.7,a
/// ```
///
/// ## Stays quiet on
/// Codes, and a column of texts of which some are numbers:
/// ```csv
/// ticket,title,label
/// 113803,1984,a
/// A/5 21171,Emma,b
/// 373450,Ulysses,a
/// PC 17599,2001,b
/// STON/O2 310,Dracula,a
/// 349909,Middlemarch,b
/// ```
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct MixedTypes {
    /// Least share of numbers among the values of a column that should hold numbers only.
    pub min_numbers: f64,
}

impl Default for MixedTypes {
    fn default() -> Self {
        Self { min_numbers: 0.8 }
    }
}

impl Rule for MixedTypes {
    type Input = Table;
    const ID: &'static str = "mixed-types";
    const SEVERITY: Severity = Severity::Warning;
    const SIGNALS: &'static [Signal] = &[Signal::Columns];
    const ALSO: &'static [Signal] = &[Signal::Target];

    fn check(&mut self, table: &Table, report: &mut Report) {
        let classes = table.target.get().filter(|t| t.task == Task::Classification).map(|t| t.column);
        let mut mixed: Vec<&Column> = table
            .columns
            .iter()
            .enumerate()
            .filter(|(i, column)| Some(*i) != classes && self.is_mixed(column))
            .map(|(_, column)| column)
            .collect();
        mixed.sort_by(|a, b| share(b).total_cmp(&share(a)));
        let Some(worst) = mixed.first() else { return };
        let texts = count_of(worst.n_texts, "text");
        let first = worst.strays.first().map_or(String::new(), |c| format!(", the first is `{}`", c.text));
        let of = format!(
            "{texts} among {} ({}){first}",
            count_of(worst.n_numbers, "number"),
            percent(share(worst))
        );
        let message = match mixed.len() {
            1 => format!("column `{}` holds {of}", worst.name),
            n => format!("{n} columns of numbers hold text, `{}` the most: {of}", worst.name),
        };
        let rows: Vec<_> = worst.strays.iter().map(|c| c.row).collect();
        let measure = Evidence::at_most("texts in a column of numbers", worst.n_texts as f64, 0.0);
        let mut draft = Draft::new(Place::column(&worst.name), message, measure, correct())
            .places(mixed.iter().skip(1).map(|c| Place::column(&c.name)))
            .places(table.places(&rows))
            .count(mixed.iter().map(|c| c.n_texts).sum())
            .evidence(columns(&mixed))
            .evidence(cells(table, &mixed));
        if let Some(column) = mixed.iter().find(|c| c.strays.iter().all(|cell| is_decorated(&cell.text))) {
            draft = draft.remedy(strip(column));
        }
        report.raise(draft.remedy(coerce(&mixed)));
    }
}

impl MixedTypes {
    fn is_mixed(&self, column: &Column) -> bool {
        let of_interest = matches!(column.kind, Kind::Number | Kind::Text) && column.n_texts > 0;
        of_interest
            && column.n_numbers as f64 >= self.min_numbers * (column.n_numbers + column.n_texts) as f64
            && absent::stray_words(column).is_empty()
            && !holds_only_absent(column)
            && !holds_codes(&column.strays)
    }
}

/// Whether all that is text in a text column are words that stand for a missing value there.
fn holds_only_absent(column: &Column) -> bool {
    column.kind == Kind::Text
        && absent::words(column, 0.0).iter().map(|d| d.count).sum::<u64>() >= column.n_texts
}

/// Whether most of the texts are codes: capitals before digits, or four digits or more before a letter. Such a column
/// holds names made of digits, not numbers.
fn holds_codes(strays: &[Cell]) -> bool {
    let codes = strays.iter().filter(|c| is_code(c.text.trim())).count();
    !strays.is_empty() && 2 * codes >= strays.len()
}

fn is_code(text: &str) -> bool {
    let is_digits = |s: &str| s.bytes().all(|b| b.is_ascii_digit());
    let tail = text.trim_start_matches(|c: char| c.is_ascii_uppercase());
    let digits = tail.trim_start_matches(['-', '/', '_', ' ']);
    let prefixed = tail.len() < text.len() && digits.len() >= 2 && is_digits(digits);
    let stem = text.trim_end_matches(|c: char| c.is_ascii_uppercase());
    let is_magnitude = text.ends_with(['K', 'M', 'B', 'G']);
    let suffixed = stem.len() + 1 == text.len() && stem.len() >= 4 && is_digits(stem) && !is_magnitude;
    prefixed || suffixed
}

/// Whether `text` is a number with a unit, a currency or thousands separators, and can be read without them. A comma
/// before other than three digits may be a decimal point.
fn is_decorated(text: &str) -> bool {
    let is_thousand = |part: &str| part.bytes().take_while(u8::is_ascii_digit).count() == 3;
    text.contains(|c: char| c.is_ascii_digit())
        && text.contains([',', ' ', '%', '$', '€', '£'])
        && text.split(',').skip(1).all(is_thousand)
}

fn share(column: &Column) -> f64 {
    column.n_texts as f64 / (column.n_numbers + column.n_texts).max(1) as f64
}

fn columns(mixed: &[&Column]) -> Evidence {
    let rows = mixed
        .iter()
        .map(|c| [c.name.clone(), c.n_numbers.to_string(), c.n_texts.to_string(), percent(share(c))]);
    Evidence::table("columns of numbers with text", ["column", "numbers", "texts", "share of text"], rows)
}

fn cells(table: &Table, mixed: &[&Column]) -> Evidence {
    const EACH: usize = 5;
    let rows = mixed.iter().flat_map(|column| {
        let first = column.strays.iter().take(EACH);
        first.map(|cell| [column.name.clone(), location(table, cell.row), cell.text.clone()])
    });
    Evidence::table("the first cells that are text", ["column", "where", "cell"], rows)
}

fn correct() -> Remedy {
    Remedy::advice("look at the cells, and correct them where the value is known")
}

fn strip(column: &Column) -> Remedy {
    let name = python(&column.name);
    Remedy::risky("remove separators and units, if all cells have the same unit").code(format!(
        "df[{name}] = pd.to_numeric(df[{name}].astype(str).str.replace(r\"[^0-9.eE+-]\", \"\", regex=True), \
         errors=\"coerce\")"
    ))
}

fn coerce(mixed: &[&Column]) -> Remedy {
    let names: Vec<&str> = mixed.iter().map(|c| c.name.as_str()).collect();
    let names = show::python_list(&names);
    Remedy::risky("let what is not a number be missing")
        .code(format!("df[{names}] = df[{names}].apply(pd.to_numeric, errors=\"coerce\")"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{column, judge, table, with_target};

    fn numbers_and(words: &[&str], n: usize) -> Vec<String> {
        (0..n).map(|i| i.to_string()).chain(words.iter().map(|w| (*w).to_owned())).collect()
    }

    fn fires(words: &[&str], n: usize) -> bool {
        !judge("mixed-types", &table([column("x", numbers_and(words, n))])).is_empty()
    }

    #[test]
    fn a_few_texts_among_numbers_are_mixed() {
        assert!(fires(&["4O"], 20));
        assert!(fires(&["1,064.2", "7 kg"], 20));
        assert!(fires(&["low", "high"], 8));
        assert!(!fires(&["low", "high", "none"], 8), "27 % texts are more than a few");
    }

    #[test]
    fn a_repeated_word_is_a_missing_value() {
        assert!(!fires(&["unknown"], 20));
        assert!(!fires(&["unknown", "missing"], 20));
        assert!(!fires(&["ASK US", "ASK US", "ASK US"], 20));
        assert!(fires(&["<5", "<5", "<5"], 20));
    }

    #[test]
    fn codes_are_no_numbers() {
        assert!(!fires(&["C536379", "C536383", "C536391"], 400));
        assert!(!fires(&["85123A", "84406B"], 400));
        assert!(fires(&["120K", "4M"], 400));
    }

    #[test]
    fn only_whole_decorations_are_stripped() {
        assert!(
            is_decorated("1,064.2") && is_decorated("35 years") && is_decorated("$12") && is_decorated("7 %")
        );
        assert!(!is_decorated("4O") && !is_decorated("3,5") && !is_decorated("low"));
    }

    #[test]
    fn classes_may_be_numbers_and_words() {
        let columns = || table([column("y", numbers_and(&["other", "some"], 20))]);
        assert!(judge("mixed-types", &with_target(columns(), Task::Classification)).is_empty());
        assert_eq!(judge("mixed-types", &with_target(columns(), Task::Regression)).len(), 1);
    }

    #[test]
    fn columns_are_one_finding_worst_first() {
        let table = table([
            column("a", numbers_and(&["4O", "3"], 100)),
            column("b", numbers_and(&["4O", "x5"], 100)),
            column("c", numbers_and(&["1", "2"], 100)),
        ]);
        let [finding] = judge("mixed-types", &table).try_into().unwrap();
        assert_eq!(
            finding.message,
            "2 columns of numbers hold text, `b` the most: 2 texts among 100 numbers (2 %), the first is `4O`"
        );
        assert_eq!(finding.count, 3);
        assert_eq!(finding.places[..2], [Place::column("b"), Place::column("a")]);
    }
}
