//! `image-split-overlap`

use serde::{Deserialize, Serialize};
use stetho_core::image::Pictures;
use stetho_core::table::Part;
use stetho_core::{Draft, Evidence, Place, Remedy, Report, Rule, Severity, Signal, count_of, thousands};

use super::near_duplicate_images::{captions, pairs};
use crate::pictures::groups;

/// Pictures of validation or test that are in training too, exactly or nearly.
///
/// ## Why it matters
/// The model is tested on what it was trained on. The score is too good, the model that remembers best is chosen, and
/// nobody notices before it meets new pictures.
///
/// ## What to do
/// Take the copies out of training (not out of the test set, so that scores stay comparable), and split by source: all
/// frames of a video, all pictures of a patient, on one side.
///
/// ## Fires on
/// ```pictures
/// train/cat = 8 photos 96x96
/// train/dog = 8 photos 96x96
/// val/cat = 4 photos 96x96
/// val/dog = 4 photos 96x96
/// val/cat/again.jpg = copy of train/cat/3 quality 70
/// ```
///
/// ## Stays quiet on
/// ```pictures
/// train/cat = 8 photos 96x96
/// train/dog = 8 photos 96x96
/// val/cat = 4 photos 96x96
/// val/dog = 4 photos 96x96
/// ```
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct ImageSplitOverlap {}

impl Rule for ImageSplitOverlap {
    type Input = Pictures;
    const ID: &'static str = "image-split-overlap";
    const SEVERITY: Severity = Severity::Error;
    const SIGNALS: &'static [Signal] = &[Signal::Pictures, Signal::PictureCopies, Signal::Splits];

    fn check(&mut self, set: &Pictures, report: &mut Report) {
        let Some(copies) = set.copies.get() else { return };
        let part = |i: usize| set.pictures.get(i).map_or(Part::Train, |p| p.part);
        let parts = |members: &[(usize, String)]| {
            let first = members.first().map_or(Part::Train, |m| part(m.0));
            members.iter().any(|m| part(m.0) != first)
        };
        let same = copies.same.iter().map(|g| g.iter().map(|i| (*i, part(*i).name().to_owned())).collect());
        let near = copies.near.iter().map(|cluster| {
            captions(cluster).into_iter().map(|(i, c)| (i, format!("{} {c}", part(i).name()))).collect()
        });
        let shared: Vec<Vec<(usize, String)>> = same.chain(near).filter(|g: &Vec<_>| parts(g)).collect();
        let mut held_out: Vec<usize> =
            shared.iter().flatten().map(|(i, _)| *i).filter(|i| part(*i) != Part::Train).collect();
        held_out.sort_unstable();
        held_out.dedup();
        if held_out.is_empty() {
            return;
        }
        let is_mirrored = copies.same.iter().all(|g| g.iter().all(|i| part(*i) == part(g[0])))
            && copies
                .near
                .iter()
                .filter(|c| parts(&captions(c)))
                .all(|c| c.others.iter().all(|o| o.mirrored));
        let n = held_out.len() as u64;
        let all = set.count(Part::Validation) + set.count(Part::Test);
        let verb = if n == 1 { "is" } else { "are" };
        let kind = if is_mirrored { " as mirror images" } else { "" };
        let message = format!(
            "{} of {} held out {verb} in another part too{kind}",
            thousands(n),
            count_of(all, "picture")
        );
        let mut places = shared.iter().flat_map(|m| pairs(set, m)).collect::<Vec<_>>().into_iter();
        let measure = Evidence::at_most("held-out pictures that are elsewhere too", n as f64, 0.0);
        let remedy = Remedy::risky("take the copies out of training, and split by source")
            .command("stetho prepare DATA --drop overlap --out prepared");
        let severity = if is_mirrored { Severity::Warning } else { Severity::Error };
        report.raise(
            Draft::new(places.next().unwrap_or(Place::Whole), message, measure, remedy)
                .places(places)
                .count(n)
                .severity(severity)
                .evidence(groups(set, "pictures in several parts", &shared)),
        );
    }
}
