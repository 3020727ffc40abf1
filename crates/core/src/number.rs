//! Numbers in reports: non-finite values survive JSON, and people read three significant digits.

use std::fmt;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// A float that survives JSON: NaN and the infinities are written as `"NaN"`, `"Infinity"`, `"-Infinity"`.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
#[cfg_attr(
    feature = "types",
    derive(ts_rs::TS),
    ts(type = "number | \"NaN\" | \"Infinity\" | \"-Infinity\"")
)]
pub struct Number(pub f64);

impl From<f64> for Number {
    fn from(value: f64) -> Self {
        Self(value)
    }
}

impl Serialize for Number {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self.0 {
            x if x.is_nan() => serializer.serialize_str("NaN"),
            f64::INFINITY => serializer.serialize_str("Infinity"),
            f64::NEG_INFINITY => serializer.serialize_str("-Infinity"),
            x => serializer.serialize_f64(x),
        }
    }
}

impl<'de> Deserialize<'de> for Number {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        #[derive(Deserialize)]
        #[serde(untagged)]
        enum Raw {
            Float(f64),
            Word(String),
        }
        match Raw::deserialize(deserializer)? {
            Raw::Float(value) => Ok(Self(value)),
            Raw::Word(word) => match word.as_str() {
                "NaN" => Ok(Self(f64::NAN)),
                "Infinity" => Ok(Self(f64::INFINITY)),
                "-Infinity" => Ok(Self(f64::NEG_INFINITY)),
                other => Err(serde::de::Error::custom(format!("`{other}` is not a number"))),
            },
        }
    }
}

impl fmt::Display for Number {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        Human(self.0).fmt(f)
    }
}

/// Shows a float to a person: at most four significant digits, thousands grouped, no trailing zeros.
///
/// ```
/// use stetho_core::Human;
/// assert_eq!(Human(0.123456).to_string(), "0.1235");
/// assert_eq!(Human(1234567.0).to_string(), "1,234,567");
/// assert_eq!(Human(f64::NAN).to_string(), "NaN");
/// ```
#[derive(Clone, Copy, Debug)]
pub struct Human(pub f64);

impl fmt::Display for Human {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let x = self.0;
        let magnitude = x.abs();
        if x.is_nan() {
            f.write_str("NaN")
        } else if x.is_infinite() {
            f.write_str(if x > 0.0 { "∞" } else { "-∞" })
        } else if magnitude >= 1e15 || (magnitude > 0.0 && magnitude < 1e-4) {
            write!(f, "{x:.2e}")
        } else if magnitude >= 1000.0 {
            let sign = if x < 0.0 { "-" } else { "" };
            write!(f, "{sign}{}", thousands(magnitude.round() as u64))
        } else {
            let decimals = if magnitude >= 100.0 {
                1
            } else if magnitude >= 10.0 {
                2
            } else if magnitude >= 1.0 {
                3
            } else {
                4
            };
            let text = format!("{x:.decimals$}");
            let text = text.trim_end_matches('0').trim_end_matches('.');
            f.write_str(if text == "-0" { "0" } else { text })
        }
    }
}

/// Groups the digits of a count in threes: `12345` is `12,345`.
pub fn thousands(count: u64) -> String {
    let digits = count.to_string();
    let mut out = String::with_capacity(digits.len() + digits.len() / 3);
    for (i, digit) in digits.chars().enumerate() {
        if i > 0 && (digits.len() - i).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    out
}

/// A count with its noun in the right number: `1 row`, `2,400 rows`. The plural adds an `s`, or `ies` for a `y`
/// after a consonant.
pub fn count_of(count: u64, noun: &str) -> String {
    if count == 1 {
        return format!("1 {noun}");
    }
    let vowel_before_y =
        noun.len() >= 2 && matches!(noun.as_bytes()[noun.len() - 2], b'a' | b'e' | b'o' | b'u');
    match noun.strip_suffix('y') {
        Some(stem) if !vowel_before_y => format!("{} {stem}ies", thousands(count)),
        _ if noun.ends_with("ss") => format!("{} {noun}es", thousands(count)),
        _ => format!("{} {noun}s", thousands(count)),
    }
}

/// A share as a percentage a person reads: `0.153` is `15.3 %`; never `0 %` or `100 %` unless it is exactly that.
pub fn percent(share: f64) -> String {
    let value = share * 100.0;
    if share > 0.0 && value < 0.1 {
        return format!("{} %", Human(value));
    }
    if share < 1.0 && value > 99.9 {
        return format!("{value:.3} %");
    }
    let text = format!("{value:.1}");
    format!("{} %", text.trim_end_matches(".0"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn non_finite_numbers_round_trip() {
        for value in [f64::NAN, f64::INFINITY, f64::NEG_INFINITY, 0.1, -3.0] {
            let json = serde_json::to_string(&Number(value)).unwrap();
            let back: Number = serde_json::from_str(&json).unwrap();
            assert_eq!(back.0.to_bits(), value.to_bits(), "{json}");
        }
    }

    #[test]
    fn people_read_these() {
        for (value, shown) in [
            (0.0, "0"),
            (-1.5, "-1.5"),
            (1e-9, "1.00e-9"),
            (99.999, "100"),
            (-12345.6, "-12,346"),
            (2.0, "2"),
        ] {
            assert_eq!(Human(value).to_string(), shown);
        }
        assert_eq!(percent(0.9999999), "100.000 %");
        assert_eq!(percent(0.00001), "0.001 %");
        assert_eq!(percent(0.5), "50 %");
        assert_eq!(count_of(1, "row"), "1 row");
        assert_eq!(count_of(2400, "category"), "2,400 categories");
        assert_eq!(count_of(3, "class"), "3 classes");
    }
}
