//! Picture sets made to order, one line a folder or file.
//!
//! ```text
//! cat = 12 photos 96x96             a folder of photo-like pictures, named 0, 1, 2 …
//! cat/x.jpg = copy of cat/3 resized 0.5 quality 60
//! dog/broken.png = truncated copy of dog/0
//! dog/odd.png = empty
//! ```

mod line;
pub(crate) use line::parse_size;
mod scene;
mod write;

use std::collections::BTreeMap;
use std::path::Path;

use image::RgbImage;

use crate::random::Random;
use crate::twin::put_bytes;
use crate::{GalleryError, RecipeError};

use line::{Content, Kind, Line, Options};

/// A set of pictures in a few lines.
#[derive(Clone, Debug)]
pub struct PictureRecipe {
    lines: Vec<(usize, Line)>,
}

impl PictureRecipe {
    /// Reads the lines; empty ones and those after `#` are left out.
    ///
    /// # Errors
    /// The line and what is wrong with it.
    pub fn parse(text: &str) -> Result<Self, RecipeError> {
        let mut lines = Vec::new();
        for (i, line) in text.lines().enumerate() {
            let line = line.split('#').next().unwrap_or_default().trim();
            if !line.is_empty() {
                lines.push((
                    i + 1,
                    Line::parse(line).map_err(|problem| RecipeError { line: i + 1, problem })?,
                ));
            }
        }
        Ok(Self { lines })
    }

    /// Writes the pictures below `folder`.
    ///
    /// # Errors
    /// When a copy is of nothing, or the folder cannot be written.
    pub fn write(&self, folder: &Path) -> Result<(), GalleryError> {
        let mut made = BTreeMap::new();
        for (number, line) in &self.lines {
            let fail =
                |problem: String| GalleryError::recipe("pictures")(RecipeError { line: *number, problem });
            match &line.content {
                Content::Many { n, kind, size, options } => {
                    for i in 0..*n {
                        let name = format!("{}/{i}", line.name);
                        let picture = options.change(&scene::make(*kind, *size, &name));
                        let bytes = write::encode(&picture, options, &options.extension).map_err(&fail)?;
                        put_bytes(folder, &format!("{name}.{}", options.extension), &bytes)?;
                        made.insert(name, picture);
                    }
                }
                Content::Copy { of, is_truncated, options } => {
                    let original = made.get(of).ok_or_else(|| fail(format!("there is no picture `{of}`")))?;
                    let picture = options.change(original);
                    let mut bytes = write::encode(&picture, options, extension(&line.name)).map_err(&fail)?;
                    if *is_truncated {
                        bytes.truncate(bytes.len() * 6 / 10);
                    }
                    put_bytes(folder, &line.name, &bytes)?;
                    let stem = line.name.rsplit_once('.').map_or(line.name.as_str(), |(stem, _)| stem);
                    made.insert(stem.to_owned(), picture);
                }
                Content::Text(text) => put_bytes(folder, &line.name, text.as_bytes())?,
                Content::Bomb => put_bytes(folder, &line.name, &write::bomb())?,
            }
        }
        Ok(())
    }
}

fn extension(name: &str) -> &str {
    name.rsplit_once('.').map_or("png", |(_, extension)| extension)
}

/// A photo-like picture for other recipes.
pub(crate) fn photo(width: u32, height: u32, seed: &str) -> RgbImage {
    scene::make(Kind::Photos, (width, height), seed)
}

/// The picture as the bytes of a file with this extension; JPEG may tell an orientation.
///
/// # Errors
/// When the extension is of no format that is written here.
pub(crate) fn encode(picture: &RgbImage, extension: &str, orientation: u8) -> Result<Vec<u8>, String> {
    let mut options = Options::default();
    options.orientation = orientation;
    write::encode(picture, &options, extension)
}

/// A generator seeded by name.
fn seeded(name: &str) -> Random {
    Random::from_texts(["picture", name])
}

#[cfg(test)]
mod tests {
    use super::*;

    fn made(text: &str) -> tempfile::TempDir {
        let folder = tempfile::tempdir().unwrap();
        PictureRecipe::parse(text).unwrap().write(folder.path()).unwrap();
        folder
    }

    #[test]
    fn folders_and_copies_are_written() {
        let folder = made(
            "cat = 2 photos 40x30 jpeg\ndog = 1 flat # a comment\n\
             dog/half.png = copy of cat/1 resized 0.5 mirrored\ndog/cut.png = truncated copy of cat/0\n\
             dog/none.png = empty\ndog/bomb.png = bomb\ndog/x.jpg = copy of cat/0 format png",
        );
        let open = |name: &str| image::open(folder.path().join(name));
        assert_eq!((open("cat/1.jpg").unwrap().width(), open("cat/1.jpg").unwrap().height()), (40, 30));
        assert_eq!(open("dog/0.png").unwrap().width(), 64);
        assert_eq!(open("dog/half.png").unwrap().width(), 20);
        assert!(open("dog/cut.png").is_err() && open("dog/bomb.png").is_err());
        assert_eq!(std::fs::metadata(folder.path().join("dog/none.png")).unwrap().len(), 0);
        assert!(std::fs::read(folder.path().join("dog/x.jpg")).unwrap().starts_with(b"\x89PNG"));
    }

    #[test]
    fn pictures_are_the_same_in_every_run_and_differ_from_each_other() {
        let [a, b] = [photo(32, 32, "a"), photo(32, 32, "b")];
        assert_eq!(a, photo(32, 32, "a"));
        assert_ne!(a, b);
    }

    #[test]
    fn orientation_is_in_the_file() {
        use image::ImageDecoder;
        let folder = made("a = 1 photos 16x16 jpeg orientation 6");
        let bytes = std::fs::read(folder.path().join("a/0.jpg")).unwrap();
        let mut decoder = image::codecs::jpeg::JpegDecoder::new(std::io::Cursor::new(bytes)).unwrap();
        assert_eq!(decoder.orientation().unwrap(), image::metadata::Orientation::Rotate90);
    }

    #[test]
    fn mistakes_are_told_with_their_line() {
        let told = |text: &str| PictureRecipe::parse(text).unwrap_err().to_string();
        assert_eq!(told("a = 3 photos\nb = 3 fotos"), "line 2: `fotos` is none of photos, flat, noise");
        assert!(told("a 3").starts_with("line 1: expected `NAME = …`"));
        assert!(told("a = 3 photos sharper 2").contains("`sharper` is no option"));
        let recipe = PictureRecipe::parse("x.png = copy of a/0").unwrap();
        let error = recipe.write(Path::new("/nonexistent")).unwrap_err().to_string();
        assert_eq!(error, "recipe of `pictures`, line 1: there is no picture `a/0`");
    }
}
