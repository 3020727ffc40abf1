//! A model that tells one class for everything, by what a run logs of its predictions.

use stetho_core::run::{Better, Block, Fact, Part, Quantity, Run, Series};
use stetho_core::{Evidence, percent};

use crate::trend::{mean, median};

/// A model that tells one class for (nearly) everything.
pub(crate) struct OneClass<'a> {
    /// What shows it, in words before "since step 3".
    pub what: String,
    /// And in words after that.
    pub against: String,
    /// The number that shows it, with its limit.
    pub proof: Evidence,
    /// Step from which on it is so.
    pub since: u64,
    /// Whether it was otherwise before.
    pub came_later: bool,
    /// The series that show it, the most telling first.
    pub series: Vec<&'a Series>,
    /// Share of each class of late.
    pub bars: Vec<(String, f64)>,
}

/// Evaluations before it is judged.
const LEAST: u64 = 8;
/// Stretches in which series are looked at.
const STRETCHES: usize = 20;
/// A share of predictions this large is too large where accuracy is less than half of it.
const LARGE: f64 = 0.8;
/// A share that is logged alone: from here on without any other witness.
const ALL: f64 = 0.999;

/// Whether a run tells one class, with at least `share` of its predictions.
pub(crate) fn one_class(run: &Run, share: f64) -> Option<OneClass<'_>> {
    let shares: Vec<&Series> = run.of(Quantity::ClassShare).filter(|s| is_share(s)).collect();
    match shares.as_slice() {
        [] => None,
        [single] => of_one_share(run, single, share),
        several => of_shares(run, several, share),
    }
    .or_else(|| no_positive(run))
}

fn limit_of(share: f64) -> String {
    format!(", limit {}", percent(share))
}

/// Shares above 1 are percentages, or counts, of which nothing is known.
fn is_share(series: &Series) -> bool {
    series.digest.n() >= LEAST && series.digest.highest().is_some_and(|p| p.value <= 1.0)
}

/// The share of the largest class among several: which one it is may change, what matters is that it is one.
fn of_shares<'a>(run: &Run, classes: &[&'a Series], share: f64) -> Option<OneClass<'a>> {
    // As finely as they are kept: the mean over stretches of one class and then another would look like two.
    let blocks: Vec<&[Block]> = classes.iter().map(|s| s.digest.blocks()).collect();
    let n = blocks.iter().map(|b| b.len()).min()?;
    let late = 3 * n / 4..n;
    let top: Vec<f64> = (0..n).map(|i| blocks.iter().map(|b| b[i].mean).fold(0.0, f64::max)).collect();
    let level = median(top[late.clone()].iter().copied());
    let accuracy = accuracy(run);
    let limit = if accuracy.is_some_and(|a| a < 0.5 * level) { LARGE } else { share };
    let n_held = top[late.clone()].iter().filter(|t| **t >= limit).count();
    let total: f64 = blocks.iter().map(|b| b[n - 1].mean).sum();
    if (n_held as f64) < 0.8 * late.len() as f64 || total > 1.0 + 0.5 * (1.0 - share) + 1e-3 {
        return None;
    }
    let holds =
        |from: usize| top[from..].iter().filter(|t| **t >= limit).count() as f64 >= 0.8 * (n - from) as f64;
    let from = (0..n).find(|i| top[*i] >= limit && holds(*i))?;
    let mut order: Vec<usize> = (0..classes.len()).collect();
    order.sort_by(|a, b| blocks[*b][n - 1].mean.total_cmp(&blocks[*a][n - 1].mean));
    let winner = classes[order[0]];
    let is_one = order.iter().skip(1).all(|i| mean(&blocks[*i][late.clone()]) < 0.5 * level);
    let name = if is_one {
        format!("are `{}`", winner.name)
    } else {
        "are of one class, now this and then that".into()
    };
    // Where the labels themselves are nearly all of one class, saying so is right.
    let among_labels = run.fact_of(Fact::LabelShare, &winner.name);
    if is_one && among_labels.is_some_and(|labels| labels >= limit) {
        return None;
    }
    let labels = among_labels.filter(|_| is_one);
    let labels =
        labels.map_or_else(String::new, |labels| format!(", which are {} of the labels", percent(labels)));
    let accuracy = accuracy.filter(|_| limit < share);
    let against =
        accuracy.map_or_else(|| limit_of(limit), |a| format!(", and only {} of them are right", percent(a)));
    Some(OneClass {
        what: format!("{} of the predictions {name}", percent(level)),
        against: format!("{labels}{against}"),
        proof: Evidence::at_most("share of predictions of one class", level, limit),
        since: blocks[order[0]].get(from)?.first,
        came_later: from > 0,
        series: order.iter().map(|i| classes[*i]).collect(),
        bars: classes.iter().zip(&blocks).map(|(s, b)| (s.name.clone(), mean(&b[late.clone()]))).collect(),
    })
}

/// The share of one class, where that of no other is logged. Where classes are rare, nearly all predictions are rightly of the other one.
fn of_one_share<'a>(run: &Run, series: &'a Series, share: f64) -> Option<OneClass<'a>> {
    let blocks = series.digest.split(STRETCHES);
    let late = &blocks[3 * blocks.len() / 4..];
    let level = median(late.iter().map(|b| b.mean));
    let limit = if accuracy(run).is_some_and(|a| a < 0.9) { share } else { ALL };
    let is_none = is_positive(&series.name) && blocks[blocks.len() / 4..].iter().all(|b| b.max <= 0.0);
    let is_all = late.iter().all(|b| b.mean >= limit);
    if !is_none && !is_all {
        return None;
    }
    let is_so = |b: &Block| if is_none { b.max <= 0.0 } else { b.mean >= limit };
    let before = blocks.iter().rposition(|b| !is_so(b));
    let (what, against, proof) = if is_none {
        let proof = Evidence::at_least("share of positive predictions", 0.0, f64::MIN_POSITIVE);
        ("no prediction is positive".to_owned(), String::new(), proof)
    } else {
        let proof = Evidence::at_most("share of predictions of one class", level, limit);
        (format!("{} of the predictions are `{}`", percent(level), series.name), limit_of(limit), proof)
    };
    Some(OneClass {
        what,
        against,
        proof,
        since: blocks[before.map_or(0, |b| b + 1)].first,
        came_later: before.is_some(),
        series: vec![series],
        bars: Vec::new(),
    })
}

/// A recall, a precision or an F1 that is 0 to the last digit at every evaluation, while most answers are right: none is ever positive.
fn no_positive(run: &Run) -> Option<OneClass<'_>> {
    let right = accuracy(run).filter(|a| *a > 0.5)?;
    let parts = [Part::Validation, Part::Train];
    let series = parts.into_iter().flat_map(|p| run.metrics(p)).find(|(s, better)| {
        *better == Better::Higher && s.is_of_positives() && s.digest.n() >= LEAST && is_zero(s)
    });
    let (series, _) = series?;
    Some(OneClass {
        what: format!("`{}` is 0", series.tag),
        against: format!(", with an accuracy of {}: no prediction is positive", percent(right)),
        proof: Evidence::at_least("recall or the like", 0.0, f64::MIN_POSITIVE),
        since: series.digest.first().first()?.step,
        came_later: false,
        series: vec![series],
        bars: Vec::new(),
    })
}

/// Whether a series was 0 from a quarter of the run on.
fn is_zero(series: &Series) -> bool {
    let blocks = series.digest.split(STRETCHES);
    blocks[blocks.len() / 4..].iter().all(|b| b.max <= 0.0 && b.min >= 0.0)
}

fn is_positive(name: &str) -> bool {
    ["positive", "positives", "pos", "true"].contains(&name.to_lowercase().as_str())
}

/// The accuracy of the last quarter of the run, 0 to 1: that of validation where there is one.
fn accuracy(run: &Run) -> Option<f64> {
    let is_accuracy = |s: &Series| {
        let tag = s.tag.to_lowercase();
        (tag.contains("acc") || tag.contains("top1")) && s.digest.n() >= 3
    };
    let parts = [Part::Validation, Part::Test, Part::Train];
    let mut all = parts.into_iter().flat_map(|p| run.metrics(p));
    let (series, _) = all.find(|(s, better)| *better == Better::Higher && is_accuracy(s))?;
    let blocks = series.digest.split(STRETCHES);
    let whole = if series.digest.highest()?.value > 1.5 { 100.0 } else { 1.0 };
    Some(mean(&blocks[3 * blocks.len() / 4..]) / whole)
}
