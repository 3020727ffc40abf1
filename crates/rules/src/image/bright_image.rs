//! `bright-image`

use serde::{Deserialize, Serialize};
use stetho_core::image::{Look, Pictures};
use stetho_core::{Evidence, Remedy, Report, Rule, Severity, Signal};

use crate::pictures::{draft, n_seen, share, worst};

/// Pictures in which even the darkest parts are bright.
///
/// ## Why it matters
/// Nothing can be seen on them, so nothing can be learned: most are overexposed, blank scans or transparent pictures laid
/// over white. Their labels are noise.
///
/// ## What to do
/// Look at them. Leave out what shows nothing.
///
/// ## Fires on
/// ```pictures
/// cat = 12 photos
/// cat/snow.png = copy of cat/1 lighten 0.97
/// ```
///
/// ## Stays quiet on
/// ```pictures
/// cat = 12 photos
/// dog = 12 photos lighten 0.4
/// ```
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct BrightImage {
    /// A picture is bright if its 5th percentile of brightness is above this (0 … 1).
    pub limit: f32,
    /// Where more than this share of the pictures is like that, it is the nature of the set and not told.
    pub common: f64,
}

impl Default for BrightImage {
    fn default() -> Self {
        Self { limit: 0.95, common: 0.5 }
    }
}

impl Rule for BrightImage {
    type Input = Pictures;
    const ID: &'static str = "bright-image";
    const SEVERITY: Severity = Severity::Info;
    const SIGNALS: &'static [Signal] = &[Signal::Pictures];

    fn check(&mut self, set: &Pictures, report: &mut Report) {
        let measure = |look: &Look| {
            (look.brightness_p5 > self.limit && look.contrast > 0.001).then(|| f64::from(look.brightness_p5))
        };
        let found = worst(set, measure, |look| format!("95 % of it brighter than {:.2}", look.brightness_p5));
        if found.is_empty() || found.len() as f64 > self.common * n_seen(set) as f64 {
            return;
        }
        let message = format!("{} are bright all over", share(found.len(), n_seen(set)));
        let extreme = found.first().and_then(|(i, _)| set.pictures.get(*i)?.look.as_ref().ok());
        let value = extreme.map_or(0.0, |look| f64::from(look.brightness_p5));
        let measured = Evidence::at_most("5th percentile of brightness", value, f64::from(self.limit));
        let remedy = Remedy::advice("look at them: leave them out if nobody could tell what they show");
        report.raise(draft(set, &found, message, measured, remedy));
    }
}
