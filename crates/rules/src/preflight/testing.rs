//! For the tests of rules on experiments.

use serde_json::Map;
use stetho_core::preflight::Preflight;
use stetho_core::{Finding, Outcome, Session};

/// What a rule finds in a record given as JSON. Panics where the rule did not run.
pub(crate) fn judge(id: &str, record: &str) -> Vec<Finding> {
    let mut session = Session::new(super::RULES, |info| info.id == id, &Map::new()).unwrap();
    session.observe(&Preflight::parse(record).unwrap());
    let verdict = session.finish();
    assert_eq!(verdict.outcomes.len(), 1, "no rule `{id}`");
    assert_eq!(verdict.outcomes[0].outcome, Outcome::Ran);
    verdict.findings
}
