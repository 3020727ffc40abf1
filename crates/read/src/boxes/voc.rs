//! Pascal VOC: one XML file a picture.
//!
//! Corners are kept as they are written. The format counts pixels from 1 and includes the last one, so that a box on the
//! whole of a picture of width 100 is 1 … 100; others write 0 … 100 or 0 … 99. Loaders (torchvision and those after
//! it) take `xmax - xmin` for the width, and so do we: none of these is outside of the picture, and `xmin = xmax` has
//! width 0 here as it has in training, though the format's own arithmetic would call it one pixel wide.

use std::ops::ControlFlow;

use quick_xml::Reader;
use quick_xml::events::{BytesRef, Event};
use stetho_core::boxes::{BoundingBox, BoxClass};

use super::set::{At, Log};

/// Elements inside each other; more are no annotation.
const DEEPEST: usize = 256;

/// What one XML file says.
#[derive(Debug, Default)]
pub(super) struct VocFile {
    /// The outermost element, if there is one; `annotation` in a file of this format.
    pub root: Option<String>,
    pub picture: Option<String>,
    pub size: Option<(u32, u32)>,
    /// Classes are still texts: [`BoxClass::Unknown`].
    pub boxes: Vec<BoundingBox>,
    pub log: Log,
}

/// An `object` that is being read.
#[derive(Debug, Default)]
struct Object {
    line: u64,
    name: Option<String>,
    is_difficult: bool,
    has_box: bool,
    corners: [Option<String>; 4],
}

const SIDES: [&str; 4] = ["xmin", "ymin", "xmax", "ymax"];

#[derive(Default)]
struct Parse<'a> {
    name: &'a str,
    file: VocFile,
    path: Vec<String>,
    text: String,
    object: Option<Object>,
    width: Option<u32>,
    height: Option<u32>,
    n_objects: u64,
}

/// Reads an XML annotation; `name` is that of the file in the log.
pub(super) fn parse(name: &str, text: &str) -> VocFile {
    let mut parse = Parse { name, ..Parse::default() };
    let (line, trouble) = parse.read(text);
    parse.conclude(text, line, trouble)
}

/// A character by number, or one of the five names that XML has; other names stay as they are, so that no entity of a
/// document type is ever expanded.
fn resolve(reference: &BytesRef<'_>, text: &mut String) {
    if let Ok(Some(character)) = reference.resolve_char_ref() {
        return text.push(character);
    }
    let name: &str = reference;
    match quick_xml::escape::resolve_predefined_entity(name) {
        Some(known) => text.push_str(known),
        None => {
            text.push('&');
            text.push_str(name);
            text.push(';');
        }
    }
}

impl Parse<'_> {
    /// Reads to the end; the line that was reached, and what keeps the rest from being read.
    fn read(&mut self, text: &str) -> (u64, Option<String>) {
        let mut reader = Reader::from_str(text);
        let (mut line, mut at) = (1, 0);
        loop {
            let position = usize::try_from(reader.buffer_position()).unwrap_or(usize::MAX);
            let passed = text.as_bytes().get(at..position).unwrap_or_default();
            line += memchr::memchr_iter(b'\n', passed).count() as u64;
            at = position;
            let step = match reader.read_event() {
                Ok(event) => self.take(event, line),
                Err(error) => {
                    let words = crate::source::guard::one_line(&error.to_string());
                    ControlFlow::Break(Some(format!("not XML from here on: {words}")))
                }
            };
            if let ControlFlow::Break(trouble) = step {
                return (line, trouble);
            }
        }
    }

    /// Takes one event in; breaks at the end, with words where that came too early.
    fn take(&mut self, event: Event<'_>, line: u64) -> ControlFlow<Option<String>> {
        match event {
            Event::Start(tag) => {
                self.start(tag.name().as_ref(), line);
                if self.path.len() > DEEPEST {
                    let words = format!("elements lie more than {DEEPEST} deep in each other");
                    return ControlFlow::Break(Some(words));
                }
            }
            Event::Empty(tag) => {
                self.start(tag.name().as_ref(), line);
                self.end();
            }
            Event::End(_) => self.end(),
            Event::Text(text) => self.text.push_str(&text),
            Event::CData(text) => self.text.push_str(&text),
            Event::GeneralRef(reference) => resolve(&reference, &mut self.text),
            Event::Eof if self.path.is_empty() => return ControlFlow::Break(None),
            Event::Eof => {
                let words = "the file ends inside an element: it was cut off";
                return ControlFlow::Break(Some(words.to_owned()));
            }
            _ => {}
        }
        ControlFlow::Continue(())
    }

    /// What the file says, `trouble` at `line` included.
    fn conclude(mut self, text: &str, line: u64, trouble: Option<String>) -> VocFile {
        let words = match &self.file.root {
            None if trouble.is_none() && text.trim().is_empty() => Some("the file is empty".to_owned()),
            None => Some("not XML: it has no element".to_owned()),
            Some(root) if root != "annotation" => {
                Some(format!("the outermost element is `{root}`, expected `annotation`"))
            }
            Some(_) => trouble,
        };
        if let Some(words) = words {
            let index = self.object.as_ref().map(|_| self.n_objects);
            let line = self.object.as_ref().map_or(line, |object| object.line);
            let shown = text.lines().nth(usize::try_from(line - 1).unwrap_or(0)).unwrap_or_default();
            self.file.log.add(self.name, At { index, line: Some(line) }, words, shown.as_bytes());
        }
        self.file.size = self.width.zip(self.height);
        self.file
    }

    fn start(&mut self, tag: &str, line: u64) {
        let root = &mut self.file.root;
        root.get_or_insert_with(|| tag.to_owned());
        self.text.clear();
        self.path.push(tag.to_owned());
        if self.is_at(&["object"]) {
            self.object = Some(Object { line, ..Object::default() });
        } else if let (true, Some(object)) = (self.is_at(&["object", "bndbox"]), &mut self.object) {
            object.has_box = true;
        }
    }

    /// Whether the open elements are `annotation` and these.
    fn is_at(&self, inner: &[&str]) -> bool {
        self.path.first().is_some_and(|root| root == "annotation")
            && self.path.get(1..).is_some_and(|rest| rest.iter().eq(inner.iter()))
    }

    fn end(&mut self) {
        let text = self.text.trim().to_owned();
        let side = || text.parse::<f64>().ok().filter(|n| (1.0..4e9).contains(n)).map(|n| n as u32);
        if self.is_at(&["object"]) {
            self.finish_object();
        } else if self.is_at(&["filename"]) {
            self.file.picture = Some(text).filter(|t| !t.is_empty());
        } else if self.is_at(&["size", "width"]) {
            self.width = side();
        } else if self.is_at(&["size", "height"]) {
            self.height = side();
        } else if self.path.len() == 3 && self.is_at_leaf("name") {
            self.object.iter_mut().for_each(|o| o.name = Some(text.clone()));
        } else if self.path.len() == 3 && self.is_at_leaf("difficult") {
            self.object
                .iter_mut()
                .for_each(|o| o.is_difficult = !matches!(text.as_str(), "" | "0" | "false"));
        } else if self.path.len() == 4 && self.path.get(2).is_some_and(|p| p == "bndbox") {
            let at = SIDES.iter().position(|s| self.path.last().is_some_and(|p| p == s));
            if let (Some(at), Some(object)) = (at, &mut self.object)
                && let Some(slot) = object.corners.get_mut(at)
            {
                *slot = Some(text);
            }
        }
        self.text.clear();
        self.path.pop();
    }

    fn is_at_leaf(&self, leaf: &str) -> bool {
        self.is_at(&["object", leaf])
    }

    fn finish_object(&mut self) {
        let Some(object) = self.object.take() else { return };
        let index = self.n_objects;
        self.n_objects += 1;
        let at = At { index: Some(index), line: Some(object.line) };
        match object.corners() {
            Ok(corners) => match object.name.filter(|n| !n.is_empty()) {
                Some(name) => self.file.boxes.push(BoundingBox {
                    index,
                    line: at.line,
                    class: BoxClass::Unknown(name),
                    corners,
                    written: corners,
                    is_crowd: object.is_difficult,
                    is_derived: false,
                }),
                None => self.file.log.add(self.name, at, "the object has no `name`", b""),
            },
            Err(words) => {
                let text = object.corners.iter().flatten().cloned().collect::<Vec<_>>().join(" ");
                self.file.log.add(self.name, at, words, text.as_bytes());
            }
        }
    }
}

impl Object {
    fn corners(&self) -> Result<[f64; 4], String> {
        if !self.has_box {
            return Err("the object has no `bndbox`".to_owned());
        }
        let mut corners = [0.0; 4];
        for ((slot, text), side) in corners.iter_mut().zip(&self.corners).zip(SIDES) {
            let text = text.as_ref().ok_or_else(|| format!("`bndbox` has no `{side}`"))?;
            let number: f64 = text.parse().map_err(|_| {
                format!("`{side}` is `{}`, expected a number", text.chars().take(40).collect::<String>())
            })?;
            if !number.is_finite() {
                return Err(format!("`{side}` is {text}"));
            }
            *slot = number;
        }
        Ok(corners)
    }
}
