//! `non-finite-loss`

use serde::{Deserialize, Serialize};
use stetho_core::run::{NonFinite, Quantity, Run, Series, TrapKind};
use stetho_core::{Draft, Evidence, Human, Remedy, Report, Rule, Severity, Signal};

use crate::runs::{at, line, peak_learning_rate, round2, since};
use crate::trapped;

/// A loss that stops being a number.
///
/// ## Why it matters
/// From the first NaN on, every gradient and soon every parameter is NaN: nothing that is computed afterwards means anything,
/// and no later step repairs it.
///
/// ## What to do
/// If the loss rose in the steps before, the step size was too large: lower the learning rate or clip gradients. If it came out of the
/// blue, one sample or one operation made it: the log of 0, a division by 0, an overflow of `exp`; look at the batch of that step.
///
/// ## Fires on
/// ```csv
/// step,loss
/// 0,2.3
/// 1,2.1
/// 2,nan
/// 3,nan
/// ```
///
/// A trap that names the operation and the sample:
/// ```jsonl
/// {"step": 40, "loss": 0.71}
/// {"kind": "loss", "step": 41, "phase": "forward", "loss": {"name": "loss", "value": "Infinity"}, "op": "log", "cause": "log_of_zero"}
/// ```
///
/// ## Stays quiet on
/// ```csv
/// step,loss
/// 0,2.3
/// 1,2.1
/// 2,1.9
/// 3,1.8
/// ```
/// A column that is filled with NaN where nothing was measured:
/// ```csv
/// step,loss,val_loss
/// 0,2.3,nan
/// 1,2.2,2.25
/// 2,2.1,nan
/// 3,2.0,2.05
/// 4,1.9,nan
/// 5,1.8,1.95
/// ```
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct NonFiniteLoss {}

impl Rule for NonFiniteLoss {
    type Input = Run;
    const ID: &'static str = "non-finite-loss";
    const SEVERITY: Severity = Severity::Error;
    const SIGNALS: &'static [Signal] = &[Signal::AnyLoss];
    const ALSO: &'static [Signal] = &[Signal::GradientNorm, Signal::LearningRate];

    fn check(&mut self, run: &Run, report: &mut Report) {
        if !trapped::raise(run, TrapKind::Loss, report) {
            return;
        }
        let mut broken: Vec<&Series> =
            run.series.iter().filter(|s| is_loss(run, s) && is_broken(s)).collect();
        // The earliest is the cause; of several at one step, the single term rather than the sum.
        broken.sort_by_key(|s| (s.digest.non_finite().first, matches!(s.quantity, Quantity::Loss(_))));
        let Some(first) = broken.first() else { return };
        let seen = first.digest.non_finite();
        if crate::runs::gradient_broke_before(run, seen.first) {
            return;
        }
        let word = if seen.n_nan > 0 { "NaN" } else { "infinite" };
        let again = match seen.count() {
            1 if seen.is_last => "its newest value".to_owned(),
            1 => "once, and a number again after it".to_owned(),
            _ if seen.is_last => "and has been since".to_owned(),
            n => format!("{n} times in all"),
        };
        let mut draft = Draft::new(
            since(first, seen.first),
            format!("`{}` is {word} at {}, {again}", first.tag, at(run, seen.first)),
            Evidence::at_most("values that are no numbers", seen.count() as f64, 0.0),
            remedy(run, first, seen),
        )
        .count(seen.count())
        .evidence(Evidence::curves("loss before it", run.unit, [line(first, first.tag.clone())]));
        if let [_, others @ ..] = broken.as_slice()
            && !others.is_empty()
        {
            let rows = broken.iter().map(|s| [s.tag.clone(), at(run, s.digest.non_finite().first)]);
            draft =
                draft.evidence(Evidence::table("losses by the first such value", ["loss", "since"], rows));
        }
        report.raise(draft.remedy(Remedy::advice(format!(
            "look at the batch of {}; check `log`, `sqrt`, division and `exp` in the loss, and put in a clamp or an epsilon",
            at(run, seen.first)
        ))));
    }
}

/// Whether a series is a loss or a term of one, or the error that stands for it.
fn is_loss(run: &Run, series: &Series) -> bool {
    matches!(series.quantity, Quantity::Loss(_) | Quantity::LossTerm(_))
        || [run.train_loss(), run.validation_loss()].into_iter().flatten().any(|s| s.tag == series.tag)
}

/// Whether values that are no numbers are more than a way to write that nothing was measured.
fn is_broken(series: &Series) -> bool {
    let seen = series.digest.non_finite();
    let n = series.digest.n();
    if seen.count() == 0 || n == 0 && seen.n_infinite == 0 && seen.n_nan < 2 {
        return false;
    }
    let is_filler = seen.n_infinite == 0 && n > 0 && (seen.n_onsets >= 3 || seen.n_before == 0);
    !is_filler
}

/// What to do first: by whether the loss rose before it.
fn remedy(run: &Run, series: &Series, seen: NonFinite) -> Remedy {
    let digest = &series.digest;
    let last = digest.blocks().iter().rev().find(|b| b.first <= seen.first);
    let lowest = digest.lowest().map_or(f64::NAN, |p| p.value);
    let rose = last.is_some_and(|b| b.max > lowest + 2.0 * lowest.abs().max(1e-12));
    let rate = peak_learning_rate(run);
    match (rose, rate) {
        (true, Some(rate)) => Remedy::advice(format!(
            "the loss had risen from {} before: lower the learning rate from {} to {}, or clip the gradient norm",
            Human(lowest),
            round2(rate),
            round2(rate / 10.0)
        )),
        (true, None) => Remedy::advice(format!(
            "the loss had risen from {} before: lower the learning rate tenfold, or clip the gradient norm",
            Human(lowest)
        )),
        (false, _) => Remedy::advice(
            "the loss had not risen before, so one sample or one operation made it rather than the step size: \
             run with `torch.autograd.set_detect_anomaly(True)` from a checkpoint before it",
        ),
    }
}
