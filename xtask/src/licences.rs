//! `cargo xtask licences`: every dependency may be used under a licence of a short list.

use anyhow::{Context, Result, bail};
use serde_json::Value;

use crate::shell;

/// Licences that ask for no more than attribution.
const ALLOWED: [&str; 11] = [
    "0BSD",
    "Apache-2.0",
    "Apache-2.0 WITH LLVM-exception",
    "BSD-2-Clause",
    "BSD-3-Clause",
    "BSL-1.0",
    "CC0-1.0",
    "MIT",
    "Unicode-3.0",
    "Unlicense",
    "Zlib",
];

/// Packages that name no licence in their manifest but bring the text of one, which was read.
const READ: [(&str, &str); 1] = [("forust-ml", "Apache-2.0")];

pub(crate) fn run() -> Result<()> {
    let metadata = shell::metadata()?;
    let packages =
        metadata.get("packages").and_then(Value::as_array).context("no packages in the metadata")?;
    let refused: Vec<_> = packages.iter().filter_map(refusal).collect();
    if refused.is_empty() {
        println!("the licences of {} packages are on the list", packages.len());
        return Ok(());
    }
    bail!("{} packages may not be used:\n  {}", refused.len(), refused.join("\n  "))
}

/// Why a package may not be used.
fn refusal(package: &Value) -> Option<String> {
    let text = |key: &str| package.get(key).and_then(Value::as_str);
    let name = text("name").unwrap_or("unnamed");
    match text("license") {
        Some(licence) if is_allowed(licence) => None,
        Some(licence) => Some(format!("{name}: `{licence}` is not on the list")),
        None if READ.iter().any(|(read, licence)| *read == name && ALLOWED.contains(licence)) => None,
        None => Some(format!("{name}: no licence is given")),
    }
}

/// Whether an SPDX expression can be met with the licences of the list. The old `/` is read as `OR`.
fn is_allowed(expression: &str) -> bool {
    let spaced = expression.replace('/', " OR ").replace('(', " ( ").replace(')', " ) ");
    let words: Vec<&str> = spaced.split_whitespace().collect();
    let mut rest = words.as_slice();
    either(&mut rest) && rest.is_empty()
}

fn either(rest: &mut &[&str]) -> bool {
    let mut holds = both(rest);
    while let Some(after) = rest.strip_prefix(&["OR"]) {
        *rest = after;
        holds |= both(rest);
    }
    holds
}

fn both(rest: &mut &[&str]) -> bool {
    let mut holds = one(rest);
    while let Some(after) = rest.strip_prefix(&["AND"]) {
        *rest = after;
        holds &= one(rest);
    }
    holds
}

fn one(rest: &mut &[&str]) -> bool {
    match **rest {
        ["(", ref after @ ..] => {
            *rest = after;
            let holds = either(rest);
            let Some(after) = rest.strip_prefix(&[")"]) else { return false };
            *rest = after;
            holds
        }
        [name, "WITH", exception, ref after @ ..] => {
            *rest = after;
            ALLOWED.contains(&format!("{name} WITH {exception}").as_str())
        }
        [name, ref after @ ..] => {
            *rest = after;
            ALLOWED.contains(&name)
        }
        [] => false,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn expressions_are_read() {
        for allowed in [
            "MIT",
            "MIT/Apache-2.0",
            "GPL-3.0 OR MIT",
            "(Apache-2.0 OR GPL-2.0) AND BSD-3-Clause",
            "Apache-2.0 WITH LLVM-exception",
            "MIT AND (Zlib OR X)",
        ] {
            assert!(is_allowed(allowed), "{allowed}");
        }
        for refused in
            ["GPL-3.0", "MIT AND GPL-3.0", "Apache-2.0 WITH Strings", "", "(MIT", "MIT)", "MIT MIT", "OR"]
        {
            assert!(!is_allowed(refused), "{refused}");
        }
    }

    #[test]
    fn packages_without_a_licence_are_refused() {
        assert_eq!(refusal(&json!({"name": "a", "license": "MIT"})), None);
        assert_eq!(refusal(&json!({"name": "a", "license": null})).unwrap(), "a: no licence is given");
        let refused = refusal(&json!({"name": "a", "license": "SSPL-1.0"})).unwrap();
        assert_eq!(refused, "a: `SSPL-1.0` is not on the list");
    }
}
