//! One line of a picture recipe.

use image::{RgbImage, imageops};

use super::write::is_format;

/// What a folder is filled with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// Gradients, shapes and texture.
    Photos,
    /// One colour each.
    Flat,
    /// Random pixels.
    Noise,
}

/// What stands behind the equals sign.
#[derive(Clone, Debug)]
pub(super) enum Content {
    Many { n: usize, kind: Kind, size: (u32, u32), options: Options },
    Copy { of: String, is_truncated: bool, options: Options },
    Text(String),
    Bomb,
}

/// `NAME = CONTENT`.
#[derive(Clone, Debug)]
pub(super) struct Line {
    pub name: String,
    pub content: Content,
}

/// How pictures are changed and written.
#[derive(Clone, Debug)]
pub(super) struct Options {
    /// Of the files of a folder.
    pub extension: String,
    /// Format of the content where it is not that of the extension.
    pub format: Option<String>,
    pub quality: u8,
    pub orientation: u8,
    pub is_grey: bool,
    pub is_rgba: bool,
    pub is_deep: bool,
    resized: f64,
    cropped: f64,
    brightness: f64,
    lighten: f64,
    blurred: f64,
    border: f64,
    is_mirrored: bool,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            extension: "png".into(),
            format: None,
            quality: 92,
            orientation: 1,
            is_grey: false,
            is_rgba: false,
            is_deep: false,
            resized: 1.0,
            cropped: 0.0,
            brightness: 1.0,
            lighten: 0.0,
            blurred: 0.0,
            border: 0.0,
            is_mirrored: false,
        }
    }
}

impl Line {
    pub(super) fn parse(line: &str) -> Result<Self, String> {
        let expected = || "expected `NAME = …`, as in `cat = 12 photos`".to_owned();
        let (name, content) = line.split_once('=').ok_or_else(expected)?;
        let name = name.trim().to_owned();
        let content = content.trim();
        if let Some(text) = content.strip_prefix("text ") {
            let text = text.trim().trim_matches('"').replace("\\n", "\n");
            return Ok(Self { name, content: Content::Text(text) });
        }
        let words: Vec<&str> = content.split_whitespace().collect();
        let content = match words.as_slice() {
            ["empty"] => Content::Text(String::new()),
            ["bomb"] => Content::Bomb,
            ["copy", "of", of, rest @ ..] => {
                Content::Copy { of: (*of).to_owned(), is_truncated: false, options: Options::parse(rest)? }
            }
            ["truncated", "copy", "of", of, rest @ ..] => {
                Content::Copy { of: (*of).to_owned(), is_truncated: true, options: Options::parse(rest)? }
            }
            [n, kind, rest @ ..] => many(n, kind, rest)?,
            _ => return Err(expected()),
        };
        Ok(Self { name, content })
    }
}

fn many(n: &str, kind: &str, rest: &[&str]) -> Result<Content, String> {
    let n = n.parse().map_err(|_| format!("`{n}` is not a number of pictures"))?;
    let kind = match kind {
        "photos" => Kind::Photos,
        "flat" => Kind::Flat,
        "noise" => Kind::Noise,
        other => return Err(format!("`{other}` is none of photos, flat, noise")),
    };
    let sized = rest.split_first().and_then(|(first, rest)| Some((parse_size(first)?, rest)));
    let (size, rest) = sized.unwrap_or(((64, 64), rest));
    Ok(Content::Many { n, kind, size, options: Options::parse(rest)? })
}

/// `96x64` as width and height.
pub(crate) fn parse_size(text: &str) -> Option<(u32, u32)> {
    let (width, height) = text.split_once('x')?;
    Some((width.parse().ok()?, height.parse().ok()?))
}

impl Options {
    fn parse(words: &[&str]) -> Result<Self, String> {
        let mut options = Self::default();
        let mut words = words.iter().copied();
        while let Some(word) = words.next() {
            let mut number = || -> Result<f64, String> {
                let value = words.next().ok_or_else(|| format!("`{word}` needs a number"))?;
                value.parse().map_err(|_| format!("`{word}` needs a number, not `{value}`"))
            };
            match word {
                "jpeg" => options.extension = "jpg".into(),
                "tiff" => options.extension = "tif".into(),
                "format" => {
                    let format = words.next().filter(|f| is_format(f));
                    options.format = Some(format.ok_or("`format` needs a format")?.to_owned());
                }
                "quality" => options.quality = number()? as u8,
                "orientation" => options.orientation = number()? as u8,
                "resized" => options.resized = number()?,
                "cropped" => options.cropped = number()?,
                "brightness" => options.brightness = number()?,
                "lighten" => options.lighten = number()?,
                "blurred" => options.blurred = number()?,
                "border" => options.border = number()?,
                "mirrored" => options.is_mirrored = true,
                "grey" => options.is_grey = true,
                "rgba" => options.is_rgba = true,
                "16bit" => options.is_deep = true,
                format if is_format(format) => options.extension = format.to_owned(),
                other => return Err(format!("`{other}` is no option of pictures")),
            }
        }
        Ok(options)
    }

    /// The picture as the options want its pixels.
    pub(super) fn change(&self, picture: &RgbImage) -> RgbImage {
        let mut picture = picture.clone();
        if self.cropped > 0.0 {
            let cut = |side: u32| (f64::from(side) * self.cropped / 2.0).round() as u32;
            let (x, y) = (cut(picture.width()), cut(picture.height()));
            let (width, height) = (picture.width() - 2 * x, picture.height() - 2 * y);
            picture = imageops::crop_imm(&picture, x, y, width, height).to_image();
        }
        if (self.resized - 1.0).abs() > 1e-9 {
            let side = |side: u32| ((f64::from(side) * self.resized).round() as u32).max(1);
            let (width, height) = (side(picture.width()), side(picture.height()));
            picture = imageops::resize(&picture, width, height, imageops::FilterType::Triangle);
        }
        if self.is_mirrored {
            picture = imageops::flip_horizontal(&picture);
        }
        if self.blurred > 0.0 {
            picture = imageops::blur(&picture, self.blurred as f32);
        }
        for value in picture.iter_mut() {
            let bright = f64::from(*value) * self.brightness;
            *value = (bright + (255.0 - bright) * self.lighten).clamp(0.0, 255.0) as u8;
        }
        self.frame(&mut picture);
        picture
    }

    fn frame(&self, picture: &mut RgbImage) {
        let (width, height) = picture.dimensions();
        let (x0, y0) = (f64::from(width) * self.border, f64::from(height) * self.border);
        if self.border <= 0.0 {
            return;
        }
        for (x, y, pixel) in picture.enumerate_pixels_mut() {
            let is_inside = |at: u32, edge: f64, side: u32| {
                f64::from(at) >= edge && f64::from(at) < f64::from(side) - edge
            };
            if !(is_inside(x, x0, width) && is_inside(y, y0, height)) {
                *pixel = image::Rgb([0, 0, 0]);
            }
        }
    }
}
