//! `malformed-annotation`

use serde::{Deserialize, Serialize};
use stetho_core::boxes::{Boxes, MalformedAnnotation};
use stetho_core::{Draft, Evidence, Place, Remedy, Report, Rule, Severity, Signal, count_of};

/// Annotations that cannot be read: no JSON or XML, a field that is missing, a coordinate that is no number.
///
/// ## Why it matters
/// A loader stops here, or it leaves the box out and trains on a picture where an object stands unmarked: the network is
/// punished for finding it. A coordinate of NaN makes the loss NaN in the first batch that holds it.
///
/// ## What to do
/// Mend the file at the line that is named, or write it again with the tool that made it. Do not catch the error in the data
/// loader: what is skipped there is forgotten.
///
/// ## Fires on
/// ```boxes format=yolo
/// pictures 8 320x240 boxes 2 cat dog
/// picture odd 320x240
/// written cat 0.5 nan 0.2 0.2
/// ```
/// ```boxes format=voc
/// pictures 8 320x240 boxes 2 cat dog
/// picture odd 320x240
/// written cat 10 20 fifty 60
/// ```
///
/// ## Stays quiet on
/// ```boxes format=yolo
/// pictures 8 320x240 boxes 2 cat dog
/// picture plain 320x240
/// written cat 5e-1 0.5 0.20 .2
/// ```
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct Unreadable {}

fn place(m: &MalformedAnnotation) -> Place {
    Place::Item { path: m.path.clone(), index: m.index, line: m.line }
}

impl Rule for Unreadable {
    type Input = Boxes;
    const ID: &'static str = "malformed-annotation";
    const SEVERITY: Severity = Severity::Error;
    const SIGNALS: &'static [Signal] = &[Signal::Boxes];

    fn check(&mut self, set: &Boxes, report: &mut Report) {
        let Some(first) = set.malformed.first() else { return };
        let verb = if set.n_malformed == 1 { "part of an annotation" } else { "parts of annotations" };
        let at = first.line.map_or(String::new(), |line| format!(" line {line}"));
        let which = if set.n_malformed == 1 { "" } else { "the first is " };
        let message = format!(
            "{} {verb} cannot be read: {which}`{}`{at}, {}",
            stetho_core::thousands(set.n_malformed),
            first.path,
            first.problem
        );
        let rows = set.malformed.iter().map(|m| {
            let number = |n: Option<u64>| n.map_or_else(|| "–".to_owned(), |n| n.to_string());
            [m.path.clone(), number(m.line), number(m.index), m.problem.clone(), m.text.clone()]
        });
        let name = format!("{} that cannot be read", count_of(set.n_malformed, "part"));
        let table = Evidence::table(name, ["file", "line", "box", "problem", "text"], rows);
        let remedy = Remedy::risky("mend these lines, or write the files again with the tool that made them");
        let mut draft = Draft::new(place(first), message, table, remedy)
            .places(set.malformed.iter().skip(1).map(place))
            .count(set.n_malformed);
        if let Some(line) = first.line.filter(|_| !first.text.is_empty()) {
            draft = draft.evidence(Evidence::Excerpt {
                path: first.path.clone(),
                line,
                text: first.text.clone(),
            });
        }
        report.raise(draft);
    }
}

#[cfg(test)]
mod tests {
    use stetho_core::boxes::BoxFormat;

    use super::*;
    use crate::boxes::testing::{judge, set};

    #[test]
    fn file_line_and_box_are_named_and_all_are_counted() {
        let mut set = set(BoxFormat::Voc, []);
        set.malformed.push(MalformedAnnotation {
            path: "a.xml".into(),
            index: Some(2),
            line: Some(31),
            problem: "`xmin` is NaN".into(),
            text: "<xmin>nan</xmin>".into(),
        });
        set.n_malformed = 12_000;
        let found = judge("malformed-annotation", &set).remove(0);
        assert_eq!(found.count, 12_000);
        assert_eq!(found.places, [Place::Item { path: "a.xml".into(), index: Some(2), line: Some(31) }]);
        assert!(found.message.ends_with("the first is `a.xml` line 31, `xmin` is NaN"), "{}", found.message);
    }
}
