//! The report as JSON: the document itself.

use stetho_core::Document;

use crate::text::layout::is_hidden;

/// Writes `document` as indented JSON that ends in a line break. Reading it back gives the same document.
///
/// Characters that a terminal could take as a command are written as `\u` escapes, so that printing a report is
/// harmless whatever the data holds.
///
/// # Errors
/// Never for a document made by Stetho; the facts are free-form, and a key that is not text could not be written.
pub fn json(document: &Document) -> Result<String, serde_json::Error> {
    Ok(escaped(serde_json::to_string_pretty(document)?) + "\n")
}

/// Escapes hidden characters in JSON text. JSON's own white space is not touched; all others are inside strings.
pub(crate) fn escaped(json: String) -> String {
    let escape = |c: char| c != '\n' && is_hidden(c);
    if !json.contains(escape) {
        return json;
    }
    let mut out = String::with_capacity(json.len() + 64);
    let mut units = [0; 2];
    for c in json.chars() {
        if escape(c) {
            out.extend(c.encode_utf16(&mut units).iter().map(|unit| format!("\\u{unit:04x}")));
        } else {
            out.push(c);
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hidden_characters_survive_as_escapes() {
        let word = "a\u{9b}\u{202e}\n\u{1b}b";
        let json = escaped(serde_json::to_string_pretty(&[word]).unwrap());
        assert!(json.chars().all(|c| c == '\n' || !is_hidden(c)), "{json}");
        assert_eq!(serde_json::from_str::<Vec<String>>(&json).unwrap(), [word]);
    }
}
