//! Findings: one cause, once, with proof, place and remedy.

use serde::{Deserialize, Serialize};

use crate::{Evidence, Place, Remedy};

/// How bad a finding is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "types", derive(ts_rs::TS))]
#[serde(rename_all = "snake_case")]
pub enum Severity {
    /// Worth knowing.
    Info,
    /// Likely to cost accuracy or trust.
    Warning,
    /// Will mislead training or evaluation.
    Error,
}

impl Severity {
    /// The lower-case word, as in reports.
    pub fn name(self) -> &'static str {
        match self {
            Self::Info => "info",
            Self::Warning => "warning",
            Self::Error => "error",
        }
    }
}

/// One cause, as reported. `places` and the lists in `evidence` may be cut to the worst; `count` is whole.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "types", derive(ts_rs::TS))]
pub struct Finding {
    /// Id of the rule that raised it.
    pub rule: String,
    /// How bad it is.
    pub severity: Severity,
    /// How sure the rule is, from 0 to 1. Findings of one severity are ranked by it.
    pub certainty: f64,
    /// What was seen, with the number and the limit.
    pub message: String,
    /// Why it matters.
    pub why: String,
    /// How many things are affected in all.
    pub count: u64,
    /// Where, worst first.
    pub places: Vec<Place>,
    /// The proof.
    pub evidence: Vec<Evidence>,
    /// What to do, best first.
    pub remedies: Vec<Remedy>,
}

/// What a rule raises. It cannot be built without a place, evidence and a remedy.
#[derive(Clone, Debug)]
pub struct Draft {
    pub(crate) topic: String,
    pub(crate) severity: Option<Severity>,
    pub(crate) certainty: f64,
    pub(crate) message: String,
    pub(crate) count: Option<u64>,
    pub(crate) places: Vec<Place>,
    pub(crate) evidence: Vec<Evidence>,
    pub(crate) remedies: Vec<Remedy>,
}

impl Draft {
    /// A finding in the making, at the rule's default severity.
    pub fn new(place: Place, message: impl Into<String>, evidence: Evidence, remedy: Remedy) -> Self {
        Self {
            topic: String::new(),
            severity: None,
            certainty: 1.0,
            message: message.into(),
            count: None,
            places: vec![place],
            evidence: vec![evidence],
            remedies: vec![remedy],
        }
    }

    /// Another place.
    #[must_use]
    pub fn place(mut self, place: Place) -> Self {
        self.places.push(place);
        self
    }

    /// More places, worst first.
    #[must_use]
    pub fn places(mut self, places: impl IntoIterator<Item = Place>) -> Self {
        self.places.extend(places);
        self
    }

    /// More proof.
    #[must_use]
    pub fn evidence(mut self, evidence: Evidence) -> Self {
        self.evidence.push(evidence);
        self
    }

    /// A further remedy, after those already given.
    #[must_use]
    pub fn remedy(mut self, remedy: Remedy) -> Self {
        self.remedies.push(remedy);
        self
    }

    /// Overrides the rule's default severity.
    #[must_use]
    pub fn severity(mut self, severity: Severity) -> Self {
        self.severity = Some(severity);
        self
    }

    /// How sure the rule is, from 0 to 1 (1 unless said).
    #[must_use]
    pub fn certainty(mut self, certainty: f64) -> Self {
        self.certainty = certainty.clamp(0.0, 1.0);
        self
    }

    /// How many things are affected in all, where the places are only the first of them.
    #[must_use]
    pub fn count(mut self, count: u64) -> Self {
        self.count = Some(count);
        self
    }

    /// Keeps this finding apart from others of the same rule. Drafts of one rule and topic merge into one finding.
    #[must_use]
    pub fn topic(mut self, topic: impl Into<String>) -> Self {
        self.topic = topic.into();
        self
    }

    /// Whole number of affected things: as said, or the sum over the places.
    pub(crate) fn total(&self) -> u64 {
        self.count.unwrap_or_else(|| self.places.iter().map(Place::weight).sum())
    }

    /// Takes `later` into this finding: places join (neighbouring steps into one range), counts add up, the worse
    /// severity and its message win.
    pub(crate) fn absorb(&mut self, later: Self) {
        self.count = Some(self.total() + later.total());
        if later.severity > self.severity {
            self.severity = later.severity;
            self.message = later.message;
        }
        self.certainty = self.certainty.max(later.certainty);
        for place in later.places {
            match (self.places.last_mut(), &place) {
                (Some(Place::Steps { last, .. }), Place::Steps { first, last: end })
                    if *first <= *last + 1 =>
                {
                    *last = (*last).max(*end);
                }
                _ => self.places.push(place),
            }
        }
        self.evidence.extend(later.evidence);
        for remedy in later.remedies {
            if !self.remedies.contains(&remedy) {
                self.remedies.push(remedy);
            }
        }
    }
}
