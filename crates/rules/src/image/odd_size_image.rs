//! `odd-size-image`

use serde::{Deserialize, Serialize};
use stetho_core::image::{Look, Pictures};
use stetho_core::{Evidence, Human, Remedy, Report, Rule, Severity, Signal};

use crate::pictures::{draft, n_seen, share, worst};

/// Pictures that are far smaller or far larger than the others.
///
/// ## Why it matters
/// Brought to one size, a small picture becomes a blur and a huge one loses what is small on it: the network sees another
/// kind of picture. Thumbnails, icons and placeholders get into sets that way.
///
/// ## What to do
/// Look at them; fetch the original of a thumbnail, leave out icons and placeholders.
///
/// ## Fires on
/// ```pictures
/// cat = 20 photos 160x120
/// cat/icon = 1 photos 16x16
/// ```
///
/// ## Stays quiet on
/// ```pictures
/// cat = 10 photos 160x120
/// dog = 10 photos 120x90
/// dog/large = 10 photos 200x150
/// ```
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct OddSizeImage {
    /// A picture is odd if the logarithm of its size (root of the area) lies more than this many interquartile ranges
    /// outside the quartiles.
    pub ranges: f64,
    /// Sizes vary by at least this factor between the quartiles, whatever the set; below it a range says nothing.
    pub least_range: f64,
    /// Where more than this share of the pictures is odd, it is the nature of the set and not told.
    pub common: f64,
}

impl Default for OddSizeImage {
    fn default() -> Self {
        Self { ranges: 3.0, least_range: 1.2, common: 0.05 }
    }
}

/// Fewer pictures have no usual size.
const FEWEST: usize = 12;

/// Root of the area, in pixels.
fn size(look: &Look) -> f64 {
    (f64::from(look.width) * f64::from(look.height)).sqrt().max(1.0)
}

impl Rule for OddSizeImage {
    type Input = Pictures;
    const ID: &'static str = "odd-size-image";
    const SEVERITY: Severity = Severity::Info;
    const SIGNALS: &'static [Signal] = &[Signal::Pictures];

    fn check(&mut self, set: &Pictures, report: &mut Report) {
        let mut sizes: Vec<f64> = set.seen().map(|(_, _, look)| size(look).ln()).collect();
        if sizes.len() < FEWEST {
            return;
        }
        sizes.sort_by(f64::total_cmp);
        let quantile =
            |q: f64| sizes.get(((sizes.len() - 1) as f64 * q).round() as usize).copied().unwrap_or(0.0);
        let (low, middle, high) = (quantile(0.25), quantile(0.5), quantile(0.75));
        let range = (high - low).max(self.least_range.ln());
        let (low, high) = (low - self.ranges * range, high + self.ranges * range);
        let odd = |look: &Look| {
            let log = size(look).ln();
            (log < low || log > high).then(|| (log - middle).abs())
        };
        let found = worst(set, odd, |look| format!("{} × {}", look.width, look.height));
        if found.is_empty()
            || found.len() as f64 > self.common.max(1.0 / sizes.len() as f64) * sizes.len() as f64
        {
            return;
        }
        let verb = if found.len() == 1 { "is" } else { "are" };
        let message = format!(
            "{} {verb} far from the usual size: below {} or above {} pixels a side, the median is {}",
            share(found.len(), n_seen(set)),
            Human(low.exp()),
            Human(high.exp()),
            Human(middle.exp()),
        );
        let extreme = found.first().and_then(|(i, _)| set.pictures.get(*i)?.look.as_ref().ok());
        let value = extreme.map_or(0.0, size);
        let measure = if value.ln() < low {
            Evidence::at_least("root of the area, in pixels", value, low.exp())
        } else {
            Evidence::at_most("root of the area, in pixels", value, high.exp())
        };
        let remedy = Remedy::advice(
            "look at them: fetch the original of a thumbnail, leave out icons and placeholders",
        );
        report.raise(draft(set, &found, message, measure, remedy));
    }
}
