//! `resume-repeats-data`

use serde::{Deserialize, Serialize};
use stetho_core::run::{Call, Fact, Part, Run};
use stetho_core::{Draft, Evidence, Place, Remedy, Report, Rule, Severity, Signal};

use crate::loops::site;
use crate::runs::at;

/// After a resume the order of the samples starts over.
///
/// ## Why it matters
/// A seed that is set at the start of the script makes every process draw the same samples first. A run that is resumed often sees the
/// first part of an epoch again and again, and the rest of it hardly ever.
///
/// ## What to do
/// Save the state of the sampler, or its seed and position, with the checkpoint; at the least, seed by epoch or by the step of the resume.
///
/// ## Fires on
/// ```csv
/// step,order_hash
/// 0,5523412
/// 400,5523412
/// ```
///
/// ## Stays quiet on
/// ```csv
/// step,order_hash
/// 0,5523412
/// 400,918273
/// ```
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct ResumeRepeatsData {}

impl Rule for ResumeRepeatsData {
    type Input = Run;
    const ID: &'static str = "resume-repeats-data";
    const SEVERITY: Severity = Severity::Warning;
    const SIGNALS: &'static [Signal] = &[Signal::Live(Fact::OrderHash)];
    const ALSO: &'static [Signal] = &[Signal::Live(Fact::Site)];

    fn check(&mut self, run: &Run, report: &mut Report) {
        let Some(series) = run.facts(Fact::OrderHash).next() else { return };
        let starts = series.digest.sample();
        let is_again = |i: usize| {
            let same = |p: &stetho_core::run::Point| p.value.to_bits() == starts[i].value.to_bits();
            starts[..i].iter().any(|p| same(p) && p.step < starts[i].step)
        };
        let again: Vec<u64> = (1..starts.len()).filter(|i| is_again(*i)).map(|i| starts[i].step).collect();
        let Some(first) = again.first() else { return };
        report.raise(
            Draft::new(
                Place::steps(*first, *first),
                format!("after the resume at {} the samples come in the same order as from the start on", at(run, *first)),
                Evidence::at_most("resumes that start over with the data", again.len() as f64, 0.0),
                Remedy::risky("let the order depend on where the run is").code(
                    "generator = torch.Generator().manual_seed(seed + epoch)\nloader = DataLoader(train_set, shuffle=True, generator=generator)",
                ),
            )
            .places(again[1..].iter().map(|step| Place::steps(*step, *step)))
            .places(site(run, Call::Batches(Part::Train)))
            .count(again.len() as u64)
            .remedy(Remedy::advice("save the random states and the position in the epoch with the checkpoint, and skip what was seen")),
        );
    }
}
