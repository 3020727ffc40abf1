//! The report as SARIF 2.1.0 (OASIS standard), for code-scanning services and editors.

use serde_json::{Value, json};
use stetho_core::{Document, Finding, Outcome, Place, RuleInfo, Severity};

use crate::json::escaped;
use crate::words;

/// Writes `document` as a SARIF log with one run. `rules` is the table of rules that results refer to.
///
/// A result's location is a line of a file where the finding has rows or items, and the first file of the subject
/// otherwise, for services that show no result without a file; columns are logical locations.
///
/// # Errors
/// As for [`crate::json()`].
pub fn sarif<'a>(
    document: &Document,
    rules: impl IntoIterator<Item = &'a RuleInfo>,
) -> Result<String, serde_json::Error> {
    let rules: Vec<&RuleInfo> = rules.into_iter().collect();
    let results: Vec<Value> = document.findings.iter().map(|f| result(document, f, &rules)).collect();
    let log = json!({
        "$schema": "https://json.schemastore.org/sarif-2.1.0.json",
        "version": "2.1.0",
        "runs": [{
            "tool": {"driver": {
                "name": "stetho",
                "version": document.stetho,
                "semanticVersion": document.stetho,
                "rules": rules.iter().map(|rule| descriptor(rule)).collect::<Vec<_>>(),
            }},
            "columnKind": "unicodeCodePoints",
            "invocations": [invocation(document)],
            "results": results,
            "properties": {"partial": document.partial, "facts": document.facts},
        }],
    });
    Ok(escaped(serde_json::to_string_pretty(&log)?) + "\n")
}

fn descriptor(rule: &RuleInfo) -> Value {
    let docs = rule.docs();
    json!({
        "id": rule.id,
        "shortDescription": {"text": or(&docs.summary, rule.id)},
        "fullDescription": {"text": or(&docs.why, rule.id)},
        "help": {"text": or(&docs.remedy, rule.id), "markdown": or(&docs.body, rule.id)},
        "defaultConfiguration": {"level": level(rule.severity)},
        "properties": {"tags": [rule.family]},
    })
}

/// The standard asks for text that is not empty.
fn or<'a>(text: &'a str, otherwise: &'a str) -> &'a str {
    if text.is_empty() { otherwise } else { text }
}

fn level(severity: Severity) -> &'static str {
    match severity {
        Severity::Error => "error",
        Severity::Warning => "warning",
        Severity::Info => "note",
    }
}

fn result(document: &Document, finding: &Finding, rules: &[&RuleInfo]) -> Value {
    let mut locations: Vec<Value> = finding.places.iter().flat_map(physical).collect();
    let logical: Vec<Value> = finding.places.iter().flat_map(logical).collect();
    if let (true, Some(path)) = (locations.is_empty(), document.subject.paths.first()) {
        locations.push(location(path, None));
    }
    if let Some(Value::Object(first)) = locations.first_mut().filter(|_| !logical.is_empty()) {
        first.insert("logicalLocations".into(), logical.into());
    }
    let mut result = json!({
        "ruleId": finding.rule,
        "level": level(finding.severity),
        "rank": finding.certainty * 100.0,
        "message": {"text": or(or(&finding.message, &finding.rule), "a finding")},
        "locations": locations,
        "occurrenceCount": finding.count.max(1),
        "properties": {
            "why": finding.why,
            "evidence": finding.evidence,
            "remedies": finding.remedies,
        },
    });
    if let Some(index) = rules.iter().position(|rule| rule.id == finding.rule) {
        result["ruleIndex"] = index.into();
    }
    result
}

fn physical(place: &Place) -> Vec<Value> {
    match place {
        Place::Rows { path, lines, .. } if lines.is_empty() => vec![location(path, None)],
        Place::Rows { path, lines, .. } => lines.iter().map(|line| location(path, Some(*line))).collect(),
        Place::Item { path, line, .. } => vec![location(path, *line)],
        Place::Source { path, line, .. } => vec![location(path, Some(*line))],
        Place::Whole
        | Place::Column { .. }
        | Place::Pair { .. }
        | Place::Layer { .. }
        | Place::Steps { .. }
        | Place::Parameter { .. }
        | Place::Sample { .. }
        | Place::Op { .. } => Vec::new(),
    }
}

fn logical(place: &Place) -> Vec<Value> {
    let named = |name: &str, kind: &str| json!({"name": name, "kind": kind});
    match place {
        Place::Column { name } | Place::Layer { name } | Place::Parameter { name } => {
            vec![named(name, "member")]
        }
        Place::Op { name } => vec![named(name, "function")],
        Place::Sample { index, .. } => vec![named(&format!("sample {index}"), "object")],
        Place::Pair { a, b } => vec![named(a, "member"), named(b, "member")],
        Place::Steps { first, last } => vec![named(&format!("steps {first}–{last}"), "object")],
        Place::Whole | Place::Rows { .. } | Place::Item { .. } | Place::Source { .. } => Vec::new(),
    }
}

fn location(path: &str, line: Option<u64>) -> Value {
    let mut physical = json!({"artifactLocation": {"uri": uri(path)}});
    if let Some(line) = line {
        physical["region"] = json!({"startLine": line.max(1)});
    }
    json!({"physicalLocation": physical})
}

/// `path` as a URI reference: percent-encoded UTF-8, forward slashes, `file://` where absolute (RFC 3986, RFC 8089).
fn uri(path: &str) -> String {
    let path = if cfg!(windows) { path.replace('\\', "/") } else { path.to_owned() };
    let has_drive = cfg!(windows) && path.as_bytes().get(1) == Some(&b':');
    let mut uri = if has_drive {
        "file:///".to_owned()
    } else if path.starts_with('/') {
        "file://".to_owned()
    } else {
        String::new()
    };
    for byte in path.bytes() {
        let plain = byte.is_ascii_alphanumeric() || b"-._~/".contains(&byte) || (has_drive && byte == b':');
        if plain {
            uri.push(char::from(byte));
        } else {
            uri.push_str(&format!("%{byte:02X}"));
        }
    }
    uri
}

fn invocation(document: &Document) -> Value {
    let failed: Vec<Value> = words::failed(document)
        .map(|(rule, reason)| {
            json!({"level": "error", "message": {"text": format!("rule `{rule}` failed: {reason}")}})
        })
        .collect();
    let skipped: Vec<Value> = document
        .outcomes
        .iter()
        .filter_map(|o| match &o.outcome {
            Outcome::Skipped { reason } => Some(json!({
                "level": "note",
                "message": {"text": format!("rule `{}` was skipped: {reason}", o.rule)},
            })),
            Outcome::Ran | Outcome::Failed { .. } => None,
        })
        .collect();
    json!({
        "executionSuccessful": !document.partial,
        "toolExecutionNotifications": failed,
        "toolConfigurationNotifications": skipped,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_become_uri_references() {
        assert_eq!(uri("data/a b.csv"), "data/a%20b.csv");
        assert_eq!(uri("/data/ü.csv"), "file:///data/%C3%BC.csv");
        assert_eq!(uri("a:b?#.csv"), "a%3Ab%3F%23.csv");
    }
}
