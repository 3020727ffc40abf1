//! Remedies, tried: what each brings on the same folds.

use std::time::Instant;

use rayon::prelude::*;
use stetho_core::Measured;
use stetho_core::fit::{Estimate, FoldScore, RemedyKind, Rung, RungKind, ScalingTrial, Trial, difference};

use crate::cv::{Evaluated, Setting};
use crate::encode::{Preparation, prepared};
use crate::models::{Model, Network, NetworkSpec, Spec};
use crate::score::{score, shares};
use crate::{Features, Matrix};

/// Rows beyond which preparations are tried on a part of them.
const MOST_ROWS: usize = 3_000;

/// The linear model and the kernel SVM with columns prepared in four ways.
pub(crate) fn scaling(setting: Setting<'_>, until: Instant) -> Measured<Vec<ScalingTrial>> {
    if matches!(setting.samples.features, Features::Dense(_)) {
        return Measured::Not("the features share one scale already".into());
    }
    if setting.n_rows() > MOST_ROWS * 10 {
        return Measured::Not("too many rows to fit a kernel SVM several times".into());
    }
    let models = [Spec::Linear { penalty: 1.0 }, Spec::Svm { c: 1.0, gamma: None }];
    let ways = [Preparation::AsIs, Preparation::Centred, Preparation::Scaled, Preparation::Whitened];
    let mut trials = Vec::new();
    for spec in models {
        for how in ways {
            if Instant::now() > until {
                return Measured::Not("the time budget was spent".into());
            }
            let one = |fold: &crate::Fold| {
                let mut fold = fold.clone();
                thin(&mut fold.train, MOST_ROWS);
                setting.one(&spec, how, &fold).score
            };
            let folds: Vec<FoldScore> = setting.folds.folds.par_iter().map(one).collect();
            let model = if spec.kind() == RungKind::Linear { "linear model" } else { "kernel SVM" };
            trials.push(ScalingTrial { model: model.into(), preparation: how.name(), folds });
        }
    }
    Measured::Is(trials)
}

/// Every n-th row, so that at most `most` are left.
fn thin(rows: &mut Vec<usize>, most: usize) {
    let step = rows.len().div_ceil(most.max(1)).max(1);
    let mut at = 0;
    rows.retain(|_| {
        at += 1;
        (at - 1) % step == 0
    });
}

/// Remedies of the network and of the linear model, and the ensemble of the best.
pub(crate) fn remedies(setting: Setting<'_>, rungs: &[Evaluated], until: Instant) -> Measured<Vec<Trial>> {
    let mut trials = Vec::new();
    if let Some(linear) = rungs.iter().find(|r| r.rung.kind == RungKind::Linear) {
        trials.extend(penalties(setting, linear, until));
    }
    let networks: Vec<&Evaluated> =
        rungs.iter().filter(|r| matches!(r.rung.kind, RungKind::Network(_))).collect();
    if let Some(Evaluated { spec: Spec::Network(spec), rung, .. }) = networks.last() {
        if wants_larger(rungs) {
            trials.extend(larger(setting, spec, rung, until));
        }
        trials.extend(of_network(setting, spec, &rung.folds, &rung.name, until));
    }
    trials.extend(ensemble(setting, rungs));
    if trials.is_empty() { Measured::Not("the time budget was spent".into()) } else { Measured::Is(trials) }
}

/// The penalty that cross-validation prefers.
fn penalties(setting: Setting<'_>, linear: &Evaluated, until: Instant) -> Option<Trial> {
    let mut best: Option<(f64, Estimate)> = None;
    for penalty in [0.01, 0.1, 10.0, 100.0, 1000.0] {
        if Instant::now() > until {
            break;
        }
        let spec = Spec::Linear { penalty };
        let tried =
            setting.every(&spec, Preparation::Scaled, until.saturating_duration_since(Instant::now()));
        let gain = tried.rung.gain_over(&linear.rung);
        if best.is_none_or(|(_, b)| gain.mean > b.mean) {
            best = Some((penalty, gain));
        }
    }
    let (penalty, gain) = best?;
    let action = format!("set the L2 penalty to {penalty} (`C={}` in scikit-learn)", 1.0 / penalty);
    Some(Trial { kind: RemedyKind::Penalty, action, model: linear.rung.name.clone(), gain })
}

/// Whether some model knows more of unseen rows than the linear one of those that it was fitted to.
fn wants_larger(rungs: &[Evaluated]) -> bool {
    let linear = rungs.iter().find(|r| r.rung.kind == RungKind::Linear);
    linear.is_some_and(|linear| {
        let known = linear.rung.train().mean;
        rungs.iter().any(|r| r.rung.validation().mean > known)
    })
}

/// The largest network, with twice the units.
fn larger(setting: Setting<'_>, plain: &NetworkSpec, rung: &Rung, until: Instant) -> Option<Trial> {
    if Instant::now() > until || setting.is_large() {
        return None;
    }
    let units = 2 * plain.units;
    let spec = Spec::Network(NetworkSpec { units, ..plain.clone() });
    let folds = setting.folds.folds.par_iter().map(|f| setting.one(&spec, how_scaled(setting), f).score);
    let gain = difference(&folds.collect::<Vec<_>>(), &rung.folds, None);
    let action = format!("use {units} hidden units");
    Some(Trial { kind: RemedyKind::Larger, action, model: rung.name.clone(), gain })
}

/// A network with one thing changed.
fn of_network(
    setting: Setting<'_>,
    plain: &NetworkSpec,
    before: &[FoldScore],
    name: &str,
    until: Instant,
) -> Vec<Trial> {
    let variants = [
        (
            RemedyKind::Dropout,
            "leave out half of the hidden units at random (dropout 0.5)",
            NetworkSpec { dropout: 0.5, ..plain.clone() },
        ),
        (
            RemedyKind::BatchNorm,
            "normalise the hidden layer by batch",
            NetworkSpec { batch_norm: true, ..plain.clone() },
        ),
        (
            RemedyKind::Penalty,
            "decay weights by 0.1 (AdamW)",
            NetworkSpec { weight_decay: 0.1, ..plain.clone() },
        ),
        (RemedyKind::Smaller, "use 8 hidden units", NetworkSpec { units: 8, ..plain.clone() }),
    ];
    let mut trials = Vec::new();
    let compare = |after: Vec<FoldScore>| difference(&after, before, None);
    for (kind, action, spec) in variants {
        if Instant::now() > until || setting.is_large() {
            return trials;
        }
        let spec = Spec::Network(spec);
        let folds = setting.folds.folds.par_iter().map(|f| setting.one(&spec, Preparation::Scaled, f).score);
        let gain = compare(folds.collect());
        trials.push(Trial { kind, action: action.into(), model: name.into(), gain });
    }
    trials.extend(early_stopping(setting, plain, before, name));
    trials
}

/// Training until the validation loss is lowest. The step to stop at is that of the other folds, so that no fold chooses its
/// own.
fn early_stopping(
    setting: Setting<'_>,
    spec: &NetworkSpec,
    before: &[FoldScore],
    name: &str,
) -> Option<Trial> {
    let goal = &setting.samples.goal;
    let watch = |fold: &crate::Fold| {
        let (train, validation) =
            prepared(&setting.samples.features, &fold.train, &fold.validation, how_scaled(setting));
        let (train_goal, validation_goal) = (goal.pick(&fold.train), goal.pick(&fold.validation));
        let (_, history) =
            Network::watched(&train, &train_goal, spec, setting.seed, Some((&validation, &validation_goal)));
        history.losses
    };
    let losses: Vec<Vec<f64>> = setting.folds.folds.par_iter().map(watch).collect();
    let stop_without = |left_out: usize| {
        let mean = |epoch: usize| {
            let others = losses.iter().enumerate().filter(|(i, _)| *i != left_out || losses.len() == 1);
            others.map(|(_, l)| l[epoch]).sum::<f64>()
        };
        (0..spec.epochs).min_by(|a, b| mean(*a).total_cmp(&mean(*b))).unwrap_or(0) + 1
    };
    let stopped = |(at, fold): (usize, &crate::Fold)| {
        let (train, validation) =
            prepared(&setting.samples.features, &fold.train, &fold.validation, how_scaled(setting));
        let (train_goal, validation_goal) = (goal.pick(&fold.train), goal.pick(&fold.validation));
        let out =
            Network::until(&train, &train_goal, spec, setting.seed, stop_without(at)).predict(&validation);
        let shares = shares(&train_goal);
        FoldScore { train: f64::NAN, validation: score(&validation_goal, &out, setting.score, &shares) }
    };
    let after: Vec<FoldScore> = setting.folds.folds.par_iter().enumerate().map(stopped).collect();
    let gain = difference(&after, before, None);
    let epoch = stop_without(usize::MAX);
    let action = format!("stop after {epoch} of {} epochs, where the validation loss is lowest", spec.epochs);
    Some(Trial { kind: RemedyKind::EarlyStopping, action, model: name.into(), gain })
}

fn how_scaled(setting: Setting<'_>) -> Preparation {
    match setting.samples.features {
        Features::Columns(_) => Preparation::Scaled,
        Features::Dense(_) => Preparation::AsIs,
    }
}

/// The mean of the predictions of the three best models against the best alone.
fn ensemble(setting: Setting<'_>, rungs: &[Evaluated]) -> Option<Trial> {
    let n_folds = setting.folds.folds.len();
    let mut whole: Vec<&Evaluated> =
        rungs.iter().filter(|r| r.rung.folds.len() == n_folds && r.rung.kind != RungKind::Dummy).collect();
    whole.sort_by(|a, b| b.rung.validation().mean.total_cmp(&a.rung.validation().mean));
    whole.truncate(3);
    let [best, _, ..] = whole.as_slice() else { return None };
    let mut mean = Matrix::zeros(best.out.n_rows(), best.out.n_columns);
    for one in &whole {
        mean.values.iter_mut().zip(&one.out.values).for_each(|(m, v)| *m += v / whole.len() as f32);
    }
    let fold_score = |fold: &crate::Fold| {
        let validation = score(
            &setting.goal(&fold.validation),
            &mean.pick(&fold.validation),
            setting.score,
            &shares(&setting.goal(&fold.train)),
        );
        FoldScore { train: f64::NAN, validation }
    };
    let after: Vec<FoldScore> = setting.folds.folds.iter().map(fold_score).collect();
    let gain = difference(&after, &best.rung.folds, best.rung.row_error);
    let names: Vec<&str> = whole.iter().map(|r| r.rung.name.as_str()).collect();
    let action = format!("average {}", names.join(", "));
    Some(Trial { kind: RemedyKind::Ensemble, action, model: best.rung.name.clone(), gain })
}
