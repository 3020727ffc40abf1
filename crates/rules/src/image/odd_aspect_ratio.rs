//! `odd-aspect-ratio`

use serde::{Deserialize, Serialize};
use stetho_core::image::{Look, Pictures};
use stetho_core::{Evidence, Human, Remedy, Report, Rule, Severity, Signal};

use crate::pictures::{draft, n_seen, share, worst};

/// Pictures that are much longer than wide, or wider than long, in a set that is not.
///
/// ## Why it matters
/// Squeezed to the square that most networks take, nothing on them keeps its shape; cropped to it, most is cut away.
/// Banners, scans of receipts and broken exports look like that.
///
/// ## What to do
/// Look at them. Crop what matters by hand, pad them instead of squeezing, or leave them out.
///
/// ## Fires on
/// ```pictures
/// cat = 20 photos 96x72
/// cat/banner = 1 photos 400x60
/// ```
///
/// ## Stays quiet on
/// ```pictures
/// cat = 12 photos 96x64
/// dog = 12 photos 64x96
/// ```
/// Where many are like that, it is the nature of the set.
/// ```pictures
/// line = 20 photos 240x32
/// ```
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct OddAspectRatio {
    /// A picture is odd if its shorter side over its longer one is below this.
    pub limit: f64,
    /// Where more than this share of the pictures is like that, it is the nature of the set and not told.
    pub common: f64,
}

impl Default for OddAspectRatio {
    fn default() -> Self {
        Self { limit: 0.35, common: 0.1 }
    }
}

fn ratio(look: &Look) -> f64 {
    f64::from(look.width.min(look.height)) / f64::from(look.width.max(look.height).max(1))
}

impl Rule for OddAspectRatio {
    type Input = Pictures;
    const ID: &'static str = "odd-aspect-ratio";
    const SEVERITY: Severity = Severity::Info;
    const SIGNALS: &'static [Signal] = &[Signal::Pictures];

    fn check(&mut self, set: &Pictures, report: &mut Report) {
        let odd = |look: &Look| Some(1.0 - ratio(look)).filter(|odd| *odd > 1.0 - self.limit);
        let found = worst(set, odd, |look| format!("{} × {}", look.width, look.height));
        if found.is_empty() || found.len() as f64 > self.common * n_seen(set) as f64 {
            return;
        }
        let verb = if found.len() == 1 { "is" } else { "are" };
        let message = format!(
            "{} {verb} long and narrow: the shorter side less than {} of the longer",
            share(found.len(), n_seen(set)),
            Human(self.limit)
        );
        let extreme = found.first().and_then(|(i, _)| set.pictures.get(*i)?.look.as_ref().ok());
        let measure = Evidence::at_least("shorter over longer side", extreme.map_or(0.0, ratio), self.limit);
        let remedy =
            Remedy::advice("pad them to the shape of the others, crop what matters, or leave them out");
        report.raise(draft(set, &found, message, measure, remedy));
    }
}
