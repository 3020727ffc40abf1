//! `shortcut-property`

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use stetho_core::image::{Look, Picture, Pictures};
use stetho_core::table::Part;
use stetho_core::{Draft, Evidence, Human, Place, Remedy, Report, Rule, Severity, Signal};

use crate::pictures::sample;
use crate::shortcut::predictive_power;
use crate::show::listing;

/// The label can be told without looking at what the picture shows: from its file format, size, shape, frame or light.
///
/// ## Why it matters
/// A network takes the easiest way. If all pictures of one class are PNG files from one camera, it learns the traces of that
/// camera; scores are high in every split of this set and fall to chance on the first picture from elsewhere.
///
/// ## What to do
/// Find out how the pictures of each class were collected. Bring all to one format, size and compression; collect
/// pictures of each class from every source; split by source and see what is left of the score. Where the property is
/// what the label means (day and night differ in brightness), there is nothing to do.
///
/// ## Fires on
/// ```pictures
/// cat = 20 photos 64x64 jpeg
/// dog = 20 photos 64x64 png
/// ```
/// ```pictures
/// healthy = 20 photos 64x64
/// sick = 20 photos 64x64 brightness 0.4
/// ```
///
/// ## Stays quiet on
/// ```pictures
/// cat = 20 photos 64x64
/// dog = 20 photos 64x64
/// ```
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct ShortcutProperty {
    /// How well a property of the file (format, channels, size, shape) may predict the label, from 0 (chance) to 1.
    pub limit: f64,
    /// How well light, colour, sharpness and the like may: things of different kinds do differ in them. Of Fashion-MNIST as a
    /// whole the empty border scores 0.21, brightness 0.19.
    pub content_limit: f64,
    /// Below this, they are told as an info: of the 45 pairs of classes of Fashion-MNIST the border reaches 0.88,
    /// brightness 0.87, contrast 0.69 (150 pictures of each class).
    pub content_warning: f64,
}

impl Default for ShortcutProperty {
    fn default() -> Self {
        Self { limit: 0.3, content_limit: 0.6, content_warning: 0.96 }
    }
}

/// A property as a number, and as a person says it.
struct Property {
    name: &'static str,
    is_of_file: bool,
    /// `None` where it was not measured.
    value: fn(&Picture, &Look) -> Option<f64>,
    say: fn(f64) -> String,
}

/// A property that tells the label, and what it is in the pictures where it was measured.
struct Told<'a> {
    property: &'a Property,
    score: f64,
    values: Vec<f64>,
    labels: Vec<u32>,
}

/// What is looked at: properties of the file first, then of what is on the picture.
const PROPERTIES: [Property; 10] = [
    Property {
        name: "file format",
        is_of_file: true,
        value: |_, l| Some(f64::from(l.format as u8)),
        say: format_name,
    },
    Property {
        name: "channels",
        is_of_file: true,
        value: |_, l| Some(f64::from(l.channels as u8) * 64.0 + f64::from(l.bits)),
        say: channels_name,
    },
    Property {
        name: "size",
        is_of_file: true,
        value: |_, l| Some((f64::from(l.width) * f64::from(l.height)).sqrt().round()),
        say: |v| format!("{v:.0} px"),
    },
    Property {
        name: "aspect ratio",
        is_of_file: true,
        value: |_, l| Some(f64::from(l.width) / f64::from(l.height.max(1))),
        say: |v| format!("{v:.2}"),
    },
    Property {
        name: "bytes a pixel",
        is_of_file: false,
        value: |p, l| Some(p.n_bytes as f64 / (f64::from(l.width) * f64::from(l.height)).max(1.0)),
        say: |v| format!("{v:.2}"),
    },
    Property {
        name: "border",
        is_of_file: false,
        value: |_, l| Some(l.border.into()),
        say: |v| format!("{v:.2}"),
    },
    Property {
        name: "brightness",
        is_of_file: false,
        value: |_, l| Some(l.brightness.into()),
        say: |v| format!("{v:.2}"),
    },
    Property {
        name: "contrast",
        is_of_file: false,
        value: |_, l| Some(l.contrast.into()),
        say: |v| format!("{v:.2}"),
    },
    Property {
        name: "sharpness",
        is_of_file: false,
        value: |_, l| Some(l.sharpness.into()),
        say: |v| format!("{v:.2}"),
    },
    Property {
        name: "colour",
        is_of_file: false,
        value: |_, l| l.colours.map(|c| f64::from(c.mean[0] - c.mean[2])),
        say: |v| format!("{v:.2}"),
    },
];

fn format_name(value: f64) -> String {
    use stetho_core::image::Format::{Array, Bmp, Gif, Jpeg, Png, Tiff, WebP};
    let all = [Jpeg, Png, WebP, Gif, Bmp, Tiff, Array];
    all.into_iter().find(|f| *f as u8 == value as u8).map_or("?", |f| f.name()).to_owned()
}

fn channels_name(value: f64) -> String {
    use stetho_core::image::Channels::{Cmyk, Grey, GreyAlpha, Rgb, Rgba};
    let (channels, bits) = ((value / 64.0) as u8, value as u32 % 64);
    let name = [Grey, GreyAlpha, Rgb, Rgba, Cmyk]
        .into_iter()
        .find(|c| *c as u8 == channels)
        .map_or("?", |c| c.name());
    if bits == 8 { name.to_owned() } else { format!("{name}, {bits} bits") }
}

impl Rule for ShortcutProperty {
    type Input = Pictures;
    const ID: &'static str = "shortcut-property";
    const SEVERITY: Severity = Severity::Warning;
    const SIGNALS: &'static [Signal] = &[Signal::Pictures, Signal::PictureLabels];

    fn check(&mut self, set: &Pictures, report: &mut Report) {
        let labelled: Vec<(&Picture, &Look, u32)> = set
            .seen()
            .filter(|(_, p, _)| p.part == Part::Train)
            .filter_map(|(_, p, look)| Some((p, look, p.label?)))
            .collect();
        let mut found: Vec<Told<'_>> = Vec::new();
        for property in &PROPERTIES {
            let known =
                labelled.iter().filter_map(|(p, look, label)| Some(((property.value)(p, look)?, *label)));
            let (values, labels): (Vec<f64>, Vec<u32>) = known.unzip();
            let score = predictive_power(&values, &labels);
            if score > self.limit_of(property) {
                found.push(Told { property, score, values, labels });
            }
        }
        // What the file is explains how it looks, not the other way round.
        found.sort_by(|a, b| {
            let is_of_file = |told: &Told<'_>| told.property.is_of_file;
            is_of_file(b).cmp(&is_of_file(a)).then(b.score.total_cmp(&a.score))
        });
        let Some(Told { property: worst, score, values, labels }) = found.first() else { return };
        let names: Vec<&str> = found.iter().map(|told| told.property.name).collect();
        let alone = if names.len() == 1 { "alone tells" } else { "each alone tell" };
        let limit = self.limit_of(worst);
        let message = format!(
            "{} {alone} the label: {} scores {} of 1 (limit {})",
            listing(&names, 3),
            worst.name,
            Human(*score),
            Human(limit)
        );
        let sample = sample(values.len(), labelled.len()).map(|s| format!(", {s}")).unwrap_or_default();
        let name =
            format!("prediction of the label from {} alone (0 chance, 1 always right){sample}", worst.name);
        let remedy = Remedy::advice(
            "find out how pictures of each class were collected; bring all to one format, size and compression, or split \
             by source",
        );
        let is_sure = worst.is_of_file || *score >= self.content_warning;
        report.raise(
            Draft::new(Place::Whole, message, Evidence::at_most(name, *score, limit), remedy)
                .certainty(if worst.is_of_file { 0.9 } else { 0.6 })
                .severity(if is_sure { Severity::Warning } else { Severity::Info })
                .evidence(Evidence::bars(
                    "how well each property alone predicts the label",
                    found.iter().map(|told| (told.property.name.to_owned(), told.score)),
                ))
                .evidence(typical(set, worst, values, labels)),
        );
    }
}

impl ShortcutProperty {
    fn limit_of(&self, property: &Property) -> f64 {
        if property.is_of_file { self.limit } else { self.content_limit }
    }
}

/// Median of the property in each class; of the first twenty classes.
fn typical(set: &Pictures, property: &Property, values: &[f64], labels: &[u32]) -> Evidence {
    let mut of_class: BTreeMap<u32, Vec<f64>> = BTreeMap::new();
    values.iter().zip(labels).for_each(|(v, label)| of_class.entry(*label).or_default().push(*v));
    let rows = of_class.into_iter().take(20).map(|(label, mut values)| {
        values.sort_by(f64::total_cmp);
        let at = |q: f64| values.get(((values.len() - 1) as f64 * q) as usize).copied().unwrap_or(0.0);
        let name = set.classes.get(label as usize).cloned().unwrap_or_default();
        [name, (property.say)(at(0.05)), (property.say)(at(0.5)), (property.say)(at(0.95))]
    });
    Evidence::table(
        format!("{} in each class", property.name),
        ["class", "5 % below", "median", "95 % below"],
        rows,
    )
}
