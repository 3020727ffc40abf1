//! `branch-always-taken`

use serde::{Deserialize, Serialize};
use stetho_core::code::Code;
use stetho_core::{Report, Rule, Severity, Signal};

use crate::branches::{Way, draft, worth_telling};

/// A condition of the script that was true every time.
///
/// ## Why it matters
/// What hangs on its other side has not run. A method that is named but not called is always true, and so is a comparison with a limit in
/// other units; a test that was meant to select samples or steps then selects all of them.
///
/// ## What to do
/// Look at the values that the condition tested. Call the method, compare values of one kind and one unit, or leave the condition out.
///
/// ## Fires on
/// ```code
/// {"branches": [{"place": {"path": "train.py", "line": 44, "text": "if scheduler.is_warm:"}, "kind": "if",
///   "condition": "scheduler.is_warm", "taken": 200, "not_taken": 0, "why": "it is a method that is not called", "in_step": true}]}
/// ```
///
/// ## Stays quiet on
/// ```code
/// {"branches": [{"condition": "scheduler.is_warm()", "kind": "if", "taken": 190, "not_taken": 10, "in_step": true}]}
/// ```
/// What tests the kind of a thing:
/// ```code
/// {"branches": [{"condition": "mask is not None", "kind": "if", "taken": 640, "role": "kind of value", "in_step": true}]}
/// ```
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct BranchAlwaysTaken {
    /// Times that a condition must have been tested, unless its values tell that it cannot vary.
    pub times: u64,
    /// Conditions that are told, the most telling first.
    pub most: u64,
}

impl Default for BranchAlwaysTaken {
    fn default() -> Self {
        Self { times: 3, most: 5 }
    }
}

impl Rule for BranchAlwaysTaken {
    type Input = Code;
    const ID: &'static str = "branch-always-taken";
    const SEVERITY: Severity = Severity::Info;
    const SIGNALS: &'static [Signal] = &[Signal::Branches];

    fn check(&mut self, code: &Code, report: &mut Report) {
        for branch in worth_telling(code, Way::Always, self.times, self.most) {
            report.raise(draft(branch, Way::Always));
        }
    }
}
