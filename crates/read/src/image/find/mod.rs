//! Finding the pictures of a set: which files, of which class, of which part.

mod idx;
mod list;
mod walk;

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use stetho_core::Measured;
use stetho_core::table::{FileFacts, Part};

use self::walk::Walked;
use super::{Found, FoundSet, Store};
use crate::{Plan, ReadError};

/// Whether `paths` are a set of pictures rather than of tables.
pub(crate) fn recognise(paths: &[PathBuf]) -> bool {
    paths.iter().any(|path| {
        if path.is_dir() {
            let (n_pictures, n_tables) = walk::census(path);
            n_pictures > 0 && n_pictures >= n_tables || !idx::pairs(path).is_empty()
        } else {
            walk::is_picture(path) || idx::is_pictures(path) || list::names_pictures(path)
        }
    })
}

/// A picture before the classes have numbers.
pub(crate) struct Item {
    pub path: PathBuf,
    pub index: Option<u64>,
    pub part: Part,
    pub class: Option<String>,
    pub store: Store,
}

/// What was gathered from the paths of a plan.
#[derive(Default)]
pub(crate) struct Gathered {
    pub items: Vec<Item>,
    pub layouts: BTreeSet<&'static str>,
    pub files: Vec<FileFacts>,
    pub skipped: Vec<String>,
}

/// Finds the pictures of `plan`.
///
/// # Errors
/// When there are none, or a path cannot be read.
pub(crate) fn find(plan: &Plan) -> Result<FoundSet, ReadError> {
    let mut gathered = Gathered::default();
    let parts = [(Part::Train, &plan.train), (Part::Validation, &plan.validation), (Part::Test, &plan.test)];
    for (part, paths) in parts {
        for path in paths {
            let before = gathered.items.len();
            gather(path, part, &mut gathered)?;
            if gathered.items.len() == before {
                let problem = "no picture in it (JPEG, PNG, WebP, GIF, BMP, TIFF, IDX)";
                return Err(ReadError::malformed(path, problem));
            }
        }
    }
    Ok(finish(gathered))
}

fn gather(path: &Path, part: Part, gathered: &mut Gathered) -> Result<(), ReadError> {
    let facts = std::fs::metadata(path).map_err(|e| ReadError::io(path, e))?;
    if !facts.is_dir() {
        if idx::is_pictures(path) {
            return idx::gather(path, part, gathered);
        }
        if list::names_pictures(path) {
            return list::gather(path, path.parent().unwrap_or(Path::new(".")), part, gathered);
        }
        gathered.layouts.insert("single pictures");
        let item = Item { path: path.to_owned(), index: None, part, class: None, store: Store::File };
        gathered.items.push(item);
        return Ok(());
    }
    let pairs = idx::pairs(path);
    if !pairs.is_empty() {
        return pairs.iter().try_for_each(|pictures| idx::gather(pictures, part, gathered));
    }
    let walked = walk::walk(path)?;
    let before = gathered.items.len();
    if let Some(list) = walked.tables.iter().find(|table| list::names_pictures(table)) {
        list::gather(list, path, part, gathered)?;
        gathered.skipped.extend(list::unlisted(&walked.pictures, &gathered.items[before..]));
    } else {
        folders(path, part, &walked, gathered);
    }
    gathered.skipped.extend(walked.skipped);
    gathered.files.push(FileFacts {
        path: path.display().to_string(),
        format: "folder".into(),
        n_rows: (gathered.items.len() - before) as u64,
    });
    Ok(())
}

/// The part that a folder's name stands for.
fn part_named(name: &str) -> Option<Part> {
    match name.to_lowercase().as_str() {
        "train" | "training" => Some(Part::Train),
        "val" | "valid" | "validation" | "dev" => Some(Part::Validation),
        "test" | "testing" | "eval" => Some(Part::Test),
        _ => None,
    }
}

/// Folders that only say that pictures are in them.
fn says_nothing(name: &str) -> bool {
    matches!(name.to_lowercase().as_str(), "images" | "image" | "imgs" | "img" | "pictures" | "data")
}

/// Classes and parts by the names of folders.
fn folders(root: &Path, part: Part, walked: &Walked, gathered: &mut Gathered) {
    let below = |path: &PathBuf| -> Vec<String> {
        let folders = path.strip_prefix(root).ok().and_then(Path::parent);
        let names = folders.into_iter().flat_map(Path::components);
        names.map(|c| c.as_os_str().to_string_lossy().into_owned()).filter(|n| !says_nothing(n)).collect()
    };
    let tops: BTreeSet<String> = walked.pictures.iter().filter_map(|p| below(p).first().cloned()).collect();
    let has_train = tops.iter().any(|t| part_named(t) == Some(Part::Train));
    let is_split = has_train || !tops.is_empty() && tops.iter().all(|t| part_named(t).is_some());
    let mut classes: BTreeMap<PathBuf, Option<String>> = BTreeMap::new();
    let mut names = BTreeSet::new();
    for path in &walked.pictures {
        let mut folders = below(path).into_iter();
        let mut class = folders.next();
        if is_split && class.as_deref().is_some_and(|c| part_named(c).is_some()) {
            class = folders.next();
        }
        names.extend(class.clone());
        classes.insert(path.clone(), class);
    }
    // One folder of pictures is no class.
    let has_classes = names.len() > 1;
    gathered.layouts.insert(match (has_classes, is_split) {
        (true, true) => "a folder a split and one a class",
        (true, false) => "one folder a class",
        (false, true) => "a folder a split",
        (false, false) => "one folder",
    });
    for path in &walked.pictures {
        let named = below(path).first().and_then(|top| part_named(top)).filter(|_| is_split);
        let class = classes.remove(path).flatten().filter(|_| has_classes);
        let part = if part == Part::Train { named.unwrap_or(part) } else { part };
        gathered.items.push(Item { path: path.clone(), index: None, part, class, store: Store::File });
    }
}

/// Sorts by part and path, and numbers the classes.
fn finish(mut gathered: Gathered) -> FoundSet {
    gathered.items.sort_by(|a, b| {
        let place = |item: &Item| (item.part, item.index.unwrap_or(0));
        a.part.cmp(&b.part).then_with(|| walk::natural(&a.path, &b.path)).then(place(a).cmp(&place(b)))
    });
    let names: BTreeSet<&String> = gathered.items.iter().filter_map(|i| i.class.as_ref()).collect();
    let mut classes: Vec<String> = names.into_iter().cloned().collect();
    if classes.iter().all(|c| c.parse::<f64>().is_ok()) {
        let value = |c: &String| c.parse::<f64>().unwrap_or(f64::NAN);
        classes.sort_by(|a, b| value(a).total_cmp(&value(b)));
    }
    let number: BTreeMap<&String, u32> = classes.iter().zip(0..).collect();
    let pictures = gathered.items.iter().map(|item| Found {
        path: item.path.clone(),
        index: item.index,
        part: item.part,
        label: item.class.as_ref().and_then(|c| number.get(c).copied()),
        store: item.store.clone(),
    });
    let pictures: Vec<Found> = pictures.collect();
    let labels = if classes.is_empty() {
        Measured::Not("there are no class folders and no list of labels".into())
    } else {
        Measured::Is(())
    };
    FoundSet {
        layout: gathered.layouts.into_iter().collect::<Vec<_>>().join(", "),
        files: gathered.files,
        pictures,
        classes,
        labels,
        skipped: gathered.skipped,
    }
}
