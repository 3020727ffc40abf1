//! Entries of a COCO file, each from its own text.

use std::fmt;

use serde::de::{self, Deserialize, Deserializer, Visitor};
use serde_json::Value;

use super::segmentation;

/// An id: a whole number, as COCO has it, or a text.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(in crate::boxes) enum Id {
    Number(i64),
    Text(Box<str>),
}

impl fmt::Display for Id {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Number(number) => write!(f, "{number}"),
            Self::Text(text) => write!(f, "{text}"),
        }
    }
}

impl<'de> Deserialize<'de> for Id {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct AnyId;
        impl Visitor<'_> for AnyId {
            type Value = Id;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an id")
            }
            fn visit_i64<E: de::Error>(self, v: i64) -> Result<Id, E> {
                Ok(Id::Number(v))
            }
            fn visit_u64<E: de::Error>(self, v: u64) -> Result<Id, E> {
                Ok(i64::try_from(v).map_or_else(|_| Id::Text(v.to_string().into()), Id::Number))
            }
            fn visit_f64<E: de::Error>(self, v: f64) -> Result<Id, E> {
                let is_whole = v.fract().abs() < f64::EPSILON && v.abs() < 9e15;
                Ok(if is_whole { Id::Number(v as i64) } else { Id::Text(v.to_string().into()) })
            }
            fn visit_str<E: de::Error>(self, v: &str) -> Result<Id, E> {
                Ok(Id::Text(v.into()))
            }
        }
        deserializer.deserialize_any(AnyId)
    }
}

/// `iscrowd`: 0, 1, true, false.
struct Flag(bool);

impl<'de> Deserialize<'de> for Flag {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct AnyFlag;
        impl Visitor<'_> for AnyFlag {
            type Value = Flag;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("0 or 1")
            }
            fn visit_bool<E: de::Error>(self, v: bool) -> Result<Flag, E> {
                Ok(Flag(v))
            }
            fn visit_u64<E: de::Error>(self, v: u64) -> Result<Flag, E> {
                Ok(Flag(v != 0))
            }
            fn visit_unit<E: de::Error>(self) -> Result<Flag, E> {
                Ok(Flag(false))
            }
        }
        deserializer.deserialize_any(AnyFlag)
    }
}

/// An entry of `annotations`.
#[derive(Clone, Debug, PartialEq)]
pub(in crate::boxes) struct CocoBox {
    pub id: Option<Id>,
    pub image: Id,
    pub category: Id,
    /// x, y, width, height.
    pub numbers: [f64; 4],
    pub is_crowd: bool,
    /// The numbers are the extent of `segmentation`.
    pub is_derived: bool,
}

/// An entry of `images`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::boxes) struct CocoImage {
    pub id: Id,
    pub name: String,
    pub size: Option<(u32, u32)>,
}

/// Why an entry cannot be used, and the picture it speaks of if that much is known.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::boxes) struct Problem {
    pub words: String,
    pub image: Option<Id>,
}

impl Problem {
    fn new(words: impl Into<String>) -> Self {
        Self { words: words.into(), image: None }
    }
}

/// Reads a box; the common case without any detour.
pub(in crate::boxes) fn read_box(text: &[u8]) -> Result<CocoBox, Problem> {
    #[derive(serde::Deserialize)]
    struct Plain {
        id: Option<Id>,
        image_id: Id,
        category_id: Id,
        bbox: [f64; 4],
        iscrowd: Option<Flag>,
    }
    match serde_json::from_slice::<Plain>(text) {
        Ok(Plain { id, image_id, category_id, bbox, iscrowd }) => Ok(CocoBox {
            id,
            image: image_id,
            category: category_id,
            numbers: bbox,
            is_crowd: iscrowd.is_some_and(|f| f.0),
            is_derived: false,
        }),
        Err(_) => odd_box(text),
    }
}

fn odd_box(text: &[u8]) -> Result<CocoBox, Problem> {
    let entry = object(text)?;
    let image = id(&entry, "image_id");
    let told = |words: String| Problem { words, image: image.clone().ok() };
    let (numbers, is_derived) = numbers(&entry).map_err(&told)?;
    let image = image.clone().map_err(Problem::new)?;
    let category = id(&entry, "category_id").map_err(told)?;
    let is_crowd = entry
        .get("iscrowd")
        .is_some_and(|v| v.as_bool() == Some(true) || v.as_f64().is_some_and(|n| n > 0.0));
    Ok(CocoBox { id: id(&entry, "id").ok(), image, category, numbers, is_crowd, is_derived })
}

/// The numbers of `bbox`, or the extent of `segmentation` where there is none; and whether it is that.
fn numbers(entry: &Value) -> Result<([f64; 4], bool), String> {
    let given = |key: &str| entry.get(key).filter(|v| !v.is_null());
    let Some(bbox) = given("bbox") else {
        let segmentation = given("segmentation").ok_or_else(|| "it has no `bbox`".to_owned())?;
        return Ok((segmentation::extent(segmentation)?, true));
    };
    let list = bbox.as_array().ok_or_else(|| "`bbox` is no list".to_owned())?;
    if list.len() != 4 {
        return Err(format!("`bbox` has {} numbers, expected 4", list.len()));
    }
    let mut numbers = [0.0; 4];
    for (slot, value) in numbers.iter_mut().zip(list) {
        *slot = number("bbox", value)?;
    }
    Ok((numbers, false))
}

/// A coordinate in the list `key`.
pub(super) fn number(key: &str, value: &Value) -> Result<f64, String> {
    match value {
        Value::Number(number) => number
            .as_f64()
            .filter(|n| n.is_finite())
            .ok_or_else(|| format!("`{key}` holds {number}, which is too large")),
        Value::String(text) if NON_FINITE.contains(&text.as_str()) => Err(format!("`{key}` holds {text}")),
        other => Err(format!("`{key}` holds `{}`, expected a number", shorten(&other.to_string()))),
    }
}

/// Reads a picture.
pub(in crate::boxes) fn read_image(text: &[u8]) -> Result<CocoImage, Problem> {
    let entry = object(text)?;
    let id = id(&entry, "id").map_err(Problem::new)?;
    let told = |words: &str| Problem { words: words.to_owned(), image: Some(id.clone()) };
    let name = entry.get("file_name").and_then(Value::as_str).filter(|n| !n.is_empty());
    let name = name.ok_or_else(|| told("the picture has no `file_name`"))?.to_owned();
    let side = |key: &str| {
        let side = entry.get(key).and_then(Value::as_f64).filter(|n| (1.0..4e9).contains(n));
        side.map(|n| n as u32)
    };
    Ok(CocoImage { size: side("width").zip(side("height")), name, id })
}

/// Reads a category: its id and name.
pub(in crate::boxes) fn read_category(text: &[u8]) -> Result<(Id, String), Problem> {
    let entry = object(text)?;
    let id = id(&entry, "id").map_err(Problem::new)?;
    let name = match entry.get("name") {
        Some(Value::String(name)) => name.clone(),
        Some(Value::Number(name)) => name.to_string(),
        _ => return Err(Problem { words: format!("the category {id} has no `name`"), image: None }),
    };
    Ok((id, name))
}

fn id(entry: &Value, key: &str) -> Result<Id, String> {
    let value = entry.get(key).filter(|v| !v.is_null()).ok_or_else(|| format!("it has no `{key}`"))?;
    Id::deserialize(value).map_err(|_| format!("`{key}` is neither a number nor a text"))
}

const NON_FINITE: [&str; 3] = ["NaN", "Infinity", "-Infinity"];

/// Parses an entry in which numbers may be NaN or infinite, as Python writes them.
fn object(text: &[u8]) -> Result<Value, Problem> {
    let parsed = serde_json::from_slice::<Value>(text).or_else(|error| match quote_non_finite(text) {
        Some(quoted) => serde_json::from_slice(&quoted),
        None => Err(error),
    });
    match parsed {
        Ok(value) if value.is_object() => Ok(value),
        Ok(_) => Err(Problem::new("an object was expected")),
        Err(error) if error.is_eof() => Err(Problem::new("the entry ends too early: the file was cut off")),
        Err(error) => {
            let words = error.to_string();
            let words = words.split(" at line ").next().unwrap_or_default();
            Err(Problem::new(format!("not JSON: {words}")))
        }
    }
}

/// The text with NaN and infinities outside of strings made texts; `None` where there are none.
fn quote_non_finite(text: &[u8]) -> Option<Vec<u8>> {
    let mut quoted = Vec::with_capacity(text.len() + 16);
    let (mut at, mut in_string, mut n) = (0, false, 0);
    while let Some(&byte) = text.get(at) {
        let rest = text.get(at..).unwrap_or_default();
        let word = NON_FINITE.iter().find(|w| !in_string && rest.starts_with(w.as_bytes()));
        if let Some(word) = word {
            quoted.push(b'"');
            quoted.extend_from_slice(word.as_bytes());
            quoted.push(b'"');
            at += word.len();
            n += 1;
            continue;
        }
        quoted.push(byte);
        if in_string && byte == b'\\' {
            quoted.extend(text.get(at + 1));
            at += 1;
        } else if byte == b'"' {
            in_string = !in_string;
        }
        at += 1;
    }
    (n > 0).then_some(quoted)
}

pub(super) fn shorten(text: &str) -> String {
    text.chars().take(40).collect()
}
