//! Detection sets made to order, in any of the three formats.
//!
//! ```text
//! pictures 12 200x160 boxes 3 cat dog     healthy pictures with ordinary boxes
//! picture odd 200x100                     a picture …
//! box cat 10 20 60 80                     … and a box on it: xmin ymin xmax ymax in pixels
//! box cat 10 20 60 80 crowd               a crowd (COCO) or a difficult one (VOC)
//! written cat 0.5 0.5 0.1 nan             the four numbers as they stand in the file
//! ```

mod parse;
mod write;

use std::path::Path;

use stetho_core::boxes::BoxFormat;

use crate::{GalleryError, RecipeError};

/// A detection set in a few lines.
#[derive(Clone, Debug, Default)]
pub struct BoxRecipe {
    /// Declared classes; empty for those that are used.
    classes: Vec<String>,
    pictures: Vec<Scene>,
    /// Annotation files written as they are: name without extension, and content.
    raw: Vec<(String, String)>,
}

/// A picture with its boxes.
#[derive(Clone, Debug)]
struct Scene {
    name: String,
    is_held_out: bool,
    size: (u32, u32),
    declared: Option<(u32, u32)>,
    is_missing: bool,
    is_annotated: bool,
    /// EXIF orientation; pictures that are turned are JPEG.
    orientation: u8,
    boxes: Vec<Object>,
}

/// A box of a class.
#[derive(Clone, Debug)]
struct Object {
    class: String,
    numbers: Numbers,
    /// A crowd (COCO) or difficult (VOC).
    is_crowd: bool,
}

#[derive(Clone, Debug)]
enum Numbers {
    /// xmin, ymin, xmax, ymax in pixels.
    Corners([f64; 4]),
    /// As they stand in the file.
    Written([String; 4]),
}

impl Scene {
    fn extension(&self) -> &'static str {
        if self.orientation == 1 { "png" } else { "jpg" }
    }
}

impl BoxRecipe {
    /// Reads the lines; empty ones and those after `#` are left out.
    ///
    /// # Errors
    /// The line and what is wrong with it.
    pub fn parse(text: &str) -> Result<Self, RecipeError> {
        parse::parse(text)
    }

    /// Writes pictures and annotations below `folder`, as tools that write `format` lay them out.
    ///
    /// # Errors
    /// When the folder cannot be written.
    pub fn write(&self, folder: &Path, format: BoxFormat) -> Result<(), GalleryError> {
        write::write(self, folder, format)
    }

    /// Whether there is a validation part.
    fn is_split(&self) -> bool {
        self.pictures.iter().any(|p| p.is_held_out)
    }

    /// Declared classes, else those that are used, sorted.
    fn all_classes(&self) -> Vec<String> {
        if !self.classes.is_empty() {
            return self.classes.clone();
        }
        let mut classes: Vec<String> =
            self.pictures.iter().flat_map(|p| p.boxes.iter().map(|b| b.class.clone())).collect();
        classes.sort();
        classes.dedup();
        classes
    }
}

/// The format called `name`: `coco`, `voc` or `yolo`.
pub(crate) fn format_called(name: &str) -> Option<BoxFormat> {
    match name {
        "coco" => Some(BoxFormat::Coco),
        "voc" => Some(BoxFormat::Voc),
        "yolo" => Some(BoxFormat::Yolo),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    const RECIPE: &str = "classes cat dog\npictures 2 80x60 boxes 3 cat dog\nval picture odd 100x50 declared 50x100\n\
                          box cat 10 20 60 40\nwritten bird nan 1 2 3\npicture gone 20x20 missing\nraw x oops";

    fn made(format: BoxFormat) -> tempfile::TempDir {
        let folder = tempfile::tempdir().unwrap();
        BoxRecipe::parse(RECIPE).unwrap().write(folder.path(), format).unwrap();
        folder
    }

    fn read(folder: &tempfile::TempDir, name: &str) -> String {
        fs::read_to_string(folder.path().join(name)).unwrap()
    }

    #[test]
    fn coco_is_one_file_a_part() {
        let folder = made(BoxFormat::Coco);
        let text = read(&folder, "annotations/instances_val.json");
        assert!(
            text.contains(r#""bbox": [10,20,50,20]"#) && text.contains(r#""bbox": [NaN,1,2,3]"#),
            "{text}"
        );
        assert!(text.contains(r#""width": 50, "height": 100"#));
        let train = read(&folder, "annotations/instances_train.json");
        let train: serde_json::Value = serde_json::from_str(&train).unwrap();
        assert_eq!(train["annotations"].as_array().unwrap().len(), 6);
        assert!(folder.path().join("val/odd.png").exists() && !folder.path().join("train/gone.png").exists());
    }

    #[test]
    fn voc_is_one_file_a_picture() {
        let folder = made(BoxFormat::Voc);
        let text = read(&folder, "val/annotations/odd.xml");
        assert!(text.contains("<xmax>60</xmax>") && text.contains("<width>50</width>"), "{text}");
        assert_eq!(read(&folder, "train/annotations/x.xml"), "oops");
    }

    #[test]
    fn yolo_has_fractions_and_class_numbers() {
        let folder = made(BoxFormat::Yolo);
        assert_eq!(read(&folder, "labels/val/odd.txt"), "0 0.35 0.6 0.5 0.4\n2 nan 1 2 3\n");
        assert!(read(&folder, "data.yaml").contains("names: [cat, dog]"));
    }

    #[test]
    fn crowds_and_turned_pictures_are_written() {
        let recipe = "picture phone 80x60 orientation 6\nbox cat 10 20 30 40 crowd";
        for (format, file, words) in [
            (BoxFormat::Coco, "annotations/instances_train.json", r#""iscrowd": 1"#),
            (BoxFormat::Voc, "annotations/phone.xml", "<difficult>1</difficult>"),
        ] {
            let folder = tempfile::tempdir().unwrap();
            BoxRecipe::parse(recipe).unwrap().write(folder.path(), format).unwrap();
            let text = read(&folder, file);
            assert!(text.contains(words) && text.contains("phone.jpg"), "{text}");
            let picture = fs::read(folder.path().join("images/phone.jpg")).unwrap();
            assert!(picture.windows(4).any(|w| w == b"Exif"));
        }
        assert!(BoxRecipe::parse("picture a 8x8 orientation 9").is_err());
    }

    #[test]
    fn mistakes_are_told_with_their_line() {
        let told = |text: &str| BoxRecipe::parse(text).unwrap_err().to_string();
        assert_eq!(told("box cat 1 2 3 4"), "line 1: `box` needs a `picture` before it");
        assert!(told("picture a 10x10\nbox cat 1 2 3").starts_with("line 2: expected `box CLASS"));
        assert!(told("images 3").contains("`images` means nothing here"));
    }
}
