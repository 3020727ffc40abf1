//! What rules on several ranks of one training share: their series, point by point at the same steps.

use std::collections::BTreeMap;

use stetho_core::run::{Fact, Run, Series};

/// The ranks of a run by name, where there are several.
pub(crate) fn ranks(run: &Run, fact: Fact) -> Vec<&Series> {
    let mut all: Vec<&Series> = run.facts(fact).collect();
    all.sort_by_key(|s| (s.name.parse::<u64>().unwrap_or(u64::MAX), s.name.as_str()));
    if all.len() < 2 { Vec::new() } else { all }
}

/// For each step that several ranks logged, the number of the rank in `ranks` and its value.
pub(crate) fn by_step(ranks: &[&Series]) -> BTreeMap<u64, Vec<(usize, f64)>> {
    let mut steps: BTreeMap<u64, Vec<(usize, f64)>> = BTreeMap::new();
    for (number, series) in ranks.iter().enumerate() {
        for point in series.digest.sample() {
            let at = steps.entry(point.step).or_default();
            if !at.iter().any(|(known, _)| *known == number) {
                at.push((number, point.value));
            }
        }
    }
    steps.retain(|_, values| values.len() > 1);
    steps
}
