//! What to do about a finding.

use serde::{Deserialize, Serialize};

/// What a remedy risks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "types", derive(ts_rs::TS))]
#[serde(rename_all = "snake_case")]
pub enum Safety {
    /// Cannot change what a correct model would learn.
    Safe,
    /// Changes the data or the training; look first.
    Unsafe,
    /// Something to think about rather than to run.
    Advice,
}

/// What to do, with its safety and, where there is one, a command or code to copy.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "types", derive(ts_rs::TS))]
pub struct Remedy {
    /// What to do, in the imperative.
    pub action: String,
    /// What it risks.
    pub safety: Safety,
    /// A shell command to copy.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub command: Option<String>,
    /// Python to copy.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub code: Option<String>,
}

impl Remedy {
    /// A remedy that cannot do harm.
    pub fn safe(action: impl Into<String>) -> Self {
        Self::new(action, Safety::Safe)
    }

    /// A remedy that changes data or training.
    pub fn risky(action: impl Into<String>) -> Self {
        Self::new(action, Safety::Unsafe)
    }

    /// Something to consider.
    pub fn advice(action: impl Into<String>) -> Self {
        Self::new(action, Safety::Advice)
    }

    fn new(action: impl Into<String>, safety: Safety) -> Self {
        Self { action: action.into(), safety, command: None, code: None }
    }

    /// Adds a shell command to copy.
    #[must_use]
    pub fn command(mut self, command: impl Into<String>) -> Self {
        self.command = Some(command.into());
        self
    }

    /// Adds Python to copy.
    #[must_use]
    pub fn code(mut self, code: impl Into<String>) -> Self {
        self.code = Some(code.into());
        self
    }
}
