//! `scale-sensitive`

use serde::{Deserialize, Serialize};
use stetho_core::fit::{Fit, ScalingTrial, Score, difference};
use stetho_core::{Draft, Evidence, Place, Remedy, Report, Rule, Severity, Signal};

use crate::ladder::{gain, has_signal};

/// Models that measure distances do much better when columns are brought to one scale.
///
/// ## Why it matters
/// What hurts a kernel hurts a network: gradients of a column in thousands drown those of one in hundredths, and training
/// crawls along the narrow valley that is left.
///
/// ## What to do
/// Centre and scale, with numbers taken from the training rows only; whiten where that was measured to be better still.
///
/// ## Fires on
/// ```recipe rows=300 target=label
/// a = normal(0, 0.01)
/// b = normal(5000, 900)
/// label = pick(100 * a + normal(0, 0.3) > 0, "yes", "no")
/// ```
///
/// ## Stays quiet on
/// ```recipe rows=300 target=label
/// a = normal(0, 1)
/// b = normal(0, 1.5)
/// label = pick(a + normal(0, 0.3) > 0, "yes", "no")
/// ```
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct ScaleSensitive {
    /// Gain of the kernel SVM from preparing the columns from which on it matters.
    pub gain: f64,
}

impl Default for ScaleSensitive {
    fn default() -> Self {
        Self { gain: 0.02 }
    }
}

impl Rule for ScaleSensitive {
    type Input = Fit;
    const ID: &'static str = "scale-sensitive";
    const SEVERITY: Severity = Severity::Warning;
    const SIGNALS: &'static [Signal] = &[Signal::Scores, Signal::ScalingTrials];

    fn check(&mut self, fit: &Fit, report: &mut Report) {
        let Some(trials) = fit.scaling.get().filter(|_| has_signal(fit)) else { return };
        let svm: Vec<&ScalingTrial> = trials.iter().filter(|t| t.model == "kernel SVM").collect();
        let [raw, prepared @ ..] = svm.as_slice() else { return };
        let gains: Vec<_> = prepared.iter().map(|t| (*t, difference(&t.folds, &raw.folds, None))).collect();
        let Some(most) = gains.iter().map(|g| g.1.mean).max_by(f64::total_cmp) else { return };
        // The least preparation that comes within half of what matters of the best.
        let Some((best, brought)) = gains.into_iter().find(|g| g.1.mean >= most - self.gain / 2.0) else {
            return;
        };
        // The same rows are in both, so what is left is the spread of the gain itself.
        let error = brought.std / (raw.folds.len().max(1) as f64).sqrt();
        if brought.mean <= self.gain || brought.mean <= 2.0 * error || !is_of_many_rows(fit, brought.mean) {
            return;
        }
        let message = format!(
            "the kernel SVM gains {} {} when columns are {}",
            gain(brought),
            fit.score.name(),
            best.preparation
        );
        let flags = if best.preparation == "whitened" { "--whiten pca" } else { "--center --scale" };
        let row = |t: &ScalingTrial| {
            let mean = t.folds.iter().map(|f| f.validation).sum::<f64>() / t.folds.len().max(1) as f64;
            [t.model.clone(), t.preparation.to_owned(), format!("{mean:.3}")]
        };
        report.raise(
            Draft::new(
                Place::Whole,
                message,
                Evidence::at_most("gain of the kernel SVM from preparing the columns", brought.mean, self.gain),
                Remedy::safe("centre and scale with numbers from the training rows only")
                    .command(format!("stetho prepare DATA {flags} --out prepared"))
                    .code("scaler = StandardScaler().fit(x_train)\nx_train, x_val = scaler.transform(x_train), scaler.transform(x_val)"),
            )
            .evidence(Evidence::table(
                format!("columns prepared in several ways, by {}", fit.score.name()),
                ["model", "columns", "unseen rows"],
                trials.iter().map(row),
            )),
        );
    }
}

/// Whether a gain is more than a few rows that went right by chance. It takes `gain` × rows of them at least, of which chance
/// alone takes back the square root (McNemar 1947); three preparations were tried, so it must be three times as much.
fn is_of_many_rows(fit: &Fit, gain: f64) -> bool {
    let counts = fit.classes.iter().map(|c| c.1).filter(|n| *n > 0);
    let n = match fit.score {
        Score::Accuracy => fit.n_rows as f64,
        // A row of the rarest class counts for as much as one of so many.
        Score::BalancedAccuracy => counts.clone().min().unwrap_or(0) as f64 * counts.count() as f64,
        Score::R2 => return true,
    };
    gain * n > 3.0 * (gain * n).sqrt()
}
