//! Facts of picture sets: what `facts.pictures` of the JSON report holds.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use stetho_core::boxes::Boxes;
use stetho_core::image::{Colours, Look, Picture, Pictures};
use stetho_core::table::Part;
use stetho_core::{Number, Pictured};

/// Pictures that the page can browse.
const SAMPLES: usize = 600;
/// Sizes that are listed.
const SIZES: usize = 200;
const BINS: usize = 32;

/// Counts in equal bins.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "types", derive(ts_rs::TS))]
pub struct Bins {
    /// Bin edges, ascending, one more than `counts`.
    pub edges: Vec<Number>,
    /// How many values lie in each bin.
    pub counts: Vec<u64>,
}

impl Bins {
    /// Counts of `values` in bins from `low` to `high`; values outside count at the ends.
    pub(crate) fn of(values: impl Iterator<Item = f64>, low: f64, high: f64) -> Self {
        let mut counts = vec![0; BINS];
        for value in values.filter(|v| v.is_finite()) {
            let bin = ((value - low) / (high - low) * BINS as f64).clamp(0.0, (BINS - 1) as f64);
            if let Some(count) = counts.get_mut(bin as usize) {
                *count += 1;
            }
        }
        let edge = |i: usize| Number(low + (high - low) * i as f64 / BINS as f64);
        Self { edges: (0..=BINS).map(edge).collect(), counts }
    }
}

/// What a set of pictures is, in numbers.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "types", derive(ts_rs::TS))]
#[serde(default)]
pub struct PictureFacts {
    /// How the set is laid out, in words.
    pub layout: String,
    /// Pictures in each part.
    pub parts: Vec<(String, u64)>,
    /// Pictures in each class of the training part, most frequent first.
    pub classes: Vec<(String, u64)>,
    /// Pictures in each file format, most frequent first.
    pub formats: Vec<(String, u64)>,
    /// Pictures with each kind of channels and depth, most frequent first.
    pub channels: Vec<(String, u64)>,
    /// Width, height and how many pictures have them, most frequent first.
    pub sizes: Vec<(u32, u32, u64)>,
    /// How many pictures, taken evenly, `mean` and `std` rest on, where these are not all that could be looked at.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub coloured: Option<u64>,
    /// Mean of red, green and blue over all pictures, 0 … 1.
    pub mean: [Number; 3],
    /// Standard deviation of red, green and blue over all pixels.
    pub std: [Number; 3],
    /// Mean brightness of the pictures.
    pub brightness: Bins,
    /// Sharpness of the pictures.
    pub sharpness: Bins,
    /// Pictures to look at, of each class and part alike; the caption of held-out ones is their part. In detection sets they
    /// have their boxes, and their label is the classes on them.
    pub samples: Vec<Pictured>,
    /// A map of the samples, where one was made.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub projection: Option<PictureMap>,
}

/// Where pictures lie on the first two principal components of the small grey pictures.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "types", derive(ts_rs::TS))]
pub struct PictureMap {
    /// Shares of the variance that the two axes explain.
    pub explained: [Number; 2],
    /// Place of each of [`PictureFacts::samples`], in their order.
    pub points: Vec<[Number; 2]>,
}

impl PictureFacts {
    /// The facts of `pictures`.
    pub fn of(pictures: &Pictures) -> Self {
        let looks = || pictures.seen().map(|(_, _, look)| look);
        let channels = |look: &Look| match look.bits {
            8 => look.channels.name().to_owned(),
            bits => format!("{}, {bits} bits", look.channels.name()),
        };
        let mut sizes: BTreeMap<(u32, u32), u64> = BTreeMap::new();
        looks().for_each(|look| *sizes.entry((look.width, look.height)).or_default() += 1);
        let mut sizes: Vec<(u32, u32, u64)> = sizes.into_iter().map(|((w, h), n)| (w, h, n)).collect();
        sizes.sort_by_key(|size| std::cmp::Reverse(size.2));
        sizes.truncate(SIZES);
        let counts = pictures.class_counts(Part::Train);
        let classes = pictures.classes.iter().cloned().zip(counts);
        let parts = [Part::Train, Part::Validation, Part::Test].map(|p| (p.name().into(), pictures.count(p)));
        let colours: Vec<Colours> = looks().filter_map(|look| look.colours).collect();
        let (mean, std) = scale(&colours);
        let samples = samples(pictures);
        Self {
            layout: pictures.layout.clone(),
            parts: parts.into_iter().filter(|(_, n)| *n > 0).collect(),
            classes: ranked(classes.filter(|(_, n)| *n > 0)),
            formats: ranked(counted(looks().map(|l| l.format.name().to_owned())).into_iter()),
            channels: ranked(counted(looks().map(channels)).into_iter()),
            sizes,
            coloured: Some(colours.len()).filter(|n| *n < looks().count()).map(|n| n as u64),
            mean,
            std,
            brightness: Bins::of(looks().map(|l| f64::from(l.brightness)), 0.0, 1.0),
            sharpness: Bins::of(looks().map(|l| f64::from(l.sharpness)), 0.0, 1.0),
            projection: map(pictures, &samples),
            samples: samples
                .into_iter()
                .map(|i| pictures.pictured(i, caption(pictures.pictures.get(i))))
                .collect(),
        }
    }

    /// Draws the boxes of a detection set on the samples.
    #[must_use]
    pub fn with_boxes(mut self, boxes: &Boxes) -> Self {
        let of: HashMap<&str, _> = boxes.annotations.iter().map(|a| (a.picture.as_str(), a)).collect();
        for sample in &mut self.samples {
            let Some(annotation) = of.get(sample.path.as_str()) else { continue };
            sample.boxes = boxes.pictured(annotation, "", |_| false).boxes;
            let classes: BTreeSet<&str> = sample.boxes.iter().map(|b| b.label.as_str()).collect();
            let classes: Vec<&str> = classes.into_iter().collect();
            sample.label = if classes.is_empty() { None } else { Some(classes.join(", ")) };
        }
        self
    }

    /// The facts in a report, if it has them.
    pub fn from_map(facts: &Map<String, Value>) -> Option<Self> {
        serde_json::from_value(facts.get("pictures")?.clone()).ok()
    }

    /// Puts the facts into those of a report.
    pub fn insert_into(&self, facts: &mut Map<String, Value>) {
        facts.insert("pictures".into(), serde_json::to_value(self).unwrap_or_default());
    }
}

fn counted(names: impl Iterator<Item = String>) -> BTreeMap<String, u64> {
    let mut counts = BTreeMap::new();
    names.for_each(|name| *counts.entry(name).or_default() += 1);
    counts
}

fn ranked(counts: impl Iterator<Item = (String, u64)>) -> Vec<(String, u64)> {
    let mut ranked: Vec<(String, u64)> = counts.collect();
    ranked.sort_by_key(|(_, n)| std::cmp::Reverse(*n));
    ranked
}

/// Mean and standard deviation over all pixels, each picture counted alike: Var = E[std² + mean²] − mean².
fn scale(colours: &[Colours]) -> ([Number; 3], [Number; 3]) {
    let n = colours.len().max(1) as f64;
    let (mut mean, mut square) = ([0.0; 3], [0.0; 3]);
    for own in colours {
        for channel in 0..3 {
            let (m, s) = (f64::from(own.mean[channel]), f64::from(own.std[channel]));
            mean[channel] += m / n;
            square[channel] += (m * m + s * s) / n;
        }
    }
    let mut std = [Number(0.0); 3];
    for channel in 0..3 {
        std[channel] = Number((square[channel] - mean[channel] * mean[channel]).max(0.0).sqrt());
    }
    (mean.map(Number), std)
}

/// The part of a held-out picture.
fn caption(picture: Option<&Picture>) -> &'static str {
    picture.filter(|p| p.part != Part::Train).map_or("", |p| p.part.name())
}

/// Pictures of each class and part in turn, by the hash of their number (SplitMix64's last step), so in no order of the set.
fn samples(pictures: &Pictures) -> Vec<usize> {
    let mix = |i: usize| {
        let z = (i as u64 + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15);
        let z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z ^ (z >> 27)
    };
    let mut of_class: BTreeMap<(Option<u32>, Part), Vec<usize>> = BTreeMap::new();
    pictures
        .seen()
        .for_each(|(i, picture, _)| of_class.entry((picture.label, picture.part)).or_default().push(i));
    for members in of_class.values_mut() {
        members.sort_by_key(|i| mix(*i));
    }
    let most = of_class.values().map(Vec::len).max().unwrap_or(0);
    let turns = (0..most).flat_map(|turn| of_class.values().filter_map(move |members| members.get(turn)));
    turns.take(SAMPLES).copied().collect()
}

fn map(pictures: &Pictures, samples: &[usize]) -> Option<PictureMap> {
    let explained = pictures.projection.get()?.map(|share| Number(share.into()));
    let place = |i: &usize| Some(pictures.pictures.get(*i)?.projected?.map(|v| Number(v.into())));
    Some(PictureMap { explained, points: samples.iter().map(place).collect::<Option<_>>()? })
}

#[cfg(test)]
mod tests {
    use stetho_core::Measured;
    use stetho_core::boxes::{Annotation, BoundingBox, BoxClass, PictureState};
    use stetho_core::image::{Channels, Format};

    use super::*;

    fn picture(path: &str, label: Option<u32>, part: Part) -> Picture {
        let look = Look {
            format: Format::Png,
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
            colours: Some(Colours { mean: [0.5; 3], std: [0.2; 3] }),
        };
        Picture {
            path: path.into(),
            index: None,
            part,
            label,
            named: None,
            n_bytes: 1,
            look: Ok(look),
            projected: Some([1.0, -2.0]),
        }
    }

    #[test]
    fn samples_are_of_each_class_and_part_alike() {
        let mut all: Vec<Picture> = (0..2000)
            .map(|i| picture(&format!("{i}.png"), Some(u32::from(i >= 1990)), Part::Train))
            .collect();
        all.extend((0..5).map(|i| picture(&format!("v{i}.png"), Some(0), Part::Validation)));
        let set = Pictures {
            pictures: all,
            classes: vec!["a".into(), "b".into()],
            projection: Measured::Is([0.5, 0.25]),
            ..Pictures::default()
        };
        let facts = PictureFacts::of(&set);
        let count = |label: &str, caption: &str| {
            facts.samples.iter().filter(|s| s.label.as_deref() == Some(label) && s.caption == caption).count()
        };
        assert_eq!((count("a", ""), count("b", ""), count("a", "validation")), (585, 10, 5));
        let map = facts.projection.as_ref().unwrap();
        assert_eq!((map.points.len(), map.points[0]), (600, [Number(1.0), Number(-2.0)]));
        assert_eq!(facts, PictureFacts::of(&set), "the same in every run");
    }

    #[test]
    fn colours_of_a_sample_are_told_as_such() {
        let mut pictures: Vec<Picture> =
            (0..4).map(|i| picture(&format!("{i}.png"), None, Part::Train)).collect();
        let of = |pictures: &[Picture]| {
            PictureFacts::of(&Pictures { pictures: pictures.into(), ..Pictures::default() })
        };
        assert_eq!((of(&pictures).coloured, of(&pictures).mean), (None, [Number(0.5); 3]));
        for picture in &mut pictures[1..] {
            picture.look.as_mut().unwrap().colours = None;
        }
        let facts = of(&pictures);
        assert_eq!((facts.coloured, facts.mean), (Some(1), [Number(0.5); 3]));
        assert!((facts.std[0].0 - 0.2).abs() < 1e-6);
    }

    #[test]
    fn samples_of_detection_sets_have_their_boxes() {
        let corners = [1.0, 2.0, 30.0, 20.0];
        let of = |class| BoundingBox {
            index: 0,
            line: None,
            class,
            corners,
            written: corners,
            is_crowd: false,
            is_derived: false,
        };
        let classes =
            [BoxClass::Known(1), BoxClass::Known(0), BoxClass::Known(1), BoxClass::Unknown("9".into())];
        let annotation = Annotation {
            picture: "a.png".into(),
            is_annotated: true,
            state: PictureState::Sized(64, 48),
            boxes: classes.into_iter().map(of).collect(),
            ..Annotation::default()
        };
        let boxes = Boxes {
            classes: vec!["cat".into(), "dog".into()],
            annotations: vec![annotation],
            ..Boxes::default()
        };
        let pictures = ["a.png", "b.png"].map(|p| picture(p, None, Part::Train));
        let facts = PictureFacts::of(&Pictures { pictures: pictures.into(), ..Pictures::default() });
        assert_eq!(facts.projection, None);
        let facts = facts.with_boxes(&boxes);
        let of = |path: &str| facts.samples.iter().find(|s| s.path == path).unwrap();
        assert_eq!(of("a.png").label.as_deref(), Some("9, cat, dog"));
        assert_eq!(of("a.png").boxes.len(), 4);
        assert_eq!(of("a.png").boxes[1].corners, corners.map(Number));
        assert_eq!((of("b.png").boxes.len(), &of("b.png").label), (0, &None));
    }

    #[test]
    fn values_outside_the_bins_count_at_the_ends() {
        let bins = Bins::of([-9.0, 0.0, 0.5, 1.0, 9.0, f64::NAN].into_iter(), 0.0, 1.0);
        assert_eq!((bins.edges.len(), bins.counts.len()), (BINS + 1, BINS));
        assert_eq!((bins.counts[0], bins.counts[BINS / 2], bins.counts[BINS - 1]), (2, 1, 2));
    }
}
