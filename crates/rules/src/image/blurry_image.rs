//! `blurry-image`

use serde::{Deserialize, Serialize};
use stetho_core::image::{Look, Pictures};
use stetho_core::{Evidence, Remedy, Report, Rule, Severity, Signal};

use crate::pictures::{draft, n_seen, share, worst};
use crate::trend::median;

/// Pictures that are out of focus or were blown up.
///
/// ## Why it matters
/// What the label names may not be visible, and where blur goes with a source or a class, the network learns the blur.
///
/// ## What to do
/// Look at them. Leave out what nobody could tell; if much of what the model will meet is blurred, keep them and blur others
/// as augmentation.
///
/// ## Fires on
/// ```pictures
/// cat = 12 photos 160x160
/// cat/soft.png = copy of cat/1 blurred 6
/// ```
///
/// ## Stays quiet on
/// ```pictures
/// cat = 12 photos 160x160
/// dog = 12 photos 160x160 jpeg quality 60
/// ```
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct BlurryImage {
    /// A picture is blurred if its sharpness (0 … 1) is below this and below half of the set's median.
    pub limit: f32,
    /// Where more than this share of the pictures is like that, it is the nature of the set and not told.
    pub common: f64,
}

impl Default for BlurryImage {
    fn default() -> Self {
        Self { limit: 0.3, common: 0.25 }
    }
}

impl Rule for BlurryImage {
    type Input = Pictures;
    const ID: &'static str = "blurry-image";
    const SEVERITY: Severity = Severity::Info;
    const SIGNALS: &'static [Signal] = &[Signal::Pictures];

    fn check(&mut self, set: &Pictures, report: &mut Report) {
        let typical = typical_sharpness(set);
        let measure = |look: &Look| {
            (look.sharpness < self.limit && f64::from(look.sharpness) < 0.5 * typical)
                .then(|| f64::from(1.0 - look.sharpness))
        };
        let found = worst(set, measure, |look| format!("sharpness {:.2}", look.sharpness));
        if found.is_empty() || found.len() as f64 > self.common * n_seen(set) as f64 {
            return;
        }
        let message = format!("{} are blurred", share(found.len(), n_seen(set)));
        let extreme = found.first().and_then(|(i, _)| set.pictures.get(*i)?.look.as_ref().ok());
        let value = extreme.map_or(0.0, |look| f64::from(look.sharpness));
        let measured = Evidence::at_least("sharpness", value, f64::from(self.limit));
        let remedy = Remedy::advice("look at them: leave them out if nobody could tell what they show");
        report.raise(draft(set, &found, message, measured, remedy));
    }
}

/// Median sharpness of the set; NaN of none.
fn typical_sharpness(set: &Pictures) -> f64 {
    median(set.seen().map(|(_, _, look)| f64::from(look.sharpness)))
}
