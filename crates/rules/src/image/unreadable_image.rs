//! `unreadable-image`

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use stetho_core::image::{Damage, Picture, Pictures};
use stetho_core::{Draft, Evidence, Place, Remedy, Report, Rule, Severity, Signal};

use crate::pictures::share;

/// Pictures that cannot be decoded: empty, cut off, damaged, too large, missing, or no pictures at all.
///
/// ## Why it matters
/// A data loader that meets such a file stops the training, often hours in; one that steps over it or repeats the picture
/// before it trains on other data than you think. A picture that was cut off decodes to grey or black in part in many
/// libraries, without a word.
///
/// ## What to do
/// Get the files again; where that cannot be done, leave them out before splitting. What claims more pixels than the limit
/// is a broken header or an attack: look at it before any other program opens it.
///
/// ## Fires on
/// ```pictures
/// cat = 6 photos
/// dog = 6 photos
/// cat/cut.png = truncated copy of cat/1
/// ```
/// ```pictures
/// cat = 6 photos jpeg
/// cat/none.jpg = empty
/// cat/page.jpg = text "<html>404</html>"
/// cat/huge.png = bomb
/// ```
///
/// ## Stays quiet on
/// ```pictures
/// cat = 6 photos jpeg
/// dog = 3 photos gif
/// bird = 3 photos tiff 16bit
/// ```
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct UnreadableImage {}

impl Rule for UnreadableImage {
    type Input = Pictures;
    const ID: &'static str = "unreadable-image";
    const SEVERITY: Severity = Severity::Error;
    const SIGNALS: &'static [Signal] = &[Signal::Pictures];

    fn check(&mut self, set: &Pictures, report: &mut Report) {
        let found: Vec<(&Picture, &Damage)> =
            set.pictures.iter().filter_map(|p| Some((p, p.look.as_ref().err()?))).collect();
        let Some((first, damage)) = found.first() else { return };
        let mut kinds: BTreeMap<&str, usize> = BTreeMap::new();
        found.iter().for_each(|(_, damage)| *kinds.entry(damage.kind.name()).or_default() += 1);
        let words: Vec<String> = kinds.iter().map(|(kind, n)| format!("{n} {kind}")).collect();
        let what = if found.len() == 1 { damage.problem.clone() } else { words.join(", ") };
        let message = format!("{} cannot be read: {what}", share(found.len(), set.pictures.len()));
        let rows = found.iter().map(|(picture, damage)| {
            [picture.name(), damage.kind.name().into(), damage.problem.clone(), picture.n_bytes.to_string()]
        });
        let table = Evidence::table("files and what is wrong", ["file", "kind", "problem", "bytes"], rows);
        let places: Vec<Place> = found.iter().skip(1).map(|(picture, _)| picture.place()).collect();
        let remedy = Remedy::risky("get these files again, or leave them out before splitting")
            .command("stetho prepare DATA --drop unreadable --out prepared")
            .code(
                "from PIL import Image\n\
             def is_readable(path):\n    \
             try:\n        \
             with Image.open(path) as picture:\n            \
             picture.load()  # decodes; `verify` does not\n        \
             return True\n    \
             except (OSError, Image.DecompressionBombError):\n        \
             return False\n\
             paths = [p for p in paths if is_readable(p)]",
            );
        report.raise(
            Draft::new(first.place(), message, table, remedy).places(places).count(found.len() as u64),
        );
    }
}
