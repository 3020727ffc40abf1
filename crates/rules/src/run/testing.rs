//! Runs for the tests of rules: made from named series of numbers, and from the examples in the rules' documentation.

use serde_json::Map;
use stetho_core::run::{Better, Digest, Fact, LayerQuantity, Part, Quantity, Run, Series};
use stetho_core::{Example, Finding, Outcome, Session};
use stetho_gallery::{DEFAULT_ROWS, Recipe};

/// What a name of these tests measures, and of what.
fn meaning(tag: &str) -> (Quantity, &str) {
    use LayerQuantity as Of;
    let (word, name) = tag.split_once('/').unwrap_or((tag, ""));
    if let Some(fact) = Fact::of_word(word) {
        return (Quantity::Live(fact), name);
    }
    let quantity = match word {
        "loss" if name.is_empty() => Quantity::Loss(Part::Train),
        "loss" => Quantity::LossTerm(Part::Train),
        "loss_scale" => Quantity::LossScale,
        _ if word != "val_loss" && (word.ends_with("_loss") || word.starts_with("loss_")) => {
            Quantity::LossTerm(Part::Train)
        }
        "val_loss" => Quantity::Loss(Part::Validation),
        "acc" | "accuracy" => Quantity::Metric(Part::Train, Better::Higher),
        "val_acc" | "val_accuracy" | "val_f1" | "val_recall" => {
            Quantity::Metric(Part::Validation, Better::Higher)
        }
        "mae" => Quantity::Metric(Part::Train, Better::Lower),
        "val_mae" => Quantity::Metric(Part::Validation, Better::Lower),
        "baseline_accuracy" => Quantity::Baseline(Part::Validation),
        "lr" => Quantity::LearningRate,
        "grad_norm" if name.is_empty() => Quantity::GradientNorm,
        "grad_norm" => Quantity::Layer(Of::GradientNorm),
        "weight_norm" => Quantity::Layer(Of::WeightNorm),
        "update_norm" => Quantity::Layer(Of::UpdateNorm),
        "update_ratio" => Quantity::Layer(Of::UpdateRatio),
        "dead_share" => Quantity::Layer(Of::DeadShare),
        "zero_share" => Quantity::Layer(Of::ZeroShare),
        "saturated_share" => Quantity::Layer(Of::SaturatedShare),
        "non_finite" => Quantity::Layer(Of::NonFinite),
        "clip_limit" => Quantity::ClipLimit,
        "step_time" => Quantity::StepTime,
        "data_time" => Quantity::DataTime,
        "memory" => Quantity::Memory,
        "class_share" => Quantity::ClassShare,
        "epoch" => Quantity::Epoch,
        _ => Quantity::Other,
    };
    (quantity, if matches!(quantity, Quantity::LossTerm(_)) { tag } else { name })
}

/// A series called `tag` of the values at the given steps.
fn series(tag: &str, points: impl IntoIterator<Item = (u64, f64)>) -> Series {
    let (quantity, name) = meaning(tag);
    let is_of_layer = matches!(quantity, Quantity::Layer(_));
    let mut digest = if is_of_layer { Digest::new(Digest::LAYER_BLOCKS) } else { Digest::default() };
    for (step, value) in points {
        digest.push(step, f64::NAN, value);
    }
    Series { tag: tag.into(), quantity, name: name.into(), digest }
}

/// A finished run of series that are logged every `every` steps, from step 0 on.
pub(crate) fn run_every<'a>(every: u64, all: impl IntoIterator<Item = (&'a str, Vec<f64>)>) -> Run {
    let of = |(tag, values): (&str, Vec<f64>)| {
        series(tag, values.into_iter().enumerate().map(|(i, v)| (i as u64 * every, v)))
    };
    Run {
        name: "run".into(),
        series: all.into_iter().map(of).collect(),
        unit: "step",
        is_over: true,
        ..Run::default()
    }
}

/// A finished run of series that are logged at every step.
pub(crate) fn run<'a>(all: impl IntoIterator<Item = (&'a str, Vec<f64>)>) -> Run {
    run_every(1, all)
}

/// `n` values of a function of the step.
pub(crate) fn values(n: u32, of: impl Fn(f64) -> f64) -> Vec<f64> {
    (0..n).map(|step| of(f64::from(step))).collect()
}

/// What the run rule `id` finds, with its default options. Panics where the rule did not run.
pub(crate) fn judge(id: &str, run: &Run) -> Vec<Finding> {
    let mut session = Session::new(super::RULES, |info| info.id == id, &Map::new()).unwrap();
    session.observe(run);
    let verdict = session.finish();
    assert_eq!(verdict.outcomes.len(), 1, "no rule `{id}`");
    assert_eq!(verdict.outcomes[0].outcome, Outcome::Ran, "rule `{id}`");
    verdict.findings
}

/// The run that a block of documentation describes: a `csv`, or a `recipe` that makes one.
pub(crate) fn run_of(example: &Example) -> Run {
    let csv = match example.format.as_str() {
        "csv" => example.text.clone(),
        "recipe" => {
            let rows = example.argument("rows").map_or(DEFAULT_ROWS, |rows| rows.parse().unwrap());
            Recipe::parse(&example.text).unwrap().make(rows).unwrap().to_csv()
        }
        "jsonl" => return run_of_json(&example.text),
        other => panic!("no runs are made from blocks of `{other}`"),
    };
    run_of_csv(&csv)
}

/// The run of lines of JSON: points of series, facts of the loop by the names of things, and traps.
fn run_of_json(text: &str) -> Run {
    let mut run = Run { name: "run".into(), unit: "step", is_over: true, ..Run::default() };
    for (row, line) in text.lines().enumerate() {
        let value: Map<String, serde_json::Value> = serde_json::from_str(line).unwrap();
        if value.contains_key("kind") {
            run.traps.push(serde_json::from_str(line).unwrap());
            continue;
        }
        let step = value.get("step").and_then(serde_json::Value::as_u64).unwrap_or(row as u64);
        for (tag, value) in value.iter().filter(|(tag, _)| *tag != "step") {
            let point = (step, value.as_f64().unwrap());
            match run.series.iter_mut().find(|s| s.tag == *tag) {
                Some(series) => series.digest.push(point.0, f64::NAN, point.1),
                None => run.series.push(series(tag, [point])),
            }
        }
    }
    run
}

/// The run of a table whose column `step` or `epoch` tells the step; the other columns are series. Empty cells are no points.
pub(crate) fn run_of_csv(csv: &str) -> Run {
    let mut lines = csv.lines().map(|line| line.split(',').map(|cell| cell.trim().to_owned()).collect());
    let header: Vec<String> = lines.next().unwrap();
    let rows: Vec<Vec<String>> = lines.collect();
    let axis = header.iter().position(|name| ["step", "epoch"].contains(&name.as_str()));
    let step = |row: usize| axis.map_or(row as u64, |at| rows[row][at].parse::<f64>().unwrap() as u64);
    let column = |at: usize| {
        let point = |row: usize| Some((step(row), rows[row].get(at)?.parse().ok()?));
        series(&header[at], (0..rows.len()).filter_map(point))
    };
    Run {
        name: "run".into(),
        series: (0..header.len()).filter(|at| Some(*at) != axis).map(column).collect(),
        unit: if header.iter().any(|name| name == "epoch") { "epoch" } else { "step" },
        is_over: true,
        ..Run::default()
    }
}

#[test]
fn examples_in_the_documentation_do_what_they_say() {
    let mut failures = Vec::new();
    for info in super::RULES.iter().map(|entry| &entry.info) {
        let docs = info.docs();
        let examples =
            docs.fires_on.iter().map(|e| (e, true)).chain(docs.quiet_on.iter().map(|e| (e, false)));
        for (example, must_fire) in examples {
            let found = judge(info.id, &run_of(example));
            if found.is_empty() == must_fire {
                let messages: Vec<_> = found.into_iter().map(|f| f.message).collect();
                failures.push(format!("{}, line {}: {messages:?}", info.id, example.line));
            }
        }
    }
    assert!(failures.is_empty(), "\n{}\n", failures.join("\n"));
}

mod any {
    use proptest::prelude::*;
    use stetho_core::Evidence;

    use super::*;

    const TAGS: [&str; 16] = [
        "loss",
        "val_loss",
        "loss/a",
        "loss/b",
        "accuracy",
        "val_accuracy",
        "lr",
        "grad_norm",
        "grad_norm/a",
        "grad_norm/b",
        "weight_norm/a",
        "update_ratio/a",
        "dead_share/a",
        "class_share/x",
        "class_share/y",
        "loss_scale",
    ];

    /// A value of a kind that logs hold at their worst.
    fn value() -> impl Strategy<Value = f64> {
        prop_oneof![
            Just(0.0),
            Just(1.0),
            -1e3..1e3f64,
            0.0..1.0f64,
            Just(1e308),
            Just(-1e308),
            Just(1e-308),
            Just(5e-324)
        ]
    }

    fn column() -> impl Strategy<Value = Vec<f64>> {
        prop_oneof![
            (value(), 1..150usize).prop_map(|(v, n)| vec![v; n]),
            prop::collection::vec(value(), 1..150),
            (value(), value(), 1..150usize)
                .prop_map(|(a, b, n)| (0..n).map(|i| if i % 2 == 0 { a } else { b }).collect()),
            (-1.0..1.0f64, 1..150usize)
                .prop_map(|(slope, n)| (0..n).map(|i| 50.0 + slope * i as f64).collect()),
        ]
    }

    /// Numbers that a finding shows.
    fn measures(finding: &Finding) -> Vec<f64> {
        let of = |e: &Evidence| if let Evidence::Measure { value, .. } = e { Some(value.0) } else { None };
        finding.evidence.iter().filter_map(of).collect()
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(400))]
        #[test]
        fn whatever_finite_numbers_are_logged_no_rule_fails_or_shows_nan(
            columns in prop::collection::vec((prop::sample::select(TAGS.to_vec()), column()), 1..8)
        ) {
            let run = run(columns);
            let mut session = Session::new(crate::run::RULES, |_| true, &Map::new()).unwrap();
            session.observe(&run);
            let verdict = session.finish();
            for outcome in &verdict.outcomes {
                prop_assert!(!matches!(outcome.outcome, Outcome::Failed { .. }), "{outcome:?}");
            }
            for finding in &verdict.findings {
                prop_assert!(!finding.message.contains("NaN"), "{}: {}", finding.rule, finding.message);
                prop_assert!(measures(finding).iter().all(|v| !v.is_nan()), "{}: {:?}", finding.rule, finding.evidence);
            }
        }
    }
}
