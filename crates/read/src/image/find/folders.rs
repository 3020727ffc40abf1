//! Folders as parts and classes.

use std::collections::BTreeMap;
use std::path::Path;

use stetho_core::table::Part;

use super::names;

/// What a picture's folders tell of it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Told {
    pub part: Part,
    pub class: Option<String>,
    /// Whether it lies beside the folders of the parts, in none of them.
    pub is_outside: bool,
}

/// Names of the folders between `base` and the file.
pub(super) fn folders(base: &Path, path: &Path) -> Vec<String> {
    let inner = path.strip_prefix(base).unwrap_or(path);
    let parents = inner.parent().map(|p| p.components().collect::<Vec<_>>()).unwrap_or_default();
    parents.iter().map(|c| c.as_os_str().to_string_lossy().into_owned()).collect()
}

/// Reads parts and classes off the folders of each picture; `part` is that of all where it is not training.
pub(super) fn tell(pictures: &[Vec<String>], part: Part) -> Vec<Told> {
    let all: Vec<&[String]> = pictures.iter().map(Vec::as_slice).collect();
    let all = unwrapped(all);
    if part != Part::Train || !are_parts(&all) {
        let classes = classes(&all);
        return classes.into_iter().map(|class| Told { part, class, is_outside: false }).collect();
    }
    let mut groups: BTreeMap<Option<&str>, Vec<usize>> = BTreeMap::new();
    for (i, folders) in all.iter().enumerate() {
        groups.entry(folders.first().map(String::as_str)).or_default().push(i);
    }
    let mut told = vec![Told { is_outside: true, ..Told::default() }; all.len()];
    for (name, members) in groups {
        let Some(part) = name.and_then(names::part_of) else { continue };
        let inner = members.iter().filter_map(|i| all.get(*i)?.get(1..)).collect();
        for (i, class) in members.iter().zip(classes(&unwrapped(inner))) {
            if let Some(slot) = told.get_mut(*i) {
                *slot = Told { part, class, is_outside: false };
            }
        }
    }
    told
}

/// Leaves out folders that hold everything: `archive/train/…`, `images/cat/…`.
fn unwrapped(mut all: Vec<&[String]>) -> Vec<&[String]> {
    while let Some(first) = all.first().and_then(|f| f.first()) {
        let is_shared = all.iter().all(|f| f.first() == Some(first));
        let is_deep = all.iter().all(|f| f.len() >= 2);
        if !is_shared || names::part_of(first).is_some() || !(is_deep || names::is_plain_folder(first)) {
            break;
        }
        all = all.into_iter().map(|f| f.get(1..).unwrap_or_default()).collect();
    }
    all
}

/// Whether the first folders are parts, not classes: a set of vehicles may have a class `train`.
fn are_parts(all: &[&[String]]) -> bool {
    let tops: std::collections::BTreeSet<&str> =
        all.iter().filter_map(|f| f.first()).map(String::as_str).collect();
    let n_parts = tops.iter().filter(|name| names::part_of(name).is_some()).count();
    let is_train = |name: &str| names::part_of(name) == Some(Part::Train);
    let has_train = tops.iter().any(|name| is_train(name));
    let train_is_deep = all.iter().any(|f| f.len() >= 2 && f.first().is_some_and(|name| is_train(name)));
    n_parts > 0 && (n_parts == tops.len() || has_train && (n_parts >= 2 || train_is_deep))
}

/// The class of each picture: its first folder. None where most lie in no folder.
fn classes(all: &[&[String]]) -> Vec<Option<String>> {
    let n_deep = all.iter().filter(|f| !f.is_empty()).count();
    if n_deep * 2 < all.len() {
        return vec![None; all.len()];
    }
    all.iter().map(|f| f.first().cloned()).collect()
}
