//! `wrong-extension`

use serde::{Deserialize, Serialize};
use stetho_core::image::Pictures;
use stetho_core::{Evidence, Remedy, Report, Rule, Severity, Signal};

use crate::pictures::{draft, share};

/// Pictures whose content is of another format than their name says.
///
/// ## Why it matters
/// Loaders that go by the name fail or fall back to slow paths, and tools that pair files by extension lose some. A whole
/// class that was saved by another program carries that program's traces, which a network finds before it finds the object.
///
/// ## What to do
/// Rename the files by their content. If the odd ones are of one class or one source, convert all to one format.
///
/// ## Fires on
/// ```pictures
/// cat = 6 photos jpeg
/// cat/x.jpg = copy of cat/2 brightness 0.6 format png
/// ```
///
/// ## Stays quiet on
/// ```pictures
/// cat = 6 photos jpeg
/// dog = 6 photos webp
/// ```
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct WrongExtension {}

impl Rule for WrongExtension {
    type Input = Pictures;
    const ID: &'static str = "wrong-extension";
    const SEVERITY: Severity = Severity::Warning;
    const SIGNALS: &'static [Signal] = &[Signal::Pictures];

    fn check(&mut self, set: &Pictures, report: &mut Report) {
        let wrong = set.seen().filter_map(|(i, picture, look)| {
            let named = picture.named.filter(|named| *named != look.format)?;
            Some((i, format!("{} content, named as {}", look.format.name(), named.name())))
        });
        let found: Vec<(usize, String)> = wrong.collect();
        let Some((_, what)) = found.first() else { return };
        let verb = if found.len() == 1 { "is" } else { "are" };
        let message =
            format!("{} {verb} not what the name says: {what}", share(found.len(), set.pictures.len()));
        let measure =
            Evidence::at_most("pictures of another format than their name", found.len() as f64, 0.0);
        let remedy = Remedy::risky("rename them by their content").code(
            "from pathlib import Path\nfrom PIL import Image\n\
             ending = {\"JPEG\": \".jpg\", \"PNG\": \".png\", \"WEBP\": \".webp\", \"GIF\": \".gif\", \
             \"BMP\": \".bmp\", \"TIFF\": \".tif\"}\n\
             for path in map(Path, paths):\n    \
             with Image.open(path) as picture:\n        \
             suffix = ending[picture.format]\n    \
             path.rename(path.with_suffix(suffix))",
        );
        report.raise(draft(set, &found, message, measure, remedy));
    }
}
