//! `duplicate-images`

use serde::{Deserialize, Serialize};
use stetho_core::image::Pictures;
use stetho_core::{Draft, Evidence, Place, Remedy, Report, Rule, Severity, Signal, count_of};

use crate::pictures::{groups, share};

/// Pictures with the same pixels, in the same part of the data and under the same label.
///
/// ## Why it matters
/// A picture that is there twice counts twice in training, and when you split at random its copy lands in validation: the
/// score is too good. The same pixels are found whatever the file format.
///
/// ## What to do
/// Drop the copies before splitting. Copies in different parts or under different labels are told by
/// `image-split-overlap` and `image-conflicting-labels`.
///
/// ## Fires on
/// ```pictures
/// cat = 6 photos
/// dog = 6 photos
/// cat/again.bmp = copy of cat/3
/// ```
///
/// ## Stays quiet on
/// ```pictures
/// cat = 6 photos
/// dog = 6 photos
/// ```
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct DuplicateImages {}

/// Whether the pictures are of one part and one label.
pub(super) fn is_plain(set: &Pictures, members: impl Iterator<Item = usize>) -> bool {
    let mut all = members.filter_map(|i| set.pictures.get(i)).map(|p| (p.part, p.label));
    all.next().is_none_or(|first| all.all(|other| other == first))
}

impl Rule for DuplicateImages {
    type Input = Pictures;
    const ID: &'static str = "duplicate-images";
    const SEVERITY: Severity = Severity::Warning;
    const SIGNALS: &'static [Signal] = &[Signal::Pictures, Signal::PictureCopies];

    fn check(&mut self, set: &Pictures, report: &mut Report) {
        let Some(copies) = set.copies.get() else { return };
        let plain: Vec<&Vec<usize>> =
            copies.same.iter().filter(|group| is_plain(set, group.iter().copied())).collect();
        let redundant: usize = plain.iter().map(|group| group.len() - 1).sum();
        if redundant == 0 {
            return;
        }
        let verb = if redundant == 1 { "repeats" } else { "repeat" };
        let message = format!("{} {verb} the pixels of another", share(redundant, set.pictures.len()));
        let shown: Vec<Vec<(usize, String)>> =
            plain.iter().map(|group| group.iter().map(|i| (*i, String::new())).collect()).collect();
        let pairs = plain.iter().flat_map(|group| {
            let first = group.first().and_then(|i| set.pictures.get(*i));
            let others = group.iter().skip(1).filter_map(|i| set.pictures.get(*i));
            others.filter_map(move |other| Some(Place::Pair { a: first?.name(), b: other.name() }))
        });
        let mut pairs = pairs.collect::<Vec<_>>().into_iter();
        let remedy = Remedy::risky("drop the copies before splitting")
            .command("stetho prepare DATA --drop duplicates --out prepared")
            .code(
                "import hashlib\nfrom PIL import Image\n\
             seen, kept = set(), []\n\
             for path in paths:\n    \
             picture = Image.open(path).convert(\"RGB\")\n    \
             key = (picture.size, hashlib.sha256(picture.tobytes()).digest())\n    \
             if key not in seen:\n        \
             seen.add(key)\n        \
             kept.append(path)",
            );
        let measure = Evidence::at_most("pictures that repeat another", redundant as f64, 0.0);
        let draft = Draft::new(pairs.next().unwrap_or(Place::Whole), message, measure, remedy);
        let name = count_of(plain.len() as u64, "group") + " of the same pixels";
        report.raise(draft.places(pairs).count(redundant as u64).evidence(groups(set, &name, &shown)));
    }
}
