//! One JSON object as the cells of a row, without a tree in between.

use std::borrow::Cow;
use std::fmt;

use serde::Deserialize;
use serde::de::value::{MapAccessDeserializer, SeqAccessDeserializer};
use serde::de::{DeserializeSeed, Deserializer, Error, MapAccess, SeqAccess, Visitor};
use std::collections::HashMap;

/// Stands before `NaN` and `Infinity` where these were written bare, which JSON does not allow and Python writes.
const BARE: &str = "\u{0}bare:";

/// One value.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) enum Cell<'a> {
    /// `null`, or no such field in this object.
    #[default]
    Null,
    Bool(bool),
    Int(i64),
    Float(f64),
    Text(Cow<'a, str>),
    /// An object or array, written as compact JSON with sorted keys.
    Nested(String),
}

impl<'de> Deserialize<'de> for Cell<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(CellVisitor)
    }
}

struct CellVisitor;

impl<'de> Visitor<'de> for CellVisitor {
    type Value = Cell<'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON value")
    }

    fn visit_unit<E>(self) -> Result<Cell<'de>, E> {
        Ok(Cell::Null)
    }

    fn visit_bool<E>(self, value: bool) -> Result<Cell<'de>, E> {
        Ok(Cell::Bool(value))
    }

    fn visit_i64<E>(self, value: i64) -> Result<Cell<'de>, E> {
        Ok(Cell::Int(value))
    }

    fn visit_u64<E>(self, value: u64) -> Result<Cell<'de>, E> {
        Ok(i64::try_from(value).map_or(Cell::Float(value as f64), Cell::Int))
    }

    fn visit_f64<E>(self, value: f64) -> Result<Cell<'de>, E> {
        Ok(Cell::Float(value))
    }

    fn visit_borrowed_str<E>(self, value: &'de str) -> Result<Cell<'de>, E> {
        Ok(bare(value).unwrap_or(Cell::Text(Cow::Borrowed(value))))
    }

    fn visit_str<E>(self, value: &str) -> Result<Cell<'de>, E> {
        Ok(bare(value).unwrap_or_else(|| Cell::Text(Cow::Owned(value.to_owned()))))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, seq: A) -> Result<Cell<'de>, A::Error> {
        let value = serde_json::Value::deserialize(SeqAccessDeserializer::new(seq))?;
        Ok(Cell::Nested(value.to_string()))
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Cell<'de>, A::Error> {
        let value = serde_json::Value::deserialize(MapAccessDeserializer::new(map))?;
        Ok(Cell::Nested(value.to_string()))
    }
}

fn bare(text: &str) -> Option<Cell<'static>> {
    let number = match text.strip_prefix(BARE)? {
        "NaN" => f64::NAN,
        "Infinity" => f64::INFINITY,
        "-Infinity" => f64::NEG_INFINITY,
        _ => return None,
    };
    Some(Cell::Float(number))
}

/// The line with bare `NaN`, `Infinity` and `-Infinity` outside strings marked as such, so that it is JSON; `None` if
/// there are none.
pub(super) fn with_bare_numbers(line: &[u8]) -> Option<Vec<u8>> {
    let (mut marked, mut changed, mut in_string, mut at) =
        (Vec::with_capacity(line.len() + 16), false, false, 0);
    while let Some(&byte) = line.get(at) {
        let rest = line.get(at..).unwrap_or_default();
        let word = ["NaN", "-Infinity", "Infinity"]
            .into_iter()
            .find(|w| !in_string && rest.starts_with(w.as_bytes()));
        if let Some(word) = word {
            marked.extend_from_slice(b"\"\\u0000");
            marked.extend_from_slice(BARE.trim_start_matches('\0').as_bytes());
            marked.extend_from_slice(word.as_bytes());
            marked.push(b'"');
            changed = true;
            at += word.len();
            continue;
        }
        marked.push(byte);
        at += 1;
        if in_string && byte == b'\\' {
            marked.extend(line.get(at));
            at += 1;
        } else if byte == b'"' {
            in_string = !in_string;
        }
    }
    changed.then_some(marked)
}

/// Field names with their column, in the order of first appearance.
#[derive(Clone, Debug, Default)]
pub(super) struct Names {
    list: Vec<String>,
    index: HashMap<String, usize>,
}

impl Names {
    /// The names in order.
    pub(super) fn list(&self) -> &[String] {
        &self.list
    }

    /// The column of a name; objects mostly list their fields in the same order, so `likely` is tried first.
    fn find(&self, name: &str, likely: usize) -> Option<usize> {
        match self.list.get(likely) {
            Some(candidate) if candidate == name => Some(likely),
            _ => self.index.get(name).copied(),
        }
    }

    /// The column of a name, which is added if it is new.
    pub(super) fn add(&mut self, name: &str) -> usize {
        if let Some(at) = self.index.get(name) {
            return *at;
        }
        let at = self.list.len();
        self.list.push(name.to_owned());
        self.index.insert(name.to_owned(), at);
        at
    }
}

/// Reads one object into `cells`, one a name; fields that have no column go to `unknown`.
pub(super) struct RowSeed<'r, 'de> {
    pub(super) names: &'r Names,
    pub(super) cells: &'r mut Vec<Cell<'de>>,
    pub(super) unknown: &'r mut Vec<(String, Cell<'de>)>,
}

impl<'de> RowSeed<'_, 'de> {
    /// Reads the bytes of one object.
    pub(super) fn read(self, bytes: &'de [u8]) -> serde_json::Result<()> {
        let mut deserializer = serde_json::Deserializer::from_slice(bytes);
        self.deserialize(&mut deserializer)?;
        deserializer.end()
    }
}

impl<'de> DeserializeSeed<'de> for RowSeed<'_, 'de> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        self.cells.clear();
        self.cells.resize(self.names.list.len(), Cell::Null);
        self.unknown.clear();
        deserializer.deserialize_map(self)
    }
}

impl<'de> Visitor<'de> for RowSeed<'_, 'de> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        let mut likely = 0;
        while let Some(column) = map.next_key_seed(Key { names: self.names, likely })? {
            match column {
                Ok(at) => {
                    let value = map.next_value()?;
                    let cell = self.cells.get_mut(at).ok_or_else(|| A::Error::custom("no such column"))?;
                    *cell = value;
                    likely = at + 1;
                }
                Err(name) => {
                    let value = map.next_value()?;
                    self.unknown.push((name, value));
                }
            }
        }
        Ok(())
    }
}

/// Looks a key up without keeping it.
struct Key<'r> {
    names: &'r Names,
    likely: usize,
}

impl<'de> DeserializeSeed<'de> for Key<'_> {
    type Value = Result<usize, String>;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
        deserializer.deserialize_str(self)
    }
}

impl Visitor<'_> for Key<'_> {
    type Value = Result<usize, String>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a field name")
    }

    fn visit_str<E: Error>(self, name: &str) -> Result<Self::Value, E> {
        Ok(self.names.find(name, self.likely).ok_or_else(|| name.to_owned()))
    }
}
