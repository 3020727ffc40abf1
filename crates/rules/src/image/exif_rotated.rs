//! `exif-rotated`

use serde::{Deserialize, Serialize};
use stetho_core::image::Pictures;
use stetho_core::{Evidence, Remedy, Report, Rule, Severity, Signal};

use crate::pictures::{draft, share};

/// Pictures that are stored turned and say so in a tag.
///
/// ## Why it matters
/// Viewers turn them upright, most data loaders do not (OpenCV does, Pillow, torchvision and TensorFlow do not): you see an
/// upright picture, the network a lying one, and boxes drawn in a viewer do not fit.
///
/// ## What to do
/// Turn the pixels when loading, or once for all files.
///
/// ## Fires on
/// ```pictures
/// cat = 6 photos jpeg
/// cat/phone.jpg = copy of cat/2 brightness 0.7 orientation 6
/// ```
///
/// ## Stays quiet on
/// ```pictures
/// cat = 6 photos jpeg
/// dog = 6 photos jpeg orientation 1
/// ```
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct ExifRotated {}

/// What the values of the EXIF tag mean (TIFF 6.0, tag 274).
const TURNS: [&str; 9] = [
    "",
    "upright",
    "mirrored",
    "upside down",
    "upside down and mirrored",
    "mirrored along the diagonal",
    "to be turned right",
    "mirrored along the other diagonal",
    "to be turned left",
];

impl Rule for ExifRotated {
    type Input = Pictures;
    const ID: &'static str = "exif-rotated";
    const SEVERITY: Severity = Severity::Warning;
    const SIGNALS: &'static [Signal] = &[Signal::Pictures];

    fn check(&mut self, set: &Pictures, report: &mut Report) {
        let turned = set.seen().filter(|(_, _, look)| look.orientation != 1);
        let found: Vec<(usize, String)> = turned
            .map(|(i, _, look)| {
                (i, TURNS.get(usize::from(look.orientation)).copied().unwrap_or("unknown tag").to_owned())
            })
            .collect();
        let Some((_, what)) = found.first() else { return };
        let verb = if found.len() == 1 { "is" } else { "are" };
        let message = format!("{} {verb} stored turned ({what})", share(found.len(), set.pictures.len()));
        let measure =
            Evidence::at_most("pictures with an orientation tag other than 1", found.len() as f64, 0.0);
        let remedy = Remedy::risky("turn the pixels when loading")
            .code("from PIL import Image, ImageOps\npicture = ImageOps.exif_transpose(Image.open(path))");
        report.raise(draft(set, &found, message, measure, remedy));
    }
}
