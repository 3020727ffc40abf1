//! Runs rules over records and keeps them apart: one rule's failure is an outcome, not an end.

use std::any::Any;
use std::cell::Cell;
use std::panic::{AssertUnwindSafe, catch_unwind};

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::rule::AnyRule;
use crate::{Entry, Finding, OptionError, Place, Record, Report, RuleInfo, Signals};

/// How many places and list entries a report keeps of one finding unless asked for all.
pub const MAX_PLACES: usize = 100;

/// What became of a rule.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "types", derive(ts_rs::TS))]
#[serde(tag = "outcome", rename_all = "snake_case")]
pub enum Outcome {
    /// It judged all it was given.
    Ran,
    /// It could not judge.
    Skipped {
        /// Why.
        reason: String,
    },
    /// It panicked: a bug of ours.
    Failed {
        /// The panic's message.
        reason: String,
    },
}

/// An [`Outcome`] with the rule it belongs to.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "types", derive(ts_rs::TS))]
pub struct RuleOutcome {
    /// Id of the rule.
    pub rule: String,
    /// What became of it.
    #[serde(flatten)]
    pub outcome: Outcome,
}

/// What a session concluded.
#[derive(Clone, Debug, Default)]
pub struct Verdict {
    /// Findings, worst and surest first; equals keep the order of the rule list.
    pub findings: Vec<Finding>,
    /// What became of every rule, in the order of the rule list.
    pub outcomes: Vec<RuleOutcome>,
}

impl Verdict {
    /// This verdict and that of another family on the same data, as one.
    #[must_use]
    pub fn join(mut self, other: Self) -> Self {
        self.findings.extend(other.findings);
        self.outcomes.extend(other.outcomes);
        self.rank();
        self
    }

    /// Worst and surest first; equals keep their order.
    fn rank(&mut self) {
        self.findings.sort_by(|a, b| b.severity.cmp(&a.severity).then(b.certainty.total_cmp(&a.certainty)));
    }

    /// Cuts every list of every finding to its first `most` entries. Counts stay whole.
    pub fn truncate(&mut self, most: usize) {
        for finding in &mut self.findings {
            truncate_places(&mut finding.places, most);
            for evidence in &mut finding.evidence {
                evidence.truncate(most);
            }
        }
    }
}

/// Cuts places so that at most `most` single things remain.
fn truncate_places(places: &mut Vec<Place>, most: usize) {
    let mut left = most;
    places.retain_mut(|place| {
        if left == 0 {
            return false;
        }
        if let Place::Rows { rows, lines, .. } = place {
            rows.truncate(left);
            lines.truncate(left);
            left -= rows.len();
        } else {
            left -= 1;
        }
        true
    });
}

/// The enabled rules of one record type.
pub struct Session<R: 'static> {
    seats: Vec<Seat<R>>,
}

struct Seat<R: 'static> {
    info: &'static RuleInfo,
    rule: Box<dyn AnyRule<R>>,
    report: Report,
    outcome: Option<Outcome>,
}

impl<R: Record> Session<R> {
    /// Seats the rules of `entries` that `enabled` admits, with their `options` by rule id.
    ///
    /// # Errors
    /// When an option does not exist or has the wrong type.
    pub fn new(
        entries: &'static [Entry<R>],
        enabled: impl Fn(&RuleInfo) -> bool,
        options: &Map<String, Value>,
    ) -> Result<Self, OptionError> {
        let seats = entries
            .iter()
            .filter(|entry| enabled(&entry.info))
            .map(|entry| {
                let rule = (entry.make)(options.get(entry.info.id).unwrap_or(&Value::Null))?;
                Ok(Seat { info: &entry.info, rule, report: Report::default(), outcome: None })
            })
            .collect::<Result<_, _>>()?;
        Ok(Self { seats })
    }

    /// The union of what the rules need or can use.
    pub fn wanted(&self) -> Signals {
        self.seats.iter().flat_map(|seat| seat.info.signals.iter().chain(seat.info.also).copied()).collect()
    }

    /// Shows one record to every rule.
    pub fn observe(&mut self, record: &R) {
        for seat in &mut self.seats {
            if matches!(seat.outcome, Some(Outcome::Failed { .. })) {
                continue;
            }
            seat.outcome = Some(match seat.info.signals.iter().find_map(|&s| record.missing(s)) {
                Some(reason) => Outcome::Skipped { reason },
                None => guarded(|| seat.rule.check(record, &mut seat.report)),
            });
        }
    }

    /// Lets every rule conclude and ranks what they raised.
    pub fn finish(self) -> Verdict {
        let mut verdict = Verdict::default();
        for mut seat in self.seats {
            if matches!(seat.outcome, Some(Outcome::Ran)) {
                seat.outcome = Some(guarded(|| seat.rule.finish(&mut seat.report)));
            }
            let why = seat.info.docs().why;
            verdict.findings.extend(seat.report.drafts.into_iter().map(|draft| Finding {
                rule: seat.info.id.to_owned(),
                severity: draft.severity.unwrap_or(seat.info.severity),
                certainty: draft.certainty,
                count: draft.total(),
                message: draft.message,
                why: why.clone(),
                places: draft.places,
                evidence: draft.evidence,
                remedies: draft.remedies,
            }));
            let outcome = seat.outcome.unwrap_or(Outcome::Skipped { reason: "nothing was read".into() });
            verdict.outcomes.push(RuleOutcome { rule: seat.info.id.to_owned(), outcome });
        }
        verdict.rank();
        verdict
    }
}

thread_local! {
    static JUDGING: Cell<bool> = const { Cell::new(false) };
}

/// Whether this thread is inside a rule, whose panic the session will report as an outcome. A panic hook asks this
/// to stay silent.
pub fn judging() -> bool {
    JUDGING.get()
}

fn guarded(judge: impl FnOnce()) -> Outcome {
    JUDGING.set(true);
    let result = catch_unwind(AssertUnwindSafe(judge));
    JUDGING.set(false);
    match result {
        Ok(()) => Outcome::Ran,
        Err(panic) => Outcome::Failed { reason: panic_message(panic.as_ref()) },
    }
}

fn panic_message(panic: &(dyn Any + Send)) -> String {
    let text = panic.downcast_ref::<&str>().copied().or(panic.downcast_ref::<String>().map(String::as_str));
    text.unwrap_or("a rule panicked without a message").to_owned()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::{Draft, Evidence, Remedy, Rule, Severity, Signal};

    struct Steps(u64);

    impl Record for Steps {
        fn missing(&self, signal: Signal) -> Option<String> {
            match signal {
                Signal::Splits => Some("no --val given".into()),
                Signal::Overlap => Some("nothing to compare with".into()),
                _ => None,
            }
        }
    }

    fn draft(step: u64) -> Draft {
        let place = Place::Steps { first: step, last: step };
        Draft::new(place, "seen", Evidence::at_most("step", step as f64, 0.0), Remedy::advice("rest"))
    }

    macro_rules! rule {
        ($name:ident, $id:literal, $severity:ident, $signals:expr, $check:expr) => {
            /// Summary.
            #[derive(Default, serde::Serialize, serde::Deserialize)]
            #[serde(default)]
            struct $name {
                limit: u64,
            }
            impl Rule for $name {
                type Input = Steps;
                const ID: &'static str = $id;
                const SEVERITY: Severity = Severity::$severity;
                const SIGNALS: &'static [Signal] = $signals;
                const ALSO: &'static [Signal] = &[Signal::Overlap];
                fn check(&mut self, input: &Steps, report: &mut Report) {
                    let check: fn(&Self, &Steps, &mut Report) = $check;
                    check(self, input, report);
                }
            }
        };
    }

    rule!(Grows, "grows", Warning, &[], |rule, step, report| {
        if step.0 > rule.limit {
            report.raise(draft(step.0));
        }
    });
    rule!(Breaks, "breaks", Error, &[], |_, _, _| panic!("out of luck"));
    rule!(Needs, "needs", Error, &[Signal::Splits], |_, step, report| report.raise(draft(step.0)));

    static RULES: [Entry<Steps>; 3] =
        [Entry::new::<Grows>("run", ""), Entry::new::<Breaks>("run", ""), Entry::new::<Needs>("run", "")];

    fn run(options: &Value) -> Result<Verdict, OptionError> {
        let options = options.as_object().cloned().unwrap_or_default();
        let mut session = Session::new(&RULES, |_| true, &options)?;
        for step in 0..5 {
            session.observe(&Steps(step));
        }
        Ok(session.finish())
    }

    #[test]
    fn repeated_findings_grow_and_failures_stay_apart() {
        let verdict = run(&json!({"grows": {"limit": 1}})).unwrap();
        assert_eq!(verdict.findings.len(), 1);
        assert_eq!(verdict.findings[0].places, [Place::Steps { first: 2, last: 4 }]);
        assert_eq!(verdict.findings[0].count, 3);
        let outcomes: Vec<_> = verdict.outcomes.iter().map(|o| &o.outcome).collect();
        assert_eq!(outcomes[0], &Outcome::Ran);
        assert_eq!(outcomes[1], &Outcome::Failed { reason: "out of luck".into() });
        assert_eq!(outcomes[2], &Outcome::Skipped { reason: "no --val given".into() });
    }

    #[test]
    fn what_is_only_useful_is_wanted_but_not_needed() {
        let session = Session::new(&RULES, |info| info.id == "needs", &Map::new()).unwrap();
        let wanted = session.wanted();
        assert!(wanted.contains(Signal::Splits) && wanted.contains(Signal::Overlap));
        assert!(!wanted.contains(Signal::Drift));
    }

    #[test]
    fn unknown_and_ill_typed_options_are_refused() {
        let error = run(&json!({"grows": {"limt": 1}})).unwrap_err().to_string();
        assert_eq!(error, "options of rule `grows`: there is no option `limt`; it has `limit`");
        assert!(run(&json!({"grows": {"limit": "x"}})).is_err());
    }

    #[test]
    fn truncation_counts_rows_one_by_one() {
        let rows = |rows: Vec<u64>| Place::Rows { path: "a".into(), lines: rows.clone(), rows };
        let mut places = vec![rows(vec![1, 2]), rows(vec![3, 4, 5]), Place::Whole];
        truncate_places(&mut places, 3);
        assert_eq!(places, [rows(vec![1, 2]), rows(vec![3])]);
    }
}
