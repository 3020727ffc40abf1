//! `low-information-image`

use serde::{Deserialize, Serialize};
use stetho_core::image::{Look, Pictures};
use stetho_core::{Evidence, Remedy, Report, Rule, Severity, Signal};

use crate::pictures::{draft, n_seen, share, worst};

/// Pictures with next to nothing on them.
///
/// ## Why it matters
/// One colour, a blank page, a placeholder that says 'no picture': the label speaks of something that is not there.
///
/// ## What to do
/// Look at them, and leave them out.
///
/// ## Fires on
/// ```pictures
/// cat = 12 photos
/// cat/blank.png = copy of cat/1 brightness 0
/// ```
///
/// ## Stays quiet on
/// ```pictures
/// cat = 12 photos
/// dog = 12 photos grey
/// ```
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct LowInformationImage {
    /// A picture says little if the entropy of its brightness, over the 8 bits it could have, is below this …
    pub limit: f32,
    /// … and it has no contrast either: black lines on white and things on a black ground say much with few levels.
    /// Standard deviation of brightness, 0 … 0.5. Below a third of the entropy's limit contrast does not help.
    pub contrast: f32,
    /// Where more than this share of the pictures is like that, it is the nature of the set and not told.
    pub common: f64,
}

impl Default for LowInformationImage {
    fn default() -> Self {
        Self { limit: 0.3, contrast: 0.1, common: 0.5 }
    }
}

impl Rule for LowInformationImage {
    type Input = Pictures;
    const ID: &'static str = "low-information-image";
    const SEVERITY: Severity = Severity::Info;
    const SIGNALS: &'static [Signal] = &[Signal::Pictures];

    fn check(&mut self, set: &Pictures, report: &mut Report) {
        let is_empty = |look: &Look| {
            look.entropy < self.limit / 3.0 || look.entropy < self.limit && look.contrast < self.contrast
        };
        let measure = |look: &Look| is_empty(look).then(|| f64::from(1.0 - look.entropy));
        let found = worst(set, measure, |look| format!("entropy {:.2}", look.entropy));
        if found.is_empty() || found.len() as f64 > self.common * n_seen(set) as f64 {
            return;
        }
        let message = format!("{} show next to nothing", share(found.len(), n_seen(set)));
        let extreme = found.first().and_then(|(i, _)| set.pictures.get(*i)?.look.as_ref().ok());
        let value = extreme.map_or(0.0, |look| f64::from(look.entropy));
        let measured = Evidence::at_least("entropy of brightness, of 1", value, f64::from(self.limit));
        let remedy = Remedy::advice("look at them: leave them out if nobody could tell what they show");
        report.raise(draft(set, &found, message, measured, remedy));
    }
}
