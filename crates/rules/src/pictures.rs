//! What rules on pictures share: showing some, and saying how many.

use stetho_core::image::{Look, Picture, Pictures};
use stetho_core::{Draft, Evidence, Place, Remedy, count_of, percent, thousands};

/// Pictures that the evidence shows.
const SHOWN: usize = 24;

/// `3 of 40 pictures (8 %)`.
pub(crate) fn share(n: usize, of: usize) -> String {
    let all = count_of(of as u64, "picture");
    format!("{} of {all} ({})", thousands(n as u64), percent(n as f64 / of.max(1) as f64))
}

/// `1,667 pictures taken evenly` where `n` pictures stand for all.
pub(crate) fn sample(n: usize, of: usize) -> Option<String> {
    (n < of).then(|| format!("{} taken evenly", count_of(n as u64, "picture")))
}

/// A finding about single pictures, given with what to say of each, worst first.
pub(crate) fn draft(
    set: &Pictures,
    found: &[(usize, String)],
    message: impl Into<String>,
    evidence: Evidence,
    remedy: Remedy,
) -> Draft {
    let mut places = found.iter().filter_map(|(i, _)| set.pictures.get(*i)).map(Picture::place);
    let first = places.next().unwrap_or(Place::Whole);
    let shown = found.iter().take(SHOWN).map(|(i, caption)| set.pictured(*i, caption.clone()));
    let pictures = Evidence::pictures("the pictures, worst first", shown);
    Draft::new(first, message, evidence, remedy).places(places).count(found.len() as u64).evidence(pictures)
}

/// Groups of pictures side by side.
pub(crate) fn groups(set: &Pictures, name: &str, groups: &[Vec<(usize, String)>]) -> Evidence {
    let group = |members: &Vec<(usize, String)>| {
        members.iter().map(|(i, caption)| set.pictured(*i, caption.clone())).collect()
    };
    Evidence::Pictures { name: name.into(), groups: groups.iter().map(group).collect() }
}

/// Pictures for which `measure` is beyond a limit, worst (largest) first, with the captions of `say`.
pub(crate) fn worst(
    set: &Pictures,
    measure: impl Fn(&Look) -> Option<f64>,
    say: impl Fn(&Look) -> String,
) -> Vec<(usize, String)> {
    let mut found: Vec<(usize, f64, String)> =
        set.seen().filter_map(|(i, _, look)| Some((i, measure(look)?, say(look)))).collect();
    found.sort_by(|a, b| b.1.total_cmp(&a.1));
    found.into_iter().map(|(i, _, caption)| (i, caption)).collect()
}

/// How many pictures could be looked at.
pub(crate) fn n_seen(set: &Pictures) -> usize {
    set.seen().count()
}
