//! JSON as Python writes it: with `NaN` and `Infinity`, which JSON has not.

use serde_json::Value;

use super::number::{Cell, cell};
use super::rows::Row;

/// Reads a value; bare `NaN`, `Infinity` and `-Infinity` become text, which [`numbers`] reads as numbers.
pub(super) fn parse(text: &str) -> Result<Value, serde_json::Error> {
    serde_json::from_str(text).or_else(|error| {
        if !text.contains("NaN") && !text.contains("Infinity") {
            return Err(error);
        }
        serde_json::from_str(&quote_words(text))
    })
}

/// Puts bare words for what is not finite into quotes.
fn quote_words(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + 64);
    let (mut is_quoted, mut rest) = (false, text);
    while let Some(c) = rest.chars().next() {
        let word = ["NaN", "-Infinity", "Infinity"].into_iter().find(|w| !is_quoted && rest.starts_with(w));
        let n = match word {
            Some(word) => {
                out.extend(["\"", word, "\""]);
                word.len()
            }
            None => {
                let escaped = if is_quoted && c == '\\' { rest[1..].chars().next() } else { None };
                is_quoted ^= c == '"';
                let n = c.len_utf8() + escaped.map_or(0, char::len_utf8);
                out.push_str(&rest[..n]);
                n
            }
        };
        rest = &rest[n..];
    }
    out
}

/// The numbers of an object, those of objects in it under names joined by `/`. Calls back with the names of what is no
/// number.
pub(super) fn numbers(value: &Value, row: &mut Row, not_numeric: &mut dyn FnMut(&str)) {
    let Value::Object(fields) = value else { return };
    for (name, value) in fields {
        flatten(name, value, row, not_numeric);
    }
}

fn flatten(name: &str, value: &Value, row: &mut Row, not_numeric: &mut dyn FnMut(&str)) {
    match value {
        Value::Number(number) => {
            if let Some(number) = number.as_f64() {
                row.add(name, number);
            }
        }
        Value::String(text) => match cell(text) {
            Cell::Number(number) => row.add(name, number),
            Cell::Blank => {}
            Cell::Text => not_numeric(name),
        },
        Value::Object(fields) => {
            for (inner, value) in fields {
                flatten(&format!("{name}/{inner}"), value, row, not_numeric);
            }
        }
        Value::Bool(_) | Value::Array(_) => not_numeric(name),
        Value::Null => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_python_writes_is_read() {
        let text =
            r#"{"loss": NaN, "a": {"b": -Infinity, "c": [1]}, "s": "NaN \" NaN", "n": null, "é": 1e3}"#;
        let mut row = Row::default();
        let mut others = Vec::new();
        numbers(&parse(text).unwrap(), &mut row, &mut |name| others.push(name.to_owned()));
        assert_eq!(row.values.len(), 3);
        let get = |wanted: &str| row.values.iter().find(|(name, _)| name == wanted).unwrap().1;
        assert!(get("loss").is_nan());
        assert_eq!((get("a/b"), get("é")), (f64::NEG_INFINITY, 1000.0));
        assert_eq!(others, ["a/c", "s"]);
        assert!(parse("{\"a\": NaNa}").is_err());
    }
}
