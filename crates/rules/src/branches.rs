//! Conditions of a script that went one way: which of them are worth telling, and how they are told.

use stetho_core::code::{Branch, Code};
use stetho_core::{Draft, Evidence, Remedy, count_of, thousands};

/// Which way a condition went each time.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Way {
    /// It held.
    Always,
    /// It did not.
    Never,
}

/// Conditions that went one way at least `least` times, the most telling first, `most` of them. Those that guard against errors, read
/// options, test what kind of a thing something is, or may rightly wait for a longer run are left out.
pub(crate) fn worth_telling(code: &Code, way: Way, least: u64, most: u64) -> Vec<&Branch> {
    let is_one_way = |branch: &&Branch| {
        let (other, times) = match way {
            Way::Always => (branch.not_taken, branch.taken),
            Way::Never => (branch.taken, branch.not_taken),
        };
        let enough = if branch.why.is_empty() { least } else { 1 };
        other == 0 && times >= enough.max(1)
    };
    let branches = code.branches.iter().flatten();
    let is_telling = |branch: &&Branch| {
        !branch.is_guard && (!branch.why.is_empty() || is_open(&branch.role, &branch.kind, way))
    };
    let mut told: Vec<&Branch> = branches.filter(is_telling).filter(is_one_way).collect();
    told.sort_by_key(|b| (b.why.is_empty(), !b.in_step, std::cmp::Reverse(b.taken + b.not_taken)));
    told.truncate(most as usize);
    told
}

/// Whether a condition for this use may be told when it went this way. Loops are left by `break`; of those that only leave out a sample, and of
/// those that look for a better score, one way is as it should be.
fn is_open(role: &str, kind: &str, way: Way) -> bool {
    match role {
        "" => way == Way::Never || kind != "while",
        "leaving" => way == Way::Always,
        "best" => way == Way::Never,
        _ => false,
    }
}

/// The finding about one condition.
pub(crate) fn draft(branch: &Branch, way: Way) -> Draft {
    let times = branch.taken + branch.not_taken;
    let word = if way == Way::Always { "always" } else { "never" };
    let what = match branch.kind.as_str() {
        "filter" => "filter ",
        "while" => "loop condition ",
        _ => "",
    };
    let mut message = format!(
        "{what}`{}` at {} is {word} true: {} of {}",
        branch.condition,
        branch.place.at(),
        thousands(branch.taken),
        count_of(times, "time")
    );
    if !branch.values.is_empty() {
        message.push_str(&format!(", with {}", branch.values.join(", ")));
    }
    if !branch.why.is_empty() {
        message.push_str(&format!("; {}", branch.why));
    }
    let (name, value) = match way {
        Way::Always => ("times that it did not hold", branch.not_taken),
        Way::Never => ("times that it held", branch.taken),
    };
    let draft = Draft::new(
        branch.place.to_place(),
        message,
        Evidence::at_least(name, value as f64, 1.0),
        remedy(branch, way),
    );
    let text = format!("> {}", branch.place.text.trim());
    let excerpt = Evidence::Excerpt { path: branch.place.path.clone(), line: branch.place.line, text };
    draft.evidence(excerpt).certainty(if branch.why.is_empty() { 0.5 } else { 0.9 }).topic(format!(
        "{} {}",
        branch.place.at(),
        branch.condition
    ))
}

fn remedy(branch: &Branch, way: Way) -> Remedy {
    if !branch.why.is_empty() {
        return Remedy::advice("compare values of one kind, so that the condition can go both ways");
    }
    Remedy::advice(match way {
        Way::Always => {
            "see whether the condition is meant to hold every time; what hangs on its `else` never runs"
        }
        Way::Never => {
            "see whether the condition can hold at all in a run of this length; what hangs on it has not run"
        }
    })
}
