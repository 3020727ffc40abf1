//! The whole of it: the ladder, then a closer look.

use std::time::{Duration, Instant};

use stetho_core::fit::{Fit, LabelIssue, LabelIssues, RungKind};
use stetho_core::{Measured, count_of};

use crate::confident::{contradictions, suspects};
use crate::cv::{Evaluated, Setting};
use crate::encode::Preparation;
use crate::models::{NetworkSpec, Spec};
use crate::score::{log_loss, suitable};
use crate::{Features, Folds, Goal, Matrix, Samples, curve, details, divide, signal, trials};

/// How to fit.
#[derive(Clone, Debug)]
pub struct Options {
    /// Folds of the cross-validation.
    pub n_folds: usize,
    /// Time to spend, about.
    pub budget: Duration,
    /// Seed of all that is random.
    pub seed: u64,
    /// Kinds of models that are not fitted.
    pub left_out: Vec<RungKind>,
    /// Probabilities of the classes for each row, from the user's own model, and the name of the file they come from.
    pub probabilities: Option<(String, Matrix)>,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            n_folds: 5,
            budget: Duration::from_secs(60),
            seed: 0,
            left_out: Vec::new(),
            probabilities: None,
        }
    }
}

/// Follows the work.
pub trait Follow: Sync {
    /// A model is about to be fitted: the `done`-th of `total`.
    fn fitting(&self, name: &str, done: usize, total: usize);
    /// A model has been scored.
    fn scored(&self, rung: &stetho_core::fit::Rung, score: stetho_core::fit::Score);
    /// Whether to stop now and report what there is.
    fn stopped(&self) -> bool;
}

/// Nobody follows.
#[derive(Clone, Copy, Debug, Default)]
pub struct Unfollowed;

impl Follow for Unfollowed {
    fn fitting(&self, _: &str, _: usize, _: usize) {}
    fn scored(&self, _: &stetho_core::fit::Rung, _: stetho_core::fit::Score) {}
    fn stopped(&self) -> bool {
        false
    }
}

/// Why nothing can be fitted. Always the data's fault, never a bug of ours.
#[derive(Debug, thiserror::Error)]
pub enum FitError {
    /// Too little, or all of it the same.
    #[error("{0}")]
    Data(String),
    /// A column that was asked for is not there.
    #[error(transparent)]
    Read(#[from] stetho_read::ReadError),
}

/// Fits the ladder of simple models and measures what they say.
///
/// # Errors
/// When there are fewer than 4 rows with a target, no column to learn from, one class only or a constant target.
pub fn fit(samples: &Samples, options: &Options, follow: &dyn Follow) -> Result<Fit, FitError> {
    let start = Instant::now();
    check(samples)?;
    check_probabilities(samples, options)?;
    let folds = divide(samples, fold_count(samples, options.n_folds), options.seed);
    if folds.folds.is_empty() || folds.folds.iter().any(|f| f.train.is_empty() || f.validation.is_empty()) {
        let by = if samples.groups.is_some() { ": there must be two groups or more" } else { "" };
        return Err(FitError::Data(format!(
            "the rows cannot be divided into training and validation rows{by}"
        )));
    }
    let setting = Setting { samples, folds: &folds, score: suitable(&samples.goal), seed: options.seed };
    let mut record = head(samples, &folds, setting);
    let rungs = ladder(setting, options, start, follow, &mut record.left_out);
    record.rungs = rungs.iter().map(|r| r.rung.clone()).collect();
    closer(&mut record, setting, &rungs, options, start, follow);
    Ok(record)
}

/// Numbers beyond which models in single precision overflow.
const LARGEST: f64 = 1e15;

fn check(samples: &Samples) -> Result<(), FitError> {
    let fail = |problem: String| Err(FitError::Data(problem));
    let n = samples.n_rows();
    let target = &samples.target;
    if n < 4 {
        let rows = count_of(n as u64, "row");
        return fail(format!("only {rows} with a value of `{target}`: at least 4 are needed"));
    }
    if samples.features.n_columns() == 0 {
        return fail("there is no column to learn from".into());
    }
    match &samples.goal {
        Goal::Classes { codes, names } => {
            let mut seen = codes.clone();
            seen.sort_unstable();
            seen.dedup();
            if let [only] = seen.as_slice() {
                let name = names.get(*only).map_or("", String::as_str);
                return fail(format!(
                    "`{target}` has the one class `{name}`: there is nothing to tell apart"
                ));
            }
            if seen.len() * 2 > n {
                return fail(format!(
                    "`{target}` has {} classes in {n} rows, most of them once: it names rows rather than classes; give \
                     `--task regression` or another target",
                    seen.len()
                ));
            }
        }
        Goal::Numbers(numbers) => {
            if numbers.iter().all(|y| (y - numbers[0]).abs() <= f64::EPSILON * y.abs()) {
                return fail(format!("`{target}` is always {}: there is nothing to predict", numbers[0]));
            }
            let most = numbers.iter().fold(0.0_f64, |most, y| most.max(y.abs()));
            if most > LARGEST {
                return fail(format!(
                    "`{target}` has values of up to {most:e}, too large for squared errors: divide it by a constant or take \
                     its logarithm"
                ));
            }
        }
    }
    Ok(())
}

/// Probabilities must be of the rows and classes that there are.
fn check_probabilities(samples: &Samples, options: &Options) -> Result<(), FitError> {
    let Some((name, matrix)) = &options.probabilities else { return Ok(()) };
    let Goal::Classes { codes, names } = &samples.goal else {
        return Err(FitError::Data(format!(
            "`{name}`: probabilities go with classes; `{}` is a number",
            samples.target
        )));
    };
    if matrix.n_rows() == codes.len() && matrix.n_columns == names.len() {
        return Ok(());
    }
    Err(FitError::Data(format!(
        "`{name}` has {} rows of {} probabilities; needed are {} rows (those with a label, in their order) of {}, one a class in \
         the order {}",
        matrix.n_rows(),
        matrix.n_columns,
        codes.len(),
        names.len(),
        names.iter().take(5).map(|n| format!("`{n}`")).collect::<Vec<_>>().join(", ")
    )))
}

/// As many folds as the second most frequent class has rows, so that more than one fold knows it.
fn fold_count(samples: &Samples, wanted: usize) -> usize {
    let Goal::Classes { codes, names } = &samples.goal else { return wanted };
    let mut counts = vec![0; names.len()];
    codes.iter().for_each(|c| counts[*c] += 1);
    counts.sort_unstable_by(|a, b| b.cmp(a));
    wanted.min(counts.get(1).copied().unwrap_or(2)).max(2)
}

fn head(samples: &Samples, folds: &Folds, setting: Setting<'_>) -> Fit {
    let classes = match &samples.goal {
        Goal::Classes { codes, names } => {
            let mut counts = vec![0; names.len()];
            codes.iter().for_each(|c| counts[*c] += 1);
            names.iter().cloned().zip(counts).collect()
        }
        Goal::Numbers(_) => Vec::new(),
    };
    Fit {
        target: samples.target.clone(),
        score: setting.score,
        classes,
        n_rows: samples.n_rows() as u64,
        n_columns: samples.features.n_columns() as u64,
        folds: folds.how.clone(),
        ..Fit::default()
    }
}

/// The models, simple to complex.
fn specs(n_train: usize) -> Vec<Spec> {
    let network = |units| Spec::Network(NetworkSpec::plain(units, n_train));
    vec![
        Spec::Dummy,
        Spec::Linear { penalty: 1.0 },
        Spec::Tree { depth: 3 },
        Spec::Neighbours { n: 5 },
        Spec::Svm { c: 1.0, gamma: None },
        Spec::Forest { n_trees: 100 },
        Spec::Boosting { n_rounds: 100, depth: 3 },
        network(8),
        network(32),
        network(128),
    ]
}

/// Kinds of all models of the ladder, simple to complex.
pub fn kinds() -> Vec<RungKind> {
    specs(0).iter().map(Spec::kind).collect()
}

/// How a model wants its columns.
pub(crate) fn preparation(spec: &Spec, features: &Features) -> Preparation {
    let scales = spec.wants_scaling() && matches!(features, Features::Columns(_));
    if scales { Preparation::Scaled } else { Preparation::AsIs }
}

/// Share of the budget that the ladder may use; the rest is for the closer look.
const LADDER: f64 = 0.6;

fn ladder(
    setting: Setting<'_>,
    options: &Options,
    start: Instant,
    follow: &dyn Follow,
    left_out: &mut Vec<(String, String)>,
) -> Vec<Evaluated> {
    let mut specs = specs(setting.folds.folds.first().map_or(0, |f| f.train.len()));
    specs.retain(|spec| !options.left_out.contains(&spec.kind()));
    let mut order: Vec<(usize, Spec)> = specs.into_iter().enumerate().collect();
    if setting.is_large() {
        // The kernel SVM takes longest there, and none of the others should be left out for it.
        order.sort_by_key(|(at, spec)| (spec.kind() == RungKind::KernelSvm, *at));
    }
    let budget = options.budget.mul_f64(LADDER);
    let mut rungs: Vec<(usize, Evaluated)> = Vec::new();
    let mut slowest = Duration::ZERO;
    for (at, (rung, spec)) in order.iter().enumerate() {
        let name = spec.name(&setting.samples.goal);
        let left = budget.saturating_sub(start.elapsed());
        let is_spent = left.is_zero() || (setting.is_large() && slowest > left * 2);
        if follow.stopped() || is_spent {
            let why = if follow.stopped() { "interrupted" } else { "the time budget was spent" };
            left_out.push((name, why.into()));
            continue;
        }
        follow.fitting(&name, at, order.len());
        let own = Instant::now();
        let how = preparation(spec, &setting.samples.features);
        let share = left.div_f64((order.len() - at) as f64).mul_f64(1.5);
        let evaluated = setting.every(spec, how, share);
        slowest = own.elapsed().max(slowest / 2);
        let done = evaluated.rung.folds.len();
        if done < setting.folds.folds.len() {
            left_out.push((
                name,
                format!(
                    "{} of {} folds for want of time",
                    setting.folds.folds.len() - done,
                    setting.folds.folds.len()
                ),
            ));
        }
        follow.scored(&evaluated.rung, setting.score);
        rungs.push((*rung, evaluated));
    }
    rungs.sort_by_key(|r| r.0);
    rungs.into_iter().map(|r| r.1).collect()
}

fn closer(
    record: &mut Fit,
    setting: Setting<'_>,
    rungs: &[Evaluated],
    options: &Options,
    start: Instant,
    follow: &dyn Follow,
) {
    let until = start + options.budget;
    let left = || until.saturating_duration_since(Instant::now());
    record.signal = signal::test(setting, rungs);
    record.labels = labels(setting, rungs, options);
    let real = |r: &&Evaluated| r.rung.kind != RungKind::Dummy && r.rung.validation().mean.is_finite();
    let score = |r: &&Evaluated| r.rung.validation().mean;
    let Some(best) = rungs.iter().filter(real).max_by(|a, b| score(a).total_cmp(&score(b))) else { return };
    record.confusion = details::confusion(setting, best);
    record.calibration = details::calibration(setting, best);
    record.groups = details::groups(setting, best);
    record.mini_validation = details::mini_validation(setting, best);
    let spent = || Measured::Not("the time budget was spent".into());
    let may = || !follow.stopped() && !left().is_zero();
    let steps = ["learning curve", "scaling", "remedies", "importances"];
    let begin = |at: usize| follow.fitting(steps[at], rungs.len() + at, rungs.len() + steps.len());
    begin(0);
    let how = preparation(&best.spec, &setting.samples.features);
    record.curve = if may() { curve::curve(setting, best, how, left()) } else { spent_as() };
    begin(1);
    record.scaling = if may() { trials::scaling(setting, until) } else { spent_as() };
    begin(2);
    record.trials = if may() { trials::remedies(setting, rungs, until) } else { spent_as() };
    begin(3);
    record.importances = if may() { details::importances(setting, best) } else { spent() };
}

fn spent_as<T>() -> Measured<T> {
    Measured::Not("the time budget was spent".into())
}

/// Models whose probabilities are averaged to doubt labels: their errors differ, so that few rows seem wrong to the mean that are
/// not.
const TELLERS: usize = 3;

/// Where probabilities come from, the rows they are of, and the probabilities.
type Told = (String, Vec<usize>, Matrix);

/// The mean out-of-fold probabilities of the models with the lowest log loss. Votes of pairs are no probabilities, and neither
/// are shares of five neighbours.
fn told_by_models(setting: Setting<'_>, rungs: &[Evaluated]) -> Option<Told> {
    let tells =
        |r: &&Evaluated| !matches!(r.rung.kind, RungKind::Dummy | RungKind::KernelSvm | RungKind::Neighbours);
    let loss = |r: &Evaluated| {
        let (rows, out) = r.unseen();
        log_loss(&setting.goal(&rows), &out)
    };
    let mut tellers: Vec<&Evaluated> = rungs.iter().filter(tells).collect();
    let most = tellers.iter().map(|r| r.rung.folds.len()).max().unwrap_or(0);
    tellers.retain(|r| r.rung.folds.len() == most);
    tellers.sort_by(|a, b| loss(a).total_cmp(&loss(b)));
    tellers.truncate(TELLERS);
    let (rows, mut out) = tellers.first()?.unseen();
    out.values.fill(0.0);
    for teller in &tellers {
        let own = teller.unseen().1;
        out.values.iter_mut().zip(&own.values).for_each(|(o, v)| *o += v / tellers.len() as f32);
    }
    let names: Vec<&str> = tellers.iter().map(|r| r.rung.name.as_str()).collect();
    let source = match names.as_slice() {
        [one] => format!("the {one}"),
        [first @ .., last] => format!("the mean of {} and {last}", first.join(", ")),
        [] => String::new(),
    };
    Some((source, rows, out))
}

/// Labels that out-of-fold probabilities contradict: those given, or those of our models.
fn labels(setting: Setting<'_>, rungs: &[Evaluated], options: &Options) -> Measured<LabelIssues> {
    let Goal::Classes { codes, .. } = &setting.samples.goal else {
        return Measured::Not("the target is a number".into());
    };
    let told = match &options.probabilities {
        Some((name, matrix)) => Some((format!("`{name}`"), (0..matrix.n_rows()).collect(), matrix.clone())),
        None => told_by_models(setting, rungs),
    };
    let Some((source, rows, out)) = told else {
        return Measured::Not("no model with probabilities was fitted".into());
    };
    let given: Vec<usize> = rows.iter().filter_map(|row| codes.get(*row).copied()).collect();
    let found = suspects(&out, &given);
    let issue = |s: &crate::confident::Suspect| {
        let row = rows[s.at];
        let place = setting.samples.places.get(row).copied().unwrap_or_default();
        LabelIssue {
            row: row as u64,
            given: given[s.at],
            suggested: s.suggested,
            p_given: f64::from(out.row(s.at)[given[s.at]]),
            p_suggested: f64::from(out.row(s.at)[s.suggested]),
            path: setting.samples.files.get(place.file as usize).cloned().unwrap_or_default(),
            index: place.row,
            line: place.line,
            is_file: place.is_file,
            is_picture: matches!(setting.samples.features, Features::Dense(_)),
        }
    };
    let (n_contradicted, n_sure_contradicted, n_sure) = contradictions(&out, &given);
    Measured::Is(LabelIssues {
        n_contradicted,
        n_sure_contradicted,
        n_sure,
        source,
        issues: found.iter().map(issue).collect(),
        n_rows: given.len() as u64,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Feature, Values};
    use stetho_core::Random;
    use stetho_core::fit::RemedyKind;

    fn samples(n: usize, f: impl Fn(&[f64], &mut Random) -> usize) -> Samples {
        let mut random = Random::new(n as u64);
        let (mut columns, mut codes) = (vec![Vec::new(); 4], Vec::new());
        for _ in 0..n {
            let row: Vec<f64> = (0..4).map(|_| random.normal()).collect();
            codes.push(f(&row, &mut random));
            columns.iter_mut().zip(&row).for_each(|(c, v)| c.push(*v));
        }
        let feature = |(i, values)| Feature { name: format!("x{i}"), values: Values::Numbers(values) };
        Samples {
            features: Features::Columns(columns.into_iter().enumerate().map(feature).collect()),
            target: "y".into(),
            goal: Goal::Classes { codes, names: vec!["no".into(), "yes".into()] },
            groups: None,
            group_column: String::new(),
            group_names: Vec::new(),
            times: None,
            is_held_out: None,
            places: vec![Default::default(); n],
            files: vec!["data.csv".into()],
        }
    }

    #[test]
    fn a_line_is_found_and_explained() {
        let data = samples(240, |x, _| usize::from(x[0] + 0.5 * x[1] > 0.0));
        let record = fit(&data, &Options::default(), &Unfollowed).unwrap();
        assert_eq!(record.rungs.len(), 10);
        assert!(record.best().unwrap().validation().mean > 0.93);
        assert!(record.signal.get().unwrap().p < 0.02);
        let first: Vec<&str> =
            record.importances.get().unwrap().iter().map(|i| i.column.as_str()).take(2).collect();
        assert_eq!(first, ["x0", "x1"]);
        let points = &record.curve.get().unwrap().points;
        assert!(points.len() >= 4 && points.windows(2).all(|w| w[0].n < w[1].n));
        assert_eq!(record.confusion.get().unwrap().concat().iter().sum::<u64>(), 240);
    }

    #[test]
    fn a_larger_network_is_tried_where_a_line_cannot_follow() {
        let data = samples(200, |x, _| usize::from(x[0] * x[1] > 0.0));
        let record = fit(&data, &Options::default(), &Unfollowed).unwrap();
        let trials = record.trials.get().unwrap();
        let larger = trials.iter().find(|t| t.kind == RemedyKind::Larger).unwrap();
        assert_eq!(larger.action, "use 256 hidden units");
        assert!(larger.gain.mean.is_finite() && larger.gain.mean.abs() < 0.2);
    }

    #[test]
    fn noise_is_told_as_noise() {
        let data = samples(200, |_, random| random.below(2));
        let record = fit(&data, &Options::default(), &Unfollowed).unwrap();
        assert!(record.signal.get().unwrap().p > 0.05, "{:?}", record.signal);
    }

    #[test]
    fn what_cannot_be_learned_is_one_line() {
        let error =
            |samples: &Samples| fit(samples, &Options::default(), &Unfollowed).unwrap_err().to_string();
        assert!(error(&samples(50, |_, _| 1)).starts_with("`y` has the one class `yes`"));
        assert!(error(&samples(3, |x, _| usize::from(x[0] > 0.0))).contains("at least 4"));
        let mut constant = samples(20, |_, _| 0);
        constant.goal = Goal::Numbers(vec![2.5; 20]);
        assert!(error(&constant).contains("always 2.5"));
        constant.goal = Goal::Numbers((0..20).map(|i| f64::from(i) * 1e300).collect());
        assert!(error(&constant).contains("too large"));
    }

    #[test]
    fn the_same_seed_gives_the_same_scores() {
        let data = samples(120, |x, random| usize::from(x[0] + random.normal() > 0.0));
        let scores = || {
            let record = fit(&data, &Options::default(), &Unfollowed).unwrap();
            record.rungs.iter().map(|r| r.validation().mean).collect::<Vec<f64>>()
        };
        assert_eq!(scores(), scores());
    }
}
