//! The table of all rules.

use serde_json::{Value, json};
use stetho_core::RuleInfo;

use crate::text::Screen;
use crate::text::page::{Page, Tone};
use crate::text::severity_tone;

/// Writes one line a rule, family by family: severity, id, what it finds.
pub fn rules_text<'a>(rules: impl IntoIterator<Item = &'a RuleInfo>, screen: Screen) -> String {
    let rules: Vec<&RuleInfo> = rules.into_iter().collect();
    let ids = rules.iter().map(|r| r.id.len()).max().unwrap_or(0);
    let mut page = Page::new(screen);
    let mut family = "";
    for rule in rules {
        if rule.family != family {
            family = rule.family;
            page.gap();
            page.line(0, &[(Tone::Strong, family)]);
        }
        let severity = format!("{:<7}", rule.severity.name());
        let id = format!("  {:<ids$}", rule.id);
        let summary = rule.docs().summary;
        let lead = [(severity_tone(rule.severity), &*severity), (Tone::Strong, &id), (Tone::Plain, "  ")];
        page.paragraph(2, &lead, 2 + 7 + 2 + ids + 2, Tone::Plain, summary.trim_end_matches('.'));
    }
    page.gap();
    page.line(0, &[(Tone::Faint, "read more with "), (Tone::Code, "stetho explain RULE")]);
    page.finish()
}

/// Writes the rules as a JSON array: id, family, severity, what it needs measured, summary, options with defaults.
///
/// # Errors
/// As for [`crate::json()`].
pub fn rules_json<'a>(rules: impl IntoIterator<Item = &'a RuleInfo>) -> Result<String, serde_json::Error> {
    let rule = |rule: &RuleInfo| {
        let docs = rule.docs();
        let defaults = rule.defaults();
        let option = |o: &stetho_core::OptionDoc| {
            let default = defaults.get(&o.name).cloned().unwrap_or_default();
            json!({"name": o.name, "default": default, "doc": o.doc})
        };
        json!({
            "id": rule.id,
            "family": rule.family,
            "severity": rule.severity,
            "needs": rule.signals.iter().map(|s| s.name()).collect::<Vec<_>>(),
            "summary": docs.summary,
            "options": docs.options.iter().map(option).collect::<Vec<_>>(),
        })
    };
    let rules: Vec<Value> = rules.into_iter().map(rule).collect();
    Ok(serde_json::to_string_pretty(&rules)? + "\n")
}
