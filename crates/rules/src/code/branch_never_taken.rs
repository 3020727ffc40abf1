//! `branch-never-taken`

use serde::{Deserialize, Serialize};
use stetho_core::code::Code;
use stetho_core::{Report, Rule, Severity, Signal};

use crate::branches::{Way, draft, worth_telling};

/// A condition of the script that was never true.
///
/// ## Why it matters
/// What hangs on the condition has not run, and nobody notices: a warm-up that does not start, a class that is never selected, a layer that
/// is never unfrozen. Often the two sides are of different kinds, or a number is counted in other units than the limit.
///
/// ## What to do
/// Look at the values that the condition tested. Compare values of one kind and one unit; shorten the schedule or lengthen the run.
///
/// ## Fires on
/// ```code
/// {"branches": [{"place": {"path": "train.py", "line": 31, "text": "if label == \"3\":"}, "kind": "if", "condition": "label == \"3\"",
///   "taken": 0, "not_taken": 640, "values": ["label = 0 … 9"], "why": "an int is compared with a str", "in_step": true}]}
/// ```
///
/// ## Stays quiet on
/// ```code
/// {"branches": [{"condition": "label == 3", "kind": "if", "taken": 61, "not_taken": 579, "in_step": true}]}
/// ```
/// A guard, and a switch of the command line:
/// ```code
/// {"branches": [{"condition": "not math.isfinite(loss)", "kind": "if", "not_taken": 640, "is_guard": true},
///   {"condition": "args.resume", "kind": "if", "not_taken": 5, "role": "option"}]}
/// ```
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct BranchNeverTaken {
    /// Times that a condition must have been tested, unless its values tell that it cannot vary.
    pub times: u64,
    /// Conditions that are told, the most telling first.
    pub most: u64,
}

impl Default for BranchNeverTaken {
    fn default() -> Self {
        Self { times: 3, most: 5 }
    }
}

impl Rule for BranchNeverTaken {
    type Input = Code;
    const ID: &'static str = "branch-never-taken";
    const SEVERITY: Severity = Severity::Info;
    const SIGNALS: &'static [Signal] = &[Signal::Branches];

    fn check(&mut self, code: &Code, report: &mut Report) {
        for branch in worth_telling(code, Way::Never, self.times, self.most) {
            report.raise(draft(branch, Way::Never));
        }
    }
}
