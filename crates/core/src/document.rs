//! The report as data: what the JSON format holds and every renderer draws.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::{Finding, RuleOutcome, Severity};

/// Version of the JSON report's schema.
pub const SCHEMA: u32 = 1;

/// What was examined.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "types", derive(ts_rs::TS))]
pub struct Subject {
    /// Files and folders, as the user named them.
    pub paths: Vec<String>,
    /// `table`, `images`, `boxes`, `run` …
    pub kind: String,
    /// How many rows, pictures, steps.
    pub items: u64,
}

/// A whole report.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "types", derive(ts_rs::TS))]
pub struct Document {
    /// [`SCHEMA`].
    pub schema: u32,
    /// Version of the program.
    pub stetho: String,
    /// The subcommand that made it.
    pub command: String,
    /// What was examined.
    pub subject: Subject,
    /// Findings, worst and surest first.
    pub findings: Vec<Finding>,
    /// What became of every enabled rule.
    pub outcomes: Vec<RuleOutcome>,
    /// Whether the examination was interrupted, so that the findings speak of a part only.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub partial: bool,
    /// Facts for the head of the report: columns, types, class shares, time taken.
    #[cfg_attr(feature = "types", ts(type = "Record<string, unknown>"))]
    pub facts: Map<String, Value>,
}

impl Document {
    /// How many findings have `severity`.
    pub fn count(&self, severity: Severity) -> usize {
        self.findings.iter().filter(|f| f.severity == severity).count()
    }

    /// The worst severity found.
    pub fn worst(&self) -> Option<Severity> {
        self.findings.iter().map(|f| f.severity).max()
    }
}
