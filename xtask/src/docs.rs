//! `cargo xtask docs`: a page a rule and an index, from the rules' own documentation.

use std::collections::BTreeMap;
use std::fmt::Write;
use std::fs;
use std::path::Path;

use anyhow::{Context, Result, bail};
use stetho_core::RuleInfo;

use crate::shell;

/// The folder of the generated pages, from the root.
const FOLDER: &str = "docs/rules";

/// Writes the pages and removes those of rules that are gone.
pub(crate) fn write() -> Result<()> {
    let folder = shell::root().join(FOLDER);
    fs::create_dir_all(&folder).with_context(|| format!("cannot make {FOLDER}"))?;
    let pages = pages();
    for name in present(&folder)?.keys().filter(|name| !pages.contains_key(*name)) {
        fs::remove_file(folder.join(name)).with_context(|| format!("cannot remove {FOLDER}/{name}"))?;
    }
    for (name, text) in &pages {
        fs::write(folder.join(name), text).with_context(|| format!("cannot write {FOLDER}/{name}"))?;
    }
    println!("wrote {} pages to {FOLDER}", pages.len());
    Ok(())
}

/// Fails if the pages are not what [`write`] would write.
pub(crate) fn check() -> Result<()> {
    let stale = differences(&pages(), &present(&shell::root().join(FOLDER))?);
    if stale.is_empty() {
        println!("{FOLDER} is fresh");
        return Ok(());
    }
    bail!("{FOLDER} is not fresh; run `cargo xtask docs`:\n  {}", stale.join("\n  "))
}

/// Every page by file name.
fn pages() -> BTreeMap<String, String> {
    let pages = stetho_rules::all().map(|info| (format!("{}.md", info.id), page(info)));
    pages.chain([("README.md".to_owned(), index())]).collect()
}

fn present(folder: &Path) -> Result<BTreeMap<String, String>> {
    let mut found = BTreeMap::new();
    let Ok(entries) = fs::read_dir(folder) else { return Ok(found) };
    for entry in entries {
        let entry = entry.with_context(|| format!("cannot list {FOLDER}"))?;
        let name = entry.file_name().to_string_lossy().into_owned();
        let text =
            fs::read_to_string(entry.path()).with_context(|| format!("cannot read {FOLDER}/{name}"))?;
        found.insert(name, text);
    }
    Ok(found)
}

/// One line for each page that is missing, different or left over.
fn differences(wanted: &BTreeMap<String, String>, present: &BTreeMap<String, String>) -> Vec<String> {
    let mut lines = Vec::new();
    for (name, text) in wanted {
        match present.get(name) {
            None => lines.push(format!("{name} is missing")),
            Some(old) if old != text => lines.push(format!("{name} differs")),
            Some(_) => {}
        }
    }
    lines.extend(present.keys().filter(|n| !wanted.contains_key(*n)).map(|n| format!("{n} is left over")));
    lines
}

fn page(info: &RuleInfo) -> String {
    let docs = info.docs();
    let file = format!("crates/rules/src/{}/{}.rs", info.family, info.id.replace('-', "_"));
    let signals: Vec<_> = info.signals.iter().map(|s| s.name()).collect();
    let mut text = format!("<!-- written by `cargo xtask docs` from {file} -->\n\n# `{}`\n\n", info.id);
    let _ = writeln!(text, "{}\n", docs.summary);
    let _ = writeln!(
        text,
        "Severity: {} · family: {} · needs: {}\n",
        info.severity.name(),
        info.family,
        signals.join(", ")
    );
    let _ = writeln!(text, "{}", docs.body);
    text.push_str(&options(info));
    text
}

/// The table of options, and how to set them; empty for a rule without options.
fn options(info: &RuleInfo) -> String {
    let docs = info.docs();
    let defaults = info.defaults();
    let mut text = String::new();
    if docs.options.is_empty() {
        return text;
    }
    text.push_str("\n## Options\n\n| option | default | meaning |\n|---|---|---|\n");
    let mut example = String::new();
    for option in &docs.options {
        let default = defaults.get(&option.name).map(ToString::to_string).unwrap_or_default();
        let _ = writeln!(text, "| `{}` | `{default}` | {} |", option.name, option.doc.replace('|', "\\|"));
        let _ = writeln!(example, "{} = {default}", option.name);
    }
    let _ = write!(text, "\nIn `stetho.toml`:\n\n```toml\n[rules.{}]\n{example}```\n", info.id);
    text
}

fn index() -> String {
    let mut text = "<!-- written by `cargo xtask docs` from the rules' files -->\n\n# Rules\n\n\
                    `stetho explain RULE` prints the same pages.\n"
        .to_owned();
    let mut family = "";
    for info in stetho_rules::all() {
        if info.family != family {
            family = info.family;
            let _ = write!(text, "\n## {family}\n\n| rule | severity | finds |\n|---|---|---|\n");
        }
        let summary = info.docs().summary.replace('|', "\\|");
        let _ = writeln!(text, "| [`{0}`]({0}.md) | {1} | {summary} |", info.id, info.severity.name());
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pages_hold_the_documentation_and_the_options() {
        let info = stetho_rules::find("constant-column").unwrap();
        let page = page(info);
        assert!(page.contains("# `constant-column`\n\nA column with one value"));
        assert!(page.contains("## Why it matters\n") && page.contains("```csv\n"));
        assert!(page.contains("| `nearly` | `0.999` | Share of"));
        assert!(page.contains("[rules.constant-column]\nnearly = 0.999\n"));
        assert!(index().contains("| [`constant-column`](constant-column.md) | warning | A column"));
    }

    #[test]
    fn differences_are_told_apart() {
        let map = |pairs: &[(&str, &str)]| pairs.iter().map(|(n, t)| ((*n).into(), (*t).into())).collect();
        let wanted = map(&[("a", "1"), ("b", "2"), ("c", "3")]);
        let present = map(&[("b", "2"), ("c", "x"), ("d", "4")]);
        assert_eq!(differences(&wanted, &present), ["a is missing", "c differs", "d is left over"]);
    }
}
