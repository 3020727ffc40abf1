//! Records of detection data sets: pictures with boxes drawn around objects.

use crate::table::{FileFacts, Part};
use crate::{Drawn, Number, Pictured, Place, Record, Signal};

/// The format of the annotations.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum BoxFormat {
    /// COCO: one JSON file; `bbox` is x, y, width, height in pixels.
    #[default]
    Coco,
    /// Pascal VOC: one XML file a picture; xmin, ymin, xmax, ymax in pixels.
    Voc,
    /// YOLO: one text file a picture; class, centre x, centre y, width, height as fractions of the picture's sides.
    Yolo,
}

impl BoxFormat {
    /// The name in reports.
    pub fn name(self) -> &'static str {
        match self {
            Self::Coco => "COCO",
            Self::Voc => "Pascal VOC",
            Self::Yolo => "YOLO",
        }
    }
}

/// The class of a box.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum BoxClass {
    /// An index into [`Boxes::classes`].
    Known(u32),
    /// As written, where the declared list does not have it.
    Unknown(String),
}

/// One box.
#[derive(Clone, Debug, PartialEq)]
pub struct BoundingBox {
    /// 0-based position in its annotation file.
    pub index: u64,
    /// 1-based line of the annotation file where the box begins.
    pub line: Option<u64>,
    /// Its class.
    pub class: BoxClass,
    /// xmin, ymin, xmax, ymax in pixels by the convention of the format, unrounded and unclipped; the maxima are
    /// where the box ends, so a box of width 3 has xmax = xmin + 3. For YOLO without a known picture size, fractions
    /// of the sides ([`Annotation::size`] is then `None`).
    pub corners: [f64; 4],
    /// The four numbers as written, in the order of the format; of a derived box as they would be written.
    pub written: [f64; 4],
    /// Marked as a crowd (COCO) or as difficult (VOC): left out of training by most loaders.
    pub is_crowd: bool,
    /// Not written as a box: it is the extent of an outline or a mask.
    pub is_derived: bool,
}

impl BoundingBox {
    /// xmax − xmin.
    pub fn width(&self) -> f64 {
        self.corners[2] - self.corners[0]
    }

    /// ymax − ymin.
    pub fn height(&self) -> f64 {
        self.corners[3] - self.corners[1]
    }

    /// Area; 0 for a box with a negative side.
    pub fn area(&self) -> f64 {
        self.width().max(0.0) * self.height().max(0.0)
    }

    /// Intersection over union with `other`; 0 where either is empty.
    pub fn iou(&self, other: &Self) -> f64 {
        let [a, b] = [self.corners, other.corners];
        let width = (a[2].min(b[2]) - a[0].max(b[0])).max(0.0);
        let height = (a[3].min(b[3]) - a[1].max(b[1])).max(0.0);
        let both = width * height;
        let either = self.area() + other.area() - both;
        if either > 0.0 { both / either } else { 0.0 }
    }
}

/// What there is of the picture that an annotation speaks of.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum PictureState {
    /// It is there, with these sides in pixels, as stored.
    Sized(u32, u32),
    /// It is there, but its size cannot be read.
    Unreadable,
    /// It is not there.
    #[default]
    Missing,
}

/// The boxes of one picture.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Annotation {
    /// The annotation file, as the user named it; the picture where there is no annotation.
    pub path: String,
    /// 1-based line where the picture's entry begins (COCO).
    pub line: Option<u64>,
    /// The picture: its path where it was found, else the name as written.
    pub picture: String,
    /// Which part of the data it belongs to.
    pub part: Part,
    /// Whether an annotation speaks of the picture at all; `false` for a picture without one.
    pub is_annotated: bool,
    /// Width and height as the annotation tells them.
    pub declared: Option<(u32, u32)>,
    /// The picture itself.
    pub state: PictureState,
    /// EXIF orientation of the picture, 1 to 8: from 5 on, width and height are exchanged on display.
    pub orientation: u8,
    /// Its boxes.
    pub boxes: Vec<BoundingBox>,
    /// Some of its boxes could not be read, or may be among those that could not: it has more than `boxes` says.
    pub is_damaged: bool,
}

impl Annotation {
    /// Width and height of the picture: its own, else as declared.
    pub fn size(&self) -> Option<(f64, f64)> {
        let size = match self.state {
            PictureState::Sized(width, height) => Some((width, height)),
            PictureState::Unreadable | PictureState::Missing => self.declared,
        };
        size.filter(|(width, height)| *width > 0 && *height > 0).map(|(w, h)| (f64::from(w), f64::from(h)))
    }

    /// Where box `b` of this annotation is.
    pub fn place(&self, b: &BoundingBox) -> Place {
        Place::Item { path: self.path.clone(), index: Some(b.index), line: b.line }
    }
}

/// A part of an annotation that could not be read; the rest of its file was.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MalformedAnnotation {
    /// The file, as the user named it.
    pub path: String,
    /// 0-based position of the box in the file, where the trouble is in one box.
    pub index: Option<u64>,
    /// 1-based line.
    pub line: Option<u64>,
    /// What is wrong, in words and with the numbers.
    pub problem: String,
    /// The text, shortened to 120 characters.
    pub text: String,
}

/// What was read of a detection data set, held-out parts included.
#[derive(Clone, Debug, Default)]
pub struct Boxes {
    /// The format.
    pub format: BoxFormat,
    /// Annotation files, in reading order; `n_rows` counts boxes. Of many small files one line stands for all.
    pub files: Vec<FileFacts>,
    /// Class names: as declared (COCO `categories`, YOLO `names`), else as found, sorted.
    pub classes: Vec<String>,
    /// Whether the format declares its classes, so that others are unknown.
    pub is_declared: bool,
    /// One entry a picture, pictures without annotation included.
    pub annotations: Vec<Annotation>,
    /// What could not be read; at most 10,000 entries are kept.
    pub malformed: Vec<MalformedAnnotation>,
    /// How many could not be read in all.
    pub n_malformed: u64,
}

impl Boxes {
    /// Every box with its annotation.
    pub fn all(&self) -> impl Iterator<Item = (&Annotation, &BoundingBox)> {
        self.annotations.iter().flat_map(|a| a.boxes.iter().map(move |b| (a, b)))
    }

    /// How many boxes there are.
    pub fn n_boxes(&self) -> u64 {
        self.annotations.iter().map(|a| a.boxes.len() as u64).sum()
    }

    /// The picture of `annotation` with all its boxes, those marked that `is_culprit` names.
    pub fn pictured(
        &self,
        annotation: &Annotation,
        caption: impl Into<String>,
        is_culprit: impl Fn(&BoundingBox) -> bool,
    ) -> Pictured {
        let (width, height) = match annotation.state {
            PictureState::Sized(width, height) => (width, height),
            PictureState::Unreadable | PictureState::Missing => annotation.declared.unwrap_or((0, 0)),
        };
        let drawn = |b: &BoundingBox| Drawn {
            corners: b.corners.map(Number),
            label: self.class_name(&b.class).to_owned(),
            is_culprit: is_culprit(b),
        };
        Pictured {
            path: annotation.picture.clone(),
            part: annotation.part.name().to_owned(),
            caption: caption.into(),
            boxes: annotation.boxes.iter().map(drawn).collect(),
            width,
            height,
            ..Pictured::default()
        }
    }

    /// The class in words.
    pub fn class_name<'a>(&'a self, class: &'a BoxClass) -> &'a str {
        match class {
            BoxClass::Known(index) => self.classes.get(*index as usize).map_or("?", String::as_str),
            BoxClass::Unknown(name) => name,
        }
    }
}

impl Record for Boxes {
    fn missing(&self, signal: Signal) -> Option<String> {
        match signal {
            Signal::Boxes => None,
            other => Some(format!("{other} are not measured of boxes")),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(corners: [f64; 4]) -> BoundingBox {
        BoundingBox {
            index: 0,
            line: None,
            class: BoxClass::Known(0),
            corners,
            written: corners,
            is_crowd: false,
            is_derived: false,
        }
    }

    #[test]
    fn overlap_of_boxes() {
        let a = of([0.0, 0.0, 10.0, 10.0]);
        assert!((a.iou(&a) - 1.0).abs() < 1e-12);
        assert!((a.iou(&of([5.0, 0.0, 15.0, 10.0])) - 1.0 / 3.0).abs() < 1e-12);
        assert!(a.iou(&of([20.0, 0.0, 30.0, 10.0])).abs() < 1e-12);
        let empty = of([5.0, 5.0, 5.0, 5.0]);
        assert!(empty.iou(&empty).abs() < 1e-12);
    }
}
