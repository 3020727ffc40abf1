//! What a trap found, as a finding: which operation, at which line, for which samples, and why.

use std::fmt::Write as _;

use stetho_core::run::{
    Action, Explained, Operand, Phase, ReplayOutcome, Run, Trap, TrapDetails, TrapKind, TrapSample,
};
use stetho_core::{Draft, Evidence, Human, Number, Place, Remedy, Report};

use crate::culprits;
use crate::guards::guards;
use crate::show::{list, listing};

/// Samples and parameters that a message names.
const NAMED: usize = 3;
/// Lines of the script that are quoted before and after the one in question.
const AROUND: u64 = 2;

/// Whether the run was trapped by a number that is none: then that is the story, and what the series show of it is not told again.
fn is_trapped(run: &Run) -> bool {
    run.traps.iter().any(|trap| trap.kind != TrapKind::Spike)
}

/// Raises what the traps of one kind found; whether anything is left for the series to tell.
pub(crate) fn raise(run: &Run, kind: TrapKind, report: &mut Report) -> bool {
    drafts(run, run.traps.iter().filter(|trap| trap.kind == kind))
        .into_iter()
        .for_each(|draft| report.raise(draft));
    !is_trapped(run)
}

/// Raises the spikes for which samples are to blame, fewer than half of their batch; whether there are any.
pub(crate) fn raise_spikes(run: &Run, report: &mut Report) -> bool {
    let is_explained = |trap: &&Trap| {
        let n = trap.details.n_samples.unwrap_or(0).max(trap.details.samples.len() as u64);
        trap.kind == TrapKind::Spike
            && n > 0
            && trap.details.batch_size.is_none_or(|batch| 2 * n < batch || batch == 1)
    };
    let drafts = drafts(run, run.traps.iter().filter(is_explained));
    let is_any = !drafts.is_empty();
    drafts.into_iter().for_each(|draft| report.raise(draft));
    is_any
}

/// Traps, those at the same operation and line as one finding, in the order of time.
fn drafts<'a>(run: &Run, traps: impl Iterator<Item = &'a Trap>) -> Vec<Draft> {
    let traps: Vec<&Trap> = traps.collect();
    // Ranks share their gradients: one that has only got what another made knows no operation.
    let knows = |trap: &Trap| !trap.details.op.is_empty();
    let is_told = |trap: &&&Trap| knows(trap) || !traps.iter().any(|o| o.step == trap.step && knows(o));
    let mut groups: Vec<Vec<&Trap>> = Vec::new();
    for &trap in traps.iter().filter(is_told) {
        match groups.iter_mut().find(|group| key(group[0]) == key(trap)) {
            Some(group) => group.push(trap),
            None => groups.push(vec![trap]),
        }
    }
    groups.iter().map(|group| draft(run, group)).collect()
}

/// What makes two traps the same.
fn key(trap: &Trap) -> (&str, &str, u64, &str) {
    let source = trap.details.source.as_ref();
    (
        &trap.details.op,
        source.map_or("", |s| s.path.as_str()),
        source.map_or(0, |s| s.line),
        if source.is_none() { trap.details.module.as_str() } else { "" },
    )
}

fn draft(run: &Run, group: &[&Trap]) -> Draft {
    let trap = group[0];
    let details = &trap.details;
    let mut places = places(group).into_iter();
    let first = places.next().unwrap_or(Place::Whole);
    let mut remedies = remedies(run, trap).into_iter();
    let remedy = remedies.next().unwrap_or_else(|| {
        Remedy::advice("run the step again in the debugger: `stetho run --break nonfinite`")
    });
    let measure = match (trap.kind, details.level, details.swing, &details.loss) {
        (TrapKind::Spike, Some(level), Some(swing), Some(loss)) => {
            let apart = (loss.value.0 - level.0) / swing.0.max(f64::MIN_POSITIVE);
            Evidence::at_most("height of the loss in usual distances from its level", apart, 15.0)
        }
        _ => Evidence::at_most("batches that it happened with", group.len() as f64, 0.0),
    };
    let mut draft = Draft::new(first, message(run, group), measure, remedy).places(places);
    for evidence in evidence(run, trap) {
        draft = draft.evidence(evidence);
    }
    for remedy in remedies {
        draft = draft.remedy(remedy);
    }
    if details.replay.outcome == ReplayOutcome::Different {
        draft = draft.certainty(0.8);
    }
    let (op, path, line, _) = key(trap);
    draft.count(group.len() as u64).topic(format!("{op} {path} {line}"))
}

/// `loss` is infinite at step 41: the log of 0 in `torch.log(w / 20)` at train.py:37, made by sample 310
fn message(run: &Run, group: &[&Trap]) -> String {
    let trap = group[0];
    let mut text = what(run, trap);
    let (how, at) = (how(trap), place_words(&trap.details));
    if !how.is_empty() || !at.is_empty() {
        let _ = write!(text, ": {how}{at}");
    }
    let who = who(group);
    if !who.is_empty() {
        let _ = write!(text, ", made by {who}");
    }
    if !trap.details.detail.is_empty() {
        let _ = write!(text, "; {}", trap.details.detail);
    }
    for Explained { rule, message, .. } in trap.details.explained_by.iter().take(1) {
        let _ = write!(text, "; {message} ({rule})");
    }
    if group.len() > 1 {
        let _ = write!(
            text,
            "; {} batches in all, the last at {} {}",
            group.len(),
            run.unit,
            group[group.len() - 1].step
        );
    }
    if trap.details.action == Action::Skipped {
        text.push_str("; such batches were dropped");
    }
    text + &doubt(&trap.details)
}

/// What went wrong, and when.
fn what(run: &Run, trap: &Trap) -> String {
    let details = &trap.details;
    let at = format!("{} {}", run.unit, trap.step);
    let parameters: Vec<&str> = details.parameters.iter().map(String::as_str).collect();
    let loss = details.loss.as_ref().map_or("the loss".to_owned(), |l| format!("`{}`", l.name));
    match trap.kind {
        TrapKind::Loss => {
            let value = details.loss.as_ref().map_or(f64::NAN, |l| l.value.0);
            let term = if details.term.is_empty() {
                String::new()
            } else {
                format!(", by its term `{}`,", details.term)
            };
            format!("{loss} is {}{term} at {at}", broken_word(value))
        }
        TrapKind::Gradient => {
            let of = if parameters.is_empty() {
                String::new()
            } else {
                format!(" of {}", listing(&parameters, NAMED))
            };
            format!("the gradient{of} is no number at {at}, while the loss is one")
        }
        TrapKind::Parameter => {
            let of =
                if parameters.is_empty() { "parameters".to_owned() } else { listing(&parameters, NAMED) };
            format!(
                "{of} stop being numbers in the step of the optimizer at {at}, while loss and gradient are numbers"
            )
        }
        TrapKind::Spike => {
            let value = details.loss.as_ref().map_or(f64::NAN, |l| l.value.0);
            let level = details.level.map_or_else(String::new, |level| format!(" from {}", Human(level.0)));
            format!("{loss} jumps{level} to {} at {at}", Human(value))
        }
    }
}

fn broken_word(value: f64) -> &'static str {
    if value.is_infinite() { "infinite" } else { "NaN" }
}

/// Cause and operation.
fn how(trap: &Trap) -> String {
    let details = &trap.details;
    let cause = details.cause.words();
    let pass = if trap.phase == Phase::Backward { " in the backward pass" } else { "" };
    match (cause.is_empty(), details.op.is_empty()) {
        (true, true) => String::new(),
        (true, false) => format!("`{}` makes it{pass}", details.op),
        (false, true) => cause.to_owned(),
        (false, false) => format!("{cause} (`{}`{pass})", details.op),
    }
}

/// ` in `torch.log(w / 20)`, train.py:37, module `head``
fn place_words(details: &TrapDetails) -> String {
    let mut text = String::new();
    if let Some(source) = &details.source {
        let shown = if source.expression.is_empty() { source.text.trim() } else { source.expression.trim() };
        if !shown.is_empty() && shown.len() <= 80 && !shown.contains('\n') {
            let _ = write!(text, " in `{shown}`");
        }
        let _ = write!(text, " at {}:{}", source.path, source.line);
    }
    if !details.module.is_empty() {
        let _ = write!(text, " in module `{}`", details.module);
    }
    text
}

/// The samples: by their index in the data set, or else by their row in the batch.
fn who(group: &[&Trap]) -> String {
    let samples: Vec<&TrapSample> = group.iter().flat_map(|trap| &trap.details.samples).collect();
    let mut known: Vec<u64> = samples.iter().filter_map(|s| s.index).collect();
    let mut seen = Vec::new();
    known.retain(|index| {
        !seen.contains(index) && {
            seen.push(*index);
            true
        }
    });
    let (numbers, noun): (Vec<String>, &str) = if known.is_empty() {
        let rows = group[0].details.samples.iter().map(|s| s.row.to_string()).collect();
        (rows, "row")
    } else {
        (known.iter().map(u64::to_string).collect(), "sample")
    };
    let batch = group[0].details.batch_size;
    let all = group[0].details.n_samples.unwrap_or(0).max(group[0].details.samples.len() as u64);
    if batch.is_some_and(|n| n > 1 && all >= n) && group.len() == 1 {
        return "every sample of the batch".to_owned();
    }
    match numbers.as_slice() {
        [] => String::new(),
        [one] => {
            let row = samples
                .first()
                .filter(|_| noun == "sample")
                .map(|s| format!(" (row {} of the batch)", s.row));
            format!("{noun} {one}{}", row.unwrap_or_else(|| " of the batch".to_owned()))
        }
        many => {
            let shown = many.iter().take(NAMED).cloned().collect::<Vec<_>>().join(", ");
            let rest = many.len().saturating_sub(NAMED);
            let more = if rest > 0 { format!(" and {rest} more") } else { String::new() };
            format!("{noun}s {shown}{more}")
        }
    }
}

/// What is not certain.
fn doubt(details: &TrapDetails) -> String {
    let why =
        if details.replay.why.is_empty() { String::new() } else { format!(" ({})", details.replay.why) };
    match details.replay.outcome {
        ReplayOutcome::Different => {
            format!("; the step run again gave another loss{why}, so this is likely, not certain")
        }
        ReplayOutcome::Failed => format!("; the step could not be run again{why}"),
        ReplayOutcome::Exact if details.compiled => {
            "; the step is compiled, and was run again without that".to_owned()
        }
        ReplayOutcome::Exact | ReplayOutcome::None => String::new(),
    }
}

fn places(group: &[&Trap]) -> Vec<Place> {
    let details = &group[0].details;
    let mut places = Vec::new();
    if let Some(source) = &details.source {
        places.push(Place::source(source.path.clone(), source.line, &source.text));
    }
    if !details.op.is_empty() {
        places.push(Place::Op { name: details.op.clone() });
    }
    for trap in group {
        for sample in &trap.details.samples {
            let Some(index) = sample.index else { continue };
            let place =
                Place::Sample { index, rank: sample.rank, epoch: sample.epoch.or(trap.details.epoch) };
            let is_known = |p: &Place| matches!(p, Place::Sample { index: known, .. } if *known == index);
            if !places.iter().any(is_known) {
                places.push(place);
            }
        }
    }
    if !details.module.is_empty() {
        places.push(Place::layer(details.module.clone()));
    }
    places.extend(details.parameters.iter().map(|name| Place::Parameter { name: name.clone() }));
    places.extend(group.iter().map(|trap| Place::steps(trap.step, trap.step)));
    places
}

fn evidence(run: &Run, trap: &Trap) -> Vec<Evidence> {
    let details = &trap.details;
    let mut all: Vec<Evidence> = excerpt(details).into_iter().collect();
    all.extend(culprits::values(details));
    all.extend(culprits::pictures(details));
    if !details.inputs.is_empty() || !details.output.is_empty() {
        let rows = details.inputs.iter().map(|Operand { name, text }| [name.clone(), text.clone()]);
        let output = (!details.output.is_empty()).then(|| ["result".to_owned(), details.output.clone()]);
        all.push(Evidence::table("what the operation works on", ["operand", "values"], rows.chain(output)));
    }
    if details.terms.len() > 1 {
        let rows = details.terms.iter().map(|t| [t.name.clone(), Human(t.value.0).to_string()]);
        all.push(Evidence::table("terms of the loss at this step", ["term", "value"], rows));
    }
    if let (Some(without), Some(loss)) = (details.without, &details.loss) {
        let rows = [("whole batch", loss.value), ("without these samples", without)]
            .map(|(name, value)| [name.to_owned(), Human(value.0).to_string()]);
        all.push(Evidence::table("loss of the batch", ["batch", "loss"], rows));
    }
    let recent = |(step, value): &(u64, Number)| [*step as f64, value.0];
    if details.recent.iter().filter(|(_, value)| value.0.is_finite()).count() > 1 {
        let line = (
            details.loss.as_ref().map_or("loss".to_owned(), |l| l.name.clone()),
            details.recent.iter().map(recent).collect(),
        );
        all.push(Evidence::curves("loss of the last steps", run.unit, [line]));
    }
    all
}

/// The lines of the script, the one in question marked.
fn excerpt(details: &TrapDetails) -> Option<Evidence> {
    let source = details.source.as_ref()?;
    let quote = source.excerpt.as_ref();
    let (first, text) = quote.map_or((source.line, source.text.as_str()), |q| (q.line, q.text.as_str()));
    if text.is_empty() {
        return None;
    }
    let mark = |(i, line): (usize, &str)| {
        let is_it = first + i as u64 == source.line;
        format!("{} {line}", if is_it { ">" } else { " " })
    };
    let is_near = |(i, _): &(usize, &str)| (first + *i as u64).abs_diff(source.line) <= AROUND;
    let before = text.lines().enumerate().take_while(|line| !is_near(line)).count() as u64;
    let text = text.lines().enumerate().filter(is_near).map(mark).collect::<Vec<_>>().join("\n");
    Some(Evidence::Excerpt { path: source.path.clone(), line: first + before, text })
}

fn remedies(run: &Run, trap: &Trap) -> Vec<Remedy> {
    let details = &trap.details;
    let mut all = Vec::new();
    if let Some(explained) = details.explained_by.first() {
        let rules: Vec<&str> = details.explained_by.iter().map(|e| e.rule.as_str()).collect();
        let mut rules = rules;
        rules.dedup();
        all.push(
            Remedy::risky(format!("drop what {} finds from the data", list(&rules)))
                .command(format!("stetho prepare DATA --out CLEAN --drop {}", explained.rule)),
        );
    }
    all.extend(guards(details));
    let samples: Vec<String> =
        details.samples.iter().filter_map(|s| s.index).take(8).map(|i| i.to_string()).collect();
    if !samples.is_empty() {
        let noun = if samples.len() == 1 { "sample" } else { "samples" };
        all.push(Remedy::advice(format!(
            "look at {noun} {} of the data set, and leave such samples out where it is made",
            samples.join(", ")
        )));
    }
    if !details.bundle.is_empty() {
        all.push(Remedy::safe("run this step again in the debugger").command(format!(
            "stetho replay {}/{} --pdb",
            run.name.trim_end_matches('/'),
            details.bundle
        )));
    }
    all
}
