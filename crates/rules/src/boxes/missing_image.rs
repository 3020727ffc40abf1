//! `missing-image`

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use stetho_core::boxes::{Annotation, BoxFormat, Boxes, PictureState};
use stetho_core::{Evidence, Remedy, Report, Rule, Severity, Signal};

use crate::box_sets::{draft_of_annotations, share};

/// Annotations of pictures that are not there.
///
/// ## Why it matters
/// A loader that goes by the annotations (COCO, Pascal VOC) stops when it comes to the picture, often hours in. One that goes
/// by the pictures (YOLO) never sees these boxes, and trains on fewer objects than you think; there it is a warning.
///
/// ## What to do
/// Copy the pictures, or mend their names: capital letters and extensions count on Linux and do not on Windows. Where the
/// pictures are gone, take their annotations out.
///
/// ## Fires on
/// ```boxes format=coco
/// pictures 8 320x240 boxes 2 cat dog
/// picture gone 320x240 missing
/// box cat 20 30 100 120
/// ```
///
/// ## Stays quiet on
/// ```boxes format=coco
/// pictures 8 320x240 boxes 2 cat dog
/// ```
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct MissingImage {}

/// The name of the file without folders and extension, in lower case.
fn stem(picture: &str) -> String {
    let name = picture.rsplit(['/', '\\']).next().unwrap_or(picture);
    name.rsplit_once('.').map_or(name, |(stem, _)| stem).to_lowercase()
}

impl Rule for MissingImage {
    type Input = Boxes;
    const ID: &'static str = "missing-image";
    const SEVERITY: Severity = Severity::Error;
    const SIGNALS: &'static [Signal] = &[Signal::Boxes];

    fn check(&mut self, set: &Boxes, report: &mut Report) {
        let is_missing = |a: &Annotation| a.is_annotated && a.state == PictureState::Missing;
        let unclaimed: BTreeMap<String, &str> = set
            .annotations
            .iter()
            .filter(|a| !a.is_annotated)
            .map(|a| (stem(&a.picture), a.picture.as_str()))
            .collect();
        let lost = set.annotations.iter().enumerate().filter(|(_, a)| is_missing(a));
        let found: Vec<(usize, String)> = lost.map(|(i, a)| (i, a.picture.clone())).collect();
        let Some((_, first)) = found.first() else { return };
        let n_annotated = set.annotations.iter().filter(|a| a.is_annotated).count();
        let like = found.iter().find_map(|(_, name)| Some((name, unclaimed.get(&stem(name))?)));
        let hint = like.map_or(String::new(), |(name, other)| {
            format!("; `{other}` is there, has no annotation, and may be `{name}`")
        });
        let message = if found.len() == 1 {
            format!("the picture `{first}` of an annotation is not there{hint}")
        } else {
            let which = share(found.len(), n_annotated, "annotated picture");
            format!("{which} are not there, `{first}` first{hint}")
        };
        let rows = found.iter().filter_map(|(i, name)| {
            let a = set.annotations.get(*i)?;
            let other = unclaimed.get(&stem(name)).map_or_else(String::new, |o| (*o).to_owned());
            Some([name.clone(), a.path.clone(), a.boxes.len().to_string(), other])
        });
        let columns = ["picture", "annotation", "boxes", "unannotated picture of that name"];
        let table = Evidence::table("pictures that are not there", columns, rows);
        let remedy = Remedy::risky("copy the pictures or mend their names; else leave their annotations out")
            .code(
                "from pathlib import Path\n\
             entries = [e for e in entries if (Path(image_folder) / e[\"file_name\"]).is_file()]",
            );
        let is_by_picture = set.format == BoxFormat::Yolo;
        let severity = if is_by_picture { Severity::Warning } else { Severity::Error };
        report.raise(draft_of_annotations(set, &found, message, table, remedy).severity(severity));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::boxes::testing::{annotation, judge, of, set};

    fn with(format: BoxFormat) -> Boxes {
        let box_of = || [of("cat", [10.0, 10.0, 50.0, 50.0])];
        let mut gone = annotation(100, 100, box_of());
        (gone.picture, gone.state) = ("a/Cat.JPG".into(), PictureState::Missing);
        let mut other = annotation(100, 100, []);
        (other.picture, other.is_annotated) = ("b/cat.jpg".into(), false);
        set(format, [annotation(100, 100, box_of()), gone, other])
    }

    #[test]
    fn a_picture_of_nearly_the_same_name_is_named() {
        let found = judge("missing-image", &with(BoxFormat::Voc)).remove(0);
        assert_eq!((found.count, found.severity), (1, Severity::Error));
        assert!(found.message.contains("`b/cat.jpg` is there"), "{}", found.message);
    }

    #[test]
    fn loaders_that_go_by_pictures_do_not_stop() {
        assert_eq!(judge("missing-image", &with(BoxFormat::Yolo))[0].severity, Severity::Warning);
    }
}
