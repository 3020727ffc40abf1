//! The lists of a COCO file joined: each box goes to the picture that it names.

use std::collections::{HashMap, HashSet};
use std::path::Path;

use stetho_core::boxes::{Annotation, BoundingBox, BoxClass};
use stetho_core::table::{FileFacts, Part};

use super::entry::{CocoBox, CocoImage, Id};
use super::file::CocoFile;
use crate::boxes::set::{At, Entry, Gathered, Log};
use crate::boxes::shelf::{Asker, Shelf};

/// Adds what one file holds.
pub(super) fn add(all: &mut Gathered, path: &Path, file: CocoFile, part: Part, shelf: &Shelf) {
    let CocoFile { images, boxes, categories, troubled, seen, log, has_stray, is_partial, .. } = file;
    let n_rows = boxes.len() as u64;
    let classes: HashMap<Id, u32> =
        categories.into_iter().map(|(id, name)| (id, all.declare(&name))).collect();
    let name = path.display().to_string();
    let mut joined =
        Joined { name: name.clone(), log, has_stray: has_stray || is_partial, ..Joined::default() };
    joined.add_pictures(images, Asker { file: path, part }, shelf);
    joined.add_boxes(boxes, &classes);
    all.is_declared |= seen[2];
    all.is_partial |= is_partial;
    joined.move_into(all, &troubled);
    all.files.push(FileFacts { path: name, format: "COCO".to_owned(), n_rows });
}

/// The pictures of a file with what was joined to them.
#[derive(Default)]
struct Joined {
    /// Of the file.
    name: String,
    entries: Vec<Entry>,
    /// Places of pictures in `entries`.
    number: HashMap<Id, usize>,
    log: Log,
    /// Whether there are boxes of which nobody knows the picture.
    has_stray: bool,
}

impl Joined {
    fn add_pictures(&mut self, images: Vec<(u64, CocoImage)>, asker: Asker<'_>, shelf: &Shelf) {
        let found: Vec<Option<usize>> = images.iter().map(|(_, i)| shelf.find(&i.name, asker)).collect();
        // Names from another machine: their folders agree with none here, so the file names decide.
        let has_folders = |name: &str| name.contains(['/', '\\']);
        let is_foreign = !images.iter().zip(&found).any(|((_, i), f)| f.is_some() && has_folders(&i.name));
        for ((line, image), found) in images.into_iter().zip(found) {
            if self.number.contains_key(&image.id) {
                let words = format!("the picture id {} was used before", image.id);
                let at = At { index: None, line: Some(line) };
                self.log.add(&self.name, at, words, image.name.as_bytes());
                continue;
            }
            let anywhere = || shelf.find_anywhere(&image.name, asker).filter(|_| is_foreign);
            let picture = found.or_else(anywhere).and_then(|i| shelf.pictures.get(i)).cloned();
            self.number.insert(image.id, self.entries.len());
            let annotation = Annotation {
                path: self.name.clone(),
                line: Some(line),
                picture: picture.as_ref().map_or(image.name, |p| p.display().to_string()),
                part: asker.part,
                is_annotated: true,
                declared: image.size,
                ..Annotation::default()
            };
            self.entries.push(Entry { annotation, picture });
        }
    }

    fn add_boxes(&mut self, boxes: Vec<(u64, u64, CocoBox)>, classes: &HashMap<Id, u32>) {
        let mut ids = HashSet::with_capacity(boxes.len());
        for (index, line, b) in boxes {
            let at = At { index: Some(index), line: Some(line) };
            if let Some(id) = b.id.clone().filter(|id| !ids.insert(id.clone())) {
                let words = format!("the annotation id {id} was used before; loaders that go by id lose one");
                self.log.add(&self.name, at, words, b"");
            }
            let Some(entry) = self.number.get(&b.image).and_then(|i| self.entries.get_mut(*i)) else {
                self.log.add(&self.name, at, format!("no picture has the id {}", b.image), b"");
                self.has_stray = true;
                continue;
            };
            let class = classes.get(&b.category).copied().map(BoxClass::Known);
            entry.annotation.boxes.push(bounding_box(index, line, &b, class));
        }
    }

    /// Moves all into `all`. Pictures of whose boxes none could be read are left out: they are not without boxes.
    fn move_into(self, all: &mut Gathered, troubled: &[Id]) {
        let named: HashSet<usize> = troubled.iter().filter_map(|id| self.number.get(id).copied()).collect();
        for (i, mut entry) in self.entries.into_iter().enumerate() {
            let is_named = named.contains(&i);
            entry.annotation.is_damaged = is_named || self.has_stray;
            match entry.picture {
                Some(picture) if is_named && entry.annotation.boxes.is_empty() => {
                    all.loose.push((picture, entry.annotation.part));
                }
                _ => all.entries.push(entry),
            }
        }
        all.log.append(self.log);
    }
}

/// The box of an entry; its class as the id is written where none is given.
pub(super) fn bounding_box(index: u64, line: u64, b: &CocoBox, class: Option<BoxClass>) -> BoundingBox {
    let [x, y, w, h] = b.numbers;
    BoundingBox {
        index,
        line: Some(line),
        class: class.unwrap_or_else(|| BoxClass::Unknown(b.category.to_string())),
        corners: [x, y, x + w, y + h],
        written: b.numbers,
        is_crowd: b.is_crowd,
        is_derived: b.is_derived,
    }
}
