//! A document with one of everything, and a rule for the catalogue.

use serde::{Deserialize, Serialize};
use stetho_core::preflight::{Experiment, Preflight};
use stetho_core::run::{Digest, LayerQuantity, Part, Quantity, Run, Series};
use stetho_core::table::{Kind, Table};
use stetho_core::{
    Document, Entry, Evidence, Finding, Number, Outcome, Place, Remedy, Report, Rule, RuleOutcome, SCHEMA,
    Severity, Signal, Subject,
};
use stetho_report::{
    BoxFacts, ColumnFacts, FileLine, PictureFacts, PreflightFacts, RunFacts, SplitFacts, TableFacts,
    TargetFacts,
};

/// Rows that occur more than once.
///
/// ## Why it matters
/// Copies that land on both sides of a split make validation look better than it is.
///
/// ## What to do
/// Drop the copies **before** splitting:
///
/// 1. look at a few of them,
/// 2. keep the first of each.
///
/// ## Fires on
/// ```csv target=y
/// x,y
/// 1,a
/// 1,a
/// ```
///
/// ## Stays quiet on
/// ```csv
/// x,y
/// 1,a
/// 2,a
/// ```
#[derive(Default, Serialize, Deserialize)]
#[serde(default)]
struct DuplicateRows {
    /// Share of rows above which the finding is an error.
    pub limit: f64,
}

impl Rule for DuplicateRows {
    type Input = Table;
    const ID: &'static str = "duplicate-rows";
    const SEVERITY: Severity = Severity::Warning;
    const SIGNALS: &'static [Signal] = &[Signal::Duplicates];
    fn check(&mut self, _table: &Table, _report: &mut Report) {}
}

/// The rule's entry.
pub(crate) static RULES: [Entry<Table>; 1] = [Entry::new::<DuplicateRows>("table", include_str!("mod.rs"))];

fn finding(rule: &str, severity: Severity, message: &str, why: &str) -> Finding {
    Finding {
        rule: rule.into(),
        severity,
        certainty: 1.0,
        message: message.into(),
        why: why.into(),
        count: 1,
        places: vec![Place::Whole],
        evidence: Vec::new(),
        remedies: Vec::new(),
    }
}

fn rows(path: &str, rows: &[u64]) -> Place {
    Place::Rows { path: path.into(), rows: rows.to_vec(), lines: rows.iter().map(|r| r + 2).collect() }
}

fn conflicts() -> Finding {
    Finding {
        count: 14,
        places: vec![rows("wine data.csv", &[3, 17, 40, 41, 99, 120, 121]), Place::column("quality")],
        evidence: vec![
            Evidence::table(
                "rows with equal features",
                ["line", "fixed acidity", "volatile acidity", "quality"],
                (0..8).map(|i| [(5 + i).to_string(), "7.4".into(), "0.7".into(), ["5", "6"][i % 2].into()]),
            ),
            Evidence::Excerpt { path: "wine data.csv".into(), line: 5, text: "7.4;0.7;5\n7.4;0.7;6".into() },
        ],
        remedies: vec![
            Remedy::advice("look at these rows: which label is right?"),
            Remedy::risky("leave them out").code(
                "features = df.columns.drop(\"quality\")\ndf = df[~df.duplicated(features, keep=False)]",
            ),
        ],
        ..finding(
            "conflicting-labels",
            Severity::Error,
            "14 of 1,599 rows (0.9 %) have the same features and another `quality`",
            "No model can be right on both. The error of the best model cannot fall below this share. Third.",
        )
    }
}

fn scales() -> Finding {
    let edges = (0..=10).map(|i| Number(f64::from(i) * 28.9)).collect();
    Finding {
        count: 2,
        places: vec![
            Place::column("total sulfur dioxide"),
            Place::Pair { a: "density".into(), b: "alcohol".into() },
        ],
        evidence: vec![
            Evidence::at_most("ratio of the largest to the smallest standard deviation", 17_428.6, 100.0),
            Evidence::at_least("share of rows", 0.4, 0.75),
            Evidence::bars(
                "standard deviation",
                [
                    ("total sulfur dioxide".to_owned(), 32.9),
                    ("alcohol".into(), 1.066),
                    ("density".into(), 0.0019),
                ],
            ),
            Evidence::Histogram {
                name: "total sulfur dioxide".into(),
                edges,
                counts: vec![712, 410, 270, 120, 60, 24, 1, 0, 0, 2],
            },
        ],
        remedies: vec![
            Remedy::safe("centre and scale every feature").code("x = (x - x.mean()) / x.std()"),
            Remedy::safe("check again").command("stetho check 'wine data.csv' --all"),
        ],
        ..finding(
            "feature-scales",
            Severity::Warning,
            "standard deviations differ by a factor of 17,429; more than 100 slows gradient descent",
            "Gradient descent takes steps of one size in all directions.",
        )
    }
}

fn others() -> Finding {
    Finding {
        count: 3,
        places: vec![
            Place::Item { path: "notes.jsonl".into(), index: Some(3), line: Some(4) },
            Place::Steps { first: 3, last: 5 },
            Place::Rows { path: "part.parquet".into(), rows: vec![7], lines: Vec::new() },
        ],
        evidence: vec![Evidence::at_most("\u{1b}[31mred <b>", f64::NAN, f64::INFINITY)],
        remedies: vec![Remedy::advice("rest")],
        ..finding("odd-places", Severity::Info, "control \u{1b}[2J characters & <script>", "")
    }
}

fn facts() -> TableFacts {
    let number = |name: &str| ColumnFacts {
        name: name.into(),
        kind: Kind::Number.name().into(),
        nulls: 3,
        distinct: 96,
        distinct_exact: true,
        mean: Some(Number(8.32)),
        std: Some(Number(1.74)),
        min: Some(Number(4.6)),
        median: Some(Number(7.9)),
        max: Some(Number(15.9)),
        histogram: vec![12, 140, 610, 420, 220, 120, 50, 20, 5, 2],
    };
    let text = ColumnFacts {
        name: "<i>note".into(),
        kind: "text".into(),
        distinct: 31_000,
        ..ColumnFacts::default()
    };
    TableFacts {
        rows: 1_599,
        columns: 12,
        kinds: [("number".to_owned(), 11), ("text".to_owned(), 1)].into(),
        files: vec![FileLine {
            path: "wine data.csv".into(),
            format: "CSV, `;`-separated, UTF-8".into(),
            rows: 1_599,
        }],
        target: Some(TargetFacts {
            column: "quality".into(),
            task: "classification".into(),
            origin: "guessed".into(),
            reason: "the last column, whole numbers with 6 values".into(),
            alternatives: vec!["alcohol".into(), "pH".into()],
            classes: [("5", 681), ("6", 638), ("7", 199), ("4", 53), ("8", 18), ("3", 10)]
                .map(|(name, n)| (name.to_owned(), n))
                .into(),
        }),
        target_reason: None,
        splits: vec![SplitFacts { part: "validation".into(), rows: 400 }],
        column_profiles: vec![number("fixed acidity"), number("quality"), text],
        samples: None,
        skipped_files: vec!["`old.xls`: not a format that can be read".into()],
        command_line: "stetho check 'wine data.csv' --val val.csv".into(),
        seconds: 0.424,
    }
}

/// A document with every kind of place, evidence, remedy and outcome.
pub(crate) fn full() -> Document {
    let outcome = |rule: &str, outcome| RuleOutcome { rule: rule.into(), outcome };
    let skipped = |reason: &str| Outcome::Skipped { reason: reason.into() };
    Document {
        schema: SCHEMA,
        stetho: "0.1.0".into(),
        command: "check".into(),
        subject: Subject { paths: vec!["wine data.csv".into()], kind: "table".into(), items: 1_599 },
        findings: vec![conflicts(), scales(), others()],
        outcomes: vec![
            outcome("conflicting-labels", Outcome::Ran),
            outcome("feature-scales", Outcome::Ran),
            outcome("odd-places", Outcome::Ran),
            outcome("group-bias", skipped("no --group given")),
            outcome("split-drift", skipped("no --test given")),
            outcome("split-overlap", skipped("no --test given")),
            outcome("breaks", Outcome::Failed { reason: "index out of bounds".into() }),
        ],
        partial: false,
        facts: facts().to_map(),
    }
}

/// A healthy data set.
pub(crate) fn healthy() -> Document {
    let target = TargetFacts {
        column: "y".into(),
        task: "regression".into(),
        origin: "given".into(),
        ..TargetFacts::default()
    };
    let facts = TableFacts { target: Some(target), skipped_files: Vec::new(), ..facts() };
    Document {
        findings: Vec::new(),
        outcomes: full().outcomes.into_iter().take(5).collect(),
        facts: facts.to_map(),
        ..full()
    }
}

/// A detection set of 120 pictures.
pub(crate) fn detection() -> Document {
    let pictures = PictureFacts {
        layout: "COCO".into(),
        parts: vec![("train".into(), 100), ("validation".into(), 20)],
        formats: vec![("JPEG".into(), 119), ("PNG".into(), 1)],
        channels: vec![("RGB".into(), 120)],
        sizes: vec![(640, 480, 118), (480, 640, 2)],
        ..PictureFacts::default()
    };
    let boxes = BoxFacts {
        format: "COCO".into(),
        boxes: 431,
        annotated: 119,
        empty: 4,
        classes: vec![("cat".into(), 300), ("<b>dog\u{1b}[31m".into(), 130), ("eel".into(), 1)],
        per_picture: vec![4, 20, 30, 25, 20, 10, 5, 5],
        ..BoxFacts::default()
    };
    let mut facts = serde_json::Map::new();
    let skipped = "`old.json`: not COCO: it has no `images`";
    facts.insert("skipped_files".into(), vec![skipped].into());
    pictures.insert_into(&mut facts);
    boxes.insert_into(&mut facts);
    Document {
        subject: Subject { paths: vec!["animals".into()], kind: "boxes".into(), items: 120 },
        findings: Vec::new(),
        outcomes: full().outcomes.into_iter().take(3).collect(),
        facts,
        ..full()
    }
}

fn series(tag: &str, quantity: Quantity, every: u64, value: impl Fn(f64) -> f64) -> Series {
    let mut digest = Digest::default();
    for step in (0..1_000).step_by(every as usize) {
        digest.push(step, 1_700_000_000.0 + step as f64, value(step as f64));
    }
    Series { tag: tag.into(), quantity, name: String::new(), digest }
}

/// Two runs: one that overfits, and one whose loss becomes NaN.
pub(crate) fn runs() -> Document {
    let train = |tag: &str| series(tag, Quantity::Loss(Part::Train), 10, |s| 2.0 * (-s / 150.0).exp() + 0.1);
    let good = Run {
        name: "logs/a".into(),
        unit: "step",
        series: vec![
            train("train/loss"),
            series("val/loss", Quantity::Loss(Part::Validation), 100, |s| 0.5 + (s / 400.0 - 1.0).powi(2)),
            series("fc", Quantity::Layer(LayerQuantity::GradientNorm), 10, |s| 1.0 / (1.0 + s)),
        ],
        restarts: vec![400],
        is_over: true,
        ..Run::default()
    };
    let broken =
        series(
            "<b>loss\u{1b}[2J",
            Quantity::Loss(Part::Train),
            10,
            |s| if s < 500.0 { 1.0 } else { f64::NAN },
        );
    let bad = Run { name: "logs/<script>".into(), unit: "step", series: vec![broken], ..Run::default() };
    let mut facts = serde_json::Map::new();
    RunFacts::insert_into(&[RunFacts::of(&good, [0]), RunFacts::of(&bad, [])], &mut facts);
    let overfits = Finding {
        places: vec![Place::steps(400, 990), Place::layer("fc")],
        ..finding("overfitting", Severity::Warning, "`val/loss` rises since step 400", "It learns by heart.")
    };
    Document {
        command: "watch".into(),
        subject: Subject { paths: vec!["logs".into()], kind: "run".into(), items: 990 },
        findings: vec![overfits],
        outcomes: full().outcomes.into_iter().take(1).collect(),
        facts,
        ..full()
    }
}

/// The record of a preflight in which one experiment found something and one was not made.
const RECORD: &str = r#"{"seconds": 12.34, "budget": 60.0, "script": "train.py",
  "experiments": [{"name": "facts", "title": "the step as it is", "seconds": 1.2},
    {"name": "overfit", "title": "overfit one batch", "seconds": 3.1},
    {"name": "init", "title": "the loss before training", "seconds": 0.0},
    {"name": "causal", "title": "the future stays unseen", "seconds": 0.0, "skipped": "the inputs are no tokens"},
    {"name": "mini_validation", "title": "how much validation decides", "seconds": 0.4}],
  "model": {"name": "Net", "n_parameters": 1234, "n_modules": 10},
  "batch": {"n": 32, "inputs": [{"name": "x", "shape": [32, 1, 28, 28], "dtype": "float32", "mean": 0.1, "std": 0.9,
      "histogram": {"edges": [-1, 0, 1], "counts": [5, 9]}}],
    "targets": [{"name": "y", "shape": [32], "dtype": "int64", "classes": [[0, 20], [1, 12]]}],
    "pictures": [{"png": "iVBORw0KGgoAAAANSUhEUgAAABwAAAAdCAAAAABXZoBI", "width": 28, "height": 29, "label": "3", "boxes": [[1, 2, 9, 9]]}]},
  "init": {"loss": 2.31},
  "overfit": {"n_samples": 8, "curves": [{"optimizer": "SGD, as the script has it", "losses": [2.31, 2.3, 2.3]}]},
  "mini_validation": {"n": 1000, "smallest": 200}}"#;

/// Stands for the rule on the overfitting of a batch, for the checklist.
#[derive(Default, Serialize, Deserialize)]
struct Overfits {}

impl Rule for Overfits {
    type Input = Preflight;
    const ID: &'static str = "cannot-overfit-batch";
    const SEVERITY: Severity = Severity::Error;
    const SIGNALS: &'static [Signal] = &[Signal::Preflight(Experiment::Overfit)];
    fn check(&mut self, _record: &Preflight, _report: &mut Report) {}
}

static OF_SCRIPTS: [Entry<Preflight>; 1] = [Entry::new::<Overfits>("preflight", include_str!("mod.rs"))];

/// The report of a preflight.
#[allow(clippy::unwrap_used, reason = "the record stands in this file")]
pub(crate) fn preflight() -> Document {
    let record = Preflight::parse(RECORD).unwrap();
    let found = Finding {
        evidence: vec![Evidence::at_least("share of the way to the floor of the loss", 0.004, 0.5)],
        remedies: vec![Remedy::advice("find what cuts the loss off from the output")],
        ..finding(
            "cannot-overfit-batch",
            Severity::Error,
            "8 samples cannot be learned by heart: the loss goes 2.31 → 2.3 with SGD, as the script has it; it could reach 0",
            "A network has many more weights than a handful of samples has labels. Where it cannot, the path is broken.",
        )
    };
    let findings = vec![found];
    let rules = OF_SCRIPTS.iter().map(|entry| &entry.info);
    let mut facts = serde_json::Map::new();
    PreflightFacts::of(&record, &findings, rules).insert_into(&mut facts);
    facts.insert("seconds".into(), 12.9.into());
    let outcomes = vec![RuleOutcome { rule: "cannot-overfit-batch".into(), outcome: Outcome::Ran }];
    Document {
        command: "preflight".into(),
        subject: Subject { paths: vec!["train.py".into()], kind: "script".into(), items: 4 },
        findings,
        outcomes,
        facts,
        ..healthy()
    }
}
