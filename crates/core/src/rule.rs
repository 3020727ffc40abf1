//! The rule trait and the entry by which a family lists a rule.

use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

use crate::{Docs, Draft, Record, Severity, Signal};

/// A judgement over records.
///
/// The options of a rule are its fields; their defaults are its [`Default`]. A data-set rule sees one record, a run
/// rule one record a step; what can only be said at the end is said in [`Rule::finish`].
pub trait Rule: Default + Serialize + DeserializeOwned + Send + 'static {
    /// The record it judges.
    type Input: Record;
    /// The word users type; the file name with hyphens.
    const ID: &'static str;
    /// Severity of its findings unless a draft says otherwise.
    const SEVERITY: Severity;
    /// What must have been measured; a rule whose signals are missing is skipped, and the report says why.
    const SIGNALS: &'static [Signal];
    /// What it uses where it was measured; the rule runs without.
    const ALSO: &'static [Signal] = &[];

    /// Judges one record.
    fn check(&mut self, input: &Self::Input, report: &mut Report);

    /// Concludes after the last record.
    fn finish(&mut self, _report: &mut Report) {}
}

/// Collects what a rule raises.
#[derive(Debug, Default)]
pub struct Report {
    pub(crate) drafts: Vec<Draft>,
}

impl Report {
    /// Raises a finding. A draft of a topic already raised grows that finding.
    pub fn raise(&mut self, draft: Draft) {
        match self.drafts.iter_mut().find(|d| d.topic == draft.topic) {
            Some(earlier) => earlier.absorb(draft),
            None => self.drafts.push(draft),
        }
    }
}

/// A rule option that cannot be used.
#[derive(Debug, thiserror::Error)]
#[error("options of rule `{rule}`: {problem}")]
pub struct OptionError {
    /// The rule's id.
    pub rule: &'static str,
    /// What is wrong with its options.
    pub problem: String,
}

/// What is known of a rule without running it. `rules`, `explain`, the docs and the SARIF table derive from it.
#[derive(Debug)]
pub struct RuleInfo {
    /// The word users type.
    pub id: &'static str,
    /// `table`, `image`, `boxes`, `fit`, `preflight`, `run` or `code`.
    pub family: &'static str,
    /// Default severity.
    pub severity: Severity,
    /// What it needs measured.
    pub signals: &'static [Signal],
    /// What it uses where it was measured.
    pub also: &'static [Signal],
    source: &'static str,
    defaults: fn() -> Value,
}

impl RuleInfo {
    /// The rule's documentation, parsed from its own file.
    pub fn docs(&self) -> Docs {
        Docs::parse(self.source)
    }

    /// Options with their default values, as a JSON object.
    pub fn defaults(&self) -> Value {
        (self.defaults)()
    }
}

/// Builds a rule from its options.
type Make<R> = fn(&Value) -> Result<Box<dyn AnyRule<R>>, OptionError>;

/// A rule in its family's list.
pub struct Entry<R: 'static> {
    /// What is known of it.
    pub info: RuleInfo,
    pub(crate) make: Make<R>,
}

impl<R: Record> Entry<R> {
    /// The entry of rule `T`, whose file's text is `source`.
    pub const fn new<T: Rule<Input = R>>(family: &'static str, source: &'static str) -> Self {
        let info = RuleInfo {
            id: T::ID,
            family,
            severity: T::SEVERITY,
            signals: T::SIGNALS,
            also: T::ALSO,
            source,
            defaults: defaults::<T>,
        };
        Self { info, make: make::<T> }
    }
}

fn defaults<T: Rule>() -> Value {
    serde_json::to_value(T::default()).unwrap_or_default()
}

fn make<T: Rule>(options: &Value) -> Result<Box<dyn AnyRule<T::Input>>, OptionError> {
    let fail = |problem: String| OptionError { rule: T::ID, problem };
    let known = defaults::<T>();
    if let (Some(given), Some(known)) = (options.as_object(), known.as_object())
        && let Some(unknown) = given.keys().find(|k| !known.contains_key(*k))
    {
        let names: Vec<_> = known.keys().map(|k| format!("`{k}`")).collect();
        let hint =
            if names.is_empty() { "it has none".into() } else { format!("it has {}", names.join(", ")) };
        return Err(fail(format!("there is no option `{unknown}`; {hint}")));
    }
    let rule = if options.is_null() { T::default() } else { read_options(options, known).map_err(fail)? };
    Ok(Box::new(Boxed(rule)))
}

/// Lays `options` over the defaults and reads the whole.
fn read_options<T: Rule>(options: &Value, mut whole: Value) -> Result<T, String> {
    let Some(given) = options.as_object() else { return Err(format!("expected a table, found `{options}`")) };
    if let Some(whole) = whole.as_object_mut() {
        whole.extend(given.clone());
    }
    serde_json::from_value(whole).map_err(|e| e.to_string())
}

/// A rule without its type, so that a session can hold many.
pub(crate) trait AnyRule<R>: Send {
    fn check(&mut self, input: &R, report: &mut Report);
    fn finish(&mut self, report: &mut Report);
}

struct Boxed<T>(T);

impl<T: Rule> AnyRule<T::Input> for Boxed<T> {
    fn check(&mut self, input: &T::Input, report: &mut Report) {
        self.0.check(input, report);
    }

    fn finish(&mut self, report: &mut Report) {
        self.0.finish(report);
    }
}
