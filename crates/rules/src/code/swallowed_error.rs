//! `swallowed-error`

use serde::{Deserialize, Serialize};
use stetho_core::code::{Code, ErrorKind, Swallowed};
use stetho_core::{Draft, Evidence, Remedy, Report, Rule, Severity, Signal, count_of, percent, thousands};

/// An error was caught and dropped while something was loaded, data were read, or a training step was made.
///
/// ## Why it matters
/// What was to be done has not been done, and the training goes on as if it had: samples are missing or stand twice, steps are not made,
/// weights are not loaded. A wide `except` also hides errors that have nothing to do with what it was written for.
///
/// ## What to do
/// Catch the one error that is expected, around the one line that raises it; let all others through. Where samples are left out, count them
/// and stop where they are many.
///
/// ## Fires on
/// ```code
/// {"swallowed": [{"place": {"path": "data.py", "line": 21, "text": "except Exception:"},
///   "raised": {"path": "data.py", "line": 19, "text": "y = self.labels[name]"}, "type": "KeyError", "message": "'img_07'",
///   "count": 57, "n_tried": 640, "kind": "reading", "is_broad": true, "statement": "return"}]}
/// ```
///
/// ## Stays quiet on
/// ```code
/// {"swallowed": [{"type": "ValueError", "message": "not a number", "count": 3, "kind": "other", "statement": "pass"}]}
/// ```
/// One line of many that is expected to be no number, as the header of a table:
/// ```code
/// {"swallowed": [{"type": "ValueError", "count": 1, "n_tried": 500, "kind": "reading", "is_broad": false, "statement": "continue"}]}
/// ```
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct SwallowedError {
    /// Share of the attempts that may fail where one kind of error is caught on purpose.
    pub share: f64,
}

impl Default for SwallowedError {
    fn default() -> Self {
        Self { share: 0.01 }
    }
}

impl Rule for SwallowedError {
    type Input = Code;
    const ID: &'static str = "swallowed-error";
    const SEVERITY: Severity = Severity::Warning;
    const SIGNALS: &'static [Signal] = &[Signal::DroppedErrors];

    fn check(&mut self, code: &Code, report: &mut Report) {
        let is_rare = |error: &Swallowed| {
            !error.is_broad
                && error.kind == ErrorKind::Reading
                && (error.count as f64) < self.share * error.n_tried as f64
        };
        let mut told: Vec<&Swallowed> = code.swallowed.iter().flatten().collect();
        told.retain(|error| error.count > 0 && error.kind != ErrorKind::Other && !is_rare(error));
        told.sort_by_key(|error| std::cmp::Reverse(error.count));
        for error in told {
            report.raise(draft(error));
        }
    }
}

fn draft(error: &Swallowed) -> Draft {
    let doing = match error.kind {
        ErrorKind::Loading => "weights were loaded",
        ErrorKind::Reading => "data were read",
        ErrorKind::Stepping | ErrorKind::Other => "a training step was made",
    };
    let what = if error.message.is_empty() {
        error.error.clone()
    } else {
        format!("{}: {}", error.error, error.message)
    };
    let of = if error.n_tried > error.count {
        format!(
            " in {} attempts ({})",
            thousands(error.n_tried),
            percent(error.count as f64 / error.n_tried as f64)
        )
    } else {
        String::new()
    };
    let raised = if error.raised.path.is_empty() {
        String::new()
    } else {
        format!(", raised at {}", error.raised.at())
    };
    let message = format!(
        "{} dropped{of} at {} while {doing}: {what}{raised}",
        count_of(error.count, "error"),
        error.place.at()
    );
    let mut draft = Draft::new(
        error.place.to_place(),
        message,
        Evidence::at_most("errors dropped", error.count as f64, 0.0),
        Remedy::advice(format!(
            "mend what raises `{}`, and catch no more than the error that is expected",
            error.error
        )),
    );
    if !error.raised.path.is_empty() {
        draft = draft.place(error.raised.to_place());
        let text = format!("> {}", error.raised.text.trim());
        draft = draft.evidence(Evidence::Excerpt {
            path: error.raised.path.clone(),
            line: error.raised.line,
            text,
        });
    }
    draft
        .remedy(Remedy::advice("until then let it through: `raise` as the last line of the handler"))
        .count(error.count)
        .topic(error.place.at())
}
