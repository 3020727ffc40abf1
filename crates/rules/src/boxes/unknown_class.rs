//! `unknown-class`

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use stetho_core::boxes::{BoxClass, BoxFormat, Boxes};
use stetho_core::{Evidence, Remedy, Report, Rule, Severity, Signal, count_of, thousands};

use crate::box_sets::{Culprit, draft, share};

/// Boxes of a class that the set does not declare, or of one that is another one misspelt.
///
/// ## Why it matters
/// The head has as many outputs as classes are declared. A class beyond them stops the loss ("target out of bounds"; on the
/// GPU, an assertion without a line), or reads memory that is not its own; YOLO loaders leave out the whole picture. Class
/// numbers that count from 1 where the format counts from 0 also shift every other class by one, without an error.
///
/// ## What to do
/// Declare the class, or mend the number. Pascal VOC declares no classes: there, names that differ in capitals, spaces or
/// punctuation only are told as a warning, since each becomes a class of its own.
///
/// ## Fires on
/// ```boxes format=yolo
/// classes cat dog
/// pictures 8 320x240 boxes 2 cat dog
/// picture odd 320x240
/// box bird 20 30 100 120
/// ```
/// ```boxes format=voc
/// pictures 8 320x240 boxes 2 cat dog
/// picture odd 320x240
/// box Cat 20 30 100 120
/// ```
///
/// ## Stays quiet on
/// ```boxes format=yolo
/// classes cat dog bird
/// pictures 8 320x240 boxes 2 cat dog
/// ```
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct UnknownClass {}

impl Rule for UnknownClass {
    type Input = Boxes;
    const ID: &'static str = "unknown-class";
    const SEVERITY: Severity = Severity::Error;
    const SIGNALS: &'static [Signal] = &[Signal::Boxes];

    fn check(&mut self, set: &Boxes, report: &mut Report) {
        if set.is_declared { undeclared(set, report) } else { misspelt(set, report) }
    }
}

fn culprits(set: &Boxes, is_culprit: impl Fn(&BoxClass) -> bool) -> Vec<Culprit> {
    let of = |i: usize, a: &stetho_core::boxes::Annotation| -> Vec<Culprit> {
        let odd = a.boxes.iter().enumerate().filter(|(_, b)| is_culprit(&b.class));
        odd.map(|(number, b)| Culprit {
            annotation: i,
            number,
            badness: 0.0,
            caption: format!("class {}", set.class_name(&b.class)),
        })
        .collect()
    };
    set.annotations.iter().enumerate().flat_map(|(i, a)| of(i, a)).collect()
}

fn undeclared(set: &Boxes, report: &mut Report) {
    let found = culprits(set, |class| matches!(class, BoxClass::Unknown(_)));
    if found.is_empty() {
        return;
    }
    let mut counts: BTreeMap<&str, u64> = BTreeMap::new();
    for (_, b) in set.all() {
        if let BoxClass::Unknown(name) = &b.class {
            *counts.entry(name).or_default() += 1;
        }
    }
    let names: Vec<&str> = counts.keys().copied().collect();
    let shift = shift(set, &names);
    let why = match shift {
        Some(words) => format!(": {words}"),
        None => format!(", `{}` first", names.first().unwrap_or(&"?")),
    };
    let classes = count_of(set.classes.len() as u64, "declared class");
    let none = if found.len() == 1 { "is of none" } else { "are of none" };
    let message =
        format!("{} {none} of the {classes}{why}", share(found.len(), set.n_boxes() as usize, "box"));
    let rows = counts.iter().map(|(name, n)| [(*name).to_owned(), thousands(*n), nearest(set, name)]);
    let table =
        Evidence::table("classes that are not declared", ["as written", "boxes", "nearest declared"], rows);
    let remedy = match (shift, set.format) {
        (Some(_), BoxFormat::Yolo) => Remedy::risky("subtract 1 from the class numbers in all label files")
            .code(
                "from pathlib import Path\n\
             for path in Path(\"labels\").rglob(\"*.txt\"):  # work on a copy\n    \
             lines = [line.split() for line in path.read_text().splitlines() if line.strip()]\n    \
             path.write_text(\"\".join(f\"{int(c) - 1} {' '.join(rest)}\\n\" for c, *rest in lines))",
            ),
        (Some(_), _) => {
            Remedy::risky("make `category_id` and the ids of `categories` count from the same number")
        }
        (None, _) => Remedy::risky("declare the class, or mend it where it is written").code(format!(
            "assert ((labels >= 0) & (labels < {})).all(), (path, labels)  # in __getitem__ of the data set",
            set.classes.len()
        )),
    };
    report.raise(draft(set, &found, message, table, remedy));
}

/// In words, whether class numbers count from another start than the declared ones.
fn shift(set: &Boxes, names: &[&str]) -> Option<&'static str> {
    let [only] = names else { return None };
    let number: usize = only.parse().ok()?;
    let n = set.classes.len();
    let occurs = |class: usize| set.all().any(|(_, b)| b.class == BoxClass::Known(class as u32));
    match set.format {
        BoxFormat::Yolo if number == n && n > 1 && !occurs(0) => {
            Some("class numbers run from 1 and 0 never occurs, YOLO counts from 0")
        }
        BoxFormat::Coco if number == 0 && n > 1 && !occurs(n - 1) => {
            Some("`category_id` seems to count from 0 and the last category never occurs")
        }
        _ => None,
    }
}

/// The declared class whose name or number is nearest.
fn nearest(set: &Boxes, name: &str) -> String {
    let last = set.classes.len().saturating_sub(1);
    let by_number = || {
        let number: f64 = name.parse().ok()?;
        let index = number.clamp(0.0, last as f64) as usize;
        (set.format == BoxFormat::Yolo).then(|| Some(format!("{index} ({})", set.classes.get(index)?)))?
    };
    let by_name = || {
        let distances = set.classes.iter().map(|c| (distance(&plain(c), &plain(name)), c));
        let (distance, class) = distances.min()?;
        (3 * distance <= name.chars().count()).then(|| class.clone())
    };
    by_number().or_else(by_name).unwrap_or_else(|| "–".into())
}

/// Letters to change, add or leave out to make `b` of `a` (Levenshtein 1966).
fn distance(a: &str, b: &str) -> usize {
    let b: Vec<char> = b.chars().take(64).collect();
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, x) in a.chars().take(64).enumerate() {
        let mut corner = i;
        let mut left = i + 1;
        for (cell, y) in row.iter_mut().skip(1).zip(&b) {
            let best = (corner + usize::from(x != *y)).min(left + 1).min(*cell + 1);
            corner = *cell;
            *cell = best;
            left = best;
        }
        if let Some(first) = row.first_mut() {
            *first = i + 1;
        }
    }
    row.last().copied().unwrap_or(0)
}

/// Letters and digits, in lower case.
fn plain(name: &str) -> String {
    name.chars().filter(|c| c.is_alphanumeric()).flat_map(char::to_lowercase).collect()
}

/// Classes of a set that declares none, whose names differ in capitals, spaces or punctuation only.
fn misspelt(set: &Boxes, report: &mut Report) {
    let mut counts = vec![0_u64; set.classes.len()];
    for (_, b) in set.all() {
        if let BoxClass::Known(class) = b.class
            && let Some(count) = counts.get_mut(class as usize)
        {
            *count += 1;
        }
    }
    let mut groups: BTreeMap<String, Vec<(u64, u32)>> = BTreeMap::new();
    for (i, (name, n)) in set.classes.iter().zip(&counts).enumerate() {
        groups.entry(plain(name)).or_default().push((*n, i as u32));
    }
    groups.retain(|name, members| !name.is_empty() && members.len() > 1);
    let name = |class: u32| set.classes.get(class as usize).map_or("?", String::as_str);
    let (mut odd, mut rows) = (BTreeMap::new(), Vec::new());
    for members in groups.values_mut() {
        members.sort_by_key(|(n, class)| (std::cmp::Reverse(*n), *class));
        let Some((usual, rest)) = members.split_first() else { continue };
        for (n, class) in rest {
            odd.insert(*class, usual.1);
            rows.push([name(*class).to_owned(), thousands(*n), name(usual.1).to_owned(), thousands(usual.0)]);
        }
    }
    let Some(first) = rows.first() else { return };
    let found = culprits(set, |class| matches!(class, BoxClass::Known(c) if odd.contains_key(c)));
    let is = if found.len() == 1 { "is of a class" } else { "are of classes" };
    let message = format!(
        "{} {is} that differ from another in spelling only: `{}` ({}) and `{}` ({})",
        share(found.len(), set.n_boxes() as usize, "box"),
        first[0],
        first[1],
        first[2],
        first[3]
    );
    let pairs = odd.iter().map(|(c, usual)| format!("{:?}: {:?}", name(*c), name(*usual)));
    let code = format!("same = {{{}}}\nname = same.get(name, name)", pairs.collect::<Vec<_>>().join(", "));
    let table = Evidence::table("names of one class", ["name", "boxes", "more often", "boxes of that"], rows);
    let remedy = Remedy::risky("give each class one name").code(code);
    report.raise(draft(set, &found, message, table, remedy).severity(Severity::Warning).certainty(0.8));
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::boxes::testing::{annotation, judge, of, set};

    fn with(format: BoxFormat, classes: &[&str]) -> Boxes {
        let boxes = classes.iter().map(|c| of(c, [10.0, 10.0, 50.0, 50.0]));
        set(format, [annotation(100, 100, boxes)])
    }

    #[test]
    fn undeclared_classes_are_named_with_the_nearest() {
        let found = judge("unknown-class", &with(BoxFormat::Yolo, &["cat", "dog", "?7"])).remove(0);
        assert_eq!(found.message, "1 of 3 boxes (33.3 %) is of none of the 2 declared classes, `7` first");
        let Evidence::Table { rows, .. } = &found.evidence[0] else { panic!("no table") };
        assert_eq!(rows[0], ["7", "1", "1 (dog)"]);
        assert!(judge("unknown-class", &with(BoxFormat::Yolo, &["cat", "dog"])).is_empty());
    }

    #[test]
    fn numbers_that_count_from_one_are_recognised() {
        let mut shifted = with(BoxFormat::Yolo, &["dog", "?2"]);
        shifted.annotations[0].boxes[0].class = BoxClass::Known(1);
        shifted.classes = vec!["cat".into(), "dog".into()];
        let found = judge("unknown-class", &shifted).remove(0);
        assert!(found.message.ends_with("class numbers run from 1 and 0 never occurs, YOLO counts from 0"));
        shifted.annotations[0].boxes[0].class = BoxClass::Known(0);
        assert!(!judge("unknown-class", &shifted)[0].message.contains("from 1"));
    }

    #[test]
    fn spelling_is_all_that_differs() {
        let found =
            judge("unknown-class", &with(BoxFormat::Voc, &["tow truck", "tow truck", "Tow-Truck", "cat"]));
        assert_eq!((found[0].count, found[0].severity), (1, Severity::Warning));
        assert!(judge("unknown-class", &with(BoxFormat::Voc, &["car", "cat", "cars"])).is_empty());
    }

    #[test]
    fn distances_of_words() {
        for (a, b, d) in [("", "abc", 3), ("kitten", "sitting", 3), ("cat", "cat", 0), ("dog", "dg", 1)] {
            assert_eq!(distance(a, b), d, "{a} {b}");
        }
    }
}
