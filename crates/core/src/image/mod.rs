//! Records of picture sets: what was measured of each picture, and which pictures are copies of each other.
//!
//! Per picture there are facts only, never pixels; nothing here is a judgement.

mod copies;
mod look;

pub use copies::{Copies, NearCluster, NearMember};
pub use look::{Channels, Colours, Damage, DamageKind, Format, Look};

use crate::table::{FileFacts, Part};
use crate::{Measured, Pictured, Place, Record, Signal};

/// One picture of the set.
#[derive(Clone, Debug)]
pub struct Picture {
    /// Its file, as the user named it: the picture itself, or the array file that holds it.
    pub path: String,
    /// 0-based number within an array file (IDX, `.npz`); `None` for a file of its own.
    pub index: Option<u64>,
    /// Which part of the data it belongs to.
    pub part: Part,
    /// Its class, as an index into [`Pictures::classes`].
    pub label: Option<u32>,
    /// The format that its file name promises.
    pub named: Option<Format>,
    /// Size of the file in bytes; of an array, bytes of this picture.
    pub n_bytes: u64,
    /// What it looks like, or why it cannot be looked at.
    pub look: Result<Look, Damage>,
    /// Where it lies in the projection of the set, see [`Pictures::projection`].
    pub projected: Option<[f32; 2]>,
}

impl Picture {
    /// Where it is.
    pub fn place(&self) -> Place {
        Place::Item { path: self.path.clone(), index: self.index, line: None }
    }

    /// Its name in a message: the path, with the number where the file holds many.
    pub fn name(&self) -> String {
        match self.index {
            Some(index) => format!("{}[{index}]", self.path),
            None => self.path.clone(),
        }
    }
}

/// What was measured of one set of pictures, held-out parts included.
#[derive(Clone, Debug, Default)]
pub struct Pictures {
    /// How the set is laid out, in words: `one folder a class`, `IDX`, `COCO` …
    pub layout: String,
    /// Lists, array files and folders it was read from.
    pub files: Vec<FileFacts>,
    /// Every picture: by part, then in reading order (paths sorted).
    pub pictures: Vec<Picture>,
    /// Class names in sorted order; numbers sort by value.
    pub classes: Vec<String>,
    /// Why pictures have no labels; `Is` where at least one has.
    pub labels: Measured<()>,
    /// Pictures that are copies of each other.
    pub copies: Measured<Copies>,
    /// Whether there are held-out parts.
    pub splits: Measured<()>,
    /// Shares of the variance that the two axes of [`Picture::projected`] explain.
    pub projection: Measured<[f32; 2]>,
}

impl Pictures {
    /// Pictures that could be decoded, with their index and what they look like.
    pub fn seen(&self) -> impl Iterator<Item = (usize, &Picture, &Look)> {
        self.pictures.iter().enumerate().filter_map(|(i, p)| Some((i, p, p.look.as_ref().ok()?)))
    }

    /// The class name of `picture`.
    pub fn label(&self, picture: &Picture) -> Option<&str> {
        self.classes.get(picture.label? as usize).map(String::as_str)
    }

    /// The picture with this index, to be looked at as evidence.
    pub fn pictured(&self, index: usize, caption: impl Into<String>) -> Pictured {
        let Some(picture) = self.pictures.get(index) else { return Pictured::default() };
        let (width, height) = picture.look.as_ref().map_or((0, 0), |look| (look.width, look.height));
        Pictured {
            path: picture.path.clone(),
            index: picture.index,
            label: self.label(picture).map(str::to_owned),
            part: picture.part.name().to_owned(),
            caption: caption.into(),
            width,
            height,
            ..Pictured::default()
        }
    }

    /// How many pictures of `part` each class has, in the order of [`Self::classes`].
    pub fn class_counts(&self, part: Part) -> Vec<u64> {
        let mut counts = vec![0; self.classes.len()];
        for label in self.pictures.iter().filter(|p| p.part == part).filter_map(|p| p.label) {
            if let Some(count) = counts.get_mut(label as usize) {
                *count += 1;
            }
        }
        counts
    }

    /// How many pictures belong to `part`.
    pub fn count(&self, part: Part) -> u64 {
        self.pictures.iter().filter(|p| p.part == part).count() as u64
    }
}

impl Record for Pictures {
    fn missing(&self, signal: Signal) -> Option<String> {
        let reason = match signal {
            Signal::Pictures => return None,
            Signal::PictureLabels => self.labels.reason(),
            Signal::PictureCopies => self.copies.reason(),
            Signal::Splits => self.splits.reason(),
            other => return Some(format!("{other} are not measured of pictures")),
        };
        reason.map(str::to_owned)
    }
}
