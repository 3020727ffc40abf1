//! Facts of training runs: what `facts.runs` of the JSON report holds, one entry a run.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use stetho_core::Number;
use stetho_core::run::{Block, Digest, Fact, LayerQuantity, Quantity, Run, Series};

/// Stretches of a series that are drawn, at most.
const MOST_BLOCKS: usize = 512;
/// Layers of a heat map, at most.
const MOST_LAYERS: usize = 1024;

/// What a series is about, as charts are grouped.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[cfg_attr(feature = "types", derive(ts_rs::TS))]
#[serde(rename_all = "snake_case")]
pub enum SeriesGroup {
    /// A loss or one of its terms.
    Loss,
    /// A metric, or what it is held against.
    Metric,
    /// The learning rate of a parameter group.
    LearningRate,
    /// Norms of gradients, their limit, the factor of the loss.
    Gradient,
    /// Seconds.
    Time,
    /// Memory in use.
    Memory,
    /// Anything else.
    #[default]
    Other,
}

/// What a series holds that is no number.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "types", derive(ts_rs::TS))]
pub struct BrokenFacts {
    /// How many values are NaN or infinite.
    pub count: u64,
    /// Step of the first.
    pub first: u64,
    /// Step of the last.
    pub last: u64,
    /// Whether the newest value is one of them.
    pub is_last: bool,
}

/// A series, as stretches of successive points. The lists are equally long.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "types", derive(ts_rs::TS))]
#[serde(default)]
pub struct SeriesFacts {
    /// Its name in the log.
    pub tag: String,
    /// What it is about.
    pub group: SeriesGroup,
    /// The chart that it is drawn on: series of one chart have one unit.
    pub chart: String,
    /// `training`, `validation`, `test`, or empty.
    pub part: String,
    /// What it is measured of: a term, a metric, a parameter group. Empty for the whole.
    pub name: String,
    /// How many finite points were logged.
    pub points: u64,
    /// Number of the first stretch that is here: 0 but in what the live page is sent of a series that grew.
    pub from: u64,
    /// First step of each stretch.
    pub first: Vec<u64>,
    /// Last step of each stretch.
    pub last: Vec<u64>,
    /// Seconds from the start of the run to the last point of each stretch; NaN where the log does not say.
    pub time: Vec<Number>,
    /// Mean of each stretch, in six significant digits, as are the next two.
    pub mean: Vec<Number>,
    /// Least value of each stretch.
    pub min: Vec<Number>,
    /// Greatest value of each stretch.
    pub max: Vec<Number>,
    /// Values that are no numbers.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub broken: Option<BrokenFacts>,
}

/// How the values of a heat map are spread.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "types", derive(ts_rs::TS))]
#[serde(rename_all = "snake_case")]
pub enum HeatScale {
    /// Over powers of ten: norms, ratios, spreads.
    Logarithmic,
    /// From 0 to 1.
    Share,
    /// As they are.
    #[default]
    Linear,
}

/// One quantity of every layer, over the steps.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "types", derive(ts_rs::TS))]
#[serde(default)]
pub struct HeatFacts {
    /// What is shown, in words.
    pub name: String,
    /// How values are spread.
    pub scale: HeatScale,
    /// The layers, from the input to the output; none in what the live page is sent of a map that grew.
    pub layers: Vec<String>,
    /// Layers that are left out at the end.
    pub left_out: u64,
    /// Number of the first column that is here; see [`SeriesFacts::from`].
    pub from: u64,
    /// First step of each column.
    pub first: Vec<u64>,
    /// Last step of each column.
    pub last: Vec<u64>,
    /// For each column the mean of every layer, in three significant digits; NaN where there is none.
    pub columns: Vec<Vec<Number>>,
}

/// One training run.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "types", derive(ts_rs::TS))]
#[serde(default)]
pub struct RunFacts {
    /// Its name: the path of its log, as the user named it.
    pub name: String,
    /// What the step axis counts: `step`, `epoch`, `line`.
    pub unit: String,
    /// Why the training loss is not meant to fall, where it is not.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub contest: Option<String>,
    /// Settings that the log tells, by name: hyperparameters of event files, of `trainer_state.json`; none where it tells none.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "types", ts(optional))]
    pub settings: Option<Vec<(String, String)>>,
    /// Where restarts stepped back to.
    pub restarts: Vec<u64>,
    /// The newest step.
    pub last_step: u64,
    /// Seconds since 1970 at which the first value was written, where the log says.
    pub start: Option<f64>,
    /// Seconds from the first value to the newest, where the log says.
    pub seconds: Option<f64>,
    /// Whether nobody follows it any more.
    pub is_over: bool,
    /// Its series, in the order of the log.
    pub series: Vec<SeriesFacts>,
    /// Its layers, a map for each quantity.
    pub layers: Vec<HeatFacts>,
    /// Numbers of the findings of the report that are about this run.
    pub findings: Vec<usize>,
}

impl RunFacts {
    /// Of a record; `findings` are the numbers of its findings in the report.
    pub fn of(run: &Run, findings: impl IntoIterator<Item = usize>) -> Self {
        let start = run.series.iter().map(|s| start_of(s.digest.blocks())).reduce(f64::min);
        let start = start.filter(|t| t.is_finite()).map(to_milliseconds);
        let end = run.series.iter().flat_map(|s| s.digest.blocks()).map(|b| b.wall_time).reduce(f64::max);
        let scalars = run
            .series
            .iter()
            .filter(|s| !matches!(s.quantity, Quantity::Layer(_) | Quantity::Live(Fact::Site)))
            .filter(|s| s.digest.n_logged() > 0);
        Self {
            name: run.name.clone(),
            unit: if run.unit.is_empty() { "step" } else { run.unit }.into(),
            contest: run.contest.map(str::to_owned),
            settings: None,
            restarts: run.restarts.clone(),
            last_step: newest_step(run),
            start,
            seconds: start.zip(end).map(|(a, b)| to_milliseconds((b - a).max(0.0))),
            is_over: run.is_over,
            series: scalars.map(|s| SeriesFacts::of(s, start.unwrap_or(f64::NAN))).collect(),
            layers: LayerQuantity::ALL.into_iter().filter_map(|q| HeatFacts::of(run, q)).collect(),
            findings: findings.into_iter().collect(),
        }
    }

    /// With the settings that its log tells.
    #[must_use]
    pub fn with_settings(mut self, settings: &[(String, String)]) -> Self {
        self.settings = (!settings.is_empty()).then(|| settings.to_vec());
        self
    }

    /// Puts the runs into the facts of a document.
    pub fn insert_into(runs: &[Self], facts: &mut Map<String, Value>) {
        facts.insert("runs".into(), serde_json::to_value(runs).unwrap_or_default());
    }

    /// The runs of a document; none if it is about something else.
    pub fn from_map(facts: &Map<String, Value>) -> Vec<Self> {
        facts.get("runs").and_then(|runs| Vec::deserialize(runs).ok()).unwrap_or_default()
    }

    /// The whole loss of a part of the data: the series with the most points.
    pub(crate) fn loss(&self, part: &str) -> Option<&SeriesFacts> {
        let is_loss = |s: &&SeriesFacts| s.group == SeriesGroup::Loss && s.chart == LOSS && s.part == part;
        self.series.iter().filter(is_loss).filter(|s| s.points > 0).max_by_key(|s| s.points)
    }
}

/// The chart of the whole loss.
const LOSS: &str = "loss";

impl SeriesFacts {
    fn of(series: &Series, start: f64) -> Self {
        let (group, chart, part) = place_of(series);
        let blocks = drawn(&series.digest, MOST_BLOCKS);
        let numbers = |of: fn(&Block) -> f64| blocks.iter().map(|b| Number(rounded(of(b), 6))).collect();
        let seen = series.digest.non_finite();
        let broken =
            BrokenFacts { count: seen.count(), first: seen.first, last: seen.last, is_last: seen.is_last };
        Self {
            tag: series.tag.clone(),
            group,
            chart,
            part: part.into(),
            name: series.name.clone(),
            points: series.digest.n(),
            from: 0,
            first: blocks.iter().map(|b| b.first).collect(),
            last: blocks.iter().map(|b| b.last).collect(),
            time: blocks.iter().map(|b| Number(to_milliseconds(b.wall_time - start))).collect(),
            mean: numbers(|b| b.mean),
            min: numbers(|b| b.min),
            max: numbers(|b| b.max),
            broken: (broken.count > 0).then_some(broken),
        }
    }
}

/// Group, chart and part of a series.
fn place_of(series: &Series) -> (SeriesGroup, String, &'static str) {
    use SeriesGroup as Group;
    let named = || if series.name.is_empty() { series.tag.clone() } else { series.name.clone() };
    match series.quantity {
        Quantity::Loss(part) => (Group::Loss, LOSS.into(), part.name()),
        Quantity::LossTerm(part) => (Group::Loss, format!("loss term {}", named()), part.name()),
        Quantity::Metric(part, _) => (Group::Metric, named(), part.name()),
        Quantity::Baseline(part) => (Group::Metric, format!("baseline {}", named()), part.name()),
        Quantity::LearningRate => (Group::LearningRate, "learning rate".into(), ""),
        Quantity::GradientNorm | Quantity::ClipLimit => (Group::Gradient, "gradient norm".into(), ""),
        Quantity::LossScale => (Group::Gradient, "loss scale".into(), ""),
        Quantity::StepTime | Quantity::DataTime => (Group::Time, "seconds a step".into(), ""),
        Quantity::Memory => (Group::Memory, "memory".into(), ""),
        Quantity::ClassShare => (Group::Other, "share of predictions".into(), ""),
        Quantity::Epoch => (Group::Other, "epoch".into(), ""),
        Quantity::Live(fact) => (Group::Other, fact.name().into(), ""),
        Quantity::Layer(_) | Quantity::Other => (Group::Other, series.tag.clone(), ""),
    }
}

impl HeatFacts {
    /// Nothing where no layer has this quantity.
    fn of(run: &Run, quantity: LayerQuantity) -> Option<Self> {
        let layers: Vec<&Series> = run.layers(quantity).collect();
        let fullest = layers.iter().max_by_key(|s| s.digest.n())?;
        let grid = drawn(&fullest.digest, Digest::LAYER_BLOCKS);
        let shown = &layers[..layers.len().min(MOST_LAYERS)];
        let mut columns = vec![Vec::with_capacity(shown.len()); grid.len()];
        for layer in shown {
            for (column, value) in columns.iter_mut().zip(on_grid(layer.digest.blocks(), &grid)) {
                column.push(Number(rounded(value, 3)));
            }
        }
        let name = |s: &&Series| if s.name.is_empty() { s.tag.clone() } else { s.name.clone() };
        Some(Self {
            name: quantity.name().into(),
            scale: scale_of(quantity),
            layers: shown.iter().map(name).collect(),
            left_out: (layers.len() - shown.len()) as u64,
            from: 0,
            first: grid.iter().map(|b| b.first).collect(),
            last: grid.iter().map(|b| b.last).collect(),
            columns,
        })
    }
}

/// The newest step of any series, of values that are no numbers too.
fn newest_step(run: &Run) -> u64 {
    let broken = run.series.iter().map(|s| s.digest.non_finite()).filter(|seen| seen.count() > 0);
    broken.map(|seen| seen.last).chain(run.last_step()).max().unwrap_or_default()
}

/// When the first point was written: a stretch knows that of its last point, so the pace of the second one tells. NaN where
/// the log does not say.
fn start_of(blocks: &[Block]) -> f64 {
    match blocks {
        [first, second, ..] if first.n > 1 => {
            let pace = (second.wall_time - first.wall_time).max(0.0) / second.n as f64;
            first.wall_time - pace * (first.n - 1) as f64
        }
        [first, ..] => first.wall_time,
        [] => f64::NAN,
    }
}

fn scale_of(quantity: LayerQuantity) -> HeatScale {
    match quantity {
        LayerQuantity::GradientNorm
        | LayerQuantity::WeightNorm
        | LayerQuantity::UpdateNorm
        | LayerQuantity::UpdateRatio
        | LayerQuantity::ActivationStd => HeatScale::Logarithmic,
        LayerQuantity::DeadShare | LayerQuantity::ZeroShare | LayerQuantity::SaturatedShare => {
            HeatScale::Share
        }
        LayerQuantity::ActivationMean | LayerQuantity::NonFinite => HeatScale::Linear,
    }
}

/// The stretches to be drawn. Those of a digest that is small enough are taken as they are, so that of a series that grows
/// only the last ones change.
fn drawn(digest: &Digest, most: usize) -> Vec<Block> {
    if digest.blocks().len() <= most { digest.blocks().to_vec() } else { digest.split(most) }
}

/// Mean of `blocks` in each stretch of `grid`, by the middle of each block; NaN where there is none.
fn on_grid(blocks: &[Block], grid: &[Block]) -> Vec<f64> {
    let mut rest = blocks.iter().peekable();
    let mut mean_up_to = |last: u64| {
        let (mut sum, mut n) = (0.0, 0);
        while let Some(block) = rest.next_if(|b| b.middle() <= last) {
            sum += block.mean * block.n as f64;
            n += block.n;
        }
        sum / n as f64
    };
    grid.iter().map(|column| mean_up_to(column.last)).collect()
}

/// `value` in so many significant digits, which keeps reports small.
fn rounded(value: f64, digits: i32) -> f64 {
    if !value.is_finite() || value.abs() < f64::MIN_POSITIVE {
        return value;
    }
    let power = digits - 1 - value.abs().log10().floor() as i32;
    let result = if power.abs() > 300 {
        value
    } else if power < 0 {
        let unit = 10f64.powi(-power);
        (value / unit).round() * unit
    } else {
        let unit = 10f64.powi(power);
        (value * unit).round() / unit
    };
    if result.is_finite() { result } else { value }
}

fn to_milliseconds(seconds: f64) -> f64 {
    (seconds * 1e3).round() / 1e3
}

#[cfg(test)]
mod tests {
    use stetho_core::run::Part;

    use super::*;

    fn series(tag: &str, quantity: Quantity, values: impl IntoIterator<Item = (u64, f64)>) -> Series {
        let mut digest = Digest::default();
        for (step, value) in values {
            digest.push(step, 1_700_000_000.0 + step as f64 * 0.5, value);
        }
        Series { tag: tag.into(), quantity, name: String::new(), digest }
    }

    fn run(series: Vec<Series>) -> Run {
        Run { name: "logs/a".into(), unit: "step", series, restarts: vec![7], ..Run::default() }
    }

    #[test]
    fn long_series_are_told_in_at_most_512_stretches_that_hold_the_extremes() {
        let wave = (0..100_000).map(|i| (i * 2, if i == 77_777 { 9.0 } else { (i as f64 * 0.01).sin() }));
        let facts = RunFacts::of(&run(vec![series("loss", Quantity::Loss(Part::Train), wave)]), [3]);
        let [loss] = facts.series.as_slice() else { panic!("{facts:?}") };
        assert!(loss.mean.len() <= 512 && loss.mean.len() > 200, "{}", loss.mean.len());
        for list in [&loss.time, &loss.min, &loss.max] {
            assert_eq!(list.len(), loss.mean.len());
        }
        assert_eq!((loss.first[0], loss.last.last(), loss.points), (0, Some(&199_998), 100_000));
        assert!(loss.max.contains(&Number(9.0)));
        assert_eq!(loss.time.last(), Some(&Number(99_999.0)));
        assert_eq!((facts.seconds, facts.last_step, facts.findings), (Some(99_999.0), 199_998, vec![3]));
    }

    #[test]
    fn facts_survive_a_document_with_values_that_are_no_numbers() {
        let losses = (0..9).map(|i| (i, if i > 6 { f64::NAN } else { 1.0 / 3.0 }));
        let only_nan = series("val", Quantity::Loss(Part::Validation), [(0, f64::NAN)]);
        let facts = RunFacts::of(
            &run(vec![series("loss", Quantity::Loss(Part::Train), losses), only_nan]),
            std::iter::empty(),
        );
        assert_eq!(facts.series[0].broken, Some(BrokenFacts { count: 2, first: 7, last: 8, is_last: true }));
        assert_eq!((facts.series[0].mean[0], facts.last_step), (Number(0.333333), 8));
        assert!(facts.series[1].mean.is_empty() && facts.series[1].broken.is_some());
        let mut map = Map::new();
        RunFacts::insert_into(std::slice::from_ref(&facts), &mut map);
        assert_eq!(RunFacts::from_map(&map), [facts]);
        assert_eq!(RunFacts::from_map(&Map::new()), []);
    }

    #[test]
    fn layers_become_one_map_a_quantity_and_sparse_ones_have_holes() {
        let of = |name: &str, steps: &[u64], value: f64| {
            let mut digest = Digest::new(Digest::LAYER_BLOCKS);
            steps.iter().for_each(|s| digest.push(*s, f64::NAN, value));
            let quantity = Quantity::Layer(LayerQuantity::GradientNorm);
            Series { tag: format!("layers/{name}"), quantity, name: name.into(), digest }
        };
        let facts = RunFacts::of(
            &run(vec![of("conv1", &[0, 10, 20, 30], 0.12345), of("fc", &[10, 30], 2.0)]),
            std::iter::empty(),
        );
        let [map] = facts.layers.as_slice() else { panic!("{facts:?}") };
        assert_eq!((map.layers.join(","), map.scale), ("conv1,fc".into(), HeatScale::Logarithmic));
        assert_eq!((map.first.clone(), map.last.clone()), (vec![0, 10, 20, 30], vec![0, 10, 20, 30]));
        let of_fc: Vec<bool> = map.columns.iter().map(|c| c[1].0.is_nan()).collect();
        assert_eq!(of_fc, [true, false, true, false]);
        assert_eq!(map.columns[0][0], Number(0.123));
        assert!(facts.series.is_empty(), "layers are no charts");
    }

    #[test]
    fn rounding_keeps_significant_digits() {
        for (value, digits, result) in
            [(0.1234567, 3, 0.123), (-98_765.4, 3, -98_800.0), (1e-300, 6, 1e-300), (0.0, 6, 0.0)]
        {
            assert_eq!(Number(rounded(value, digits)), Number(result));
        }
        assert!(rounded(f64::MAX, 6).is_finite() && rounded(5e-324, 3) > 0.0);
        assert!(rounded(f64::NAN, 3).is_nan());
    }
}
