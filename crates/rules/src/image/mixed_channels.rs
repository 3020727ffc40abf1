//! `mixed-channels`

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use stetho_core::image::{Look, Pictures};
use stetho_core::{Evidence, Remedy, Report, Rule, Severity, Signal};

use crate::pictures::{draft, n_seen, share};

/// Grey, colour, transparent, CMYK or 16-bit pictures mixed in one set.
///
/// ## Why it matters
/// A batch needs pictures of one shape, so a loader that does not convert stops at the first odd one. One that does convert
/// may do it badly: 16-bit values are cut at 255 by some, transparency turns black, CMYK comes out inverted. And where the
/// kind goes with the class, the network learns the kind.
///
/// ## What to do
/// Convert every picture when it is loaded, and look at what the odd ones look like after it.
///
/// ## Fires on
/// ```pictures
/// cat = 8 photos
/// dog = 8 photos
/// dog/old.png = copy of dog/1 brightness 0.7 grey
/// ```
///
/// ## Stays quiet on
/// ```pictures
/// cat = 8 photos jpeg
/// dog = 8 photos png
/// ```
/// ```pictures
/// cat = 8 photos grey
/// dog = 8 photos grey
/// ```
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct MixedChannels {}

fn kind(look: &Look) -> String {
    let depth = if look.bits > 8 { format!(", {} bits", look.bits) } else { String::new() };
    format!("{}{depth}", look.channels.name())
}

impl Rule for MixedChannels {
    type Input = Pictures;
    const ID: &'static str = "mixed-channels";
    const SEVERITY: Severity = Severity::Warning;
    const SIGNALS: &'static [Signal] = &[Signal::Pictures];

    fn check(&mut self, set: &Pictures, report: &mut Report) {
        let mut counts: BTreeMap<String, usize> = BTreeMap::new();
        set.seen().for_each(|(_, _, look)| *counts.entry(kind(look)).or_default() += 1);
        let Some((usual, _)) = counts.iter().max_by_key(|(_, n)| **n).map(|(k, n)| (k.clone(), *n)) else {
            return;
        };
        let odd = set.seen().filter(|(_, _, look)| kind(look) != usual);
        let found: Vec<(usize, String)> = odd.map(|(i, _, look)| (i, kind(look))).collect();
        if found.is_empty() {
            return;
        }
        let others: Vec<String> =
            counts.iter().filter(|(k, _)| **k != usual).map(|(k, n)| format!("{n} {k}")).collect();
        let message = format!(
            "{} differ from the others, which are {usual}: {}",
            share(found.len(), n_seen(set)),
            others.join(", ")
        );
        let bars = Evidence::bars("pictures of each kind", counts.into_iter().map(|(k, n)| (k, n as f64)));
        let remedy = Remedy::risky("convert every picture when it is loaded").code(
            "from PIL import Image\n\
             picture = Image.open(path)\n\
             if picture.mode in (\"RGBA\", \"LA\", \"P\"):  # transparent parts become white\n    \
             picture = picture.convert(\"RGBA\")\n    \
             picture = Image.alpha_composite(Image.new(\"RGBA\", picture.size, \"white\"), picture)\n\
             picture = picture.convert(\"RGB\")",
        );
        report.raise(draft(set, &found, message, bars, remedy));
    }
}
