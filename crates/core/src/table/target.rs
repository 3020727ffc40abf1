//! The target column.

use crate::Severity;

/// What is predicted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Task {
    /// One of a few classes.
    Classification,
    /// A number.
    Regression,
}

/// How the target was found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Origin {
    /// The user named it.
    Given,
    /// Its name is one that targets have (`label`, `target`, `class`, `y` …).
    Named,
    /// It is the most likely column; findings that rest on it are warnings at most.
    Guessed,
}

/// Which column is predicted, and how its values are distributed.
#[derive(Clone, Debug, PartialEq)]
pub struct Target {
    /// Index of the column.
    pub column: usize,
    /// What is predicted.
    pub task: Task,
    /// How it was found.
    pub origin: Origin,
    /// Why this column, in words, where it was not given.
    pub reason: String,
    /// Other columns that could be the target, most likely first.
    pub alternatives: Vec<String>,
    /// For classification: classes with their counts, most frequent first; empty for regression.
    pub classes: Vec<(String, u64)>,
}

impl Target {
    /// `severity`, or a warning where the target is only a guess.
    pub fn severity(&self, severity: Severity) -> Severity {
        match self.origin {
            Origin::Guessed => severity.min(Severity::Warning),
            Origin::Given | Origin::Named => severity,
        }
    }

    /// Certainty of a finding that rests on the target: lower where it is a guess.
    pub fn certainty(&self) -> f64 {
        match self.origin {
            Origin::Given => 1.0,
            Origin::Named => 0.9,
            Origin::Guessed => 0.5,
        }
    }
}
