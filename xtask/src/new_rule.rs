//! `cargo xtask new-rule FAMILY/ID`

use std::fs;
use std::path::Path;

use anyhow::{Context, Result, bail, ensure};

use crate::shell;

/// What is written when nobody has said yet what the rule finds.
const TEMPLATE: &str = include_str!("../templates/rule.rs.txt");
const GALLERY: &str = include_str!("../templates/gallery.toml.txt");

pub(crate) fn run(path: &str) -> Result<()> {
    let Some((family, id)) = path.split_once('/') else {
        bail!("expected FAMILY/ID, as in `table/constant-column`");
    };
    ensure!(is_id(id), "`{id}` is not an id: lower-case words joined by hyphens, as in `constant-column`");
    let root = shell::root();
    let folder = root.join("crates/rules/src").join(family);
    let list = folder.join("mod.rs");
    let listing = fs::read_to_string(&list)
        .with_context(|| format!("there is no family `{family}` (no crates/rules/src/{family}/mod.rs)"))?;
    let module = id.replace('-', "_");
    let listing = registered(&listing, family, &module, &type_name(id))?;
    create(&folder.join(format!("{module}.rs")), &filled(TEMPLATE, id))?;
    create(&root.join(format!("gallery/{family}/{id}.toml")), &filled(GALLERY, id))?;
    fs::write(&list, listing).context("cannot write the family's list")?;
    shell::run(shell::cargo().args(["fmt", "--package", "stetho-rules"]))?;
    println!(
        "\nfill in crates/rules/src/{family}/{module}.rs and gallery/{family}/{id}.toml, then run `cargo xtask test`"
    );
    Ok(())
}

fn create(path: &Path, text: &str) -> Result<()> {
    ensure!(!path.exists(), "{} exists already", path.display());
    if let Some(folder) = path.parent() {
        fs::create_dir_all(folder).with_context(|| format!("cannot make {}", folder.display()))?;
    }
    fs::write(path, text).with_context(|| format!("cannot write {}", path.display()))
}

fn is_id(id: &str) -> bool {
    let is_word = |word: &str| {
        word.starts_with(|c: char| c.is_ascii_lowercase())
            && word.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit())
    };
    id.split('-').all(is_word)
}

/// `constant-column` is `ConstantColumn`.
fn type_name(id: &str) -> String {
    let capital = |word: &str| {
        let mut letters = word.chars();
        letters.next().map(|c| c.to_ascii_uppercase()).into_iter().chain(letters).collect::<String>()
    };
    id.split('-').map(capital).collect()
}

fn filled(template: &str, id: &str) -> String {
    template.replace("{id}", id).replace("{Type}", &type_name(id))
}

/// A family's `mod.rs` with the module declared, in alphabetical order, and the rule at the end of the list.
fn registered(listing: &str, family: &str, module: &str, rule: &str) -> Result<String> {
    let declaration = format!("mod {module};");
    let mut lines: Vec<String> = listing.lines().map(str::to_owned).collect();
    let is_module = |l: &String| l.starts_with("mod ") && l.ends_with(';');
    ensure!(!lines.contains(&declaration), "`{module}` is already in the list");
    let at = lines.iter().position(|l| is_module(l) && *l > declaration);
    let at = at.or_else(|| Some(lines.iter().rposition(is_module)? + 1));
    lines.insert(at.context("the list declares no modules")?, declaration);
    let text = lines.join("\n") + "\n";

    let (head, rest) = text.split_once("pub static RULES:").context("the list has no `RULES`")?;
    let (entries, tail) = rest.split_once("];").context("`RULES` has no end")?;
    let entries = counted(entries)?;
    let entries = entries.trim_end().trim_end_matches(',');
    let comma = if entries.ends_with('[') { "" } else { "," };
    let entry = format!("entry!(\"{family}\", {module}::{rule})");
    Ok(format!("{head}pub static RULES:{entries}{comma}\n    {entry},\n];{tail}"))
}

/// The type and the entries of the list with its length, if it is an array, greater by one.
fn counted(entries: &str) -> Result<String> {
    let Some((kind, rest)) = entries.split_once("; ").filter(|(kind, _)| !kind.contains(']')) else {
        return Ok(entries.to_owned());
    };
    let (length, rest) = rest.split_once(']').context("the length of `RULES` has no end")?;
    let length: usize = length.parse().context("the length of `RULES` is not a number")?;
    Ok(format!("{kind}; {}]{rest}", length + 1))
}

#[cfg(test)]
mod tests {
    use stetho_core::Docs;

    use super::*;

    #[test]
    fn ids_and_type_names() {
        assert!(is_id("constant-column") && is_id("x2"));
        for bad in ["", "Constant", "a--b", "a_b", "-a", "2a", "a/b", "../a"] {
            assert!(!is_id(bad), "{bad}");
        }
        assert_eq!(type_name("duplicate-rows"), "DuplicateRows");
    }

    #[test]
    fn a_rule_is_registered_by_two_lines() {
        let before = "//! Rules.\n\nmod a;\nmod c;\n\nuse x;\n\npub static RULES: [Entry<Table>; 2] = \
                      [entry!(\"table\", a::A), entry!(\"table\", c::C)];\n";
        let after = registered(before, "table", "b", "B").unwrap();
        assert!(after.starts_with("//! Rules.\n\nmod a;\nmod b;\nmod c;\n\nuse x;\n"), "{after}");
        assert!(
            after.contains("RULES: [Entry<Table>; 3] = [entry!(\"table\", a::A), entry!(\"table\", c::C),\n")
        );
        assert!(after.ends_with("\n    entry!(\"table\", b::B),\n];\n"), "{after}");
        let last = registered(&after, "table", "d", "D").unwrap();
        assert!(last.contains("mod c;\nmod d;\n") && last.contains("Table>; 4]"), "{last}");
        assert!(registered(&after, "table", "b", "B").is_err(), "not twice");
        let slice = "mod a;\n\npub static RULES: &[Entry<Table>] = &[\n    entry!(\"table\", a::A),\n];\n";
        let longer = "mod a;\nmod b;\n\npub static RULES: &[Entry<Table>] = &[\n    entry!(\"table\", a::A),\n    \
                      entry!(\"table\", b::B),\n];\n";
        assert_eq!(registered(slice, "table", "b", "B").unwrap(), longer);
        assert!(registered("fn main() {}", "table", "b", "B").is_err());
    }

    #[test]
    fn the_real_list_can_grow() {
        let listing = fs::read_to_string(shell::root().join("crates/rules/src/table/mod.rs")).unwrap();
        assert!(registered(&listing, "table", "zebra_stripes", "ZebraStripes").is_ok());
    }

    #[test]
    fn the_template_has_every_heading() {
        let text = filled(TEMPLATE, "zebra-stripes");
        assert!(text.contains("struct ZebraStripes") && text.contains("\"zebra-stripes\""));
        let docs = Docs::parse(&text);
        assert!(!docs.why.is_empty() && !docs.remedy.is_empty() && docs.options.len() == 1);
        assert!(docs.fires_on.len() == 1 && docs.quiet_on.len() == 1);
    }
}
