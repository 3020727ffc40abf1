//! Names that a person typed, and what was probably meant.

use anyhow::{Result, bail};

/// Names that are near to `word`, nearest first; at most three.
pub(crate) fn nearest<'a>(word: &str, names: impl IntoIterator<Item = &'a str>) -> Vec<&'a str> {
    let word = word.to_lowercase().replace('_', "-");
    let mut near: Vec<(f64, &str)> = names
        .into_iter()
        .map(|name| (similarity(&word, name), name))
        .filter(|(similarity, _)| *similarity >= 0.55)
        .collect();
    near.sort_by(|a, b| b.0.total_cmp(&a.0));
    near.into_iter().take(3).map(|(_, name)| name).collect()
}

/// From 0 to 1: the share of letters that stay when one becomes the other, or more where one contains the other.
fn similarity(word: &str, name: &str) -> f64 {
    let edits = strsim::normalized_damerau_levenshtein(word, name);
    if word.len() >= 4 && (name.contains(word) || word.contains(name)) { edits.max(0.8) } else { edits }
}

/// `; did you mean …?` for what is near to `word`, and otherwise `fallback`.
pub(crate) fn hint<'a>(word: &str, names: impl IntoIterator<Item = &'a str>, fallback: &str) -> String {
    let near: Vec<String> = nearest(word, names).iter().map(|name| format!("`{name}`")).collect();
    match near.as_slice() {
        [] => format!("; {fallback}"),
        [one] => format!("; did you mean {one}?"),
        [most @ .., last] => format!("; did you mean {} or {last}?", most.join(", ")),
    }
}

/// Fails, naming near ones, unless every one of `names` is a rule.
pub(crate) fn check_rules(names: &[String]) -> Result<()> {
    for name in names {
        if stetho_rules::find(name).is_none() {
            bail!("there is no rule `{name}`{}", rule_hint(name));
        }
    }
    Ok(())
}

/// The hint for a rule that does not exist.
pub(crate) fn rule_hint(name: &str) -> String {
    hint(name, stetho_rules::all().map(|rule| rule.id), "`stetho rules` lists them")
}

#[cfg(test)]
mod tests {
    use super::*;

    const NAMES: [&str; 4] = ["duplicate-rows", "malformed-rows", "missing-values", "class-imbalance"];

    #[test]
    fn near_names_are_found() {
        assert_eq!(nearest("duplicate-row", NAMES).first(), Some(&"duplicate-rows"));
        assert_eq!(nearest("Duplicate_Rows", NAMES).first(), Some(&"duplicate-rows"));
        assert_eq!(nearest("imbalance", NAMES), ["class-imbalance"]);
        assert!(nearest("zebra", NAMES).is_empty());
    }

    #[test]
    fn hints_read_well() {
        assert_eq!(hint("imbalance", NAMES, "none"), "; did you mean `class-imbalance`?");
        assert_eq!(hint("zebra", NAMES, "see `stetho rules`"), "; see `stetho rules`");
    }
}
