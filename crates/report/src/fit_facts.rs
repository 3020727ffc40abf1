//! Facts of simple models: what `facts.fit` of the JSON report holds.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use stetho_core::fit::{Fit, Rung};
use stetho_core::{Evidence, Line, Number};

/// Labels that are named in the facts.
const MOST_CLASSES: usize = 12;
/// Doubted labels that are shown.
const MOST_LABELS: usize = 100;
/// Columns whose importance is drawn.
const MOST_COLUMNS: usize = 12;

/// One model of the ladder.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "types", derive(ts_rs::TS))]
pub struct ModelFacts {
    /// Its name.
    pub name: String,
    /// What it was set to.
    pub settings: String,
    /// Mean score on the rows that it was fitted to.
    pub train: Option<f64>,
    /// Mean score on rows that it has not seen.
    pub validation: Option<f64>,
    /// Half the width of the 95 % interval of the latter.
    pub half: Option<f64>,
    /// Folds it rests on.
    pub folds: u64,
    /// Seconds to fit and score.
    pub seconds: f64,
}

/// What simple models say, in numbers.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "types", derive(ts_rs::TS))]
#[serde(default)]
pub struct FitFacts {
    /// The verdict in one sentence.
    pub verdict: String,
    /// What is predicted.
    pub target: String,
    /// `classification` or `regression`.
    pub task: String,
    /// How predictions are scored.
    pub score: String,
    /// How rows were divided.
    pub folds: String,
    /// Rows used.
    pub rows: u64,
    /// Columns used.
    pub columns: u64,
    /// Classes with their rows.
    pub classes: Vec<(String, u64)>,
    /// The models, simple to complex.
    pub models: Vec<ModelFacts>,
    /// What did not run or was left out, in words.
    pub notes: Vec<String>,
    /// Drawings: the ladder, the learning curve, calibration, what is confused, importances, doubted labels.
    pub figures: Vec<Evidence>,
}

fn finite(value: f64) -> Option<f64> {
    value.is_finite().then_some(value)
}

impl FitFacts {
    /// Of a record, with its verdict and what was left out on reading.
    pub fn of(fit: &Fit, verdict: String, mut notes: Vec<String>) -> Self {
        notes.extend(fit.left_out.iter().map(|(name, why)| format!("{name} did not run: {why}")));
        let model = |rung: &Rung| ModelFacts {
            name: rung.name.clone(),
            settings: rung.settings.clone(),
            train: finite(rung.train().mean),
            validation: finite(rung.validation().mean),
            half: finite(rung.validation().half),
            folds: rung.folds.len() as u64,
            seconds: rung.seconds,
        };
        Self {
            verdict,
            target: fit.target.clone(),
            task: if fit.classes.is_empty() { "regression" } else { "classification" }.into(),
            score: fit.score.name().into(),
            folds: fit.folds.clone(),
            rows: fit.n_rows,
            columns: fit.n_columns,
            classes: fit.classes.clone(),
            models: fit.rungs.iter().map(model).collect(),
            notes,
            figures: figures(fit),
        }
    }

    /// Puts them into the facts of a document.
    pub fn insert_into(&self, facts: &mut Map<String, Value>) {
        facts.insert("fit".into(), serde_json::to_value(self).unwrap_or_default());
    }

    /// The facts of a document, if it is about models.
    pub fn from_map(facts: &Map<String, Value>) -> Option<Self> {
        serde_json::from_value(facts.get("fit")?.clone()).ok()
    }
}

fn line(label: &str, points: impl Iterator<Item = (f64, f64)>) -> Line {
    let finite = points.filter(|(_, y)| y.is_finite());
    Line { label: label.into(), points: finite.map(|(x, y)| [Number(x), Number(y)]).collect() }
}

/// Everything that can be drawn of it.
fn figures(fit: &Fit) -> Vec<Evidence> {
    let mut figures = vec![complexity(fit)];
    if let Some(curve) = fit.curve.get() {
        let points = |of: fn(&stetho_core::fit::CurvePoint) -> f64| {
            curve.points.iter().map(move |p| (p.n as f64, of(p))).collect::<Vec<_>>()
        };
        figures.push(Evidence::Curves {
            name: format!("learning curve of the {}: {}", curve.model, fit.score.name()),
            x: "training rows".into(),
            ticks: Vec::new(),
            lines: vec![
                line("training", points(|p| p.train).into_iter()),
                line("unseen", points(|p| p.validation).into_iter()),
            ],
        });
    }
    if let Some(trials) = fit.scaling.get() {
        let of = |model: &str| {
            let own = trials.iter().filter(|t| t.model == model).enumerate();
            let score = |t: &stetho_core::fit::ScalingTrial| {
                t.folds.iter().map(|f| f.validation).sum::<f64>() / t.folds.len().max(1) as f64
            };
            line(model, own.map(|(i, t)| (i as f64, score(t))).collect::<Vec<_>>().into_iter())
        };
        figures.push(Evidence::Curves {
            name: format!("columns prepared in four ways: {} on unseen rows", fit.score.name()),
            x: "preparation".into(),
            ticks: ["as it is", "centred", "scaled", "whitened"].map(str::to_owned).to_vec(),
            lines: vec![of("linear model"), of("kernel SVM")],
        });
    }
    if let Some(calibration) = fit.calibration.get().filter(|c| c.bins.len() > 1) {
        let right = calibration.bins.iter().map(|b| (b.0, b.1)).collect::<Vec<_>>();
        figures.push(Evidence::Curves {
            name: format!(
                "calibration: how often right, by how sure (mean distance {:.3})",
                calibration.error
            ),
            x: "probability of the predicted class".into(),
            ticks: Vec::new(),
            lines: vec![
                line("right", right.iter().copied()),
                line("ideal", right.iter().map(|(p, _)| (*p, *p))),
            ],
        });
    }
    if let Some(importances) = fit.importances.get() {
        let bars = importances.iter().take(MOST_COLUMNS).map(|i| (i.column.clone(), i.fall.max(0.0)));
        figures.push(Evidence::bars("how much the score falls when a column is shuffled", bars));
    }
    figures.extend(confusion(fit));
    figures.extend(fit.doubted_labels().into_iter().map(|mut evidence| {
        evidence.truncate(MOST_LABELS);
        evidence
    }));
    figures
}

/// Training and validation scores along the ladder.
fn complexity(fit: &Fit) -> Evidence {
    let of = |label: &str, score: fn(&Rung) -> f64| {
        line(
            label,
            fit.rungs.iter().enumerate().map(|(i, r)| (i as f64, score(r))).collect::<Vec<_>>().into_iter(),
        )
    };
    Evidence::Curves {
        name: format!("from simple to complex: {}", fit.score.name()),
        x: "model".into(),
        ticks: fit
            .rungs
            .iter()
            .map(|r| r.name.replace("the most frequent class", "no model").replace("the mean", "no model"))
            .collect(),
        lines: vec![of("training", |r| r.train().mean), of("unseen", |r| r.validation().mean)],
    }
}

/// Given classes against predicted ones, where they are few enough to be read.
fn confusion(fit: &Fit) -> Option<Evidence> {
    let table = fit.confusion.get()?;
    if fit.classes.len() > MOST_CLASSES {
        return None;
    }
    let names: Vec<&str> = fit.classes.iter().map(|c| c.0.as_str()).collect();
    let mut columns = vec!["given ↓  predicted →".to_owned()];
    columns.extend(names.iter().map(|&n| n.to_owned()));
    let rows = names.iter().zip(table).map(|(name, row)| {
        let mut cells = vec![(*name).to_owned()];
        cells.extend(row.iter().map(ToString::to_string));
        cells
    });
    let best = fit.best().map_or("the best model", |r| r.name.as_str());
    Some(Evidence::Table {
        name: format!("what the {best} confuses on unseen rows"),
        columns,
        rows: rows.collect(),
    })
}
