//! What rules on the training loop itself share.

use stetho_core::Place;
use stetho_core::run::{Call, Fact, Run, Series};

/// The first line of the script that makes a call, where it is known.
pub(crate) fn site(run: &Run, call: Call) -> Option<Place> {
    run.sites(call).next().map(|site| Place::source(site.path, site.line, site.text))
}

/// `train.py:57`, where the line of a call is known, with a word before it.
pub(crate) fn at_line(run: &Run, word: &str, call: Call) -> String {
    run.sites(call).next().map_or_else(String::new, |site| format!(" {word} {}:{}", site.path, site.line))
}

/// The mean of a series over its last half: of facts that are 0 or 1, the share of steps that they hold in.
pub(crate) fn late_share(series: &Series) -> f64 {
    let blocks = series.digest.split(16);
    crate::trend::mean(&blocks[blocks.len() / 2..])
}

/// The step since when the mean of a series has been at `limit` or on the wrong side of it for good: above, or below.
pub(crate) fn held_since(series: &Series, is_wrong: impl Fn(f64) -> bool) -> u64 {
    let blocks = series.digest.blocks();
    let from = blocks.iter().rposition(|b| !is_wrong(b.mean)).map_or(0, |at| at + 1);
    blocks.get(from).or(blocks.last()).map_or(0, |b| b.first)
}

/// The newest values of a fact by the names of what it is measured of.
pub(crate) fn newest(run: &Run, fact: Fact) -> impl Iterator<Item = (&str, f64)> {
    run.facts(fact).filter_map(|s| Some((s.name.as_str(), s.digest.last()?.value)))
}
