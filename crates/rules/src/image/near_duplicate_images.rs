//! `near-duplicate-images`

use serde::{Deserialize, Serialize};
use stetho_core::image::{NearCluster, Pictures};
use stetho_core::{Draft, Evidence, Place, Remedy, Report, Rule, Severity, Signal, count_of};

use super::duplicate_images::is_plain;
use crate::pictures::{groups, share};

/// Pictures that are copies but for compression, size, a small crop, brightness, or left and right.
///
/// ## Why it matters
/// They teach nothing new and count twice; after a random split the model is tested on what it has all but seen. Frames of
/// one video and uploads of one photograph are the usual source.
///
/// ## What to do
/// Keep one of each cluster, the largest file, or keep a cluster in one fold. Mirror images are told apart: they may be an
/// augmentation that was saved by mistake.
///
/// ## Fires on
/// ```pictures
/// cat = 8 photos 128x128
/// dog = 8 photos 128x128
/// cat/small.jpg = copy of cat/3 resized 0.5 quality 60
/// ```
///
/// ## Stays quiet on
/// ```pictures
/// cat = 8 photos 128x128
/// dog = 8 photos 128x128
/// ```
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct NearDuplicateImages {}

/// A cluster with what to say of each member.
pub(super) fn captions(cluster: &NearCluster) -> Vec<(usize, String)> {
    let other = |o: &stetho_core::image::NearMember| {
        let mirrored = if o.mirrored { ", mirrored" } else { "" };
        (o.picture, format!("correlation {:.3}{mirrored}", o.correlation))
    };
    std::iter::once((cluster.first, String::new())).chain(cluster.others.iter().map(other)).collect()
}

/// Places of a cluster: its first picture with each of the others.
pub(super) fn pairs(set: &Pictures, members: &[(usize, String)]) -> Vec<Place> {
    let name = |i: usize| set.pictures.get(i).map(stetho_core::image::Picture::name).unwrap_or_default();
    let Some((first, others)) = members.split_first() else { return Vec::new() };
    others.iter().map(|(other, _)| Place::Pair { a: name(first.0), b: name(*other) }).collect()
}

impl Rule for NearDuplicateImages {
    type Input = Pictures;
    const ID: &'static str = "near-duplicate-images";
    const SEVERITY: Severity = Severity::Warning;
    const SIGNALS: &'static [Signal] = &[Signal::Pictures, Signal::PictureCopies];

    fn check(&mut self, set: &Pictures, report: &mut Report) {
        let Some(copies) = set.copies.get() else { return };
        let plain: Vec<&NearCluster> = copies.near.iter().filter(|c| is_plain(set, c.members())).collect();
        let redundant: usize = plain.iter().map(|c| c.others.len()).sum();
        if redundant == 0 {
            return;
        }
        let is_mirrored = plain.iter().all(|c| c.others.iter().all(|o| o.mirrored));
        let what = if is_mirrored {
            "mirror images"
        } else {
            "copies but for size, compression, light or a small crop"
        };
        let verb = if redundant == 1 { "looks" } else { "look" };
        let all = set.pictures.len();
        let message = format!("{} {verb} like another: {what}", share(redundant, all));
        let shown: Vec<Vec<(usize, String)>> = plain.iter().map(|c| captions(c)).collect();
        let mut places = shown.iter().flat_map(|members| pairs(set, members)).collect::<Vec<_>>().into_iter();
        let measure = Evidence::at_most("pictures that look like another", redundant as f64, 0.0);
        let remedy = Remedy::risky("keep one of each cluster, or keep a cluster in one fold")
            .command("stetho prepare DATA --drop near-duplicates --out prepared");
        let name = count_of(plain.len() as u64, "cluster") + " of pictures that look alike";
        let severity = if is_mirrored { Severity::Info } else { Severity::Warning };
        report.raise(
            Draft::new(places.next().unwrap_or(Place::Whole), message, measure, remedy)
                .places(places)
                .count(redundant as u64)
                .severity(severity)
                .certainty(0.9)
                .evidence(groups(set, &name, &shown)),
        );
    }
}
