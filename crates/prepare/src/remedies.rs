//! What `--drop` can drop: rules whose findings name things that can be left out.

use stetho_read::DataKind;

use crate::PrepareError;

/// Short words for rules, with the rule of tables, of pictures and of boxes.
const ALIASES: [(&str, [Option<&str>; 3]); 8] = [
    ("duplicates", [Some("duplicate-rows"), Some("duplicate-images"), Some("duplicate-box")]),
    ("conflicting", [Some("conflicting-labels"), Some("image-conflicting-labels"), Some("conflicting-box")]),
    ("unreadable", [Some("malformed-rows"), Some("unreadable-image"), None]),
    ("overlap", [Some("split-overlap"), Some("image-split-overlap"), None]),
    ("unlabelled", [Some("missing-labels"), None, None]),
    ("near-duplicates", [None, Some("near-duplicate-images"), None]),
    ("degenerate", [None, None, Some("degenerate-box")]),
    ("tiny", [None, None, Some("tiny-box")]),
];

const TABLE: &[&str] = &[
    "duplicate-rows",
    "conflicting-labels",
    "split-overlap",
    "missing-labels",
    "non-finite-values",
    "malformed-rows",
    "constant-column",
    "id-like-column",
    "target-leakage",
];
const IMAGES: &[&str] = &[
    "unreadable-image",
    "duplicate-images",
    "near-duplicate-images",
    "image-split-overlap",
    "image-conflicting-labels",
    "low-information-image",
    "blurry-image",
    "dark-image",
    "bright-image",
];
const BOXES: &[&str] = &[
    "degenerate-box",
    "box-out-of-image",
    "duplicate-box",
    "conflicting-box",
    "tiny-box",
    "giant-box",
    "unknown-class",
];

/// Rules of tables whose culprits are columns.
pub(crate) const OF_COLUMNS: &[&str] = &["constant-column", "id-like-column", "target-leakage"];

fn family(kind: DataKind) -> (usize, &'static str, &'static [&'static str]) {
    match kind {
        DataKind::Table => (0, "tables", TABLE),
        DataKind::Images => (1, "pictures", IMAGES),
        DataKind::Boxes(_) => (2, "boxes", BOXES),
    }
}

/// Every word that `--drop` understands.
pub fn droppable() -> impl Iterator<Item = &'static str> {
    let aliases = ALIASES.iter().map(|(alias, _)| *alias);
    aliases.chain(TABLE.iter().chain(IMAGES).chain(BOXES).copied())
}

/// The rules that `words` mean for data of this kind, each once.
pub(crate) fn resolve(words: &[String], kind: DataKind) -> Result<Vec<&'static str>, PrepareError> {
    let (at, name, known) = family(kind);
    let mut rules: Vec<&'static str> = Vec::new();
    for word in words {
        let alias = ALIASES.iter().find(|(alias, _)| alias == word);
        let rule = match alias {
            Some((_, meanings)) => meanings.get(at).copied().flatten(),
            None => known.iter().copied().find(|rule| rule == word),
        };
        let Some(rule) = rule else {
            let list = known.iter().map(|rule| format!("`{rule}`")).collect::<Vec<_>>().join(", ");
            let problem = if alias.is_some() || stetho_rules::find(word).is_some() {
                format!("`{word}` finds nothing in {name} that can be dropped")
            } else {
                format!("there is no rule `{word}`")
            };
            return PrepareError::request(format!(
                "--drop: {problem}; what can be dropped of {name}: {list}"
            ));
        };
        if !rules.contains(&rule) {
            rules.push(rule);
        }
    }
    Ok(rules)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_word_is_a_rule_or_means_one() {
        for word in TABLE.iter().chain(IMAGES).chain(BOXES) {
            assert!(stetho_rules::find(word).is_some(), "{word}");
        }
        for (alias, meanings) in ALIASES {
            for (at, known) in [TABLE, IMAGES, BOXES].into_iter().enumerate() {
                assert!(meanings[at].is_none_or(|rule| known.contains(&rule)), "{alias}");
            }
        }
    }

    #[test]
    fn a_word_means_a_rule_of_the_family() {
        let words = ["duplicates".to_owned()];
        assert_eq!(resolve(&words, DataKind::Table).unwrap(), ["duplicate-rows"]);
        assert_eq!(resolve(&words, DataKind::Images).unwrap(), ["duplicate-images"]);
        let wrong = resolve(&["degenerate".to_owned()], DataKind::Table).unwrap_err().to_string();
        assert!(wrong.contains("finds nothing in tables that can be dropped"), "{wrong}");
    }
}
