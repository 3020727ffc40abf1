//! `pixel-scale`

use serde::{Deserialize, Serialize};
use stetho_core::image::{Channels, Colours, Look, Pictures};
use stetho_core::table::Part;
use stetho_core::{Draft, Evidence, Place, Remedy, Report, Rule, Severity, Signal};

use crate::pictures::sample;

/// Mean and standard deviation of the channels of the training part, with the line that normalises by them.
///
/// ## Why it matters
/// Inputs that are not centred and scaled make the first layer slow to learn and its best learning rate unlike that of the
/// others. The numbers of another data set (those of ImageNet are copied most) centre other pictures.
///
/// ## What to do
/// Normalise by these numbers, in training and everywhere else alike; a network that was trained before keeps the numbers
/// that it was trained with. Of more than 2,000 pictures the colours may have been measured on every n-th; the finding says so.
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
        let all = set.seen().filter(|(_, p, _)| p.part == Part::Train).map(|(_, _, look)| look);
        let looks: Vec<&Look> = all.collect();
        let colours: Vec<Colours> = looks.iter().filter_map(|look| look.colours).collect();
        if colours.len() < 2 {
            return;
        }
        let n = colours.len() as f64;
        let is_grey = looks.iter().all(|l| l.channels == Channels::Grey);
        let names: &[&str] = if is_grey { &["grey"] } else { &["red", "green", "blue"] };
        let (mut means, mut stds, mut rows) = (Vec::new(), Vec::new(), Vec::new());
        for (channel, name) in names.iter().enumerate() {
            let of = |values: &[f32; 3]| f64::from(values.get(channel).copied().unwrap_or(0.0));
            let mean = colours.iter().map(|c| of(&c.mean)).sum::<f64>() / n;
            // The law of total variance, each picture counted alike.
            let square = colours.iter().map(|c| of(&c.mean).powi(2) + of(&c.std).powi(2)).sum::<f64>() / n;
            let std = (square - mean * mean).max(0.0).sqrt();
            means.push(format!("{mean:.3}"));
            stds.push(format!("{std:.3}"));
            rows.push([(*name).to_owned(), format!("{mean:.3}"), format!("{std:.3}")]);
        }
        let sample = sample(colours.len(), looks.len());
        let of = sample.as_ref().map(|s| format!(" of {s}")).unwrap_or_default();
        let message = format!(
            "pixels{of} have mean {} and standard deviation {} (of 0 to 1)",
            means.join(", "),
            stds.join(", ")
        );
        let part = "channels of the training part";
        let name = sample.map_or_else(|| part.to_owned(), |s| format!("{part}, {s}"));
        let table = Evidence::table(name, ["channel", "mean", "std"], rows);
        let remedy = Remedy::safe("normalise by these numbers").code(format!(
            "transforms.Normalize(mean=[{}], std=[{}])",
            means.join(", "),
            stds.join(", ")
        ));
        report.raise(Draft::new(Place::Whole, message, table, remedy).certainty(0.1));
    }
}

#[cfg(test)]
mod tests {
    use stetho_core::Verdict;
    use stetho_core::image::{Format, Picture};

    use super::*;

    fn picture(colours: Option<Colours>) -> Picture {
        let look = Look {
            format: Format::Jpeg,
            width: 64,
            height: 48,
            channels: Channels::Rgb,
            bits: 8,
            orientation: 1,
            brightness_p5: 0.1,
            brightness: 0.5,
            brightness_p99: 0.9,
            contrast: 0.2,
            sharpness: 0.7,
            entropy: 0.9,
            border: 0.0,
            colours,
        };
        Picture {
            path: "a.jpg".into(),
            index: None,
            part: Part::Train,
            label: None,
            named: None,
            n_bytes: 1,
            look: Ok(look),
            projected: None,
        }
    }

    fn message(pictures: Vec<Picture>) -> Option<String> {
        let set = Pictures { pictures, ..Pictures::default() };
        let mut session = stetho_core::Session::new(
            crate::image::RULES,
            |info| info.id == PixelScale::ID,
            &serde_json::Map::new(),
        )
        .unwrap();
        session.observe(&set);
        let Verdict { findings, .. } = session.finish();
        findings.first().map(|f| f.message.clone())
    }

    #[test]
    fn a_sample_is_told_as_one() {
        let colours = Some(Colours { mean: [0.5, 0.25, 0.75], std: [0.1; 3] });
        let of = |n: usize, k: usize| (0..n).map(|i| picture(colours.filter(|_| i % k == 0))).collect();
        let numbers = "have mean 0.500, 0.250, 0.750 and standard deviation 0.100, 0.100, 0.100 (of 0 to 1)";
        assert_eq!(message(of(9, 1)), Some(format!("pixels {numbers}")));
        assert_eq!(message(of(9, 3)), Some(format!("pixels of 3 pictures taken evenly {numbers}")));
        assert_eq!(message(of(9, 9)), None);
    }
}
