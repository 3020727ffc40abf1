//! `pixel-scale`

use serde::{Deserialize, Serialize};
use stetho_core::image::{Channels, Pictures};
use stetho_core::table::Part;
use stetho_core::{Draft, Evidence, Place, Remedy, Report, Rule, Severity, Signal};

/// Mean and standard deviation of the channels of the training part, with the line that normalises by them.
///
/// ## Why it matters
/// Inputs that are not centred and scaled make the first layer slow to learn and its best learning rate unlike that of the
/// others. The numbers of another data set (those of ImageNet are copied most) centre other pictures.
///
/// ## What to do
/// Normalise by these numbers, in training and everywhere else alike; a network that was trained before keeps the numbers
/// that it was trained with.
///
/// ## Fires on
/// ```pictures
/// cat = 6 photos
/// dog = 6 photos
/// ```
///
/// ## Stays quiet on
/// One picture is no set.
/// ```pictures
/// cat = 1 photos
/// ```
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct PixelScale {}

impl Rule for PixelScale {
    type Input = Pictures;
    const ID: &'static str = "pixel-scale";
    const SEVERITY: Severity = Severity::Info;
    const SIGNALS: &'static [Signal] = &[Signal::Pictures];

    fn check(&mut self, set: &Pictures, report: &mut Report) {
        let looks: Vec<_> =
            set.seen().filter(|(_, p, _)| p.part == Part::Train).map(|(_, _, look)| look).collect();
        if looks.len() < 2 {
            return;
        }
        let n = looks.len() as f64;
        let is_grey = looks.iter().all(|l| l.channels == Channels::Grey);
        let names: &[&str] = if is_grey { &["grey"] } else { &["red", "green", "blue"] };
        let (mut means, mut stds, mut rows) = (Vec::new(), Vec::new(), Vec::new());
        for (channel, name) in names.iter().enumerate() {
            let of = |values: &[f32; 3]| f64::from(values.get(channel).copied().unwrap_or(0.0));
            let mean = looks.iter().map(|l| of(&l.mean)).sum::<f64>() / n;
            // The law of total variance, each picture counted alike.
            let square = looks.iter().map(|l| of(&l.mean).powi(2) + of(&l.std).powi(2)).sum::<f64>() / n;
            let std = (square - mean * mean).max(0.0).sqrt();
            means.push(format!("{mean:.3}"));
            stds.push(format!("{std:.3}"));
            rows.push([(*name).to_owned(), format!("{mean:.3}"), format!("{std:.3}")]);
        }
        let message = format!(
            "pixels have mean {} and standard deviation {} (of 0 to 1)",
            means.join(", "),
            stds.join(", ")
        );
        let table = Evidence::table("channels of the training part", ["channel", "mean", "std"], rows);
        let remedy = Remedy::safe("normalise by these numbers").code(format!(
            "transforms.Normalize(mean=[{}], std=[{}])",
            means.join(", "),
            stds.join(", ")
        ));
        report.raise(Draft::new(Place::Whole, message, table, remedy).certainty(0.1));
    }
}
