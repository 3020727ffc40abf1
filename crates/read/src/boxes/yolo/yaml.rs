//! `data.yaml`: where the parts lie, and what the classes are called.

use std::collections::BTreeMap;

use saphyr_parser::{Event, Parser};

/// What the file says; paths as written.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(in crate::boxes) struct DataYaml {
    pub root: Option<String>,
    pub train: Vec<String>,
    pub validation: Vec<String>,
    pub test: Vec<String>,
    pub names: Vec<String>,
    /// Whether labels hold keypoints behind the box.
    pub has_keypoints: bool,
}

/// Events read of one file; `data.yaml` of a thousand classes has two thousand.
const MOST_EVENTS: usize = 1_000_000;

/// Reads the few keys that matter, event by event: nothing is built, so nesting and references cost nothing.
///
/// # Errors
/// The line and what is wrong there.
pub(in crate::boxes) fn parse(text: &str) -> Result<DataYaml, String> {
    let mut read = Read::default();
    for event in Parser::new_from_str(text).take(MOST_EVENTS) {
        let (event, span) = event.map_err(|e| format!("not YAML: {e}"))?;
        match event {
            Event::Scalar(value, _, anchor, _) => {
                if anchor > 0 {
                    read.anchors.insert(anchor, value.to_string());
                }
                read.scalar(&value);
            }
            Event::Alias(anchor) => {
                let value = read.anchors.get(&anchor).cloned().unwrap_or_default();
                read.scalar(&value);
            }
            Event::SequenceStart(..) => {
                read.note_keypoints();
                read.open.push(Level::List(0));
            }
            Event::MappingStart(..) => {
                if read.open.len() > 64 {
                    return Err(format!("line {}: too deep", span.start.line()));
                }
                read.open.push(Level::Map(None));
            }
            Event::SequenceEnd | Event::MappingEnd => {
                read.open.pop();
                read.value_ends();
            }
            Event::DocumentEnd => break,
            _ => {}
        }
    }
    let mut data = read.data;
    data.names = read.names.into_values().collect();
    Ok(data)
}

#[derive(Debug)]
enum Level {
    /// The key whose value comes next, if it was read.
    Map(Option<String>),
    /// The number of the next element.
    List(u32),
}

#[derive(Default)]
struct Read {
    data: DataYaml,
    names: BTreeMap<u32, String>,
    anchors: BTreeMap<usize, String>,
    open: Vec<Level>,
}

impl Read {
    fn scalar(&mut self, value: &str) {
        if let Some(Level::Map(key @ None)) = self.open.last_mut() {
            *key = Some(value.to_owned());
            return;
        }
        match self.open.as_slice() {
            [Level::Map(Some(key))] => match key.as_str() {
                "path" => self.data.root = Some(value.to_owned()).filter(|v| !is_null(v)),
                _ => {
                    let key = key.clone();
                    self.path(&key, value);
                }
            },
            [Level::Map(Some(key)), Level::List(at)] => {
                let (key, at) = (key.clone(), *at);
                if key == "names" {
                    self.names.insert(at, value.to_owned());
                }
                self.path(&key, value);
            }
            [Level::Map(Some(key)), Level::Map(Some(number))] if key == "names" => {
                if let Ok(number) = number.trim().parse() {
                    self.names.insert(number, value.to_owned());
                }
            }
            _ => {}
        }
        self.value_ends();
    }

    fn path(&mut self, key: &str, value: &str) {
        let paths = match key {
            "train" => &mut self.data.train,
            "val" | "valid" | "validation" => &mut self.data.validation,
            "test" => &mut self.data.test,
            _ => return,
        };
        if !is_null(value) {
            paths.push(value.to_owned());
        }
    }

    fn note_keypoints(&mut self) {
        if let [Level::Map(Some(key))] = self.open.as_slice() {
            self.data.has_keypoints |= key == "kpt_shape";
        }
    }

    fn value_ends(&mut self) {
        match self.open.last_mut() {
            Some(Level::Map(key)) => *key = None,
            Some(Level::List(at)) => *at += 1,
            None => {}
        }
    }
}

fn is_null(value: &str) -> bool {
    matches!(value.trim(), "" | "~" | "null" | "Null" | "NULL")
}
