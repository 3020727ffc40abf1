//! `image-conflicting-labels`

use serde::{Deserialize, Serialize};
use stetho_core::image::Pictures;
use stetho_core::{Draft, Evidence, Place, Remedy, Report, Rule, Severity, Signal};

use super::near_duplicate_images::{captions, pairs};
use crate::pictures::{groups, share};

/// The same picture under different labels.
///
/// ## Why it matters
/// No model can be right on both. It learns to be unsure there, and the best score that can be reached is below 100 %.
///
/// ## What to do
/// Look at each group and give it one label; if both are right, the task needs several labels a picture.
///
/// ## Fires on
/// ```pictures
/// cat = 8 photos
/// dog = 8 photos
/// dog/again.png = copy of cat/3
/// ```
///
/// ## Stays quiet on
/// A saved mirror image may be of another class: a `b` is a `d`.
/// ```pictures
/// cat = 8 photos 96x96
/// dog = 8 photos 96x96
/// dog/turned.png = copy of cat/3 mirrored
/// ```
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct ImageConflictingLabels {
    /// Pictures that are not the same to the pixel count as the same from this correlation after alignment.
    pub correlation: f32,
}

impl Default for ImageConflictingLabels {
    fn default() -> Self {
        Self { correlation: 0.98 }
    }
}

impl Rule for ImageConflictingLabels {
    type Input = Pictures;
    const ID: &'static str = "image-conflicting-labels";
    const SEVERITY: Severity = Severity::Error;
    const SIGNALS: &'static [Signal] = &[Signal::Pictures, Signal::PictureLabels, Signal::PictureCopies];

    fn check(&mut self, set: &Pictures, report: &mut Report) {
        let Some(copies) = set.copies.get() else { return };
        let label = |i: &usize| set.pictures.get(*i).and_then(|p| p.label);
        let differ = |members: &[usize]| {
            let mut labels = members.iter().filter_map(label);
            labels.next().is_some_and(|first| labels.any(|other| other != first))
        };
        let same =
            copies.same.iter().filter(|g| differ(g)).map(|g| g.iter().map(|i| (*i, String::new())).collect());
        let same: Vec<Vec<(usize, String)>> = same.collect();
        let near = copies.near.iter().filter_map(|cluster| {
            let mut kept = cluster.clone();
            kept.others.retain(|o| !o.mirrored && o.correlation >= self.correlation);
            differ(&kept.members().collect::<Vec<_>>()).then(|| captions(&kept))
        });
        let near: Vec<Vec<(usize, String)>> = near.collect();
        for (found, severity, how) in
            [(same, Severity::Error, "the same"), (near, Severity::Warning, "nearly the same")]
        {
            let n: usize = found.iter().map(Vec::len).sum();
            if n == 0 {
                continue;
            }
            let message = format!("{} are {how} and have different labels", share(n, set.pictures.len()));
            let measure = Evidence::at_most(format!("{how} picture under different labels"), n as f64, 0.0);
            let mut places = found.iter().flat_map(|m| pairs(set, m)).collect::<Vec<_>>().into_iter();
            let remedy = Remedy::advice("look at each group and give it one label");
            report.raise(
                Draft::new(places.next().unwrap_or(Place::Whole), message, measure, remedy)
                    .places(places)
                    .count(n as u64)
                    .severity(severity)
                    .topic(how)
                    .evidence(groups(set, "one picture, several labels", &found)),
            );
        }
    }
}
