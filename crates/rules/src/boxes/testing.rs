//! Small detection sets for the tests of box rules.

use serde_json::{Map, Value};
use stetho_core::boxes::{Annotation, BoundingBox, BoxClass, BoxFormat, Boxes, PictureState};
use stetho_core::{Finding, Outcome, Session};

/// What the box rule `id` finds, with its default options. Panics where the rule did not run.
pub(crate) fn judge(id: &str, set: &Boxes) -> Vec<Finding> {
    judge_with(id, set, Value::Null)
}

/// As [`judge`], with options.
pub(crate) fn judge_with(id: &str, set: &Boxes, options: Value) -> Vec<Finding> {
    let options = Map::from_iter([(id.to_owned(), options)]);
    let mut session = Session::new(super::RULES, |info| info.id == id, &options).unwrap();
    session.observe(set);
    let verdict = session.finish();
    assert_eq!(verdict.outcomes.len(), 1, "no rule `{id}`");
    assert_eq!(verdict.outcomes[0].outcome, Outcome::Ran);
    verdict.findings
}

/// A box of a class that [`set`] looks up, or `?7` for one that is not declared. The numbers are written as corners.
pub(crate) fn of(class: &str, corners: [f64; 4]) -> BoundingBox {
    let class = BoxClass::Unknown(class.to_owned());
    BoundingBox { index: 0, line: None, class, corners, written: corners, is_crowd: false, is_derived: false }
}

/// A picture of this size with boxes, one a line from line 1.
pub(crate) fn annotation(
    width: u32,
    height: u32,
    boxes: impl IntoIterator<Item = BoundingBox>,
) -> Annotation {
    let number =
        |(i, b): (usize, BoundingBox)| BoundingBox { index: i as u64, line: Some(i as u64 + 1), ..b };
    Annotation {
        is_annotated: true,
        declared: Some((width, height)),
        state: PictureState::Sized(width, height),
        orientation: 1,
        boxes: boxes.into_iter().enumerate().map(number).collect(),
        ..Annotation::default()
    }
}

/// A set of these annotations in files `0.xml`, `1.xml` …; its classes are those of the boxes, sorted, without those
/// that begin with `?`.
pub(crate) fn set(format: BoxFormat, annotations: impl IntoIterator<Item = Annotation>) -> Boxes {
    let mut set = Boxes { format, is_declared: format != BoxFormat::Voc, ..Boxes::default() };
    set.annotations = annotations.into_iter().collect();
    let name = |b: &BoundingBox| match &b.class {
        BoxClass::Unknown(name) => name.clone(),
        BoxClass::Known(_) => String::new(),
    };
    let mut classes: Vec<String> =
        set.all().map(|(_, b)| name(b)).filter(|n| !n.is_empty() && !n.starts_with('?')).collect();
    classes.sort();
    classes.dedup();
    for (i, a) in set.annotations.iter_mut().enumerate() {
        a.path = format!("{i}.xml");
        if a.picture.is_empty() {
            a.picture = format!("{i}.png");
        }
        for b in &mut a.boxes {
            let name = name(b);
            b.class = match classes.iter().position(|c| *c == name) {
                Some(known) => BoxClass::Known(known as u32),
                None => BoxClass::Unknown(name.trim_start_matches('?').to_owned()),
            };
        }
    }
    set.classes = classes;
    set
}
