//! What renderers say in the same words.

use std::time::Duration;

use stetho_core::{
    Document, Finding, Human, Limit, Number, Outcome, Pictured, Place, Remedy, Safety, Severity, count_of,
    thousands,
};

use crate::TableFacts;

/// The first `few` of `items`, and how many more there are: `a, b and 4 more`.
pub(crate) fn list_of(items: &[String], few: usize) -> String {
    let shown = items.len().min(few);
    let text = items[..shown].join(", ");
    match items.len() - shown {
        0 => text,
        rest if shown == 0 => format!("{} in all", thousands(rest as u64)),
        rest => format!("{text} and {} more", thousands(rest as u64)),
    }
}

/// Files that were stepped over, each with the reason.
pub(crate) fn skipped_files(document: &Document) -> Vec<String> {
    let lines = document.facts.get("skipped_files").and_then(serde_json::Value::as_array);
    lines.into_iter().flatten().filter_map(|line| Some(line.as_str()?.to_owned())).collect()
}

/// How long the examination took, in seconds, where that is known.
pub(crate) fn seconds(document: &Document) -> Option<f64> {
    document.facts.get("seconds")?.as_f64().filter(|s| *s > 0.0)
}

/// A picture by its name and why it is shown: `cats/3.jpg (sharpness 0.03)`.
pub(crate) fn picture(picture: &Pictured) -> String {
    let name = picture.index.map_or_else(|| picture.path.clone(), |i| format!("{}[{i}]", picture.path));
    if picture.caption.is_empty() { name } else { format!("{name} ({})", picture.caption) }
}

/// `part` of `whole` from 0 to 1; 0 of nothing.
pub(crate) fn share_of(part: u64, whole: u64) -> f64 {
    part as f64 / whole.max(1) as f64
}

/// What to do, without the `or` by which rules join remedies; renderers list them as alternatives anyway.
pub(crate) fn action(remedy: &Remedy) -> &str {
    remedy.action.strip_prefix("or ").unwrap_or(&remedy.action)
}

/// Why there is no target, as a whole phrase.
pub(crate) fn no_target(reason: &str) -> String {
    if reason.starts_with("no ") { reason.to_owned() } else { format!("none: {reason}") }
}

/// What a remedy risks, if it risks anything.
pub(crate) fn risk(safety: Safety) -> Option<&'static str> {
    match safety {
        Safety::Safe | Safety::Advice => None,
        Safety::Unsafe => Some("changes the data or the training: look first"),
    }
}

/// A value and the limit it broke: `0.98, at most 0.95`.
pub(crate) fn against(value: Number, limit: Limit) -> String {
    let bound = match limit {
        Limit::AtLeast(bound) => format!("at least {}", Human(bound.0)),
        Limit::AtMost(bound) => format!("at most {}", Human(bound.0)),
    };
    format!("{} (expected: {bound})", Human(value.0))
}

/// The severities that occur, worst first, with their counts in words: `2 errors`.
pub(crate) fn counts(document: &Document) -> Vec<(Severity, String)> {
    [Severity::Error, Severity::Warning, Severity::Info]
        .into_iter()
        .filter_map(|s| Some((s, u64::try_from(document.count(s)).ok().filter(|n| *n > 0)?)))
        .map(|(s, n)| {
            (s, if s == Severity::Info { format!("{} info", thousands(n)) } else { count_of(n, s.name()) })
        })
        .collect()
}

/// A report in a few words: `2 errors, 1 warning`.
pub fn summary(document: &Document) -> String {
    let counts: Vec<String> = counts(document).into_iter().map(|(_, text)| text).collect();
    let found = if counts.is_empty() { "nothing found".to_owned() } else { counts.join(", ") };
    if document.partial { format!("{found} (partial: interrupted)") } else { found }
}

/// What to say when there is no finding.
pub(crate) fn nothing_found(document: &Document) -> String {
    match n_ran(document) {
        0 => "no rule could judge this data".into(),
        1 => "nothing found: the rule that ran has nothing to say".into(),
        n => format!("nothing found: none of the {n} rules that ran has anything to say"),
    }
}

/// How many rules ran.
pub(crate) fn n_ran(document: &Document) -> u64 {
    document.outcomes.iter().filter(|o| matches!(o.outcome, Outcome::Ran)).count() as u64
}

/// What to say of a rule that panicked.
pub(crate) fn failure(rule: &str, reason: &str) -> String {
    format!("rule `{rule}` failed: {reason} (a bug of ours: please report it)")
}

/// The largest finite value, or 1 if none is above zero.
pub(crate) fn largest(values: impl Iterator<Item = f64>) -> f64 {
    let most = values.filter(|v| v.is_finite()).fold(0.0, f64::max);
    if most > 0.0 { most } else { 1.0 }
}

/// Skipped rules by reason, in the order of the rule list.
pub(crate) fn skipped(document: &Document) -> Vec<(&str, Vec<String>)> {
    let mut groups: Vec<(&str, Vec<String>)> = Vec::new();
    for outcome in &document.outcomes {
        let Outcome::Skipped { reason } = &outcome.outcome else { continue };
        match groups.iter_mut().find(|(r, _)| r == reason) {
            Some((_, rules)) => rules.push(outcome.rule.clone()),
            None => groups.push((reason, vec![outcome.rule.clone()])),
        }
    }
    groups
}

/// Rules that panicked, with the message.
pub(crate) fn failed(document: &Document) -> impl Iterator<Item = (&str, &str)> {
    document.outcomes.iter().filter_map(|o| match &o.outcome {
        Outcome::Failed { reason } => Some((o.rule.as_str(), reason.as_str())),
        Outcome::Ran | Outcome::Skipped { .. } => None,
    })
}

/// A time span a person reads: `0.42 s`, `3 min 12 s`.
pub(crate) fn duration(seconds: f64) -> String {
    let whole = Duration::try_from_secs_f64(seconds).unwrap_or_default().as_secs();
    match whole {
        0..60 => format!("{seconds:.2} s"),
        60..3600 => format!("{} min {} s", whole / 60, whole % 60),
        _ => format!("{} h {} min", whole / 3600, whole % 3600 / 60),
    }
}

/// The first `most` sentences of `text`.
pub(crate) fn first_sentences(text: &str, most: usize) -> &str {
    let ends = text.match_indices(". ").map(|(at, _)| at + 1);
    let mut ends = ends.filter(|&end| text[end..].trim_start().starts_with(|c: char| !c.is_lowercase()));
    match ends.nth(most.saturating_sub(1)) {
        Some(end) => &text[..end],
        None => text,
    }
}

/// Where a finding is, in lines of words: columns on one line, rows one line a file, and how many more there are.
/// At most `few` of each are named.
pub(crate) fn places(finding: &Finding, few: usize) -> Vec<String> {
    let mut columns = Vec::new();
    let mut others = Vec::new();
    let mut sources = Vec::new();
    let mut lines = Vec::new();
    let mut named = 0;
    let shown = |n: usize| if n <= few.saturating_add(1) { n } else { few };
    for place in &finding.places {
        match place {
            Place::Whole => {}
            Place::Column { name } => columns.push(format!("`{name}`")),
            Place::Pair { a, b } => others.push(format!("`{a}` and `{b}`")),
            Place::Item { path, index, line } => others.push(item(path, *index, *line)),
            Place::Layer { name } => others.push(format!("layer `{name}`")),
            Place::Steps { first, last } if first == last => others.push(format!("step {first}")),
            Place::Steps { first, last } => others.push(format!("steps {first}–{last}")),
            Place::Parameter { name } => others.push(format!("parameter `{name}`")),
            Place::Sample { index, rank, epoch } => others.push(sample(*index, *rank, *epoch)),
            Place::Source { path, line, text } => sources.push(source(path, *line, text)),
            Place::Op { name } => others.push(format!("operation `{name}`")),
            Place::Rows { path, rows, lines: file_lines } => {
                let most = shown(rows.len()).min(few.saturating_add(1).saturating_sub(named as usize));
                if most > 0 {
                    named += most as u64;
                    lines.push(row_words(path, rows, file_lines, most));
                }
            }
        }
    }
    let weight = |is_counted: fn(&Place) -> bool| -> u64 {
        finding.places.iter().filter(|p| is_counted(p)).map(Place::weight).sum()
    };
    let listed = weight(|p| matches!(p, Place::Rows { .. }));
    let elsewhere = weight(|p| matches!(p, Place::Item { .. } | Place::Layer { .. } | Place::Steps { .. }));
    let rest = finding.count.saturating_sub(elsewhere).max(listed).saturating_sub(named);
    if let Some(last) = lines.last_mut().filter(|_| rest > 0) {
        last.push_str(&format!(" and {} more", thousands(rest)));
    }
    if !columns.is_empty() {
        let noun = if columns.len() == 1 { "column" } else { "columns" };
        lines.insert(0, format!("{noun} {}", list_of(&columns, shown(columns.len()))));
    }
    let most = shown(sources.len());
    lines.extend(sources.into_iter().take(most));
    if !others.is_empty() {
        lines.push(list_of(&others, shown(others.len())));
    }
    lines
}

fn sample(index: u64, rank: Option<u64>, epoch: Option<u64>) -> String {
    let mut text = format!("sample {index}");
    if let Some(rank) = rank {
        text.push_str(&format!(" of rank {rank}"));
    }
    if let Some(epoch) = epoch {
        text.push_str(&format!(" in epoch {epoch}"));
    }
    text
}

/// `train.py:37  tw = torch.log(w / 20)`
fn source(path: &str, line: u64, text: &str) -> String {
    if text.is_empty() { format!("{path}:{line}") } else { format!("{path}:{line}  {text}") }
}

fn row_words(path: &str, rows: &[u64], lines: &[u64], most: usize) -> String {
    let list = |numbers: &[u64]| numbers.iter().take(most).map(u64::to_string).collect::<Vec<_>>().join(", ");
    let noun = |word: &str| if most == 1 { word.to_owned() } else { format!("{word}s") };
    let mut text = format!("{path}: {} {}", noun("row"), list(rows));
    if !lines.is_empty() {
        text.push_str(&format!(" ({} {})", noun("line"), list(lines)));
    }
    text
}

fn item(path: &str, index: Option<u64>, line: Option<u64>) -> String {
    let mut text = path.to_owned();
    if let Some(line) = line {
        text.push_str(&format!(":{line}"));
    }
    if let Some(index) = index {
        text.push_str(&format!(" (item {index})"));
    }
    text
}

/// Whether every cell of column `c` is a number, a percentage or empty, so that digits should stand under digits.
pub(crate) fn is_numeric(rows: &[Vec<String>], c: usize) -> bool {
    let is_number = |text: &str| {
        let bare: String = text.chars().filter(|c| !matches!(c, ',' | '%' | ' ' | '~')).collect();
        bare.is_empty() || bare == "∞" || bare == "-∞" || bare.parse::<f64>().is_ok()
    };
    let mut cells = rows.iter().filter_map(|r| r.get(c)).peekable();
    cells.peek().is_some() && cells.all(|t| is_number(t))
}

/// What to type next: about the first finding, and with the target named where it was guessed.
pub(crate) fn next(document: &Document, facts: Option<&TableFacts>) -> Vec<String> {
    let mut commands = Vec::new();
    if let Some(first) = document.findings.first() {
        commands.push(format!("stetho explain {}", quoted(&first.rule)));
    }
    let guess = facts.and_then(|f| Some((&f.command_line, f.target.as_ref().filter(|t| t.is_guessed())?)));
    if let Some((command, target)) = guess.filter(|(command, _)| !command.is_empty()) {
        commands.push(format!("{command} --target {}", quoted(&target.column)));
    }
    commands
}

/// `word` as one word of a POSIX shell.
pub fn quoted(word: &str) -> String {
    let plain = |c: char| c.is_alphanumeric() || "_-./=:,@%+".contains(c);
    if !word.is_empty() && word.chars().all(plain) {
        return word.to_owned();
    }
    format!("'{}'", word.replace('\'', "'\\''"))
}

#[cfg(test)]
mod tests {
    use stetho_core::Evidence;

    use super::*;

    fn finding(places: Vec<Place>, count: u64) -> Finding {
        Finding {
            rule: "r".into(),
            severity: Severity::Info,
            certainty: 1.0,
            message: String::new(),
            why: String::new(),
            count,
            places,
            evidence: vec![Evidence::at_most("x", 1.0, 0.0)],
            remedies: vec![Remedy::advice("y")],
        }
    }

    #[test]
    fn rows_are_named_with_their_lines_and_the_rest_is_counted() {
        let rows = |path: &str, n: u64| Place::Rows {
            path: path.into(),
            rows: (0..n).collect(),
            lines: (2..n + 2).collect(),
        };
        let many = finding(vec![rows("a.csv", 20)], 235);
        assert_eq!(places(&many, 5), ["a.csv: rows 0, 1, 2, 3, 4 (lines 2, 3, 4, 5, 6) and 230 more"]);
        let one = finding(vec![rows("a.csv", 1)], 1);
        assert_eq!(places(&one, 5), ["a.csv: row 0 (line 2)"]);
        let two = finding(vec![rows("a.csv", 2), rows("b.csv", 20)], 22);
        assert_eq!(
            places(&two, 5),
            ["a.csv: rows 0, 1 (lines 2, 3)", "b.csv: rows 0, 1, 2, 3 (lines 2, 3, 4, 5) and 16 more"]
        );
    }

    #[test]
    fn columns_come_first_on_one_line() {
        let names = ["a", "b", "c"].map(Place::column);
        let places = places(&finding([vec![Place::Whole], names.to_vec()].concat(), 3), 1);
        assert_eq!(places, ["columns `a` and 2 more"]);
    }

    #[test]
    fn sentences_end_at_full_stops_before_capitals() {
        assert_eq!(first_sentences("One, i.e. this. Two. Three.", 2), "One, i.e. this. Two.");
        assert_eq!(first_sentences("No end", 2), "No end");
    }

    #[test]
    fn shell_words_are_quoted_where_needed() {
        assert_eq!(quoted("a/b-c.csv"), "a/b-c.csv");
        assert_eq!(quoted("it's a $x"), "'it'\\''s a $x'");
        assert_eq!(quoted(""), "''");
    }

    #[test]
    fn phrases_are_not_said_twice() {
        assert_eq!(action(&Remedy::advice("or weight them")), "weight them");
        assert_eq!(action(&Remedy::advice("order them")), "order them");
        assert_eq!(no_target("no target column"), "no target column");
        assert_eq!(no_target("two columns are alike"), "none: two columns are alike");
    }

    #[test]
    fn durations() {
        assert_eq!(duration(0.424), "0.42 s");
        assert_eq!(duration(192.4), "3 min 12 s");
        assert_eq!(duration(7_260.0), "2 h 1 min");
        assert_eq!(duration(f64::NAN), "NaN s");
    }
}
