//! Pictures of all paths of a plan, with parts and labels.

use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::path::{Path, PathBuf};

use stetho_core::table::{FileFacts, Part};
use stetho_core::{Measured, count_of};

use super::list::{self, Listed};
use super::resolve::Resolver;
use super::{folders, names, walk};
use crate::image::array::{self, ArraySet};
use crate::image::{Found, FoundSet, Store};
use crate::{Plan, ReadError};

const NO_LABELS: &str = "the pictures lie in one folder without a list of labels";

/// What was gathered so far; classes are texts until all are known.
#[derive(Default)]
struct Gathered {
    pictures: Vec<(Found, Option<String>)>,
    files: Vec<FileFacts>,
    skipped: Vec<String>,
    layouts: BTreeSet<&'static str>,
}

/// Finds the pictures of `plan`.
///
/// # Errors
/// When there are none, or a path cannot be read.
pub(crate) fn find(plan: &Plan) -> Result<FoundSet, ReadError> {
    let mut all = Gathered::default();
    let parts = [(Part::Train, &plan.train), (Part::Validation, &plan.validation), (Part::Test, &plan.test)];
    for (part, paths) in parts {
        for path in paths {
            let before = all.pictures.len();
            let facts = std::fs::metadata(path).map_err(|e| ReadError::io(path, e))?;
            let format = match facts.is_dir() {
                true => all.folder(path, part, plan.target.as_deref())?,
                false => all.file(path, part, plan.target.as_deref())?,
            };
            let n_rows = (all.pictures.len() - before) as u64;
            if n_rows == 0 {
                let problem = "no picture in it (JPEG, PNG, WebP, GIF, BMP, TIFF, IDX or NumPy arrays)";
                return Err(ReadError::malformed(path, problem));
            }
            all.files.push(FileFacts { path: path.display().to_string(), format, n_rows });
        }
    }
    if all.pictures.is_empty() {
        return Err(ReadError::Request("no picture was given".to_owned()));
    }
    Ok(all.finish())
}

impl Gathered {
    fn add(&mut self, path: PathBuf, part: Part, class: Option<String>, store: Store) {
        self.pictures.push((Found { path, index: None, part, label: None, store }, class));
    }

    fn file(&mut self, path: &Path, part: Part, target: Option<&str>) -> Result<String, ReadError> {
        if names::is_list(path) {
            let Some((_, listed)) = list::read(path, &Resolver::disk(path), target)? else {
                return Err(ReadError::malformed(path, "no column of the list names pictures"));
            };
            self.listed(listed, part, |_| Part::Train);
            self.layouts.insert("a list of pictures");
            return Ok("list of pictures".to_owned());
        }
        if names::is_array(path) {
            let mut paths = vec![path.to_path_buf()];
            paths.extend(beside(path));
            let sets = array::open_sets(&paths)?;
            let own: Vec<ArraySet> = sets.into_iter().filter(|s| s.path == path).collect();
            return Ok(self.arrays(own, part));
        }
        self.layouts.insert("single pictures");
        self.add(path.to_path_buf(), part, None, Store::File);
        Ok("picture".to_owned())
    }

    fn arrays(&mut self, sets: Vec<ArraySet>, part: Part) -> String {
        let mut formats = Vec::new();
        for set in sets {
            for (index, (own, class)) in set.pictures.into_iter().enumerate() {
                let part = if part == Part::Train { own.unwrap_or(part) } else { part };
                let store = Store::Array(set.raster.clone());
                let found =
                    Found { path: set.path.clone(), index: Some(index as u64), part, label: None, store };
                self.pictures.push((found, class));
            }
            self.layouts.insert(if set.format.starts_with("IDX") { "IDX" } else { "NumPy arrays" });
            formats.push(set.format);
        }
        formats.join("; ")
    }

    fn listed(&mut self, listed: Vec<Listed>, part: Part, told: impl Fn(&Path) -> Part) {
        for row in listed {
            let own = row.part.unwrap_or_else(|| told(&row.path));
            let store = if row.is_there { Store::File } else { Store::Missing };
            self.add(row.path, if part == Part::Train { own } else { part }, row.label, store);
        }
    }

    fn folder(&mut self, folder: &Path, part: Part, target: Option<&str>) -> Result<String, ReadError> {
        let mut walked = walk::walk(folder)?;
        self.skipped.extend(walked.other_files());
        self.skipped.append(&mut walked.skipped);
        let arrays: Vec<PathBuf> =
            walked.arrays.iter().filter(|_| walked.pictures.len() <= 10).cloned().collect();
        let (bad, arrays): (Vec<_>, Vec<_>) =
            arrays.into_iter().map(|p| (array::trouble(&p), p)).partition(|p| p.0.is_some());
        self.skipped.extend(bad.into_iter().filter_map(|p| p.0));
        let arrays: Vec<PathBuf> = arrays.into_iter().map(|p| p.1).collect();
        let sets = array::open_sets(&arrays)?;
        if !sets.is_empty() {
            return Ok(self.arrays(sets, part));
        }
        let inner: Vec<Vec<String>> = walked.pictures.iter().map(|p| folders::folders(folder, p)).collect();
        let told = folders::tell(&inner, part);
        let part_of: BTreeMap<&Path, Part> =
            walked.pictures.iter().zip(&told).map(|(p, t)| (p.as_path(), t.part)).collect();
        let resolver = Resolver::walked(&walked.pictures);
        let mut listed = Vec::new();
        let mut is_labelled = false;
        for path in &walked.lists {
            let is_submission = path.file_name().is_some_and(|n| n.to_string_lossy().contains("submission"));
            match list::read(path, &resolver, target) {
                Ok(Some((columns, rows)))
                    if !is_submission && (columns.label.is_some() || columns.part.is_some()) =>
                {
                    is_labelled |= columns.label.is_some();
                    listed.extend(rows);
                }
                Ok(_) => self.skipped.push(format!("`{}`: no list of pictures and labels", path.display())),
                Err(error) => self.skipped.push(error.to_string()),
            }
        }
        let named: HashSet<PathBuf> = listed.iter().map(|l| l.path.clone()).collect();
        let has_classes = told.iter().any(|t| t.class.is_some());
        let is_list = is_labelled && (!has_classes || named.len() * 2 >= walked.pictures.len());
        if is_list {
            self.listed(listed, part, |path| part_of.get(path).copied().unwrap_or(part));
            let rest: Vec<&PathBuf> = walked.pictures.iter().filter(|p| !named.contains(*p)).collect();
            self.tell_some(&rest, "in no list");
            for path in rest {
                let own = part_of.get(path.as_path()).copied().unwrap_or(part);
                self.add(path.clone(), own, None, Store::File);
            }
            self.layouts.insert("a folder with a list");
            return Ok("folder with a list".to_owned());
        }
        let outside: Vec<&PathBuf> =
            walked.pictures.iter().zip(&told).filter(|(_, t)| t.is_outside).map(|(p, _)| p).collect();
        self.tell_some(&outside, "in no part and left out");
        for (path, told) in walked.pictures.iter().zip(&told).filter(|(_, t)| !t.is_outside) {
            self.add(path.clone(), told.part, told.class.clone(), Store::File);
        }
        let layout = if has_classes { "one folder a class" } else { "one folder" };
        self.layouts.insert(layout);
        Ok(layout.to_owned())
    }

    fn tell_some(&mut self, paths: &[&PathBuf], what: &str) {
        let Some(first) = paths.first() else { return };
        let more = if paths.len() > 1 { ", …" } else { "" };
        let verb = if paths.len() == 1 { "is" } else { "are" };
        let n = count_of(paths.len() as u64, "picture");
        self.skipped.push(format!("{n} {verb} {what}: `{}`{more}", first.display()));
    }

    fn finish(mut self) -> FoundSet {
        let mut classes: Vec<String> =
            self.pictures.iter().filter_map(|p| p.1.clone()).collect::<BTreeSet<_>>().into_iter().collect();
        classes.sort_by(|a, b| names::class_order(a, b));
        let number: BTreeMap<&String, u32> = classes.iter().zip(0..).collect();
        let mut pictures: Vec<(String, Found)> = std::mem::take(&mut self.pictures)
            .into_iter()
            .map(|(mut found, class)| {
                found.label = class.and_then(|c| number.get(&c).copied());
                (found.path.display().to_string(), found)
            })
            .collect();
        pictures.sort_by(|(a, x), (b, y)| {
            x.part.cmp(&y.part).then_with(|| names::natural(a, b)).then(x.index.cmp(&y.index))
        });
        let layout = self.layouts.into_iter().collect::<Vec<_>>().join(", ");
        FoundSet {
            layout,
            files: self.files,
            pictures: pictures.into_iter().map(|p| p.1).collect(),
            labels: if classes.is_empty() { Measured::Not(NO_LABELS.to_owned()) } else { Measured::Is(()) },
            classes,
            skipped: self.skipped,
        }
    }
}

/// Array files beside `path` that may hold its labels.
fn beside(path: &Path) -> Vec<PathBuf> {
    if names::extension(path) == "npz" {
        return Vec::new();
    }
    let parent = path.parent().map(Path::to_path_buf).unwrap_or_default();
    let shown = if parent.as_os_str().is_empty() { PathBuf::from(".") } else { parent.clone() };
    let entries = std::fs::read_dir(shown).into_iter().flatten().flatten();
    let mut found: Vec<PathBuf> = entries
        .map(|e| parent.join(e.file_name()))
        .filter(|p| {
            p != path
                && names::is_array(p)
                && p.file_name().is_some_and(|n| names::is_label(&n.to_string_lossy()))
        })
        .collect();
    found.sort();
    found
}
