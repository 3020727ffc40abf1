//! `data-starved`

use serde::{Deserialize, Serialize};
use stetho_core::run::{Fact, Quantity, Run, Series};
use stetho_core::{Draft, Evidence, Human, Remedy, Report, Rule, Severity, Signal};

use crate::runs::{curves, since};
use crate::trend::{mean, median};

/// A good part of each step is spent waiting for data.
///
/// ## Why it matters
/// The processor that trains stands still in that time. The run takes longer by that share, and so does each try.
///
/// ## What to do
/// Load with more workers and keep batches ahead (`num_workers`, `prefetch_factor`, `pin_memory`, `persistent_workers`). Do what is the
/// same in every epoch once: decode, resize, tokenise. Many small files on a remote disk are best packed into a few large ones.
///
/// ## Fires on
/// ```recipe rows=300
/// step = row()
/// step_time = 0.4 + normal(0, 0.01)
/// data_time = 0.2 + normal(0, 0.01)
/// ```
///
/// ## Stays quiet on
/// The first batches, for which workers are started, and single long waits:
/// ```recipe rows=300
/// step = row()
/// data_time = 0.01 + pick(step < 5, 3, 0) + pick(step % 100 == 0, 0.5, 0)
/// step_time = 0.2 + data_time
/// ```
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct DataStarved {
    /// Share of the time that may be spent waiting.
    pub share: f64,
    /// Seconds of a step that may be spent waiting, where the log is known to be in seconds.
    pub seconds: f64,
    /// Seconds of waiting in all that are worth a word, there.
    pub in_all: f64,
}

impl Default for DataStarved {
    fn default() -> Self {
        Self { share: 0.3, seconds: 0.01, in_all: 2.0 }
    }
}

impl Rule for DataStarved {
    type Input = Run;
    const ID: &'static str = "data-starved";
    const SEVERITY: Severity = Severity::Warning;
    const SIGNALS: &'static [Signal] = &[Signal::StepTimes];
    const ALSO: &'static [Signal] = &[Signal::Live(Fact::Workers)];

    fn check(&mut self, run: &Run, report: &mut Report) {
        let fullest = |quantity| run.of(quantity).max_by_key(|s| s.digest.n());
        let Some((data, step)) = fullest(Quantity::DataTime).zip(fullest(Quantity::StepTime)) else { return };
        let Some((wait, whole, share)) = self.waiting(data, step) else { return };
        // Where we have measured it ourselves, it is in seconds: putting a small batch together takes its time, and no worker saves that.
        let workers = run.fact(Fact::Workers);
        let is_little = wait < self.seconds || wait * (data.digest.n() as f64) < self.in_all;
        if share <= self.share || workers.is_some() && is_little {
            return;
        }
        let faster = 1.0 / (1.0 - share.min(0.99));
        report.raise(
            Draft::new(
                since(data, data.digest.first().first().map_or(0, |p| p.step)),
                format!(
                    "{} % of the time of a step is spent waiting for data: {} of {}, limit {} %",
                    Human((100.0 * share).round()),
                    Human(wait),
                    Human(whole),
                    Human(100.0 * self.share)
                ),
                Evidence::at_most("share of the time of a step spent waiting for data", share, self.share),
                Remedy::advice(format!(
                    "load with more workers ({}`num_workers`, `persistent_workers=True`, `pin_memory=True`): without the wait the run \
                     would be up to {} times as fast",
                    workers.map_or_else(String::new, |n| format!("there are {n} now; ")),
                    Human((10.0 * faster).round() / 10.0)
                )),
            )
            .count(data.digest.n())
            .evidence(curves(run, "time", [step, data]))
            .remedy(Remedy::advice("decode, resize and tokenise once, and keep the results in a few large files")),
        );
    }
}

impl DataStarved {
    /// The wait, the time of a step with it, and the share of one in the other: medians over stretches, since waits come in bursts,
    /// once for every batch that each worker hands over.
    fn waiting(&self, data: &Series, step: &Series) -> Option<(f64, f64, f64)> {
        let least = data.digest.n().min(step.digest.n());
        let of = |s: &Series| {
            let blocks = s.digest.split(10);
            blocks.get(1..).map(<[_]>::to_vec)
        };
        let (data, step) = (of(data)?, of(step)?);
        if least < 6 || data.len() < 4 || data.iter().chain(&step).any(|b| b.min < 0.0) {
            return None;
        }
        // A wait longer than its step was measured beside it.
        let is_beside = data.iter().zip(&step).any(|(d, s)| d.mean > s.mean);
        let whole = |d: f64, s: f64| if is_beside { d + s } else { s };
        let share = if data.len() == step.len() {
            median(data.iter().zip(&step).map(|(d, s)| d.mean / whole(d.mean, s.mean)))
        } else {
            mean(&data) / whole(mean(&data), mean(&step))
        };
        let (wait, time) = (median(data.iter().map(|b| b.mean)), median(step.iter().map(|b| b.mean)));
        share.is_finite().then(|| (wait, whole(wait, time), share))
    }
}

#[cfg(test)]
mod tests {
    use crate::run::testing::{judge, run, values};

    #[test]
    fn bursts_count_by_their_mean_and_a_wait_beside_the_step_is_added_to_it() {
        let bursts = |high: f64| values(400, move |s| if s % 8.0 < 1.0 { high } else { 0.0 });
        let starved = run([("data_time", bursts(1.6)), ("step_time", values(400, |_| 0.1))]);
        let found = judge("data-starved", &starved);
        assert!(found[0].message.starts_with("67 %"), "{}", found[0].message);
        assert!(found[0].remedies[0].action.contains("3 times as fast"), "{:?}", found[0].remedies);
        let fed = run([("data_time", bursts(0.1)), ("step_time", values(400, |_| 0.1))]);
        assert!(judge("data-starved", &fed).is_empty());
    }
}
