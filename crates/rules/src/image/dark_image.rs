//! `dark-image`

use serde::{Deserialize, Serialize};
use stetho_core::image::{Look, Pictures};
use stetho_core::{Evidence, Remedy, Report, Rule, Severity, Signal};

use crate::pictures::{draft, n_seen, share, worst};

/// Pictures in which even the brightest parts are dark.
///
/// ## Why it matters
/// Nothing can be seen on them, so nothing can be learned: most are failed exposures, covered lenses or broken conversions
/// (16 bits read as 8). Their labels are noise.
///
/// ## What to do
/// Look at them. Leave out what shows nothing; convert again what was converted wrongly.
///
/// ## Fires on
/// ```pictures
/// cat = 12 photos
/// cat/night.png = copy of cat/1 brightness 0.1
/// ```
///
/// ## Stays quiet on
/// ```pictures
/// cat = 12 photos
/// dog = 12 photos brightness 0.7
/// ```
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct DarkImage {
    /// A picture is dark if its 99th percentile of brightness is below this (0 … 1).
    pub limit: f32,
    /// Where more than this share of the pictures is like that, it is the nature of the set and not told.
    pub common: f64,
}

impl Default for DarkImage {
    fn default() -> Self {
        Self { limit: 0.32, common: 0.5 }
    }
}

impl Rule for DarkImage {
    type Input = Pictures;
    const ID: &'static str = "dark-image";
    const SEVERITY: Severity = Severity::Info;
    const SIGNALS: &'static [Signal] = &[Signal::Pictures];

    fn check(&mut self, set: &Pictures, report: &mut Report) {
        let measure = |look: &Look| {
            (look.brightness_p99 < self.limit && look.contrast > 0.001)
                .then(|| f64::from(1.0 - look.brightness_p99))
        };
        let found = worst(set, measure, |look| format!("99 % of it darker than {:.2}", look.brightness_p99));
        if found.is_empty() || found.len() as f64 > self.common * n_seen(set) as f64 {
            return;
        }
        let message = format!("{} are dark all over", share(found.len(), n_seen(set)));
        let extreme = found.first().and_then(|(i, _)| set.pictures.get(*i)?.look.as_ref().ok());
        let value = extreme.map_or(0.0, |look| f64::from(look.brightness_p99));
        let measured = Evidence::at_least("99th percentile of brightness", value, f64::from(self.limit));
        let remedy = Remedy::advice("look at them: leave them out if nobody could tell what they show");
        report.raise(draft(set, &found, message, measured, remedy));
    }
}
