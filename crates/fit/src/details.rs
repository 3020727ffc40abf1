//! A closer look at the best model: what it confuses, how sure it is, what it looks at, where it fails.

use std::collections::BTreeMap;

use stetho_core::Measured;
use stetho_core::fit::{Calibration, GroupScore, Importance, MiniValidation, Score};

use crate::cv::{Evaluated, Setting, spread};
use crate::encode::{Encoder, Preparation, Transform};
use crate::score::{classes_told, row_scores, score, shares};
use crate::{Features, Goal, Values};
use stetho_core::Random;

/// Bins of the calibration curve.
const BINS: usize = 10;
/// More columns than this are not shuffled one by one.
const MOST_COLUMNS: usize = 200;
/// Categories of a column that make groups.
const MOST_GROUPS: usize = 12;
/// Rows below which a group says nothing.
const FEWEST_IN_GROUP: usize = 30;
/// Half the width of the interval that a mini-validation set must reach.
const WIDTH: f64 = 0.01;

/// Rows by given and predicted class.
pub(crate) fn confusion(setting: Setting<'_>, best: &Evaluated) -> Measured<Vec<Vec<u64>>> {
    let (rows, out) = best.unseen();
    let Goal::Classes { codes, names } = setting.goal(&rows) else {
        return Measured::Not("the target is a number".into());
    };
    let mut table = vec![vec![0; names.len()]; names.len()];
    for (told, code) in classes_told(&out, setting.score, &shares(&setting.samples.goal)).iter().zip(&codes) {
        table[*code][*told] += 1;
    }
    Measured::Is(table)
}

/// How often predictions are right, by their probability.
pub(crate) fn calibration(setting: Setting<'_>, best: &Evaluated) -> Measured<Calibration> {
    let (rows, out) = best.unseen();
    let Goal::Classes { codes, .. } = setting.goal(&rows) else {
        return Measured::Not("the target is a number".into());
    };
    let mut bins = [(0.0_f64, 0.0_f64, 0_u64); BINS];
    let told = classes_told(&out, Score::Accuracy, &[]);
    for ((row, told), code) in out.rows().zip(told).zip(&codes) {
        let p = f64::from(row[told]);
        let bin = &mut bins[((p * BINS as f64) as usize).min(BINS - 1)];
        bin.0 += p;
        bin.1 += f64::from(u8::from(told == *code));
        bin.2 += 1;
    }
    let n = codes.len().max(1) as f64;
    let error = bins.iter().map(|(p, right, _)| (p - right).abs() / n).sum();
    let bins = bins.iter().filter(|b| b.2 > 0).map(|(p, r, n)| (p / *n as f64, r / *n as f64, *n)).collect();
    Measured::Is(Calibration { bins, error })
}

/// By how much the score falls when one column is shuffled among the validation rows (Breiman 2001).
pub(crate) fn importances(setting: Setting<'_>, best: &Evaluated) -> Measured<Vec<Importance>> {
    let Features::Columns(columns) = &setting.samples.features else {
        return Measured::Not("the features are pixels or embeddings".into());
    };
    if columns.len() > MOST_COLUMNS {
        return Measured::Not(format!("more than {MOST_COLUMNS} columns"));
    }
    let folds: Vec<_> = setting.folds.folds.iter().take(if setting.is_large() { 1 } else { 3 }).collect();
    let mut falls = vec![Vec::new(); columns.len()];
    for fold in folds {
        let encoder = Encoder::fit(columns, &fold.train);
        let train = encoder.encode(columns, &fold.train);
        let how = if best.spec.wants_scaling() { Preparation::Scaled } else { Preparation::AsIs };
        let transform = Transform::fit(&train, how);
        let goal = setting.goal(&fold.train);
        let model = best.spec.fit(&transform.apply(&train), &goal, setting.seed);
        let validation = encoder.encode(columns, &fold.validation);
        let validation_goal = setting.goal(&fold.validation);
        let shares = shares(&goal);
        let score_of = |rows: &crate::Matrix| {
            score(&validation_goal, &model.predict(&transform.apply(rows)), setting.score, &shares)
        };
        let whole = score_of(&validation);
        let sources = encoder.sources();
        for (column, falls) in falls.iter_mut().enumerate() {
            let mut order: Vec<usize> = (0..validation.n_rows()).collect();
            Random::new(setting.seed ^ (column as u64 + 1)).shuffle(&mut order);
            let mut shuffled = validation.clone();
            for (row, from) in order.iter().enumerate() {
                for (at, _) in sources.iter().enumerate().filter(|(_, s)| **s == column) {
                    shuffled.values[row * validation.n_columns + at] = validation.row(*from)[at];
                }
            }
            falls.push(whole - score_of(&shuffled));
        }
    }
    let mut all: Vec<Importance> = columns
        .iter()
        .zip(falls)
        .map(|(column, falls)| Importance {
            column: column.name.clone(),
            fall: falls.iter().sum::<f64>() / falls.len().max(1) as f64,
            std: spread(&falls),
        })
        .collect();
    all.sort_by(|a, b| b.fall.total_cmp(&a.fall));
    Measured::Is(all)
}

/// Scores within the groups and within the categories of columns that have few.
pub(crate) fn groups(setting: Setting<'_>, best: &Evaluated) -> Measured<Vec<GroupScore>> {
    let (rows, out) = best.unseen();
    let goal = setting.goal(&rows);
    let how = if setting.score == Score::BalancedAccuracy { Score::Accuracy } else { setting.score };
    let scores = row_scores(&goal, &out, how, &shares(&setting.samples.goal));
    let mut found = Vec::new();
    let mut slice = |name: &str, code_of: &dyn Fn(usize) -> Option<u32>, names: &[String]| {
        let mut members: BTreeMap<u32, Vec<usize>> = BTreeMap::new();
        for (at, row) in rows.iter().enumerate() {
            if let Some(code) = code_of(*row) {
                members.entry(code).or_default().push(at);
            }
        }
        for (code, members) in members.iter().filter(|(_, m)| m.len() >= FEWEST_IN_GROUP) {
            let label = names.get(*code as usize).map_or_else(|| code.to_string(), Clone::clone);
            found.extend(group(format!("{name} = {label}"), members, &scores));
        }
    };
    if let Some(groups) = &setting.samples.groups {
        slice(&setting.samples.group_column, &|row| groups.get(row).copied(), &setting.samples.group_names);
    }
    if let Features::Columns(columns) = &setting.samples.features {
        for column in columns {
            if let Values::Categories { codes, names } = &column.values
                && names.len() <= MOST_GROUPS
            {
                slice(&column.name, &|row| codes[row], names);
            }
        }
    }
    if found.is_empty() {
        return Measured::Not("no --group and no column of few categories with enough rows each".into());
    }
    Measured::Is(found)
}

fn group(name: String, members: &[usize], scores: &[f64]) -> Option<GroupScore> {
    let is_member: std::collections::HashSet<usize> = members.iter().copied().collect();
    let side = |wanted: bool| -> Vec<f64> {
        let scores = scores.iter().enumerate().filter(|(i, _)| is_member.contains(i) == wanted);
        scores.map(|s| *s.1).collect()
    };
    let (own, rest) = (side(true), side(false));
    if rest.len() < FEWEST_IN_GROUP {
        return None;
    }
    let mean = |side: &[f64]| side.iter().sum::<f64>() / side.len() as f64;
    let error = (spread(&own).powi(2) / own.len() as f64 + spread(&rest).powi(2) / rest.len() as f64).sqrt();
    Some(GroupScore { name, n: own.len() as u64, score: mean(&own), rest: mean(&rest), error })
}

/// How few validation rows give the score within one point: n = (1.96 σ / 0.01)², less what a finite set saves.
pub(crate) fn mini_validation(setting: Setting<'_>, best: &Evaluated) -> Measured<MiniValidation> {
    let (rows, out) = best.unseen();
    let scores = row_scores(&setting.goal(&rows), &out, setting.score, &shares(&setting.samples.goal));
    let all = scores.len() as f64;
    let endless = (1.96 * spread(&scores) / WIDTH).powi(2);
    let n = (endless / (1.0 + (endless - 1.0).max(0.0) / all)).ceil().max(1.0);
    Measured::Is(MiniValidation { n: n as u64, of: all as u64, width: WIDTH })
}
