//! `stetho.toml`, or `[tool.stetho]` in `pyproject.toml`.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result, anyhow, bail};
use clap::ValueEnum;
use serde_json::{Map, Value};

use crate::args::FailOn;
use crate::names::{check_rules, hint, rule_hint};

const KEYS: [&str; 4] = ["select", "ignore", "fail-on", "rules"];

/// What the configuration file says; empty where there is none.
#[derive(Debug, Default, PartialEq)]
pub(crate) struct Config {
    /// Where it stands, for messages.
    pub(crate) path: Option<PathBuf>,
    /// Rules to run; all if not said.
    pub(crate) select: Option<Vec<String>>,
    /// Rules not to run.
    pub(crate) ignore: Vec<String>,
    /// What fails the command.
    pub(crate) fail_on: Option<FailOn>,
    /// Options of rules, by id.
    pub(crate) options: Map<String, Value>,
}

impl Config {
    /// Reads the file at `given`, or the first one in `folder` and those above it.
    ///
    /// # Errors
    /// When the file cannot be read, is not TOML, or says something that is not known.
    pub(crate) fn load(given: Option<&Path>, folder: &Path) -> Result<Self> {
        if let Some(path) = given {
            let text = std::fs::read_to_string(path)
                .with_context(|| format!("cannot read the configuration `{}`", path.display()))?;
            return Ok(Self::read(path, &text)?.unwrap_or_default());
        }
        for folder in folder.ancestors() {
            for name in ["stetho.toml", "pyproject.toml"] {
                let path = folder.join(name);
                let Ok(text) = std::fs::read_to_string(&path) else { continue };
                if let Some(config) = Self::read(&path, &text)? {
                    return Ok(config);
                }
            }
        }
        Ok(Self::default())
    }

    /// Reads `text`; `None` for a `pyproject.toml` that does not speak of Stetho.
    fn read(path: &Path, text: &str) -> Result<Option<Self>> {
        let is_pyproject = path.file_name().is_some_and(|name| name == "pyproject.toml");
        if is_pyproject && !text.contains("stetho") {
            return Ok(None);
        }
        let parsed: Result<toml::Table, _> = text.parse().map_err(|e| one_line(&e, text));
        let mut table = parsed.with_context(|| format!("cannot read `{}`", path.display()))?;
        if is_pyproject {
            let tool = table.remove("tool").and_then(|tool| tool.as_table()?.get("stetho").cloned());
            let Some(ours) = tool else { return Ok(None) };
            table = ours.as_table().cloned().unwrap_or_default();
        }
        let config = Self::from_table(table).with_context(|| format!("in `{}`", path.display()))?;
        Ok(Some(Self { path: Some(path.to_owned()), ..config }))
    }

    fn from_table(table: toml::Table) -> Result<Self> {
        let mut config = Self::default();
        for (key, value) in table {
            match key.as_str() {
                "select" => config.select = Some(rule_list(&key, value)?),
                "ignore" => config.ignore = rule_list(&key, value)?,
                "fail-on" => config.fail_on = Some(fail_on(&value)?),
                "rules" => config.options = rule_options(value)?,
                other => {
                    let known = KEYS.map(|k| format!("`{k}`")).join(", ");
                    bail!("there is no key `{other}`{}", hint(other, KEYS, &format!("there are {known}")));
                }
            }
        }
        Ok(config)
    }
}

/// A TOML error without its picture of the place.
fn one_line(error: &toml::de::Error, text: &str) -> anyhow::Error {
    let message = error.message().replace('\n', ", ");
    match error.span().and_then(|span| text.get(..span.start)) {
        Some(before) => anyhow!("line {}: {message}", before.matches('\n').count() + 1),
        None => anyhow!(message),
    }
}

fn rule_list(key: &str, value: toml::Value) -> Result<Vec<String>> {
    let names: Vec<String> = value
        .try_into()
        .map_err(|_| anyhow!("`{key}` should be a list of rules, like [\"duplicate-rows\"]"))?;
    check_rules(&names)?;
    Ok(names)
}

fn fail_on(value: &toml::Value) -> Result<FailOn> {
    let word = value.as_str().and_then(|word| FailOn::from_str(word, false).ok());
    word.ok_or_else(|| anyhow!("`fail-on` should be \"error\", \"warning\" or \"never\", and is {value}"))
}

fn rule_options(value: toml::Value) -> Result<Map<String, Value>> {
    let Value::Object(options) = serde_json::to_value(value)? else {
        bail!("`rules` should hold one table a rule, like [rules.duplicate-rows]");
    };
    for name in options.keys() {
        if stetho_rules::find(name).is_none() {
            bail!("`[rules.{name}]`: there is no rule `{name}`{}", rule_hint(name));
        }
    }
    Ok(options)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<Config> {
        Ok(Config::read(Path::new("stetho.toml"), text)?.unwrap())
    }

    fn problem(text: &str) -> String {
        format!("{:#}", read(text).unwrap_err())
    }

    #[test]
    fn every_key_is_read() {
        let config = read(
            "select = [\"constant-column\"]\nignore = []\nfail-on = \"never\"\n[rules.constant-column]\nnearly = 0.9",
        )
        .unwrap();
        assert_eq!(config.select.as_deref(), Some(&["constant-column".to_owned()][..]));
        assert_eq!(config.fail_on, Some(FailOn::Never));
        assert_eq!(config.options["constant-column"]["nearly"], 0.9);
    }

    #[test]
    fn what_is_not_known_is_refused_with_a_hint() {
        assert_eq!(
            problem("slect = []"),
            "in `stetho.toml`: there is no key `slect`; did you mean `select`?"
        );
        assert!(problem("x = 1").ends_with("; there are `select`, `ignore`, `fail-on`, `rules`"));
        assert!(problem("ignore = [\"constant-colum\"]").ends_with("did you mean `constant-column`?"));
        assert!(problem("[rules.constant-colum]").ends_with("did you mean `constant-column`?"));
        assert!(problem("fail-on = 3").ends_with("and is 3"));
        assert!(problem("ignore = 3").contains("list of rules"));
    }

    #[test]
    fn a_syntax_error_names_its_line() {
        let problem = problem("select = []\n[rules\n");
        assert!(problem.starts_with("cannot read `stetho.toml`: line 2: "), "{problem}");
        assert!(!problem.contains('\n'));
    }

    #[test]
    fn pyproject_counts_only_where_it_speaks_of_stetho() {
        let read = |text: &str| Config::read(Path::new("a/pyproject.toml"), text).unwrap();
        assert_eq!(read("[tool.black]\nx = 1"), None);
        assert_eq!(read("[project]\nname = \"stetho-user\""), None);
        assert_eq!(read("[tool.stetho]\nfail-on = \"warning\"").unwrap().fail_on, Some(FailOn::Warning));
    }
}
