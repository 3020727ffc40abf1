//! What Python is asked to do, as JSON that it reads and gives back at the end.

use std::ffi::{OsStr, OsString};
use std::fmt::Write as _;
use std::path::PathBuf;

use anyhow::{Context, Result};
use serde::{Deserialize, Serialize};

use crate::args::ReportArgs;
use crate::python_args::{Debugger, OnTrap, When};

/// A command for Python: a JSON object with `command`, what it is about (`script`, `module` or `bundle`), the `args` of a script, and
/// `options`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Request {
    json: String,
}

/// Options of such a command.
#[derive(Debug, Default, Serialize)]
pub(crate) struct Options {
    /// Share of a step's time for measuring, 0 to 1.
    pub(crate) budget: Option<f64>,
    #[serde(rename = "break")]
    pub(crate) breaks: Vec<When>,
    pub(crate) on_trap: Option<OnTrap>,
    pub(crate) pdb: bool,
    pub(crate) debugger: Debugger,
    /// Whether the script is printed with the counts of its conditions.
    pub(crate) branches: bool,
    /// The script or module as it is shown; what is run stands beside the options, byte for byte.
    pub(crate) script: String,
    /// Experiments before training, where they are asked for.
    pub(crate) preflight: Option<PreflightOptions>,
    /// Folder of the run; for Python to choose if not given.
    pub(crate) dir: Option<PathBuf>,
    /// `infer`, or the absolute path of a contract.
    pub(crate) contract: Option<PathBuf>,
    /// The present folder at the start.
    pub(crate) folder: PathBuf,
    pub(crate) report: ReportArgs,
}

/// Which experiments are made before training.
#[derive(Debug, Serialize)]
pub(crate) struct PreflightOptions {
    /// Whether the script ends after them.
    pub(crate) only: bool,
    /// Seconds that they may take in all.
    pub(crate) budget: f64,
    /// Whether simple models are trained too.
    pub(crate) ladder: bool,
    /// Whether larger and larger batches are tried.
    pub(crate) memory: bool,
    /// Whether learning rates are tried.
    pub(crate) range: bool,
}

/// What is read again of a request at the end of a run.
#[derive(Debug, Deserialize)]
pub(crate) struct Ending {
    #[serde(default)]
    pub(crate) command: String,
    pub(crate) options: EndingOptions,
}

/// See [`Options`].
#[derive(Debug, Deserialize)]
pub(crate) struct EndingOptions {
    #[serde(default)]
    pub(crate) script: String,
    pub(crate) folder: PathBuf,
    pub(crate) report: ReportArgs,
}

impl Request {
    /// A request to do `command` with `what` (its key and value).
    pub(crate) fn new(
        command: &str,
        (key, what): (&str, &OsStr),
        arguments: Option<&[OsString]>,
        options: &Options,
    ) -> Result<Self> {
        let what = literal(what);
        let arguments = arguments.map_or_else(String::new, |words| {
            let words: Vec<String> = words.iter().map(|word| literal(word)).collect();
            format!("\"args\": [{}], ", words.join(", "))
        });
        let options = serde_json::to_string(options).context("the options cannot be handed to Python")?;
        let json =
            format!("{{\"command\": \"{command}\", \"{key}\": {what}, {arguments}\"options\": {options}}}");
        Ok(Self { json })
    }

    /// The request as JSON.
    pub fn json(&self) -> &str {
        &self.json
    }
}

/// A word as a JSON string. A byte that is no text becomes the surrogate by which Python knows it, so that every file name survives.
fn literal(word: &OsStr) -> String {
    let mut text = String::from("\"");
    for chunk in word.as_encoded_bytes().utf8_chunks() {
        let valid = serde_json::Value::from(chunk.valid()).to_string();
        text.push_str(valid.strip_prefix('"').and_then(|text| text.strip_suffix('"')).unwrap_or_default());
        for byte in chunk.invalid() {
            let _ = write!(text, "\\udc{byte:02x}");
        }
    }
    text.push('"');
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_survive() {
        assert_eq!(literal(OsStr::new("a \"b\"\n")), r#""a \"b\"\n""#);
        assert_eq!(literal(OsStr::new("\"")), r#""\"""#);
    }

    #[cfg(unix)]
    #[test]
    fn bytes_that_are_no_text_survive_as_python_knows_them() {
        let word = std::os::unix::ffi::OsStrExt::from_bytes(b"\xfftr\xe4in.py");
        assert_eq!(literal(word), r#""\udcfftr\udce4in.py""#);
        let request = Request::new("run", ("script", word), Some(&[]), &Options::default()).unwrap();
        // What is not read again at the end may hold them.
        let ending: Ending = serde_json::from_str(request.json()).unwrap();
        assert!(ending.options.report.out.is_none());
    }
}
